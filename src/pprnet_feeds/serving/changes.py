"""When anything that readers can see was last changed.

`Last-Modified` cannot be the newest date among the posts: a typo mended, a post
back-dated, taken out or moved to another topic changes the bytes without a
newer date, and readers that ask by date alone would never hear of it. So the
moment at which a change was first seen is kept; not per document, of which a
stranger may ask for any number, but per thing that documents are made of, with
the facts by which selections choose it, before the change and after.

A moment, once told, must never be taken back: it only rises.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Protocol

from pprnet_feeds.content.digests import appearance, digest
from pprnet_feeds.content.library import Library
from pprnet_feeds.content.model import Post
from pprnet_feeds.syndication.channel import beginning

# How many memories of what is no longer there are kept: gone posts, and selections that posts have left.
LONGEST_PAST = 200_000

# What stands for the site does not stand for its sentences, which are things of their own.
_UNSEEN_OF_SITE = ("issues",)


@dataclass(frozen=True, slots=True)
class Membership:
    """What a selection asks of a post; its attributes are those of a post."""

    topics: tuple[str, ...] = ()
    research: tuple[str, ...] = ()
    issue: str = ""


# Of what belongs to every selection. No month is called so.
EVERYWHERE = Membership(issue="*")


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing that documents are made of, as it stands now.

    Attributes:
        name: ``post:`` and its id, ``issue:`` and its month, or ``site``.
        digest: stands for everything that readers can see of it.
        since: the change it tells of itself, for a start without any knowledge.
        recorded: whether *since* is the moment at which its change was published.
    """

    name: str
    digest: str
    membership: Membership
    since: datetime
    recorded: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing as it was last seen, or a selection's fact that it has left.

    Attributes:
        digest: empty when the thing is no longer there.
        moment: when that came about; UTC, whole seconds.
    """

    digest: str
    membership: Membership
    moment: datetime


@dataclass(frozen=True)
class Known:
    """All that was ever seen, by name. Never changed: `record` gives another one."""

    seen: Mapping[str, Seen] = field(default_factory=dict)

    def last_modified(self, holds: Callable[[Membership], bool]) -> datetime:
        """The newest moment at which anything changed that a selection *holds*, or held before."""
        for moment, membership in self._newest_first:
            if membership == EVERYWHERE or holds(membership):
                return moment
        return datetime.fromtimestamp(0, UTC)

    @cached_property
    def newest(self) -> datetime:
        """The newest moment of all."""
        return max((seen.moment for seen in self.seen.values()), default=datetime.fromtimestamp(0, UTC))

    @cached_property
    def _newest_first(self) -> list[tuple[datetime, Membership]]:
        """Each membership once, so that nobody pays for the number of posts."""
        newest: dict[Membership, datetime] = {}
        for seen in self.seen.values():
            newest[seen.membership] = max(seen.moment, newest.get(seen.membership, seen.moment))
        pairs = [(moment, membership) for membership, moment in newest.items()]
        return sorted(pairs, key=lambda pair: pair[0], reverse=True)

    def after(self, news: Mapping[str, Seen]) -> Known:
        """The same with *news*, by name. What was found out of all that is known is carried over."""
        seen = {**self.seen, **news}
        if len(seen) > LONGEST_PAST:
            return Known(_bounded(seen))
        known = Known(seen)
        newer = [(was.moment, was.membership) for was in news.values() if was.moment > self.newest]
        vars(known)["newest"] = max([self.newest, *(moment for moment, _ in newer)])
        # What stands in the list twice counts where it stands first; now and then the list is made anew.
        if (pairs := vars(self).get("_newest_first")) and len(pairs) < 2 * len(seen):
            vars(known)["_newest_first"] = sorted(newer, key=lambda pair: pair[0], reverse=True) + pairs
        return known


Change = Callable[[Known], Known]


class Keeping(Protocol):
    """Where what is known is kept."""

    def update(self, change: Change) -> Known:
        """Let *change* make what is known out of what was known, keep it, and give it."""


class InMemory:
    """What is known of changes, for as long as this process lives."""

    def __init__(self) -> None:
        self._known = Known()

    def update(self, change: Change) -> Known:
        """Let *change* make what is known out of what was known, and give it."""
        self._known = change(self._known)
        return self._known


# Knowledge that there was and that is lost: whatever is recorded next counts as changed at that moment.
LOST = Known({"site": Seen("lost", EVERYWHERE, datetime.fromtimestamp(0, UTC))})


def things(library: Library, program: str) -> list[Thing]:
    """Everything the documents of *library* are made of; *program* stands for what draws them.

    What the ledger records as it is was changed when it was published, on every replica alike.
    """
    site = library.site
    oldest = beginning(site)
    found = [Thing("site", digest([digest(site, _UNSEEN_OF_SITE), program]), EVERYWHERE, oldest)]
    for month, sentence in site.issues.items():
        found.append(Thing(f"issue:{month}", digest(sentence), Membership(issue=month), oldest))
    return found + [_of_post(post, library) for post in (*library.posts, *library.withdrawn)]


def _of_post(post: Post, library: Library) -> Thing:
    its = library.ledger.records.get(post.id)
    is_told = its is not None and post.id in library.recorded
    return Thing(
        name=f"post:{post.id}",
        digest=library.digests.get(post.id) or appearance(post),
        membership=Membership(post.topics, post.research, post.issue),
        since=max(post.updated, its.changed) if its and is_told else post.updated,
        recorded=is_told,
    )


def record(known: Known, things: Collection[Thing], now: datetime) -> Known:
    """What is known once *things*, and nothing else, were seen at *now*; *known* itself if nothing is new.

    Every change counts at the same moment: now, and at least a second after all
    that was recorded before, whatever the clock says. On the very first record
    nothing has changed yet, and each thing's own date counts, so that services
    that begin apart tell the same.
    """
    now = now.replace(microsecond=0)
    moment = max(now, known.newest + timedelta(seconds=1))
    news: dict[str, Seen] = {}
    for thing in things:
        was = known.seen.get(thing.name)
        if was and (was.digest, was.membership) == (thing.digest, thing.membership):
            continue
        if was and was.membership != thing.membership:
            left = Seen("", was.membership, moment if was.digest else was.moment)
            name = f"left:{digest(was.membership)}"
            held = news.get(name) or known.seen.get(name)
            if held is None or held.moment < left.moment:
                news[name] = left
        when = moment if known.seen else min(thing.since, now)
        if thing.recorded and known.newest < thing.since <= now:
            when = thing.since
        news[thing.name] = Seen(thing.digest, thing.membership, when)
    for name in known.seen.keys() - {thing.name for thing in things}:
        was = known.seen.get(name)
        if was and was.digest:
            news[name] = Seen("", was.membership, moment)
    return known.after(news) if news else known


def joined(one: Known, other: Known) -> Known:
    """What is known to *one* or *other*: the later moment counts. One of them itself when that is all."""
    if one is other or not other.seen:
        return one
    if not one.seen:
        return other
    seen = dict(one.seen)
    for name, was in other.seen.items():
        _keep_later(seen, name, was)
    return one if seen == one.seen else Known(seen)


def _keep_later(seen: dict[str, Seen], name: str, was: Seen) -> None:
    if name not in seen or seen[name].moment < was.moment:
        seen[name] = was


def _bounded(seen: dict[str, Seen]) -> dict[str, Seen]:
    """Forget the oldest past beyond the bound; everything then counts as at least that new, so none falls."""
    past = sorted((was.moment, name) for name, was in seen.items() if not was.digest)
    for moment, name in past[: max(0, len(past) - LONGEST_PAST)]:
        del seen[name]
        _keep_later(seen, "forgotten", Seen("", EVERYWHERE, moment))
    return seen
