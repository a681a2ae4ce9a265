"""What was read of the posts, kept in a file, so that a restart parses nothing anew.

Another version of what reads posts, or another blog, begins without it. A file
that is older than the posts costs the reading of those that changed since.
"""

from __future__ import annotations

import contextlib
import hashlib
import struct
import sys
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

# Beside our own sources, what decides how a post is read.
_LIBRARIES = ("PyYAML", "msgspec", "tzdata")
# In blocks, so that a large site is not held twice while it is read or written.
_FILES_A_BLOCK = 1_000

_Head = tuple[Basis, list[Problem], int]
_Row = tuple[str, FileRead, str]  # the name of the file, and the digest of its post
_HEAD = msgspec.msgpack.Decoder(_Head)
_ROWS = msgspec.msgpack.Decoder(list[_Row])


def load(path: Path, site: Site) -> Reading | None:
    """What `write` has kept of the posts of *site*; None when there is nothing to be believed."""
    try:
        file = keptfile.opened(path)
        with file or contextlib.nullcontext():
            return _read(file, site) if file else None
    except (OSError, ValueError, struct.error, msgspec.MsgspecError):
        return None


def write(path: Path, site: Site, reading: Reading) -> str:
    """Keep *reading* in a file; the answer is why it could not be written, empty when it was."""
    return keptfile.write(path, lambda file: _write(file, site, reading))


def pack(by_file: Mapping[str, FileRead]) -> bytes:
    """What was read of files, for another process that runs this program."""
    return msgspec.msgpack.encode([(name, read, _digest_of(read.post)) for name, read in by_file.items()])


def unpack(data: bytes) -> dict[str, FileRead]:
    """What `pack` has put together; nothing of what is not whole."""
    try:
        return _taken(_ROWS.decode(data), {})
    except msgspec.MsgspecError:
        return {}


def _write(file: BinaryIO, site: Site, reading: Reading) -> None:
    file.write(_edition(site))
    _put(file, (reading.basis, reading.problems, len(reading.by_file)))
    rows = [(name, read, _digest_of(read.post)) for name, read in reading.by_file.items()]
    for start in range(0, len(rows), _FILES_A_BLOCK):
        _put(file, rows[start : start + _FILES_A_BLOCK])


def _read(file: BinaryIO, site: Site) -> Reading | None:
    edition = _edition(site)
    if file.read(len(edition)) != edition:
        return None
    basis, problems, number = _HEAD.decode(keptfile.block(file))
    by_file: dict[str, FileRead] = {}
    known: dict[Any, Any] = {}
    while len(by_file) < number:
        by_file |= _taken(_ROWS.decode(keptfile.block(file)), known)
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
