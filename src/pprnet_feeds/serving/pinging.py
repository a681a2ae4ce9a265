"""The service's own pings: after a swap the hubs are told, beside everything that readers ask.

Without a hub nothing of this exists: no task, no row, no library for HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pprnet_feeds.serving.snapshot import Snapshot

if TYPE_CHECKING:
    from pprnet_feeds.serving.pingqueue import Queue

log = logging.getLogger("pprnet_feeds")

# A changed file is live in every worker by then; a hub that fetched sooner might get the old bytes.
SETTLED = timedelta(seconds=3)
# Other workers and replicas put pings in too, and may die while they hold one. In seconds.
LONGEST_SLEEP = 60.0
SHORTEST_SLEEP = 1.0
# How long to wait for a state that cannot be used, in seconds.
PATIENCE = 5.0
# How long pings that are on their way may take when the service stops, in seconds.
GRACE = 3.0


class Pinging:
    """Tells the hubs of every change. An extension of the service.

    *state* is the address of the state, empty when there is none; *listening* the
    one that stands in for a base URL, where no hub could fetch anything: then
    nobody is told. *clock* gives the time in UTC.
    """

    def __init__(self, state: str, listening: str, clock: Callable[[], datetime]) -> None:
        self._state = state
        self._listening = listening
        self._clock = clock
        self._snapshot: Snapshot | None = None
        self._swapped = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._running = True
        self._failing = False

    def swapped(self, snapshot: Snapshot) -> None:
        """Take note that *snapshot* answers from now on."""
        self._snapshot = snapshot
        self._swapped.set()
        if self._running and self._task is None and snapshot.site.hubs:
            reached = snapshot.site.base_url != self._listening
            if self._state and reached:
                self._task = asyncio.create_task(self._run())
            else:
                why = "nothing is kept of what they were told" if reached else "no base_url is set"
                self._tell_once(f"the hubs are not told of changes: {why}")

    async def _run(self) -> None:
        from pprnet_feeds.serving.database import Database, UnavailableError  # only where there is a hub
        from pprnet_feeds.serving.pingqueue import Queue

        queue = Queue(Database(self._state))
        recorded: Snapshot | None = None
        while self._running:
            self._swapped.clear()
            snapshot, sleep = self._snapshot, LONGEST_SLEEP
            try:
                if snapshot and snapshot.site.hubs and snapshot.site.base_url != self._listening:
                    if recorded is not snapshot:
                        await asyncio.to_thread(queue.record, snapshot.catalogue, self._clock(), SETTLED)
                        recorded = snapshot
                    sleep = await self._tell(queue, snapshot.site.hubs)
                self._failing = False
            except UnavailableError as fault:
                sleep = PATIENCE
                self._tell_once(f"the hubs are not told of changes until the state can be used ({fault})")
            except Exception:
                log.exception("telling the hubs failed; it is tried again")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._swapped.wait(), sleep)

    async def _tell(self, queue: Queue, hubs: tuple[str, ...]) -> float:
        """Send what is due; for how many seconds there will be nothing more to send."""
        from pprnet_feeds.serving import hub

        results = await hub.tell(queue, hubs, self._clock, lambda: not self._running)
        for level, line in hub.told(results):
            log.log(level, "%s", line)
        soonest = await asyncio.to_thread(queue.soonest, hubs)
        left = (soonest - self._clock()).total_seconds() if soonest else LONGEST_SLEEP
        return min(max(left, SHORTEST_SLEEP), LONGEST_SLEEP)

    def _tell_once(self, line: str) -> None:
        if not self._failing:
            log.warning("%s", line)
        self._failing = True
