"""The report of the statistics: subscribers by feed and reader, polls, and former addresses still in use.

A number of subscribers is a lower bound, since many readers report none; nothing here estimates the rest.
The state is only read, and the number of rows is bounded.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple

from pprnet_feeds.content.model import Site
from pprnet_feeds.state.database import Connection, Database, UnavailableError
from pprnet_feeds.syndication.urls import Url, parse_url

# How many months are reported, over how many days sums are made, and for how many days a reader's number
# counts, since readers do not report daily. The present month and day are included.
MONTHS, RECENT, FRESH = 13, 30, 14
# Rows read at most, the newest; and former addresses reported at most.
MOST_ROWS, MOST_FORMER = 500_000, 40


class ReadFeed(NamedTuple):
    """All views and formats of the same posts: their page (None for none), and subscribers by reader."""

    name: str
    path: str | None
    readers: Mapping[str, int]

    @property
    def subscribers(self) -> int:
        """Those of all readers."""
        return sum(self.readers.values())


class Polls(NamedTuple):
    """Requests for feeds on several days: answered in full, by 304, at guessed addresses; bytes sent."""

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


class MonthSums(NamedTuple):
    """A month (YYYY-MM): the newest number that each reader reported in it, added up, and its polls."""

    name: str
    subscribers: int
    polls: Polls


class Former(NamedTuple):
    """An address that is not, or no longer, the one to use: requests in `RECENT` days, and the last day."""

    address: str
    why: str
    requests: int
    newest: str


class Report(NamedTuple):
    """Everything up to *today* (UTC), which is not over; in each list the most or the newest comes first.

    Attributes:
        feeds: those that have subscribers now.
        months: those with a request or a subscriber; none when nothing was counted so far.
        recent: the polls of `RECENT` days.
        former: the addresses requested most.
    """

    today: date
    feeds: tuple[ReadFeed, ...] = ()
    months: tuple[MonthSums, ...] = ()
    recent: Polls = Polls()
    former: tuple[Former, ...] = ()

    @property
    def total(self) -> ReadFeed:
        """All feeds together."""
        sums: Counter[str] = Counter()
        for feed in self.feeds:
            sums.update(feed.readers)
        return ReadFeed("together", None, _largest_first(sums))


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
    # 31 days for each month are more than enough.
    first, recent, fresh = (str(today - timedelta(days=most - 1)) for most in (31 * MONTHS, RECENT, FRESH))
    months: dict[str, dict[tuple[str, ...], int]] = defaultdict(dict)
    current: dict[tuple[str, str, str], int] = {}
    rows = connection.execute(
        "SELECT day, address, reader, feed, subscribers FROM subscribers WHERE day BETWEEN ? AND ? "
        f"ORDER BY day DESC LIMIT {MOST_ROWS}",
        *(first, str(today)),
    )
    for day, address, reader, feed, subscribers in rows:
        months[day[:7]].setdefault((address, reader, feed), subscribers)
        if day >= fresh:
            current.setdefault((address, reader, feed), subscribers)
    feeds: dict[tuple[str, str | None], Counter[str]] = defaultdict(Counter)
    for (address, reader, _), subscribers in current.items():
        feeds[_name(address, site)][reader] += subscribers
    polls: dict[str, Counter[str]] = defaultdict(Counter)
    rows = connection.execute(
        "SELECT day, kind, sum(requests), sum(bytes) FROM polls WHERE day BETWEEN ? AND ? "
        "AND kind IN ('full', 'unchanged', 'guessed') GROUP BY day, kind",
        *(first, str(today)),
    )
    for day, kind, requests, sent in rows:
        for sums in (day[:7], "recent") if day >= recent else (day[:7],):
            polls[sums].update({kind: int(requests), "bytes": int(sent)})  # PostgreSQL's sums are decimals
    recent_polls = Polls(**polls.pop("recent", Counter()))
    rows = connection.execute(
        "SELECT address, kind, sum(requests) AS often, max(day) FROM polls "
        "WHERE day BETWEEN ? AND ? AND kind IN ('moved', 'gone', 'guessed') AND address <> '' "
        f"GROUP BY address, kind ORDER BY often DESC, address LIMIT {MOST_FORMER}",
        *(recent, str(today)),
    )
    found = (ReadFeed(*feed, _largest_first(readers)) for feed, readers in feeds.items())
    names = sorted({*months, *polls}, reverse=True)[:MONTHS]
    return Report(
        today,
        tuple(sorted(found, key=lambda feed: (-feed.subscribers, feed.name))),
        tuple(MonthSums(name, sum(months[name].values()), Polls(**polls[name])) for name in names),
        recent_polls,
        tuple(Former(address, kind, int(often), newest) for address, kind, often, newest in rows),
    )


def _largest_first(readers: Mapping[str, int]) -> Mapping[str, int]:
    return dict(sorted(readers.items(), key=lambda item: (-item[1], item[0])))


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
