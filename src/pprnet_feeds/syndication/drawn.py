"""What was drawn of posts, kept for the next document that holds them.

A post stands in the main feed and in those of its topics, types and month, and
an edit of one post draws all of these again: what they have in common is drawn
once. What is kept is found by the post's identity, so that an edited post never
finds what was drawn of it before, and a catalogue can hand its store to the next.

Never more than a number of bytes, however many posts there are: what was asked
for longest ago goes first. Threads that draw from two catalogues may share a store.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Generic, TypeVar

Owner = TypeVar("Owner")
Value = TypeVar("Value")

# What a kept value takes besides its bytes: keys, objects and their places.
_OVERHEAD = 400
# How many are drawn in one go: what it takes meanwhile is many times what is kept of it.
_AT_ONCE = 250


class Drawn(Generic[Value]):
    """Values by their owner's identity and a *kind*, in at most *limit* bytes; *size* tells a value's."""

    def __init__(self, limit: int, size: Callable[[Value], int]) -> None:
        self._limit = limit
        self._size_of = size
        self._size = 0
        # The owner is kept beside the value: as long as it lives nobody else has its identity.
        self._held: OrderedDict[tuple[int, int], tuple[object, Value, int]] = OrderedDict()
        self._kinds: dict[Hashable, int] = {}  # a number for each, which is found again sooner
        self._lock = threading.Lock()  # not held while something is drawn

    def of(
        self,
        owners: Sequence[Owner],
        kind: Hashable,
        draw: Callable[[Sequence[Owner]], Iterable[Value]],
    ) -> list[Value]:
        """The value of each of *owners*; those that are missing are drawn, all at once, in their order."""
        held = self._held
        found: list[Value] = []
        missing: list[tuple[int, Owner]] = []
        with self._lock:
            number = self._kinds.setdefault(kind, len(self._kinds))
            for place, owner in enumerate(owners):
                key = (id(owner), number)
                kept = held.get(key)
                if kept is None:
                    missing.append((place, owner))
                    found.append(None)  # type: ignore[arg-type]  # it is filled in below
                else:
                    held.move_to_end(key)
                    found.append(kept[1])
        for start in range(0, len(missing), _AT_ONCE):
            some = missing[start : start + _AT_ONCE]
            values = draw([owner for _, owner in some])
            for (place, owner), value in zip(some, values, strict=True):
                found[place] = value
                with self._lock:
                    self._keep(owner, number, value)
        return found

    def forget(self, owners: Iterable[object]) -> None:
        """Let go of all that was drawn of *owners*, which no document holds any more."""
        with self._lock:
            for owner in owners:
                for number in self._kinds.values():
                    former = self._held.pop((id(owner), number), None)
                    self._size -= former[2] if former else 0

    def _keep(self, owner: object, number: int, value: Value) -> None:
        size = self._size_of(value) + _OVERHEAD
        former = self._held.pop((id(owner), number), None)
        self._held[id(owner), number] = (owner, value, size)
        self._size += size - (former[2] if former else 0)
        while self._size > self._limit:
            self._size -= self._held.popitem(last=False)[1][2]
