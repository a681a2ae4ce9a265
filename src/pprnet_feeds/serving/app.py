"""The ASGI application: a request's answer is looked up, chosen and sent.

Feeds are polled, so nearly every request is for a document that is ready. Those
are answered `at_once` from a table: one look-up, one choice between prepared
answers, and the protocol writes it. What is not held yet is asked of the builder,
once, and then kept; only the probes and the life of the process are left to Starlette.

Absolute addresses come from the site's settings, never from a header.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message as Event
from starlette.types import Receive, Scope, Send

from pprnet_feeds.serving import logs
from pprnet_feeds.serving.child import Child
from pprnet_feeds.serving.clock import utc_now
from pprnet_feeds.serving.codings import Message
from pprnet_feeds.serving.holding import Holding
from pprnet_feeds.serving.link import Heard, Link, NoAnswerError
from pprnet_feeds.serving.messages import ASKED, Counted, Reply
from pprnet_feeds.serving.refusals import ALLOW, ERROR
from pprnet_feeds.serving.representation import EMPTY_BODY, Answer
from pprnet_feeds.serving.semantics import cache_control
from pprnet_feeds.serving.tally import Kind, Tally

log = logging.getLogger("pprnet_feeds")

LONGEST_ADDRESS = 2048
# How often, in seconds, what was counted is handed over.
COUNT = 10.0
# How often, in seconds, it is noticed that answers begin to depend on the clock; and how long before.
INTERVAL = 5.0
AHEAD = timedelta(seconds=3 * INTERVAL)
# For how many seconds one of several workers that cannot start waits before another is tried.
PAUSE = 2.0
PROBES = (b"/healthz", b"/readyz")
_PREFLIGHT = ERROR | {
    "allow": ALLOW,
    "access-control-allow-methods": ALLOW,
    "access-control-allow-headers": "If-None-Match, If-Modified-Since, Accept, Accept-Encoding, A-IM",
    "access-control-max-age": "86400",
}


class Application:
    """The whole service, but for what its builder does.

    The builder, if *child* is none, gets the variables of *environ*; *clock* gives the time, in UTC.
    """

    def __init__(
        self, environ: Mapping[str, str], clock: Callable[[], datetime], child: Child | None = None
    ) -> None:
        self.holding = Holding()
        self._table = self.holding.table
        self.clock = clock
        self.shortens = False
        self.link = Link(environ, self.hear, child)
        self.tally = Tally()
        self.rest = Starlette(
            routes=[
                Route("/healthz", self.health),
                Route("/readyz", self.ready),
            ],
            lifespan=self.lifespan,
        )

    def at_once(
        self, target: bytes, headers: Sequence[tuple[bytes, bytes]], client: tuple[str, int] | None
    ) -> Answer | None:
        """The answer to a GET of *target*, when it lies ready; None when more must be done for it.

        *headers* are those of the request, *client* is the address it came from.
        """
        held = self._table.get(target)
        if held is None or self.shortens:
            return None
        fields = dict(headers)
        if b"transfer-encoding" in fields or b"host" not in fields or len(fields) != len(headers):
            return None  # a body without an end ends the connection, and two Hosts are an error
        ready = held.ready(headers, fields)
        if ready is None:
            return None
        key = target, ready.kind, fields.get(b"user-agent"), client and client[0]
        counted = self.tally.counts.get(key)
        if counted is None:
            self.tally.add(key)
        else:
            counted[0] += 1
        return ready

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3.0)."""
        if scope["type"] == "http":
            method = scope["method"]
            if method not in ("GET", "HEAD"):
                self.tally.note(scope, Kind(204 if method == "OPTIONS" else 405), ours=False)
                await self.refuse(method)(scope, receive, send)
                return
            if scope["raw_path"] not in PROBES:
                await self.look(scope, receive, send)
                return
        await self.rest(scope, receive, _told_already(send) if scope["type"] == "lifespan" else send)

    async def look(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a GET or HEAD for any address, from what is held or with what the builder says."""
        raw: bytes = scope["raw_path"]
        if len(raw) > LONGEST_ADDRESS:
            self.tally.note(scope, Kind(414), ours=False)
            await self.error(414, "This address is too long to be one of ours.")(scope, receive, send)
            return
        path = raw.decode("latin-1")
        try:
            found = await self.holding.find(path, scope["query_string"] if path in ASKED else b"", self.link)
        except NoAnswerError:
            found = Reply(503, "This cannot be told just now; ask again in a minute.", {"retry-after": "60"})
        if isinstance(found, Reply):
            if found.status != 200:  # those who watch do not count
                self.tally.note(scope, Kind(found.status), ours=found.status in (301, 410))
            await self.error(found.status, found.text, found.headers)(scope, receive, send)
            return
        ready = found.ready(scope["headers"])
        if ready is None:  # compressing takes long: not while others wait
            ready = await asyncio.to_thread(found.answer, scope["headers"])
        start, body, kind, *_ = ready
        self.tally.note(scope, kind if scope["method"] == "GET" else kind._replace(size=0))
        state = self.holding.state
        if state and state.next_release and state.shorten_from and self.clock() >= state.shorten_from:
            start = self.shortened(start, state.next_release)
        await send(start)
        await send(body if scope["method"] == "GET" else EMPTY_BODY)

    def shortened(self, start: Message, release: datetime) -> Message:
        """The same answer with a lifetime that ends when the next scheduled post is released."""
        left = max(0, int((release - self.clock()).total_seconds()))
        assert self.holding.state is not None
        cache = self.holding.state.cache
        fresh = min(cache.max_age, left)
        stale = min(cache.stale_while_revalidate, left - fresh)
        value = cache_control(fresh, stale, cache.stale_if_error).encode()
        headers = [(name, value if name == b"cache-control" else was) for name, was in start["headers"]]
        return start | {"headers": headers}

    def refuse(self, method: str) -> Response:
        """The answer to any other method: preflights are allowed, the rest is not (RFC 9110 §15.5.6)."""
        if method == "OPTIONS":
            return Response(status_code=204, headers=_PREFLIGHT)
        return self.error(405, "Only GET and HEAD are understood here.", {"allow": ALLOW})

    def error(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
        """A short plain answer that no cache keeps."""
        return PlainTextResponse(text + "\n", status, {**ERROR, **(headers or {})})

    async def health(self, request: Request) -> Response:
        """Tell that the process answers."""
        return PlainTextResponse("ok\n", headers=ERROR)

    async def ready(self, request: Request) -> Response:
        """Tell what is served, and what is wrong with the posts or settings that are not."""
        state = self.holding.state
        assert state is not None
        told = {
            "ready": True,  # also while the site cannot be read: what was read last is better than nothing
            "current": not state.faults,
            "posts": state.posts,
            "unrecorded": state.unrecorded,
            "problems": [*state.faults, *state.problems],
        }
        return JSONResponse(told, headers=ERROR)

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Serve what the builder draws, for as long as the service runs."""
        await self.link.open()
        if self.holding.state is None:
            for problem in self.holding.refused:
                log.error("the feeds were not started: %s", problem)
            await self.link.close()
            if multiprocessing.parent_process() is not None:
                await asyncio.sleep(PAUSE)
            raise SystemExit(3)  # uvicorn's word for a worker that does not start
        tasks = [*map(asyncio.create_task, (self.look_ahead(), self.count(), self.holding.lighten()))]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            self.link.send(Counted(self.tally.take()))
            await self.link.close()

    async def count(self) -> None:
        """Hand over what was counted, as long as there is somebody to take it. Runs until cancelled."""
        while True:
            await asyncio.sleep(COUNT)
            if self.link.is_open:
                self.link.send(Counted(self.tally.take()))

    async def look_ahead(self) -> None:
        """Notice that answers will soon depend on the clock, or that nobody is left to stop us.

        Runs until cancelled.
        """
        parent = multiprocessing.parent_process()  # of several workers; a single one has none
        while True:
            self.notice()
            if parent is not None and not parent.is_alive():
                os.kill(os.getpid(), signal.SIGTERM)  # else the port would be held for ever
            await asyncio.sleep(INTERVAL)

    def hear(self, heard: Heard) -> None:
        """Take over what the builder tells."""
        self.holding.hear(heard)
        self.notice()

    def notice(self) -> None:
        """Tell by the clock whether answers depend on it."""
        state = self.holding.state
        moment = state.shorten_from if state else None
        self.shortens = moment is not None and self.clock() >= moment - AHEAD


def _told_already(send: Send) -> Send:
    """*send*, but without a traceback of our own word that a worker does not start."""

    async def told(message: Event) -> None:
        await send({"type": message["type"]} if isinstance(sys.exception(), SystemExit) else message)

    return told


def create(child: Child | None = None) -> Application:
    """Make the application of a worker; its builder reads the run's settings from the environment."""
    logs.configure(sys.stderr)
    return Application(os.environ, utc_now, child)
