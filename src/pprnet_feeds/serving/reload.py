"""Keep the snapshot current: after an edit, and when a scheduled post's moment has come.

A new snapshot is built aside and swapped in whole. When the site cannot be read
the last good one stays, and what is wrong is told. Reloading must never end:
whatever goes wrong is logged and tried again, at the next change and every minute.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import datetime
from pathlib import Path
from typing import Protocol

from pprnet_feeds.content.problems import Problem, shown
from pprnet_feeds.serving.snapshot import Snapshot
from pprnet_feeds.serving.watching import STEP, Moves, watch

log = logging.getLogger("pprnet_feeds")

# Editors save in several steps, and git writes many files: nothing is read before all has been still for
# so many seconds. Whoever never stops writing is read after LONGEST_SETTLE all the same: with the watcher's
# own delay and the reading, a change is live within two seconds.
SETTLE = 0.3
LONGEST_SETTLE = 1.2
# Last-Modified counts in whole seconds and rises at every change: more than one a second would run
# ahead of the clock.
LEAST_INTERVAL = 1.0
# How often what failed is tried again, and what other processes have recorded is looked for; and when
# everything is looked at after what moved.
RETRY = 60.0


class Service(Protocol):
    """What is kept current.

    Attributes:
        faults: why the site cannot be read; told by `fail`.
    """

    folder: Path
    snapshot: Snapshot
    faults: list[Problem]

    def clock(self) -> datetime:
        """The time, in UTC."""

    async def rebuild(self, moved: frozenset[str] | None) -> Snapshot | list[Problem]:
        """Read the site anew: what *moved*, by name, or everything."""

    async def swap(self, snapshot: Snapshot) -> None:
        """Let a snapshot answer from now on; there are no faults any more."""

    def fail(self, faults: list[Problem]) -> None:
        """Tell why what was read last stays."""

    def newest(self) -> datetime:
        """The moment of the newest change that any process has recorded."""


async def keep_current(service: Service) -> None:
    """Rebuild and swap after every change of the site, and at every release. Runs until cancelled."""
    loop = asyncio.get_running_loop()
    moves = Moves()
    watcher = asyncio.create_task(watch(service.folder, moves))
    begun = loop.time()
    try:
        while True:
            try:
                if not await _is_due(moves, service):
                    continue
                is_news = moves.told.is_set()
                await _settle(moves.told, begun + LEAST_INTERVAL)
                begun = loop.time()
                if service.faults:  # what was looked at then counts for nothing
                    moves.doubt()
                await _renew(service, moves.take(begun, RETRY), is_news=is_news)
            except Exception as error:
                mend = "The log tells more. It is tried again within a minute and at every change."
                fault = Problem(".", 0, 0, f"the site could not be read: {shown(repr(error))}", mend)
                if service.faults != [fault]:
                    log.exception("reading the site failed; what was read last stays")
                service.fail([fault])
                await asyncio.sleep(LEAST_INTERVAL)
    finally:
        watcher.cancel()


def tell(snapshot: Snapshot) -> None:
    """Log what is served from now on, and each post that is not."""
    for problem in snapshot.problems:
        log.warning("left out or mended: %s: %s", problem.place, problem.what)
    log.info("serving %d posts", len(snapshot.library.posts))
    if snapshot.library.unrecorded:
        log.info("not in feeds/ledger.json as they stand: %d posts", snapshot.library.unrecorded)


async def _renew(service: Service, moved: frozenset[str] | None, *, is_news: bool) -> None:
    """Read what *moved*, and swap it in; when the site is faulty, keep what is served."""
    before = service.snapshot
    built = await service.rebuild(moved)
    if not isinstance(built, Snapshot):
        if built != service.faults:
            for fault in built:
                log.error("what was read last stays: %s: %s", fault.place, fault.what)
        service.fail(built)
        return
    # Another process may have recorded a change in the same second; for a clock set back nobody waits.
    for _ in range(40):
        if built.changed <= service.clock():
            break
        await asyncio.sleep(0.05)
    await service.swap(built)
    if is_news or (built.library.posts, built.problems) != (before.library.posts, before.problems):
        tell(built)


async def _is_due(moves: Moves, service: Service) -> bool:
    """Wait for a change, a release or a minute; tell whether the site is to be read."""
    loop = asyncio.get_running_loop()
    release = service.snapshot.next_release
    left = RETRY
    if release and not service.faults:  # what failed at a release would fail again at once
        left = min(max((release - service.clock()).total_seconds(), 0.0), RETRY)
    if moves.due is not None:
        left = min(left, max(moves.due - loop.time(), 0.0))
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(moves.told.wait(), left)
    if moves.told.is_set() or service.faults or (release and service.clock() >= release):
        return True
    if moves.due is not None and loop.time() >= moves.due:
        return True
    # Each process may have seen one half of a change, or told another moment.
    if left == RETRY and await asyncio.to_thread(service.newest) > service.snapshot.changed:
        moves.doubt()
        return True
    return False


async def _settle(changed: asyncio.Event, earliest: float) -> None:
    """Wait until nothing has moved for a while, and until *earliest*, in the loop's time."""
    loop = asyncio.get_running_loop()
    latest = loop.time() + LONGEST_SETTLE
    while True:
        while changed.is_set() and (left := latest - loop.time()) > 0:
            changed.clear()
            with contextlib.suppress(TimeoutError):  # what is told has been still for a step already
                await asyncio.wait_for(changed.wait(), min(SETTLE - STEP, left))
        if (left := earliest - loop.time()) <= 0:
            break
        await asyncio.sleep(left)  # and what moves meanwhile settles, too
    changed.clear()
