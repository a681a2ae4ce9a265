"""Which feeds the hubs are to be told of, and when: WebSub, the publisher's side.

A hub that is told of a changed feed fetches it and hands it on, so that nobody
waits for the next poll (W3C WebSub §6). A ping only says "fetch this anew".

What a hub is told of is what subscribers are to be told of: a new post, a moved
`updated`, a changed status. A typo, another topic, a draft must never ping.
Nor may a change be told twice, though every worker and replica sees it: who
records it first puts its pings into the queue, in the same transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal

from pprnet_feeds.content.library import Library
from pprnet_feeds.content.model import Post
from pprnet_feeds.syndication.addresses import Plan
from pprnet_feeds.syndication.catalogue import Catalogue, Month
from pprnet_feeds.syndication.channel import FORMATS

# The first wait after a failure, which doubles at each further one, up to the longest; in seconds.
FIRST_WAIT = 1
LONGEST_WAIT = 6 * 3600
_DOUBLINGS = LONGEST_WAIT.bit_length()
# A hub that answers nobody for so long is not told of this change any more.
PATIENCE = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Ping:
    """One hub to be told of one feed.

    Attributes:
        hub: the address that takes pings.
        address: the feed in one format, as its `self` link names it.
        since: when the feed changed; a later change of the same feed is another ping.
        tries: how often it has failed.
    """

    hub: str
    address: str
    since: datetime
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a hub took a ping.

    Attributes:
        kind: refused pings are given up, failed and silent ones are tried again; a silent hub did
            not answer at all, or asked for peace.
        words: the reason, for the operator.
        pause: for how many seconds the hub asked not to be pinged.
    """

    kind: Literal["told", "refused", "failed", "silent"]
    words: str = ""
    pause: int = 0


def news(posts: Iterable[Post]) -> dict[str, int]:
    """What subscribers are told of, by name, with its moment in seconds: nothing that changes silently."""
    return {f"{post.id} {post.status}": int(post.updated.timestamp()) for post in posts}


def changed(library: Library, told: Mapping[str, int]) -> list[Post]:
    """The posts of which there is more to tell than was *told*.

    An older moment is none: it comes from a replica that has not the newest files yet.
    """
    return [
        post
        for post in (*library.posts, *library.withdrawn)
        for name, moment in news([post]).items()
        if name not in told or moment > told[name]
    ]


def addresses(catalogue: Catalogue, posts: Collection[Post]) -> Iterator[str]:
    """The address of each feed, in each format, whose subscription document tells of one of *posts*."""
    ids = {post.id for post in posts}
    for plan in _plans(catalogue, posts):
        if not ids.isdisjoint(_told_by(catalogue, plan)):
            for form in FORMATS:
                yield catalogue.site.base_url + replace(plan, form=form).path


def wait(ping: Ping) -> timedelta:
    """How long to wait after a ping has failed again.

    The waits double. So that feeds which failed together do not come back
    together, each is up to a fifth shorter or longer, as its address falls out:
    as good as chance, and the same on every machine.
    """
    seconds = min(FIRST_WAIT << min(ping.tries, _DOUBLINGS), LONGEST_WAIT)
    text = f"{ping.hub} {ping.address} {ping.tries}"
    chance = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big") / 2**32
    return timedelta(seconds=seconds * (0.8 + 0.4 * chance))


def judge(status: int, retry_after: str, now: datetime) -> Outcome:
    """What a hub's answer means (RFC 9110 §15); *retry_after* is the field's value, or empty."""
    if 200 <= status < 300 or status == 303:  # 303: it was taken, and there is a page about it
        return Outcome("told")
    words = f"HTTP {status}"
    if 400 <= status < 500 and status not in (408, 429):
        return Outcome("refused", words)
    pause = _seconds(retry_after, now) if status in (429, 503) else 0
    return Outcome("silent" if pause or status == 429 else "failed", words, pause)


def _seconds(retry_after: str, now: datetime) -> int:
    """The field Retry-After in seconds, at most the longest wait; 0 when it says nothing (§10.2.3)."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    except (ValueError, OverflowError, IndexError, TypeError):
        return 0
    return max(0, min(int(seconds.total_seconds()), LONGEST_WAIT))


def _plans(catalogue: Catalogue, posts: Collection[Post]) -> Iterator[Plan]:
    """The listed feeds that may hold one of *posts*."""
    for plan in catalogue.feeds():
        if any(plan.selection.holds(post) for post in posts):
            yield plan


def _told_by(catalogue: Catalogue, plan: Plan) -> Iterable[str]:
    """The ids of the posts that a subscription document tells of, as entries or as deletions."""
    items, gone = catalogue.shown(plan)
    for item in (*items, *gone):
        yield from (post.id for post in (item.posts if isinstance(item, Month) else (item,)))
