"""The extension of the service that sends its pings, in the background after a swap.

Without a hub it starts no task, stores nothing and imports no HTTP client.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from pprnet_feeds.serving.snapshot import Snapshot
from pprnet_feeds.state.database import Database, UnavailableError
from pprnet_feeds.websub.queue import Queue

log = logging.getLogger("pprnet_feeds")

# Every process answers with the new bytes by then; a hub that fetched sooner might get the old ones.
SETTLED = timedelta(seconds=3)
# Seconds to wait: at most (for other processes' pings), at least, and while the state cannot be used.
LONGEST_SLEEP, SHORTEST_SLEEP, UNAVAILABLE_SLEEP = 60.0, 1.0, 5.0


class WebSub:
    """Sends a ping to the hubs of each snapshot that is swapped in.

    *state* is the address of the state, empty when there is none. *listening* is the address that
    replaces a missing base URL, where no hub could fetch anything. *clock* returns the time in UTC.
    """

    def __init__(self, state: str, listening: str, clock: Callable[[], datetime]) -> None:
        self._queue = Queue(Database(state)) if state else None
        self._listening, self._clock = listening, clock
        self._snapshot: Snapshot | None = None
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._task: asyncio.Task[None] | None = None
        self._failing = False

    def swapped(self, snapshot: Snapshot) -> None:
        """Send the pings of *snapshot*, which is served from now on. Call it on the event loop."""
        self._snapshot = snapshot
        self._wake.set()
        if not snapshot.site.hubs or self._task:
            return
        if snapshot.site.base_url == self._listening:
            self._warn("the hubs are not notified of changes: no base_url is set")
        elif not self._queue:
            self._warn("the hubs are not notified of changes: there is no state to record pings in")
        else:
            self._task = asyncio.create_task(self._run(self._queue))

    async def _run(self, queue: Queue) -> None:
        """Send what is due, until the event loop ends and cancels its tasks.

        The thread then finishes the pings that are on their way.
        """
        try:
            await asyncio.to_thread(self._send, queue)
        finally:
            self._stopping.set()
            self._wake.set()

    def _send(self, queue: Queue) -> None:
        # One event loop for all rounds: asyncio cannot make one cleanly while clients hold all descriptors.
        with asyncio.Runner() as runner:
            while not self._stopping.is_set():
                self._wake.wait(self._round(runner, queue, self._snapshot))
                self._wake.clear()

    def _round(self, runner: asyncio.Runner, queue: Queue, snapshot: Snapshot | None) -> float:
        """Record what changed and send what is due; return for how many seconds nothing more is due."""
        if not snapshot or not snapshot.site.hubs or snapshot.site.base_url == self._listening:
            return LONGEST_SLEEP
        try:
            from pprnet_feeds.websub import client  # only where there is a hub

            queue.record(snapshot.catalogue, self._clock(), SETTLED)
            sending = client.send_due(queue, snapshot.site.hubs, self._clock, self._stopping)
            for level, line in client.report(runner.run(sending)):
                log.log(level, "%s", line)
            due = queue.next_due(snapshot.site.hubs)
            self._failing = False
            left = (due - self._clock()).total_seconds() if due else LONGEST_SLEEP
            return min(max(left, SHORTEST_SLEEP), LONGEST_SLEEP)
        except (UnavailableError, OSError) as fault:  # the latter when clients hold all descriptors
            self._warn(f"the hubs are not notified of changes for as long as this lasts: {fault}")
            return UNAVAILABLE_SLEEP
        except Exception:
            log.exception("sending pings failed; it is tried again")
            return LONGEST_SLEEP

    def _warn(self, line: str) -> None:
        if not self._failing:
            log.warning("%s", line)
        self._failing = True
