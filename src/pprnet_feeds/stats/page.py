"""The page ``/stats``: the report of the statistics as plots and tables.

Each plot is drawn in SVG without a size of its own, and says in words and in a
table the same as its line. The page is not for search engines or caches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

from pprnet_feeds.content.model import Site
from pprnet_feeds.pages.pages import Page, page_headers, render_template
from pprnet_feeds.stats.report import FRESH, RECENT, Report, Series, number, size, together
from pprnet_feeds.syndication.search import is_available

PATH = "/stats"
# A plot has a point for each day, or for each week once there are more days than these.
MOST_DAYS, WEEK = 62, 7
# How many feeds, and how many readers, have a plot of their own; and how many more are listed.
PLOTTED, LISTED = 6, 60
# The units of a drawing.
WIDTH, HEIGHT = 1000, 200

_HEADERS = (("cache-control", "no-store"), ("x-robots-tag", "noindex"))


@dataclass(frozen=True, slots=True)
class Plot:
    """One line over time.

    Attributes:
        says: what there is to be seen, in sentences.
        scale: the words at the upper edge, the middle and the lower edge.
        span: the first day and the last; one, when it is the same.
        line: the outline, as the data of an SVG path.
        area: what is below it.
        rows: day and value of each point in words, the newest first.
    """

    says: str
    scale: tuple[str, str, str]
    span: tuple[str, ...]
    line: str
    area: str
    rows: tuple[tuple[str, str], ...]


def page(report: Report | None, site: Site) -> Page:
    """Render the page; None means that the report cannot be read at the moment."""
    body = render_template(
        "stats.html",
        site=site,
        path=PATH,
        root=urlsplit(site.base_url).path,
        own=None,
        typed="",
        has_search=is_available(),
        report=report,
        number=number,
        size=size,
        days=RECENT,
        fresh=FRESH,
        listed=LISTED,
        **(_plots(report) if report and report.polls else {}),
    )
    return Page(body, headers=(*page_headers(), *_HEADERS))


def plot(days: Sequence[str], values: Sequence[int | None], show: Callable[[int], str], top: int = 0) -> Plot:
    """The plot of one value, 0 or more, for each of *days*, of which there is at least one.

    None is a day without a value: the line is broken there. *top* is the value at the upper edge;
    when it is 0, the next round one.
    """
    known = [(day, value) for day, value in zip(days, values, strict=True) if value is not None]
    most = max((value for _, value in known), default=0)
    edge = top or _round(most)
    line, area = "", ""
    for is_known, run in groupby(enumerate(values), lambda point: point[1] is not None):
        points = [
            (round(WIDTH * place / max(len(days) - 1, 1)), HEIGHT - round(HEIGHT * (value or 0) / edge))
            for place, value in run
        ]
        if is_known:
            outline = "L".join(f"{x} {y}" for x, y in points)
            # A single point is a line of no length, which round ends make a dot.
            line += f"M{outline}" + ("h0" if len(points) == 1 else "")
            area += f"M{points[0][0]} {HEIGHT}L{outline}L{points[-1][0]} {HEIGHT}Z"
    words = ["–" if value is None else show(value) for value in values]
    return Plot(
        says=_sentences(known, most, show),
        scale=(show(edge), show(edge // 2), show(0)),
        span=tuple(dict.fromkeys((days[0], days[-1]))),
        line=line,
        area=area,
        rows=tuple(zip(days, words, strict=True))[::-1],
    )


def _plots(report: Report) -> dict[str, Any]:
    step = WEEK if len(report.polls) > MOST_DAYS else 1

    def last_of_each(values: Sequence[Any]) -> list[Any]:
        """The values at the end of each *step* days, counted back from the last."""
        return list(values[::-step])[::-1]

    def plotted(series: Sequence[Series]) -> list[tuple[Series, Plot]]:
        lines = [(one, last_of_each(one.days)) for one in series[:PLOTTED]]
        return [(one, plot(last_of_each(report.days), line, number, max(line))) for one, line in lines]

    polls = report.polls[:-1]  # today is not over
    days = last_of_each(report.days[:-1])
    parts = [polls[max(end - step, 0) : end] for end in range(len(polls), 0, -step)][::-1]
    sums = [(together(part), len(part)) for part in parts]
    daily = days and {
        "requests": plot(days, [round(part.requests / count) for part, count in sums], number),
        "share": plot(days, [part.share for part, _ in sums], lambda value: f"{value} %", 100),
        "bytes": plot(days, [round(part.bytes / count) for part, count in sums], size),
    }
    return {
        "weekly": step == WEEK,
        "total": plot(last_of_each(report.days), last_of_each(report.total.days), number),
        "feeds": plotted(report.feeds),
        "other_feeds": report.feeds[PLOTTED:],
        "readers": plotted(report.readers),
        "other_readers": report.readers[PLOTTED:],
        "daily": daily,
    }


def _sentences(known: Sequence[tuple[str, int]], most: int, show: Callable[[int], str]) -> str:
    if not known:
        return "There is nothing to show."
    (first, start), (last, end) = known[0], known[-1]
    if first == last:
        return f"{show(end)} on {last}."
    day = next(day for day, value in known if value == most)
    peak = f" The most is {show(most)}, on {day}." if most > max(start, end) else ""
    return f"From {show(start)} on {first} to {show(end)} on {last}.{peak}"


def _round(most: int) -> int:
    """The next value that people read easily, and whose half as well: 2, 4, 6, 8, 10, 20 …"""
    ten: int = 10 ** (len(str(max(most - 1, 1))) - 1)
    return next(step * ten for step in (2, 4, 6, 8, 10) if step * ten >= most)
