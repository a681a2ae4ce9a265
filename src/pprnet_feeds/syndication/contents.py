"""What each document holds: which posts, months and withdrawals, and under which title.

The step between an address and its bytes: pure values of one library, without
a format. What a document holds depends on its own selection alone, so that a
post outside it changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pprnet_feeds.content.library import Library
from pprnet_feeds.content.model import Post
from pprnet_feeds.syndication import history
from pprnet_feeds.syndication.addresses import Plan
from pprnet_feeds.syndication.channel import VIEWS, Channel, Deletion, beginning
from pprnet_feeds.syndication.entries import has_practice, post_id

_SERIES = {
    "issues": ("{title}, month by month", "Each month's posts together, as one entry."),
    "corrections": ("{title}: corrections", "Posts that were corrected, retracted or withdrawn."),
}


@dataclass(frozen=True, slots=True)
class Month:
    """One month's posts, the newest first: an entry of the feed of issues."""

    id: str
    published: datetime
    updated: datetime
    posts: tuple[Post, ...]


Item = Post | Month


class Contents:
    """What the documents of one library hold."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.site = library.site
        months: dict[str, list[Post]] = {month: [] for month in self.site.issues}
        for post in library.posts:
            months.setdefault(post.issue, []).append(post)
        self.months = dict(sorted(months.items(), reverse=True))
        self._practical: dict[str, bool] = {}

    def items(self, plan: Plan) -> list[Item]:
        """Everything that the feed of *plan* holds, in all its documents together."""
        if plan.series == "issues":
            return [_month(issue, posts) for issue, posts in self.months.items() if posts]
        if plan.series == "corrections":
            changed = [post for post in self.library.posts if post.status != "published"]
            return [*changed, *self.library.withdrawn]
        return [post for post in self.library.posts if self._holds(plan, post)]

    def withdrawn(self, plan: Plan) -> list[Post]:
        """The posts that the feed of *plan* held before they were withdrawn."""
        if plan.series != "posts":
            return []
        return [post for post in self.library.withdrawn if self._holds(plan, post)]

    def shown(self, plan: Plan) -> list[Item]:
        """The items of the one document of *plan*, in its order."""
        return self._spread(self.items(plan), plan)

    def years(self, plan: Plan) -> list[int]:
        """The years for which the feed of *plan* has archive documents, the oldest first."""
        return history.archive_years([*self.items(plan), *self.withdrawn(plan)], self.site.time_zone)

    def channel(self, plan: Plan) -> Channel:
        """The channel of the one document of *plan*."""
        living, dead = self.items(plan), self.withdrawn(plan)
        shown, gone = self._spread(living, plan), self._spread(dead, plan)
        whole = not plan.year and len(shown) == len(living) and len(gone) == len(dead)
        before, after = (0, 0) if whole else history.neighbours(self.years(plan), plan.year)
        dated = [*shown, *gone] if plan.year else [*living, *dead]
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
            updated=max((item.updated for item in dated), default=beginning(site)),
            author=site.author,
            language=site.language,
            rights=site.rights,
            licence=site.licence,
            hubs=() if plan.year or plan.selection.combines else site.hubs,
            ttl=max(1, site.cache.max_age // 60),
            complete=whole,
            current=f"{home}{plan.view}" if plan.year else "",
            previous=f"{home}archive/{before}/{plan.view}" if before else "",
            next=f"{home}archive/{after}/{plan.view}" if after else "",
            deletions=tuple(deletion for post in gone for deletion in self._deletions(post, plan)),
        )

    def _holds(self, plan: Plan, post: Post) -> bool:
        if not plan.selection.holds(post):
            return False
        if plan.view == "citations":
            return bool(post.cites)
        if plan.view == "practice":
            # Whether there is such a section is known for certain only when the body is rendered.
            if post.id not in self._practical:
                self._practical[post.id] = has_practice(post, self.site)
            return self._practical[post.id]
        return True

    def _spread(self, items: Sequence[history.Item], plan: Plan) -> list[history.Item]:
        if plan.year:
            return history.archive(items, plan.year, self.site.time_zone)
        return history.subscription(items, self.site.entries, self.site.time_zone)

    def _deletions(self, post: Post, plan: Plan) -> Iterable[Deletion]:
        """What a reader who holds a withdrawn post in this feed is told."""
        id = post_id(post, self.site)
        places = range(1, len(post.cites) + 1)
        ids = [f"{id}/cites/{place}" for place in places] if plan.view == "citations" else [id]
        return [Deletion(id, post.updated, post.note) for id in ids]


def _month(issue: str, posts: Sequence[Post]) -> Month:
    published = min(post.published for post in posts)
    return Month(issue, published, max(post.updated for post in posts), tuple(posts))
