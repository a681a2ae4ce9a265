"""The figures that are kept of feed readers, read back: who reports how many subscribers, what polls cost.

The service writes them while it answers, so they are only ever read here:
nothing is locked, no table made, no file begun, and the number of rows is
bounded. What cannot be read is None, and never nought.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta
from itertools import accumulate

import sqlalchemy as sql
from sqlalchemy.exc import SQLAlchemyError

from pprnet_feeds.content.model import Site
from pprnet_feeds.pages.figures import FRESH, RECENT, WHY, Figures, Former, Polls, Series
from pprnet_feeds.serving.database import Database
from pprnet_feeds.syndication.addresses import Address, read

# How many days are looked back on.
HISTORY = 400
# Reports read at most; where there are more, the figures begin later.
MOST_REPORTS = 500_000
# Former addresses told at most.
MOST_FORMER = 40

_POLLS = sql.table("polls", *map(sql.column, ("day", "address", "kind", "requests", "bytes")))
_POLLERS = sql.table("pollers", *map(sql.column, ("day", "address", "number")))
_REPORTS = sql.table("subscribers", *map(sql.column, ("day", "address", "reader", "feed", "subscribers")))
# Answers that carry a feed, or say that it is unchanged.
_ANSWERED = ("full", "unchanged", "guessed")

# Day, address, reader, feed as the reader calls it, subscribers.
Report = tuple[str, str, str, str, int]
# Name, and the page of its posts.
_Feed = tuple[str, str | None]


def figures(database: Database, site: Site, now: datetime) -> Figures | None:
    """All figures up to *now*, which is in UTC; None when there is no store, or none that can be read."""
    for connection in database.only_read():
        with suppress(SQLAlchemyError):
            return _figures(connection, site, now.date())
    return None


def _figures(connection: sql.Connection, site: Site, today: date) -> Figures:
    polls = _polls(connection, today)
    sums = _Sums(site, today)
    sums.add(_reports(connection, today))
    counted = (place for place in range(HISTORY) if polls[place] != Polls() or sums.total[place])
    begin = max(next(counted, HISTORY), sums.whole_from)
    return Figures(
        today,
        _series("", None, sums.total, begin),
        _sorted(_series(*feed, steps, begin, sums.now[feed]) for feed, steps in sums.feeds.items()),
        _sorted(_series(reader, None, steps, begin) for reader, steps in sums.readers.items()),
        tuple(polls[begin:]),
        _former(connection, today),
    )


class _Sums:
    """The sums of reports, as steps: what is added or taken away at each day.

    A report counts until the next of the same reader, feed and address, and for
    `FRESH` days at most: it is added at its first day and taken away after its
    last, so that a year of reports is gone through once.

    Attributes:
        now: today's sums by feed and reader.
        whole_from: the first day of which all reports were read.
    """

    def __init__(self, site: Site, today: date) -> None:
        self.total = _no_steps()
        self.feeds: dict[_Feed, list[int]] = defaultdict(_no_steps)
        self.readers: dict[str, list[int]] = defaultdict(_no_steps)
        self.now: dict[_Feed, Counter[str]] = defaultdict(Counter)
        self.whole_from = 0
        self._site = site
        self._known: dict[str, _Feed] = {}
        self._places = {day: place for place, day in enumerate(_days(today, HISTORY + FRESH - 1), 1 - FRESH)}

    def add(self, reports: Iterable[Report]) -> None:
        """Add all reports; the newest come first."""
        newer: dict[tuple[str, str, str], int] = {}
        for count, (day, address, reader, feed, subscribers) in enumerate(reports, 1):
            place = self._places.get(day)
            if place is None:
                continue  # such as the 31st of a shorter month: no day at all
            key = address, reader, feed
            self._add(address, reader, subscribers, place, min(newer.get(key, HISTORY), place + FRESH))
            newer[key] = place
            if count == MOST_REPORTS:
                self.whole_from = place + FRESH

    def _add(self, address: str, reader: str, subscribers: int, begin: int, end: int) -> None:
        if end <= 0:
            return
        if address not in self._known:
            self._known[address] = _feed(address, self._site)
        feed = self._known[address]
        for steps in (self.total, self.feeds[feed], self.readers[reader]):
            steps[max(begin, 0)] += subscribers
            steps[end] -= subscribers
        if end == HISTORY:
            self.now[feed][reader] += subscribers


def _no_steps() -> list[int]:
    return [0] * (HISTORY + 1)


def _series(
    name: str, path: str | None, steps: list[int], begin: int, now: Counter[str] | None = None
) -> Series:
    """The series that *steps* make, from a day on."""
    by = sorted((now or {}).items(), key=lambda item: (-item[1], item[0]))
    return Series(name, path, tuple(accumulate(steps[:HISTORY]))[begin:], dict(by))


def _sorted(series: Iterable[Series]) -> tuple[Series, ...]:
    """The largest now first; then what was larger."""
    return tuple(sorted(series, key=lambda one: (-one.now, -sum(one.days), one.name)))


def _feed(address: str, site: Site) -> _Feed:
    """The feed that a document's address belongs to, whatever its view and format."""
    found = read(address, site)
    if not isinstance(found, Address) or found.plan is None:
        folder = address.rpartition("/")[0] + "/"  # a topic that is no more: its documents are one feed still
        return folder, None
    if found.plan.series != "posts":
        return found.plan.series.title(), f"{found.plan.series}/" if found.plan.series == "issues" else None
    title = found.selection.title(site).removeprefix(f"{site.short_title}: ")
    return (title, found.selection.path) if found.selection.path else ("All posts", "")


def _reports(connection: sql.Connection, today: date) -> Iterator[Report]:
    days = _days(today, HISTORY + FRESH - 1)
    query = sql.select(*_REPORTS.c).where(_REPORTS.c.day.between(days[0], days[-1]))
    newest = query.order_by(_REPORTS.c.day.desc()).limit(MOST_REPORTS)
    # In parts: so many rows are not to be held at once.
    for row in connection.execution_options(yield_per=5000).execute(newest):
        yield row.day, row.address, row.reader, row.feed, row.subscribers


def _polls(connection: sql.Connection, today: date) -> list[Polls]:
    """What was asked for on each day of the whole history."""
    days = _days(today, HISTORY)
    sums: dict[str, Counter[str]] = {day: Counter() for day in days}
    columns = (_POLLS.c.day, _POLLS.c.kind, sql.func.sum(_POLLS.c.requests), sql.func.sum(_POLLS.c.bytes))
    kinds = sql.select(*columns).where(_POLLS.c.day.between(days[0], days[-1]), _POLLS.c.kind.in_(_ANSWERED))
    for day, kind, requests, size in connection.execute(kinds.group_by(_POLLS.c.day, _POLLS.c.kind)):
        if day in sums:
            # PostgreSQL's sums are decimal numbers.
            sums[day].update({kind: int(requests), "bytes": int(size)})
    # No address means the whole service: who asks at two addresses is one.
    whole = _POLLERS.c.day.between(days[0], days[-1]), _POLLERS.c.address == ""
    for day, pollers in connection.execute(sql.select(_POLLERS.c.day, _POLLERS.c.number).where(*whole)):
        if day in sums:
            sums[day]["pollers"] += pollers
    return [Polls(**day) for day in sums.values()]


def _former(connection: sql.Connection, today: date) -> tuple[Former, ...]:
    days = _days(today, RECENT)
    often = sql.func.sum(_POLLS.c.requests)
    query = sql.select(_POLLS.c.address, _POLLS.c.kind, often, sql.func.max(_POLLS.c.day)).where(
        _POLLS.c.day.between(days[0], days[-1]), _POLLS.c.kind.in_(tuple(WHY)), _POLLS.c.address != ""
    )
    grouped = query.group_by(_POLLS.c.address, _POLLS.c.kind)
    rows = connection.execute(grouped.order_by(often.desc(), _POLLS.c.address).limit(MOST_FORMER))
    return tuple(Former(address, kind, int(requests), newest) for address, kind, requests, newest in rows)


def _days(today: date, count: int) -> list[str]:
    """The last *count* days, as they are written; the last is today."""
    return [str(today - timedelta(days=ago)) for ago in range(count - 1, -1, -1)]
