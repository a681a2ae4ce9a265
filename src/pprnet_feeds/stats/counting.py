"""Counts the requests for feeds, and stores the counts by the day.

Of a client, only the name that its program reports gets this far: no address, and nothing derived from
one. Clients may send anything, so memory and rows are bounded: beyond a bound, a request is counted without
its path, and a report is dropped. While the state cannot be used, counts wait in memory.
"""

from __future__ import annotations

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from pprnet_feeds.serving.response import Sent
from pprnet_feeds.state.database import Connection, Database, UnavailableError
from pprnet_feeds.stats.user_agents import KNOWN, read_user_agent
from pprnet_feeds.syndication.urls import FORMATS, GUESSED, REFERENCE_FORMATS, VIEWS

log = logging.getLogger("pprnet_feeds")

# Keys of one batch, and the length of their parts: about 4 MB when all are different.
MOST_KEYS, LONGEST_PART = 8192, 300
# In one day: paths of those that clients can make up in any number; names of readers (known ones always have
# a place), reports of one name, and ids of one name for one feed.
MOST_LOOSE_PATHS, MOST_READERS, MOST_REPORTS, MOST_FEED_IDS = 1_000, 200, 200, 5
# How long counts are stored, and how often the state is looked at when there is nothing to store.
STORED = timedelta(days=3 * 366)
IDLE = timedelta(minutes=1)

_KINDS = {200: "full", 304: "unchanged", 301: "moved", 404: "missing", 410: "gone"}
_FOLDER = r"/(?:issues/|corrections/|(?:topics/[^/]+/)?(?:research/[^/]+/)?|search/[^/]+/)"
_FEED = re.compile(
    rf"{_FOLDER}(?:archive/(?:[0-9]+/)?)?(?:{'|'.join(VIEWS)})"
    rf"\.(?:{'|'.join(map(re.escape, (*FORMATS, *REFERENCE_FORMATS)))})"
)
_GUESSED = re.compile(rf"{_FOLDER}(?:{'|'.join(map(re.escape, GUESSED))})")
_COMBINES = re.compile(r"[,+]|/topics/.*/research/|^/search/")
# Any other former address is an invented spelling.
_PLAIN = re.compile(r"/[a-z0-9/._-]*")

# The target of a request, what was sent, and the User-Agent.
Key = tuple[bytes, Sent, bytes]
Poll = tuple[str, str, str]  # day, path, kind
ReaderReport = tuple[str, str, str, str]  # day, path, reader, the reader's id of the feed


class RequestCounter:
    """The requests of one process since the last `take`. For the event loop's thread alone."""

    def __init__(self) -> None:
        self._requests: Counter[Key] = Counter()

    def add(self, key: Key) -> None:
        """Count one response."""
        if key not in self._requests:
            target, sent, agent = key
            path = target.partition(b"?")[0]
            if sent.status not in (200, 301, 304, 410) or len(path) > LONGEST_PART:
                path = b""
            if len(self._requests) >= MOST_KEYS:
                path, sent = b"", sent._replace(size=0)
            key = path, sent, agent[:LONGEST_PART] if path else b""
        self._requests[key] += 1

    def take(self) -> Mapping[Key, int]:
        """Return the counts, and start again at none."""
        batch, self._requests = self._requests, Counter()
        return batch


class Counts:
    """What is stored: requests and bytes for each poll, and the newest subscribers of each report."""

    def __init__(self) -> None:
        self.requests, self.bytes = Counter[Poll](), Counter[Poll]()
        self.reports: dict[ReaderReport, int] = {}


def counts_of(batch: Mapping[Key, int], day: str, waiting: Counts | None = None) -> Counts:
    """What is stored of *batch*, under one *day* (YYYY-MM-DD, UTC), with what is *waiting* already."""
    counts = waiting or Counts()
    for (target, (status, _, size), agent), requests in batch.items():
        path, kind = target.decode("latin-1"), _KINDS.get(status, "")
        if kind in ("moved", "gone", "missing"):
            path = path if _PLAIN.fullmatch(path) else ""
        elif _GUESSED.fullmatch(path):
            kind = "guessed"
        elif not _FEED.fullmatch(path):
            kind = ""
        if kind:
            counts.requests[day, path, kind] += requests
            counts.bytes[day, path, kind] += requests * size
            reader = read_user_agent(agent)
            if path and reader.name and reader.subscribers is not None:
                counts.reports[day, path, reader.name, reader.feed] = reader.subscribers
    return counts


def within_bounds(counts: Counts, polls: Iterable[Poll], reports: Iterable[ReaderReport]) -> Counts:
    """*counts* within what their days may have, which have rows for *polls* and *reports* already."""
    groups: dict[tuple[str, ...], set[str]] = defaultdict(set)

    def has_room(most: int, member: str, *group: str) -> bool:
        members = groups[group]
        if len(members) < most:
            members.add(member)
        return member in members

    def admits_path(day: str, path: str, kind: str) -> bool:
        is_loose = kind in ("moved", "gone") or _COMBINES.search(path)
        return not is_loose or has_room(MOST_LOOSE_PATHS, path, "paths", day)

    def admits_report(day: str, path: str, reader: str, feed: str) -> bool:
        return (
            (reader in KNOWN or has_room(MOST_READERS - len(KNOWN), reader, "readers", day))
            and (not feed or has_room(MOST_FEED_IDS, feed, "ids", day, path, reader))
            and has_room(MOST_REPORTS, f"{path} {feed}", "reports", day, reader)
        )

    for poll in polls:
        admits_path(*poll)
    for report in reports:
        admits_report(*report)
    bounded = Counts()
    for (day, path, kind), requests in counts.requests.items():
        poll = day, path if admits_path(day, path, kind) else "", kind
        bounded.requests[poll] += requests
        bounded.bytes[poll] += counts.bytes[day, path, kind]
    present = {(day, path) for day, path, _ in bounded.requests}
    for report, subscribers in counts.reports.items():
        if report[:2] in present and admits_report(*report):
            bounded.reports[report] = subscribers
    return bounded


class CountStore:
    """Stores what one process has counted in *database*.

    Attributes:
        pings: the length of the queue of pings, when the state could last be used.
    """

    def __init__(self, database: Database) -> None:
        self.pings = 0
        self._database = database
        self._waiting = Counts()
        self._used: datetime | None = None
        self._failing = False

    def store(self, batch: Mapping[Key, int], now: datetime) -> None:
        """Store what *batch* says, under the day of *now* (UTC). Not on the event loop: it may wait."""
        counts, self._waiting = counts_of(batch, str(now.date()), self._waiting), Counts()
        if not counts.requests and self._used and self._used <= now < self._used + IDLE:
            return
        try:
            with self._database.transaction() as connection:
                _prune(connection, str((now - STORED).date()))
                _write(connection, counts)
                [self.pings] = connection.execute("SELECT count(*) FROM pings").fetchone()
        except UnavailableError as fault:
            self._waiting = within_bounds(counts, (), ())
            if not self._failing:
                text = "requests are counted in memory until the state in %s can be used (%s)"
                log.warning(text, self._database.place, fault)
            self._failing = True
            return
        if self._failing:
            log.info("requests are stored in %s again", self._database.place)
        self._used, self._failing = now, False


def _prune(connection: Connection, oldest: str) -> None:
    """Delete old counts, and all that the version before derived from clients' addresses."""
    if connection.is_sqlite:
        connection.execute("PRAGMA secure_delete = ON")  # also in the file
    for table in ("salts", "hashes", "pollers", "programs"):
        connection.execute(f"DELETE FROM {table} WHERE day > ''")  # writes nothing where there is nothing
    for table in ("polls", "subscribers"):
        connection.execute(f"DELETE FROM {table} WHERE day < ?", oldest)


def _write(connection: Connection, counts: Counts) -> None:
    polls: list[Poll] = []
    reports: list[ReaderReport] = []
    for day in {day for day, _, _ in counts.requests}:
        polls += connection.execute("SELECT day, address, kind FROM polls WHERE day = ?", day)
        reports += connection.execute("SELECT day, address, reader, feed FROM subscribers WHERE day = ?", day)
    bounded = within_bounds(counts, polls, reports)
    connection.execute_each(
        "INSERT INTO polls (day, address, kind, requests, bytes) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (day, address, kind) DO UPDATE SET "
        "requests = polls.requests + excluded.requests, bytes = polls.bytes + excluded.bytes",
        ((*poll, requests, bounded.bytes[poll]) for poll, requests in bounded.requests.items()),
    )
    connection.execute_each(
        "INSERT INTO subscribers (day, address, reader, feed, subscribers) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (day, address, reader, feed) DO UPDATE SET subscribers = excluded.subscribers",
        ((*report, subscribers) for report, subscribers in bounded.reports.items()),
    )
