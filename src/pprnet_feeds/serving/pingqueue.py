"""The queue of pings: what is to be told to whom, kept where every worker and replica sees it.

A ping is in the queue once for each hub and feed: a feed that changes again
before its hub could be told is told once, since the hub fetches what is there
by then. Whoever sends a ping holds it for a while; when the holder dies, the
hold runs out and another takes over. So a ping is sent once, unless a process
dies in the moment between a hub's answer and the line that records it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sql

from pprnet_feeds.serving.database import Database
from pprnet_feeds.serving.pings import PATIENCE, Outcome, Ping, addresses, changed, news, wait
from pprnet_feeds.syndication.catalogue import Catalogue

# For how long a ping is its sender's alone: twice the time that sending may take.
HOLD = timedelta(seconds=20)

# The row that says that there has been a beginning; no post has such a name.
_BEGUN = ""
_TOLD = sql.text("SELECT name, moment FROM told")
_TELL = sql.text(
    "INSERT INTO told (name, moment) VALUES (:name, :moment) "
    "ON CONFLICT (name) DO UPDATE SET moment = excluded.moment"
)
# A ping that is being sent at this moment keeps its holder, and goes out once more thereafter.
_ENQUEUE = sql.text(
    "INSERT INTO pings (hub, address, since, tries, due, held) VALUES (:hub, :address, :since, 0, :due, 0) "
    "ON CONFLICT (hub, address) DO UPDATE SET tries = 0, due = excluded.due, "
    "since = CASE WHEN pings.since < excluded.since THEN excluded.since ELSE pings.since + 1 END"
)
# What was tried least comes first, and hubs take turns: one that fails never keeps another waiting.
_NEXT = sql.text(
    "SELECT hub, address, since, tries FROM pings "
    "WHERE hub IN :hubs AND due <= :due AND held <= :now ORDER BY tries, address, hub LIMIT 1"
).bindparams(sql.bindparam("hubs", expanding=True))
_HOLD = sql.text("UPDATE pings SET held = :held WHERE hub = :hub AND address = :address")
_DROP = sql.text("DELETE FROM pings WHERE hub = :hub AND address = :address AND since = :since")
_RELEASE = sql.text("UPDATE pings SET held = 0 WHERE hub = :hub AND address = :address")
_POSTPONE = sql.text(
    "UPDATE pings SET tries = :tries, due = :due, held = 0 "
    "WHERE hub = :hub AND address = :address AND since = :since"
)
_PAUSE = sql.text("UPDATE pings SET due = :due WHERE hub = :hub AND due < :due")
_SOONEST = sql.text(
    "SELECT min(CASE WHEN due < held THEN held ELSE due END) FROM pings WHERE hub IN :hubs"
).bindparams(sql.bindparam("hubs", expanding=True))
_FORGET = sql.text("DELETE FROM pings WHERE hub NOT IN :hubs").bindparams(
    sql.bindparam("hubs", expanding=True)
)


class Queue:
    """The queue in *database*, for one site. Every method raises UnavailableError where that is."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, catalogue: Catalogue, now: datetime, delay: timedelta = timedelta()) -> int | None:
        """Put a ping in for each hub and feed that tells more than was told; how many feeds that are.

        They are due after *delay*. The very first time nothing is put in and
        the answer is None: what is there then has long been told by polling.
        """
        library, hubs = catalogue.library, catalogue.site.hubs
        with self._database.transaction() as connection:
            told: dict[str, int] = dict(connection.execute(_TOLD).all())
            posts = changed(library, told)
            names = news(posts)
            if _BEGUN not in told:
                names[_BEGUN] = _milliseconds(now) // 1000
            if names:
                rows = [{"name": name, "moment": moment} for name, moment in sorted(names.items())]
                connection.execute(_TELL, rows)
            connection.execute(_FORGET, {"hubs": hubs})
            feeds = list(addresses(catalogue, posts)) if posts and _BEGUN in told else []
            if feeds:
                moments = {"since": _milliseconds(now), "due": _milliseconds(now + delay)}
                rows = [{"hub": hub, "address": feed, **moments} for hub in hubs for feed in feeds]
                connection.execute(_ENQUEUE, rows)
        return len(feeds) if _BEGUN in told else None

    def claim(self, hubs: Sequence[str], due: datetime, now: datetime) -> Ping | None:
        """Hold the next ping to one of *hubs* that was due by *due*; None when there is none."""
        with self._database.transaction() as connection:
            asked = {"hubs": tuple(hubs), "due": _milliseconds(due), "now": _milliseconds(now)}
            row = connection.execute(_NEXT, asked).first()
            if row is None:
                return None
            held = {"hub": row.hub, "address": row.address, "held": _milliseconds(now + HOLD)}
            connection.execute(_HOLD, held)
        return Ping(row.hub, row.address, _moment(row.since), row.tries)

    def settle(self, ping: Ping, outcome: Outcome, now: datetime) -> bool:
        """Record how a claimed ping was taken; whether it will be tried again."""
        key: dict[str, object] = {"hub": ping.hub, "address": ping.address}
        since = {"since": _milliseconds(ping.since)}
        again = outcome.kind in ("failed", "silent") and now - ping.since < PATIENCE
        with self._database.transaction() as connection:
            if again:
                due = _milliseconds(now + max(wait(ping), timedelta(seconds=outcome.pause)))
                connection.execute(_POSTPONE, key | since | {"tries": ping.tries + 1, "due": due})
            else:
                connection.execute(_DROP, key | since)
            # What changed again meanwhile is another ping, and nobody holds it now.
            connection.execute(_RELEASE, key)
            if outcome.pause:
                until = _milliseconds(now + timedelta(seconds=outcome.pause))
                connection.execute(_PAUSE, {"hub": ping.hub, "due": until})
        return again

    def soonest(self, hubs: Sequence[str]) -> datetime | None:
        """When the next ping to one of *hubs* can be claimed; None when none is left."""
        with self._database.transaction() as connection:
            found: int | None = connection.execute(_SOONEST, {"hubs": tuple(hubs)}).scalar()
        return None if found is None else _moment(found)


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
