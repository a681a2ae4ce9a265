"""The site at one time: how a post becomes a response.

    build           files  →  library  →  times of change  →  Snapshot
    Snapshot.find   path  →  catalogue.document or pages.page  →  Response

A document is rendered when it is requested. A snapshot never changes what it answers. The service
builds the next one in the background and swaps one reference, so that no request sees half of a change.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, cached_property
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from urllib.parse import unquote

from pprnet_feeds.content import files
from pprnet_feeds.content.ledger import read_ledger, too_early
from pprnet_feeds.content.library import Library, read_library
from pprnet_feeds.content.model import Post, digest
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.content.reader import Look
from pprnet_feeds.content.site import read_site
from pprnet_feeds.pages.pages import FILE_HEADERS, OPENSEARCH, SEARCH, Pages
from pprnet_feeds.serving.encoding import Content
from pprnet_feeds.serving.response import Reply, Response
from pprnet_feeds.settings import Settings
from pprnet_feeds.state.last_modified import Timestamps, TimestampStore, record, resources
from pprnet_feeds.syndication.catalogue import LISTS, Catalogue, Document
from pprnet_feeds.syndication.selection import Refusal
from pprnet_feeds.syndication.urls import FORMATS, POST_FORMATS, Url

OPML, OEMBED, SUBSCRIBE = "/feeds.opml", "/oembed", "/subscribe"
# The addresses whose answer depends on the query; the search ends with a slash besides.
QUERIED = (OPML, OEMBED, SUBSCRIBE, SEARCH.rstrip("/"))
# What our addresses are made of; anything else, decoded, was never one of ours.
_PLAIN = re.compile(r"[a-z0-9/,+._-]+")
# What a browser gets as plain XML.
_SHOWN_AS_XML = (FORMATS["atom"], FORMATS["rss"])
# What decides how the same posts look: our packages, and the libraries that leave traces in bytes.
_RENDERING = ("content", "syndication", "pages")
_LIBRARIES = ("comrak", "feedgen", "jinja2", "lxml", "nh3")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no snapshot; what is *temporary* may pass by itself, as a lost mount or a wrong clock."""

    problems: list[Problem]
    temporary: bool = False


def build(
    settings: Settings,
    environ: Mapping[str, str],
    now: datetime,
    store: TimestampStore,
    before: Snapshot | None = None,
    look: Look | None = None,
) -> Snapshot | Failure:
    """Read the site and make the snapshot of *now*; *before*, the one built last, if nothing changed.

    Files that are not at rest in this *look* count as they were. *store* remembers when things changed.
    """
    site, problems = read_site(settings.folder, environ, settings.base_url)
    if site is None or problems:
        return Failure(problems)
    last = before.library if before else None
    ledger = read_ledger(settings.folder, last.ledger if last else None)
    if isinstance(ledger, list):
        return Failure(ledger)
    if before and look and not look.has_feeds(files.feeds_signatures(settings.folder)):
        return before  # a file of feeds/ was written meanwhile: it would meet posts from before
    library = read_library(
        settings.folder, site, now, drafts=settings.drafts, ledger=ledger, before=last, look=look
    )
    return snapshot_of(library, now, store, before)


def snapshot_of(
    library: Library,
    now: datetime,
    store: TimestampStore,
    before: Snapshot | None = None,
    *,
    is_static: bool = False,
) -> Snapshot | Failure:
    """The snapshot of a *library* that was read just now; *before* itself when nothing changed."""
    last = before.library if before else None
    if lost := _lost(library, now, had_posts=bool(last and last.posts)):
        return Failure(lost, temporary=True)
    program = renderer_digest()
    if before is None or library != last:
        known = store.record(resources(library, program), now)
    else:
        known = store.load()
        if known is not before.known and record(known, resources(library, program), now) is not known:
            # Another process reads something else, such as a faulty post without its last good version. It is
            # not corrected: the two would move Last-Modified in turn, for ever.
            known = before.known
        if known is before.known and library is last:
            return before
    return Snapshot(library, known, is_static=is_static)


class Snapshot:
    """Every address of the site and the response behind it.

    Attributes:
        known: when everything was last changed.
        seconds: how long it took to build.
        not_before: the newest change that the ledger records; an earlier clock is wrong.
        adjusted_from: the Unix time from which on a response might outlive the next release in a cache.
    """

    def __init__(self, library: Library, known: Timestamps, *, is_static: bool = False) -> None:
        self.library = library
        self.site = library.site
        self.problems = library.problems
        self.next_release = library.next_release
        lifetime = self.site.cache.max_age + self.site.cache.stale_while_revalidate
        self.adjusted_from = self.next_release.timestamp() - lifetime if self.next_release else math.inf
        self.known = known
        self.not_before = library.ledger.newest_change
        self.catalogue = Catalogue(library, is_static=is_static)
        self.pages = Pages(self.catalogue)
        self.seconds = 0.0

    def find(self, path: str) -> Response | None:
        """The response at an address, canonical or guessed; None when there is none."""
        canonical = self.canonical(path)
        document = self.catalogue.document(canonical) or self.pages.page(canonical)
        if document is None:
            return None
        response = self.response_of(document)
        return response if canonical == path else self.guessed(response, canonical)

    def respond(self, path: str) -> Response | Reply:
        """The response at any address, or the short reply that says why there is none."""
        return self.find(path) or self.reply(path)

    def response_of(self, document: Document) -> Response:
        """The response that sends a document or page."""
        links = [
            f'<{address}>; rel="{relation}"' + "".join(f'; type="{each}"' for each in media_type)
            for relation, address, *media_type in document.links
        ]
        return Response(
            Content(document.body),
            document.media_type,
            self.known.last_modified(document.selection.holds),
            self.cache_control(),
            ", ".join(links),
            document.media_type.startswith(_SHOWN_AS_XML),
            [(name.encode(), value.encode()) for name, value in document.headers or FILE_HEADERS],
        )

    def cache_control(self, now: datetime | None = None) -> str:
        """The lifetime of a response (RFC 9111 §5.2.2, RFC 5861); one sent *now* outlives no release."""
        fresh, stale = self.site.cache.max_age, self.site.cache.stale_while_revalidate
        if now and self.next_release:
            left = max(0, int((self.next_release - now).total_seconds()))
            fresh, stale = min(fresh, left), min(stale, max(0, left - fresh))
        return (
            f"public, max-age={fresh}, stale-while-revalidate={stale}, "
            f"stale-if-error={self.site.cache.stale_if_error}"
        )

    def paths(self) -> Iterator[str]:
        """Every canonical address: documents, pages, files."""
        return chain(self.catalogue.paths(), self.pages.paths())

    def canonical(self, path: str) -> str:
        """The address of the document that a guessed address is answered with; any other as it is."""
        url = self.catalogue.parse(path)
        return url.request.path if isinstance(url, Url) and url.spelling == path and url.request else path

    def guessed(self, response: Response, canonical: str) -> Response:
        """The *response* of a canonical address, as it is sent at an address where it is guessed."""
        link = f'<{self.site.base_url}{canonical}>; rel="canonical"'
        return replace(response, links=f"{response.links}, {link}")

    def is_listed(self, path: str) -> bool:
        """Whether everybody may be polling the address, so that its response is cached for good."""
        url = self.catalogue.parse(path)
        if not isinstance(url, Url) or url.selection.combines:
            return path in LISTS
        return not (url.year or url.embed or path.startswith("/archive/feed."))

    def reply(self, path: str, refusal: Refusal | None = None) -> Reply:
        """The reply where there is no document: the way to it if there is one."""
        base = self.site.base_url
        if not refusal and (now := self.moved(path)):
            headers = {"location": base + now, "cache-control": "max-age=86400"}
            return Reply(301, "This address has moved.", headers)
        slug = path.removeprefix("/posts/").partition(".")[0]
        post = self._post_at(path) or self._post_at(f"/posts/{slug}")
        if post is not None and post.status == "withdrawn":
            return Reply(410, f"This post was withdrawn. {post.note}".rstrip())
        refusal = refusal or self._refusal(path)
        if refusal.status != 404:
            return Reply(refusal.status, refusal.what)
        near = [(one.title(self.site), f"{base}/{one.path}") for one in self.catalogue.near(refusal)]
        hint = ["", "The nearest we have:", *(f"  {title}: {page}" for title, page in near)] if near else []
        return Reply(404, "\n".join([refusal.what, *hint, "", f"All feeds: {base}/"]), near=near)

    def moved(self, path: str) -> str | None:
        """Where the document or page of a former, incomplete or odd address is; None for nowhere."""
        stem, _, form = path.partition(".")
        whole, beside = self._post_at(path), self._post_at(stem) if form in POST_FORMATS else None
        if post := whole or beside:
            end = "/" if whole else f".{form}"
            return None if post.status == "withdrawn" else f"/posts/{post.slug}{end}"
        plain = unquote(path)
        candidates = [plain, f"{plain}/"] if _PLAIN.fullmatch(plain) else []
        for candidate in dict.fromkeys((path, *candidates)):  # the words of a search may be anything
            url = self.catalogue.parse(candidate)
            spelling = url.spelling if isinstance(url, Url) else candidate
            if spelling != path and self.find(spelling):
                return spelling
        return None

    def _refusal(self, path: str) -> Refusal:
        if path in (SEARCH, OPENSEARCH):
            path = f"{SEARCH}a/feed.atom"
        found = (self.catalogue.parse(each) for each in (path, f"{path}/"))
        refused = (each for each in found if isinstance(each, Refusal))
        return next(refused, Refusal("There is nothing at this address."))

    def _post_at(self, path: str) -> Post | None:
        """The post whose permalink is or was at *path*, whether it ends with a slash or not."""
        path = path.rstrip("/")
        slug = path.removeprefix("/posts/")
        return self._former.get(path) or (self.catalogue.post(slug) if slug != path else None)

    @cached_property
    def _former(self) -> dict[str, Post]:
        former = {f"/posts/{post.slug}": post for post in self.library.withdrawn}
        for post in (*self.library.posts, *self.library.withdrawn):
            former |= {alias.rstrip("/"): post for alias in post.aliases}
        return former


@cache
def renderer_digest() -> str:
    """Stand for the code that renders: an upgrade that changes bytes must move Last-Modified."""
    package = Path(__file__).parents[1]
    sources = [
        (path.relative_to(package).as_posix(), hashlib.blake2b(path.read_bytes()).hexdigest())
        for path in sorted(chain.from_iterable((package / name).rglob("*.*") for name in _RENDERING))
        if path.suffix != ".pyc"
    ]
    return digest([sources, [(library, version(library)) for library in _LIBRARIES]])


def _lost(library: Library, now: datetime, *, had_posts: bool) -> list[Problem]:
    """Why *library*, read just now, must be less than what the site holds."""
    # Everything in a folder that cannot be read is missing.
    faults = [problem for problem in library.problems if problem.what.startswith("the folder ")]
    is_public = any(record.status != "withdrawn" for record in library.ledger.records.values())
    if not faults and not library.reading.by_file and (had_posts or is_public):
        mend = "Put the files back. If every post is meant to go, restart the service."
        if is_public:
            mend = "Put the files back, or mount the folder: feeds/ledger.json knows of posts."
        faults = [Problem("posts", 0, 0, "the folder holds no post any more", mend)]
    return faults + too_early(library.ledger, now)
