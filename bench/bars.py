"""What we hold ourselves to: each bar, its floor, its aim, and whether the last run met it.

A bar is a ratio of two things measured in one run, because a figure alone says
more of the machine than of us. Whether it is met is computed, never typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """One promise.

    Attributes:
        keys: label -> the key under which a bench tells its figure; all must meet the bar.
        floor: the worst figure that is good enough.
        aim: the figure we want; None when there is none beyond the floor.
        upper: whether smaller figures are better.
    """

    what: str
    against: str
    floor: float
    aim: float | None
    keys: dict[str, str]
    unit: str = ""
    upper: bool = False

    def line(self, figures: Mapping[str, float]) -> str:
        """The bar as a line of the table."""
        told, verdicts = [], []
        for label, key in self.keys.items():
            figure = figures.get(key)
            told.append(f"{label} {'not measured' if figure is None else shown(figure) + self.unit}".strip())
            verdicts.append("not measured" if figure is None else self.verdict(figure))
        order = ("not measured", "**not met**", "met", "aim met")
        worst = min(verdicts, key=order.index)
        sign = "≤ " if self.upper else "≥ "
        limits = [
            sign + shown(limit) + self.unit if limit is not None else "" for limit in (self.floor, self.aim)
        ]
        return f"| {self.what} | {self.against} | {limits[0]} | {limits[1]} | {', '.join(told)} | {worst} |"

    def verdict(self, figure: float) -> str:
        """Whether *figure* is good enough, before it is rounded."""

        def reaches(limit: float) -> bool:
            return figure <= limit if self.upper else figure >= limit

        if self.aim is not None and reaches(self.aim):
            return "aim met"
        return "met" if reaches(self.floor) else "**not met**"


def shown(figure: float) -> str:
    """A figure with three digits that mean something."""
    return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.3g}"


def _each(prefix: str, *names: str) -> dict[str, str]:
    return {name: f"{prefix}.{name}" for name in names}


_KINDS = ("full", "gzip", "br", "304")
_TIMES = ("wall", "CPU")

BARS = (
    Bar("CPU a request", "bare ASGI, same uvicorn options, bytes and headers", 0.95, 1.0, _each("bare.cpu", *_KINDS)),
    Bar("requests a second", "the same", 0.95, 1.0, _each("bare.rate", *_KINDS)),
    Bar("CPU a request", "bare ASGI on uvicorn's default options", 1.0, 1.05, _each("default.cpu", *_KINDS)),
    Bar("requests a second", "the same", 1.0, 1.05, _each("default.rate", *_KINDS)),
    Bar("requests a second, one process each", "nginx static, sendfile, precompressed", 0.33, 0.4, _each("nginx", "full", "gzip")),
    Bar("the same, 304", "nginx", 0.55, 0.65, _each("nginx", "304")),
    Bar("drawing every document, same bytes", "plain feedgen, a document at a time", 1.7, 3, _each("draw", "350 posts", "10,000 posts"), "x"),
    Bar("drawing after an edit of one of 10,000 posts", "the full build", 0.5, 0.1, {"": "redraw"}, " %", True),
    Bar("a saved file to its new bytes, 10,000 posts, beyond the settle time", "the cold start", 5, 2, {"": "edit"}, " %", True),
    Bar("start to main and all topic feeds, cold, 10,000 posts", "Hugo building the same feeds", 1.2, 2, _each("start.hugo", *_TIMES), "x"),
    Bar("the same", "Pelican", 15, 25, _each("start.pelican", *_TIMES), "x"),
    Bar("the same, 350 posts", "Hugo", 1, 1.3, _each("start350.hugo", *_TIMES), "x"),
    Bar("start again, nothing changed, 10,000 posts", "the cold start", 0.4, 0.3, _each("warm.cold", *_TIMES), "", True),
    Bar("the same", "Hugo", 3, 5, _each("warm.hugo", *_TIMES), "x"),
    Bar("memory a post, 10,000 posts", "an empty site", 12, 6, {"": "memory.10000"}, " kB", True),
    Bar("memory a post, 100,000 posts", "an empty site", 5, 2.5, {"": "memory.100000"}, " kB", True),
    Bar("requests a second while 10,000 posts are rebuilt on the same core", "at rest", 0.9, 0.95, {"": "rebuild.rate"}),
    Bar("p99 meanwhile", "at rest", 5, 3, {"": "rebuild.p99"}, "x", True),
    Bar("size of the best coding kept", "gzip 9", 0.81, None, {"": "size"}, "", True),
    Bar("a combination never asked for, 10,000 posts", "plain feedgen drawing that document", 5, 2, {"": "first"}, "x", True),
    Bar("`pprnet-feeds --help`", '`python -c "import click"`', 3, 2, {"": "help"}, "x", True),
    Bar("bytes a day, mixed fleet, every half hour, four changes a day", "no validators, no compression", 8, 9, {"": "fleet.day"}, " times fewer"),
    Bar("bytes a month, one subscriber with validators, every half hour", "the same", 100, 150, {"": "fleet.month"}, " times fewer"),
)  # fmt: skip


def table(figures: Mapping[str, float]) -> str:
    """All bars as a section of Markdown."""
    lines = [bar.line(figures) for bar in BARS]
    return "\n".join(
        [
            "## Bars",
            "",
            "Computed from the sections below. Each figure is a ratio of two measurements of one run.",
            "",
            "| what | against | floor | aim | measured | |",
            "| --- | --- | ---: | ---: | --- | --- |",
            *lines,
            "",
        ]
    )
