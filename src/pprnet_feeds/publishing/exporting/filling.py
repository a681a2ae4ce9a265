"""Bring a place up to date with what is drawn: what is new first, what is old last.

Documents are drawn one after the other and compressed and put side by side, a
few at a time, so that a hundred thousand posts need no more memory than ten. A
build that ends early, however, leaves every file whole and the next one less
to do.
"""

from __future__ import annotations

import gzip
import hashlib
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from pprnet_feeds.publishing.exporting import manifest
from pprnet_feeds.publishing.exporting.bucket import Bucket
from pprnet_feeds.publishing.exporting.folder import Folder
from pprnet_feeds.publishing.exporting.manifest import ENDINGS, Kept, RefusedError
from pprnet_feeds.serving.encoding import GZIP_LEVEL, brotli_of

# After how many files a manifest is written in between, for a build that is killed.
_OFTEN = 500


@dataclass(frozen=True, slots=True)
class Item:
    """One document, and the names at which it shall stand.

    Attributes:
        headers: the header fields that the place keeps with it.
        coded: whether compressed siblings stand beside it.
    """

    names: tuple[str, ...]
    body: bytes
    headers: Mapping[str, str]
    coded: bool = True

    @property
    def digest(self) -> str:
        """It stands for everything that would be put."""
        told = repr((sorted(self.headers.items()), self.coded)).encode()
        return hashlib.sha256(told + b"\0" + self.body).hexdigest()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the names: each counts once, its siblings are not counted."""

    written: int
    removed: int
    unchanged: int


def fill(
    place: Folder | Bucket, names: Collection[str], items: Iterable[Item], step: Callable[[], None]
) -> Outcome:
    """Put *items*, which bear exactly the *names*, and remove what was put before and is none of them.

    *step* is called for every item. Raises `RefusedError` when the place refuses
    something, or holds a file of somebody else's at a name of ours.
    """
    before = place.load()
    kept = _read(before)
    held = place.held()
    strange = sorted((manifest.owned(names) & held.keys()) - manifest.owned(kept))
    if strange:
        raise RefusedError(f"{strange[0]} is there, and no build made it", "Move it out of the way.")
    if not kept.keys() >= set(names):
        kept = {name: Kept() for name in names} | kept
        before = manifest.write(kept)
        place.save(before)
    written = 0
    try:
        for name, its in _put(place, items, kept, held, step):
            kept[name] = its
            written += 1
            if written % _OFTEN == 0:
                before = manifest.write(kept)
                place.save(before)
    except BaseException:
        with suppress(RefusedError, OSError):
            place.save(manifest.write(kept))
        raise
    gone = kept.keys() - set(names)
    standing = {name + ending for name in names for ending in kept[name].stamps}
    old = sorted((manifest.owned(kept) & held.keys()) - standing)
    if old:
        place.delete(old)
    text = manifest.write({name: kept[name] for name in names})
    if text != before:
        place.save(text)
    return Outcome(written, len(gone & held.keys()), len(names) - written)


def _read(text: str) -> dict[str, Kept]:
    try:
        return manifest.read(text) if text else {}
    except ValueError as error:
        mend = "Give another place, or empty this one yourself."
        raise RefusedError(f"its {manifest.FILE} cannot be read: {error}", mend) from error


def _put(
    place: Folder | Bucket,
    items: Iterable[Item],
    kept: Mapping[str, Kept],
    held: Mapping[str, str],
    step: Callable[[], None],
) -> Iterable[tuple[str, Kept]]:
    waiting: deque[Future[list[tuple[str, Kept]]]] = deque()
    with ThreadPoolExecutor(place.workers) as pool:
        try:
            for item in items:
                step()
                digest = item.digest
                changed = [
                    name
                    for name in item.names
                    if kept[name].digest != digest or not kept[name].stands(name, held)
                ]
                if changed:
                    waiting.append(pool.submit(_keep, place, item, changed, digest))
                while len(waiting) > 2 * place.workers:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _keep(place: Folder | Bucket, item: Item, names: list[str], digest: str) -> list[tuple[str, Kept]]:
    bodies = {"": item.body} | (_coded(item.body) if item.coded else {})
    return [(name, Kept(digest, place.keep(name, bodies, item.headers))) for name in names]


def _coded(body: bytes) -> dict[str, bytes]:
    """The compressed siblings by the ending of their names; none that is no smaller."""
    brotli = brotli_of(body)
    zipped = gzip.compress(body, GZIP_LEVEL, mtime=0)
    found = {".br": brotli, ".gz": zipped if len(zipped) < len(body) else None}
    return {ending: found[ending] or b"" for ending in ENDINGS if found.get(ending)}
