"""Which post files are to be looked at again, when it is known what moved.

An edit moves one file, and looking at ten thousand others takes longer than all
that follows from it. But whoever tells of moves tells of names, and a name may
be a folder's that was moved with all its files, a link's, or a file's that is
meant as a post and misnamed; and where a file is gone, a mount may be. Whatever
is not plainly a post file where post files are read is answered by a look at everything.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable
from pathlib import Path

from pprnet_feeds.content import files


def post_files(
    site: Path, moved: Iterable[str], known: Collection[str], told: Collection[str]
) -> set[str] | None:
    """The names of post files among those that *moved*; None when only a look at everything can tell.

    Names are relative to the *site*, with forward slashes. *known* are the files that were
    read before, *told* those of which there is a problem that is no post's.
    """
    if not (site / "posts").is_dir():
        return None
    found: set[str] = set()
    for name in moved:
        folder, *within = name.split("/")
        if folder != "posts" or not within:
            return None
        if any(part.startswith(files.PASSED_OVER) for part in within):
            continue
        if not (name.isascii() and name.isprintable()) or name in told:
            return None
        parents = [site / "posts" / "/".join(within[:depth]) for depth in range(len(within))]
        if not all(parent.suffix != ".md" and _is_folder(parent) for parent in parents[1:]):
            return None
        if name.endswith(".md"):
            if name in known and not os.path.lexists(site / name):
                return None
            found.add(name)
        elif files.misnamed(within[-1], name) or _is_folder(site / name) or _was_folder(name, known):
            return None
    return found


def _is_folder(path: Path) -> bool:
    """Whether a folder is there, and not a link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _was_folder(name: str, known: Collection[str]) -> bool:
    beginning = f"{name}/"
    return any(file.startswith(beginning) for file in known)
