"""What was read of the posts, kept in a file, so that a restart parses nothing anew.

The file is never needed: whatever is wrong with it, it is as if there were
none, and what cannot be written is written another time. Only what this user
wrote is believed, and nothing is reached through a link.

Another version of what reads posts, or another blog, begins without it. A file
that is older than the posts costs the reading of those that changed since.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import struct
import sys
import zlib
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from pprnet_feeds.content.digests import digest
from pprnet_feeds.content.model import Post, Site
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.content.reading import Basis, FileRead, Reading

# Beside our own sources, what decides how a post is read.
_LIBRARIES = ("PyYAML", "msgspec", "tzdata")
# In blocks, so that a large site is not held twice while it is read or written.
_FILES_A_BLOCK = 1_000
_BLOCK = struct.Struct("<QI")  # its length, and its check

_Head = tuple[Basis, list[Problem], int]
_Row = tuple[str, FileRead, str]  # the name of the file, and the digest of its post
_HEAD = msgspec.msgpack.Decoder(_Head)
_ROWS = msgspec.msgpack.Decoder(list[_Row])

_FLAGS = 0
for _flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
    _FLAGS |= getattr(os, _flag, 0)


def load(path: Path, site: Site) -> Reading | None:
    """What `write` has kept of the posts of *site*; None when there is nothing to be believed."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | _FLAGS), "rb") as file:
            return _read(file, site) if _is_ours(os.fstat(file.fileno())) else None
    except (OSError, ValueError, struct.error, msgspec.MsgspecError):
        return None


def write(path: Path, site: Site, reading: Reading) -> str:
    """Keep *reading* in a file that only this user may read, whole or not at all.

    The answer is why it could not be written; empty when it was. A folder that
    is not there is made.
    """
    new = path.with_name(f"{path.name}.{os.getpid()}")  # each worker's builder writes its own
    try:
        path.parent.mkdir(0o700, parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600), "wb") as file:
            _write(file, site, reading)
        new.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink()
        return error.strerror or "no reason was given"
    return ""


def _is_ours(status: os.stat_result) -> bool:
    """Whether nobody else can have written the file."""
    mine = status.st_uid == getattr(os, "geteuid", lambda: status.st_uid)()
    return mine and stat.S_ISREG(status.st_mode) and not status.st_mode & 0o022


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
    basis, problems, number = _HEAD.decode(_block(file))
    by_file: dict[str, FileRead] = {}
    known: dict[Any, Any] = {}
    while len(by_file) < number:
        for name, read, told in _ROWS.decode(_block(file)):
            by_file[name] = read
            if read.post is not None:
                _share(read.post, name, known)
                if told:
                    read.post.remember("digest", told)
    return Reading(basis, by_file, tuple(problems))


def _put(file: BinaryIO, value: object) -> None:
    data = msgspec.msgpack.encode(value)
    file.write(_BLOCK.pack(len(data), zlib.adler32(data)))
    file.write(data)


def _block(file: BinaryIO) -> bytes:
    length, check = _BLOCK.unpack(file.read(_BLOCK.size))
    # A length that is no length must not be asked of the memory.
    data = file.read(min(length, os.fstat(file.fileno()).st_size))
    if len(data) != length or zlib.adler32(data) != check or not length:
        raise ValueError("the block is not whole")
    return data


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
