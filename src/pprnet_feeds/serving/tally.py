"""What was asked for in the last seconds, counted while requests are answered.

The one part of counting that every request pays for, so it is an addition in a
table and nothing else: whatever can be worked out later, elsewhere, is. Feeds
of mental-health research are nobody's business but the reader's: the address a
client has stands here until the batch is folded, for seconds, and must never be
stored, logged or handed to anything but `fold`.

A flood of strangers must not fill the memory: past a number of keys whatever is
new is counted without its client and its program, and an address that is none
of ours is never taken in at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pprnet_feeds.serving.response import Sent as Kind

# How many keys a batch may have, and how long their parts may be: about 4 MB when all are different.
MOST_KEYS = 8192
LONGEST_ADDRESS = 300
LONGEST_AGENT = 300


class Key(NamedTuple):
    """What one addition is filed under; a plain tuple of the same is the same key, and quicker made.

    Attributes:
        address: the raw path asked for; empty where there is nothing at it for us.
        agent: the value of User-Agent; None when there is none, or when it is not kept.
        client: the address the client has; None when it has none, or when it is not kept.
    """

    address: bytes
    kind: Kind
    agent: bytes | None
    client: str | None


Batch = Mapping[Key, int]


class Tally:
    """The requests of one process since the last `take`. Belongs to the thread that answers.

    Attributes:
        counts: key -> number of requests, in a list of one. A request whose key is in it is counted by
            an addition in place, which looks the key up once; for any other there is `add`.
    """

    def __init__(self) -> None:
        self.counts: dict[tuple[bytes, Kind, bytes | None, str | None], list[int]] = {}
        self._agents: dict[bytes, bytes] = {}

    def add(self, key: tuple[bytes, Kind, bytes | None, str | None]) -> None:
        """Count a request whose key may be new, under what of the key is kept."""
        address, kind, agent, client = key
        if len(address) > LONGEST_ADDRESS:
            address = b""
        if not address or (len(self.counts) >= MOST_KEYS and key not in self.counts):
            agent = client = None
            if len(self.counts) >= 2 * MOST_KEYS:  # as many addresses as that are a stranger's combinations
                address = b""
                kind = Kind(kind.status, kind.coding)
        elif agent is not None:
            agent = self._agents.setdefault(agent[:LONGEST_AGENT], agent[:LONGEST_AGENT])
        kept = Key(address, kind, agent, client)
        self.counts.setdefault(kept, [0])[0] += 1

    def note(self, scope: Mapping[str, Any], kind: Kind, *, ours: bool = True) -> None:
        """Count a request that took the longer way.

        *scope* is its ASGI scope; *ours* tells that there is, or was, something at its address.
        """
        agent = next((value for name, value in scope["headers"] if name == b"user-agent"), None)
        client = scope["client"]
        self.add((scope["raw_path"] if ours else b"", kind, agent, client[0] if client else None))

    def take(self) -> Batch:
        """Hand over what was counted, and begin anew."""
        batch = {Key(*key): number for key, (number,) in self.counts.items()}
        self.counts = {}
        self._agents = {}
        return batch
