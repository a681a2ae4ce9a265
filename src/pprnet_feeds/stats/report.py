"""The report of the statistics: subscribers by feed and reader, and polls, by the day.

A number of subscribers is a lower bound, since many readers report none; nothing
here estimates the rest. The state is only read: nothing is locked or created,
and the number of rows is bounded.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import NamedTuple

from pprnet_feeds.content.model import Site
from pprnet_feeds.state.database import Connection, Database, UnavailableError
from pprnet_feeds.syndication.urls import Url, parse_url

# How many days are reported, and over how many sums are made, the present one included.
HISTORY, RECENT = 400, 30
# For how many days a reader's number counts: readers do not report daily.
FRESH = 14
# Rows read at most, the newest; and former addresses reported at most.
MOST_ROWS, MOST_FORMER = 500_000, 40
# Why an address that is still requested is not the one to use, as people read it.
_WHY = {"moved": "moved", "gone": "withdrawn", "guessed": "guessed"}


@dataclass(frozen=True, slots=True)
class Series:
    """The subscribers of one feed or reader, day by day; the last day is today.

    Attributes:
        name: a reader's own name, or a feed's title.
        path: the page of the feed's posts, without the leading slash; None when it has none.
        now_by: today's number by reader, the largest first; empty for a reader.
    """

    name: str
    path: str | None
    days: tuple[int, ...]
    now_by: Mapping[str, int] = field(default_factory=dict)

    @property
    def now(self) -> int:
        """Today's number."""
        return self.days[-1] if self.days else 0


class Polls(NamedTuple):
    """Requests for feeds on one or more days: answered in full, by 304, at guessed addresses; bytes sent."""

    full: int = 0
    unchanged: int = 0
    guessed: int = 0
    bytes: int = 0

    @property
    def requests(self) -> int:
        """All polls."""
        return self.full + self.unchanged + self.guessed

    @property
    def share(self) -> int | None:
        """The percentage that cost nothing (304), never rounded up; None when there was no poll."""
        known = self.full + self.unchanged
        return 100 * self.unchanged // known if known else None


class Former(NamedTuple):
    """An address that is not, or no longer, the one to use: requests in `RECENT` days, and the last day."""

    address: str
    why: str
    requests: int
    newest: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything, from the first day with a request or a subscriber to *today* (UTC), which is not over.

    Attributes:
        feeds: by selection of posts, whatever the view and format; most subscribers first.
        readers: most subscribers first.
        polls: one for each day.
        former: the addresses requested most, first.
    """

    today: date
    total: Series
    feeds: tuple[Series, ...] = ()
    readers: tuple[Series, ...] = ()
    polls: tuple[Polls, ...] = ()
    former: tuple[Former, ...] = ()

    @property
    def days(self) -> list[str]:
        """The days of every series, YYYY-MM-DD; none when nothing was counted so far."""
        return _days(self.today, len(self.polls))

    @property
    def recent(self) -> Polls:
        """The polls of the last `RECENT` days together."""
        return together(self.polls[-RECENT:])


def together(polls: Sequence[Polls]) -> Polls:
    """The sums of several days."""
    return Polls(*map(sum, zip(*polls, strict=True)))


def report(database: Database, site: Site, now: datetime) -> Report | None:
    """The report up to *now* (UTC); None when there is no state, or none that can be read."""
    try:
        with database.reading() as connection:
            return _report(connection, site, now.date())
    except UnavailableError:
        return None


# A count as people read it, the same in every locale: 12,345.
number = "{:,}".format


def size(count: int) -> str:
    """A number of bytes in the unit that leaves one to three digits before the point: ``1.2 MB``."""
    value, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        # What would be rounded to a thousand belongs to the larger unit.
        if value >= 999.5:
            value, unit = value / 1000, larger
    digits = 1 if unit != "bytes" and value < 9.95 else 0
    return f"{value:,.{digits}f}".removesuffix(".0") + f" {unit}"


def _report(connection: Connection, site: Site, today: date) -> Report:
    """Sum up the reports, each of which counts until the next of the same reader, feed id and address.

    Each series is a list of steps: a number is added at its first day and subtracted after its last.
    """
    total = [0] * (HISTORY + 1)
    feeds: dict[tuple[str, str | None], list[int]] = defaultdict(lambda: [0] * (HISTORY + 1))
    readers: dict[str, list[int]] = defaultdict(lambda: [0] * (HISTORY + 1))
    now: dict[tuple[str, str | None], Counter[str]] = defaultdict(Counter)
    names: dict[str, tuple[str, str | None]] = {}
    newer: dict[tuple[str, str, str], int] = {}
    places = {day: place for place, day in enumerate(_days(today, HISTORY + FRESH - 1), 1 - FRESH)}
    rows = connection.execute(
        "SELECT day, address, reader, feed, subscribers FROM subscribers WHERE day BETWEEN ? AND ? "
        f"ORDER BY day DESC LIMIT {MOST_ROWS}",
        *(min(places), str(today)),
    )
    for day, address, reader, feed, subscribers in rows:
        if day not in places:  # no day at all, such as 31 February
            continue
        begin = places[day]
        end = min(newer.get((address, reader, feed), HISTORY), begin + FRESH)
        newer[address, reader, feed] = begin
        if end > 0:
            name = names[address] = names.get(address) or _name(address, site)
            for steps in (total, feeds[name], readers[reader]):
                steps[max(begin, 0)] += subscribers
                steps[end] -= subscribers
            if end == HISTORY:
                now[name][reader] += subscribers
    polls = _polls(connection, today)
    first = next((day for day in range(HISTORY) if total[day] or polls[day].requests), HISTORY)

    def series(name: str, path: str | None, steps: list[int], by: Mapping[str, int]) -> Series:
        largest_first = dict(sorted(by.items(), key=lambda item: (-item[1], item[0])))
        return Series(name, path, tuple(accumulate(steps[:HISTORY]))[first:], largest_first)

    def ranked(series: Iterable[Series]) -> tuple[Series, ...]:
        return tuple(sorted(series, key=lambda one: (-one.now, -sum(one.days), one.name)))

    return Report(
        today,
        series("", None, total, {}),
        ranked(series(*feed, steps, now[feed]) for feed, steps in feeds.items()),
        ranked(series(name, None, steps, {}) for name, steps in readers.items()),
        tuple(polls[first:]),
        _former(connection, today),
    )


def _name(address: str, site: Site) -> tuple[str, str | None]:
    """The feed of an address, whatever its view and format: its title, and the page of its posts."""
    found = parse_url(address, site)
    if not isinstance(found, Url) or found.request is None:
        return address.rpartition("/")[0] + "/", None  # such as a topic that is no more
    series = found.request.series
    if series != "posts":
        return series.title(), f"{series}/" if series == "issues" else None
    title = found.selection.title(site).removeprefix(f"{site.short_title}: ")
    return (title, found.selection.path) if found.selection.path else ("All posts", "")


def _polls(connection: Connection, today: date) -> list[Polls]:
    """The polls of each day of the whole history."""
    sums: dict[str, Counter[str]] = {day: Counter() for day in _days(today, HISTORY)}
    rows = connection.execute(
        "SELECT day, kind, sum(requests), sum(bytes) FROM polls WHERE day BETWEEN ? AND ? "
        "AND kind IN ('full', 'unchanged', 'guessed') GROUP BY day, kind",
        *(min(sums), str(today)),
    )
    for day, kind, requests, size in rows:
        if day in sums:
            # PostgreSQL's sums are decimal numbers.
            sums[day].update({kind: int(requests), "bytes": int(size)})
    return [Polls(**day) for day in sums.values()]


def _former(connection: Connection, today: date) -> tuple[Former, ...]:
    rows = connection.execute(
        "SELECT address, kind, sum(requests) AS often, max(day) FROM polls "
        "WHERE day BETWEEN ? AND ? AND kind IN ('moved', 'gone', 'guessed') AND address <> '' "
        f"GROUP BY address, kind ORDER BY often DESC, address LIMIT {MOST_FORMER}",
        *(_days(today, RECENT)[0], str(today)),
    )
    return tuple(Former(address, _WHY[kind], int(often), newest) for address, kind, often, newest in rows)


def _days(today: date, count: int) -> list[str]:
    """The last *count* days, YYYY-MM-DD; the last is today."""
    return [str(today - timedelta(days=ago)) for ago in range(count - 1, -1, -1)]
