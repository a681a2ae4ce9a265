"""Which posts differ between two readings of a site, and which documents may therefore differ.

An edit is rare beside all that stays. Posts that are the same object in both
libraries cost a comparison of addresses in memory and nothing more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress, count
from operator import is_not

from pprnet_feeds.content.model import Post


@dataclass(frozen=True, slots=True)
class Difference:
    """The posts that are in one of two lists only, by identity; an edited post is gone and has come."""

    gone: tuple[Post, ...] = ()
    come: tuple[Post, ...] = ()

    @property
    def posts(self) -> tuple[Post, ...]:
        """All of them whose text or facts differ: a post that was only read anew is none."""
        before = {post.id: post for post in self.gone}
        after = {post.id: post for post in self.come}
        same = {id for id in before.keys() & after.keys() if before[id] == after[id]}
        return tuple(post for post in (*self.gone, *self.come) if post.id not in same)


def difference(before: Sequence[Post], after: Sequence[Post]) -> Difference:
    """What is in one of two lists of posts and not in the other. No id is twice in a list."""
    shorter = min(len(before), len(after))
    head = next(compress(count(), map(is_not, before, after)), shorter)
    tail = next(compress(count(), map(is_not, reversed(before), reversed(after))), shorter)
    tail = min(tail, shorter - head)
    old, new = before[head : len(before) - tail], after[head : len(after) - tail]
    had, has = {id(post) for post in old}, {id(post) for post in new}
    return Difference(
        tuple(post for post in old if id(post) not in has),
        tuple(post for post in new if id(post) not in had),
    )
