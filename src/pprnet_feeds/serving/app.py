"""The ASGI application: a request's answer is looked up, chosen and sent.

Feeds are polled, so nearly every request is for a document that is ready. Those
are answered from a table: one look-up, one choice between prepared answers, two
messages. The first request for an address, redirects and errors take a longer
way; only the probes, and the life of the process, are left to Starlette.

Absolute addresses come from the site's settings, never from a header.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from pprnet_feeds.content.library import Library
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.serving.database import state_address
from pprnet_feeds.serving.pinging import Pinging
from pprnet_feeds.serving.protocol import ALLOW, ERROR
from pprnet_feeds.serving.queries import ASKED, Reply, asked
from pprnet_feeds.serving.reload import RETRY, keep_current, tell
from pprnet_feeds.serving.representation import EMPTY_BODY, Representation
from pprnet_feeds.serving.snapshot import Snapshot, build, cache_control
from pprnet_feeds.serving.store import Store
from pprnet_feeds.settings import Settings
from pprnet_feeds.syndication.selection import Refusal

log = logging.getLogger("pprnet_feeds")

LONGEST_ADDRESS = 2048
# How long before answers begin to depend on the clock it is noticed: time enough to be looked at twice.
AHEAD = timedelta(seconds=2 * RETRY)
PROBES = (b"/healthz", b"/readyz")
_PREFLIGHT = {
    "allow": ALLOW,
    "access-control-allow-origin": "*",
    "access-control-allow-methods": ALLOW,
    "access-control-allow-headers": "If-None-Match, If-Modified-Since, Accept, Accept-Encoding, A-IM",
    "access-control-max-age": "86400",
    "cache-control": "no-store",
}


class Application:
    """The whole service.

    *rebuild* reads the site anew, given what is held of it; *newest* gives the
    newest change that any process has recorded, and *clock* the time, in UTC.
    """

    def __init__(
        self,
        folder: Path,
        snapshot: Snapshot,
        rebuild: Callable[[Library], Snapshot | list[Problem]],
        newest: Callable[[], datetime],
        clock: Callable[[], datetime],
        pinging: Pinging,
    ) -> None:
        self.folder = folder
        self.pinging = pinging
        self.newest = newest
        self.clock = clock
        self._rebuild = rebuild
        self.faults: list[Problem] = []
        self.swap(snapshot)
        self.rest = Starlette(
            routes=[
                Route("/healthz", self.health),
                Route("/readyz", self.ready),
            ],
            lifespan=self.lifespan,
        )

    def swap(self, snapshot: Snapshot) -> None:
        """Let *snapshot* answer from now on."""
        self.snapshot = snapshot
        self.look_ahead()
        self.pinging.swapped(snapshot)

    def rebuild(self) -> Snapshot | list[Problem]:
        """Read the site anew."""
        return self._rebuild(self.snapshot.library)

    def look_ahead(self) -> None:
        """Notice that answers will soon depend on the clock; called at least once a minute."""
        moment = self.snapshot.shorten_from
        self.shortens = moment is not None and self.clock() >= moment - AHEAD

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3.0)."""
        if scope["type"] == "http":
            ready = self.snapshot.table.get(scope["raw_path"])
            method = scope["method"]
            if ready is not None and method == "GET" and not self.shortens:
                start, body = ready.answer(scope["headers"])
                await send(start)
                await send(body)
                return
            if method not in ("GET", "HEAD"):
                await self.refuse(method)(scope, receive, send)
                return
            if scope["raw_path"] not in PROBES:
                await self.look(scope, receive, send)
                return
        await self.rest(scope, receive, send)

    async def look(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a GET or HEAD for any address, from the snapshot or with the error that fits."""
        raw: bytes = scope["raw_path"]
        if len(raw) > LONGEST_ADDRESS:
            await self.error(414, "This address is too long to be one of ours.")(scope, receive, send)
            return
        path = raw.decode("latin-1")
        if path in ASKED:
            found = asked(path, scope["query_string"], self.snapshot)
        else:
            found = self.snapshot.find(path)
        if isinstance(found, Reply):
            where = {"location": found.location} if found.location else {}
            await self.error(found.status, found.text, **where)(scope, receive, send)
            return
        if not isinstance(found, Representation):
            await self.missing(path, found)(scope, receive, send)
            return
        start, body = found.answer(scope["headers"])
        moment = self.snapshot.shorten_from
        if moment is not None and self.clock() >= moment:
            start = self.shortened(start)
        await send(start)
        await send(body if scope["method"] == "GET" else EMPTY_BODY)

    def shortened(self, start: dict[str, Any]) -> dict[str, Any]:
        """The same answer with a lifetime that ends when the next scheduled post is released."""
        release = self.snapshot.next_release or self.clock()
        left = max(0, int((release - self.clock()).total_seconds()))
        cache = self.snapshot.site.cache
        fresh = min(cache.max_age, left)
        value = cache_control(fresh, min(cache.stale_while_revalidate, left - fresh), cache.stale_if_error)
        headers = [
            (name, value.encode() if name == b"cache-control" else was) for name, was in start["headers"]
        ]
        return start | {"headers": headers}

    def missing(self, path: str, refusal: Refusal | None) -> Response:
        """The answer where there is no document: the way to it if there is one."""
        now = None if refusal else self.snapshot.moved(path)
        if now is not None:
            return PlainTextResponse(
                "This address has moved.\n",
                301,
                {**ERROR, "location": self.snapshot.site.base_url + now, "cache-control": "max-age=86400"},
            )
        if self.snapshot.gone(path):
            return self.error(410, "This post was withdrawn.")
        base = self.snapshot.site.base_url
        refusal = refusal or self.snapshot.refusal(path)
        near = [f"  {title}: {address}" for title, address in self.snapshot.near(refusal)]
        hint = ["", "The nearest we have:", *near] if near else []
        lines = [refusal.what, *hint, "", f"All feeds: {base}/"]
        return self.error(404, "\n".join(lines))

    def refuse(self, method: str) -> Response:
        """The answer to any other method: preflights are allowed, the rest is not (RFC 9110 §15.5.6)."""
        if method == "OPTIONS":
            return Response(status_code=204, headers=_PREFLIGHT)
        return self.error(405, "Only GET and HEAD are understood here.", allow=ALLOW)

    def error(self, status: int, text: str, **headers: str) -> Response:
        """A short plain answer that no cache keeps."""
        return PlainTextResponse(text + "\n", status, ERROR | headers)

    async def health(self, request: Request) -> Response:
        """Tell that the process answers."""
        return PlainTextResponse("ok\n", headers=ERROR)

    async def ready(self, request: Request) -> Response:
        """Tell what is served, and what is wrong with the posts or settings that are not."""
        problems = [*self.faults, *self.snapshot.problems]
        state = {
            "ready": True,  # also while the site cannot be read: what was read last is better than nothing
            "current": not self.faults,
            "posts": len(self.snapshot.library.posts),
            "unrecorded": self.snapshot.library.unrecorded,
            "problems": [f"{fault.place}: {fault.what}" for fault in problems],
        }
        return JSONResponse(state, headers=ERROR)

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Keep the snapshot current for as long as the service runs."""
        task = asyncio.create_task(keep_current(self))
        async with self.pinging:
            yield
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def utc_now() -> datetime:
    """The time, in UTC and whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def create() -> Application:
    """Make the application of a worker from the run's settings in the environment."""
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.INFO)
    logging.getLogger("watchfiles").setLevel(logging.WARNING)
    settings = Settings.from_environ(os.environ)
    # A preview shows what is not published: it must not be remembered as a change.
    address = "" if settings.drafts else state_address(settings.folder, os.environ)
    if not address:
        log.info("nothing is kept: after a restart Last-Modified falls back to the dates of the posts")
    store = Store(address)
    rebuild = partial(build, settings, os.environ, store=store)
    first = rebuild(now=utc_now())
    if not isinstance(first, Snapshot):
        for fault in first:
            log.error("the feeds were not started: %s: %s", fault.place, fault.what)
        raise SystemExit(3)  # uvicorn does not start such a worker again
    tell(first)
    return Application(
        settings.folder,
        first,
        lambda held: rebuild(now=utc_now(), held=held),
        lambda: store.load().newest,
        utc_now,
        Pinging(address, settings.base_url, utc_now),
    )
