"""Every address of the site's feeds, and the document behind each.

Addresses are canonical, guessed (the same bytes, for programs that probe), or
former (a redirect). Documents are drawn when they are asked for; their entries
are drawn once for all the documents that hold them.

A catalogue belongs to one library and never changes what it answers.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from pprnet_feeds.content.library import Library
from pprnet_feeds.content.model import Post
from pprnet_feeds.syndication import jsonfeed, opml, xmlfeed
from pprnet_feeds.syndication.channel import (
    FORMATS,
    VIEWS,
    Channel,
    Entry,
    Format,
    View,
    channel_of,
    entry_of,
    subscription,
)
from pprnet_feeds.syndication.selection import EVERYTHING, Selection, selections

# What feed readers and people try below a site or a folder. Programs that probe
# do not follow redirects, so these are answered with the document itself.
GUESSED: dict[str, Format] = {
    "feed": "atom",
    "feed/": "atom",
    "feed.xml": "atom",
    "atom": "atom",
    "atom.xml": "atom",
    "index.atom": "atom",
    "rss": "rss",
    "rss/": "rss",
    "rss.xml": "rss",
    "index.xml": "rss",
    "index.rss": "rss",
    "rss/feed.xml": "rss",
}


@dataclass(frozen=True, slots=True)
class Document:
    """One feed in one format, drawn.

    Attributes:
        path: the canonical address below the base, with a leading slash.
        updated: the newest change that the posts themselves tell of.
        links: relation -> address, for the Link field (RFC 8288).
    """

    path: str
    body: bytes
    media_type: str
    updated: datetime
    links: tuple[tuple[str, str], ...]


class Catalogue:
    """The addresses and documents of one library."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.site = library.site
        self._plans: dict[str, tuple[Selection, View, Format]] = {}
        self.guessed: dict[str, str] = {}
        for selection in selections(self.site):
            for view in VIEWS:
                for form in FORMATS:
                    self._plans[f"/{selection.path}{view}.{form}"] = (selection, view, form)
            for name, form in GUESSED.items():
                self.guessed[f"/{selection.path}{name}"] = f"/{selection.path}feed.{form}"
        self._former = {slug: term.slug for term in self.site.topics for slug in term.former}
        self._former_types = {slug: term.slug for term in self.site.research for slug in term.former}
        self._entries: dict[tuple[str, View], Entry] = {}
        self._drawn: dict[tuple[str, View, Format], bytes] = {}

    def paths(self) -> Iterator[str]:
        """Every canonical address."""
        yield from self._plans
        yield from ("/feeds.opml", "/feeds.json")

    def document(self, path: str) -> Document | None:
        """Draw the document at a canonical address; None when there is none."""
        if path in ("/feeds.opml", "/feeds.json"):
            return self._list(path)
        if path not in self._plans:
            return None
        selection, view, form = self._plans[path]
        posts = selection.select(self.library.posts)
        shown = subscription(posts, self.site.entries)
        channel = channel_of(selection, view, posts, len(shown), self.site)
        entries = (self._entry(post, view, form) for post in shown)
        body = jsonfeed.draw(channel, entries) if form == "json" else xmlfeed.draw(channel, form, entries)
        links = [("self", channel.address(form))] + [("hub", hub) for hub in channel.hubs]
        return Document(path, body, FORMATS[form], channel.updated, tuple(links))

    def listings(self) -> list[opml.Listing]:
        """Every listed selection with its channels."""
        return [self._listing(selection) for selection in selections(self.site)]

    def channel(self, selection: Selection, view: View = "feed") -> Channel:
        """The channel of a selection's subscription document."""
        posts = selection.select(self.library.posts)
        return channel_of(selection, view, posts, len(subscription(posts, self.site.entries)), self.site)

    def moved(self, path: str) -> str | None:
        """Where an address stands now that a topic or research type was known by before.

        The rest of the address is kept; None when no part of it is a former one.
        """
        parts = path.split("/")
        for place, former in (("topics", self._former), ("research", self._former_types)):
            if place in parts[:-1]:
                at = parts.index(place) + 1
                parts[at] = former.get(parts[at], parts[at])
        now = "/".join(parts)
        return now if now != path else None

    def near(self, path: str) -> list[Selection]:
        """The topics and research types whose names are nearest to the one in *path*, the nearest first."""
        folder, _, rest = path.lower().strip("/").partition("/")
        terms = {"topics": self.site.topics, "research": self.site.research}.get(folder, ())
        # A stranger's address may be long, and comparing is quadratic.
        asked = rest.partition("/")[0][:100]
        names: dict[str, list[str]] = {}
        for term in terms:
            for name in (term.slug, *term.slug.split("-")):
                names.setdefault(name, []).append(term.slug)
        close = difflib.get_close_matches(asked, names, n=3, cutoff=0.7)
        slugs = dict.fromkeys(slug for name in close for slug in names[name])
        return [
            Selection(topic=slug) if folder == "topics" else Selection(research=slug)
            for slug in list(slugs)[:5]
        ]

    def _entry(self, post: Post, view: View, form: Format) -> bytes:
        key = (post.id, view, form)
        if key not in self._drawn:
            if key[:2] not in self._entries:
                self._entries[post.id, view] = entry_of(post, view, self.site)
            entry = self._entries[post.id, view]
            drawn = jsonfeed.draw_item(entry) if form == "json" else xmlfeed.draw_entry(entry, form)
            self._drawn[key] = drawn
        return self._drawn[key]

    def _listing(self, selection: Selection) -> opml.Listing:
        posts = len(selection.select(self.library.posts))
        return opml.Listing(selection, posts, {view: self.channel(selection, view) for view in VIEWS})

    def _list(self, path: str) -> Document:
        listings = self.listings()
        draw, media_type = (
            (opml.draw_opml, "text/x-opml")
            if path.endswith(".opml")
            else (opml.draw_list, "application/json")
        )
        body = draw(self.site.title, listings)
        updated = self.channel(EVERYTHING).updated
        return Document(path, body, media_type, updated, (("self", self.site.base_url + path),))
