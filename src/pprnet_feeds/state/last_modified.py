"""When anything that readers can see was last changed: the source of `Last-Modified`.

The newest date among the posts is not enough: a corrected typo, a back-dated
post, a post taken out or moved to another topic changes the bytes without a
newer date, and readers that ask by date alone would never see it. So we store
when each content was first seen: not for each document, of which clients may
ask for any number, but for each resource that documents are made of, together
with the facts by which selections choose it, before the change and after.

A timestamp only rises. It may be later than now, after rapid edits or a wrong
clock; whoever sends it sends the present moment instead.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from pprnet_feeds.content.library import Library
from pprnet_feeds.content.model import Post, appearance, digest
from pprnet_feeds.state.database import Connection, CorruptError, Database, UnavailableError
from pprnet_feeds.syndication.channel import beginning

log = logging.getLogger("pprnet_feeds")

_EPOCH = datetime.fromtimestamp(0, UTC)


class Membership(NamedTuple):
    """What a selection asks of a post; its attributes are those of a post."""

    topics: tuple[str, ...] = ()
    research: tuple[str, ...] = ()
    issue: str = ""


# The membership of what belongs to every selection. No month is called so.
EVERYWHERE = Membership(issue="*")


class Resource(NamedTuple):
    """One thing that documents are made of, as it is now.

    Attributes:
        name: ``post:`` and its id, ``issue:`` and its month, or ``site``.
        digest: changes with everything that readers can see of it.
        since: its own date, for a start without a state.
        recorded: whether *since* is the moment at which the ledger recorded it as it is now.
    """

    name: str
    digest: str
    membership: Membership
    since: datetime
    recorded: bool = False


class Seen(NamedTuple):
    """One resource as it was last seen, or (without a digest) a membership that posts have left."""

    digest: str
    membership: Membership
    timestamp: datetime


@dataclass(frozen=True)
class Timestamps:
    """All that was ever seen, by name."""

    seen: Mapping[str, Seen] = field(default_factory=dict)

    @cached_property
    def newest(self) -> datetime:
        """The newest timestamp of all."""
        return max((seen.timestamp for seen in self.seen.values()), default=_EPOCH)

    def last_modified(self, holds: Callable[[Membership], bool]) -> datetime:
        """The newest timestamp of anything that a selection *holds*, or held before."""
        for timestamp, membership in self._newest_first:
            if membership == EVERYWHERE or holds(membership):
                return timestamp
        return _EPOCH

    @cached_property
    def _newest_first(self) -> list[tuple[datetime, Membership]]:
        """Each membership once: thousands of posts share some hundreds."""
        newest: dict[Membership, datetime] = {}
        for seen in self.seen.values():
            newest[seen.membership] = max(seen.timestamp, newest.get(seen.membership, _EPOCH))
        return sorted(((when, of) for of, when in newest.items()), key=lambda pair: pair[0], reverse=True)


# What is assumed when a state was lost: whatever is recorded next counts as changed at that moment.
LOST = Timestamps({"site": Seen("lost", EVERYWHERE, _EPOCH)})


def resources(library: Library, program: str) -> list[Resource]:
    """Everything that documents of *library* are made of; *program* identifies the code that renders them.

    A post that is in the ledger as it is now was changed when it was published, on every replica alike.
    """
    site, oldest = library.site, beginning(library.site)
    # The sentences of the issues are resources of their own.
    settings = digest([digest(site, ("issues",)), program])
    issues = (
        Resource(f"issue:{month}", digest(sentence), Membership(issue=month), oldest)
        for month, sentence in site.issues.items()
    )
    posts = (_post_resource(post, library) for post in (*library.posts, *library.withdrawn))
    return [Resource("site", settings, EVERYWHERE, oldest), *issues, *posts]


def _post_resource(post: Post, library: Library) -> Resource:
    record = library.ledger.records.get(post.id) if post.id in library.recorded else None
    return Resource(
        name=f"post:{post.id}",
        digest=library.digests.get(post.id) or appearance(post),
        membership=Membership(post.topics, post.research, post.issue),
        since=max(post.updated, record.changed) if record else post.updated,
        recorded=record is not None,
    )


def record(timestamps: Timestamps, resources: Iterable[Resource], now: datetime) -> Timestamps:
    """The timestamps once exactly *resources* were seen at *now*; *timestamps* itself if nothing is new.

    Every change gets the same timestamp: now, and at least a second after all that were recorded
    before, whatever the clock says. On the very first record nothing has changed yet, and each
    resource's own date counts, so that services that begin apart answer alike.
    """
    seen, now = timestamps.seen, now.replace(microsecond=0)
    changed = max(now, timestamps.newest + timedelta(seconds=1))
    news: dict[str, Seen] = {}
    names = set()
    for resource in resources:
        names.add(resource.name)
        was = seen.get(resource.name)
        if was and (was.digest, was.membership) == (resource.digest, resource.membership):
            continue
        if was and was.membership != resource.membership:
            left = Seen("", was.membership, changed if was.digest else was.timestamp)
            _keep_later(news, f"left:{digest(was.membership)}", left, seen)
        timestamp = changed if seen else min(resource.since, now)
        if resource.recorded and timestamps.newest < resource.since <= now:
            timestamp = resource.since
        news[resource.name] = Seen(resource.digest, resource.membership, timestamp)
    for name in seen.keys() - names:
        if seen[name].digest:
            news[name] = Seen("", seen[name].membership, changed)
    return Timestamps({**seen, **news}) if news else timestamps


def merge(one: Timestamps, other: Timestamps) -> Timestamps:
    """What *one* or *other* has seen: the later timestamp counts. One of them itself when that is all."""
    if one is other or not other.seen:
        return one
    seen = dict(one.seen)
    for name, was in other.seen.items():
        _keep_later(seen, name, was, {})
    return one if seen == one.seen else Timestamps(seen) if one.seen else other


def _keep_later(seen: dict[str, Seen], name: str, was: Seen, before: Mapping[str, Seen]) -> None:
    present = seen.get(name) or before.get(name)
    if present is None or present.timestamp < was.timestamp:
        seen[name] = was


Change = Callable[[Timestamps], Timestamps]


class TimestampStore:
    """Stores timestamps in the database at *address*; in memory alone when it is empty.

    While the database cannot be used, timestamps are recorded in memory, one line in the log says so,
    and they are written by the first `record` that can. For one thread, which is not the event loop's.
    """

    def __init__(self, address: str = "") -> None:
        self._database = Database(address) if address else None
        self._place = self._database.place if self._database else "memory"
        self._timestamps = Timestamps()
        self._read: tuple[str, Timestamps] | None = None  # what the database holds, and under which mark
        self._failing = False

    def load(self) -> Timestamps:
        """All timestamps by now, those of other processes that share the database among them."""
        return self._update(lambda timestamps: timestamps)

    def record(self, resources: Iterable[Resource], now: datetime) -> Timestamps:
        """Record that exactly *resources* are there at *now*; nobody else's record comes between."""
        resources = list(resources)
        return self._update(lambda timestamps: record(timestamps, resources, now))

    def _update(self, change: Change) -> Timestamps:
        try:
            self._timestamps = (
                self._stored(self._database, change) if self._database else change(self._timestamps)
            )
            if self._failing:
                log.info("the state is kept in %s again", self._place)
            self._failing = False
        except UnavailableError as fault:
            if not self._failing:
                log.warning(
                    "the state cannot be kept in %s (%s); it is kept in memory until it can: readers that "
                    "ask by date alone may miss what changes while the service is down, and other processes "
                    "may tell other dates",
                    *(self._place, fault),
                )
            self._failing = True
            if self._database and not self._timestamps.seen:
                with suppress(UnavailableError), self._database.reading() as connection:
                    self._timestamps = _read(connection)
            self._timestamps = change(self._timestamps)
        return self._timestamps

    def _stored(self, database: Database, change: Change, lost: Timestamps | None = None) -> Timestamps:
        try:
            with database.transaction() as connection:
                [mark] = connection.execute("SELECT mark FROM edition").fetchone()
                stored = self._read[1] if self._read and self._read[0] == mark else _read(connection)
                timestamps = change(merge(merge(self._timestamps, stored), lost or Timestamps()))
                if timestamps is not stored:
                    mark = _write(connection, stored.seen, timestamps.seen, mark)
        except CorruptError as fault:
            if lost:
                raise
            log.warning(
                "the state in %s cannot be read (%s); it was put aside as %s and is begun anew: "
                "what this process does not remember counts as changed now",
                *(database.place, fault, database.rename_corrupt()),
            )
            return self._stored(database, change, LOST)
        self._read = mark, timestamps
        return timestamps


def _read(connection: Connection) -> Timestamps:
    rows = connection.execute("SELECT name, digest, topics, research, issue, moment FROM seen")
    memberships: dict[tuple[str, str, str], Membership] = {}
    seen = {}
    try:
        for name, digest_, *of, moment in rows:
            if (key := tuple(of)) not in memberships:
                memberships[key] = Membership(tuple(of[0].split()), tuple(of[1].split()), of[2])
            timestamp = _EPOCH + timedelta(seconds=moment)
            if timestamp.year >= 9999:  # nothing could be later
                raise ValueError(f"the moment {timestamp}")
            seen[name] = Seen(digest_, memberships[key], timestamp)
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise CorruptError(f"a row that is none of ours: {error}") from error
    return Timestamps(seen)


def _write(connection: Connection, stored: Mapping[str, Seen], seen: Mapping[str, Seen], mark: str) -> str:
    """Make the rows of *seen* out of those of *stored*, which have the *mark*; return the new mark."""
    rows = []
    for name, was in seen.items():
        if stored.get(name) is not was and stored.get(name) != was:
            of, moment = was.membership, int(was.timestamp.timestamp())
            rows.append((name, was.digest, " ".join(of.topics), " ".join(of.research), of.issue, moment))
    if rows:
        connection.execute_each(
            "INSERT INTO seen (name, digest, topics, research, issue, moment) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (name) DO UPDATE SET digest = excluded.digest, topics = excluded.topics, "
            "research = excluded.research, issue = excluded.issue, moment = excluded.moment",
            rows,
        )
        mark = digest([mark, rows])
        connection.execute("UPDATE edition SET mark = ?", mark)
    return mark
