"""Very many post files, read by two processes at once.

The first start of a large site is the reading of its posts, and a machine has
more than one core. The second process is a copy of this one, made while nothing
else goes on in it; it reads every other file, tells what they said, and ends.

Nobody depends on it: what it does not tell is read by the first one after all.
"""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from pprnet_feeds.content import cachefile, files
from pprnet_feeds.content.digests import appearance
from pprnet_feeds.content.model import Site
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.content.reading import FileRead, Reading, basis_of, look, settled_by

# Fewer are read by one process in the time that two take to agree.
LEAST = 2_000

_Found = tuple[files.Entry, str]


def read(folder: Path, site: Site, now: datetime, least: int = LEAST) -> Reading | None:
    """Read the post files below *folder*, if there are *least*; None when one process had better do it."""
    if not _is_possible():
        return None
    found = list(files.entries(folder))
    posts = [each for each in found if not isinstance(each, Problem)]
    if len(posts) < least:
        return None
    ours, theirs = posts[::2], posts[1::2]
    try:
        end, beginning = os.pipe()
        other = os.fork()
    except OSError:  # no process or file is left at this moment
        return None
    if not other:
        _tell(beginning, theirs, site, now)
    os.close(beginning)
    with os.fdopen(end, "rb") as line:
        try:
            by_file = _read(ours, site, now)
            by_file |= cachefile.unpack(line.read())
        finally:
            line.close()  # whoever is still telling ends
            os.waitpid(other, 0)
    by_file |= _read([each for each in posts if each[1] not in by_file], site, now)
    by_file = {name: by_file[name] for _, name in posts}
    return Reading(basis_of(site), by_file, tuple(each for each in found if isinstance(each, Problem)))


def _is_possible() -> bool:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # A copy of a process has one thread, and the locks that the others held for ever.
    return cores > 1 and hasattr(os, "fork") and threading.active_count() == 1


def _read(posts: Sequence[_Found], site: Site, now: datetime) -> dict[str, FileRead]:
    settled = settled_by(now)
    return {name: look(entry.path, name, site, settled, None, None) for entry, name in posts}


def _tell(line: int, posts: Sequence[_Found], site: Site, now: datetime) -> None:
    """Do what the second process is for, and end it, but nothing that the first one has begun."""
    try:
        gc.disable()  # it is gone before there is anything to collect
        by_file = _read(posts, site, now)
        for each in by_file.values():
            if each.post is not None:
                appearance(each.post)
        data = memoryview(cachefile.pack(by_file))
        while data:
            data = data[os.write(line, data) :]
    finally:
        os._exit(0)
