"""What a fleet of readers moves and costs, beside a feed without validators and compression.

A day of each habit is lived against the service: 48 polls, four edits between them, bytes as they
come over the wire. CPU is that of the service alone, for readers that close the connection.
What each poll took is then extended on paper to a million and ten million subscribers.

    ./run bench fleet             writes the section "A fleet of readers" of bench/RESULTS.md
"""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass, field, replace
from math import ceil
from pathlib import Path

import plots
import results
from asking import Connection
from edit import FEED, save, until_new
from load import together

from processes import CORE, Tree, ours
from sites import make_site, posts

POLLS, CHANGES, MONTH = 48, 4, 30


@dataclass
class Habit:
    """How some readers ask.

    Attributes:
        mixed: their share of the fleet that polls every half hour; an assumption, as is `direct`.
        direct: their share of a million subscribers, and how often each asks a day.
        unchanged, changed: bytes of a poll without news and of one with.
    """

    name: str
    sends: tuple[str, ...]
    coding: str
    mixed: float
    direct: tuple[float, int]
    unchanged: int = 0
    changed: int = 0
    day: int = 0
    held: dict[str, str] = field(default_factory=dict)

    def poll(self, connection: Connection, path: str = FEED) -> None:
        """Ask once, and keep what such a reader keeps."""
        headers = {"Accept-Encoding": self.coding} if self.coding else {}
        headers |= {name: self.held[name] for name in self.sends if name in self.held}
        answer = connection.ask(path, headers)
        assert answer.status in (200, 304), answer.status
        self.day += answer.wire
        news = answer.headers["etag"] != self.held.get("any")
        self.held |= {"any": answer.headers["etag"]}
        if answer.status == 200:
            self.held |= {
                "If-None-Match": answer.headers["etag"],
                "If-Modified-Since": answer.headers["last-modified"],
            }
        if news:
            self.changed = answer.wire
        else:
            self.unchanged = answer.wire

    def bytes(self, polls: float, changes: float) -> float:
        """Bytes that so many polls move when so many of them bring news."""
        news = min(polls, changes)
        return news * self.changed + (polls - news) * self.unchanged


_BOTH = ("If-None-Match", "If-Modified-Since")
HABITS = (
    Habit("both validators, br or gzip", _BOTH, "gzip, deflate, br", 0.62, (0.25, 24)),
    Habit("ETag only, gzip", _BOTH[:1], "gzip", 0.12, (0.05, 48)),
    Habit("If-Modified-Since only, gzip", _BOTH[1:], "gzip", 0.08, (0.03, 48)),
    Habit("both validators, no coding", _BOTH, "", 0.05, (0.02, 24)),
    Habit("no validators, gzip", (), "gzip", 0.08, (0.03, 24)),
    Habit("no validators, no coding", (), "", 0.05, (0.02, 24)),
)
# The others read through services that poll once for all of them.
SHARED = 1 - sum(habit.direct[0] for habit in HABITS)
PEAK = 10  # readers wake at full and half hours


def live(tree: Tree, site: Path) -> None:
    """One day of every habit."""
    *_, newest = posts(350)
    with contextlib.closing(Connection(tree.port)) as connection:
        for habit in HABITS:
            habit.poll(connection)  # subscribed yesterday
            habit.day = 0
        for turn in range(POLLS):
            if turn % (POLLS // CHANGES) == 3:
                mark = f"Edit {turn}"
                etag = connection.ask(FEED).headers["etag"]
                save(site, replace(newest, title=mark))
                until_new(connection, etag, mark)
                tree.settle(20)
            for habit in HABITS:
                habit.poll(connection)


def main() -> None:
    options = results.arguments(rounds=3)
    results.need("wrk", "taskset")
    seconds = 1 if options.quick else 3
    with tempfile.TemporaryDirectory() as folder:
        site = make_site(Path(folder) / "site", 350)
        with ours(site, core=CORE) as tree:
            live(tree, site)
            costs = [cost(tree, habit, options.rounds, seconds) for habit in HABITS]
    naive = HABITS[-1].changed * POLLS
    day = sum(habit.mixed * habit.day for habit in HABITS)
    one = HABITS[0]
    naive_month = HABITS[-1].changed * POLLS * MONTH
    months = {changes: naive_month / one.bytes(POLLS * MONTH, changes) for changes in (4, CHANGES * MONTH)}
    rows = [
        [
            habit.name,
            f"{habit.mixed:.0%}",
            f"{habit.unchanged:,}",
            f"{habit.changed:,}",
            f"{habit.day:,}",
            f"{naive / habit.day:.1f}",
            f"{spent:.0f} µs",
            f"{spent * POLLS / 1000:.1f} ms",
        ]
        for habit, spent in zip(HABITS, costs, strict=True)
    ]
    figures = {"fleet.day": naive / day, "fleet.month": months[4]}
    bars = [
        (("ours: " if habit.sends or habit.coding else "") + habit.name, habit.day / 1e6) for habit in HABITS
    ]
    picture = plots.bars("Bytes a day of one reader that polls every half hour", bars, "MB")
    text = (
        f"The main feed of 350 posts ({HABITS[-1].changed:,} bytes with headers), every half hour, {CHANGES} changes a day; CPU of the service for one poll without news, connections closed. "
        f"The fleet's shares are an assumption. Together {day:,.0f} bytes a reader and day, {naive / day:.1f} times fewer than without validators and compression.\n\n"
        "![A fleet of readers](fleet.svg)\n\n"
        + results.markdown(
            [
                "habit",
                "share",
                "no news, bytes",
                "news, bytes",
                "a day",
                "times fewer",
                "CPU a poll",
                "CPU a day",
            ],
            rows,
        )
        + f"\nOne subscriber with validators for a month: 1 : {months[4]:.0f} where the blog changes 4 times a month, as this one does, and 1 : {months[CHANGES * MONTH]:.0f} with {CHANGES} changes a day.\n\n"
        + paper(costs)
    )
    results.write(options, "A fleet of readers", text, figures, {"fleet": picture})


def cost(tree: Tree, habit: Habit, rounds: int, seconds: int) -> float:
    """µs of CPU that a poll without news takes the service."""
    headers = {"Connection": "close"} | ({"Accept-Encoding": habit.coding} if habit.coding else {})
    headers |= {name: habit.held[name] for name in habit.sends}
    return results.median(
        [together([(tree, tree.port, FEED)], headers, seconds)[0].cpu for _ in range(rounds)]
    )


def paper(costs: list[float]) -> str:
    """Subscribers by the million, from what one poll took."""
    polls = sum(share * often for share, often in (habit.direct for habit in HABITS))
    moved = sum(habit.direct[0] * habit.bytes(habit.direct[1], CHANGES / MONTH) for habit in HABITS)
    naive = HABITS[-1].changed * polls
    spent = (
        sum(habit.direct[0] * habit.direct[1] * each for habit, each in zip(HABITS, costs, strict=True))
        / polls
    )
    rows = []
    for subscribers in (10_000, 1_000_000, 10_000_000):
        rate = subscribers * polls / 86_400
        busy = rate * PEAK * spent / 1e6
        rows.append(
            [
                f"{subscribers:,}",
                f"{rate:,.0f}",
                f"{rate * PEAK:,.0f}",
                f"{ceil(busy / 0.5)}",
                f"{subscribers * moved * MONTH / 1e9:,.1f} GB",
                f"{subscribers * naive * MONTH / 1e12:,.1f} TB",
            ]
        )
    return (
        f"On paper: {SHARED:.0%} of subscribers read through services that poll once for all of them, the others by themselves in the habits above, {polls:.1f} polls a subscriber "
        f"and day on average, {CHANGES} changes a month; {spent:.0f} µs of CPU a poll. *Processes* keep each core half idle when {PEAK} times the average comes at once. "
        "A cache in front answers all but one poll a second for each address and coding.\n\n"
        + results.markdown(
            [
                "subscribers",
                "polls/s",
                "at the peak",
                "processes",
                "traffic a month",
                "without validators and compression",
            ],
            rows,
        )
    )


if __name__ == "__main__":
    main()
