"""What becomes of the counted requests: numbers for a monitor, and rows for the statistics.

It runs in the builder, in a thread and one batch after the other, so that
neither a request nor a draw ever waits for a disk, a database or a library's
import. Whatever goes wrong here is told in the log and stops nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from pprnet_feeds.serving.metrics import Metrics
from pprnet_feeds.serving.tally import Batch

if TYPE_CHECKING:
    from pprnet_feeds.serving.counting import Counting

log = logging.getLogger("pprnet_feeds")

# How often a worker hands its batch over, in seconds.
INTERVAL = 10.0
# How long the last batch may take when the service stops, in seconds.
GRACE = 4.0


class Recording:
    """Records what one worker has counted. Entered when the service starts and left when it stops.

    *state* is the address of the state, empty when nothing is kept: then there
    are only the numbers. *clock* gives the time in UTC. *processes* names those
    that are measured, kind -> process id.
    """

    def __init__(self, state: str, clock: Callable[[], datetime], processes: Mapping[str, int]) -> None:
        self._state = state
        self._counting: Counting | None = None
        self._clock = clock
        self._processes = processes
        self._batches: asyncio.Queue[Batch | None] = asyncio.Queue()
        self._metrics: Metrics | None = None
        self._builds: list[tuple[float, datetime, int]] = []
        self._problems = 0
        self._lock = threading.Lock()
        self._task: asyncio.Task[None] | None = None

    def counted(self, batch: Batch) -> None:
        """Record *batch*, soon."""
        self._batches.put_nowait(batch)

    def built(self, seconds: float, posts: int) -> None:
        """Take note that a snapshot of *posts*, which took *seconds* to make, is served from now on."""
        self._builds.append((seconds, self._clock(), posts))

    def found(self, problems: int) -> None:
        """Take note of how many problems there are now."""
        self._problems = problems

    async def text(self) -> tuple[str, str]:
        """What /metrics answers, and its media type."""
        return await asyncio.to_thread(self._text)

    async def __aenter__(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run())

    async def __aexit__(self, *exc: object) -> None:
        """Record what has come by now, unless that takes long, and stop."""
        self._batches.put_nowait(None)
        if self._task is not None:
            await asyncio.wait([self._task], timeout=GRACE)
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        with self._lock:
            if self._metrics is not None:
                self._metrics.close()

    async def _run(self) -> None:
        while (batch := await self._batches.get()) is not None:
            await asyncio.to_thread(self._record, batch)

    def _record(self, batch: Batch) -> None:
        try:
            with self._lock:
                self._numbers().add(batch)
            if self._state:
                self._counts().fold(batch, self._clock())
        except Exception:
            log.exception("what was asked for could not be recorded")

    def _text(self) -> tuple[str, str]:
        with self._lock:
            numbers, media_type = self._numbers().text()
        return numbers.decode(), media_type

    def _counts(self) -> Counting:
        if self._counting is None:
            from pprnet_feeds.serving.counting import Counting  # its library takes long to load
            from pprnet_feeds.serving.database import Database

            self._counting = Counting(Database(self._state))
        return self._counting

    def _numbers(self) -> Metrics:
        """The numbers of this process, with all that is known by now."""
        if self._metrics is None:
            self._metrics = Metrics()
        builds, self._builds = self._builds, []
        for build in builds:
            self._metrics.built(*build)
        self._metrics.found(self._problems)
        self._metrics.waiting(self._counting.pings if self._counting else 0)
        self._metrics.measure({"builder": os.getpid(), **self._processes})
        return self._metrics
