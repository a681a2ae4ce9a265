"""When anything that readers can see was last changed: the source of `Last-Modified`.

A corrected typo or a back-dated post changes the bytes without a newer date, and readers that ask by
date alone would never see it. So we store when each resource that documents are made of was first seen
as it is now, with the facts by which selections choose it, before a change and after. A document has no
timestamp of its own: clients may ask for any number. A timestamp only rises, and may be later than now.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from pprnet_feeds.content.library import Library
from pprnet_feeds.content.model import appearance, digest
from pprnet_feeds.state.database import Connection, CorruptError, Database, UnavailableError
from pprnet_feeds.syndication.channel import first_date
from pprnet_feeds.syndication.selection import Membership

log = logging.getLogger("pprnet_feeds")

_EPOCH = datetime.fromtimestamp(0, UTC)


# The membership of what belongs to every selection. No month is called so.
EVERYWHERE = Membership(issue="*")


class Resource(NamedTuple):
    """One thing that documents are made of, as it is now: a post, an issue's sentence, or the site.

    Attributes:
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
        found = (when for of, when in self._newest_first if of == EVERYWHERE or holds(of))
        return next(found, _EPOCH)

    @cached_property
    def _newest_first(self) -> list[tuple[Membership, datetime]]:
        """Each membership once: thousands of posts share some hundreds."""
        newest: dict[Membership, datetime] = {}
        for _, membership, timestamp in self.seen.values():
            newest[membership] = max(timestamp, newest.get(membership, _EPOCH))
        return sorted(newest.items(), key=lambda pair: pair[1], reverse=True)


# What is assumed when a state was lost: whatever is recorded next counts as changed at that moment.
LOST = Timestamps({"site": Seen("lost", EVERYWHERE, _EPOCH)})


def resources(library: Library, program: str) -> list[Resource]:
    """Everything that documents of *library* are made of; *program* identifies the code that renders them.

    A post that is in the ledger as it is now was changed when it was published, on every replica alike.
    """
    site, oldest = library.site, first_date(library.site)
    # The sentences of the issues are resources of their own.
    settings = digest([digest(site, ("issues",)), program])
    found = [Resource("site", settings, EVERYWHERE, oldest)]
    for month, sentence in site.issues.items():
        found.append(Resource(f"issue:{month}", digest(sentence), Membership(issue=month), oldest))
    for post in (*library.posts, *library.withdrawn):
        looks = library.digests.get(post.id) or appearance(post)
        of, since = Membership(post.topics, post.research, post.issue), post.updated
        recorded = post.id in library.recorded
        if recorded:
            since = max(since, library.ledger.records[post.id].changed)
        found.append(Resource(f"post:{post.id}", looks, of, since, recorded))
    return found


def record(timestamps: Timestamps, resources: Iterable[Resource], now: datetime) -> Timestamps:
    """The timestamps once exactly *resources* were seen at *now*; *timestamps* itself if nothing is new.

    Every change gets the same timestamp: now, and at least a second after all that were recorded before.
    On the very first record each resource's own date counts, so that services that start apart answer
    alike.
    """
    seen, now = timestamps.seen, now.replace(microsecond=0)
    changed = max(now, timestamps.newest + timedelta(seconds=1))
    news: dict[str, Seen] = {}
    gone = set(seen)
    for resource in resources:
        gone.discard(resource.name)
        was = seen.get(resource.name)
        if was and was.digest == resource.digest and was.membership == resource.membership:
            continue
        if was and was.membership != resource.membership:
            left = f"left:{digest(was.membership)}"
            timestamp = changed if was.digest else was.timestamp
            former = news.get(left) or seen.get(left)
            if former is None or former.timestamp < timestamp:
                news[left] = Seen("", was.membership, timestamp)
        timestamp = changed if seen else min(resource.since, now)
        if resource.recorded and timestamps.newest < resource.since <= now:
            timestamp = resource.since
        news[resource.name] = Seen(resource.digest, resource.membership, timestamp)
    news |= {name: Seen("", seen[name].membership, changed) for name in gone if seen[name].digest}
    return Timestamps({**seen, **news}) if news else timestamps


def merge(one: Timestamps, other: Timestamps) -> Timestamps:
    """What *one* or *other* has seen: the later timestamp counts. One of them itself when that is all."""
    if not one.seen or one is other:
        return other
    later = {
        name: seen
        for name, seen in other.seen.items()
        if name not in one.seen or one.seen[name].timestamp < seen.timestamp
    }
    return Timestamps({**one.seen, **later}) if later else one


class TimestampStore:
    """Stores timestamps in the database at *address*; in memory alone when it is empty, or cannot be used.

    Then one line in the log says so, and the first call that can writes them. For one thread, which is not
    the event loop's.
    """

    def __init__(self, address: str = "") -> None:
        self._database = Database(address) if address else None
        self._timestamps = self._stored = Timestamps()
        self._mark = ""  # under which the database has what is stored
        self._failing = False

    def load(self) -> Timestamps:
        """All timestamps by now, those of other processes that share the database among them."""
        return self._update(lambda timestamps: timestamps)

    def record(self, resources: Collection[Resource], now: datetime) -> Timestamps:
        """Record that exactly *resources* are there at *now*, in one transaction."""
        return self._update(lambda timestamps: record(timestamps, resources, now))

    def _update(self, change: Callable[[Timestamps], Timestamps]) -> Timestamps:
        if (database := self._database) is None:
            self._timestamps = change(self._timestamps)
            return self._timestamps
        try:
            try:
                self._change_stored(database, change, Timestamps())
            except CorruptError as fault:
                log.warning(
                    "the state in %s cannot be read (%s); it was renamed to %s and replaced: "
                    "what this process does not remember counts as changed now",
                    *(database.place, fault, database.rename_corrupt()),
                )
                self._change_stored(database, change, LOST)
            if self._failing:
                log.info("the state is kept in %s again", database.place)
            self._failing = False
        except UnavailableError as fault:
            if not self._failing:
                log.warning(
                    "the state cannot be kept in %s (%s); it is kept in memory until it can: readers that "
                    "ask by date alone may miss what changes while the service is down, and other processes "
                    "may give other dates",
                    *(database.place, fault),
                )
            self._failing = True
            if not self._timestamps.seen:
                with suppress(UnavailableError), database.reading() as connection:
                    self._timestamps = _read(connection)
            self._timestamps = change(self._timestamps)
        return self._timestamps

    def _change_stored(
        self, database: Database, change: Callable[[Timestamps], Timestamps], lost: Timestamps
    ) -> None:
        with database.transaction() as connection:
            [mark] = connection.execute("SELECT mark FROM edition").fetchone()
            stored = self._stored if mark == self._mark else _read(connection)
            timestamps = change(merge(merge(self._timestamps, stored), lost))
            if timestamps is not stored:
                mark = _write(connection, stored.seen, timestamps.seen, mark)
        self._mark, self._stored, self._timestamps = mark, timestamps, timestamps


def _read(connection: Connection) -> Timestamps:
    seen: dict[str, Seen] = {}
    memberships: dict[Membership, Membership] = {}  # thousands of posts share some hundreds
    try:
        for name, digest_, topics, research, issue, moment in connection.execute(
            "SELECT name, digest, topics, research, issue, moment FROM seen"
        ):
            timestamp = _EPOCH + timedelta(seconds=moment)
            if timestamp.year >= 9999:  # nothing could be later
                raise ValueError(f"the moment {timestamp}")
            membership = Membership(tuple(topics.split()), tuple(research.split()), issue)
            seen[name] = Seen(digest_, memberships.setdefault(membership, membership), timestamp)
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise CorruptError(f"a row that is none of ours: {error}") from error
    return Timestamps(seen)


def _write(connection: Connection, stored: Mapping[str, Seen], seen: Mapping[str, Seen], mark: str) -> str:
    """Make the rows of *seen* out of those of *stored*, which have the *mark*; return the new mark."""
    rows = []
    for name, was in seen.items():
        if stored.get(name) != was:
            topics, research, issue = was.membership
            moment = int(was.timestamp.timestamp())
            rows.append((name, was.digest, " ".join(topics), " ".join(research), issue, moment))
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
