"""Write a post file: values as YAML, names as slugs, and never over another file."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import chain, count
from pathlib import Path

from pprnet_feeds.content.model import Citation
from pprnet_feeds.content.slugs import RESERVED, SLUG_LENGTH, slug_like

_LEFTOVER = re.compile(r"\..+\.(?:md|yaml)\.([0-9]{1,10})")


def quote(text: str) -> str:
    """*text*, clean and of one line, as a YAML value that reads as exactly the same.

    A JSON string is a double-quoted YAML scalar (YAML 1.2 §1.3), except for a byte order mark.
    """
    return json.dumps(text, ensure_ascii=False).replace("\ufeff", "\\ufeff")


def list_lines(key: str, items: Iterable[str]) -> list[str]:
    """The lines of a key with a list of YAML values; none without *items*."""
    lines = [f"  - {item}" for item in items]
    return [f"{key}:", *lines] if lines else []


def citation_lines(cites: Iterable[Citation]) -> list[str]:
    """The lines of the key ``cites``, each work with its reference as printed first."""
    return list_lines("cites", map(_citation, cites))


def _citation(cite: Citation) -> str:
    lines = []
    for key, value in asdict(cite).items():
        if isinstance(value, tuple):
            lines += list_lines(key, map(quote, value))
        elif value:
            lines.append(f"{key}: {value if key in ('year', 'type') else quote(value)}")
    return "\n    ".join(lines)


def slug_of(title: str, most: int = SLUG_LENGTH) -> str:
    """A slug of at most *most* characters, cut at a word; never one of our own addresses.

    ``post`` when the title holds no letter or digit that can be written in ASCII.
    """
    # A dash or slash divides words; an apostrophe does not.
    slug = slug_like(re.sub(r"[^\w'’]", " ", title))
    if len(slug) > most:
        slug = slug[: most + 1].rpartition("-")[0] or slug[:most]
    if slug in RESERVED:
        slug = f"about-{slug}"
    return slug or "post"


def stems(month: str, title: str) -> Iterator[str]:
    """Names for the file of a post, the best first: ``2022-01-burnout``, then with ``-2``, ``-3``, …"""
    for number in count(1):
        ending = f"-{number}" if number > 1 else ""
        yield f"{month}-{slug_of(title, SLUG_LENGTH - len(month) - 1 - len(ending))}{ending}"


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet; other programs see all of it or nothing.

    Raises:
        FileExistsError: something has that name; it stays as it is.
        OSError: it cannot be written; nothing is left behind.
    """
    with _temporary(path, text) as temporary:
        try:
            os.link(temporary, path)  # unlike a renaming, it never replaces a file
        except (FileExistsError, FileNotFoundError):
            raise
        except OSError:
            # Some file systems have no links: there an empty file takes the name first.
            os.close(os.open(path, os.O_CREAT | os.O_EXCL))
            temporary.replace(path)


def write_over(path: Path, text: str) -> None:
    """Write a file of our own, over the one that is there; other programs see the old one or the new.

    Raises:
        OSError: it cannot be written; the old one stays and nothing is left behind.
    """
    with _temporary(path, text) as temporary:
        temporary.replace(path)


@contextlib.contextmanager
def _temporary(path: Path, text: str) -> Iterator[Path]:
    """A file with the text beside *path*; it is removed unless it was renamed."""
    # Hidden, so that it is no post; a program that is killed here may leave it behind.
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
    if os.name == "posix":  # the new name is to survive a crash, too
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def remove_leftovers(folder: Path) -> None:
    """Remove what a run that was killed had begun to write, unless the process of that number still runs."""
    for path in chain(folder.glob("posts/.*"), folder.glob("feeds/.*")):
        found = _LEFTOVER.fullmatch(path.name)
        if found and path.is_file() and not path.is_symlink() and not _is_running(int(found[1])):
            path.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True
