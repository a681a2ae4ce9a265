"""What each document holds: which posts, months and withdrawals, and under which title.

The step between an address and its bytes: pure values of one library, without
a format. What a document holds depends on its own selection alone, so that a
post outside it changes nothing, and what was found out about a selection holds
until one of its posts changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TypeVar

from pprnet_feeds.content.library import Library
from pprnet_feeds.content.model import Post
from pprnet_feeds.syndication import history
from pprnet_feeds.syndication.addresses import Plan, Series
from pprnet_feeds.syndication.channel import Channel, View
from pprnet_feeds.syndication.differences import difference
from pprnet_feeds.syndication.entries import has_practice
from pprnet_feeds.syndication.filing import Filed, Item, Month, by_change, by_publication, months_of
from pprnet_feeds.syndication.heading import heading
from pprnet_feeds.syndication.selection import Selection

Value = TypeVar("Value")

_Feed = tuple[Series, Selection, View]
# How many combinations are remembered: the views and formats of one are asked for together, and
# strangers may ask for any number.
_COMBINED = 64


@dataclass(frozen=True, slots=True)
class _Spread:
    """One document's items and withdrawals.

    Attributes:
        whole: whether these are all that its feed has.
        updated: the newest change that it tells of; None when it tells of nothing.
    """

    shown: list[Item]
    gone: list[Post]
    whole: bool
    updated: datetime | None


class Contents:
    """What the documents of one library hold.

    *before* are the contents of an earlier library: whatever its site and its
    posts, known by identity, have not changed is taken over.

    Attributes:
        gone: the posts and months of *before* that are in no document any more.
        by_slug: the posts by the last part of their permalinks.
        issues: the months that have posts, by their names.
    """

    def __init__(self, library: Library, before: Contents | None = None) -> None:
        self.library = library
        self.site = library.site
        self._spreads: dict[_Feed, _Spread] = {}
        self._years: dict[_Feed, set[int]] = {}  # with the open one
        self._practical: dict[int, bool] = {}
        self.issues: dict[str, Month] = {}
        self.gone: tuple[Item, ...] = ()
        if before and before.site == self.site:
            self._take_over(before)
        else:
            self._living, self._dead = Filed.of(library.posts), Filed.of(library.withdrawn)
            self.by_slug = {post.slug: post for post in library.posts}
            if before:
                living = difference(before.library.posts, library.posts)
                dead = difference(before.library.withdrawn, library.withdrawn)
                self.gone = (*living.gone, *dead.gone)
        former = self.issues
        self.issues = months_of(self._living.published, former)
        self.gone += tuple(it for name, it in former.items() if self.issues.get(name) is not it)
        announced = dict.fromkeys(self.site.issues, ())
        held = {month: issue.posts for month, issue in self.issues.items()}
        self.months: dict[str, tuple[Post, ...]] = dict(sorted((announced | held).items(), reverse=True))

    def _take_over(self, before: Contents) -> None:
        living = difference(before.library.posts, self.library.posts)
        dead = difference(before.library.withdrawn, self.library.withdrawn)
        self._living, self._dead = before._living.refiled(living), before._dead.refiled(dead)
        self.issues = before.issues
        self.by_slug = before.by_slug.copy()
        for post in living.gone:
            del self.by_slug[post.slug]
        self.by_slug |= {post.slug: post for post in living.come}
        changed = (*living.gone, *living.come, *dead.gone, *dead.come)
        self._practical = before._practical.copy()
        self.gone = (*living.gone, *dead.gone)
        for item in self.gone:
            self._practical.pop(id(item), None)

        def stays(feed: _Feed) -> bool:
            series, selection, _ = feed
            return not any(selection.holds(post) for post in changed) if series == "posts" else not changed

        # Copies: whoever is answered from *before* in another thread adds to what is remembered there.
        self._spreads = {feed: spread for feed, spread in before._spreads.copy().items() if stays(feed)}
        for feed, years in before._years.copy().items():
            if feed[0] == "posts":
                moved = {post.year for post in changed if feed[1].holds(post)}
                self._years[feed] = years - moved | self._with_items(Plan(*feed, "atom"), moved)
            elif not changed:
                self._years[feed] = years

    def posts(self, selection: Selection, year: int = 0) -> list[Post]:
        """The posts of a selection in the library's order; of one *year*, if it is given."""
        return self._living.in_order(selection, year)

    def count(self, selection: Selection) -> int:
        """How many posts the selection holds."""
        return self._living.published.count(selection)

    def withdrawn(self, plan: Plan) -> list[Post]:
        """The posts that the feed of *plan* held before they were withdrawn."""
        return list(self._newest(plan, self._dead)) if plan.series == "posts" else []

    def shown(self, plan: Plan) -> list[Item]:
        """The items of the one document of *plan*, in its order."""
        return self._spread(plan).shown

    def years(self, plan: Plan) -> list[int]:
        """The years for which the feed of *plan* has archive documents, the oldest first.

        The year of the newest item is still open: all of it is in the subscription document.
        """
        feed = _feed(plan)
        zone, plan = self.site.time_zone, Plan(*feed, "atom")
        years = self._years.get(feed)
        if years is None:
            if plan.series == "posts":
                sides = (self._living, self._dead)
                found = {year for side in sides for year in side.published.years(plan.selection)}
                years = self._with_items(plan, found)
            else:
                years = {item.year for item in self._items(plan.series)}
            self._remember(self._years, feed, years)
        updated = self._spread(plan).updated
        return sorted(years - {history.year_of(updated, zone) if updated else 0})

    def _with_items(self, plan: Plan, years: Iterable[int]) -> set[int]:
        """Those of *years* in which a feed of posts has any."""
        sides = (self._living, self._dead)
        return {
            year for year in years if any(True for side in sides for _ in self._of_year(plan, side, year))
        }

    def archives(self, plan: Plan) -> list[int]:
        """The years that the documents of *plan* lead to; none when all fits into one document."""
        return [] if self._spread(plan).whole else self.years(plan)

    def channel(self, plan: Plan) -> Channel:
        """The channel of the one document of *plan*."""
        spread = self._spread(plan)
        return heading(
            plan,
            self.site,
            updated=spread.updated,
            gone=spread.gone,
            complete=spread.whole,
            around=(0, 0) if spread.whole else history.neighbours(self.years(plan), plan.year),
        )

    def _spread(self, plan: Plan) -> _Spread:
        """What the one document of *plan* tells; remembered of subscription documents."""
        if plan.year:
            shown = self._all_of_year(plan)
            gone = list(self._of_year(plan, self._dead, plan.year)) if plan.series == "posts" else []
            updated = max((item.updated for item in (*shown, *gone)), default=None)
            return _Spread(shown, gone, False, updated)
        feed = _feed(plan)
        spread = self._spreads.get(feed)
        if spread is None:
            least, zone = self.site.entries, self.site.time_zone
            shown, all_shown = history.subscription(self._items_newest(plan), least, zone)
            gone, all_gone = history.subscription(self.withdrawn(plan), least, zone)
            updated = max((items[0].updated for items in (shown, gone) if items), default=None)
            spread = _Spread(shown, gone, all_shown and all_gone, updated)
            self._remember(self._spreads, feed, spread)
        return spread

    def _remember(self, known: dict[_Feed, Value], feed: _Feed, value: Value) -> None:
        if feed[1].combines:
            combined = [one for one in known.copy() if one[1].combines]
            for one in combined if len(combined) >= _COMBINED else ():
                known.pop(one, None)
        known[feed] = value

    def _all_of_year(self, plan: Plan) -> list[Item]:
        if plan.series == "posts":
            return list(self._of_year(plan, self._living, plan.year))
        of_year = [item for item in self._items(plan.series) if item.year == plan.year]
        return sorted(of_year, key=by_publication, reverse=True)

    def _items_newest(self, plan: Plan) -> Iterable[Item]:
        if plan.series == "posts":
            return self._newest(plan, self._living)
        return sorted(self._items(plan.series), key=by_change, reverse=True)

    def _newest(self, plan: Plan, side: Filed) -> Iterator[Post]:
        """The posts of one side in a feed of posts, the last changed first."""
        return self._in_view(plan.view, side.changed.held(plan.selection))

    def _of_year(self, plan: Plan, side: Filed, year: int) -> Iterator[Post]:
        """The posts of one side and year in a feed of posts, the newest first."""
        return self._in_view(plan.view, side.published.held(plan.selection, year))

    def _items(self, series: Series) -> list[Item]:
        """All items of a feed that is not of posts."""
        return list(self.issues.values()) if series == "issues" else list(self._corrections)

    @cached_property
    def _corrections(self) -> list[Post]:
        changed = [post for post in self.library.posts if post.status != "published"]
        return [*changed, *self.library.withdrawn]

    def _in_view(self, view: View, posts: Iterator[Post]) -> Iterator[Post]:
        if view == "citations":
            return (post for post in posts if post.cites)
        if view == "practice":
            return filter(self._has_practice, posts)
        return posts

    def _has_practice(self, post: Post) -> bool:
        # Posts are known by identity: those of this library live as long as the library.
        known = self._practical.get(id(post))
        if known is None:
            known = self._practical[id(post)] = has_practice(post, self.site)
        return known


def _feed(plan: Plan) -> _Feed:
    """The feed as far as it decides what is held: summaries are of the same posts as full texts."""
    return plan.series, plan.selection, "feed" if plan.view == "summary" else plan.view
