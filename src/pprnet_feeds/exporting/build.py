"""The whole site as files: the bytes that `serve` sends, each at its name.

New files are written first and old ones removed last. Documents are rendered one after the other and written
a few at a time, so memory is bounded. A build that ends early leaves whole files, and the next continues it.

Only files that the manifest names are ever replaced or removed, and an unchanged file is not written again.
A name is entered before its file is written.
"""

import hashlib
import json
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import chain
from typing import Any, NamedTuple

from pprnet_feeds.exporting import hosts
from pprnet_feeds.exporting.places import MANIFEST, Bucket, Folder, RefusedError
from pprnet_feeds.pages.static_site import HEADERS, REDIRECTS, SUBSCRIBE, static_pages
from pprnet_feeds.serving.response import Response
from pprnet_feeds.serving.snapshot import Snapshot

# The end of a file's name -> its content coding: the file itself, and its compressed siblings.
CODINGS = {"": "", ".br": "br", ".gz": "gzip"}
# After how many files the manifest is written, for a build that is killed.
_OFTEN = 500
_VERSION = 1
_STATIC = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"}


class Written(NamedTuple):
    """What a build wrote at one name."""

    digest: str  # of the document and its header fields; empty while nothing is written yet
    stamps: Mapping[str, str]  # end of the name -> the stamp by which the place recognises that very file


class Exported(NamedTuple):
    """What a build did, in numbers of addresses and files, and whether Cloudflare ignores some rules."""

    paths: int
    written: int
    removed: int
    unchanged: int
    exceeds_cloudflare: bool


class _Document(NamedTuple):
    """Bytes for some names, and the *headers* that a bucket stores with them; *response* has the codings."""

    names: list[str]
    body: bytes
    headers: Mapping[str, str]
    response: Response | None = None

    @property
    def digest(self) -> str:
        described = repr((sorted(self.headers.items()), self.response is not None)).encode()
        return hashlib.sha256(described + b"\0" + self.body).hexdigest()


def export(
    snapshot: Snapshot, place: Folder | Bucket, watch: Callable[[Sequence[str]], Iterable[str]]
) -> Exported:
    """Bring *place* up to date with *snapshot*; *watch* goes through the paths, and may show how far it is.

    Raises `RefusedError` when the place refuses something, or holds a file that we did not write at a name
    of ours.
    """
    names = _file_names(snapshot) if place.has_rules else _object_keys(snapshot)
    own = static_pages(snapshot.pages)
    if place.has_rules:
        own |= dict.fromkeys((HEADERS, REDIRECTS, hosts.NGINX), b"")
    else:
        own[SUBSCRIBE.removesuffix(".html")] = own.pop(SUBSCRIBE)
    with closing(place):
        listed, before = place.list(), _read_manifest(place)
        files = dict.fromkeys([*own, *chain.from_iterable(names.values())], Written("", {}))
        theirs = _with_siblings(files) & listed.keys() - _with_siblings(before)
        if theirs:
            raise RefusedError(f"{min(theirs)} is there, and no build made it", "Move it out of the way.")
        current, files = files.keys(), files | before
        if files != before:
            _write_manifest(place, files)
        written = 0
        documents = _documents(snapshot, place, names, own, watch([*names]))
        for written, (name, its) in enumerate(_write(place, documents, files, listed), 1):
            files[name] = its
            if written % _OFTEN == 0:
                _write_manifest(place, files)
        after = {name: files[name] for name in current}
        needed = {name + end for name, its in after.items() for end in its.stamps}
        place.remove(sorted(_with_siblings(files) & listed.keys() - needed))
        if after != before:
            _write_manifest(place, after)
    removed = len(files.keys() - after.keys() & listed.keys())
    return Exported(len(names), written, removed, len(after) - written, hosts.exceeds_cloudflare(own))


def _file_names(snapshot: Snapshot) -> dict[str, list[str]]:
    """The files of each document in a folder; where one would hide a folder, a rule leads to the document."""
    names = {}
    for path in snapshot.paths():
        guessed = (other for other, is_file in hosts.guessed(path).items() if is_file)
        names[path] = [*map(hosts.file_name, (path, *guessed))]
    return names


def _object_keys(snapshot: Snapshot) -> dict[str, list[str]]:
    """The objects of each document: no rules redirect, so guessed and former addresses have copies."""
    documents = {other: path for path in snapshot.paths() for other in (path, *hosts.guessed(path))}
    for former, now, whole in hosts.moves(snapshot):
        if whole:
            below = [address for address in documents if address.startswith(now)]
            documents |= {former + address.removeprefix(now): documents[address] for address in below}
        elif now in documents:
            is_page = now.endswith("/") and "." not in former.rpartition("/")[2]
            documents[f"{former}/" if is_page else former] = documents[now]
    keys: defaultdict[str, list[str]] = defaultdict(list)
    for key, path in {hosts.object_key(address): path for address, path in documents.items()}.items():
        keys[path].append(key)
    return keys


def _documents(
    snapshot: Snapshot,
    place: Folder | Bucket,
    names: Mapping[str, list[str]],
    own: dict[str, bytes],
    paths: Iterable[str],
) -> Iterator[_Document]:
    """Render the documents at the *paths*, and last the files that only a copy has."""
    shapes: dict[str, hosts.Fields] = {}
    links: dict[str, str] = {}
    base_url = snapshot.site.base_url
    stored = () if place.has_rules else ("Content-Type", "Cache-Control")
    for path in paths:
        response = snapshot.find(path)
        if response is None:
            raise AssertionError(f"nothing is at {path}")
        headers, body = _answer(response)
        if hosts.shape(path) == hosts.POST_PAGE:
            links[path] = headers["link"]
        if hosts.shape(path) not in shapes:
            shown, _ = _answer(response, "sec-fetch-dest", "document")
            shapes[hosts.shape(path)] = hosts.fields(path, headers, shown["content-type"], base_url)
        yield _Document(names[path], body, {name: headers[name.lower()] for name in stored}, response)
    if place.has_rules:
        moved, gone = hosts.moves(snapshot), hosts.withdrawn(snapshot)
        own[HEADERS] = hosts.headers_file(shapes, base_url)
        own[REDIRECTS] = hosts.redirects_file(shapes, moved, base_url)
        own[hosts.NGINX] = hosts.nginx_file(shapes, links, moved, gone, base_url)
    for name, body in own.items():
        yield _Document([name], body, {name: _STATIC[name.lower()] for name in stored})


def _answer(response: Response, *asked: str) -> tuple[dict[str, str], bytes]:
    """The header fields and the body that the service sends to a request with the field *asked*, if any."""
    fields = {asked[0].encode(): asked[1].encode()} if asked else {}
    found = response.prepare(fields, response.last_modified)
    return {name.decode(): value.decode() for name, value in found.start["headers"]}, found.body["body"]


def _read_manifest(place: Folder | Bucket) -> dict[str, Written]:
    text = place.read_manifest()
    try:
        found: Any = json.loads(text) if text else {"version": _VERSION, "files": {}}
        if found["version"] != _VERSION:
            raise ValueError(found["version"])
        return {name: Written(str(entry[0]), dict(entry[1])) for name, entry in found["files"].items()}
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        what = f"its {MANIFEST} cannot be read: it is not what this version writes"
        raise RefusedError(what, "Give another place, or empty this one yourself.") from error


def _write_manifest(place: Folder | Bucket, files: Mapping[str, Written]) -> None:
    """Write the manifest: sorted, one name a line."""
    lines = (f"{json.dumps(name)}: {json.dumps([*written])}" for name, written in sorted(files.items()))
    text = f'{{"version": {_VERSION}, "files": {{\n' + ",\n".join(lines) + "\n}}\n"
    place.write(MANIFEST, text.encode(), {"Content-Type": "application/json", "Cache-Control": "no-store"})


def _with_siblings(names: Collection[str]) -> set[str]:
    return {name + end for name in names for end in CODINGS}


def _write(
    place: Folder | Bucket,
    documents: Iterable[_Document],
    files: Mapping[str, Written],
    listed: Mapping[str, str],
) -> Iterator[tuple[str, Written]]:
    """Write what changed, here or at the place; gives each name when it is written."""
    running: deque[Future[list[tuple[str, Written]]]] = deque()
    with ThreadPoolExecutor(place.workers) as pool:
        for document in documents:
            digest, changed = document.digest, []
            for name in sorted({*document.names}):
                was = files[name]
                there = {end: listed.get(name + end) for end in was.stamps}
                if was.digest != digest or there != was.stamps:
                    changed.append(name)
            if changed:
                running.append(pool.submit(_write_document, place, document, changed))
            while len(running) > 2 * place.workers:
                yield from running.popleft().result()
        for future in running:
            yield from future.result()


def _write_document(
    place: Folder | Bucket, document: _Document, names: list[str]
) -> list[tuple[str, Written]]:
    forms = {"": (document.body, document.headers)}
    for end, coding in CODINGS.items():
        if coding and document.response:
            headers, body = _answer(document.response, "accept-encoding", coding)
            if headers.get("content-encoding") == coding:  # it is smaller
                forms[end] = body, {**document.headers, "Content-Encoding": coding}
    return [
        (name, Written(document.digest, {end: place.write(name + end, *form) for end, form in forms.items()}))
        for name in names
    ]
