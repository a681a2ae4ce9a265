"""The service: an ordinary Starlette application behind one pure-ASGI middleware, the response cache.

A request for a listed feed that was rendered before is answered from the cache; any other goes
through the router to its endpoint, which renders the response in one thread. Absolute addresses come
from the site's settings, never from a header field.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.responses import Response as PlainResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from pprnet_feeds.content.problems import Problem
from pprnet_feeds.pages import embed
from pprnet_feeds.pages.subscribe import read_choice
from pprnet_feeds.serving.cache import Cache
from pprnet_feeds.serving.conditional import cache_control
from pprnet_feeds.serving.reload import Reloader, utc_now
from pprnet_feeds.serving.response import (
    ALLOW,
    ERROR,
    Message,
    Pair,
    Prepared,
    Reply,
    Response,
    Sent,
    body_message,
)
from pprnet_feeds.serving.snapshot import OEMBED, OPML, QUERIED, SUBSCRIBE, Snapshot
from pprnet_feeds.settings import Settings
from pprnet_feeds.state.last_modified import TimestampStore
from pprnet_feeds.syndication.selection import Refusal, chosen_slugs, selections

log = logging.getLogger("pprnet_feeds")

LONGEST_ADDRESS, LONGEST_QUERY = 2048, 4096
# How often, in seconds, it is checked whether answers begin to depend on the clock; and how long before.
INTERVAL = 5.0
AHEAD = timedelta(seconds=3 * INTERVAL)
# For how many seconds one of several workers that cannot start waits before another is tried.
PAUSE = 2.0
_PREFLIGHT = ERROR | {
    "allow": ALLOW,
    "access-control-allow-methods": ALLOW,
    "access-control-allow-headers": "If-None-Match, If-Modified-Since, Accept, Accept-Encoding, A-IM",
    "access-control-max-age": "86400",
}


class Service:
    """What is served: the snapshot, the responses rendered from it, and what is wrong with newer files.

    *clock* gives the time in UTC. *run* keeps the service current until it is cancelled.

    Attributes:
        faults: why a newer snapshot could not be built.
        depends_on_clock: whether header fields must be adjusted to the time at each response.
    """

    def __init__(self, clock: Callable[[], datetime], extensions: Sequence[Any] = ()) -> None:
        self.clock = clock
        self.cache = Cache()
        self.faults: list[Problem] = []
        self.depends_on_clock = False
        self._swapped = [one.swapped for one in extensions if getattr(one, "swapped", None)]
        self._answered = [one.answered for one in extensions if getattr(one, "answered", None)]

    @property
    def snapshot(self) -> Snapshot | None:
        """What is served; None before anything could be read."""
        return self.cache.snapshot

    def swap(self, snapshot: Snapshot) -> None:
        """Answer from *snapshot* from now on."""
        self.cache.swap(snapshot)
        self.faults = []
        self.look_at_clock()
        for swapped in self._swapped:
            swapped(snapshot)

    def answered(self, target: bytes, headers: Sequence[Pair], sent: Sent) -> None:
        """Report a response to the extensions."""
        for answered in self._answered:
            answered(target, headers, sent)

    def look_at_clock(self) -> None:
        """Note whether a release is so near, or a change so new, that responses depend on the clock."""
        snapshot, now = self.snapshot, self.clock()
        if snapshot is not None:
            lifetime = snapshot.site.cache
            cached = timedelta(seconds=lifetime.max_age + lifetime.stale_while_revalidate)
            is_near = bool(snapshot.next_release and now >= snapshot.next_release - cached - AHEAD)
            self.depends_on_clock = is_near or snapshot.known.newest > now

    def adjusted(self, start: Message, response: Response) -> Message:
        """The same start of a response with what depends on the clock.

        A scheduled post shortens the lifetime, so that no cache outlives its release; and nothing
        sent is later than now.
        """
        snapshot, now = self.snapshot, self.clock()
        if snapshot is None or not (self.depends_on_clock or response.last_modified > now):
            return start
        changed: dict[bytes, bytes] = {}
        lifetime, release = snapshot.site.cache, snapshot.next_release
        fresh, stale = lifetime.max_age, lifetime.stale_while_revalidate
        left = max(0, int((release - now).total_seconds())) if release else fresh + stale
        if left < fresh + stale:
            fresh = min(fresh, left)
            value = cache_control(fresh, min(stale, left - fresh), lifetime.stale_if_error)
            changed[b"cache-control"] = value.encode()
        if response.last_modified > now:
            changed[b"last-modified"] = Response.date(now)
        return start | {"headers": [(name, changed.get(name, value)) for name, value in start["headers"]]}


class ResponseCache:
    """The middleware: answers what is cached, and passes every other request on."""

    def __init__(self, app: ASGIApp, service: Service, *, fast_path: bool) -> None:
        self._app = app
        self._service = service
        self._cache = service.cache
        # `protocol` writes what this returns without starting a task.
        self.at_once = self.cached if fast_path else None

    def cached(self, target: bytes, headers: Sequence[Pair]) -> Prepared | None:
        """The prepared response to a GET of *target*; None when the request must be passed on."""
        response = self._cache.listed.get(target)
        if (
            response is None
            or self._service.depends_on_clock
            or response.last_modified > self._service.clock()
        ):
            return None
        fields = dict(headers)
        # A body whose end cannot be found ends the connection, and two hosts are an error.
        if b"transfer-encoding" in fields or b"host" not in fields or len(fields) != len(headers):
            return None
        prepared = response.choose(headers, self._service.clock, fields)
        if prepared is not None:
            self._service.answered(target, headers, prepared.sent)
        return prepared

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3.0)."""
        if scope["type"] != "http":
            await self._app(scope, receive, _without_traceback(send))
            return
        method, raw = scope["method"], scope["raw_path"]
        if method in ("GET", "HEAD") and len(raw) <= LONGEST_ADDRESS:
            asked = scope["query_string"] and raw.decode("latin-1") in QUERIED
            prepared = self.cached(raw, scope["headers"]) if method == "GET" and not asked else None
            if prepared is not None:
                await send(prepared.start)
                await send(prepared.body)
                return
            # Addresses of ours need no escapes: the router sees what was asked for.
            scope["path"] = raw.decode("latin-1")
            await self._app(scope, receive, send)
            return
        if method == "OPTIONS":
            response, sent = PlainResponse(status_code=204, headers=_PREFLIGHT), Sent(204)
        elif method in ("GET", "HEAD"):
            response, sent = error(Reply(414, "This address is too long to be one of ours.")), Sent(414)
        else:  # RFC 9110 §15.5.6
            reply = Reply(405, "Only GET and HEAD are understood here.", {"allow": ALLOW})
            response, sent = error(reply), Sent(405)
        self._service.answered(b"", (), sent)
        await response(scope, receive, send)


def create(
    settings: Settings, extensions: Sequence[Any] = (), store: TimestampStore | None = None
) -> ResponseCache:
    """Make the application. *store* remembers when things changed; without one only this process does."""
    service = Service(utc_now, extensions)
    reloader = Reloader(settings, os.environ, store or TimestampStore())

    def endpoint(find: Callable[[Request, Snapshot], Awaitable[Response | Reply]]) -> Route | Any:
        async def respond(request: Request) -> Any:
            snapshot = service.snapshot
            if snapshot is None:
                text = "The posts cannot be read just now; ask again in a minute."
                return _Sending(service, Reply(503, text, {"retry-after": "60"}))
            return _Sending(service, await find(request, snapshot))

        return respond

    cache = service.cache

    async def document(request: Request, snapshot: Snapshot) -> Response | Reply:
        return await cache.find(request.scope["path"], snapshot)

    async def opml(request: Request, snapshot: Snapshot) -> Response | Reply:
        values = [value for name, value in _query(request) if name == "topic"]
        topics = chosen_slugs(values, "topics", snapshot.site)
        if isinstance(topics, Refusal):
            return await refuse(request, snapshot, topics)
        if not topics:
            return await cache.find(OPML, snapshot)
        listed = [one for one in selections(snapshot.site) if topics.intersection(one.topics)]
        key = OPML + "?" + "&".join(f"topic={selection.topics[0]}" for selection in listed)
        return await cache.obtain(
            key, snapshot, lambda now: now.response_of_document(now.catalogue.list_of(listed))
        )

    async def oembed(request: Request, snapshot: Snapshot) -> Response | Reply:
        query = dict(_query(request))
        if (query.get("format") or "json") != "json":
            return Reply(501, "Only format=json is offered.")  # oEmbed 1.0 §2.3.3
        path, size = embed.path_of(query.get("url", ""), snapshot.site), embed.sizes(query)
        if path is None:
            refusal = Refusal("Give the address of one of our pages as `url`.")
            return await refuse(request, snapshot, refusal)

        def render(now: Snapshot) -> Response | Reply:
            found = now.pages.oembed(path, size)
            # What was pasted years ago is as good as what is pasted today.
            moved = now.moved(path) if isinstance(found, Refusal) else None
            found = now.pages.oembed(moved, size) if moved else found
            return now.reply(OEMBED, found) if isinstance(found, Refusal) else now.response_of_page(found)

        return await cache.obtain(f"{OEMBED}?{path}&{size}", snapshot, render)

    async def subscribe(request: Request, snapshot: Snapshot) -> Response | Reply:
        choice = read_choice(_query(request), snapshot.site)
        if isinstance(choice, Refusal):
            return await refuse(request, snapshot, choice)
        if isinstance(choice, list):
            key = f"{SUBSCRIBE}?{','.join(choice)}"
            return await cache.obtain(
                key, snapshot, lambda now: now.response_of_page(now.pages.too_many(choice))
            )
        selection, card = choice
        location = f"{snapshot.site.base_url}/{selection.path}#{card}"
        return Reply(303, f"The address of your feed is at {location}", {"location": location})

    async def refuse(request: Request, snapshot: Snapshot, refusal: Refusal) -> Response | Reply:
        path = request.scope["path"]
        return await cache.obtain(f"{path}?{refusal}", snapshot, lambda now: now.reply(path, refusal))

    async def health(request: Request) -> PlainResponse:
        return PlainTextResponse("ok\n", headers=ERROR)

    async def ready(request: Request) -> PlainResponse:
        snapshot = service.snapshot
        is_ready = snapshot is not None and service.clock() >= snapshot.not_before
        problems = [*service.faults, *(snapshot.problems if snapshot else ())]
        report = {
            "ready": is_ready,  # also while newer files cannot be read: what was read last is served
            "current": not service.faults,
            "posts": len(snapshot.library.posts) if snapshot else 0,
            "unrecorded": snapshot.library.unrecorded if snapshot else 0,
            "problems": [f"{problem.place}: {problem.what}" for problem in problems],
        }
        return JSONResponse(report, 200 if is_ready else 503, ERROR)

    routes = [
        Route("/healthz", health),
        Route("/readyz", ready),
        *(route for extension in extensions for route in getattr(extension, "routes", ())),
        Route(OPML, endpoint(opml)),
        Route(OEMBED, endpoint(oembed)),
        Route(SUBSCRIBE, endpoint(subscribe)),
        Route("/{path:path}", endpoint(document)),
    ]
    app = Starlette(routes=routes, lifespan=lambda _: _lifespan(service, reloader))
    app.router.redirect_slashes = False
    return ResponseCache(app, service, fast_path=settings.fast_path)


class _Sending:
    """The ASGI response of an endpoint: a prepared response, or a short reply."""

    def __init__(self, service: Service, found: Response | Reply) -> None:
        self._service = service
        self._found = found

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found, service, headers = self._found, self._service, scope["headers"]
        is_get = scope["method"] == "GET"
        if isinstance(found, Reply):
            service.answered(scope["raw_path"], headers, Sent(found.status))
            await error(found)(scope, receive, send)
            return
        prepared = await service.cache.prepare(found, headers, service.clock)
        sent = prepared.sent if is_get else prepared.sent._replace(size=0)
        service.answered(scope["raw_path"], headers, sent)
        await send(service.adjusted(prepared.start, found))
        await send(prepared.body if is_get else body_message(b""))


@contextlib.asynccontextmanager
async def _lifespan(service: Service, reloader: Reloader) -> AsyncIterator[None]:
    """Read the site, and keep what is served current until the service stops."""
    faults = await reloader.start(service)
    for fault in faults:
        log.error("the feeds were not started: %s: %s", fault.place, fault.what)
    if faults:
        if multiprocessing.parent_process() is not None:
            await asyncio.sleep(PAUSE)
        raise SystemExit(3)  # uvicorn's word for a worker that does not start
    tasks = [asyncio.create_task(reloader.keep_current(service)), asyncio.create_task(_look_ahead(service))]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()


async def _look_ahead(service: Service) -> None:
    """Note when responses begin to depend on the clock, and when nobody is left to stop this worker."""
    parent = multiprocessing.parent_process()  # of several workers; a single one has none
    while True:
        service.look_at_clock()
        if parent is not None and not parent.is_alive():
            os.kill(os.getpid(), signal.SIGTERM)  # else the port would be taken for ever
        await asyncio.sleep(INTERVAL)


def error(reply: Reply) -> PlainResponse:
    """A short plain response that no cache stores."""
    return PlainTextResponse(reply.text + "\n", reply.status, {**ERROR, **reply.headers})


def _query(request: Request) -> list[tuple[str, str]]:
    text = request.scope["query_string"][:LONGEST_QUERY].decode("latin-1")
    return parse_qsl(text, keep_blank_values=True)


def _without_traceback(send: Send) -> Send:
    """*send*, but without a traceback when a worker does not start: the reasons are in the log."""

    async def told(message: MutableMapping[str, Any]) -> None:
        await send({"type": message["type"]} if isinstance(sys.exception(), SystemExit) else message)

    return told
