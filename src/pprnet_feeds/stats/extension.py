"""The extension of the service that counts its responses, and shows the numbers at /metrics and /stats.

A response costs an addition. A thread does the rest every few seconds.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pprnet_feeds.pages.pages import Pages, page_headers
from pprnet_feeds.serving.response import ERROR, Sent
from pprnet_feeds.serving.snapshot import Snapshot
from pprnet_feeds.state.database import Database
from pprnet_feeds.stats.counting import CountStore, RequestCounter
from pprnet_feeds.stats.metrics import MEDIA_TYPE, Metrics
from pprnet_feeds.stats.report import FRESH, RECENT, Report, number, report, size
from pprnet_feeds.syndication.catalogue import Document

log = logging.getLogger("pprnet_feeds")

# Seconds between two batches; the first comes sooner, so that a monitor sees the process.
INTERVAL, FIRST = 10.0, 1.0
PATH = "/stats"
# How long the page is served before it is rendered again, and how many feeds and readers it lists.
CACHED, LISTED = timedelta(minutes=1), 60
# Requests that watch the service are not counted.
_UNCOUNTED = (b"/healthz", b"/readyz", b"/metrics", b"/stats")


class Statistics:
    """Counts the responses of one process, in the state at the address *state* if it is not empty.

    *clock* returns the time in UTC. *page* adds /stats.
    """

    def __init__(self, state: str, clock: Callable[[], datetime], *, page: bool) -> None:
        self._database = Database(state) if state else None
        self._store = CountStore(self._database) if self._database else None
        self.routes = [Route("/metrics", self._metrics_response)]
        if page and self._database:
            self.routes.append(Route(PATH, self._page_response))
        self._clock = clock
        self._counter = RequestCounter()
        self._metrics = Metrics()
        self._recording = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._task: asyncio.Task[None] | None = None
        self._page: tuple[datetime, Response] | None = None
        self._page_lock = asyncio.Lock()

    def swapped(self, snapshot: Snapshot) -> None:
        """Count the build of *snapshot*, which is served from now on. Call it on the event loop."""
        posts, problems = len(snapshot.library.posts), len(snapshot.problems)
        self._metrics.built(snapshot.seconds, self._clock().timestamp(), posts, problems)
        self._snapshot = snapshot
        self._task = self._task or asyncio.create_task(self._run())

    def answered(self, target: bytes, fields: Mapping[bytes, bytes], sent: Sent) -> None:
        """Count what was *sent* for *target* to a client with these *fields*. Call it on the event loop."""
        if target not in _UNCOUNTED:
            key = target, sent.status, sent.coding, sent.size
            self._counter.add(key, fields.get(b"user-agent", b""))

    async def _run(self) -> None:
        """Record a batch now and then, and the last one when the event loop ends and cancels its tasks."""
        try:
            await asyncio.sleep(FIRST)
            while True:
                await self._hand_over()
                await asyncio.sleep(INTERVAL)
        finally:
            await self._hand_over()

    async def _hand_over(self) -> None:
        batch, self._counter = self._counter, RequestCounter()
        await asyncio.to_thread(self._record, batch)

    def _record(self, batch: RequestCounter) -> None:
        with self._recording:
            try:
                self._metrics.add(batch.requests)
                self._metrics.write(self._store.pings if self._store else 0)
                if self._store:
                    self._store.store(batch, self._clock())
            except Exception:
                log.exception("requests could not be recorded")

    async def _metrics_response(self, request: Request) -> Response:
        text = await asyncio.to_thread(self._metrics.text)
        return Response(text, headers={**ERROR, "content-type": MEDIA_TYPE})

    async def _page_response(self, request: Request) -> Response:
        if self._snapshot is None or self._database is None:
            text = "The posts cannot be read just now; ask again in a minute.\n"
            return Response(text, 503, {**ERROR, "content-type": "text/plain", "retry-after": "60"})
        now, pages, database = self._clock(), self._snapshot.pages, self._database

        def render() -> Response:
            shown = page(report(database, pages.site, now), pages)
            headers = {**ERROR, **dict(shown.headers), "content-type": shown.media_type}
            return Response(shown.body, headers=headers)

        async with self._page_lock:
            if self._page is None or not now - CACHED < self._page[0] <= now:
                self._page = now, await asyncio.to_thread(render)
        return self._page[1]


def page(found: Report | None, pages: Pages) -> Document:
    """Render the page /stats, for no search engine and no cache; None means that nothing can be read now."""
    limits: dict[str, Any] = {"days": RECENT, "fresh": FRESH, "listed": LISTED}
    headers = (*page_headers(), ("cache-control", "no-store"), ("x-robots-tag", "noindex"))
    return pages.fill("stats.html", PATH, headers=headers, report=found, number=number, size=size, **limits)
