"""Counts the requests for feeds, and stores the counts by the day.

Of a client, only the name that its program reports gets this far: no address, and nothing derived from
one. Clients may send anything, so memory and rows are bounded: beyond a bound, a request is counted without
its path, and a report is dropped. While the state cannot be used, counts wait in memory.
"""

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache

from pprnet_feeds.state.database import Connection, Database, UnavailableError
from pprnet_feeds.stats.user_agents import KNOWN, read_user_agent
from pprnet_feeds.syndication.urls import FORMATS, GUESSED, REFERENCE_FORMATS, VIEWS

log = logging.getLogger("pprnet_feeds")

# Keys of one batch that clients can make up, and the length of their parts: about 4 MB when all differ.
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

# Target, status, coding and bytes of content of a response.
Key = tuple[bytes, int, str, int]
Poll = tuple[str, str, str]  # day, path, kind
ReaderReport = tuple[str, str, str, str]  # day, path, reader, the reader's id of the feed


class RequestCounter:
    """Requests and the newest subscribers by report, not yet of a day. For the event loop's thread alone."""

    def __init__(self) -> None:
        self.requests: Counter[Key] = Counter()
        self.reports: dict[ReaderReport, int] = {}
        self._limits = _ReportLimits()

    def add(self, key: Key, agent: bytes = b"") -> None:
        """Count one response to a client that sent this User-Agent."""
        if key not in self.requests:
            target, status, coding, size = key
            known = target.partition(b"?")[0]
            if status not in (200, 301, 304, 410) or len(known) > LONGEST_PART:
                known = b""
            if len(self.requests) >= MOST_KEYS and _is_loose(known.decode("latin-1"), _KINDS.get(status, "")):
                known, size = b"", 0
            key = known, status, coding, size
        self.requests[key] += 1
        reader = read_user_agent(agent[:LONGEST_PART])
        if reader.name and reader.subscribers is not None:
            path, kind = _poll(*key[:2])
            report = "", path, reader.name, reader.feed
            if path and kind and self._limits.admits(*report):
                self.reports[report] = reader.subscribers


class Counts:
    """What is stored: requests and bytes for each poll, and the newest subscribers of each report."""

    def __init__(self) -> None:
        self.polls: dict[Poll, tuple[int, int]] = {}
        self.reports: dict[ReaderReport, int] = {}

    def add(self, poll: Poll, requests: int, size: int) -> None:
        """Add to a poll."""
        before = self.polls.get(poll, (0, 0))
        self.polls[poll] = before[0] + requests, before[1] + size


def counts_of(batch: RequestCounter, day: str, waiting: Counts | None = None) -> Counts:
    """What is stored of *batch*, under one *day* (YYYY-MM-DD, UTC), with what is *waiting* already."""
    counts = waiting or Counts()
    for (target, status, _, size), requests in batch.requests.items():
        path, kind = _poll(target, status)
        if kind:
            counts.add((day, path, kind), requests, requests * size)
    counts.reports |= {(day, *report[1:]): number for report, number in batch.reports.items()}
    return counts


@lru_cache(1024)  # of about 500 bytes; saves 3 µs for each report
def _poll(target: bytes, status: int) -> tuple[str, str]:
    """Under which path and kind a request is stored; of no kind when it is no poll."""
    path, kind = target.decode("latin-1"), _KINDS.get(status, "")
    if kind in ("moved", "gone", "missing"):
        path = path if kind != "missing" and _PLAIN.fullmatch(path) else ""
    elif _GUESSED.fullmatch(path):
        kind = "guessed"
    elif not _FEED.fullmatch(path):
        kind = ""
    return path, kind


def _is_loose(path: str, kind: str) -> bool:
    """Whether clients can make up such paths in any number."""
    return kind in ("moved", "gone") or bool(_COMBINES.search(path))


class _ReportLimits:
    """Which reports of a day are counted: those that came first, of each reader apart."""

    def __init__(self) -> None:
        self._readers: dict[str, dict[str, set[tuple[str, str]]]] = defaultdict(dict)  # of each day

    def admits(self, day: str, path: str, reader: str, feed: str) -> bool:
        """Whether a report is counted; one that is stays counted."""
        readers, report = self._readers[day], (path, feed)
        if reader not in KNOWN and len(readers.keys() - KNOWN | {reader}) > MOST_READERS - len(KNOWN):
            return False
        admitted = readers.setdefault(reader, set())
        others = sum(bool(id) for at, id in admitted if at == path) if feed else 0
        if others < MOST_FEED_IDS and len(admitted) < MOST_REPORTS:
            admitted.add(report)
        return report in admitted


def within_bounds(counts: Counts, polls: Iterable[Poll], reports: Iterable[ReaderReport]) -> Counts:
    """*counts* within what their days may have, which have rows for *polls* and *reports* already."""
    loose: dict[str, set[str]] = defaultdict(set)  # of each day
    limits = _ReportLimits()

    def admits_path(day: str, path: str, kind: str) -> bool:
        if (is_loose := _is_loose(path, kind)) and len(loose[day]) < MOST_LOOSE_PATHS:
            loose[day].add(path)
        return not is_loose or path in loose[day]

    for poll in polls:
        admits_path(*poll)
    for report in reports:
        limits.admits(*report)
    bounded = Counts()
    for (day, path, kind), sums in counts.polls.items():
        bounded.add((day, path if admits_path(day, path, kind) else "", kind), *sums)
    present = {(day, path) for day, path, _ in bounded.polls}
    for report, subscribers in counts.reports.items():
        if report[:2] in present and limits.admits(*report):
            bounded.reports[report] = subscribers
    return bounded


class CountStore:
    """Stores what one process has counted in *database*."""

    def __init__(self, database: Database) -> None:
        self.pings = 0  # the length of the queue of pings, when the state could last be used
        self._database = database
        self._waiting = Counts()
        self._used: datetime | None = None
        self._failing = False

    def store(self, batch: RequestCounter, now: datetime) -> None:
        """Store what *batch* says, under the day of *now* (UTC). Not on the event loop: it may wait."""
        counts, self._waiting = counts_of(batch, str(now.date()), self._waiting), Counts()
        if not counts.polls and self._used and self._used <= now < self._used + IDLE:
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
    for day in {day for day, _, _ in counts.polls}:
        polls += connection.execute("SELECT day, address, kind FROM polls WHERE day = ?", day)
        reports += connection.execute("SELECT day, address, reader, feed FROM subscribers WHERE day = ?", day)
    bounded = within_bounds(counts, polls, reports)
    connection.execute_each(
        "INSERT INTO polls (day, address, kind, requests, bytes) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (day, address, kind) DO UPDATE SET "
        "requests = polls.requests + excluded.requests, bytes = polls.bytes + excluded.bytes",
        ((*poll, *sums) for poll, sums in bounded.polls.items()),
    )
    connection.execute_each(
        "INSERT INTO subscribers (day, address, reader, feed, subscribers) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (day, address, reader, feed) DO UPDATE SET subscribers = excluded.subscribers",
        ((*report, subscribers) for report, subscribers in bounded.reports.items()),
    )
