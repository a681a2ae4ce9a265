"""The whole site as files: the bytes that `serve` sends, each at its name.

New files come first and old ones go last. Documents are rendered one after the other and written a few at a
time, so a hundred thousand posts need no more memory than ten. A build that ends early leaves every file
whole and the next build less to do.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime

from pprnet_feeds.exporting import addresses, hosts, manifest
from pprnet_feeds.exporting.manifest import CODINGS, Written
from pprnet_feeds.exporting.places import Bucket, Folder, RefusedError
from pprnet_feeds.pages.static_site import HEADERS, REDIRECTS, SUBSCRIBE, static_pages
from pprnet_feeds.serving.representation import Representation
from pprnet_feeds.serving.snapshot import Snapshot

# After how many files the manifest is written, for a build that is killed.
_OFTEN = 500


@dataclass(frozen=True, slots=True)
class Exported:
    """What a build did: how many files it wrote, removed and left, without their compressed siblings.

    Attributes:
        paths: how many addresses it holds.
        exceeds_cloudflare: whether Cloudflare would ignore some of the rules.
        next_release: when the next scheduled post comes out; None for never.
    """

    written: int
    removed: int
    unchanged: int
    paths: int
    exceeds_cloudflare: bool
    next_release: datetime | None


@dataclass(frozen=True, slots=True)
class _Document:
    """Bytes for some names, and the *headers* that a bucket stores with them; *response* has the codings."""

    names: list[str]
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    response: Representation | None = None

    @property
    def digest(self) -> str:
        told = repr((sorted(self.headers.items()), self.response is not None)).encode()
        return hashlib.sha256(told + b"\0" + self.body).hexdigest()


def export(
    snapshot: Snapshot, place: Folder | Bucket, begin: Callable[[int], Callable[[], None]]
) -> Exported:
    """Bring *place* up to date with *snapshot*.

    *begin* gets the number of steps and returns what is called after each.
    Raises `RefusedError` when the place refuses something, or holds a file of somebody else at a name of ours.
    """
    with closing(place):
        site = _Site(snapshot, place)
        names = site.names()
        stored, listed = _stored(place), place.list()
        theirs = manifest.with_siblings(names) & listed.keys() - manifest.with_siblings(stored)
        if theirs:
            raise RefusedError(f"{min(theirs)} is there, and no build made it", "Move it out of the way.")
        files = {name: Written() for name in names} | stored
        if files != stored:
            _save(place, files)
        written = 0
        try:
            for name, its in _write(place, site.documents(begin(len(site.paths))), files, listed):
                files[name] = its
                written += 1
                if written % _OFTEN == 0:
                    _save(place, files)
        except BaseException:
            with suppress(RefusedError, OSError):
                _save(place, files)
            raise
        current = {name: files[name] for name in names}
        needed = {name + end for name, its in current.items() for end in its.stamps}
        old = manifest.with_siblings(files) & listed.keys() - needed
        if old:
            place.remove(sorted(old))
        if current != stored:
            _save(place, current)
    removed = len(files.keys() - current.keys() & listed.keys())
    unchanged = len(current) - written
    return Exported(
        written, removed, unchanged, len(site.paths), site.exceeds_cloudflare, snapshot.next_release
    )


class _Site:
    """The documents of a snapshot, and the rules for hosts that follow from them."""

    def __init__(self, snapshot: Snapshot, place: Folder | Bucket) -> None:
        self.snapshot = snapshot
        self.has_rules = place.has_rules
        self.paths = [*snapshot.paths()]
        self.exceeds_cloudflare = False
        self._moves = addresses.moves(snapshot)
        self._pages = static_pages(snapshot.site)
        if not self.has_rules:  # nobody maps /subscribe to a file there
            self._pages[SUBSCRIBE.removesuffix(".html")] = self._pages.pop(SUBSCRIBE)

    def names(self) -> dict[str, None]:
        """Every name in the order in which it is written."""
        rules = (HEADERS, REDIRECTS, hosts.NGINX) if self.has_rules else ()
        return dict.fromkeys(
            (*(name for path in self.paths for name in self._names(path)), *self._pages, *rules)
        )

    def documents(self, step: Callable[[], None]) -> Iterator[_Document]:
        """Render the documents, and last the rules; *step* is called for each address."""
        shapes: dict[str, hosts.Fields] = {}
        base_url = self.snapshot.site.base_url
        for path in self.paths:
            step()
            response = self.snapshot.find(path)
            if response is None:
                raise AssertionError(f"nothing is at {path}")
            headers, body = _answer(response)
            if hosts.shape(path) not in shapes:
                shown_as = _answer(response, "sec-fetch-dest", "document")[0]["content-type"]
                shapes[hosts.shape(path)] = hosts.fields(path, headers, shown_as, base_url)
            yield _Document(self._names(path), body, self._stored_headers(headers), response)
        for name, body in self._pages.items():
            headers = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"}
            yield _Document([name], body, self._stored_headers(headers))
        if self.has_rules:
            headers_file = hosts.headers_file(shapes, base_url)
            redirects = hosts.redirects_file(shapes, self._moves, base_url)
            self.exceeds_cloudflare = hosts.exceeds_cloudflare(headers_file, redirects)
            gone = addresses.withdrawn(self.snapshot)
            yield _Document([HEADERS], headers_file)
            yield _Document([REDIRECTS], redirects)
            yield _Document([hosts.NGINX], hosts.nginx_file(shapes, self._moves, gone, base_url))

    def _names(self, path: str) -> list[str]:
        return addresses.file_names(path) if self.has_rules else addresses.object_keys(path, self._moves)

    def _stored_headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        stored = ("Content-Type", "Cache-Control") if not self.has_rules else ()
        return {name: headers[name.lower()] for name in stored}


def _answer(response: Representation, *asked: str) -> tuple[dict[str, str], bytes]:
    """The header fields and the body that the service sends to a request with the field *asked*, if any."""
    start, body, *_ = response.answer([(asked[0].encode(), asked[1].encode())] if asked else [])
    return {name.decode(): value.decode() for name, value in start["headers"]}, body["body"]


def _stored(place: Folder | Bucket) -> dict[str, Written]:
    text = place.read(manifest.FILE)
    try:
        return manifest.parse(text) if text else {}
    except ValueError as error:
        fix = "Give another place, or empty this one yourself."
        raise RefusedError(f"its {manifest.FILE} cannot be read: {error}", fix) from error


def _save(place: Folder | Bucket, files: Mapping[str, Written]) -> None:
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    place.write(manifest.FILE, manifest.serialize(files).encode(), headers)


def _write(
    place: Folder | Bucket,
    documents: Iterator[_Document],
    files: Mapping[str, Written],
    listed: Mapping[str, str],
) -> Iterator[tuple[str, Written]]:
    """Write the documents that changed, or that somebody else changed; gives each name that is written."""
    running: deque[Future[list[tuple[str, Written]]]] = deque()
    with ThreadPoolExecutor(place.workers) as pool:
        try:
            for document in documents:
                digest = document.digest
                changed = [
                    name
                    for name in document.names
                    if files[name].digest != digest or not files[name].is_intact(name, listed)
                ]
                if changed:
                    running.append(pool.submit(_write_document, place, document, changed, digest))
                while len(running) > 2 * place.workers:
                    yield from running.popleft().result()
            while running:
                yield from running.popleft().result()
        finally:
            for future in running:
                future.cancel()


def _write_document(
    place: Folder | Bucket, document: _Document, names: list[str], digest: str
) -> list[tuple[str, Written]]:
    bodies = {"": document.body}
    for end, coding in CODINGS.items():
        if coding and document.response:
            headers, body = _answer(document.response, "accept-encoding", coding)
            if headers.get("content-encoding") == coding:  # none where that is no smaller
                bodies[end] = body
    written = []
    for name in names:
        stamps = {}
        for end, body in bodies.items():
            encoded = {"Content-Encoding": CODINGS[end]} if end else {}
            stamps[end] = place.write(name + end, body, {**document.headers, **encoded})
        written.append((name, Written(digest, stamps)))
    return written
