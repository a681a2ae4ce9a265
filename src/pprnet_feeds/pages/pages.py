"""Pages for people: where to subscribe, what is filed where, and each post.

Every page is drawn from the same library as the feeds, so that a feed never
links to something that is not there. Templates escape whatever they are given;
only the rendered body of a post, which the sanitiser has cleaned, is marked safe.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from pprnet_feeds.syndication.catalogue import Catalogue
from pprnet_feeds.syndication.channel import FORMATS, entry_of

STYLE_SHEETS = ("/site.css", "/feed.css")

_templates = Environment(
    loader=PackageLoader("pprnet_feeds.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    keep_trailing_newline=True,
)


def month(issue: str) -> str:
    """Name a month as people write it: ``2021-12`` is December 2021."""
    year, number = issue.split("-")
    # calendar's own names follow the locale; English ones are wanted on every machine.
    return f"{_MONTHS[int(number) - 1]} {year}"


_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_HEADINGS = {"/topics/": "Topics", "/research/": "Types of research"}


class Pages:
    """The pages of one library."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.site = catalogue.site
        self.posts = catalogue.library.posts
        self._listings = catalogue.listings()
        self._selection = {f"/{listing.selection.path}": listing for listing in self._listings}
        self._post = {f"/posts/{post.slug}/": post for post in self.posts}

    def paths(self) -> Iterator[str]:
        """Every address of a page."""
        yield from self._selection
        yield from _HEADINGS
        yield from self._post

    def draw(self, path: str) -> bytes | None:
        """Draw the page at *path*; None when there is none."""
        if path == "/":
            return self._fill("subscribe.html", path, listings=self._listings, posts=self.posts)
        if path in self._selection:
            listing = self._selection[path]
            posts = listing.selection.select(self.posts)
            return self._fill("selection.html", path, listing=listing, posts=posts)
        if path in _HEADINGS:
            members = [item for item in self._listings if item.selection.path.startswith(path.strip("/"))]
            return self._fill("terms.html", path, listings=members, heading=_HEADINGS[path])
        if path in self._post:
            post = self._post[path]
            return self._fill("post.html", path, post=post, entry=entry_of(post, "feed", self.site))
        return None

    def _fill(self, template: str, path: str, **values: Any) -> bytes:
        # The feeds of the page itself come first: readers offer the first link they find.
        own = self._selection.get(path)
        channels = [own.channels["feed"]] if own and path != "/" else []
        channels.append(self._listings[0].channels["feed"])
        page = _templates.get_template(template)
        return page.render(
            site=self.site, path=path, channels=channels, formats=FORMATS, month=month, **values
        ).encode()


def style_sheet(path: str) -> bytes | None:
    """The style sheet at *path*, one of `STYLE_SHEETS`; None for any other."""
    if path not in STYLE_SHEETS:
        return None
    return files("pprnet_feeds.pages").joinpath("static", path.strip("/")).read_bytes()
