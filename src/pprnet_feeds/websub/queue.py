"""The queue of pings in the state, shared by all processes that use the state.

A hub gets a ping for each feed that shows subscribers something new (W3C WebSub §6): a new post, a moved
`updated` or a changed status. A feed that changes again before its hub has answered needs no second one,
since the hub fetches what is there by then. A process claims a ping before it sends it. When the process
dies, the claim runs out and another process takes the ping.
"""

import hashlib
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from pprnet_feeds.content.library import Library
from pprnet_feeds.content.model import Post
from pprnet_feeds.state.database import Database
from pprnet_feeds.syndication.archives import Month
from pprnet_feeds.syndication.catalogue import Catalogue
from pprnet_feeds.syndication.urls import FORMATS, FeedRequest

# How long a claim lasts: twice the time that sending may take.
CLAIM = timedelta(seconds=20)
# The first delay after a failure, which doubles at each further one, up to the longest; in seconds.
FIRST_DELAY, LONGEST_DELAY = 1, 6 * 3600
# A hub that has failed for so long gets no more pings for this change.
GIVE_UP = timedelta(days=3)

_FIRST_RUN = ""  # The row that says that there was a first run; no post has such a name.
_RECORD = (
    "INSERT INTO told (name, moment) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET moment = excluded.moment"
)
# A ping that is being sent at this moment remains claimed, and is sent once more after it.
_ENQUEUE = (
    "INSERT INTO pings (hub, address, since, due, tries, held) VALUES (?, ?, ?, ?, 0, 0) "
    "ON CONFLICT (hub, address) DO UPDATE SET tries = 0, due = excluded.due, "
    "since = CASE WHEN pings.since < excluded.since THEN excluded.since ELSE pings.since + 1 END"
)


class Ping(NamedTuple):
    """A message to one *hub* about one *feed* (the URL of one format) that changed at *since*.

    A later change of the same feed is another ping. *tries* is how often it has failed.
    """

    hub: str
    feed: str
    since: datetime
    tries: int = 0


class PingOutcome(NamedTuple):
    """What became of a ping, with a *reason* for the operator; *pause* is what the hub asked for, in seconds.

    A refused ping is dropped. A silent hub did not answer at all, or asked for a pause.
    """

    kind: Literal["accepted", "refused", "failed", "silent"]
    reason: str = ""
    pause: int = 0


class Queue:
    """The queue in *database*, for one site. Every method raises UnavailableError as `Database` does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, catalogue: Catalogue, now: datetime, delay: timedelta = timedelta()) -> int | None:
        """Add a ping for each hub and feed with a visible change; return the number of feeds.

        The pings are due after *delay*. The first run of all adds nothing and returns None:
        subscribers already have what is there then.
        """
        hubs = catalogue.site.hubs
        with self._database.transaction() as connection:
            recorded = dict(connection.execute("SELECT name, moment FROM told").fetchall())
            posts = changed_posts(catalogue.library, recorded)
            changes = [(name, _seconds(post.updated)) for name, post in sorted(posts.items())]
            if is_first := _FIRST_RUN not in recorded:
                changes.append((_FIRST_RUN, _seconds(now)))
            connection.execute_each(_RECORD, changes)
            connection.execute(f"DELETE FROM pings WHERE hub NOT IN ({_marks(hubs)})", *hubs)
            feeds = list(changed_feeds(catalogue, posts.values())) if posts and not is_first else []
            times = _milliseconds(now), _milliseconds(now + delay)
            connection.execute_each(_ENQUEUE, ((hub, feed, *times) for hub in hubs for feed in feeds))
        return None if is_first else len(feeds)

    def claim(self, hubs: Sequence[str], due: datetime, now: datetime) -> Ping | None:
        """Claim the next ping to one of *hubs* that was due by *due*; None when there is none.

        The least tried comes first, and hubs take turns: one that fails delays no other.
        """
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT hub, address, since, tries FROM pings WHERE due <= ? AND held <= ? "
                f"AND hub IN ({_marks(hubs)}) ORDER BY tries, address, hub LIMIT 1",
                *(_milliseconds(due), _milliseconds(now), *hubs),
            ).fetchone()
            if row is None:
                return None
            hub, feed, since, tries = row
            claim = "UPDATE pings SET held = ? WHERE hub = ? AND address = ?"
            connection.execute(claim, _milliseconds(now + CLAIM), hub, feed)
        return Ping(hub, feed, _timestamp(since), tries)

    def settle(self, ping: Ping, outcome: PingOutcome, now: datetime) -> bool:
        """Record the outcome of a claimed ping; return whether it will be tried again."""
        again = outcome.kind in ("failed", "silent") and now - ping.since < GIVE_UP
        until = _milliseconds(now + timedelta(seconds=outcome.pause))
        with self._database.transaction() as connection:
            # A feed that changed again meanwhile has a later ping, which no process has claimed.
            connection.execute("UPDATE pings SET held = 0 WHERE hub = ? AND address = ?", ping.hub, ping.feed)
            where = "WHERE hub = ? AND address = ? AND since = ?"
            this = ping.hub, ping.feed, _milliseconds(ping.since)
            if again:
                due = max(until, _milliseconds(now + retry_delay(ping)))
                connection.execute(f"UPDATE pings SET tries = ?, due = ? {where}", ping.tries + 1, due, *this)
            else:
                connection.execute(f"DELETE FROM pings {where}", *this)
            if outcome.pause:
                pause = "UPDATE pings SET due = ? WHERE hub = ? AND due < ?"
                connection.execute(pause, until, ping.hub, until)
        return again

    def next_due(self, hubs: Sequence[str]) -> datetime | None:
        """When the next ping to one of *hubs* can be claimed; None when there is none."""
        soonest = "SELECT min(CASE WHEN due < held THEN held ELSE due END) FROM pings WHERE hub IN "
        with self._database.transaction() as connection:
            [due] = connection.execute(f"{soonest} ({_marks(hubs)})", *hubs).fetchone()
        return None if due is None else _timestamp(due)


def changed_posts(library: Library, recorded: Mapping[str, int]) -> dict[str, Post]:
    """The posts with a visible change that is not among those *recorded*, by what subscribers see as new.

    An older `updated` is no change: it comes from a replica that does not have the newest files yet.
    """
    named = {f"{post.id} {post.status}": post for post in (*library.posts, *library.withdrawn)}
    return {key: post for key, post in named.items() if _seconds(post.updated) > recorded.get(key, -math.inf)}


def changed_feeds(catalogue: Catalogue, posts: Collection[Post]) -> Iterator[str]:
    """The URL of each feed, in each format, whose subscription document shows one of *posts*."""
    ids = {post.id for post in posts}
    for feed in catalogue.feeds():
        if any(feed.selection.holds(post) for post in posts) and ids & _shown_in(catalogue, feed):
            for form in FORMATS:
                yield catalogue.site.base_url + replace(feed, form=form).path


def _shown_in(catalogue: Catalogue, feed: FeedRequest) -> set[str]:
    """The ids of the posts in a subscription document, as entries or as deletions."""
    shown = catalogue.items(feed)
    items = (item.posts if isinstance(item, Month) else (item,) for item in (*shown.items, *shown.withdrawn))
    return {post.id for posts in items for post in posts}


def retry_delay(ping: Ping) -> timedelta:
    """How long to wait after a ping has failed once more.

    The delays double. Each is up to a fifth shorter or longer, by the digest of the ping, so that
    feeds which failed together are not tried again together.
    """
    seconds = min(FIRST_DELAY << min(ping.tries, LONGEST_DELAY.bit_length()), LONGEST_DELAY)
    text = f"{ping.hub} {ping.feed} {ping.tries}"
    share = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big") / 2**32
    return timedelta(seconds=seconds * (0.8 + 0.4 * share))


def _marks(hubs: Sequence[str]) -> str:
    """The marks of *hubs* within ``IN (…)``; an impossible hub where there is none."""
    return ", ".join("?" * len(hubs)) or "''"


def _seconds(timestamp: datetime) -> int:
    return int(timestamp.timestamp())


def _milliseconds(timestamp: datetime) -> int:
    return round(timestamp.timestamp() * 1000)


def _timestamp(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=milliseconds)
