"""What is known of changes while a service runs: by a look at first, through the store from then on.

A start that finds nothing new has nothing to write, and the very first one
tells of each thing what every other process would tell. Neither waits for the
store and its library: both come as soon as somebody has been answered. Any
other start takes the store at once, so that what it tells is written by then.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pprnet_feeds.serving.changes import Change, Known
from pprnet_feeds.serving.glance import look

if TYPE_CHECKING:
    from pprnet_feeds.serving.store import Store


class Knowledge:
    """What is known of changes, kept at *address* as in `store.Store`; in memory alone when that is empty."""

    def __init__(self, address: str = "") -> None:
        self._address = address
        self._told: Known | None = None
        self._store: Store | None = None
        self._lock = threading.Lock()

    def update(self, change: Change) -> Known:
        """Let *change* make what is known out of what was known, and give it, as `Store.update` does."""
        with self._lock:
            if not self._address:
                self._told = change(self._told or Known())
                return self._told
            is_first = self._told is None and self._store is None
            if is_first and (seen := look(self._address)) is not None:
                known = change(seen)
                if known is seen or not seen.seen:
                    self._told = known
                    return known
            return self._opened().update(change)

    def load(self) -> Known:
        """What is known by now, to this process and to others that share the store."""
        return self.update(lambda known: known)

    def settle(self) -> None:
        """Open the store, if it is not, and write into it what was told without it."""
        if self._address and self._store is None:
            self.load()

    def _opened(self) -> Store:
        if self._store is None:
            from pprnet_feeds.serving.store import Store

            self._store = Store(self._address, self._told)
        return self._store
