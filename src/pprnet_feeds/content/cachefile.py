"""What was read of the posts, kept in a file, so that a restart parses nothing anew.

Another version of what reads posts, or another blog, begins without it. A file
that is older than the posts costs the reading of those that changed since.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import struct
import sys
from array import array
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from pprnet_feeds.content import keptfile
from pprnet_feeds.content.digests import digest
from pprnet_feeds.content.installed import version
from pprnet_feeds.content.model import Post, Site
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.content.reading import Basis, FileRead, Reading
from pprnet_feeds.content.shelf import Shelf

# Beside our own sources, what decides how a post is read.
_LIBRARIES = ("PyYAML", "msgspec", "tzdata")
# In blocks, so that a large site is not held twice while it is read or written.
_FILES_A_BLOCK = 1_000

_Head = tuple[Basis, list[Problem], int]
_Row = tuple[str, FileRead, str]  # the name of the file, and the digest of its post
_HEAD = msgspec.msgpack.Decoder(_Head)
_ROWS = msgspec.msgpack.Decoder(list[_Row])
# Beside its rows a block has, of each, the length of its post and how far before the block's end it begins.
_ROWS_PLACED = msgspec.msgpack.Decoder(tuple[bytes, list[_Row]])
_POST = msgspec.msgpack.Decoder(Post)
_encode = msgspec.msgpack.encode


def load(path: Path, site: Site, folder: Path | None = None) -> Reading | None:
    """What `write` has kept of the posts of *site*; None when there is nothing to be believed.

    Where the *folder* of the site is given, the long parts of posts stay in the file.
    """
    try:
        file = keptfile.opened(path)
        with file or contextlib.nullcontext():
            return _read(file, site, folder) if file else None
    except (OSError, ValueError, struct.error, msgspec.MsgspecError):
        return None


def write(path: Path, site: Site, reading: Reading, folder: Path | None = None) -> str:
    """Keep *reading* in a file; the answer is why it could not be written, empty when it was.

    Where the *folder* of the site is given, the posts let go of their long parts then.
    """
    written: list[tuple[Post, int]] = []
    shelves: list[Shelf] = []

    def fill(file: BinaryIO) -> None:
        if shelf := _shelf(file, site, folder):
            shelves.append(shelf)
        written.extend(_write(file, site, reading))

    fault = keptfile.write(path, fill)
    for shelf in () if fault else shelves:
        for post, place in written:
            post.let_go(shelf, place)
    return fault


def pack(by_file: Mapping[str, FileRead]) -> bytes:
    """What was read of files, for another process that runs this program."""
    return msgspec.msgpack.encode([(name, read, _digest_of(read.post)) for name, read in by_file.items()])


def unpack(data: bytes) -> dict[str, FileRead]:
    """What `pack` has put together; nothing of what is not whole."""
    try:
        return _taken(_ROWS.decode(data), {})
    except msgspec.MsgspecError:
        return {}


def _shelf(file: BinaryIO, site: Site, folder: Path | None) -> Shelf | None:
    if folder is None or not hasattr(os, "pread"):
        return None
    return Shelf(os.dup(file.fileno()), _post, folder, site)


def _post(data: bytes) -> Post:
    try:
        return _POST.decode(data)
    except msgspec.MsgspecError as error:
        raise ValueError("no post") from error


def _write(file: BinaryIO, site: Site, reading: Reading) -> list[tuple[Post, int]]:
    """Write it all; the sound posts among what was read, and where they stand."""
    written: list[tuple[Post, int]] = []
    file.write(_edition(site))
    _put(file, (reading.basis, reading.problems, len(reading.by_file)))
    every = list(reading.by_file.items())
    for start in range(0, len(every), _FILES_A_BLOCK):
        rows: list[bytes] = []
        posts: list[tuple[FileRead, bytes]] = []
        marks: list[int] = []
        for name, read in every[start : start + _FILES_A_BLOCK]:
            data, told = _whole(read.post), _encode(_digest_of(read.post))
            fields = {"signature": read.signature, "digest": read.digest, "problems": read.problems}
            # The post is the last part of what was read, so that its place is known.
            row = b"\x93" + _encode(name) + _encode(fields | {"post": msgspec.Raw(data)}) + told
            rows.append(row)
            posts.append((read, data))
            marks += (len(data), len(told) + len(data))
        behind = 0
        for place in reversed(range(len(rows))):
            marks[2 * place + 1] += behind
            behind += len(rows[place])
        block = _encode((array("I", marks).tobytes(), [msgspec.Raw(row) for row in rows]))
        keptfile.put(file, block)
        for (read, data), before_end in zip(posts, marks[1::2], strict=True):
            if _may_let_go(read) and read.post:
                written.append((read.post, Shelf.place(file.tell() - before_end, data)))
    return written


def _whole(post: Post | None) -> bytes:
    """A post as it is written; as it was, where its long parts are kept."""
    kept = getattr(post, "kept", None)
    if post is None or kept is None:
        return _encode(post)
    shelf, place = kept
    try:
        return bytes(shelf.raw(place))
    except OSError:
        return _encode(shelf.whole(post, place))


def _may_let_go(read: FileRead) -> bool:
    """Whether the post's own file would tell its text as well."""
    return bool(read.post and read.digest and not read.problems and _digest_of(read.post))


def _read(file: BinaryIO, site: Site, folder: Path | None) -> Reading | None:
    edition = _edition(site)
    shelf = _shelf(file, site, folder)
    if file.read(len(edition)) != edition:
        return None
    basis, problems, number = _HEAD.decode(keptfile.block(file))
    by_file: dict[str, FileRead] = {}
    known: dict[Any, Any] = {}
    while len(by_file) < number:
        block = keptfile.block(file)
        data, rows = _ROWS_PLACED.decode(block)
        marks = array("I", data)
        by_file |= _taken(rows, known)
        for (_, read, _), length, before_end in zip(rows, marks[::2], marks[1::2], strict=True):
            if shelf and read.post and _may_let_go(read):
                begin = len(block) - before_end
                place = Shelf.place(file.tell() - before_end, block[begin : begin + length])
                read.post.let_go(shelf, place)
    return Reading(basis, by_file, tuple(problems))


def _taken(rows: list[_Row], known: dict[Any, Any]) -> dict[str, FileRead]:
    for name, read, told in rows:
        if read.post is not None:
            _share(read.post, name, known)
            if told:
                read.post.remember("digest", told)
    return {name: read for name, read, _ in rows}


def _put(file: BinaryIO, value: object) -> None:
    keptfile.put(file, msgspec.msgpack.encode(value))


def _share(post: Post, name: str, known: dict[Any, Any]) -> None:
    """Let equal values be one object, as they are when posts are read from their files."""
    post.remember("file", name)
    for each in ("topics", "research", "issue"):
        value = getattr(post, each)
        post.remember(each, known.setdefault(value, value))
    if post.updated == post.published:
        post.remember("updated", post.published)
    if post.slug == post.id:
        post.remember("slug", post.id)


def _digest_of(post: Post | None) -> str:
    return getattr(post, "digest", "")


def _edition(site: Site) -> bytes:
    """Stand for the program and the blog."""
    return hashlib.blake2b(f"{_program()} {site.tag_root}".encode()).digest()


@cache
def _program() -> str:
    """Stand for what reads posts."""
    sources = [(path.name, path.read_text("utf-8")) for path in sorted(Path(__file__).parent.glob("*.py"))]
    return digest([sources, [(library, version(library)) for library in _LIBRARIES], sys.version])
