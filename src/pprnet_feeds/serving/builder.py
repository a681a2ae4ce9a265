"""The builder: the process beside a worker that reads the site, draws, and tells the worker.

All that takes long happens here, so that no edit, release or ping ever slows a
request. After a change only what is touched is drawn anew:
the worker keeps the rest as it is, with its validators and its codings.

It lives as long as the line to its worker, and never answers anybody else.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from pathlib import Path

from pprnet_feeds.content.problems import Problem
from pprnet_feeds.serving.answers import answer
from pprnet_feeds.serving.aside import aside
from pprnet_feeds.serving.codings import LARGEST_BEST, best
from pprnet_feeds.serving.memory import give_back
from pprnet_feeds.serving.messages import Ask, Better, Forgot, News, Reply, State, Told
from pprnet_feeds.serving.representation import Representation
from pprnet_feeds.serving.snapshot import Snapshot
from pprnet_feeds.syndication.touched import Touched

log = logging.getLogger("pprnet_feeds")

# For how many seconds documents are drawn anew before a swap; what is left is drawn when it is asked for.
AHEAD = 0.5
# Compressing with care waits until nothing was asked for so many seconds.
QUIET = 2.0

Identity = tuple[object, ...]


class Builder:
    """Draws what its worker asks for, and keeps it current; a `reload.Service`.

    *rebuild* makes the next snapshot out of this one and what moved, *newest* gives the newest
    change that any process has recorded, and *tell* tells the worker. *held* is what the
    worker holds already of this very snapshot.

    Attributes:
        held: address -> what the worker holds of a listed feed; None for an answer that it holds for a while.
    """

    def __init__(
        self,
        folder: Path,
        snapshot: Snapshot,
        rebuild: Callable[[Snapshot, frozenset[str] | None], Snapshot | list[Problem]],
        newest: Callable[[], datetime],
        clock: Callable[[], datetime],
        swapped: Callable[[Snapshot], None],
        tell: Callable[[object], None],
        held: Mapping[str, Identity] | None = None,
    ) -> None:
        self.folder = folder
        self.snapshot = snapshot
        self.faults: list[Problem] = []
        self.newest = newest
        self.clock = clock
        self.held: dict[str, Identity | None] = {}
        self._rebuild = rebuild
        self._swapped = swapped
        self._tell = tell
        self._worse: set[str] = set()  # the listed feeds that can still be compressed better
        self._moved = asyncio.Event()
        self._begun = time.monotonic()
        swapped(snapshot)
        for path, identity in (held or {}).items():
            self._hold(path, identity)
        self._tell_news({}, frozenset() if held else None)

    @property
    def state(self) -> State:
        """What is served, in figures."""
        return state_of(self.snapshot, self.faults)

    async def rebuild(self, moved: frozenset[str] | None) -> Snapshot | list[Problem]:
        """Read the site anew: what *moved*, by name, or everything."""
        self._begun = time.monotonic()
        return await aside(self._rebuild, self.snapshot, moved)

    async def swap(self, snapshot: Snapshot) -> None:
        """Let *snapshot* answer from now on, here and in the worker."""
        differing = await aside(Touched, self.snapshot.catalogue, snapshot.catalogue)
        touched = self._touched(differing)
        listed = [path for path in self.held if path in touched and self.held[path] is not None]
        drawn = await aside(_drawn, snapshot, listed)
        touched = self._touched(differing)  # also what was asked for meanwhile
        self.snapshot, self.faults = snapshot, []
        replaced = {path: made for path, made in drawn.items() if made.identity != self.held.get(path)}
        forgotten = touched - drawn.keys()
        for path in forgotten:
            self._forget(path)
        for path, made in replaced.items():
            self._hold(path, made.identity)
        self._tell_news(replaced, frozenset(forgotten))
        self._swapped(snapshot)

    def fail(self, faults: list[Problem]) -> None:
        """Tell why what was read last stays."""
        if faults != self.faults:
            self.faults = faults
            self._tell_news({}, frozenset())

    def answer(self, ask: Ask) -> None:
        """Answer the worker."""
        try:
            reply = answer(self.snapshot, ask.path, ask.query)
        except Exception:
            log.exception("drawing failed")
            reply = Reply(500, "This could not be drawn; the log tells why.")
        listed = not isinstance(reply, Reply) and not ask.query and self.snapshot.is_listed(ask.path)
        if listed and isinstance(reply, Representation):
            self._hold(ask.path, reply.identity)
        elif not isinstance(reply, Reply) and not ask.query:
            self.held[ask.path] = None
        self._tell(Told(ask.number, reply, listed))

    def forgot(self, message: Forgot) -> None:
        """Take note of what the worker holds no longer."""
        for path in message.paths:
            self._forget(path)

    async def improve(self) -> None:
        """Compress with care whatever the worker holds for good. Runs until cancelled."""
        while True:
            self._moved.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), QUIET if self._worse else None)
                continue
            while self._worse and not self._moved.is_set():
                path = self._worse.pop()
                try:
                    await self._improve(path)
                except Exception:
                    log.exception("compressing %s with care failed; it stays as it is", path)
                if not self._worse:
                    await aside(give_back)

    async def _improve(self, path: str) -> None:
        made = self.snapshot.answer(path)
        if isinstance(made, Representation) and len(made.body) <= LARGEST_BEST:
            body = await aside(best, made.body)
            if body is not None and self.held.get(path) == made.identity:
                self._tell(Better(path, made.tag, body))

    def _tell_news(self, replaced: Mapping[str, Representation], forgotten: frozenset[str] | None) -> None:
        state = self.state
        self._tell(News(state, replaced, forgotten))

    def _touched(self, touched: Touched) -> set[str]:
        return {path for path in self.held if touched.holds(path)}

    def _hold(self, path: str, identity: Identity) -> None:
        self.held[path] = identity
        self._worse.add(path)
        self._moved.set()

    def _forget(self, path: str) -> None:
        self.held.pop(path, None)
        self._worse.discard(path)


def state_of(snapshot: Snapshot, faults: Collection[Problem]) -> State:
    """What is served of a *snapshot*, in figures; *faults* keep what there is by now from being read."""
    return State(
        len(snapshot.library.posts),
        snapshot.library.unrecorded,
        tuple(f"{problem.place}: {problem.what}" for problem in snapshot.problems),
        tuple(f"{fault.place}: {fault.what}" for fault in faults),
        snapshot.next_release,
        snapshot.site.cache,
    )


def _drawn(snapshot: Snapshot, paths: Collection[str]) -> dict[str, Representation]:
    """What stands at *paths* now, as far as it can be drawn in a moment."""
    latest = time.monotonic() + AHEAD
    drawn: dict[str, Representation] = {}
    for path in paths:
        made = snapshot.answer(path)
        if isinstance(made, Representation):
            drawn[path] = made
        if time.monotonic() > latest:
            break
    return drawn
