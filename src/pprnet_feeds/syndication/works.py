"""The works that posts cite, drawn for reference managers and kept for the next file that names them.

A file of citations holds every post of its selection, ten thousand of them in
that of the whole site, and an edit changes one. So what was drawn of a post's
works is kept by month, as the posts are filed: whoever asks for all takes whole
months, and only the edited month is put together again.

Never more than a number of bytes: the month that was asked for longest ago goes
first. Threads that draw from two catalogues may share what is kept.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from itertools import chain, groupby
from operator import attrgetter

from pprnet_feeds.content.model import Post, Site
from pprnet_feeds.syndication import bibliography
from pprnet_feeds.syndication.filing import Month

Parts = tuple[bytes, ...]  # a post's works in each format, in the order of `bibliography.MEDIA_TYPES`
FORMS = list(bibliography.MEDIA_TYPES)

# What the parts of a post take besides their bytes.
_OVERHEAD = 300


class _Shelf:
    """One month's works.

    Attributes:
        drawn: the identity of a post -> the post, which keeps that its own, and its parts.
        whole: the month of which all is drawn, and the parts of its posts by format; empty ones left out.
    """

    __slots__ = ("drawn", "size", "whole")

    def __init__(self) -> None:
        self.drawn: dict[int, tuple[Post, Parts]] = {}
        self.size = 0
        self.whole: tuple[Month, list[list[bytes]]] | None = None


class Works:
    """The works of the posts of one *site*, in at most *limit* bytes."""

    def __init__(self, site: Site, limit: int) -> None:
        self._site = site
        self._limit = limit
        self._size = 0
        self._shelves: OrderedDict[str, _Shelf] = OrderedDict()
        self._lock = threading.Lock()  # not held while something is drawn

    def of_months(self, months: Iterable[Month], form: str) -> bytes:
        """The file of every post of some months, in their order."""
        place = FORMS.index(form)
        return bibliography.join(chain.from_iterable(self._whole(month)[place] for month in months), form)

    def of_posts(self, posts: Iterable[Post], form: str) -> bytes:
        """The file of some posts, in their order."""
        place = FORMS.index(form)
        months = groupby(posts, key=attrgetter("issue"))
        drawn = (parts[place] for issue, of_month in months for parts in self._of(issue, list(of_month)))
        return bibliography.join(filter(None, drawn), form)

    def forget(self, posts: Iterable[object]) -> None:
        """Let go of all that was drawn of *posts*, which no file names any more."""
        with self._lock:
            for post in posts:
                shelf = self._shelves.get(post.issue) if isinstance(post, Post) else None
                if shelf and (held := shelf.drawn.pop(id(post), None)):
                    self._resize(shelf, -_size(held[1]))

    def __len__(self) -> int:
        """Of how many posts something is kept."""
        return sum(len(shelf.drawn) for shelf in self._shelves.values())

    def _whole(self, month: Month) -> list[list[bytes]]:
        with self._lock:
            shelf = self._shelves.get(month.id)
            if shelf and shelf.whole and shelf.whole[0] is month:
                self._shelves.move_to_end(month.id)
                return shelf.whole[1]
        parts = self._of(month.id, month.posts)
        columns = [[part for part in column if part] for column in zip(*parts, strict=True)]
        with self._lock:
            if shelf := self._shelves.get(month.id):
                shelf.whole = month, columns
        return columns

    def _of(self, issue: str, posts: Sequence[Post]) -> list[Parts]:
        """The parts of each of *posts*, which are all of one month; those that are missing are drawn."""
        with self._lock:
            shelf = self._shelves.setdefault(issue, _Shelf())
            self._shelves.move_to_end(issue)
            held = [shelf.drawn.get(id(post)) for post in posts]
        if all(held):
            return [kept[1] for kept in held if kept]
        found = [kept or (post, self._draw(post)) for kept, post in zip(held, posts, strict=True)]
        with self._lock:
            for kept, new in zip(held, found, strict=True):
                # Another thread may have drawn it too, or the shelf have gone, meanwhile.
                if not kept and id(new[0]) not in shelf.drawn and self._shelves.get(issue) is shelf:
                    shelf.drawn[id(new[0])] = new
                    self._resize(shelf, _size(new[1]))
            while self._size > self._limit:
                self._size -= self._shelves.popitem(last=False)[1].size
        return [parts for _, parts in found]

    def _draw(self, post: Post) -> Parts:
        # All formats at once: reading the references is most of the work.
        return bibliography.draw_parts([*bibliography.works_of([post], self._site)])

    def _resize(self, shelf: _Shelf, by: int) -> None:
        shelf.size += by
        self._size += by
        shelf.whole = None


def _size(parts: Parts) -> int:
    return sum(map(len, parts)) + _OVERHEAD
