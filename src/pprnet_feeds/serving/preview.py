"""The preview for editors: an extension that reloads open pages, and a gate around the service.

It shows what is not published. So it answers only to a name of this machine (a web page may give its own
name our address: DNS rebinding), no page of another site may read it, and no cache stores it.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pprnet_feeds.pages.pages import STATIC, page_headers
from pprnet_feeds.serving.response import ERROR

if TYPE_CHECKING:
    from pprnet_feeds.serving.snapshot import Snapshot

_OWN_HOST = re.compile(rb"(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)
_TAG = b'<script src="/preview.js" data-version="%b"></script>\n</head>'
_POLICY = page_headers("script-src 'self'; connect-src 'self'; ", form="'self'")[0]
# A page that is sent holds its version, so its bytes are not those that were rendered.
_OF_THE_BYTES = (b"etag", b"last-modified", b"content-length")
# How often an open page is compared with what is served, and the end of the service noticed.
_SECONDS = 0.1


class Preview:
    """Wraps the service of drafts, which has the base URL *local*, so that links stay on this machine.

    *public* is where readers will reach the site, or empty. *is_ending* says that the service stops:
    it waits for running responses, and a stream of changes would never end by itself.
    """

    def __init__(self, local: str, public: str, is_ending: Callable[[], bool]) -> None:
        self.routes = [Route("/preview.js", self._script), Route("/preview/changes", self._stream)]
        self._path, self._is_ending, self._number, self._version = urlsplit(local).path, is_ending, 0, b""
        # Links that an editor typed in full.
        self._public = re.compile(rf'((?:href|src)="){re.escape(public or local)}(?=[/?#"])'.encode())
        self._local = rb"\1" + local.encode()

    def swapped(self, _snapshot: Snapshot) -> None:
        """Reload the pages that are open: the version is another one, and also after a restart."""
        self._number += 1
        self._version = b"%d-%d" % (os.getpid(), self._number)

    def around(self, app: ASGIApp) -> ASGIApp:
        """The application *app* as an editor's browser sees it."""

        async def respond(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            hosts = [value for name, value in scope["headers"] if name == b"host"]
            if len(hosts) != 1 or not _OWN_HOST.fullmatch(hosts[0]):  # RFC 9110 §15.5.20
                refusal = PlainTextResponse("The preview is for this machine only.\n", 421, ERROR)
                await refusal(scope, receive, send)
                return
            path = scope["raw_path"]
            if (path + b"/").startswith(f"{self._path}/".encode()):
                path = path[len(self._path) :] or b"/"
            headers = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
            await app({**scope, "raw_path": path, "headers": headers}, receive, self._sender(send))

        return respond

    def _sender(self, send: Send) -> Send:
        """*send* for a response that no cache stores, with our script where it is a page."""
        tag, is_page = _TAG % self._version, False

        async def send_local(message: Message) -> None:
            nonlocal is_page
            if message["type"] == "http.response.start":
                fields = {n: v for n, v in message["headers"] if not n.startswith(b"access-control-")}
                if fields.get(b"cache-control") != b"no-store":
                    fields[b"cache-control"] = b"no-cache"
                is_page = fields.get(b"content-type", b"").startswith(b"text/html")
                if is_page:
                    fields = {n: v for n, v in fields.items() if n not in _OF_THE_BYTES}
                    fields[_POLICY[0].encode()] = _POLICY[1].encode()
                message = {**message, "headers": [*fields.items()]}
            elif is_page:
                body = message.get("body", b"").replace(b"</head>", tag, 1)
                message = {**message, "body": self._public.sub(self._local, body)}
            await send(message)

        return send_local

    async def _script(self, _request: Request) -> Response:
        script = files("pprnet_feeds.pages").joinpath("static/preview.js")
        return Response(script.read_bytes(), media_type=STATIC["/site.js"])

    async def _stream(self, _request: Request) -> Response:
        return StreamingResponse(self._events(), media_type="text/event-stream")

    async def _events(self) -> AsyncIterator[bytes]:
        """The version, now and whenever it changes, until the service or the client ends."""
        sent = b""
        while not self._is_ending():
            if sent != self._version:
                sent = self._version
                yield b"data: %b\n\n" % sent
            await asyncio.sleep(_SECONDS)
