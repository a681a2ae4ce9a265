"""Pages for people: where to subscribe, what is filed where, and each post.

Every page is drawn from the same library as the feeds, so that a feed never
links to something that is not there. Templates escape whatever they are given;
only the rendered body of a post, which the sanitiser has cleaned, is marked safe.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from pprnet_feeds.syndication.addresses import Address
from pprnet_feeds.syndication.catalogue import Catalogue
from pprnet_feeds.syndication.channel import FORMATS
from pprnet_feeds.syndication.entries import post_entries
from pprnet_feeds.syndication.opml import Listing
from pprnet_feeds.syndication.selection import month_name, selections

STYLE_SHEETS = ("/site.css", "/feed.css")

_templates = Environment(
    loader=PackageLoader("pprnet_feeds.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    keep_trailing_newline=True,
)


_HEADINGS = {"/topics/": "Topics", "/research/": "Types of research", "/issues/": "Issues"}


class Pages:
    """The pages of one library."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.site = catalogue.site
        self.posts = catalogue.library.posts
        self._post = {f"/posts/{post.slug}/": post for post in self.posts}

    @cached_property
    def _listings(self) -> list[Listing]:
        return [self.catalogue.listing(selection) for selection in selections(self.site)]

    def paths(self) -> Iterator[str]:
        """Every address of a page."""
        yield from (f"/{selection.path}" for selection in self.catalogue.listed())
        yield from _HEADINGS
        yield from self._post

    def draw(self, path: str) -> bytes | None:
        """Draw the page at *path*; None when there is none."""
        if path == "/":
            return self._fill("subscribe.html", path, listings=self._listings, posts=self.posts)
        if path in _HEADINGS:
            members = [item for item in self._listings if item.selection.path.startswith(path.strip("/"))]
            if path == "/issues/":
                members = [self.catalogue.listing(one) for one in self.catalogue.listed() if one.issue]
            return self._fill("terms.html", path, listings=members, heading=_HEADINGS[path])
        if path in self._post:
            post = self._post[path]
            return self._fill("post.html", path, post=post, entry=post_entries(post, "feed", self.site)[0])
        address = self.catalogue.read(path)
        if not isinstance(address, Address) or address.plan or address.spelling != path:
            return None
        listing = self.catalogue.listing(address.selection)
        posts = [post for post in self.posts if address.selection.holds(post)]
        return self._fill("selection.html", path, own=listing, listing=listing, posts=posts)

    def _fill(self, template: str, path: str, own: Listing | None = None, **values: Any) -> bytes:
        # A page announces its own feed and no other: readers subscribe to whatever they find.
        channels = [(own or self._listings[0]).channels["feed"]]
        page = _templates.get_template(template)
        return page.render(
            site=self.site, path=path, channels=channels, formats=FORMATS, month=month_name, **values
        ).encode()


def style_sheet(path: str) -> bytes | None:
    """The style sheet at *path*, one of `STYLE_SHEETS`; None for any other."""
    if path not in STYLE_SHEETS:
        return None
    return files("pprnet_feeds.pages").joinpath("static", path.strip("/")).read_bytes()
