"""Pages for people: where to subscribe, what is filed where, each post, and frames for other sites.

Every page is rendered from the same library as the feeds, so that a feed never links to something
that is not there. A page is a function of its address, never of its visitor. Templates escape
whatever they are given; only the body of a post, which the sanitiser has cleaned, is marked safe.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from pprnet_feeds.content import markdown
from pprnet_feeds.content.model import Post
from pprnet_feeds.pages import branding, embed, lists, metadata, subscribe
from pprnet_feeds.syndication.bibliography import post_as_work
from pprnet_feeds.syndication.catalogue import SERIES, Catalogue
from pprnet_feeds.syndication.channel import Channel, permalink
from pprnet_feeds.syndication.citations import reference_html
from pprnet_feeds.syndication.entries import post_entries, rendered_body
from pprnet_feeds.syndication.notices import study_warnings
from pprnet_feeds.syndication.opml import Listing
from pprnet_feeds.syndication.search import marked
from pprnet_feeds.syndication.selection import (
    EVERYTHING,
    MOST_TOPICS,
    Refusal,
    Selection,
    month_name,
    selections,
)
from pprnet_feeds.syndication.urls import FAVICON, FORMATS, ICON, ICON_SVG, LOGO, Url

if TYPE_CHECKING:
    from jinja2 import Environment

HTML, JSON = "text/html; charset=utf-8", "application/json; charset=utf-8"
OPENSEARCH_TYPE = "application/opensearchdescription+xml; charset=utf-8"
XML, TEXT = "application/xml; charset=utf-8", "text/plain; charset=utf-8"
ROBOTS, SEARCH, OPENSEARCH = "/robots.txt", "/search/", "/opensearch.xml"
# The files that are the same on every site that chooses no others, and their media types.
STATIC = {
    "/site.css": "text/css; charset=utf-8",
    "/feed.css": "text/css; charset=utf-8",
    "/site.js": "text/javascript; charset=utf-8",
    FAVICON: "image/vnd.microsoft.icon",
    ICON: "image/png",
    ICON_SVG: "image/svg+xml",
}

_HEADINGS = {"/topics/": "Topics", "/research/": "Types of research", "/issues/": "Issues"}
_ARCHIVE = "/archive/"
_FOOTNOTES = '<section class="footnotes">'

Headers = tuple[tuple[str, str], ...]


def page_headers(script: str = "", form: str = "'self'", frames: str = "'none'") -> Headers:
    """The header fields of a page besides those of every response.

    Should hostile text ever get through the escaping, the content security policy (CSP 3) stops it.
    Every page may load our style sheet and the pictures of posts. *script* are the directives of a
    page with our script, *form* is where forms may lead (that of the search, for one), *frames* which
    sites may frame it.
    """
    policy = (
        f"default-src 'none'; style-src 'self'; img-src https: http:; {script}"
        f"form-action {form}; base-uri 'none'; frame-ancestors {frames}"
    )
    return (
        ("content-security-policy", policy),
        # Which topic somebody reads about is private.
        ("referrer-policy", "strict-origin-when-cross-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=()"),
    )


_HEADERS = page_headers()
# Of an error that a person sees, besides those of every error.
ERROR_PAGE = dict(_HEADERS[:1])
_WHAT_FAILED = {404: "Nothing here", 410: "No longer here", 501: "Not offered here", 503: "Just a moment"}


@dataclass(frozen=True, slots=True)
class Page:
    """One page or file, rendered.

    Attributes:
        selection: whose changes are the page's changes.
        links: relation, address and perhaps media type of each, for the Link field (RFC 8288).
        headers: further fields, names in lower case.
    """

    body: bytes
    selection: Selection = EVERYTHING
    media_type: str = HTML
    links: tuple[tuple[str, ...], ...] = ()
    headers: Headers = page_headers(form="'none'")[:1]


def static_file(path: str) -> Page | None:
    """The file at *path*, one of `STATIC`; None for any other."""
    if path not in STATIC:
        return None
    file = files("pprnet_feeds.pages").joinpath("static", path.strip("/"))
    return Page(file.read_bytes(), media_type=STATIC[path])


def render_template(name: str, **values: Any) -> bytes:
    """A template of ours with *values*, which it escapes."""
    return _environment().get_template(name).render(values).encode()


def render_error(
    status: int, text: str, pages: Pages | None = None, near: Sequence[tuple[str, str]] = ()
) -> bytes:
    """The page of an error: its *text*, and title and address of what may have been meant.

    Without *pages*, when the site cannot be read, it has nothing of the site.
    """
    values: dict[str, Any] = {
        "heading": _WHAT_FAILED.get(status, "This did not work"),
        "is_missing": status == 404,
        "text": text.partition("\n")[0],
        "near": near,
    }
    if pages:
        return pages.fill("error.html", "", **values).body
    return render_template("error.html", site=None, has_search=False, **values)


@cache
def _environment() -> Environment:
    """The templates. jinja2 takes long to import, so that waits for the first page."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("pprnet_feeds.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {
        "formats": FORMATS,
        "month": month_name,
        "frame": embed.frame,
        "reader_links": subscribe.reader_links,
        "readers": subscribe.READERS,
        "view_names": subscribe.VIEW_NAMES,
        "format_names": subscribe.FORMAT_NAMES,
        "most_topics": MOST_TOPICS,
        "marked": marked,
        "rfc3339": "%Y-%m-%dT%H:%M:%SZ",  # of a time in UTC
    }
    return environment


class Pages:
    """The pages of one library."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.site = catalogue.site
        self.posts = catalogue.library.posts
        self._neighbours = lists.Neighbours(catalogue)
        self._marks = lists.preview_marks(catalogue.library)

    @cached_property
    def _issues(self) -> Channel:
        return self.catalogue.channel(SERIES[0])

    @cached_property
    def _listings(self) -> list[Listing]:
        return [self.catalogue.listing(selection) for selection in selections(self.site)]

    @property
    def _main(self) -> Channel:
        return self._listings[0].channels["feed"]

    @cached_property
    def _changes(self) -> metadata.Changes:
        return metadata.page_changes(self.catalogue, (*_HEADINGS, _ARCHIVE))

    def paths(self) -> Iterator[str]:
        """Every address of a page, a frame or a file."""
        yield from (path for path, _ in self._changes)
        yield from (f"/{selection.path}embed" for selection in selections(self.site))
        yield from dict.fromkeys((metadata.SITEMAP, *metadata.sitemap_parts(self._changes)))
        yield from (ROBOTS, *STATIC, *([LOGO] if self.site.logo else []))

    def page(self, path: str) -> Page | None:
        """Render the page or file at *path*; None when there is none."""
        base = self.site.base_url
        if path.startswith("/sitemap"):
            sitemap = metadata.render_sitemap(path, self._changes, base)
            return Page(sitemap, media_type=XML) if sitemap else None
        if path == ROBOTS:  # RFC 9309
            text = f"User-agent: *\nDisallow:\n\nSitemap: {base}{metadata.SITEMAP}\n"
            return Page(text.encode(), media_type=TEXT)
        if found := branding.picture(path, self.site):
            # The SVG holds the picture that was chosen, and nothing of the page is loaded.
            policy = ("content-security-policy", "default-src 'none'; img-src data:; frame-ancestors 'none'")
            return Page(found[0], media_type=found[1], headers=(policy,))
        if path == "/site.css" and self.site.accent:
            css = files("pprnet_feeds.pages").joinpath("static/site.css").read_bytes()
            return Page(css + branding.accent_css(self.site.accent), media_type=STATIC[path])
        if path in _HEADINGS:
            return self._of_terms(path)
        if path == _ARCHIVE:
            shown = lists.list_posts(self.posts, self.site)
            return self.fill("archive.html", path, own=self._main, posts=shown)
        if path == SEARCH and self.catalogue.has_search:
            return self.search(lists.SearchQuery((), "", ""))
        if path == OPENSEARCH and self.catalogue.has_search:
            body = render_template("opensearch.xml", site=self.site)
            return Page(body, media_type=OPENSEARCH_TYPE)
        if post := self._post_at(path):
            return self._of_post(path, post)
        url = self.catalogue.parse(path)
        if not isinstance(url, Url) or url.request or url.spelling != path:
            return static_file(path)
        posts = self.catalogue.posts(url.selection)
        if url.embed:
            return self._embed(url, posts)
        if url.year:
            return self._of_year(url, posts)
        return self._of_selection(path, url.selection, posts)

    def too_many(self, slugs: Sequence[str]) -> Page:
        """The page for somebody who chose more topics than one feed combines."""
        listings = [self.catalogue.listing(Selection(topics=(slug,))) for slug in slugs]
        opml = subscribe.opml_address(slugs, self.site)
        return self.fill("too-many.html", "/", listings=listings, opml=opml)

    def read_query(self, fields: Mapping[str, str]) -> lists.SearchQuery | Refusal:
        """Read the fields of the search form."""
        refusal = self.catalogue.parse(f"{SEARCH}a/feed.atom")
        return refusal if isinstance(refusal, Refusal) else lists.read_query(fields, self.site)

    def search(self, query: lists.SearchQuery) -> Page:
        """The page of a search."""
        words = Selection(words=tuple(sorted(query.words)))
        listing = self.catalogue.listing(words) if query.words else None
        return self.fill(
            "search.html",
            f"/{words.page}" if query.words else SEARCH,
            headers=page_headers("script-src 'self'; "),
            own=listing.channels["feed"] if listing else self._main,
            listing=listing,
            typed=" ".join(query.words),
            query="+".join(query.words),
            **query._asdict(),
            **lists.search_results(query, self.catalogue),
        )

    def nearest_posts(self, path: str) -> list[tuple[str, str]]:
        """Title and address of the posts that may have been meant by a *path* with nothing at it."""
        return [(post.title, permalink(post, self.site)) for post in self._neighbours.near(unquote(path))]

    def oembed(self, path: str, size: embed.Size) -> Page | Refusal:
        """The oEmbed answer for the post or selection at *path*, in a *size* of pixels."""
        for candidate in (path, f"{path}/"):
            if post := self._post_at(candidate):
                entry = post_entries(post, "summary", self.site)[0]
                card = self.fill("card.html", candidate, entry=entry, post=post).body.decode().strip()
                answer = embed.post_answer(post, entry, card, self.site, size)
                return Page(answer, media_type=JSON)
            url = self.catalogue.parse(candidate)
            if isinstance(url, Url) and not url.request and not url.selection.issue:
                return Page(embed.selection_answer(url.selection, self.site, size), url.selection, JSON)
        return Refusal("There is no post, topic or type of research of ours at this `url`.")

    def _post_at(self, path: str) -> Post | None:
        slug = path.removeprefix("/posts/").removesuffix("/")
        return self.catalogue.post(slug) if path == f"/posts/{slug}/" else None

    def _of_terms(self, path: str) -> Page:
        members = [item for item in self._listings if item.selection.path.startswith(path.strip("/"))]
        own, is_issues = self._main, path == "/issues/"
        if is_issues:
            members = [self.catalogue.listing(Selection(issue=month)) for month in self.catalogue.months]
            own = self._issues
        heading = _HEADINGS[path]
        return self.fill("terms.html", path, own=own, listings=members, heading=heading, is_issues=is_issues)

    def _of_post(self, path: str, post: Post) -> Page:
        entry = post_entries(post, "feed", self.site)[0]
        text, figure = rendered_body(post, self.site)
        account, practice = markdown.sections(text)
        # Footnotes are below all text that has marks for them.
        end = account.rfind(_FOOTNOTES) if practice else -1
        account, footnotes = (account, "") if end < 0 else (account[:end], account[end:])
        older, newer = self._neighbours.around(post)
        return self.fill(
            "post.html",
            path,
            headers=page_headers("script-src 'self'; "),
            own=self._main,
            post=post,
            older=older,
            newer=newer,
            related=self._neighbours.related(post),
            entry=entry,
            figure=figure,
            account=account,
            practice=practice,
            warnings=study_warnings(entry.cites),
            footnotes=footnotes,
            references=[(cite, reference_html(cite)) for cite in entry.cites],
            structured=metadata.structured(entry, post, self.site),
            highwire=metadata.highwire(entry, self.site),
            reference=post_as_work(post, self.site).citation.text,
            links=metadata.signposting(entry, self.site),
            oembed=embed.endpoint(path, self.site),
            description=entry.summary,
        )

    def _of_selection(self, path: str, selection: Selection, posts: Sequence[Post]) -> Page:
        listing = self.catalogue.listing(selection)
        own = self._issues if selection.issue else listing.channels["feed"]  # a month has no feed of its own
        template, headers = "selection.html", page_headers("script-src 'self'; ")
        values: dict[str, Any] = {"description": listing.channels["feed"].subtitle}
        if path == "/":
            template = "subscribe.html"
            headers = page_headers("script-src 'self'; connect-src 'self'; ")
            values |= {"listings": self._listings, "newest": [*lists.newest_issues(self.catalogue)]}
        if selection.issue:
            months = ["", *self.catalogue.months, ""]
            place = months.index(selection.issue)
            values |= {"newer": months[place - 1], "older": months[place + 1]}
            selection = EVERYTHING  # it changes with the months around it
        else:
            values |= {
                "opml": subscribe.opml_address(selection.topics, self.site),
                "embed": embed.embed_address(selection, self.site),
                "oembed": embed.endpoint(path, self.site),
            }
        shown = lists.list_posts(posts, self.site)
        return self.fill(template, path, selection, headers, own=own, listing=listing, posts=shown, **values)

    def _of_year(self, url: Url, posts: Sequence[Post]) -> Page | None:
        if url.year not in lists.years(posts):
            return None
        of_year = [post for post in posts if post.year == url.year]
        # A month has no shorter list.
        listed, months = (of_year, []) if url.selection.issue else lists.list_year(of_year)
        return self.fill(
            "year.html",
            url.spelling,
            url.selection,
            posts=listed,
            total=len(of_year),
            months=months,
            year=url.year,
            listing=self.catalogue.listing(url.selection),
        )

    def _embed(self, url: Url, posts: Sequence[Post]) -> Page:
        home = url.selection.path
        return self.fill(
            "embed.html",
            url.spelling,
            url.selection,
            page_headers(form="'none'", frames="*"),
            canonical=f"/{home}",
            lines=[(post, lists.summary(post, self.site)) for post in posts[: embed.POSTS]],
            title=url.selection.title(self.site),
            home=home,
        )

    def fill(
        self,
        template: str,
        path: str,
        selection: Selection = EVERYTHING,
        headers: Headers = _HEADERS,
        own: Channel | None = None,
        canonical: str = "",
        typed: str = "",
        links: Iterable[tuple[str, ...]] = (),
        **values: Any,
    ) -> Page:
        """The page at *path*, made of a template of ours, which escapes its *values*."""
        # A page announces its own feed and no other: readers subscribe to whatever they find.
        # Links are below the host of the request, so that a preview stays on its own host.
        root = urlsplit(self.site.base_url).path
        shared = {"site": self.site, "path": path, "root": root, "own": own, "typed": typed}
        shared |= {"has_search": self.catalogue.has_search, "marks": self._marks}
        body = render_template(template, **shared, **values)
        url = self.site.base_url + (canonical or path)
        return Page(body, selection, links=(("canonical", url), *links), headers=headers)
