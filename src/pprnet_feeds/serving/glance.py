"""What the state knows, read without the library that writes it.

That library takes longer to load than all the rest of a start that finds
nothing changed; so it is loaded when there is something to write.
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from pprnet_feeds.serving.changes import Known, Membership, Seen
from pprnet_feeds.serving.statefile import asked

_EPOCH = datetime.fromtimestamp(0, UTC)


def look(address: str) -> Known | None:
    """All that a state knows, nothing where there is none yet; None when `store` has to be asked."""
    if "://" in address:
        return None
    return asked(address, _all) if Path(address).exists() else Known()


def seen_of(_name: str, digest: str, topics: str, research: str, issue: str, moment: int) -> Seen:
    """One row of the state. Raises what can befall a row that is none of ours."""
    return Seen(digest, _membership(topics, research, issue), _moment(moment))


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
