"""Writing a post file: values as YAML, names as slugs, and never over another file.

What an editor wrote is not ours to replace, so a file comes into being whole
and at once, or not at all, also when another one took its name a moment ago.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

from pprnet_feeds.content.slugs import RESERVED, SLUG_LENGTH, slug_like


def quote(text: str) -> str:
    """*text*, clean and of one line, as a YAML value that reads as exactly the same.

    A JSON string is a double-quoted YAML scalar (YAML 1.2 §1.3), but for the
    mark that YAML takes for the beginning of a stream.
    """
    return json.dumps(text, ensure_ascii=False).replace("\ufeff", "\\ufeff")


def slug_of(title: str, most: int = SLUG_LENGTH) -> str:
    """A slug of at most *most* characters, cut at a word; never one of our own addresses.

    ``post`` when the title holds no letter or digit that can be written in ASCII.
    """
    # A dash or slash divides words; an apostrophe stands within one.
    slug = slug_like(re.sub(r"[^\w'’]", " ", title))
    if len(slug) > most:
        slug = slug[: most + 1].rpartition("-")[0] or slug[:most]
    if slug in RESERVED:
        slug = f"about-{slug}"
    return slug or "post"


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet; whoever looks sees all of it or nothing.

    Raises:
        FileExistsError: something has that name; it stays as it is.
        OSError: it cannot be written; nothing is left behind.
    """
    with _written_aside(path, text) as aside:
        _name(aside, path)


def write_over(path: Path, text: str) -> None:
    """Write a file of our own, over the one that is there; whoever looks sees the old one or the new.

    Raises:
        OSError: it cannot be written; the old one stays and nothing is left behind.
    """
    with _written_aside(path, text) as aside:
        aside.replace(path)


@contextlib.contextmanager
def _written_aside(path: Path, text: str) -> Iterator[Path]:
    """The text as a file beside *path*, which goes where it belongs, or goes away."""
    # Hidden, so that it is no post; a program that was killed here may leave it behind.
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield aside
    finally:
        aside.unlink(missing_ok=True)
    _keep_names(path.parent)


def _name(aside: Path, path: Path) -> None:
    """Give the file its name; unlike a renaming, a link never replaces one."""
    try:
        os.link(aside, path)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError:
        # Some file systems know no links: there the name is taken first, and then filled.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
        aside.replace(path)


def _keep_names(folder: Path) -> None:
    """Bring the names in *folder* to the disk, where the system can."""
    if os.name == "posix":
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
