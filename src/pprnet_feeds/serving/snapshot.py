"""Everything the service answers at one moment of the posts' life.

`build` reads the site and gives a snapshot; the service swaps one reference, so
nobody ever sees a half-loaded one. A document is drawn, digested and prepared
when it is first asked for, and then kept: a poll only chooses.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from pprnet_feeds.content.library import Library, read_library
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.content.site import read_site
from pprnet_feeds.pages.pages import STYLE_SHEETS, Pages, style_sheet
from pprnet_feeds.serving.representation import Representation
from pprnet_feeds.serving.state import Changes
from pprnet_feeds.settings import Settings
from pprnet_feeds.syndication.catalogue import Catalogue
from pprnet_feeds.syndication.selection import EVERYTHING

# Nothing may run, frame or load from elsewhere but the pictures of a post.
POLICY = "default-src 'none'; style-src 'self'; img-src https: http:; base-uri 'none'; frame-ancestors 'none'"


class Snapshot:
    """The site as it stands: every address and the answer behind it.

    Attributes:
        table: raw path -> the prepared answer, for the addresses asked for so far.
    """

    def __init__(self, library: Library, changes: Changes, now: datetime) -> None:
        self.library = library
        self.site = library.site
        self.problems = library.problems
        self.next_release = library.next_release
        # From this moment on a cache that keeps an answer for its usual time would outlive the release.
        cache = self.site.cache
        self.shorten_from = self.next_release and self.next_release - timedelta(
            seconds=cache.max_age + cache.stale_while_revalidate
        )
        self.catalogue = Catalogue(library)
        self.pages = Pages(self.catalogue)
        self.table: dict[bytes, Representation] = {}
        self._changes = changes
        self._now = now
        self._permalinks = {f"/posts/{post.slug}": post for post in (*library.posts, *library.withdrawn)}
        for post in (*library.posts, *library.withdrawn):
            self._permalinks |= {alias.rstrip("/"): post for alias in post.aliases}

    def paths(self) -> Iterator[str]:
        """Every canonical address: documents, pages, style sheets."""
        yield from self.catalogue.paths()
        yield from self.pages.paths()
        yield from STYLE_SHEETS

    def find(self, path: str) -> Representation | None:
        """The prepared answer at an address, canonical or guessed; None when there is none."""
        raw = path.encode()
        if raw not in self.table:
            canonical = self.catalogue.guessed.get(path)
            found = self._guess(canonical) if canonical else self._prepare(path)
            if found is None:
                return None
            self.table[raw] = found
        return self.table[raw]

    def moved(self, path: str) -> str | None:
        """Where the document or page of a former or incomplete address is; None for nowhere."""
        post = self._permalinks.get(path.rstrip("/"))
        if post is not None:
            return None if post.status == "withdrawn" else f"/posts/{post.slug}/"
        now = self.catalogue.moved(path) or path
        for candidate in (now, f"{now}/"):
            if candidate != path and self.find(candidate):
                return candidate
        return None

    def gone(self, path: str) -> bool:
        """Tell whether a withdrawn post stood at *path*."""
        post = self._permalinks.get(path.rstrip("/"))
        return post is not None and post.status == "withdrawn"

    def near(self, path: str) -> list[tuple[str, str]]:
        """Title and address of the feeds whose names are nearest to the ones in *path*."""
        return [
            (channel.title, channel.home_page)
            for channel in map(self.catalogue.channel, self.catalogue.near(path))
        ]

    def _guess(self, canonical: str) -> Representation | None:
        document = self.find(canonical)
        if document is None:
            return None
        return document.sibling(f'{document.links}, <{self.site.base_url}{canonical}>; rel="canonical"')

    def _prepare(self, path: str) -> Representation | None:
        document = self.catalogue.document(path)
        if document is not None:
            return self._represent(
                path,
                document.body,
                document.media_type,
                document.updated,
                links=document.links,
                plain_xml=document.media_type.endswith(("atom+xml", "rss+xml")),
            )
        body, media_type = self.pages.draw(path), "text/html"
        if body is None:
            body, media_type = style_sheet(path), "text/css"
        if body is None:
            return None
        links = [("canonical", self.site.base_url + path)] if media_type == "text/html" else []
        return self._represent(
            path, body, media_type, self.catalogue.channel(EVERYTHING).updated, links=links
        )

    def _represent(
        self,
        path: str,
        body: bytes,
        media_type: str,
        updated: datetime,
        *,
        links: Iterable[tuple[str, str]],
        plain_xml: bool = False,
    ) -> Representation:
        digest = hashlib.blake2b(body, digest_size=16).hexdigest()
        cache = self.site.cache
        return Representation(
            body,
            media_type=f"{media_type}; charset=utf-8",
            last_modified=self._changes.last_modified(path, digest, updated, self._now),
            cache_control=cache_control(cache.max_age, cache.stale_while_revalidate, cache.stale_if_error),
            links=", ".join(f'<{address}>; rel="{relation}"' for relation, address in links),
            plain_xml=plain_xml,
            extra=((b"content-security-policy", POLICY.encode()),),
        )


def cache_control(max_age: int, stale_while_revalidate: int, stale_if_error: int) -> str:
    """The Cache-Control field of every good answer; all in seconds (RFC 9111 §5.2.2, RFC 5861)."""
    return (
        f"public, max-age={max_age}, stale-while-revalidate={stale_while_revalidate}, "
        f"stale-if-error={stale_if_error}"
    )


def build(
    settings: Settings, environ: Mapping[str, str], now: datetime, changes: Changes
) -> Snapshot | list[Problem]:
    """Read the site and make the snapshot of *now*; the problems when its settings are faulty."""
    site, problems = read_site(settings.folder, environ, settings.base_url)
    if site is None or problems:
        return problems
    if not (settings.folder / "posts").is_dir():
        # A folder that vanished is a fault of the disk and no withdrawal of every post.
        mend = "Put the folder back; until then the posts stay as they were read last."
        return [Problem("posts/", 0, 0, "the folder is not there", mend)]
    return Snapshot(read_library(settings.folder, site, now, drafts=settings.drafts), changes, now)
