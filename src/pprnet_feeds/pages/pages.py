"""Pages for people: where to subscribe, what is filed where, each post, and frames for other sites.

A page is a function of its address, never of its visitor. Templates escape whatever they are given; only
the body of a post, which the sanitiser has cleaned, is marked safe.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from pprnet_feeds.content.model import Post
from pprnet_feeds.pages import branding, embed, lists, metadata, subscribe
from pprnet_feeds.syndication.bibliography import post_as_work
from pprnet_feeds.syndication.catalogue import SERIES, Catalogue, Document
from pprnet_feeds.syndication.channel import Channel, permalink
from pprnet_feeds.syndication.citations import person_name, reference_html, study_warnings
from pprnet_feeds.syndication.entries import PostText, post_entries
from pprnet_feeds.syndication.opml import Listing
from pprnet_feeds.syndication.search import marked, words_in
from pprnet_feeds.syndication.selection import MOST_TOPICS, Refusal, Selection, lead, month_name, selections
from pprnet_feeds.syndication.urls import FAVICON, FORMATS, ICON, ICON_SVG, LOGO, Url

if TYPE_CHECKING:
    from jinja2 import Environment

HTML, JSON = "text/html; charset=utf-8", "application/json; charset=utf-8"
OPENSEARCH_TYPE = "application/opensearchdescription+xml; charset=utf-8"
ROBOTS, SITEMAP, SEARCH, OPENSEARCH = "/robots.txt", "/sitemap.xml", "/search/", "/opensearch.xml"
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
# Of what is no page.
FILE_HEADERS = page_headers(form="'none'")[:1]


def static_file(path: str, accent: str = "") -> Document | None:
    """The file at *path*, one of `STATIC`, with the colour *accent*; None for any other."""
    if path not in STATIC:
        return None
    body = files("pprnet_feeds.pages").joinpath("static", path.strip("/")).read_bytes()
    css = branding.accent_css(accent) if accent and path == "/site.css" else b""
    return Document(body + css, STATIC[path])


def render_template(name: str, **values: Any) -> bytes:
    """A template of ours with *values*, which it escapes."""
    return _environment().get_template(name).render(values).encode()


def render_error(
    status: int, text: str, pages: Pages | None = None, near: Sequence[tuple[str, str]] = ()
) -> bytes:
    """The page of an error: its *text*, and title and address of what may have been meant.

    Without *pages*, when the site cannot be read, it has nothing of the site.
    """
    values: dict[str, Any] = {"status": status, "text": text.partition("\n")[0], "near": near}
    if pages:
        return pages.fill("error.html", "", **values).body
    return render_template("error.html", site=None, **values)


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
        "lead": lead,
        "frame": embed.frame,
        "view_names": subscribe.VIEW_NAMES,
        "format_names": subscribe.FORMAT_NAMES,
        "most_topics": MOST_TOPICS,
        "marked": marked,
        "person_name": person_name,
        "rfc3339": "%Y-%m-%dT%H:%M:%SZ",  # of a time in UTC
        # What the layout has where a page says nothing else.
        "own": None,
        "typed": "",
        "has_search": False,
        "has_oembed": False,
    }
    return environment


class Pages:
    """The pages of one library."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.site = catalogue.site
        self._neighbours = lists.Neighbours(catalogue)

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
        yield from (SITEMAP, ROBOTS, *STATIC, *([LOGO] if self.site.logo else []))

    def page(self, path: str) -> Document | None:
        """Render the page or file at *path*; None when there is none."""
        if path == SITEMAP:
            sitemap = render_template("sitemap.xml", site=self.site, pages=self._changes)
            return Document(sitemap, "application/xml; charset=utf-8")
        if path == ROBOTS:  # RFC 9309
            text = f"User-agent: *\nDisallow:\n\nSitemap: {self.site.base_url}{SITEMAP}\n"
            return Document(text.encode(), "text/plain; charset=utf-8")
        if found := branding.picture(path, self.site):
            # The SVG holds the picture that was chosen, and nothing of the page is loaded.
            policy = ("content-security-policy", "default-src 'none'; img-src data:; frame-ancestors 'none'")
            return Document(*found, headers=(policy,))
        if path in _HEADINGS:
            return self._of_terms(path)
        if path == _ARCHIVE:
            shown = lists.list_posts(self.catalogue.library.posts, self.site)
            return self.fill("archive.html", path, own=self._main, posts=shown)
        if path == SEARCH and self.catalogue.has_search:
            return self.search(lists.SearchQuery())
        if path == OPENSEARCH and self.catalogue.has_search:
            return Document(render_template("opensearch.xml", site=self.site), OPENSEARCH_TYPE)
        if post := self._post_at(path):
            return self._of_post(path, post)
        url = self.catalogue.parse(path)
        if not isinstance(url, Url) or url.request or url.spelling != path:
            return static_file(path, self.site.accent)
        posts = self.catalogue.posts(url.selection)
        if url.embed:
            return self._embed(url, posts)
        if url.year:
            return self._of_year(url, posts)
        return self._of_selection(path, url.selection, posts)

    def too_many(self, slugs: Sequence[str]) -> Document:
        """The page for somebody who chose more topics than one feed combines."""
        listings = [self.catalogue.listing(Selection(topics=(slug,))) for slug in slugs]
        return self.fill("too-many.html", "/", listings=listings)

    def read_query(self, fields: Mapping[str, str]) -> lists.SearchQuery | Refusal:
        """Read the fields of the search form; without words it is the page that explains the search."""
        words = tuple(words_in(fields.get("q", "")))
        refusal = self.catalogue.parse(f"{SEARCH}{'+'.join(words) or 'a'}/feed.atom")
        if isinstance(refusal, Refusal):
            return refusal
        topic, research = (fields.get(name, "") for name in ("topic", "research"))
        is_type = research in self.site.research_type
        return lists.SearchQuery(words, topic * (topic in self.site.topic), research * is_type)

    def search(self, query: lists.SearchQuery) -> Document:
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
            **query._asdict(),
            **lists.search_results(query, self.catalogue),
        )

    def nearest_posts(self, path: str) -> list[tuple[str, str]]:
        """Title and address of the posts that may have been meant by a *path* with nothing at it."""
        return [(post.title, permalink(post, self.site)) for post in self._neighbours.near(unquote(path))]

    def oembed(self, path: str, size: embed.Size) -> Document | Refusal:
        """The oEmbed answer for the post or selection at *path*, in a *size* of pixels."""
        for candidate in (path, f"{path}/"):
            if post := self._post_at(candidate):
                entry = post_entries(post, "summary", self.site)[0]
                card = self.fill("card.html", candidate, entry=entry, post=post).body.decode().strip()
                return Document(embed.post_answer(entry, card, self.site, size), JSON)
            url = self.catalogue.parse(candidate)
            if isinstance(url, Url) and not url.request and not url.selection.issue:
                title, base = url.selection.title(self.site), self.site.base_url
                frame = embed.frame(f"{base}/{url.selection.path}embed", title, *size)
                return Document(embed.answer(self.site, size, title, frame, {}), JSON, url.selection)
        return Refusal("There is no post, topic or type of research of ours at this `url`.")

    def _post_at(self, path: str) -> Post | None:
        slug = path.removeprefix("/posts/").removesuffix("/")
        return self.catalogue.post(slug) if path == f"/posts/{slug}/" else None

    def _of_terms(self, path: str) -> Document:
        members = [item for item in self._listings if item.selection.path.startswith(path.strip("/"))]
        own, is_issues = self._main, path == "/issues/"
        if is_issues:
            members = [self.catalogue.listing(Selection(issue=month)) for month in self.catalogue.months]
            own = self._issues
        heading = _HEADINGS[path]
        return self.fill("terms.html", path, own=own, listings=members, heading=heading, is_issues=is_issues)

    def _of_post(self, path: str, post: Post) -> Document:
        text = PostText(post, self.site)
        entry = text.entry(text.summary, text.html)
        account, practice = text.body.sections
        # Footnotes are below all text that has marks for them.
        end = account.rfind(_FOOTNOTES) if practice else -1
        account, footnotes = (account, "") if end < 0 else (account[:end], account[end:])
        return self.fill(
            "post.html",
            path,
            headers=page_headers("script-src 'self'; "),
            own=self._main,
            post=post,
            beside=self._neighbours.around(post),
            related=self._neighbours.related(post),
            entry=entry,
            figure=text.figure(text.body.html),
            account=account,
            practice=practice,
            warnings=study_warnings(entry.cites),
            footnotes=footnotes,
            references=[reference_html(cite) for cite in entry.cites],
            structured=metadata.structured(entry, post, self.site),
            work=post_as_work(post, self.site),
            links=metadata.signposting(entry, self.site),
            has_oembed=not self.catalogue.is_static,
            description=entry.summary,
        )

    def _of_selection(self, path: str, selection: Selection, posts: Sequence[Post]) -> Document:
        listing = self.catalogue.listing(selection)
        own = self._issues if selection.issue else listing.channels["feed"]  # a month has no feed of its own
        template, headers = "selection.html", page_headers("script-src 'self'; ")
        values: dict[str, Any] = {"description": listing.channels["feed"].subtitle}
        if path == "/":
            template = "subscribe.html"
            headers = page_headers("script-src 'self'; connect-src 'self'; ")
            values |= {"listings": self._listings, "months": self.catalogue.months}
        if selection.issue:
            months = ["", *self.catalogue.months, ""]
            place = months.index(selection.issue)
            values |= {"newer": months[place - 1], "older": months[place + 1]}
            selection = Selection()  # it changes with the months around it
        else:
            values["has_oembed"] = not self.catalogue.is_static
        shown = lists.list_posts(posts, self.site)
        return self.fill(template, path, selection, headers, own=own, listing=listing, posts=shown, **values)

    def _of_year(self, url: Url, posts: Sequence[Post]) -> Document | None:
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

    def _embed(self, url: Url, posts: Sequence[Post]) -> Document:
        return self.fill(
            "embed.html",
            f"/{url.selection.path}",
            url.selection,
            page_headers(form="'none'", frames="*"),
            lines=[(post, lists.summary(post, self.site)) for post in posts[: embed.POSTS]],
            title=url.selection.title(self.site),
        )

    def fill(
        self,
        template: str,
        path: str,
        selection: Selection | None = None,
        headers: Headers = _HEADERS,
        links: Iterable[tuple[str, ...]] = (),
        **values: Any,
    ) -> Document:
        """The page at *path*, made of a template of ours, which escapes its *values*.

        It announces *own*, its own feed, and no other: readers subscribe to whatever they find.
        """
        values |= {"has_search": self.catalogue.has_search, "hidden": self.catalogue.library.hidden}
        # Links are below the host of the request, so that a preview stays on its own host.
        root = urlsplit(self.site.base_url).path
        body = render_template(template, site=self.site, path=path, root=root, **values)
        links = (("canonical", self.site.base_url + path), *links)
        return Document(body, HTML, selection or Selection(), links, headers)
