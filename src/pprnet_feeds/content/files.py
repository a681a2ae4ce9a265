"""Opening files that strangers may have put there.

The folder of posts is written by people, editors' programs and whoever
unpacks an archive in it. Only regular files of a bounded size are opened:
a named pipe would wait for ever, a device never ends, and a link may lead to
what is nobody's business.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from pprnet_feeds.content import characters
from pprnet_feeds.content.problems import Problem, shown

SIZE_LIMIT = 1_048_576
# Never through a link, and never waiting for the other end of a pipe that came in between.
_FLAGS = os.O_RDONLY
for _flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):
    _FLAGS |= getattr(os, _flag, 0)
_ALMOST = (".markdown", ".mdown", ".mkd", ".md.txt")


def name_of(path: str) -> str:
    """A path for people, also when its bytes are no text."""
    return shown(os.fsencode(path).decode("utf-8", "backslashreplace")).replace(os.sep, "/")


def read_text(path: Path, name: str) -> str | Problem:
    """The text of a file, with line feeds, or why it cannot be read.

    *name* is what the file is called in a problem.
    """
    try:
        status = path.lstat()
        if fault := _unfit(status, name):
            return fault
        with os.fdopen(os.open(path, _FLAGS), "rb") as file:
            if fault := _unfit(os.fstat(file.fileno()), name):
                return fault
            data = file.read(SIZE_LIMIT + 1)
    except FileNotFoundError:
        return Problem(
            name, 0, 0, "the file is missing", "Put it back, or take it from the project's history."
        )
    except OSError as error:
        what = f"the file cannot be opened: {error.strerror or 'no reason was given'}"
        return Problem(name, 0, 0, what, "Let this program read it, for example with chmod 644.")
    if len(data) > SIZE_LIMIT:
        return _too_large(name)
    try:
        return characters.decode(data)
    except ValueError as reason:
        mend = "Save it as UTF-8; most editors ask for the encoding under Save As."
        return Problem(name, 0, 0, f"the file is not UTF-8 text: {reason}", mend)


def _unfit(status: os.stat_result, name: str) -> Problem | None:
    if stat.S_ISLNK(status.st_mode):
        return Problem(name, 0, 0, "a symbolic link is not followed", "Put the file itself here.")
    if not stat.S_ISREG(status.st_mode):
        return Problem(name, 0, 0, "this is not a regular file", "Take it out of this folder.")
    return _too_large(name) if status.st_size > SIZE_LIMIT else None


def _too_large(name: str) -> Problem:
    mend = "Put pictures and data elsewhere, and link to them."
    return Problem(name, 0, 0, "the file is larger than 1 MB", mend)


def post_files(site: Path) -> Iterator[tuple[Path, str] | Problem]:
    """Every post file below ``posts/`` with its name, or why it is none; in no particular order.

    Hidden files and what editors leave behind are passed over in silence.
    """
    folders = [site / "posts"]
    while folders:
        folder = folders.pop()
        name = name_of(os.path.relpath(folder, site))
        try:
            with os.scandir(folder) as entries:
                found = list(entries)
        except (FileNotFoundError, NotADirectoryError):
            yield Problem(
                name, 0, 0, "the folder of posts is missing", "Create it, and put one .md file a post in it."
            )
            continue
        except OSError as error:
            what = f"the folder cannot be read: {error.strerror or 'no reason was given'}"
            yield Problem(name, 0, 0, what, "Let this program read it, for example with chmod 755.")
            continue
        for entry in found:
            if entry.name.startswith((".", "#")):
                continue
            if entry.is_dir(follow_symlinks=False) and not entry.name.endswith(".md"):
                folders.append(folder / entry.name)
            elif fault := _misnamed(entry.name, f"{name}/{name_of(entry.name)}"):
                yield fault
            elif entry.name.endswith(".md"):
                yield folder / entry.name, f"{name}/{entry.name}"


def _misnamed(name: str, whole: str) -> Problem | None:
    """Why a file that was surely meant as a post would not be read."""
    if name.lower().endswith((".md", *_ALMOST)) and not name.endswith(".md"):
        return Problem(
            whole, 0, 0, "the file's name does not end in .md", "Rename it so that it ends in .md."
        )
    if name.endswith(".md") and shown(name) != name:
        mend = "Rename it with small letters, digits and hyphens, such as 2026-03-burnout.md."
        return Problem(whole, 0, 0, "the file's name holds characters that cannot be shown", mend)
    return None
