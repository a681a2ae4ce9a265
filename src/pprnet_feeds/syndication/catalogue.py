"""Every document of the site, drawn when it is asked for.

A catalogue belongs to one library and never changes what it answers. Entries
are drawn once for all the documents that hold them; documents are not kept
here, so that ten thousand combinations asked for by a stranger leave nothing
behind.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from pprnet_feeds.content.library import Library
from pprnet_feeds.content.model import Post
from pprnet_feeds.syndication import bibliography, entries, jsonfeed, opml, xmlfeed
from pprnet_feeds.syndication.addresses import Address, Plan, read
from pprnet_feeds.syndication.channel import FORMATS, VIEWS, Channel, Entry
from pprnet_feeds.syndication.contents import Contents, Item, Month
from pprnet_feeds.syndication.selection import EVERYTHING, Refusal, Selection, selections

LISTS = ("/feeds.opml", "/feeds.json")
_SERIES = (Plan("issues", EVERYTHING, "feed", "atom"), Plan("corrections", EVERYTHING, "feed", "atom"))


@dataclass(frozen=True, slots=True)
class Document:
    """One feed, list or file of citations, drawn.

    Attributes:
        path: the canonical address below the base, with a leading slash.
        selection: whose changes are the document's changes.
        links: relation and address of each, for the Link field (RFC 8288).
    """

    path: str
    body: bytes
    media_type: str
    selection: Selection
    links: tuple[tuple[str, str], ...] = ()


class Catalogue:
    """The addresses and documents of one library."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.site = library.site
        self.contents = Contents(library)
        self._post = {f"/posts/{post.slug}": post for post in library.posts}
        self._drawn: dict[tuple[Any, ...], tuple[bytes, ...]] = {}

    def read(self, path: str) -> Address | Refusal | None:
        """Read an address below the base; None when there is no such thing."""
        address = read(path, self.site)
        if isinstance(address, Address) and address.selection.issue:
            return address if address.selection.issue in self.contents.months else None
        return address

    def listed(self) -> Iterator[Selection]:
        """Every selection that is listed for people, and every month."""
        yield from selections(self.site)
        yield from (Selection(issue=month) for month in self.contents.months)

    def paths(self) -> Iterator[str]:
        """Every canonical address: listed selections and their archives, lists, files beside posts."""
        for selection in self.listed():
            for view in VIEWS:
                yield from self._documents(Plan("posts", selection, view, "atom"))
            for form in bibliography.MEDIA_TYPES:
                yield Plan("posts", selection, "citations", form).path
        for plan in _SERIES:
            yield from self._documents(plan)
        yield from LISTS
        for path in self._post:
            yield from (f"{path}.{form}" for form in ("json", *bibliography.MEDIA_TYPES))

    def document(self, path: str) -> Document | None:
        """Draw the document at a canonical address; None when there is none."""
        if path in LISTS:
            return self.list_of(list(selections(self.site)), path)
        if path.startswith("/posts/"):
            return self._beside(path)
        address = self.read(path)
        if not isinstance(address, Address) or address.plan is None or address.plan.path != path:
            return None
        plan = address.plan
        if plan.year and plan.year not in self.contents.years(plan):
            return None
        if plan.form in bibliography.MEDIA_TYPES:
            posts = [item for item in self.contents.items(plan) if isinstance(item, Post)]
            return self._bibliography(path, posts, plan.form, plan.selection)
        return self._feed(plan)

    def list_of(self, chosen: Sequence[Selection], path: str = LISTS[0]) -> Document:
        """Draw the list of the *chosen* feeds, as OPML or JSON."""
        listings = [self.listing(selection) for selection in chosen]
        if path == LISTS[0]:
            body, media_type = opml.draw_opml(self.site.title, listings), "text/x-opml"
        else:
            issues, corrections = (
                self.contents.channel(Plan(series, EVERYTHING, "feed", "atom"))
                for series in ("issues", "corrections")
            )
            body, media_type = (
                opml.draw_list(self.site.title, listings, (issues, corrections)),
                "application/json",
            )
        return Document(path, body, media_type, EVERYTHING, (("self", self.site.base_url + path),))

    def listing(self, selection: Selection) -> opml.Listing:
        """One line of the list of feeds."""
        plans = [Plan("posts", selection, view, "atom") for view in VIEWS]
        channels = {plan.view: self.contents.channel(plan) for plan in plans}
        return opml.Listing(selection, len(self.contents.items(plans[0])), channels)

    def near(self, refusal: Refusal) -> list[Selection]:
        """The topics or research types whose names are nearest to the one that is unknown."""
        terms = {"topics": self.site.topics, "research": self.site.research}.get(refusal.folder, ())
        names: dict[str, list[str]] = {}
        for term in terms:
            for name in (term.slug, *term.slug.split("-")):
                names.setdefault(name, []).append(term.slug)
        # A stranger's name may be long, and comparing is quadratic.
        close = difflib.get_close_matches(refusal.asked.lower()[:100], names, n=3, cutoff=0.7)
        slugs = list(dict.fromkeys(slug for name in close for slug in names[name]))[:5]
        if refusal.folder == "topics":
            return [Selection(topics=(slug,)) for slug in slugs]
        return [Selection(research=slug) for slug in slugs]

    def _documents(self, plan: Plan) -> Iterator[str]:
        complete = self.contents.channel(plan).complete
        for year in (0, *([] if complete else self.contents.years(plan))):
            for form in FORMATS:
                yield Plan(plan.series, plan.selection, plan.view, form, year).path

    def _feed(self, plan: Plan) -> Document:
        channel = self.contents.channel(plan)
        drawn = (part for item in self.contents.shown(plan) for part in self._entries(item, plan))
        if plan.form == "json":
            body = jsonfeed.draw(channel, drawn)
        else:
            body = xmlfeed.draw(channel, cast(xmlfeed.XmlFormat, plan.form), drawn)
        links = [("self", channel.address(plan.form)), *(("hub", hub) for hub in channel.hubs)]
        media_type = {str(form): name for form, name in FORMATS.items()}[plan.form]
        return Document(plan.path, body, media_type, plan.selection, tuple(links))

    @cached_property
    def _source(self) -> Channel:
        """The feed that every post is in first."""
        return self.contents.channel(Plan("posts", EVERYTHING, "feed", "atom"))

    def _entries(self, item: Item, plan: Plan) -> tuple[bytes, ...]:
        """The entries of an item, drawn once for all the documents that hold it."""
        key = (plan.series, item.id, plan.view, plan.form, plan.selection.combines)
        if key not in self._drawn:
            source = self._source if plan.selection.combines else None
            self._drawn[key] = tuple(
                jsonfeed.draw_item(entry)
                if plan.form == "json"
                else xmlfeed.draw_entry(entry, cast(xmlfeed.XmlFormat, plan.form), source)
                for entry in self._made(item, plan)
            )
        return self._drawn[key]

    def _made(self, item: Item, plan: Plan) -> tuple[Entry, ...]:
        if isinstance(item, Month):
            return (entries.month_entry(item.id, item.posts, self.site),)
        if plan.series == "corrections":
            return (entries.correction_entry(item, self.site),)
        return entries.post_entries(item, plan.view, self.site)

    def _bibliography(self, path: str, posts: Sequence[Post], form: str, selection: Selection) -> Document:
        body = bibliography.DRAW[form](bibliography.works_of(posts, self.site))
        links = (("self", self.site.base_url + path),)
        return Document(path, body, bibliography.MEDIA_TYPES[form], selection, links)

    def _beside(self, path: str) -> Document | None:
        """The files beside a post's page: the post for programs, and what it cites."""
        slug, _, form = path.removeprefix("/posts/").partition(".")
        post = self._post.get(f"/posts/{slug}")
        selection = Selection(issue=post.issue) if post else EVERYTHING
        if post is None:
            return None
        if form == "json":
            body = jsonfeed.draw_alone(entries.post_entries(post, "feed", self.site)[0])
            links = (("self", self.site.base_url + path),)
            return Document(path, body, "application/json", selection, links)
        if form in bibliography.MEDIA_TYPES:
            return self._bibliography(path, [post], form, selection)
        return None
