"""Where the state of a site is kept, and a look into the file before the library that writes it is there.

Whatever is unusual about the file is for `store` to judge: here it is as if
nobody had looked.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

T = TypeVar("T")

# The version of the schema that is understood here: the number of `database.MIGRATIONS`.
SCHEMA = 4

_WAIT = 0.2  # for a lock, in seconds: whoever waits longer takes the usual way


def state_address(folder: Path, environ: Mapping[str, str]) -> str:
    """Where the state of the site in *folder* is kept: a path or an address, empty for nowhere.

    ``$PPRNET_STATE``, else a file of its own in the user's state folder (XDG
    Base Directory Specification): the site's folder may be read-only, is copied,
    and is kept in git. Nowhere only when the user has no home either.
    """
    place = _place(folder, environ)
    return environ.get("PPRNET_STATE") or (f"{place}.sqlite3" if place else "")


def answers_path(folder: Path, environ: Mapping[str, str]) -> Path | None:
    """Where the last answers are kept for the next start, beside what was read."""
    posts = cache_path(folder, environ)
    return posts and posts.with_suffix(".answers")


def cache_path(folder: Path, environ: Mapping[str, str]) -> Path | None:
    """Where what was read of the posts is kept for the next start: beside the state, if that is a file."""
    state = environ.get("PPRNET_STATE", "")
    place = state if state and "://" not in state else _place(folder, environ)
    return Path(f"{place}.posts") if place else None


def mark(address: str) -> str:
    """What stands for all that the state knows; empty when nobody can tell, or nothing is known."""
    if not address or "://" in address or not Path(address).exists():
        return ""
    return asked(address, _mark) or ""


def asked(address: str, question: Callable[[sqlite3.Connection], T]) -> T | None:
    """The answer of a file that is a state as we write it, whole; None of any other."""
    try:
        uri = f"file:{quote(str(Path(address).absolute()))}?mode=rw"
        with closing(sqlite3.connect(uri, timeout=_WAIT, uri=True)) as connection:
            connection.execute("BEGIN")
            [number] = connection.execute("SELECT max(number) FROM schema_version").fetchone()
            return question(connection) if number == SCHEMA else None
    except (sqlite3.Error, OSError, TypeError, ValueError, AttributeError, OverflowError):
        return None


def _mark(connection: sqlite3.Connection) -> str:
    [mark] = connection.execute("SELECT mark FROM edition").fetchone()
    return str(mark)


def _place(folder: Path, environ: Mapping[str, str]) -> str:
    states = Path(environ.get("XDG_STATE_HOME", ""))
    if not states.is_absolute():  # such a value is to be ignored
        home = Path(environ.get("HOME", ""))
        if not home.is_absolute():
            return ""
        states = home / ".local/state"
    name = hashlib.blake2b(os.fsencode(folder.resolve()), digest_size=8).hexdigest()
    return str(states / "pprnet-feeds" / name)
