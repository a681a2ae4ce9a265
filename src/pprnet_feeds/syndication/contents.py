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
from pprnet_feeds.syndication.channel import VIEWS, Channel, View, beginning
from pprnet_feeds.syndication.differences import difference
from pprnet_feeds.syndication.entries import deletions, has_practice
from pprnet_feeds.syndication.filing import Filed, Item, Month, by_change, by_publication, months_of
from pprnet_feeds.syndication.selection import EVERYTHING, Selection

Value = TypeVar("Value")

_SERIES = {
    "issues": ("{title}, month by month", "Each month's posts together, as one entry."),
    "corrections": ("{title}: corrections", "Posts that were corrected, retracted or withdrawn."),
}
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
    """

    def __init__(self, library: Library, before: Contents | None = None) -> None:
        self.library = library
        self.site = library.site
        self._spreads: dict[_Feed, _Spread] = {}
        self._years: dict[_Feed, list[int]] = {}
        self._practical: dict[int, bool] = {}
        self._issues: dict[str, Month] = {}
        self.gone: tuple[Item, ...] = ()
        if before and before.site == self.site:
            self._take_over(before)
        else:
            self._living, self._dead = Filed.of(library.posts), Filed.of(library.withdrawn)
        former = self._issues
        self._issues = months_of(self._living.published, former)
        self.gone += tuple(it for name, it in former.items() if self._issues.get(name) is not it)
        announced = dict.fromkeys(self.site.issues, ())
        held = {month: issue.posts for month, issue in self._issues.items()}
        self.months: dict[str, tuple[Post, ...]] = dict(sorted((announced | held).items(), reverse=True))

    def _take_over(self, before: Contents) -> None:
        living = difference(before.library.posts, self.library.posts)
        dead = difference(before.library.withdrawn, self.library.withdrawn)
        self._living, self._dead = before._living.refiled(living), before._dead.refiled(dead)
        self._issues = before._issues
        changed = (*living.gone, *living.come, *dead.gone, *dead.come)
        self._practical = before._practical.copy()
        self.gone = (*living.gone, *dead.gone)
        for post in self.gone:
            self._practical.pop(id(post), None)

        def stays(feed: _Feed) -> bool:
            series, selection, _ = feed
            return not any(selection.holds(post) for post in changed) if series == "posts" else not changed

        # Copies: whoever is answered from *before* in another thread adds to what is remembered there.
        self._spreads = {feed: spread for feed, spread in before._spreads.copy().items() if stays(feed)}
        self._years = {feed: it for feed, it in before._years.copy().items() if feed in self._spreads}

    def posts(self, selection: Selection, year: int = 0) -> list[Post]:
        """The posts of a selection in the library's order; of one *year*, if it is given."""
        return self._living.in_order(selection, year, self.site.time_zone)

    def count(self, selection: Selection) -> int:
        """How many posts the selection holds."""
        return self._living.published.count(selection)

    def cited(self, selection: Selection) -> list[Post]:
        """The posts of a selection that cite works, in the library's order."""
        posts = self.library.posts if selection == EVERYTHING else self.posts(selection)
        return [post for post in posts if post.cites]

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
        years = self._years.get(feed)
        if years is None:
            zone, plan = self.site.time_zone, Plan(*feed, "atom")
            updated = self._spread(plan).updated
            if plan.series == "posts":
                found = {
                    year
                    for side in (self._living, self._dead)
                    for year in side.published.years(plan.selection, zone)
                    if any(True for _ in self._of_year(plan, side, year))
                }
            else:
                found = {history.year_of(item.published, zone) for item in self._items(plan.series)}
            years = sorted(found - {history.year_of(updated, zone) if updated else 0})
            self._remember(self._years, feed, years)
        return years

    def archives(self, plan: Plan) -> list[int]:
        """The years that the documents of *plan* lead to; none when all fits into one document."""
        return [] if self._spread(plan).whole else self.years(plan)

    def channel(self, plan: Plan) -> Channel:
        """The channel of the one document of *plan*."""
        spread = self._spread(plan)
        before, after = (0, 0) if spread.whole else history.neighbours(self.years(plan), plan.year)
        site, base, home = self.site, self.site.base_url, f"{self.site.base_url}/{plan.folder}"
        title, subtitle = plan.selection.title(site) + VIEWS[plan.view], plan.selection.subtitle(site)
        if plan.series in _SERIES:
            title, subtitle = (text.format(title=site.short_title) for text in _SERIES[plan.series])
        return Channel(
            id=f"tag:{site.tag_root}/feed/{plan.folder}{plan.view}",
            url=f"{base}{plan.path.removesuffix(f'.{plan.form}')}",
            home_page=home if plan.series != "corrections" else f"{base}/",
            subscribe_page=f"{base}/",
            title=f"{title}, {plan.year}" if plan.year else title,
            subtitle=subtitle,
            updated=spread.updated or beginning(site),
            author=site.author,
            language=site.language,
            rights=site.rights,
            licence=site.licence,
            hubs=() if plan.year or plan.selection.combines else site.hubs,
            ttl=max(1, site.cache.max_age // 60),
            complete=spread.whole,
            current=f"{home}{plan.view}" if plan.year else "",
            previous=f"{home}archive/{before}/{plan.view}" if before else "",
            next=f"{home}archive/{after}/{plan.view}" if after else "",
            deletions=tuple(told for post in spread.gone for told in deletions(post, plan.view, site)),
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
        zone = self.site.time_zone
        of_year = [i for i in self._items(plan.series) if history.year_of(i.published, zone) == plan.year]
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
        return self._in_view(plan.view, side.published.held(plan.selection, year, self.site.time_zone))

    def _items(self, series: Series) -> list[Item]:
        """All items of a feed that is not of posts."""
        return list(self._issues.values()) if series == "issues" else list(self._corrections)

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
