"""What was read of files as bytes, in blocks, and back: to keep it, and to tell another process.

Each block has the rows of a thousand files, so that a large site is not held
twice, and says where each post stands in it: posts whose long parts are kept
that way can let go of them.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from pprnet_feeds.content import keptfile
from pprnet_feeds.content.model import Post, Site
from pprnet_feeds.content.reading import FileRead
from pprnet_feeds.content.shelf import Shelf

FILES_A_BLOCK = 1_000

_Row = tuple[str, FileRead, str]  # the name of the file, and the digest of its post
# Beside its rows a block has, of each, the length of its post and how far before the block's end it begins.
_BLOCK = msgspec.msgpack.Decoder(tuple[bytes, list[_Row]])
_POST = msgspec.msgpack.Decoder(Post)
_encode = msgspec.msgpack.encode


def shelf_of(file: BinaryIO, site: Site, folder: Path) -> Shelf | None:
    """The open *file* as the shelf of the posts that are written into it, those of a *site* in a *folder*."""
    return Shelf(os.dup(file.fileno()), _post, folder, site) if hasattr(os, "pread") else None


def put(file: BinaryIO, reads: Sequence[tuple[str, FileRead]]) -> list[tuple[Post, int]]:
    """Write one block; the posts that may let go of their long parts, and their places."""
    rows: list[bytes] = []
    posts: list[tuple[FileRead, bytes]] = []
    marks: list[int] = []
    for name, read in reads:
        data, told = _whole(read.post), _encode(_digest_of(read.post))
        fields = {"signature": read.signature, "digest": read.digest, "problems": read.problems}
        # The post is the last part of what was read, so that its place is known.
        rows.append(b"\x93" + _encode(name) + _encode(fields | {"post": msgspec.Raw(data)}) + told)
        posts.append((read, data))
        marks += (len(data), len(told) + len(data))
    behind = 0
    for place in reversed(range(len(rows))):
        marks[2 * place + 1] += behind
        behind += len(rows[place])
    keptfile.put(file, _encode((array("I", marks).tobytes(), [msgspec.Raw(row) for row in rows])))
    end = file.tell()
    return [
        (read.post, Shelf.place(end - before_end, data))
        for (read, data), before_end in zip(posts, marks[1::2], strict=True)
        if read.post and (_may_let_go(read) or hasattr(read.post, "kept"))
    ]


def take(file: BinaryIO, shelf: Shelf | None, known: dict[Any, Any]) -> dict[str, FileRead]:
    """Read one block; *known* are values that its posts share with those of other blocks.

    The long parts of posts stay on the *shelf*. Raises ValueError when the block is not whole.
    """
    block = keptfile.block(file)
    try:
        data, rows = _BLOCK.decode(block)
    except msgspec.MsgspecError as error:
        raise ValueError("no block of rows") from error
    marks = array("I", data)
    for (name, read, told), length, before_end in zip(rows, marks[::2], marks[1::2], strict=True):
        if read.post is None:
            continue
        _share(read.post, name, known)
        if told:
            read.post.remember("digest", told)
        if shelf and _may_let_go(read):
            begin = len(block) - before_end
            read.post.let_go(shelf, Shelf.place(file.tell() - before_end, block[begin : begin + length]))
    return {name: read for name, read, _ in rows}


def _post(data: bytes) -> Post:
    try:
        return _POST.decode(data)
    except msgspec.MsgspecError as error:
        raise ValueError("no post") from error


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
