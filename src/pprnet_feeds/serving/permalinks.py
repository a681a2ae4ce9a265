"""Which post stands at an address or stood there: by its permalink, or by one it had before.

Readers keep a link for ten years. What is asked for here was found nowhere
else, so the former addresses are put together for the first that asks, and not
at every edit.
"""

from __future__ import annotations

from functools import cached_property

from pprnet_feeds.content.model import Post
from pprnet_feeds.syndication.catalogue import Catalogue


class Permalinks:
    """The posts of one catalogue by all paths that ever led to them."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def at(self, path: str) -> Post | None:
        """The post at *path*, whether it ends with a slash or not."""
        path = path.rstrip("/")
        return self._others.get(path) or (
            self._catalogue.post(path.removeprefix("/posts/")) if path.startswith("/posts/") else None
        )

    @cached_property
    def _others(self) -> dict[str, Post]:
        library = self._catalogue.library
        others = {f"/posts/{post.slug}": post for post in library.withdrawn}
        for post in (*library.posts, *library.withdrawn):
            others |= {alias.rstrip("/"): post for alias in post.aliases}
        return others
