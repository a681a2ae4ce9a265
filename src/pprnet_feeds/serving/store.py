"""The state store: what the service must still know after a restart.

Kept beside the site and never part of it. Without it every answer is the same
but for the moments of change, which then begin anew at each start. So nothing
that befalls it, a full or read-only disk, a vanished or broken file, may ever
reach a reader: the service goes on from memory, says once what is weaker
meanwhile, and tries again at the next build. What it told is written in then.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import sqlalchemy as sql
from sqlalchemy.exc import SQLAlchemyError

from pprnet_feeds.content.digests import digest
from pprnet_feeds.serving.changes import LOST, Change, Known, Membership, Seen, joined
from pprnet_feeds.serving.database import CorruptError, Database, UnavailableError

log = logging.getLogger("pprnet_feeds")

_EDITION = sql.table("edition", sql.column("mark"))
_SEEN = sql.table("seen", *map(sql.column, ("name", "digest", "topics", "research", "issue", "moment")))


class Store:
    """What is known of changes, kept at *address*: a path, a SQLAlchemy URL, or empty for memory alone.

    *known* was told already, and is written at the first update.

    Raises ValueError, with words for the operator, for an address that cannot be
    one of ours. All that goes wrong later is told in the log.
    """

    def __init__(self, address: str = "", known: Known | None = None) -> None:
        self._database = Database(address) if address else None
        self._known = known or Known()
        self._read: tuple[str, Known] | None = None  # what the database holds, and under which mark
        self._failing = False

    def load(self) -> Known:
        """What is known by now, to this process and to others that share the store."""
        return self.update(lambda known: known)

    def update(self, change: Change) -> Known:
        """Let *change* make what is known out of what was known, keep it, and give it.

        Nobody else's update comes between. *change* may be called more than once.
        """
        if self._database is None:
            self._known = change(self._known)
            return self._known
        try:
            self._known = self._kept(self._database, change)
            self._tell_success(self._database)
        except UnavailableError as fault:
            self._tell(self._database, fault)
            if not self._known.seen:
                self._known = _glimpse(self._database)
            self._known = change(self._known)
        return self._known

    def _kept(self, database: Database, change: Change) -> Known:
        try:
            return self._transact(database, change, Known())
        except CorruptError as fault:
            aside = database.put_aside()
            log.warning(
                "the state in %s cannot be read (%s); it was put aside as %s and is begun anew: "
                "what this process does not remember counts as changed now",
                *(database.place, fault, aside),
            )
        return self._transact(database, change, LOST)

    def _transact(self, database: Database, change: Change, lost: Known) -> Known:
        with database.transaction() as connection:
            mark: str = connection.execute(sql.select(_EDITION.c.mark)).scalar_one()
            kept = self._read[1] if self._read and self._read[0] == mark else _read(connection)
            known = change(joined(joined(self._known, kept), lost))
            if known is not kept:
                mark = _write(connection, kept, known, mark)
        self._read = mark, known
        return known

    def _tell(self, database: Database, fault: UnavailableError) -> None:
        if not self._failing:
            log.warning(
                "the state cannot be kept in %s (%s); it is kept in memory until it can: readers that ask "
                "by date alone may miss what changes while the service is down, and other processes may "
                "tell other dates",
                *(database.place, fault),
            )
        self._failing = True

    def _tell_success(self, database: Database) -> None:
        if self._failing:
            log.info("the state is kept in %s again", database.place)
        self._failing = False


def _glimpse(database: Database) -> Known:
    """What can be read where nothing can be written; nothing if that fails as well."""
    for connection in database.only_read():
        with suppress(SQLAlchemyError, UnavailableError):
            return _read(connection)
    return Known()


def _read(connection: sql.Connection) -> Known:
    try:
        return Known({row[0]: _seen_of(*row) for row in connection.execute(sql.select(_SEEN))})
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise CorruptError(f"a row that is none of ours: {error}") from error


def _write(connection: sql.Connection, kept: Known, known: Known, mark: str) -> str:
    """Make the rows of *known* out of those of *kept*, which have the *mark*; theirs is the answer."""
    moved = [(name, seen) for name, seen in known.seen.items() if kept.seen.get(name) is not seen]
    new = [_row(name, seen) for name, seen in moved if kept.seen.get(name) != seen]
    old = kept.seen.keys() & ({row["name"] for row in new} | (kept.seen.keys() - known.seen.keys()))
    if old:
        replaced = sql.delete(_SEEN).where(_SEEN.c.name == sql.bindparam("replaced"))
        connection.execute(replaced, [{"replaced": name} for name in sorted(old)])
    if new:
        connection.execute(sql.insert(_SEEN), new)
    if old or new:
        mark = digest([mark, sorted(old), new])
        connection.execute(sql.update(_EDITION).values(mark=mark))
    return mark


def _row(name: str, seen: Seen) -> dict[str, str | int]:
    of = seen.membership
    words = {"topics": " ".join(of.topics), "research": " ".join(of.research), "issue": of.issue}
    return {"name": name, "digest": seen.digest, **words, "moment": int(seen.moment.timestamp())}


def _seen_of(_name: str, digest: str, topics: str, research: str, issue: str, moment: int) -> Seen:
    """One row of the state. Raises what can happen to a row that is none of ours."""
    when = datetime.fromtimestamp(0, UTC) + timedelta(seconds=moment)
    if when.year >= 9999:  # nothing could be later
        raise ValueError(f"the moment {when}")
    return Seen(digest, _membership(topics, research, issue), when)


@lru_cache(4096)  # thousands of posts share some hundreds
def _membership(topics: str, research: str, issue: str) -> Membership:
    return Membership(tuple(topics.split()), tuple(research.split()), issue)
