"""The service: an ordinary Starlette application behind one pure-ASGI middleware, the response cache.

A request for a listed feed that was rendered before is answered from the cache. Any other goes
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
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.responses import Response as PlainResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from pprnet_feeds.pages import embed
from pprnet_feeds.pages.pages import ERROR_PAGE, SEARCH, render_error
from pprnet_feeds.pages.subscribe import read_choice
from pprnet_feeds.serving.cache import ResponseCache
from pprnet_feeds.serving.conditional import http_date
from pprnet_feeds.serving.reload import Reloader, unix_now, utc_now
from pprnet_feeds.serving.response import ALLOW, ERROR, Message, Pair, Prepared, Reply, Response, Sent, joined
from pprnet_feeds.serving.snapshot import OEMBED, OPML, QUERIED, SUBSCRIBE, Snapshot
from pprnet_feeds.settings import Settings
from pprnet_feeds.state.last_modified import TimestampStore
from pprnet_feeds.syndication.selection import Refusal, chosen_slugs, selections

log = logging.getLogger("pprnet_feeds")

LONGEST_ADDRESS, LONGEST_QUERY = 2048, 4096
# For how many seconds one of several workers that cannot start waits before another is tried.
PAUSE = 2.0
_PREFLIGHT = {
    "allow": ALLOW,
    "access-control-allow-methods": ALLOW,
    "access-control-allow-headers": "If-None-Match, If-Modified-Since, Accept, Accept-Encoding, A-IM",
    "access-control-max-age": "86400",
}


class CacheMiddleware:
    """Answers what is cached, and passes every other request on to *app*.

    Attributes:
        at_once: what `protocol` asks for a response that it writes without starting a task.
    """

    def __init__(self, extensions: Sequence[Any], *, fast_path: bool) -> None:
        self.cache = ResponseCache()
        self.app: ASGIApp
        self.reloader: Reloader
        self.at_once = self.cached if fast_path else None
        self._swapped = [one.swapped for one in extensions if getattr(one, "swapped", None)]
        self._answered = [one.answered for one in extensions if getattr(one, "answered", None)]

    async def swap(self, snapshot: Snapshot) -> None:
        """Answer from *snapshot* from now on."""
        await self.cache.swap(snapshot)
        for swapped in self._swapped:
            swapped(snapshot)

    def cached(self, target: bytes, headers: Sequence[Pair]) -> Prepared | None:
        """The prepared response to a GET of *target*; None when the request must be passed on."""
        response, now = self.cache.listed.get(target), unix_now()
        if response is None or not response.since <= now < self.cache.adjusted_from:
            return None
        fields = dict(headers)
        # A body whose end cannot be found ends the connection, and two hosts are an error.
        if b"transfer-encoding" in fields or b"host" not in fields or len(fields) != len(headers):
            return None
        prepared = response.choose(fields, now)
        response.used = now
        if prepared is not None:
            self._report(target, headers, prepared.sent)
        return prepared

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI 3.0)."""
        if scope["type"] != "http":
            await self.app(scope, receive, _without_traceback(send))
            return
        method, reply = scope["method"], None
        if method == "GET" and not (scope["query_string"] and scope["path"] in QUERIED):
            prepared = self.cached(scope["raw_path"], scope["headers"])
            if prepared is not None:
                await send(prepared.start)
                await send(prepared.body)
                return
        if method == "OPTIONS":
            reply = Reply(204, "", _PREFLIGHT)
        elif method not in ("GET", "HEAD"):  # RFC 9110 §15.5.6
            reply = Reply(405, "Only GET and HEAD are understood here.", {"allow": ALLOW})
        elif len(scope["raw_path"]) > LONGEST_ADDRESS:
            reply = Reply(414, "This address is too long to be one of ours.")
        if reply is not None:  # it counts for no address
            await self.send(reply, {**scope, "raw_path": b"", "headers": []}, receive, send)
            return
        # Addresses of ours need no escapes: the router sees what was asked for.
        scope["path"] = scope["raw_path"].decode("latin-1")
        await self.app(scope, receive, send)

    async def send(self, found: Response | Reply, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a response, or a short reply that no cache stores."""
        target, headers, is_get = scope["raw_path"], scope["headers"], scope["method"] == "GET"
        if isinstance(found, Reply):
            self._report(target, headers, Sent(found.status))
            text, media_type = (f"{found.text}\n", "text/plain") if found.text else ("", None)
            extra = {**ERROR, **found.headers}
            if found.status >= 400 and (b"sec-fetch-dest", b"document") in headers:
                with contextlib.suppress(OSError):  # no file can be opened for now, such as a template
                    text, media_type = await self._error_page(scope["path"], found), "text/html"
                    extra |= ERROR_PAGE
            return await PlainResponse(text, found.status, extra, media_type)(scope, receive, send)
        now, fields, loop = utc_now(), joined(headers), asyncio.get_running_loop()
        prepared = found.choose(fields, now.timestamp())
        if prepared is None:
            prepared = await loop.run_in_executor(self.cache.thread, found.prepare, fields, now)
        self._report(target, headers, prepared.sent if is_get else prepared.sent._replace(size=0))
        await send(self._adjusted(prepared.start, found, now))
        await send(prepared.body if is_get else {"type": "http.response.body"})

    async def _error_page(self, path: str, reply: Reply) -> str:
        snapshot = self.cache.snapshot

        def render() -> bytes:
            return snapshot.render_error(path, reply) if snapshot else render_error(reply.status, reply.text)

        return (await asyncio.get_running_loop().run_in_executor(self.cache.thread, render)).decode()

    def _report(self, target: bytes, headers: Sequence[Pair], sent: Sent) -> None:
        for answered in self._answered:
            answered(target, headers, sent)

    def _adjusted(self, start: Message, response: Response, now: datetime) -> Message:
        """The *start* of a response with what depends on the clock: its lifetime near a release.

        Nothing that is sent is later than now.
        """
        snapshot = self.cache.snapshot
        if snapshot is None or response.last_modified <= now < snapshot.adjusted_from:
            return start
        fields = dict(start["headers"]) | {b"cache-control": snapshot.cache_control(now).encode()}
        if b"last-modified" in fields:
            fields[b"last-modified"] = http_date(min(response.last_modified, now)).encode()
        return start | {"headers": [*fields.items()]}


def create(
    settings: Settings,
    extensions: Sequence[Any] = (),
    store: TimestampStore | None = None,
    environ: Mapping[str, str] = os.environ,
) -> CacheMiddleware:
    """Make the application. *store* remembers when things changed; without one only this process does."""
    middleware = CacheMiddleware(extensions, fast_path=settings.fast_path)
    cache = middleware.cache
    reloader = Reloader(settings, environ, store or TimestampStore(), middleware.swap)
    middleware.reloader = reloader

    def endpoint(find: Callable[[Request, Snapshot], Awaitable[Response | Reply]]) -> Any:
        async def respond(request: Request) -> ASGIApp:
            found: Response | Reply
            if cache.snapshot is None:
                text = "The posts cannot be read just now; ask again in a minute."
                found = Reply(503, text, {"retry-after": "60"})
            else:
                found = await find(request, cache.snapshot)
            return lambda scope, receive, send: middleware.send(found, scope, receive, send)

        return respond

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
        render = snapshot.catalogue.list_of
        return await cache.obtain(key, snapshot, lambda: snapshot.response_of_document(render(listed)))

    async def oembed(request: Request, snapshot: Snapshot) -> Response | Reply:
        query = dict(_query(request))
        if (query.get("format") or "json") != "json":
            return Reply(501, "Only format=json is offered.")  # oEmbed 1.0 §2.3.3
        path, size = embed.path_of(query.get("url", ""), snapshot.site), embed.sizes(query)
        if path is None:
            return await refuse(request, snapshot, Refusal("Give the address of one of our pages as `url`."))

        def render() -> Response | Reply:
            found = snapshot.pages.oembed(path, size)
            if isinstance(found, Refusal) and (moved := snapshot.moved(path)):  # it was pasted years ago
                found = snapshot.pages.oembed(moved, size)
            if isinstance(found, Refusal):
                return snapshot.reply(OEMBED, found)
            return snapshot.response_of_page(found)

        return await cache.obtain(f"{OEMBED}?{path}&{size}", snapshot, render)

    async def subscribe(request: Request, snapshot: Snapshot) -> Response | Reply:
        choice = read_choice(_query(request), snapshot.site)
        if isinstance(choice, Refusal):
            return await refuse(request, snapshot, choice)
        if isinstance(choice, list):
            key = f"{SUBSCRIBE}?{','.join(choice)}"
            render = snapshot.pages.too_many
            return await cache.obtain(key, snapshot, lambda: snapshot.response_of_page(render(choice)))
        selection, card = choice
        location = f"{snapshot.site.base_url}/{selection.path}#{card}"
        return Reply(303, f"The address of your feed is at {location}", {"location": location})

    async def search(request: Request, snapshot: Snapshot) -> Response | Reply:
        fields = _query(request)
        words = " ".join(value for name, value in fields if name == "q")  # it may be repeated
        query = snapshot.pages.read_query(dict(fields) | {"q": words})
        if isinstance(query, Refusal):
            return await refuse(request, snapshot, query)
        if not request.scope["path"].endswith("/"):
            asked = request.scope["query_string"].decode("latin-1")
            location = f"{snapshot.site.base_url}{SEARCH}" + (f"?{asked}" if asked else "")
            return Reply(301, "This address has moved.", {"location": location})
        render = snapshot.pages.search
        return await cache.obtain(
            f"{SEARCH}?{query}", snapshot, lambda: snapshot.response_of_page(render(query))
        )

    async def refuse(request: Request, snapshot: Snapshot, refusal: Refusal) -> Response | Reply:
        path = request.scope["path"]
        return await cache.obtain(f"{path}?{refusal}", snapshot, lambda: snapshot.reply(path, refusal))

    async def health(request: Request) -> PlainResponse:
        return PlainTextResponse("ok\n", headers=ERROR)

    async def ready(request: Request) -> PlainResponse:
        snapshot = cache.snapshot
        is_ready = snapshot is not None and utc_now() >= snapshot.not_before
        problems = [*reloader.faults, *(snapshot.problems if snapshot else ())]
        report = {
            "ready": is_ready,  # also while newer files cannot be read: what was read last is served
            "current": not reloader.faults,
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
        Route(SEARCH, endpoint(search)),
        Route(SEARCH.rstrip("/"), endpoint(search)),
        Route("/{path:path}", endpoint(document)),
    ]
    middleware.app = app = Starlette(routes=routes, lifespan=lambda _: _lifespan(reloader))
    app.router.redirect_slashes = False
    return middleware


@contextlib.asynccontextmanager
async def _lifespan(reloader: Reloader) -> AsyncIterator[None]:
    """Read the site, and keep what is served current until the service stops."""
    # Threads that build and render give way ten times sooner: requests would wait for 5 ms at each step.
    sys.setswitchinterval(0.0005)
    reloader.is_host = True
    faults = await reloader.start()
    for fault in faults:
        log.error("the feeds were not started: %s: %s", fault.place, fault.what)
    if faults:
        if multiprocessing.parent_process() is not None:
            await asyncio.sleep(PAUSE)
        raise SystemExit(3)  # uvicorn's code for a worker that does not start
    _stop_with_supervisor()
    task = asyncio.create_task(reloader.keep_current())
    try:
        yield
    finally:
        task.cancel()


def _stop_with_supervisor() -> None:
    """Stop one of several workers when its supervisor is killed: it would keep the port for ever."""
    loop, supervisor = asyncio.get_running_loop(), multiprocessing.parent_process()

    def stop(sentinel: int) -> None:
        loop.remove_reader(sentinel)
        os.kill(os.getpid(), signal.SIGTERM)

    if supervisor is not None:  # a single worker has none
        loop.add_reader(supervisor.sentinel, stop, supervisor.sentinel)


def _query(request: Request) -> list[tuple[str, str]]:
    text = request.scope["query_string"].decode("latin-1")
    if len(text) > LONGEST_QUERY:  # cut where a word ends
        text = text[: max(text.rfind(sign, 0, LONGEST_QUERY) for sign in "&+%")]
    return parse_qsl(text, keep_blank_values=True)


def _without_traceback(send: Send) -> Send:
    """*send*, but without a traceback when a worker does not start: the reasons are in the log."""

    async def send_type(message: MutableMapping[str, Any]) -> None:
        await send({"type": message["type"]} if isinstance(sys.exception(), SystemExit) else message)

    return send_type
