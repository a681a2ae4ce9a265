"""Everything the service answers at one moment of the posts' life.

`build` reads the site and gives a snapshot; the service swaps one reference, so
nobody ever sees a half-loaded one. An answer is drawn, digested and prepared
when it is asked for; those who serve keep it. A snapshot keeps, for a while,
only what depends on a query.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from pprnet_feeds.content import cachefile
from pprnet_feeds.content.ledger import Ledger, read_ledger
from pprnet_feeds.content.library import Library, read_library
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.content.site import read_site
from pprnet_feeds.pages.fixed import FIXED, fixed
from pprnet_feeds.pages.page import Page
from pprnet_feeds.serving.changes import Keeping, Known, differing, record, things
from pprnet_feeds.serving.disk import HELD, lost_posts
from pprnet_feeds.serving.kept import Kept
from pprnet_feeds.serving.messages import Alias
from pprnet_feeds.serving.permalinks import Permalinks
from pprnet_feeds.serving.program import drawing
from pprnet_feeds.serving.representation import Representation
from pprnet_feeds.serving.semantics import cache_control
from pprnet_feeds.settings import Settings
from pprnet_feeds.syndication.addresses import Address
from pprnet_feeds.syndication.catalogue import BESIDE, LISTS, Catalogue, Document
from pprnet_feeds.syndication.selection import Refusal, Selection

if TYPE_CHECKING:
    from pprnet_feeds.pages.pages import Pages

# What our addresses are made of; anything else, decoded, is a stranger's.
_PLAIN = re.compile(r"[a-z0-9/,+._-]+")


class Snapshot:
    """The site as it stands: every address and the answer behind it.

    Attributes:
        changed: the moment of the newest change.
        known: what is known of changes, this one's among them.
        ledger: what subscribers have been told.
    """

    def __init__(
        self, library: Library, known: Known, before: Snapshot | None = None, ledger: Ledger | None = None
    ) -> None:
        self.library = library
        self.site = library.site
        self.problems = library.problems
        self.next_release = library.next_release
        self.known = known
        self.changed = known.newest
        self.catalogue: Catalogue = Catalogue(library, before.catalogue if before else None)
        self.ledger = ledger
        self._kept = Kept()
        self._permalinks = Permalinks(self.catalogue)

    @cached_property
    def pages(self) -> Pages:
        """The pages for people; made for the first that is asked for, since templates take long to load."""
        from pprnet_feeds.pages.pages import Pages

        return Pages(self.catalogue)

    def paths(self) -> Iterator[str]:
        """Every canonical address: documents, pages, files."""
        yield from self.catalogue.paths()
        yield from self.pages.paths()
        yield from FIXED

    def answer(self, path: str) -> Representation | Alias | None:
        """The answer at an address: prepared, or another's for a guessed one; None when there is none."""
        address = self.catalogue.read(path)
        if isinstance(address, Address) and address.spelling == path and address.plan:
            canonical = address.plan.path
            document = self.catalogue.document(canonical)
            if document is None or canonical == path:
                return self._document(document) if document else None
            return Alias(canonical, f'<{self.site.base_url}{canonical}>; rel="canonical"')
        if path in LISTS or path.startswith("/posts/"):
            document = self.catalogue.document(path)
            if document is not None:
                return self._document(document)
        page = self.pages.page(path)
        if page is not None:
            return self._page(page)
        file = fixed(path)
        return self._page(Page(file, media_type=FIXED[path])) if file is not None else None

    def find(self, path: str) -> Representation | None:
        """The prepared answer at an address, canonical or guessed; None when there is none."""
        found = self.answer(path)
        if isinstance(found, Alias):
            canonical = self.answer(found.path)
            if isinstance(canonical, Representation):
                return canonical.sibling(f"{canonical.links}, {found.links}")
            return None
        return found

    def is_listed(self, path: str) -> bool:
        """Whether everybody may be polling the address, so that its answer is kept for good."""
        address = self.catalogue.read(path)
        if not isinstance(address, Address) or address.selection.combines:
            return False
        return address.plan is None or not address.plan.year

    def chosen(self, slugs: Collection[str]) -> Representation:
        """The list of the feeds of some topics, as OPML."""
        chosen = [Selection(topics=(topic.slug,)) for topic in self.site.topics if topic.slug in slugs]
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
        post = self._permalinks.at(path)
        if post is not None:
            return None if post.status == "withdrawn" else f"/posts/{post.slug}/"
        stem, _, form = path.partition(".")
        post = self._permalinks.at(stem)
        if post is not None and form in BESIDE:
            return None if post.status == "withdrawn" else f"/posts/{post.slug}.{form}"
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
        post = self._permalinks.at(path) or self._permalinks.at(f"/posts/{slug}")
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

    def _document(self, document: Document) -> Representation:
        links = ", ".join(f'<{address}>; rel="{relation}"' for relation, address in document.links)
        page = Page(document.body, document.selection, f"{document.media_type}; charset=utf-8")
        return self._page(page, links, plain_xml=document.media_type.endswith(("atom+xml", "rss+xml")))

    def _page(self, page: Page, links: str = "", *, plain_xml: bool = False) -> Representation:
        cache = self.site.cache
        return Representation(
            page.body,
            media_type=page.media_type,
            last_modified=self.known.last_modified(page.selection.holds),
            cache_control=cache_control(cache.max_age, cache.stale_while_revalidate, cache.stale_if_error),
            links=links or (f'<{page.canonical}>; rel="canonical"' if page.canonical else ""),
            plain_xml=plain_xml,
            extra=[(name.encode(), value.encode()) for name, value in page.headers],
        )


def build(
    settings: Settings,
    environ: Mapping[str, str],
    now: datetime,
    store: Keeping,
    before: Snapshot | None = None,
    cache: Path | None = None,
    moved: Collection[str] | None = None,
) -> Snapshot | list[Problem]:
    """Read the site and make the snapshot of *now*; the problems when its settings or its disk are faulty.

    *before* is what is served by now: what has not changed since is taken over from it, and posts
    do not vanish from it because a mount did, nor after a builder that `HELD` posts and has died.
    Without it, what was read before a restart is looked for in *cache*. *moved* names all files
    and folders that can have changed since *before*, where that is known.
    """
    site, problems = read_site(settings.folder, environ, settings.base_url)
    if site is None or problems:
        return problems
    if before and site == before.site:
        site = before.site
    ledger = read_ledger(settings.folder, before.ledger if before else None)
    if isinstance(ledger, list):
        return ledger
    held = before.library.reading if before else cachefile.load(cache, site, settings.folder)
    library = read_library(
        settings.folder,
        site,
        now,
        drafts=settings.drafts,
        ledger=ledger,
        held=held,
        moved=moved,
        aside=cache.parent if cache else None,
    )
    had_posts = before.library.posts if before else environ.get(HELD)
    lost = lost_posts(library, settings.folder, held=bool(had_posts))
    if lost:
        return lost

    def recorded(known: Known) -> Known:
        if before and known is before.known and (library.site, ledger) == (before.site, before.ledger):
            seen, gone = differing(before.library, library, ledger)
            return record(known, seen, now, gone)
        return record(known, things(library, drawing(), ledger), now)

    return Snapshot(library, store.update(recorded), before, ledger)
