"""The page ``/stats``: what feed readers tell of themselves, as plots and as tables.

It is for whoever runs the feeds, who may show it to anybody: it says how many,
never who. It needs no script, is for no search engine and for no cache, and
says plainly what it cannot know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from pprnet_feeds.content.model import Site
from pprnet_feeds.pages.figures import (
    FRESH,
    RECENT,
    STATS,
    WHY,
    Figures,
    Polls,
    Series,
    number,
    size,
    together,
)
from pprnet_feeds.pages.page import Page, policy, security
from pprnet_feeds.pages.pages import templates
from pprnet_feeds.pages.plots import Plot, plot

# A plot has a point for each day, or for each week once there are more days than these.
MOST_DAYS = 62
WEEK = 7
# How many feeds, and how many readers, have a plot of their own, and of how many more the number is told.
PLOTTED, TOLD = 6, 60

_HEADERS = (("cache-control", "no-store"), ("x-robots-tag", "noindex"))


def page(figures: Figures | None, site: Site) -> Page:
    """Draw the page; None stands for figures that cannot be read at the moment."""
    body = templates.get_template("stats.html").render(
        site=site,
        path=STATS,
        root=urlsplit(site.base_url).path,
        own=None,
        figures=figures,
        number=number,
        size=size,
        days=RECENT,
        fresh=FRESH,
        told=TOLD,
        why=WHY,
        **(_plots(figures) if figures and figures.polls else {}),
    )
    return Page(body.encode(), headers=(*security(policy()), *_HEADERS))


def _plots(figures: Figures) -> dict[str, Any]:
    step = WEEK if len(figures.polls) > MOST_DAYS else 1
    days = _last_of_each(figures.days, step)
    return {
        "weekly": step == WEEK,
        "total": plot(days, _last_of_each(figures.total.days, step), number),
        "feeds": [(one, _of(one, days, step)) for one in figures.feeds[:PLOTTED]],
        "other_feeds": figures.feeds[PLOTTED:],
        "readers": [(one, _of(one, days, step)) for one in figures.readers[:PLOTTED]],
        "other_readers": figures.readers[PLOTTED:],
        "daily": _daily(figures, step),
    }


def _daily(figures: Figures, step: int) -> dict[str, Plot]:
    """The plots of what is counted by the day; none before the first is over."""
    days, parts = _last_of_each(figures.days[:-1], step), _parts(figures.polls[:-1], step)
    if not days:
        return {}
    return {
        "pollers": plot(days, [_mean([day.pollers for day in part]) for part in parts], number),
        "share": plot(days, [together(part).share for part in parts], lambda value: f"{value} %", 100),
        "bytes": plot(days, [_mean([day.bytes for day in part]) for part in parts], size),
    }


def _of(series: Series, days: Sequence[str], step: int) -> Plot:
    """The plot in one line of text: as high as its highest value, since no words stand beside it."""
    values = _last_of_each(series.days, step)
    return plot(days, values, number, max(values))


def _last_of_each(days: Sequence[Any], step: int) -> list[Any]:
    """What stands at the end of each *step* days, counted back from the last."""
    return list(days[::-step])[::-1]


def _parts(polls: Sequence[Polls], step: int) -> list[Sequence[Polls]]:
    """Each *step* days, counted back from the last; the first may be fewer."""
    return [polls[max(end - step, 0) : end] for end in range(len(polls), 0, -step)][::-1]


def _mean(numbers: Sequence[int]) -> int:
    return round(sum(numbers) / len(numbers))
