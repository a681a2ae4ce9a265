"""Everything the service answers at one moment of the posts' life.

`build` reads the site and gives a snapshot; the service swaps one reference, so
nobody ever sees a half-loaded one. A document is drawn, digested and prepared
when it is first asked for, and then kept: a poll only chooses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime, timedelta
from urllib.parse import unquote

from pprnet_feeds.content.ledger import read_ledger
from pprnet_feeds.content.library import Library, read_library
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.content.site import read_site
from pprnet_feeds.pages.fixed import FIXED, fixed
from pprnet_feeds.pages.page import Page
from pprnet_feeds.pages.pages import Pages
from pprnet_feeds.serving.changes import Known, program, record, things
from pprnet_feeds.serving.disk import lost_posts
from pprnet_feeds.serving.kept import Kept
from pprnet_feeds.serving.representation import Representation
from pprnet_feeds.serving.store import Store
from pprnet_feeds.settings import Settings
from pprnet_feeds.syndication.addresses import Address
from pprnet_feeds.syndication.catalogue import LISTS, Catalogue, Document
from pprnet_feeds.syndication.selection import Refusal, parse

# What our addresses are made of; anything else, decoded, is a stranger's.
_PLAIN = re.compile(r"[a-z0-9/,+._-]+")


class Snapshot:
    """The site as it stands: every address and the answer behind it.

    Attributes:
        table: raw path -> the prepared answer, for the listed feeds asked for so far.
        changed: the moment of the newest change.
        shorten_from: when the lifetimes of answers begin to depend on the clock; None for never.
    """

    def __init__(self, library: Library, known: Known) -> None:
        self.library = library
        self.site = library.site
        self.problems = library.problems
        self.next_release = library.next_release
        self.changed = known.newest
        # From this moment on a cache that keeps an answer for its usual time would outlive the release.
        cache = self.site.cache
        self.shorten_from = self.next_release and self.next_release - timedelta(
            seconds=cache.max_age + cache.stale_while_revalidate
        )
        self.catalogue = Catalogue(library)
        self.pages = Pages(self.catalogue)
        self.table: dict[bytes, Representation] = {}
        self._kept = Kept()
        self._known = known
        self._permalinks = {f"/posts/{post.slug}": post for post in (*library.posts, *library.withdrawn)}
        for post in (*library.posts, *library.withdrawn):
            self._permalinks |= {alias.rstrip("/"): post for alias in post.aliases}

    def paths(self) -> Iterator[str]:
        """Every canonical address: documents, pages, files."""
        yield from self.catalogue.paths()
        yield from self.pages.paths()
        yield from FIXED

    def find(self, path: str) -> Representation | None:
        """The prepared answer at an address, canonical or guessed; None when there is none."""
        raw = path.encode()
        found = self.table.get(raw) or self._kept.get(path)
        if found is None:
            address = self.catalogue.read(path)
            found = self._prepare(path, address)
            if found is not None and _is_listed(address):
                self.table[raw] = found
            elif found is not None:
                self._kept.put(path, found)
        return found

    def chosen(self, slugs: Collection[str]) -> Representation | Refusal:
        """The list of the feeds of some topics, as OPML."""
        read = [parse(f"topics/{slug}/", self.site) for slug in slugs]
        refused = next((found for found in read if isinstance(found, Refusal)), None)
        if refused:
            return refused
        asked = {found[0] for found in read if not isinstance(found, Refusal)}
        chosen = [selection for selection in self.catalogue.listed() if selection in asked]
        address = LISTS[0] + "?" + "&".join(f"topic={selection.topics[0]}" for selection in chosen)
        found = self._kept.get(address)
        if found is None:
            found = self._document(self.catalogue.list_of(chosen))
            self._kept.put(address, found)
        return found

    def keep(self, key: str, draw: Callable[[], Page | Refusal]) -> Representation | Refusal:
        """The prepared answer that is kept under *key*; drawn, when it is not."""
        found = self._kept.get(key)
        if found is None:
            page = draw()
            if isinstance(page, Refusal):
                return page
            found = self._page(page)
            self._kept.put(key, found)
        return found

    def moved(self, path: str) -> str | None:
        """Where the document or page of a former, incomplete or odd address is; None for nowhere."""
        post = self._permalinks.get(path.rstrip("/"))
        if post is not None:
            return None if post.status == "withdrawn" else f"/posts/{post.slug}/"
        plain = unquote(path)
        if not _PLAIN.fullmatch(plain):
            return None
        for candidate in (plain, f"{plain}/"):
            address = self.catalogue.read(candidate)
            written = address.spelling if isinstance(address, Address) else self.pages.spelling(candidate)
            if written != path and self.find(written):
                return written
        return None

    def gone(self, path: str) -> bool:
        """Tell whether a withdrawn post stood at *path*."""
        slug = path.removeprefix("/posts/").partition(".")[0]
        post = self._permalinks.get(path.rstrip("/")) or self._permalinks.get(f"/posts/{slug}")
        return post is not None and post.status == "withdrawn"

    def refusal(self, path: str) -> Refusal:
        """Why there is nothing at an address."""
        for candidate in (path, f"{path}/"):
            found = self.catalogue.read(candidate)
            if isinstance(found, Refusal):
                return found
        return Refusal("There is nothing at this address.")

    def near(self, refusal: Refusal) -> list[tuple[str, str]]:
        """Title and address of the feeds whose names are nearest to the one that is unknown."""
        lines = map(self.catalogue.listing, self.catalogue.near(refusal))
        channels = [line.channels["feed"] for line in lines]
        return [(channel.title, channel.home_page) for channel in channels]

    def _prepare(self, path: str, address: Address | Refusal | None) -> Representation | None:
        if isinstance(address, Address) and address.spelling == path and address.plan:
            if address.plan.path == path:
                document = self.catalogue.document(path)
                return self._document(document) if document else None
            canonical = self.find(address.plan.path)
            link = f'<{self.site.base_url}{address.plan.path}>; rel="canonical"'
            return canonical and canonical.sibling(f"{canonical.links}, {link}")
        if path in LISTS or path.startswith("/posts/"):
            document = self.catalogue.document(path)
            if document is not None:
                return self._document(document)
        page = self.pages.page(path)
        if page is not None:
            return self._page(page)
        file = fixed(path)
        return self._page(Page(file, media_type=FIXED[path])) if file is not None else None

    def _document(self, document: Document) -> Representation:
        links = ", ".join(f'<{address}>; rel="{relation}"' for relation, address in document.links)
        page = Page(document.body, document.selection, f"{document.media_type}; charset=utf-8")
        return self._page(page, links, plain_xml=document.media_type.endswith(("atom+xml", "rss+xml")))

    def _page(self, page: Page, links: str = "", *, plain_xml: bool = False) -> Representation:
        cache = self.site.cache
        return Representation(
            page.body,
            media_type=page.media_type,
            last_modified=self._known.last_modified(page.selection.holds),
            cache_control=cache_control(cache.max_age, cache.stale_while_revalidate, cache.stale_if_error),
            links=links or (f'<{page.canonical}>; rel="canonical"' if page.canonical else ""),
            plain_xml=plain_xml,
            extra=[(name.encode(), value.encode()) for name, value in page.headers],
        )


def _is_listed(address: Address | Refusal | None) -> bool:
    """Whether everybody may be polling the address, so that its answer is kept for good."""
    if not isinstance(address, Address) or address.selection.combines:
        return False
    return address.plan is None or not address.plan.year


def cache_control(max_age: int, stale_while_revalidate: int, stale_if_error: int) -> str:
    """The Cache-Control field of every good answer; all in seconds (RFC 9111 §5.2.2, RFC 5861)."""
    return (
        f"public, max-age={max_age}, stale-while-revalidate={stale_while_revalidate}, "
        f"stale-if-error={stale_if_error}"
    )


def build(
    settings: Settings, environ: Mapping[str, str], now: datetime, store: Store, held: Library | None = None
) -> Snapshot | list[Problem]:
    """Read the site and make the snapshot of *now*; the problems when its settings or its disk are faulty.

    *held* is what is served by now: posts do not vanish from it because a mount did.
    """
    site, problems = read_site(settings.folder, environ, settings.base_url)
    if site is None or problems:
        return problems
    ledger = read_ledger(settings.folder)
    if isinstance(ledger, list):
        return ledger
    library = read_library(settings.folder, site, now, drafts=settings.drafts, ledger=ledger)
    lost = lost_posts(library, held, settings.folder)
    if lost:
        return lost
    seen = things(library, program(), ledger)
    return Snapshot(library, store.update(lambda known: record(known, seen, now)))
