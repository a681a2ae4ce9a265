"""What stands for the program: another one may answer with other bytes for the same posts."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Collection
from functools import cache
from importlib.metadata import version
from pathlib import Path


# What decides how the same posts look: the rooms that draw, and the libraries that leave traces in bytes.
DRAWING = ("content", "syndication", "pages")
_LIBRARIES = ("comrak", "feedgen", "jinja2", "lxml", "nh3")
# What decides what is read of the same files, besides.
_READING = ("PyYAML", "tzdata")


@cache
def drawing() -> str:
    """Stand for what draws the documents."""
    return _digest([*_sources(DRAWING), [(library, version(library)) for library in _LIBRARIES]])


@cache
def answering() -> str:
    """Stand for all that makes answers out of files."""
    libraries = [(library, version(library)) for library in _READING]
    return _digest([drawing(), *_sources(("serving",)), libraries, sys.version])


def _sources(rooms: Collection[str]) -> list[tuple[str, str]]:
    package = Path(__file__).parents[1]
    files = sorted(
        path.relative_to(package).as_posix()
        for room in rooms
        for path in (package / room).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    )
    return [(name, hashlib.blake2b((package / name).read_bytes()).hexdigest()) for name in files]


def _digest(value: object) -> str:
    return hashlib.blake2b(json.dumps(value).encode(), digest_size=16).hexdigest()
