"""Faults of the disk, told apart from what an editor did.

A mount that failed leaves an empty folder, and a folder whose permissions were
lost cannot be listed. Neither is a withdrawal of the posts: whoever rebuilds
must keep what was read last instead of emptying every feed.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pprnet_feeds.content.files import entries
from pprnet_feeds.content.problems import Problem

if TYPE_CHECKING:
    from pprnet_feeds.content.library import Library

# The variable that tells a builder that the one before it served posts.
HELD = "PPRNET_HELD"


def unreadable_folders(site: Path) -> list[Problem]:
    """Why ``posts/`` or a folder below it cannot be read; empty when all can be."""
    return _of_folders(found for found in entries(site) if isinstance(found, Problem))


def lost_posts(library: Library, site: Path, *, held: bool) -> list[Problem]:
    """Why *library*, read just now, is less than what is there; *held*: posts were served before.

    An empty folder is fine where nothing was held: a new site begins with one.
    """
    faults = _of_folders(library.problems)
    if faults or not held or library.posts:
        return faults
    if any(not isinstance(found, Problem) for found in entries(site)):
        return []
    mend = "Put the files back. If every post is meant to go, restart the service."
    return [Problem("posts", 0, 0, "the folder holds no post any more", mend)]


def identity(path: Path) -> tuple[int, int] | None:
    """What the name of a file or folder means at this moment; None for nothing."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _of_folders(problems: Iterable[Problem]) -> list[Problem]:
    """Those that are about a folder: everything in it is missing from what was read."""
    return [problem for problem in problems if problem.what.startswith("the folder ")]
