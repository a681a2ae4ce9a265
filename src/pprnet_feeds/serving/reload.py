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
from pprnet_feeds.serving.disk import identity
from pprnet_feeds.serving.snapshot import Snapshot

log = logging.getLogger("pprnet_feeds")

# Editors save in several steps, and git writes many files: nothing is read before all has been still for
# so many seconds. Whoever never stops writing is read after LONGEST_SETTLE all the same: with the watcher's
# own delay and the reading, a change is live within two seconds.
SETTLE = 0.3
LONGEST_SETTLE = 1.2
# Last-Modified counts in whole seconds and rises at every change: more than one a second would run
# ahead of the clock.
LEAST_INTERVAL = 1.0
# After how many seconds folders that begin to be watched are surely watched.
ONCE_MORE = 0.1
# How often what failed is tried again, and what other processes have recorded is looked for.
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

    async def rebuild(self) -> Snapshot | list[Problem]:
        """Read the site anew."""

    async def swap(self, snapshot: Snapshot) -> None:
        """Let a snapshot answer from now on; there are no faults any more."""

    def fail(self, faults: list[Problem]) -> None:
        """Tell why what was read last stays."""

    def newest(self) -> datetime:
        """The moment of the newest change that any process has recorded."""


async def keep_current(service: Service) -> None:
    """Rebuild and swap after every change of the site, and at every release. Runs until cancelled."""
    loop = asyncio.get_running_loop()
    changed = asyncio.Event()
    watcher = asyncio.create_task(_watch(service.folder, changed))
    begun = loop.time()
    try:
        while True:
            try:
                if not await _is_due(changed, service):
                    continue
                await _settle(changed, begun + LEAST_INTERVAL)
                begun = loop.time()
                await _renew(service)
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


async def _renew(service: Service) -> None:
    """Read the site, and swap what was read in; when it is faulty, keep what is served."""
    built = await service.rebuild()
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
    tell(built)


async def _is_due(changed: asyncio.Event, service: Service) -> bool:
    """Wait for a change, a release or a minute; tell whether the site is to be read."""
    release = service.snapshot.next_release
    left = RETRY
    if release and not service.faults:  # what failed at a release would fail again at once
        left = min(max((release - service.clock()).total_seconds(), 0.0), RETRY)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(changed.wait(), left)
    if changed.is_set() or service.faults or (release and service.clock() >= release):
        return True
    # Each process may have seen one half of a change, or told another moment.
    return left == RETRY and await asyncio.to_thread(service.newest) > service.snapshot.changed


async def _settle(changed: asyncio.Event, earliest: float) -> None:
    """Wait until nothing has moved for a while, and until *earliest*, in the loop's time."""
    loop = asyncio.get_running_loop()
    latest = loop.time() + LONGEST_SETTLE
    while changed.is_set() and (left := latest - loop.time()) > 0:
        changed.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), min(SETTLE, left))
    await asyncio.sleep(max(0.0, earliest - loop.time()))
    changed.clear()


async def _watch(folder: Path, changed: asyncio.Event) -> None:
    """Set *changed* whenever a file of the site was written, made or removed. Runs until cancelled.

    What can be watched are the folders of a moment, not their names. When a name
    begins to mean another folder, by a move, a mount or a link, that one is
    watched instead. Where watching does not work, the files are asked.
    """
    import watchfiles  # when the first answers are out

    names = (folder / "posts", folder / "feeds")
    loop = asyncio.get_running_loop()
    polling = failing = False
    while True:
        try:
            # What changed between the last look and the first watch is told by nobody: look once more.
            loop.call_later(ONCE_MORE, changed.set)
            watched = [identity(name) for name in names]
            there = [name.resolve() for name in names if name.is_dir()]
            changes = watchfiles.awatch(
                *there,
                debounce=100,
                step=20,  # it is looked each so many milliseconds, which costs a little
                rust_timeout=1000,
                yield_on_timeout=True,
                force_polling=polling or None,
                ignore_permission_denied=True,
            )
            async with contextlib.aclosing(changes):
                async for found in changes:
                    failing = failing and polling
                    if found:
                        changed.set()
                    touched = {path for _, path in found}
                    if any(str(path) in touched for path in there):
                        break
                    if [identity(name) for name in names] != watched:
                        break
            polling = False
        except Exception as error:
            if not failing:
                log.warning("changes are not told by the system (%s): looking for them", shown(str(error)))
            failing = polling = True
            await asyncio.sleep(1)
