"""Very many post files, read by two processes at once, and their texts put aside at once.

The first start of a large site is the reading of its posts, and a machine has
more than one core. The second process is a copy of this one, made while nothing
else goes on in it; it reads every other file, tells what they said, and ends.
Nobody depends on it: what it does not tell is read by the first one after all.

What both have read goes into files without a name, and each post leaves its
text there: all texts of a large site at once would take more memory than
everything else, and leave holes in it for as long as the process lives.
"""

from __future__ import annotations

import contextlib
import gc
import os
import tempfile
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from pprnet_feeds.content import files, rows
from pprnet_feeds.content.digests import appearance
from pprnet_feeds.content.model import Site
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.content.reading import FileRead, Reading, basis_of, look, settled_by

# Fewer are read by one process in the time that two take to agree.
LEAST = 2_000

_Found = tuple[files.Entry, str]


def read(
    folder: Path, site: Site, now: datetime, least: int = LEAST, aside: Path | None = None
) -> Reading | None:
    """Read the post files below *folder*, if there are *least*; None when one process had better do it.

    Texts are put into the folder *aside*.
    """
    if cores() == 1:
        return None
    found = list(files.entries(folder))
    posts = [each for each in found if not isinstance(each, Problem)]
    if len(posts) < least:
        return None
    with contextlib.ExitStack() as closing:
        try:
            ours, theirs = (closing.enter_context(_nameless(aside)) for _ in range(2))
            other = os.fork()
        except OSError:  # no process or file is left at this moment, or no room for one
            return None
        if not other:
            _tell(theirs, posts[1::2], site, now)
        try:
            by_file = _put_aside(ours, posts[::2], folder, site, now)
        finally:
            os.waitpid(other, 0)
        by_file |= _told(theirs, folder, site)
    by_file |= _read([each for each in posts if each[1] not in by_file], site, now)
    by_file = {name: by_file[name] for _, name in posts}
    return Reading(basis_of(site), by_file, tuple(each for each in found if isinstance(each, Problem)))


def cores() -> int:
    """How many copies of this process can work at once; 1 where it cannot be copied."""
    # A copy of a process has one thread, and the locks that the others held for ever.
    if not hasattr(os, "fork") or threading.active_count() > 1:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def _nameless(folder: Path | None) -> Iterator[BinaryIO]:
    """A new file in *folder*, or where such files are put, that nobody else can find."""
    if folder:
        folder.mkdir(0o700, parents=True, exist_ok=True)
    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # closing it may fail: there was no room
    try:
        yield file
    finally:
        with contextlib.suppress(OSError):
            file.close()


def _read(posts: Sequence[_Found], site: Site, now: datetime) -> dict[str, FileRead]:
    settled = settled_by(now)
    return {name: look(entry.path, name, site, settled, None, None) for entry, name in posts}


def _blocks(posts: Sequence[_Found], site: Site, now: datetime) -> Iterator[dict[str, FileRead]]:
    for start in range(0, len(posts), rows.FILES_A_BLOCK):
        by_file = _read(posts[start : start + rows.FILES_A_BLOCK], site, now)
        for each in by_file.values():
            if each.post is not None:
                appearance(each.post)
        yield by_file


def _put_aside(
    file: BinaryIO, posts: Sequence[_Found], folder: Path, site: Site, now: datetime
) -> dict[str, FileRead]:
    """Read *posts*, which leave their texts in the *file*."""
    shelf = rows.shelf_of(file, site, folder)
    read: dict[str, FileRead] = {}
    for by_file in _blocks(posts, site, now):
        read |= by_file
        with contextlib.suppress(OSError):  # without room for the texts they stay where they are
            placed = rows.put(file, [*by_file.items()])
            file.flush()
            for post, place in placed if shelf else ():
                post.let_go(shelf, place)
    return read


def _tell(file: BinaryIO, posts: Sequence[_Found], site: Site, now: datetime) -> None:
    """Do what the second process is for, and end it, but nothing that the first one has begun."""
    try:
        gc.disable()  # it is gone before there is anything to collect
        for by_file in _blocks(posts, site, now):
            rows.put(file, [*by_file.items()])
        file.flush()
    finally:
        os._exit(0)


def _told(file: BinaryIO, folder: Path, site: Site) -> dict[str, FileRead]:
    """What the second process has told, as far as it came."""
    shelf = rows.shelf_of(file, site, folder)
    read: dict[str, FileRead] = {}
    known: dict[Any, Any] = {}
    with contextlib.suppress(OSError, ValueError):
        file.seek(0)
        while True:
            read |= rows.take(file, shelf, known)
    return read
