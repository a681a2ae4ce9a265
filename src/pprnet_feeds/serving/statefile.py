"""Where the state of a site is kept, and a look into the file before the library that writes it is there.

That library takes longer to load than all the rest of a start that finds nothing
changed. So what the state knows is read without it, and it is loaded when there
is something to write. Whatever is unusual about the file is for `store` to
judge: here it is as if nobody had looked.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pprnet_feeds.serving.changes import Known, Membership, Seen

# The version of the schema that is understood here: the number of `database.MIGRATIONS`.
SCHEMA = 4

_EPOCH = datetime.fromtimestamp(0, UTC)
_WAIT = 0.2  # for a lock, in seconds: whoever waits longer takes the usual way


def state_address(folder: Path, environ: Mapping[str, str]) -> str:
    """Where the state of the site in *folder* is kept: a path or an address, empty for nowhere.

    ``$PPRNET_STATE``, else a file of its own in the user's state folder (XDG
    Base Directory Specification): the site's folder may be read-only, is copied,
    and is kept in git. Nowhere only when the user has no home either.
    """
    place = _place(folder, environ)
    return environ.get("PPRNET_STATE") or (f"{place}.sqlite3" if place else "")


def cache_path(folder: Path, environ: Mapping[str, str]) -> Path | None:
    """Where what was read of the posts is kept for the next start: beside the state, if that is a file."""
    state = environ.get("PPRNET_STATE", "")
    place = state if state and "://" not in state else _place(folder, environ)
    return Path(f"{place}.posts") if place else None


def look(address: str) -> Known | None:
    """All that a state knows, nothing where there is none yet; None when `store` has to be asked."""
    if "://" in address:
        return None
    known: Known | None = _asked(address, _all) if Path(address).exists() else Known()
    return known


def mark(address: str) -> str:
    """What stands for all that the state knows; empty when nobody can tell, or nothing is known."""
    there = bool(address) and "://" not in address and Path(address).exists()
    return (there and _asked(address, _mark)) or ""


def seen_of(_name: str, digest: str, topics: str, research: str, issue: str, moment: int) -> Seen:
    """One row of the state. Raises what can befall a row that is none of ours."""
    return Seen(digest, _membership(topics, research, issue), _moment(moment))


def _asked(address: str, question: Any) -> Any:
    """The answer of a file that is a state as we write it, whole; None of any other."""
    try:
        uri = f"file:{quote(str(Path(address).absolute()))}?mode=ro"
        with closing(sqlite3.connect(uri, timeout=_WAIT, uri=True)) as connection:
            connection.execute("BEGIN")
            [number] = connection.execute("SELECT max(number) FROM schema_version").fetchone()
            return question(connection) if number == SCHEMA else None
    except (sqlite3.Error, OSError, TypeError, ValueError, AttributeError, OverflowError):
        return None


def _mark(connection: sqlite3.Connection) -> str:
    [mark] = connection.execute("SELECT mark FROM edition").fetchone()
    return str(mark)


def _all(connection: sqlite3.Connection) -> Known:
    rows = connection.execute("SELECT name, digest, topics, research, issue, moment FROM seen")
    return Known({row[0]: seen_of(*row) for row in rows})


def _moment(seconds: int) -> datetime:
    moment = _EPOCH + timedelta(seconds=seconds)
    if moment.year >= 9999:  # nothing could be later
        raise ValueError(f"the moment {moment}")
    return moment


@lru_cache(4096)  # thousands of posts share some hundreds
def _membership(topics: str, research: str, issue: str) -> Membership:
    return Membership(tuple(topics.split()), tuple(research.split()), issue)


def _place(folder: Path, environ: Mapping[str, str]) -> str:
    states = Path(environ.get("XDG_STATE_HOME", ""))
    if not states.is_absolute():  # such a value is to be ignored
        home = Path(environ.get("HOME", ""))
        if not home.is_absolute():
            return ""
        states = home / ".local/state"
    name = hashlib.blake2b(os.fsencode(folder.resolve()), digest_size=8).hexdigest()
    return str(states / "pprnet-feeds" / name)
