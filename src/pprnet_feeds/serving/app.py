"""The service: an ASGI application with Starlette's router behind the response cache.

A request for a listed feed that was rendered before is answered from the cache. Any other goes
through the router to its endpoint, which renders the response in one thread. Absolute addresses come
from the site's settings, never from a header field.
"""

import asyncio
import contextlib
import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.responses import Response as PlainResponse
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from pprnet_feeds.pages import embed
from pprnet_feeds.pages.pages import ERROR_PAGE, SEARCH, render_error
from pprnet_feeds.pages.subscribe import read_choice
from pprnet_feeds.serving.cache import ResponseCache
from pprnet_feeds.serving.conditional import http_date
from pprnet_feeds.serving.reload import Reloader, unix_now, utc_now
from pprnet_feeds.serving.response import ALLOW, ERROR, Pair, Prepared, Reply, Response, Sent, joined_fields
from pprnet_feeds.serving.snapshot import OEMBED, OPML, QUERIED, SUBSCRIBE, Snapshot
from pprnet_feeds.settings import Settings
from pprnet_feeds.state.last_modified import TimestampStore
from pprnet_feeds.syndication.catalogue import Document
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
_fields = partial(parse_qsl, keep_blank_values=True)
UNREADABLE = "The posts cannot be read just now; ask again in a minute."

# What a snapshot, a path and the text of a query lead to: a path whose response is wanted; or what is to be
# rendered, with all that decides how it looks; or why there is nothing.
Render = Callable[[], Document | Refusal]
Query = tuple[object, Render]
Endpoint = Callable[[Snapshot, str, str], str | Query | Refusal | Reply]


class Application:
    """The ASGI 3.0 application. *store* remembers when things changed; without one only this process does.

    Attributes:
        at_once: what `protocol` asks for a response that it writes without starting a task.
        reloader: keeps what is served current; a host that sends no lifespan messages runs it.
    """

    def __init__(
        self,
        settings: Settings,
        extensions: Sequence[Any] = (),
        store: TimestampStore | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.at_once = self._cached if settings.fast_path else None
        self.reloader = Reloader(settings, environ, store or TimestampStore(), self._swap)
        self._cache = ResponseCache()
        self._swapped = [one.swapped for one in extensions if getattr(one, "swapped", None)]
        self._answered = [one.answered for one in extensions if getattr(one, "answered", None)]
        routes = [
            Route("/healthz", _health),
            Route("/readyz", self._ready),
            *(route for extension in extensions for route in getattr(extension, "routes", ())),
            Route(OPML, self._endpoint(_opml)),
            Route(OEMBED, self._endpoint(_oembed)),
            Route(SUBSCRIBE, self._endpoint(_subscribe)),
            Route(SEARCH, self._endpoint(_search)),
            Route(SEARCH.rstrip("/"), self._endpoint(_search)),
            Route("/{path:path}", self._endpoint(lambda _snapshot, path, _query: path)),
        ]
        self._router = Router(routes, redirect_slashes=False)

    async def _swap(self, snapshot: Snapshot) -> None:
        await self._cache.swap(snapshot)
        for swapped in self._swapped:
            swapped(snapshot)

    def _cached(self, target: bytes, headers: Sequence[Pair]) -> Prepared | None:
        """The prepared response to a GET of *target*; None when the request must be passed on."""
        response, now = self._cache.listed.get(target), unix_now()
        if response is None or not response.since <= now < self._cache.adjusted_from:
            return None
        fields = dict(headers)
        # A body whose end cannot be found ends the connection, and two hosts are an error.
        if b"transfer-encoding" in fields or b"host" not in fields or len(fields) != len(headers):
            return None
        prepared = response.choose(fields, now)
        response.used = now
        if prepared is not None:
            self._report(target, fields, prepared.sent)
        return prepared

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or serve from the start of the server to its end."""
        if scope["type"] != "http":
            is_lifespan = scope["type"] == "lifespan"
            await (self._serve(receive, send) if is_lifespan else self._router(scope, receive, send))
            return
        method, reply = scope["method"], None
        if method == "GET" and not (scope["query_string"] and scope["path"] in QUERIED):
            prepared = self._cached(scope["raw_path"], scope["headers"])
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
            await self._send(reply, {**scope, "raw_path": b"", "headers": []}, receive, send)
            return
        # Addresses of ours need no escapes: the router sees what was asked for.
        scope["path"] = scope["raw_path"].decode("latin-1")
        await self._router(scope, receive, send)

    def _endpoint(self, read: Endpoint) -> Any:
        async def respond(request: Request) -> ASGIApp:
            snapshot, path = self._cache.snapshot, request.scope["path"]
            if snapshot is None:
                return partial(self._send, Reply(503, UNREADABLE, {"retry-after": "60"}))
            query = request.scope["query_string"].decode("latin-1")
            if len(query) > LONGEST_QUERY:  # cut where a word ends
                end = max(query.rfind(sign, 0, LONGEST_QUERY) for sign in "&+%")
                query = query[: end if end > 0 else LONGEST_QUERY]
            asked = read(snapshot, path, query)
            if isinstance(asked, Reply):
                return partial(self._send, asked)
            if isinstance(asked, str):
                return partial(self._send, await self._cache.find(asked, snapshot))
            value, render = (asked, lambda: asked) if isinstance(asked, Refusal) else asked
            job = partial(_render, snapshot, path, render)
            return partial(self._send, await self._cache.obtain(f"{path}?{value}", snapshot, job))

        return respond

    async def _send(self, found: Response | Reply, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a response, or a short reply that no cache stores."""
        target, fields, is_get = scope["raw_path"], joined_fields(scope["headers"]), scope["method"] == "GET"
        run, snapshot = asyncio.get_running_loop().run_in_executor, self._cache.snapshot
        if isinstance(found, Reply):
            self._report(target, fields, Sent(found.status))
            text, media_type = (f"{found.text}\n", "text/plain") if found.text else ("", None)
            extra = {**ERROR, **found.headers}
            if found.status >= 400 and fields.get(b"sec-fetch-dest") == b"document":
                with contextlib.suppress(OSError):  # no file can be opened for now, such as a template
                    page = await run(self._cache.thread, _error_page, snapshot, scope["path"], found)
                    text, media_type, extra = page.decode(), "text/html", extra | ERROR_PAGE
            return await PlainResponse(text, found.status, extra, media_type)(scope, receive, send)
        now = utc_now()
        prepared = found.choose(fields, now.timestamp())
        if prepared is None:
            prepared = await run(self._cache.thread, found.prepare, fields, now)
        self._report(target, fields, prepared.sent if is_get else prepared.sent._replace(size=0))
        start = prepared.start
        if snapshot and not found.since <= now.timestamp() < snapshot.adjusted_from:
            # Nothing that is sent is later than now, and nothing outlives the next release.
            adjusted = dict(start["headers"]) | {b"cache-control": snapshot.cache_control(now).encode()}
            if b"last-modified" in adjusted:
                adjusted[b"last-modified"] = http_date(min(found.last_modified, now)).encode()
            start = start | {"headers": [*adjusted.items()]}
        await send(start)
        await send(prepared.body if is_get else {"type": "http.response.body"})

    def _report(self, target: bytes, fields: Mapping[bytes, bytes], sent: Sent) -> None:
        for answered in self._answered:
            answered(target, fields, sent)

    async def _ready(self, _request: Request) -> PlainResponse:
        snapshot, faults = self._cache.snapshot, self.reloader.faults
        is_ready = snapshot is not None and utc_now() >= snapshot.not_before
        problems = [*faults, *(snapshot.problems if snapshot else ())]
        report = {
            "ready": is_ready,  # also while newer files cannot be read: what was read last is served
            "current": not faults,
            "posts": len(snapshot.library.posts) if snapshot else 0,
            "unrecorded": snapshot.library.unrecorded if snapshot else 0,
            "problems": [f"{problem.place}: {problem.what}" for problem in problems],
        }
        return JSONResponse(report, 200 if is_ready else 503, ERROR)

    async def _serve(self, receive: Receive, send: Send) -> None:
        """Read the site, and keep what is served current until the server stops."""
        await receive()
        # Threads that build and render give way ten times sooner: requests would wait for 5 ms at each step.
        sys.setswitchinterval(0.0005)
        self.reloader.owns_process = True
        supervisor = multiprocessing.parent_process()  # a single worker has none
        faults = await self.reloader.start()
        for fault in faults:
            log.error("the feeds were not started: %s: %s", fault.place, fault.what)
        if faults:
            await asyncio.sleep(PAUSE if supervisor else 0)
            await send({"type": "lifespan.startup.failed"})
            return
        if supervisor:
            _stop_after(supervisor.sentinel)
        task = asyncio.create_task(self.reloader.keep_current())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        task.cancel()
        await send({"type": "lifespan.shutdown.complete"})


def _stop_after(sentinel: int) -> None:
    """Stop this worker when its supervisor is killed: it would keep the port for ever."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        loop.remove_reader(sentinel)
        os.kill(os.getpid(), signal.SIGTERM)

    loop.add_reader(sentinel, stop)


def _render(snapshot: Snapshot, path: str, render: Render) -> Response | Reply:
    found = render()
    return snapshot.reply(path, found) if isinstance(found, Refusal) else snapshot.response_of(found)


def _error_page(snapshot: Snapshot | None, path: str, reply: Reply) -> bytes:
    """What a *reply* says to a program, as a page for a person."""
    if snapshot is None:
        return render_error(reply.status, reply.text)
    near = [*reply.near, *snapshot.pages.nearest_posts(path)] if reply.status == 404 else ()
    return render_error(reply.status, reply.text, snapshot.pages, near)


async def _health(_request: Request) -> PlainResponse:
    return PlainTextResponse("ok\n", headers=ERROR)


def _opml(snapshot: Snapshot, path: str, query: str) -> str | Query | Refusal:
    values = [value for name, value in _fields(query) if name == "topic"]
    topics = chosen_slugs(values, "topics", snapshot.site)
    if isinstance(topics, Refusal):
        return topics
    listed = [one for one in selections(snapshot.site) if topics.intersection(one.topics)]
    return (listed, lambda: snapshot.catalogue.list_of(listed)) if listed else path


def _oembed(snapshot: Snapshot, _path: str, query: str) -> Query | Refusal | Reply:
    fields = dict(_fields(query))
    if (fields.get("format") or "json") != "json":
        return Reply(501, "Only format=json is offered.")  # oEmbed 1.0 §2.3.3
    path, size = embed.path_of(fields.get("url", ""), snapshot.site), embed.sizes(fields)
    if path is None:
        return Refusal("Give the address of one of our pages as `url`.")

    def render() -> Document | Refusal:
        found = snapshot.pages.oembed(path, size)
        if isinstance(found, Refusal) and (moved := snapshot.moved(path)):  # it was pasted years ago
            return snapshot.pages.oembed(moved, size)
        return found

    return (path, size), render


def _subscribe(snapshot: Snapshot, _path: str, query: str) -> Query | Refusal | Reply:
    choice = read_choice(_fields(query), snapshot.site)
    if isinstance(choice, Refusal):
        return choice
    if isinstance(choice, list):
        return choice, lambda: snapshot.pages.too_many(choice)
    selection, card = choice
    location = f"{snapshot.site.base_url}/{selection.path}#{card}"
    return Reply(303, f"The address of your feed is at {location}", {"location": location})


def _search(snapshot: Snapshot, path: str, query: str) -> Query | Refusal | Reply:
    fields = _fields(query)
    words = " ".join(value for name, value in fields if name == "q")  # it may be repeated
    asked = snapshot.pages.read_query(dict(fields) | {"q": words})
    if isinstance(asked, Refusal):
        return asked
    if not path.endswith("/"):
        location = f"{snapshot.site.base_url}{SEARCH}" + (f"?{query}" if query else "")
        return Reply(301, "This address has moved.", {"location": location})
    return asked, lambda: snapshot.pages.search(asked)
