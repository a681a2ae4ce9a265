"""Every address of a library, and the document behind it, rendered when it is asked for.

A catalogue belongs to one library and never changes what it answers. It stores no document:
an unchanged one is rendered to the same bytes again, and a stranger who asks for ten thousand
combinations leaves nothing behind. What is computed once, and only when first needed, are the
lists of posts under each term: a feed then costs what it shows and not what the library holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import cast

from pprnet_feeds.content.library import Library
from pprnet_feeds.content.model import Post
from pprnet_feeds.content.terms import suggest
from pprnet_feeds.syndication import bibliography, entries, history, jsonfeed, opml, xmlfeed
from pprnet_feeds.syndication.addresses import Address, Plan, Series, read
from pprnet_feeds.syndication.channel import FORMATS, VIEWS, Channel, Entry, View
from pprnet_feeds.syndication.heading import heading
from pprnet_feeds.syndication.selection import EVERYTHING, Refusal, Selection, month_name, selections

LISTS = ("/feeds.opml", "/feeds.json")
# The forms of the files beside a post's page.
BESIDE = ("json", *bibliography.MEDIA_TYPES)


@dataclass(frozen=True, slots=True)
class Document:
    """One feed, list or file of citations, rendered.

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


@dataclass(frozen=True, slots=True)
class Month:
    """One month's posts, in the library's order: an entry of the feed of issues."""

    id: str
    published: datetime
    updated: datetime
    posts: tuple[Post, ...]

    @property
    def year(self) -> int:
        """The year of its archive."""
        return int(self.id[:4])


Item = Post | Month


@dataclass(frozen=True, slots=True)
class _Shown:
    """What one feed document shows.

    Attributes:
        gone: the withdrawn posts that it reports.
        whole: whether these are all that its feed has.
        updated: the newest change among them; None when there is nothing.
    """

    items: list[Item]
    gone: list[Post]
    whole: bool
    updated: datetime | None


class _Index:
    """Posts in one order, and in the same order under each topic, research type and month."""

    def __init__(self, posts: Iterable[Post]) -> None:
        self._all = list(posts)
        self._lists: dict[tuple[str, str], list[Post]] = {}
        for post in self._all:
            terms = [("topic", slug) for slug in post.topics] + [("type", slug) for slug in post.research]
            for term in (*terms, ("month", post.issue)):
                self._lists.setdefault(term, []).append(post)

    def of(self, selection: Selection) -> list[Post]:
        """The posts of a selection."""
        terms = [("type", selection.research), ("month", selection.issue)]
        if selection.every or len(selection.topics) == 1:
            terms += [("topic", slug) for slug in selection.topics]
        lists = [self._lists.get(term, []) for term in terms if term[1]]
        return [post for post in min(lists, key=len, default=self._all) if selection.holds(post)]


class Catalogue:
    """The addresses and documents of one library."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.site = library.site
        self._by_slug = {post.slug: post for post in library.posts}

    @cached_property
    def months(self) -> dict[str, tuple[Post, ...]]:
        """The posts of each month, the newest month first; also of months that are only announced."""
        months: dict[str, list[Post]] = {month: [] for month in self.site.issues}
        for post in self.library.posts:
            months.setdefault(post.issue, []).append(post)
        return {month: tuple(months[month]) for month in sorted(months, reverse=True)}

    @cached_property
    def _in_order(self) -> _Index:
        return _Index(self.library.posts)

    @cached_property
    def _by_change(self) -> tuple[_Index, _Index]:
        """The public and the withdrawn posts, the last changed first."""
        sides = (self.library.posts, self.library.withdrawn)
        public, withdrawn = (_Index(sorted(side, key=_change, reverse=True)) for side in sides)
        return public, withdrawn

    def read(self, path: str) -> Address | Refusal | None:
        """Read an address below the base; None when there is no such thing."""
        address = read(path, self.site)
        if not isinstance(address, Address) or not address.selection.issue:
            return address
        month = address.selection
        if month.issue not in self.months:
            return None
        if address.plan:
            page = f"{self.site.base_url}/{month.path}"
            what = f"{month_name(month.issue)} is a page, and no feed: {page}"
            return Refusal(f"{what} New months are in {self.site.base_url}/issues/feed.atom", gone=True)
        return address

    def post(self, slug: str) -> Post | None:
        """The post whose permalink ends with *slug*."""
        return self._by_slug.get(slug)

    def posts(self, selection: Selection) -> list[Post]:
        """The posts of a selection in the library's order: the newest first."""
        return self._in_order.of(selection)

    def pages(self) -> Iterator[Selection]:
        """Every selection that has a listed page: everything, each topic, research type and month."""
        yield from selections(self.site)
        yield from (Selection(issue=month) for month in self.months)

    def paths(self) -> Iterator[str]:
        """Every canonical address: listed feeds and their archives, files of citations, lists."""
        for plan in self.feeds():
            for year in (0, *self.archives(plan)):
                yield from (replace(plan, form=form, year=year).path for form in FORMATS)
        for form in bibliography.MEDIA_TYPES:
            yield from (Plan("posts", one, "citations", form).path for one in selections(self.site))
        for post in self.library.posts:
            yield from (f"/posts/{post.slug}.{form}" for form in BESIDE)
        yield from LISTS

    def feeds(self) -> Iterator[Plan]:
        """The subscription document of every listed feed, in one format."""
        for selection in selections(self.site):
            yield from (Plan("posts", selection, view, "atom") for view in VIEWS)
        yield from (self._series(series) for series in ("issues", "corrections"))

    def document(self, path: str) -> Document | None:
        """Render the document at a canonical address; None when there is none."""
        if path in LISTS:
            return self.list_of(list(selections(self.site)), path)
        if path.startswith("/posts/"):
            return self._file_of_post(path)
        address = self.read(path)
        if not isinstance(address, Address) or address.plan is None or address.plan.path != path:
            return None
        plan = address.plan
        if plan.form in bibliography.MEDIA_TYPES:
            return self._bibliography(path, self.posts(plan.selection), plan.form, plan.selection)
        if plan.year and plan.year not in self.years(plan):
            return None
        return self._feed(plan)

    def list_of(self, chosen: Sequence[Selection], path: str = LISTS[0]) -> Document:
        """Render the list of the *chosen* feeds, as OPML or JSON."""
        listings = [self.listing(selection) for selection in chosen]
        if path == LISTS[0]:
            body, media_type = opml.draw_opml(self.site.title, listings), "text/x-opml"
        else:
            series = [self.channel(self._series(series)) for series in ("issues", "corrections")]
            body, media_type = opml.draw_list(self.site.title, listings, series), "application/json"
        return Document(path, body, media_type, EVERYTHING, (("self", self.site.base_url + path),))

    def listing(self, selection: Selection) -> opml.Listing:
        """One line of the list of feeds."""
        posts = len(self.posts(selection))
        return opml.Listing(selection, posts, {view: self._listed(selection, view) for view in VIEWS})

    def near(self, refusal: Refusal) -> list[Selection]:
        """The topics or research types whose names are nearest to the one that is unknown."""
        terms = {"topics": self.site.topics, "research": self.site.research}.get(refusal.folder, ())
        found = suggest(refusal.asked[:100], terms)  # a client's name may be long
        if refusal.folder == "topics":
            return [Selection(topics=(term.slug,)) for term in found]
        return [Selection(research=term.slug) for term in found]

    def channel(self, plan: Plan) -> Channel:
        """What the one document of *plan* says of itself."""
        return self._channel(plan, self._shown(plan))

    def shown(self, plan: Plan) -> tuple[list[Item], list[Post]]:
        """The items of the one document of *plan*, and the withdrawn posts that it reports."""
        shown = self._shown(plan)
        return shown.items, shown.gone

    def years(self, plan: Plan) -> list[int]:
        """The years for which the feed of *plan* has archive documents, the oldest first.

        The year of the newest item is still open: all of it is in the subscription document.
        """
        zone = self.site.time_zone
        is_shown = self._filter(plan.view)
        years: set[int] = set()
        for item in (*self._candidates(plan), *self._withdrawn(plan)):
            if item.year not in years and is_shown(item):  # asking for the year is cheaper
                years.add(item.year)
        updated = self._shown(replace(plan, year=0)).updated
        return sorted(years - {history.year_of(updated, zone) if updated else 0})

    def archives(self, plan: Plan) -> list[int]:
        """The years that the documents of *plan* lead to; none when all fits into one document."""
        return [] if self._shown(plan).whole else self.years(plan)

    def _shown(self, plan: Plan) -> _Shown:
        is_shown, zone = self._filter(plan.view), self.site.time_zone
        if plan.year:

            def of_year(some: Iterable[Item]) -> list[Item]:
                found = [item for item in some if item.year == plan.year]
                return sorted(filter(is_shown, found), key=lambda one: (one.published, one.id), reverse=True)

            shown, dead = of_year(self._candidates(plan)), of_year(self._withdrawn(plan))
            updated = max((item.updated for item in (*shown, *dead)), default=None)
            return _Shown(shown, cast(list[Post], dead), False, updated)
        least = self.site.entries
        items, is_all = history.subscription(filter(is_shown, self._candidates(plan)), least, zone)
        gone, is_all_gone = history.subscription(filter(is_shown, self._withdrawn(plan)), least, zone)
        updated = max((some[0].updated for some in (items, gone) if some), default=None)
        return _Shown(items, gone, is_all and is_all_gone, updated)

    def _candidates(self, plan: Plan) -> Sequence[Item]:
        """The items that the feed of *plan* may show, the last changed first."""
        if plan.series == "posts":
            return self._by_change[0].of(plan.selection)
        items: list[Item] = []
        if plan.series == "issues":
            for month, posts in self.months.items():
                if posts:
                    items.append(
                        Month(month, posts[-1].published, max(post.updated for post in posts), posts)
                    )
        else:
            items += [post for post in self.library.posts if post.status != "published"]
            items += self.library.withdrawn
        return sorted(items, key=_change, reverse=True)

    def _withdrawn(self, plan: Plan) -> Sequence[Post]:
        return self._by_change[1].of(plan.selection) if plan.series == "posts" else ()

    def _filter(self, view: View) -> Callable[[Item], bool]:
        """Which items have anything to show in a view."""
        if view == "citations":
            return lambda item: isinstance(item, Month) or bool(item.cites)
        if view == "practice":
            return lambda item: isinstance(item, Month) or entries.has_practice(item, self.site)
        return lambda item: True

    def _channel(self, plan: Plan, shown: _Shown) -> Channel:
        around = (0, 0) if shown.whole else history.neighbours(self.years(plan), plan.year)
        updated, gone = shown.updated, shown.gone
        return heading(plan, self.site, updated=updated, gone=gone, complete=shown.whole, around=around)

    def _listed(self, selection: Selection, view: View) -> Channel:
        """A feed as lists name it; only that of full texts is asked for its newest change."""
        plan = Plan("posts", selection, view, "atom")
        updated = self._shown(plan).updated if view == "feed" else None
        return heading(plan, self.site, updated=updated, gone=(), complete=False, around=(0, 0))

    def _feed(self, plan: Plan) -> Document:
        shown = self._shown(plan)
        channel = self._channel(plan, shown)
        made = [entry for item in shown.items for entry in self._entries(item, plan)]
        if plan.form == "json":
            body = jsonfeed.draw(channel, made)
        else:
            form = cast(xmlfeed.XmlFormat, plan.form)
            # Only an entry in Atom says in which feed it was first.
            combines = plan.selection.combines and form == "atom"
            source = self._listed(EVERYTHING, "feed") if combines else None
            body = xmlfeed.draw(channel, form, made, source)
        links = [("self", channel.address(plan.form)), *(("hub", hub) for hub in channel.hubs)]
        media_type = {str(form): name for form, name in FORMATS.items()}[plan.form]
        return Document(plan.path, body, media_type, plan.selection, tuple(links))

    def _entries(self, item: Item, plan: Plan) -> Sequence[Entry]:
        if isinstance(item, Month):
            return (entries.month_entry(item.id, item.posts, self.site),)
        if plan.series == "corrections":
            return (entries.correction_entry(item, self.site),)
        return entries.post_entries(item, plan.view, self.site)

    def _bibliography(self, path: str, posts: Sequence[Post], form: str, selection: Selection) -> Document:
        body = bibliography.draw(bibliography.works_of(posts, self.site), form)
        links = (("self", self.site.base_url + path),)
        return Document(path, body, bibliography.MEDIA_TYPES[form], selection, links)

    def _file_of_post(self, path: str) -> Document | None:
        """A file beside a post's page: the post for programs, or what it cites."""
        slug, _, form = path.removeprefix("/posts/").partition(".")
        post = self.post(slug)
        if post is None or form not in BESIDE:
            return None
        selection = Selection(issue=post.issue)
        if form != "json":
            return self._bibliography(path, [post], form, selection)
        body = jsonfeed.draw_alone(entries.post_entries(post, "feed", self.site)[0])
        links = (("self", self.site.base_url + path),)
        return Document(path, body, "application/json", selection, links)

    @staticmethod
    def _series(series: str) -> Plan:
        return Plan(cast(Series, series), EVERYTHING, "feed", "atom")


def _change(item: Item) -> tuple[datetime, datetime, str]:
    """The order in which subscribers are told: a correction counts by its own moment."""
    return item.updated, item.published, item.id
