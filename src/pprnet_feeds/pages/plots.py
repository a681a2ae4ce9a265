"""A line over time, as the data of SVG paths and as the words that say the same.

The drawing has no size of its own: a template stretches it to the room there
is, and sets its words beside it, so that they stay readable on a small screen.
Nothing is told by the drawing alone; each value also stands in `rows`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

# The drawing's own units.
WIDTH, HEIGHT = 1000, 200

Value = int | None
Show = Callable[[int], str]


@dataclass(frozen=True, slots=True)
class Plot:
    """One line, whose values are nought or more.

    Attributes:
        says: what there is to be seen, in sentences.
        scale: the words at the upper edge, the middle and the lower edge.
        span: the first day and the last; one, when it is the same.
        line: the outline, as the data of an SVG path.
        area: what lies below it.
        rows: day and value of each point in words, the newest first.
    """

    says: str
    scale: tuple[str, str, str]
    span: tuple[str, ...]
    line: str
    area: str
    rows: tuple[tuple[str, str], ...]


def plot(days: Sequence[str], values: Sequence[Value], show: Show, top: int = 0) -> Plot:
    """The plot of one value for each of *days*, of which there is at least one.

    None is a day that has no value: the line is broken there. *top* is the value
    at the upper edge; when it is 0, the next round one.
    """
    known = [(day, value) for day, value in zip(days, values, strict=True) if value is not None]
    most = max((value for _, value in known), default=0)
    edge = top or _round(most)
    line, area = "", ""
    for run in _runs(values):
        points = [(_across(place, len(days)), _down(value, edge)) for place, value in run]
        (first, _), (last, _) = points[0], points[-1]
        outline = "L".join(f"{x} {y}" for x, y in points)
        # A point alone is a line of no length, which round ends make a dot.
        line += f"M{outline}" + ("h0" if len(points) == 1 else "")
        area += f"M{first} {HEIGHT}L{outline}L{last} {HEIGHT}Z"
    words = ["–" if value is None else show(value) for value in values]
    return Plot(
        says=_says(known, most, show),
        scale=(show(edge), show(edge // 2), show(0)),
        span=tuple(dict.fromkeys((days[0], days[-1]))),
        line=line,
        area=area,
        rows=tuple(zip(days, words, strict=True))[::-1],
    )


def _says(known: Sequence[tuple[str, int]], most: int, show: Show) -> str:
    if not known:
        return "There is nothing to show."
    (first, start), (last, end) = known[0], known[-1]
    if first == last:
        return f"{show(end)} on {last}."
    day = next(day for day, value in known if value == most)
    peak = f" The most is {show(most)}, on {day}." if most > max(start, end) else ""
    return f"From {show(start)} on {first} to {show(end)} on {last}.{peak}"


def _runs(values: Sequence[Value]) -> Iterator[list[tuple[int, int]]]:
    """The values that stand beside one another, with their places."""
    for known, run in groupby(enumerate(values), lambda item: item[1] is not None):
        if known:
            yield [(place, value) for place, value in run if value is not None]


def _across(place: int, count: int) -> int:
    return round(WIDTH * place / max(count - 1, 1))


def _down(value: int, edge: int) -> int:
    return HEIGHT - round(HEIGHT * value / edge)


def _round(most: int) -> int:
    """The next value that people read easily and whose half they do, too: 2, 4, 6, 8, 10, 20 …"""
    ten = 1
    while 10 * ten < most:
        ten *= 10
    return next(step * ten for step in (2, 4, 6, 8, 10) if step * ten >= most)
