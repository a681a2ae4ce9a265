"""What feed readers told of themselves, counted: the figures behind ``/stats`` and the command of that name.

Values only: where they are kept is for `serving` to know, how they look for the
page and the command. All are counts of subscriptions, requests and bytes; what
would name a person never gets this far. A count of subscriptions is a lower
bound, since many readers report none: nothing here may estimate the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

STATS = "/stats"
# Over how many days sums are made, the present one included.
RECENT = 30
# For how many days a report counts: readers do not report daily, and who falls silent has lost them.
FRESH = 14
# Why an address that is still asked for is not the one to ask for, in the words that people are told.
WHY = {"moved": "moved", "gone": "withdrawn", "guessed": "guessed"}


@dataclass(frozen=True, slots=True)
class Series:
    """How many subscriptions one feed or reader had, day by day.

    Attributes:
        name: as people are told it; a reader's own words, or a feed's title.
        path: the page of the feed's posts, without the leading slash; None when it has none.
        days: a number for each day of the figures; the last is today's.
        now_by: today's number by reader, the largest first; empty for a reader.
    """

    name: str
    path: str | None
    days: tuple[int, ...]
    now_by: Mapping[str, int]

    @property
    def now(self) -> int:
        """Today's number."""
        return self.days[-1] if self.days else 0


@dataclass(frozen=True, slots=True)
class Polls:
    """How feeds were asked for on one day, or on several.

    Attributes:
        full: polls that were answered with the whole feed.
        unchanged: those that were answered by 304 and so cost nothing but the headers.
        guessed: those of guessed addresses, which were answered in either way.
        bytes: the bodies sent.
        pollers: how many different ones asked on the day.
    """

    full: int = 0
    unchanged: int = 0
    guessed: int = 0
    bytes: int = 0
    pollers: int = 0

    @property
    def requests(self) -> int:
        """All polls."""
        return self.full + self.unchanged + self.guessed

    @property
    def share(self) -> int | None:
        """The percentage that cost nothing, never rounded up; None when nobody asked."""
        told = self.full + self.unchanged
        return 100 * self.unchanged // told if told else None


@dataclass(frozen=True, slots=True)
class Former:
    """An address that is still asked for and is not, or no longer, the one to ask for.

    Attributes:
        kind: a key of `WHY`.
        requests: how often, in the last `RECENT` days.
        newest: the last of these days on which it was asked for: YYYY-MM-DD.
    """

    address: str
    kind: str
    requests: int
    newest: str


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures, from the first day on which there are any to today.

    Attributes:
        today: the last day of each series, in UTC, which is not over.
        total: all subscriptions.
        feeds: by selection of posts, whatever the view and format; most subscriptions first.
        readers: by reading program that reports, most subscriptions first.
        polls: one for each day.
        former: the addresses asked for most, first.
    """

    today: date
    total: Series
    feeds: tuple[Series, ...]
    readers: tuple[Series, ...]
    polls: tuple[Polls, ...]
    former: tuple[Former, ...]

    @property
    def days(self) -> tuple[str, ...]:
        """The days of every series, YYYY-MM-DD; none when nothing was counted so far."""
        last = len(self.polls) - 1
        return tuple(str(self.today - timedelta(days=last - place)) for place in range(last + 1))

    @property
    def recent(self) -> Polls:
        """The polls of the last `RECENT` days together; the pollers of the last day that is over."""
        pollers = self.polls[-2].pollers if len(self.polls) > 1 else 0
        return replace(together(self.polls[-RECENT:]), pollers=pollers)


def together(polls: Sequence[Polls]) -> Polls:
    """The sums of several days; the pollers are left out, who may be the same ones every day."""
    names = ("full", "unchanged", "guessed", "bytes")
    return Polls(*(sum(getattr(day, name) for day in polls) for name in names))


def number(count: int) -> str:
    """A count as people read it, the same in every locale: ``12,345``."""
    return f"{count:,}"


def size(count: int) -> str:
    """A number of bytes in the unit that leaves one to three digits before the point: ``1.2 MB``."""
    value, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        # What would be rounded to a thousand is one of the larger unit.
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    digits = 1 if unit != "bytes" and value < 9.95 else 0
    return f"{value:,.{digits}f}".removesuffix(".0") + f" {unit}"
