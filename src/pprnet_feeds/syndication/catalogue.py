"""Every address of a library, and the document behind it, rendered when it is requested.

A catalogue stores no document: an unchanged one is rendered to the same bytes again, and a client
that requests ten thousand combinations leaves nothing behind.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain, islice
from typing import cast

from pprnet_feeds.content.library import Library
from pprnet_feeds.content.model import Post
from pprnet_feeds.content.terms import suggest
from pprnet_feeds.syndication import archives, entries, opml, urls
from pprnet_feeds.syndication.archives import FeedItems, Item, Month
from pprnet_feeds.syndication.bibliography import post_as_work, render_works, works_of
from pprnet_feeds.syndication.channel import Channel, Entry, make_channel
from pprnet_feeds.syndication.jsonfeed import render_json_feed, render_json_item
from pprnet_feeds.syndication.month import month_entry
from pprnet_feeds.syndication.search import SearchIndex, is_available
from pprnet_feeds.syndication.selection import EVERYTHING, Refusal, Selection, month_name, selections
from pprnet_feeds.syndication.urls import FORMATS, POST_FORMATS, REFERENCE_FORMATS, VIEWS, FeedRequest, Url
from pprnet_feeds.syndication.xml import render_xml

LISTS = ("/feeds.opml", "/feeds.json")
# The feeds that are no selection of posts.
SERIES = (FeedRequest("issues"), FeedRequest("corrections"))
# Every post in one document, for importers; feeds do not announce it.
ARCHIVE = FeedRequest("archive")
# Above so many posts only a static copy has that document.
_WHOLE_ARCHIVE = 1000
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Document:
    """One feed, list, page or other file, rendered.

    Attributes:
        selection: whose changes are the document's changes.
        links: relation, address and perhaps media type of each, for the Link field (RFC 8288).
        headers: further fields, names in lower case.
    """

    body: bytes
    media_type: str
    selection: Selection = EVERYTHING
    links: tuple[tuple[str, ...], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()


class _Index:
    """Posts in one order, and in the same order under each topic, research type and month."""

    def __init__(self, posts: Iterable[Post]) -> None:
        self._all = list(posts)

    @cached_property
    def _lists(self) -> dict[tuple[str, str], list[Post]]:
        lists: dict[tuple[str, str], list[Post]] = {}
        for post in self._all:
            terms = [("topic", slug) for slug in post.topics] + [("type", slug) for slug in post.research]
            for term in (*terms, ("month", post.issue)):
                lists.setdefault(term, []).append(post)
        return lists

    def posts(self, selection: Selection) -> list[Post]:
        """The posts of a selection."""
        terms = [("type", selection.research), ("month", selection.issue)]
        if selection.every or len(selection.topics) == 1:
            terms += [("topic", slug) for slug in selection.topics]
        lists = [self._lists.get(term, []) for term in terms if term[1]]
        if len(lists) == len(selection.topics) + bool(selection.research) + bool(selection.issue) < 2:
            return lists[0] if lists else self._all
        return [post for post in min(lists, key=len, default=self._all) if selection.holds(post)]


class Catalogue:
    """The addresses and documents of one library.

    Attributes:
        is_static: whether the documents are written as files.
        has_search: whether posts can be searched: not in files, nor without FTS5.
        series: the feeds that are no selection of posts, and the document of every post where it is offered.
    """

    def __init__(self, library: Library, *, is_static: bool = False) -> None:
        self.library = library
        self.site = library.site
        self.is_static = is_static
        self.has_search = not is_static and is_available()
        self.series = (*SERIES, ARCHIVE) if is_static or len(library.posts) <= _WHOLE_ARCHIVE else SERIES
        self._by_slug = {post.slug: post for post in library.posts}
        self._newest = _Index(library.posts)
        self._last_changed = _Index(sorted(library.posts, key=_change, reverse=True))
        self._last_withdrawn = _Index(sorted(library.withdrawn, key=_change, reverse=True))

    @cached_property
    def search(self) -> SearchIndex:
        """The words of all posts, withdrawn ones included; made by the first search, in seconds at 10,000."""
        return SearchIndex((*self.library.posts, *self.library.withdrawn), self.site)

    @cached_property
    def months(self) -> dict[str, tuple[Post, ...]]:
        """The posts of each month, the newest month first; also of months that are only announced."""
        months = {*self.site.issues, *(post.issue for post in self.library.posts)}
        return {each: tuple(self.posts(Selection(issue=each))) for each in sorted(months, reverse=True)}

    @cached_property
    def _corrected(self) -> list[Post]:
        """The posts that were corrected, retracted or withdrawn, or whose study was, last changed first."""
        corrected = (post for post in self.library.posts if post.status != "published" or post.notices)
        return sorted([*corrected, *self.library.withdrawn], key=_change, reverse=True)

    @cached_property
    def _issued(self) -> dict[str, datetime]:
        """When the last post of each month that has any was published, the newest month first."""
        return {month: max(post.published for post in posts) for month, posts in self.months.items() if posts}

    def corrections(self, month: str) -> list[Post]:
        """The posts of other months that were corrected between the letter before and that of *month*.

        The newest month has all that were corrected since the letter before.
        """
        place = list(self._issued).index(month)
        end, begin = [*self._issued.values(), _NEVER][place : place + 2]
        end = end if place else _NEVER
        return [post for post in self._corrected if begin < post.updated <= end and post.issue != month]

    def parse(self, path: str) -> Url | Refusal | None:
        """Read an address below the base; None when there is no such thing."""
        url = urls.parse_url(path, self.site)
        if isinstance(url, Url) and url.selection.words and not self.has_search:
            return Refusal("Search needs an SQLite with FTS5, which this machine does not have.", status=501)
        if not isinstance(url, Url) or not url.selection.issue:
            return url
        if url.selection.issue not in self.months:
            return None
        if url.request or url.embed:
            page = f"{self.site.base_url}/{url.selection.path}"
            what = f"{month_name(url.selection.issue)} is a page, and no feed: {page}"
            return Refusal(f"{what} New months are in {self.site.base_url}/issues/feed.atom", status=410)
        return url

    def post(self, slug: str) -> Post | None:
        """The post whose permalink ends with *slug*."""
        return self._by_slug.get(slug)

    def posts(self, selection: Selection) -> list[Post]:
        """The posts of a selection in the library's order: the newest first."""
        if selection.words:
            found = {post.id for post in self.search.best_first(selection.words)}
            return [post for post in self.library.posts if post.id in found]
        return self._newest.posts(selection)

    def paths(self) -> Iterator[str]:
        """Every canonical address: listed feeds and their archives, files of citations, lists."""
        for feed in self.feeds():
            years = [] if self.items(feed).complete else self.years(feed)
            for year in (0, *years):
                yield from (replace(feed, form=form, year=year).path for form in FORMATS)
        if ARCHIVE in self.series:
            yield from (replace(ARCHIVE, form=form).path for form in FORMATS)
        for form in REFERENCE_FORMATS:
            yield from (FeedRequest("posts", one, "citations", form).path for one in selections(self.site))
        for post in self.library.posts:
            yield from (f"/posts/{post.slug}.{form}" for form in POST_FORMATS)
        yield from LISTS

    def feeds(self) -> Iterator[FeedRequest]:
        """The subscription document of every listed feed, in one format."""
        for selection in selections(self.site):
            yield from (FeedRequest("posts", selection, view) for view in VIEWS)
        yield from SERIES

    def document(self, path: str) -> Document | None:
        """Render the document at a canonical address; None when there is none."""
        if path in LISTS:
            return self.list_of(list(selections(self.site)), path)
        if path.startswith("/posts/"):
            return self._file_of_post(path)
        url = self.parse(path)
        request = url.request if isinstance(url, Url) else None
        if request is None or request.path != path:
            return None
        if request.series == "archive" and ARCHIVE not in self.series:
            return None
        if request.form in REFERENCE_FORMATS:
            body = render_works(works_of(self.posts(request.selection), self.site), request.form)
            return self._document(path, body, REFERENCE_FORMATS[request.form], request.selection)
        if request.year and request.year not in self.years(request):
            return None
        return self._feed(request)

    def list_of(self, chosen: Sequence[Selection], path: str = LISTS[0]) -> Document:
        """Render the list of the *chosen* feeds, as OPML or JSON."""
        listings = [self.listing(selection) for selection in chosen]
        if path == LISTS[0]:
            body, media_type = opml.render_opml(self.site.title, listings), "text/x-opml"
        else:
            series = [self.channel(request) for request in self.series]
            body, media_type = opml.render_json_list(self.site.title, listings, series), "application/json"
        return self._document(path, body, media_type, EVERYTHING)

    def listing(self, selection: Selection) -> opml.Listing:
        """One line of the list of feeds, with the date of the newest change in the feed of full texts."""
        requests = {view: FeedRequest("posts", selection, view) for view in VIEWS}
        shown = self.items(requests["feed"])
        channels = {view: make_channel(each, self.site, shown) for view, each in requests.items()}
        return opml.Listing(selection, len(self.posts(selection)), channels)

    def near(self, refusal: Refusal) -> list[Selection]:
        """The topics or research types whose names are nearest to the one that is unknown."""
        terms = {"topics": self.site.topics, "research": self.site.research}.get(refusal.folder, ())
        found = suggest(refusal.asked[:100], terms)  # a client's name may be long
        if refusal.folder == "topics":
            return [Selection(topics=(term.slug,)) for term in found]
        return [Selection(research=term.slug) for term in found]

    def channel(self, request: FeedRequest, shown: FeedItems | None = None) -> Channel:
        """What a document says of itself."""
        shown = shown or self.items(request)
        return make_channel(request, self.site, shown, [] if shown.complete else self.years(request))

    def items(self, request: FeedRequest) -> FeedItems:
        """What a document shows."""
        has_text, zone = self._has_text(request), self.site.time_zone
        least = self.site.entries if request.series != "archive" else sys.maxsize

        def pick(items: Iterable[Item]) -> tuple[list[Item], bool]:
            if not request.year:
                return archives.subscription(filter(has_text, items), least, zone)
            of_year = (item for item in items if item.year == request.year and has_text(item))
            return sorted(of_year, key=lambda item: (item.published, item.id), reverse=True), False

        (items, has_all), (withdrawn, has_all_withdrawn) = map(pick, self._candidates(request))
        return FeedItems(items, cast(list[Post], withdrawn), has_all and has_all_withdrawn)

    def years(self, request: FeedRequest) -> list[int]:
        """The years for which the feed of *request* has archive documents, the oldest first.

        All of the newest item's year is in the subscription document, so it has no archive yet.
        """
        has_text, candidates = self._has_text(request), self._candidates(request)
        years: set[int] = set()
        for item in chain(*candidates):
            if item.year not in years and has_text(item):  # the year is the cheaper question
                years.add(item.year)
        # The last changed come first, of posts as of those that were withdrawn.
        firsts = (item.updated for items in candidates for item in islice(filter(has_text, items), 1))
        updated = max(firsts, default=None)
        return sorted(years - {archives.year_of(updated, self.site.time_zone) if updated else 0})

    def _candidates(self, request: FeedRequest) -> tuple[Sequence[Item], Sequence[Post]]:
        """The items that a feed may show, and the posts that it may report as deleted, last changed first."""
        if request.series == "corrections":
            return self._corrected, ()
        if request.series == "issues":
            months = [
                Month(month, posts[-1].published, max(post.updated for post in posts), posts)
                for month, posts in self.months.items()
                if posts
            ]
            return sorted(months, key=_change, reverse=True), ()
        if not request.selection.words:
            return self._last_changed.posts(request.selection), self._last_withdrawn.posts(request.selection)
        found = sorted(self.search.best_first(request.selection.words), key=_change, reverse=True)
        withdrawn = [post for post in found if post.status == "withdrawn"]
        return [post for post in found if post.status != "withdrawn"], withdrawn

    def _has_text(self, request: FeedRequest) -> Callable[[Item], bool]:
        """Which items have anything to show in the view of *request*; months have one view only."""
        if request.view == "practice":
            return lambda item: isinstance(item, Post) and entries.has_practice(item, self.site)
        return lambda item: request.view != "citations" or (isinstance(item, Post) and bool(item.cites))

    def _feed(self, request: FeedRequest) -> Document:
        shown = self.items(request)
        channel = self.channel(request, shown)
        shown_entries = [entry for item in shown.items for entry in self._entries(item, request)]
        if request.form == "json":
            body = render_json_feed(channel, shown_entries)
        else:
            # Only an entry in Atom says in which feed it was first.
            combines = request.selection.combines and request.form == "atom"
            source = make_channel(FeedRequest(), self.site, shown) if combines else None
            body = render_xml(channel, request.form, shown_entries, source)
        return self._document(request.path, body, FORMATS[request.form], request.selection, channel.hubs)

    def _entries(self, item: Item, request: FeedRequest) -> list[Entry]:
        if isinstance(item, Month):
            return [month_entry(item.id, item.posts, self.site, self.corrections(item.id))]
        if request.series == "corrections":
            return [entries.correction_entry(item, self.site)]
        return entries.post_entries(item, request.view, self.site)

    def _file_of_post(self, path: str) -> Document | None:
        """A file beside a post's page: the post for programs, how to cite it, or what it cites."""
        slug, _, form = path.removeprefix("/posts/").partition(".")
        post = self.post(slug)
        if post is None or form not in POST_FORMATS:
            return None
        selection = Selection(issue=post.issue)
        if form == "json":
            body = render_json_item(entries.post_entries(post, "feed", self.site)[0])
            return self._document(path, body, "application/json", selection)
        works = works_of([post], self.site) if "studies." in form else [post_as_work(post, self.site)]
        form = form.removeprefix("studies.")
        return self._document(path, render_works(works, form), REFERENCE_FORMATS[form], selection)

    def _document(
        self, path: str, body: bytes, media_type: str, selection: Selection, hubs: Iterable[str] = ()
    ) -> Document:
        links = (("self", self.site.base_url + path), *(("hub", hub) for hub in hubs))
        return Document(body, f"{media_type}; charset=utf-8", selection, links)


def _change(item: Item) -> tuple[datetime, datetime, str]:
    """The order in which subscribers are notified: a correction counts by its own date."""
    return item.updated, item.published, item.id
