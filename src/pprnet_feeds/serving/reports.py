"""What the service tells of itself: numbers for a monitor, and the figures of readers for people."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from pprnet_feeds.content.model import Site
from pprnet_feeds.pages.figures import STATS
from pprnet_feeds.serving.messages import Reply
from pprnet_feeds.serving.recording import Recording

METRICS = "/metrics"
# For how long figures are told again before they are read anew: anybody may ask for them.
FRESH = timedelta(minutes=1)


class Reports:
    """Draws what is told: of readers only where *state*, the address of the store, is given."""

    def __init__(self, recording: Recording, state: str | None, clock: Callable[[], datetime]) -> None:
        self._recording = recording
        self._state = state
        self._clock = clock
        self._figures: tuple[datetime, Reply] | None = None

    def offers(self, path: str) -> bool:
        """Whether there is a report at *path*."""
        return path == METRICS or (path == STATS and self._state is not None)

    async def draw(self, path: str, site: Site) -> Reply:
        """The report at *path*, one that is offered."""
        if path == METRICS:
            text, media_type = await self._recording.text()
            return Reply(200, text.removesuffix("\n"), {"content-type": media_type})
        now = self._clock()
        if self._figures is None or not now - FRESH < self._figures[0] <= now:
            self._figures = now, await asyncio.to_thread(self._page, site, now)
        return self._figures[1]

    def _page(self, site: Site, now: datetime) -> Reply:
        from pprnet_feeds.pages import stats  # only where somebody looks
        from pprnet_feeds.serving import statistics
        from pprnet_feeds.serving.database import Database

        figures = statistics.figures(Database(self._state), site, now) if self._state else None
        page = stats.page(figures, site)
        return Reply(200, page.body.decode(), {**dict(page.headers), "content-type": page.media_type})
