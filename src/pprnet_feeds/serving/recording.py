"""What becomes of the counted requests: numbers for a monitor, and rows for the statistics.

An extension of the service. Batches are recorded in a thread, one after the other, so that no request
waits for a disk, a database or a library's import. Whatever goes wrong is logged and stops nothing else.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pprnet_feeds.pages.figures import STATS
from pprnet_feeds.serving.metrics import Metrics
from pprnet_feeds.serving.response import ERROR, Pair, Sent
from pprnet_feeds.serving.tally import Batch, Tally

if TYPE_CHECKING:
    from pprnet_feeds.serving.counting import Counting
    from pprnet_feeds.serving.snapshot import Snapshot

log = logging.getLogger("pprnet_feeds")

METRICS = "/metrics"
# How often what was counted is recorded, in seconds.
INTERVAL = 10.0
# For how long figures are reported again before they are read anew: anybody may ask for them.
FRESH = timedelta(minutes=1)


class Recording:
    """Records the responses of one process.

    *state* is the address of the state, empty when nothing is stored: then there are only the
    numbers. *clock* gives the time in UTC. *stats* offers the page of figures to everybody.
    """

    def __init__(self, state: str, clock: Callable[[], datetime], *, stats: bool = False) -> None:
        self._state = state
        self._clock = clock
        self._tally = Tally()
        self._counting: Counting | None = None
        self._metrics: Metrics | None = None
        self._builds: list[tuple[float, datetime, int]] = []
        self._snapshot: Snapshot | None = None
        self._lock = threading.Lock()
        self._task: asyncio.Task[None] | None = None
        self._figures: tuple[datetime, Response] | None = None
        self.routes = [Route(METRICS, self._numbers_page)]
        if stats and state:
            self.routes.append(Route(STATS, self._figures_page))

    def swapped(self, snapshot: Snapshot) -> None:
        """Take note that *snapshot* is served from now on."""
        self._snapshot = snapshot
        self._builds.append((0.0, self._clock(), len(snapshot.library.posts)))
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    def answered(self, target: bytes, headers: Sequence[Pair], sent: Sent) -> None:
        """Count one response."""
        agent = None
        for name, value in headers:
            if name == b"user-agent":
                agent = value
                break
        key = target, sent, agent, None
        counted = self._tally.counts.get(key)
        if counted is not None:
            counted[0] += 1
        else:
            ours = sent.status in (200, 301, 304, 410)
            self._tally.add((target.partition(b"?")[0] if ours else b"", sent, agent, None))

    async def _run(self) -> None:
        try:
            await asyncio.sleep(1)  # a new process is counted soon
            while True:
                await asyncio.to_thread(self._record, self._tally.take())
                await asyncio.sleep(INTERVAL)
        finally:  # the service stops
            self._record(self._tally.take())
            if self._metrics is not None:
                self._metrics.close()

    def _record(self, batch: Batch) -> None:
        try:
            with self._lock:
                self._numbers().add(batch)
            if self._state:
                self._counts().fold(batch, self._clock())
        except Exception:
            log.exception("what was asked for could not be recorded")

    async def _numbers_page(self, request: Request) -> Response:
        await asyncio.to_thread(self._record, self._tally.take())
        body, media_type = await asyncio.to_thread(self._text)
        return Response(body, 200, {**ERROR, "content-type": media_type})

    async def _figures_page(self, request: Request) -> Response:
        now = self._clock()
        if self._figures is None or not now - FRESH < self._figures[0] <= now:
            self._figures = now, await asyncio.to_thread(self._draw_figures, now)
        return self._figures[1]

    def _draw_figures(self, now: datetime) -> Response:
        from pprnet_feeds.pages import stats  # only where somebody looks
        from pprnet_feeds.serving import statistics
        from pprnet_feeds.serving.database import Database

        assert self._snapshot is not None
        site = self._snapshot.site
        page = stats.page(statistics.figures(Database(self._state), site, now), site)
        return Response(page.body, 200, {**ERROR, **dict(page.headers), "content-type": page.media_type})

    def _text(self) -> tuple[bytes, str]:
        with self._lock:
            return self._numbers().text()

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
        self._metrics.found(len(self._snapshot.problems) if self._snapshot else 0)
        self._metrics.waiting(self._counting.pings if self._counting else 0)
        self._metrics.measure({"worker": os.getpid()})
        return self._metrics
