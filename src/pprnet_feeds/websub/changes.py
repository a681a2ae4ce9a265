"""Which feeds a hub gets a ping for: those that show subscribers something new (W3C WebSub §6).

That is a new post, a moved `updated` or a changed status. A typo, another topic
or a draft never causes a ping.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from pprnet_feeds.content.library import Library
from pprnet_feeds.content.model import Post
from pprnet_feeds.syndication.catalogue import Catalogue, Month
from pprnet_feeds.syndication.urls import FORMATS, FeedRequest


def visible_changes(posts: Iterable[Post]) -> dict[str, int]:
    """What subscribers are shown as new, by name, with its `updated` in seconds."""
    return {f"{post.id} {post.status}": int(post.updated.timestamp()) for post in posts}


def changed_posts(library: Library, recorded: Mapping[str, int]) -> list[Post]:
    """The posts with a visible change that is not among those *recorded*.

    An older `updated` is no change: it comes from a replica that does not have the newest files yet.
    """
    return [
        post
        for post in (*library.posts, *library.withdrawn)
        for name, updated in visible_changes([post]).items()
        if updated > recorded.get(name, -(2**63))
    ]


def changed_feeds(catalogue: Catalogue, posts: Collection[Post]) -> Iterator[str]:
    """The URL of each feed, in each format, whose subscription document shows one of *posts*."""
    ids = {post.id for post in posts}
    for feed in catalogue.feeds():
        may_hold = any(feed.selection.holds(post) for post in posts)
        if may_hold and not ids.isdisjoint(_shown_in(catalogue, feed)):
            for form in FORMATS:
                yield catalogue.site.base_url + replace(feed, form=form).path


def _shown_in(catalogue: Catalogue, feed: FeedRequest) -> Iterator[str]:
    """The ids of the posts in a subscription document, as entries or as deletions."""
    shown = catalogue.items(feed)
    for item in (*shown.items, *shown.withdrawn):
        yield from (post.id for post in (item.posts if isinstance(item, Month) else (item,)))
