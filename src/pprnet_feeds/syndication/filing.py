"""The posts of a library in one order, and the same under each topic, research type and month.

A feed costs what it shows, and not what there is: whoever asks for a
selection is given the posts of its shortest list, the last of the order first,
and takes no more than are needed. Lists are never changed once they are made,
so that the filing of an edited library shares all but a few with the one before.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from heapq import merge
from operator import attrgetter
from typing import Any

from pprnet_feeds.content.model import Post
from pprnet_feeds.syndication.differences import Difference
from pprnet_feeds.syndication.selection import EVERYTHING, Selection

Key = Callable[[Any], tuple[datetime | str | int, ...]]
Lists = dict[str, list[Post]]


@dataclass(frozen=True, slots=True)
class Month:
    """One month's posts, the newest first: an entry of the feed of issues.

    Attributes:
        filed: the list it was made of, by which it is known again.
    """

    id: str
    published: datetime
    updated: datetime
    posts: tuple[Post, ...]
    filed: list[Post] = field(repr=False, compare=False)

    @property
    def year(self) -> int:
        """The year of its archive."""
        return int(self.id[:4])


Item = Post | Month


class Filing:
    """Posts by what they are filed under; each list in the order of *key*, the least first."""

    def __init__(self, posts: Iterable[Post], key: Key) -> None:
        self.key = key
        self.every = sorted(posts, key=key)
        self.topics: Lists = {}
        self.research: Lists = {}
        self.months: Lists = {}
        for post in self.every:
            for slug in post.topics:
                self.topics.setdefault(slug, []).append(post)
            for slug in post.research:
                self.research.setdefault(slug, []).append(post)
            self.months.setdefault(post.issue, []).append(post)

    def refiled(self, gone: Collection[Post], come: Collection[Post]) -> Filing:
        """The same without the posts *gone*, which are all in it, and with those that have *come*."""
        if not gone and not come:
            return self
        after = Filing((), self.key)

        def changed(posts: Sequence[Post], less: Iterable[Post], more: Iterable[Post]) -> list[Post]:
            kept = list(posts)
            for post in less:
                # Nobody else has its key, since that ends with the id.
                del kept[bisect_left(kept, self.key(post), key=self.key)]
            for post in more:
                insort(kept, post, key=self.key)
            return kept

        def lists(before: Lists, names: Callable[[Post], Iterable[str]]) -> Lists:
            def of(name: str, posts: Collection[Post]) -> Iterable[Post]:
                return (post for post in posts if name in names(post))

            touched = {name for post in (*gone, *come) for name in names(post)}
            fresh = {name: changed(before.get(name, ()), of(name, gone), of(name, come)) for name in touched}
            return {name: posts for name, posts in (before | fresh).items() if posts}

        after.every = changed(self.every, gone, come)
        after.topics = lists(self.topics, lambda post: post.topics)
        after.research = lists(self.research, lambda post: post.research)
        after.months = lists(self.months, lambda post: (post.issue,))
        return after

    def held(self, selection: Selection, year: int = 0) -> Iterator[Post]:
        """The posts of *selection*, the greatest first; those of *year* only, if one is given.

        Years are cut out of lists that are in the order of archives.
        """
        lists, exact = self._lists(selection)
        if year:
            lists = [_of_year(posts, year) for posts in lists]
        found: Iterator[Post] = (
            _single(merge(*map(reversed, lists), key=self.key, reverse=True))
            if len(lists) != 1
            else reversed(lists[0])
        )
        return found if exact else (post for post in found if selection.holds(post))

    def count(self, selection: Selection) -> int:
        """How many posts the selection holds."""
        lists, exact = self._lists(selection)
        return len(lists[0]) if exact and len(lists) == 1 else sum(1 for _ in self.held(selection))

    def years(self, selection: Selection) -> list[int]:
        """The years of posts that may be of the selection, the newest first."""
        found: set[int] = set()
        for posts in self._lists(selection)[0]:
            end = len(posts)
            while end:
                year = posts[end - 1].year
                found.add(year)
                end = _start(posts, year, end)
        return sorted(found, reverse=True)

    def _lists(self, selection: Selection) -> tuple[list[list[Post]], bool]:
        """The shortest lists that have all posts of the selection, and whether they have no others."""
        if selection == EVERYTHING:
            return [self.every], True
        if selection.issue:
            return [self.months.get(selection.issue, [])], not selection.topics and not selection.research
        lists = [self.topics.get(slug, []) for slug in selection.topics]
        if selection.every:
            lists = [min(lists, key=len)]
        if not selection.research:
            return lists, not selection.every
        of_type = self.research.get(selection.research, [])
        if lists and sum(map(len, lists)) < len(of_type):
            return lists, False
        return [of_type], not lists


def by_publication(post: Any) -> tuple[int, datetime, str]:
    """The order of archives: a post of December that was published in January stays in its year."""
    return post.year, post.published, post.id


def by_change(post: Any) -> tuple[datetime, datetime, str]:
    """The order in which subscribers are told: a correction counts by its own moment."""
    return post.updated, post.published, post.id


@dataclass(frozen=True, slots=True)
class Filed:
    """The same posts in both orders."""

    published: Filing
    changed: Filing

    @classmethod
    def of(cls, posts: Collection[Post]) -> Filed:
        """File *posts*, which may come in any order."""
        return cls(Filing(posts, by_publication), Filing(posts, by_change))

    def refiled(self, difference: Difference) -> Filed:
        """The same without what is gone and with what has come."""
        # Posts come one by one: where most are new, sorting them all is quicker.
        if 8 * len(difference.come) > len(self.published.every):
            out = {id(post) for post in difference.gone}
            kept = [post for post in self.published.every if id(post) not in out]
            return Filed.of([*kept, *difference.come])
        published = self.published.refiled(difference.gone, difference.come)
        return Filed(published, self.changed.refiled(difference.gone, difference.come))

    def in_order(self, selection: Selection, year: int) -> list[Post]:
        """The posts of a selection, or of a year of it, as the library has them: the newest first."""
        return _in_order(self.published.held(selection, year))


def months_of(filing: Filing, before: dict[str, Month]) -> dict[str, Month]:
    """The months that have posts; the same objects as *before* where no post has changed."""
    months = {}
    for month, filed in filing.months.items():
        known = before.get(month)
        if known is None or known.filed is not filed:
            posts = tuple(_in_order(reversed(filed)))
            known = Month(month, posts[-1].published, max(post.updated for post in posts), posts, filed)
        months[month] = known
    return months


def _in_order(held: Iterable[Post]) -> list[Post]:
    """Posts that come as archives have them, the newest first; those of one moment by their ids."""
    ascending = list(held)[::-1]
    return sorted(ascending, key=attrgetter("year", "published"), reverse=True)


def _single(posts: Iterable[Post]) -> Iterator[Post]:
    """Equal neighbours once: a post stands in the list of each of its topics."""
    last = None
    for post in posts:
        if post is not last:
            yield post
        last = post


def _of_year(posts: list[Post], year: int) -> list[Post]:
    return posts[_start(posts, year) : _start(posts, year + 1)]


def _start(posts: list[Post], year: int, end: int | None = None) -> int:
    """Where the posts of *year* begin."""
    return bisect_left(posts, year, hi=end, key=attrgetter("year"))
