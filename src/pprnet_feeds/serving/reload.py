"""Keep the snapshot current: after an edit, and when a scheduled post's moment has come.

A new snapshot is built aside and swapped in whole. When the site cannot be read
the last good one stays, and what is wrong is told.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from pathlib import Path
from typing import Protocol

import watchfiles

from pprnet_feeds.content.problems import Problem
from pprnet_feeds.serving.snapshot import Snapshot

log = logging.getLogger("pprnet_feeds")

# Editors save in several steps: a reload waits until nothing has moved for this many milliseconds.
SETTLE = 200
# A release may be years away, and clocks are corrected meanwhile.
LONGEST_SLEEP = 3600.0


class Service(Protocol):
    """What is kept current."""

    folder: Path
    snapshot: Snapshot
    faults: list[Problem]

    def clock(self) -> datetime:
        """The time, in UTC."""

    def rebuild(self) -> Snapshot | list[Problem]:
        """Read the site anew."""

    def swap(self, snapshot: Snapshot) -> None:
        """Let a snapshot answer from now on."""


async def keep_current(service: Service) -> None:
    """Rebuild and swap after every change of the site, and at every release. Runs until cancelled."""
    changed = asyncio.Event()
    watcher = asyncio.create_task(_watch(service.folder, changed))
    try:
        while True:
            if not await _wait(changed, service):
                continue
            changed.clear()
            built = await asyncio.to_thread(service.rebuild)
            if isinstance(built, Snapshot):
                service.faults = []
                # Two changes within a second: Last-Modified has risen twice, and is never in the future.
                ahead = (built.changed - service.clock()).total_seconds()
                await asyncio.sleep(ahead if 0 < ahead <= 2 else 0)
                service.swap(built)
                tell(built)
            else:
                service.faults = built
                fault = built[0]
                log.error("the settings stay as they were: %s:%d: %s", fault.file, fault.line, fault.what)
    finally:
        watcher.cancel()


def tell(snapshot: Snapshot) -> None:
    """Log what is served from now on, and each post that is not."""
    for problem in snapshot.problems:
        log.warning("left out or mended: %s:%d: %s", problem.file, problem.line, problem.what)
    log.info("serving %d posts", len(snapshot.library.posts))


async def _wait(changed: asyncio.Event, service: Service) -> bool:
    """Wait for a change or a release; tell whether there was one."""
    release = service.snapshot.next_release
    left = (release - service.clock()).total_seconds() if release else LONGEST_SLEEP
    try:
        await asyncio.wait_for(changed.wait(), min(max(left, 0.0), LONGEST_SLEEP))
    except TimeoutError:
        return release is not None and service.clock() >= release
    return True


async def _watch(folder: Path, changed: asyncio.Event) -> None:
    """Set *changed* whenever a file of the site was written, made or removed."""
    folders = [path for path in (folder / "posts", folder / "feeds") if path.is_dir()]
    async for _ in watchfiles.awatch(*folders, debounce=SETTLE, step=50):
        changed.set()
