"""Where the state of a site is stored."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path


def state_address(folder: Path, environ: Mapping[str, str]) -> str:
    """Where the state of the site in *folder* is kept: a path or an address, empty for nowhere.

    ``$PPRNET_STATE``, else a file of its own in the user's state folder (XDG
    Base Directory Specification): the site's folder may be read-only, is copied,
    and is kept in git. Nowhere only when the user has no home either.
    """
    place = _place(folder, environ)
    return environ.get("PPRNET_STATE") or (f"{place}.sqlite3" if place else "")


def _place(folder: Path, environ: Mapping[str, str]) -> str:
    states = Path(environ.get("XDG_STATE_HOME", ""))
    if not states.is_absolute():  # such a value is to be ignored
        home = Path(environ.get("HOME", ""))
        if not home.is_absolute():
            return ""
        states = home / ".local/state"
    name = hashlib.blake2b(os.fsencode(folder.resolve()), digest_size=8).hexdigest()
    return str(states / "pprnet-feeds" / name)
