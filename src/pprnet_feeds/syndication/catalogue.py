"""Every document of the site, drawn when it is asked for.

A catalogue belongs to one library and never changes what it answers. Entries
are drawn once for all the documents that hold them; documents are not kept
here, so that ten thousand combinations asked for by a stranger leave nothing
behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, islice
from typing import cast

from pprnet_feeds.content.library import Library
from pprnet_feeds.content.model import Post
from pprnet_feeds.content.terms import suggest
from pprnet_feeds.syndication import bibliography, entries, jsonfeed, opml, xmlfeed
from pprnet_feeds.syndication.addresses import Address, Plan, read
from pprnet_feeds.syndication.channel import FORMATS, VIEWS, Channel, Entry, View
from pprnet_feeds.syndication.contents import Contents
from pprnet_feeds.syndication.drawn import Drawn
from pprnet_feeds.syndication.filing import Item, Month
from pprnet_feeds.syndication.selection import EVERYTHING, Refusal, Selection, selections
from pprnet_feeds.syndication.works import Works

# How many bytes are kept of what was drawn, whatever the number of posts. Less than an edit asks
# for again would be worth nothing, because each thing would be pushed out just before it is used. So
# these are what the edit of a new post among ten thousand asks for: the entries of the newest year
# in all views and formats, every cited work, and thirty months. Each has its own bound, so that
# months, which are many times as long as posts, push nothing else out.
_ENTRIES, _WORKS, _MONTHS = 64 << 20, 32 << 20, 64 << 20

LISTS = ("/feeds.opml", "/feeds.json")
# The forms of the files beside a post's page.
BESIDE = ("json", *bibliography.MEDIA_TYPES)
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
    """The addresses and documents of one library.

    *before* is the catalogue of an earlier library: what was found out and drawn
    of posts that are the same objects in both is taken over, if the site is equal.
    """

    def __init__(self, library: Library, before: Catalogue | None = None) -> None:
        self.library = library
        self.site = library.site
        self.contents: Contents = Contents(library, before.contents if before else None)
        self._drawn: dict[str, Drawn[tuple[bytes, ...]]]
        self._works: Works
        entries.texts.forget(self.contents.gone)
        if before and before.site == library.site:
            self._drawn, self._works = before._drawn, before._works
            self._works.forget(self.contents.gone)
            for drawn in self._drawn.values():
                drawn.forget(self.contents.gone)
        else:
            bounds = {"posts": _ENTRIES, "corrections": _ENTRIES // 8, "issues": _MONTHS}
            self._drawn = {
                name: Drawn(bound, lambda parts: sum(map(len, parts))) for name, bound in bounds.items()
            }
            self._works = Works(library.site, _WORKS)

    def read(self, path: str) -> Address | Refusal | None:
        """Read an address below the base; None when there is no such thing."""
        address = read(path, self.site)
        if isinstance(address, Address) and address.selection.issue:
            return address if address.selection.issue in self.contents.months else None
        return address

    def post(self, slug: str) -> Post | None:
        """The post whose permalink ends with *slug*."""
        return self.contents.by_slug.get(slug)

    def listed(self) -> Iterator[Selection]:
        """Every selection that is listed for people, and every month."""
        yield from selections(self.site)
        yield from (Selection(issue=month) for month in self.contents.months)

    def paths(self) -> Iterator[str]:
        """Every canonical address: listed selections and their archives, lists, files beside posts.

        Documents that hold the same entries follow one another, so that these
        are still at hand when all are drawn: those of one year, and in it of one view
        and format.
        """
        feeds: dict[int, list[Plan]] = {}
        for plan in self._feeds():
            home = int(plan.selection.issue[:4] or 0)
            for year in (0, *self.contents.archives(plan)):
                feeds.setdefault(year or home, []).append(replace(plan, year=year))
        posts: dict[int, list[str]] = {}
        for post in self.library.posts:
            posts.setdefault(int(post.issue[:4]), []).append(post.slug)
        for year in (0, *sorted((feeds.keys() | posts.keys()) - {0}, reverse=True)):
            for view in VIEWS:
                plans = [plan for plan in feeds.get(year, ()) if plan.view == view]
                yield from (replace(plan, form=form).path for form in FORMATS for plan in plans)
            for slug in posts.get(year, ()):
                yield from (f"/posts/{slug}.{form}" for form in BESIDE)
        for file in bibliography.MEDIA_TYPES:
            yield from (Plan("posts", selection, "citations", file).path for selection in self.listed())
        yield from LISTS

    def _feeds(self) -> Iterator[Plan]:
        """The subscription document of every listed feed, in one format."""
        for selection in self.listed():
            yield from (Plan("posts", selection, view, "atom") for view in VIEWS)
        yield from _SERIES

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
            return self._bibliography(path, self._cited(plan.selection, plan.form), plan.form, plan.selection)
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
            body = opml.draw_list(self.site.title, listings, (issues, corrections))
            media_type = "application/json"
        return Document(path, body, media_type, EVERYTHING, (("self", self.site.base_url + path),))

    def listing(self, selection: Selection, views: Iterable[View] = tuple(VIEWS)) -> opml.Listing:
        """One line of the list of feeds, with the feeds of some *views*."""
        plans = [Plan("posts", selection, view, "atom") for view in views]
        channels = {plan.view: self.contents.channel(plan) for plan in plans}
        return opml.Listing(selection, self.contents.count(selection), channels)

    def near(self, refusal: Refusal) -> list[Selection]:
        """The topics or research types whose names are nearest to the one that is unknown."""
        terms = {"topics": self.site.topics, "research": self.site.research}.get(refusal.folder, ())
        found = suggest(refusal.asked[:100], terms)  # a stranger's name may be long
        if refusal.folder == "topics":
            return [Selection(topics=(term.slug,)) for term in found]
        return [Selection(research=term.slug) for term in found]

    def _feed(self, plan: Plan) -> Document:
        channel = self.contents.channel(plan)
        drawn = self._entries(self.contents.shown(plan), plan)
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

    def _entries(self, items: Sequence[Item], plan: Plan) -> Iterator[bytes]:
        """The entries of each item, drawn once for all the documents that hold it."""

        def draw(missing: Sequence[Item]) -> list[tuple[bytes, ...]]:
            drawn: Iterable[bytes]
            made = [self._made(item, plan) for item in missing]
            every = [entry for entries in made for entry in entries]
            if plan.form == "json":
                drawn = map(jsonfeed.draw_item, every)
            else:
                source = self._source if combines else None
                drawn = xmlfeed.draw_entries(every, cast(xmlfeed.XmlFormat, plan.form), source)
            each = iter(drawn)
            return [tuple(islice(each, len(entries))) for entries in made]

        # Only an entry in Atom says in which feed it stood first.
        combines = plan.selection.combines and plan.form == "atom"
        kind = (plan.view, plan.form, combines)
        return chain.from_iterable(self._drawn[plan.series].of(items, kind, draw))

    def _made(self, item: Item, plan: Plan) -> tuple[Entry, ...]:
        if isinstance(item, Month):
            return (entries.month_entry(item.id, item.posts, self.site),)
        if plan.series == "corrections":
            return (entries.correction_entry(item, self.site),)
        return entries.post_entries(item, plan.view, self.site)

    def _cited(self, selection: Selection, form: str) -> bytes:
        """The file of the works that a selection cites."""
        issues = self.contents.issues
        if selection == EVERYTHING:
            return self._works.of_months((issues[month] for month in sorted(issues, reverse=True)), form)
        return self._works.of_posts(self.contents.posts(selection), form)

    def _bibliography(self, path: str, body: bytes, form: str, selection: Selection) -> Document:
        links = (("self", self.site.base_url + path),)
        return Document(path, body, bibliography.MEDIA_TYPES[form], selection, links)

    def _beside(self, path: str) -> Document | None:
        """The files beside a post's page: the post for programs, and what it cites."""
        slug, _, form = path.removeprefix("/posts/").partition(".")
        post = self.post(slug)
        selection = Selection(issue=post.issue) if post else EVERYTHING
        if post is None:
            return None
        if form == "json":
            body = jsonfeed.draw_alone(entries.post_entries(post, "feed", self.site)[0])
            links = (("self", self.site.base_url + path),)
            return Document(path, body, "application/json", selection, links)
        if form in bibliography.MEDIA_TYPES:
            return self._bibliography(path, self._works.of_posts([post], form), form, selection)
        return None
