"""What was read of the posts, kept in a file, so that a restart parses nothing anew.

Another version of what reads posts, or another blog, begins without it. A file
that is older than the posts costs the reading of those that changed since.
"""

from __future__ import annotations

import contextlib
import hashlib
import sys
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from pprnet_feeds.content import keptfile, rows
from pprnet_feeds.content.digests import digest
from pprnet_feeds.content.installed import version
from pprnet_feeds.content.model import Post, Site
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.content.reading import Basis, FileRead, Reading
from pprnet_feeds.content.shelf import Shelf

# Beside our own sources, what decides how a post is read.
_LIBRARIES = ("PyYAML", "msgspec", "tzdata")
_Head = tuple[Basis, list[Problem], int]
_HEAD = msgspec.msgpack.Decoder(_Head)


def load(path: Path | None, site: Site, folder: Path | None = None) -> Reading | None:
    """What `write` has kept of the posts of *site*; None when there is nothing to be believed.

    Where the *folder* of the site is given, the long parts of posts stay in the file.
    """
    try:
        file = keptfile.opened(path) if path else None
        with file or contextlib.nullcontext():
            return _read(file, site, folder) if file else None
    except (OSError, ValueError, msgspec.MsgspecError):
        return None


def write(path: Path, site: Site, reading: Reading, folder: Path | None = None) -> str:
    """Keep *reading* in a file; the answer is why it could not be written, empty when it was.

    Where the *folder* of the site is given, the posts let go of their long parts then.
    """
    written: list[tuple[Post, int]] = []
    shelves: list[Shelf] = []

    def fill(file: BinaryIO) -> None:
        if shelf := folder and rows.shelf_of(file, site, folder):
            shelves.append(shelf)
        written.extend(_write(file, site, reading))

    fault = keptfile.write(path, fill)
    for shelf in () if fault else shelves:
        for post, place in written:
            post.let_go(shelf, place)
    return fault


def _write(file: BinaryIO, site: Site, reading: Reading) -> list[tuple[Post, int]]:
    """Write it all; the sound posts among what was read, and where they stand."""
    written: list[tuple[Post, int]] = []
    file.write(_edition(site))
    _put(file, (reading.basis, reading.problems, len(reading.by_file)))
    every = list(reading.by_file.items())
    for start in range(0, len(every), rows.FILES_A_BLOCK):
        written += rows.put(file, every[start : start + rows.FILES_A_BLOCK])
    return written


def _read(file: BinaryIO, site: Site, folder: Path | None) -> Reading | None:
    edition = _edition(site)
    shelf = rows.shelf_of(file, site, folder) if folder else None
    if file.read(len(edition)) != edition:
        return None
    basis, problems, number = _HEAD.decode(keptfile.block(file))
    by_file: dict[str, FileRead] = {}
    known: dict[Any, Any] = {}
    while len(by_file) < number:
        by_file |= rows.take(file, shelf, known)
    return Reading(basis, by_file, tuple(problems))


def _put(file: BinaryIO, value: object) -> None:
    keptfile.put(file, msgspec.msgpack.encode(value))


def _edition(site: Site) -> bytes:
    """Stand for the program and the blog."""
    return hashlib.blake2b(f"{_program()} {site.tag_root}".encode()).digest()


@cache
def _program() -> str:
    """Stand for what reads posts."""
    sources = [(path.name, path.read_text("utf-8")) for path in sorted(Path(__file__).parent.glob("*.py"))]
    return digest([sources, [(library, version(library)) for library in _LIBRARIES], sys.version])
