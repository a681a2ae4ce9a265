"""HTTP/1.1 on the wire: limits that uvicorn's parser lacks, `Date`, and the fast path.

This is the only module that knows uvicorn's internals; `missing` names those that a newer uvicorn
lacks, and `serve` then runs on uvicorn's own h11 protocol.

A connection is in one of these states:

    reading     the bytes of a head arrive: 431 for too many, 408 after `patience` seconds (closed in
                silence when nothing came), 400 or 405 for a wrong head.
    responding  a head is whole. A prepared response is written at once (the fast path), without an ASGI
                scope, a task or a timer: those cost twice what the response does. Any other response is
                a task of the application.
    waiting     more arrives while a response is awaited, or not accepted by the client. It stays
                unparsed, and nothing is read. Otherwise `SLICE` bytes are parsed in one turn of the
                event loop, so that a client with many requests does not keep others waiting.
    stalled     the client accepts no bytes: aborted after `stall` seconds.
    refused     an error was sent. What still comes is ignored; closed after `LINGER` seconds.

`Date` is written here on both paths: uvicorn renews its own once a second, and it could be earlier than
a `Last-Modified` that is younger than a second.
"""

import asyncio
import contextlib
import re
import socket
import time
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http import flow_control, httptools_impl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pprnet_feeds.serving.response import ALLOW, ERROR

# Bytes of a request's head, and of a body, which is not read.
LONGEST_PART = 65_536
# Bytes that are parsed in one turn of the event loop.
SLICE = 1024
# Bytes that the system stores beyond what the client accepted, so that slow progress is seen.
UNSENT = 131_072
# For how many seconds a refused client may go on sending: closed at once, it would never read the error.
LINGER = 1.0

_ABSOLUTE = re.compile(rb"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_NO_PATH = re.compile(rb"\A[^/?]+://[^/?]+(?=\?|\Z)")
_CLOSE = b"\r\nconnection: close\r\n\r\n"
_WORDS = {
    400: "This request cannot be understood.",
    405: "Only GET and HEAD are understood here.",
    408: "The request was not finished in time.",
    431: "The head of this request is too large.",
}
_NEEDED = (
    (HttpToolsProtocol, "connection_made connection_lost data_received on_message_begin on_url on_header"),
    (HttpToolsProtocol, "on_headers_complete on_body on_message_complete on_response_complete"),
    (HttpToolsProtocol, "_start_asgi_task"),
    (httptools_impl, "RequestResponseCycle"),
    (getattr(flow_control, "FlowControl", None), "pause_reading resume_reading resume_writing"),
)
_ATTRIBUTES = ("app", "cycle", "flow", "headers", "parser", "pipeline", "scope", "transport")


def missing() -> list[str]:
    """The internals of uvicorn that this module needs and that the installed one lacks."""
    names = [name for owner, names in _NEEDED for name in names.split() if not hasattr(owner, name)]
    code: Any = getattr(HttpToolsProtocol.__init__, "__code__", None)
    names += [name for name in _ATTRIBUTES if name not in getattr(code, "co_names", ())]
    cycle = getattr(getattr(httptools_impl, "RequestResponseCycle", None), "__init__", None)
    return names + ["default_headers"] * ("default_headers" not in getattr(cycle, "__annotations__", ()))


class _Date:
    """The field `Date`, made once a second."""

    _second, _value = 0.0, b""

    def value(self) -> bytes:
        """The value in a response that is sent now."""
        second = time.time() // 1
        if second != self._second:
            self._second, self._value = second, formatdate(second, usegmt=True).encode()
        return self._value

    def __add__(self, fields: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The header fields of a response that is sent now: uvicorn adds its own to its default ones."""
        return [*fields, (b"date", self.value())]


_DATE = _Date()


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol with limits, and with errors of our own."""

    patience = 5.0  # seconds between two checks of a connection
    stall = 30.0  # for how many seconds a client may accept nothing

    _since = 0  # bytes since the data that completed a head
    _is_new = True  # whether a head was completed since the last check, or there was none
    _whole = False  # whether the head of the newest request is complete
    _refused = False
    _unparsed = b""
    _unsent = 0  # bytes that the client had not accepted at the last check
    _moved = 0.0  # when a check last saw progress
    _running: Any = None  # the cycle whose task runs
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to check a new connection."""
        super().connection_made(transport)
        self._at_once = getattr(self.app, "at_once", None)
        self._application, self.app = self.app, self._respond
        with contextlib.suppress(AttributeError, OSError):  # where the system has no such bound
            own = transport.get_extra_info("socket")
            own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)
        self._timer = self.loop.call_later(self.patience, self._check)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection, and all requests that wait on it."""
        self.pipeline.clear()
        self._unparsed = b""
        if self._running is not None:  # uvicorn only marks the newest request
            self._running.disconnected = True
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Parse what has come, and stop reading while a response is awaited or not accepted."""
        self._unparsed += data
        self._parse()

    def resume_writing(self) -> None:
        """Go on when the client has accepted most of what was written."""
        super().resume_writing()
        self.loop.call_soon(self._parse)

    def _parse(self) -> None:
        """Parse one slice; the rest in the next turns of the event loop."""
        if self._refused or self.transport.is_closing():
            self._unparsed = b""
        if self._unparsed and self._running is None and not self.flow.write_paused:
            part, self._unparsed = self._unparsed[:SLICE], self._unparsed[SLICE:]
            self._since += len(part)
            try:
                self.parser.feed_data(part)
            except httptools.HttpParserUpgrade:
                # It is answered in HTTP/1.1 (RFC 9110 §7.8); the rest is not parsed.
                if self.cycle is not None:
                    self.cycle.keep_alive = False
            except httptools.HttpParserError as error:
                # The parser refuses a method it does not know, and the target of CONNECT, which is no path.
                unknown = isinstance(error, httptools.HttpParserInvalidMethodError)
                tunnel = self.scope is not None and self.scope.get("method") == "CONNECT"
                self._refuse(405 if unknown or tunnel else 400)
            if self._since > LONGEST_PART:  # more than any honest reader sends
                self._refuse(431)
            if self._unparsed:
                self.loop.call_soon(self._parse)
        if (self._unparsed or self.flow.read_paused) and not self.transport.is_closing():
            (self.flow.pause_reading if self._unparsed else self.flow.resume_reading)()

    def on_message_begin(self) -> None:
        """Begin to read the head of a request; its ASGI scope is made when it is needed."""
        self._whole = False
        self.url, self.headers = b"", []

    def on_header(self, name: bytes, value: bytes) -> None:
        """Store a field. `Expect` needs nothing: no endpoint waits for a body."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Answer a request whose head is complete: at once, or by the application."""
        if self._refused or self.transport.is_closing():  # the request before was the last one answered here
            return
        if not self._answers_at_once():
            if not self._is_legal():
                self._refuse(400)
                return
            url, headers = self.url, self.headers
            super().on_message_begin()
            self.url = url if url[:1] == b"/" else _NO_PATH.sub(rb"\g<0>/", url)  # RFC 9110 §4.2.3
            self.scope["headers"] = headers  # a field that follows the body decides nothing (§6.5.1)
            super().on_headers_complete()
        self._since = 0
        self._is_new = self._whole = True

    def on_message_complete(self) -> None:
        """Do nothing: no endpoint waits for the end of a body."""

    def on_response_complete(self) -> None:
        """Go on to the next request; `_check` notices one that never comes, so it needs no timer."""
        self.server_state.total_requests += 1
        self._running = None
        if self.transport.is_closing():
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._unparsed:
            self.loop.call_soon(self._parse)

    def on_body(self, body: bytes) -> None:
        """Ignore a body: nothing here reads one (RFC 9110 §9.3.1)."""

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._running = cycle
        cycle.default_headers = _DATE
        super()._start_asgi_task(cycle, app)

    async def _respond(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await self._application(scope, receive, send)
        except RuntimeError:  # of the transport, when the client has hung up
            if not self.transport.is_closing():
                raise
            if self._running is not None:
                self._running.disconnected = True

    def _is_legal(self) -> bool:
        """Whether one Host comes with a target of a known form, without a fragment (RFC 9112 §3.2)."""
        hosts = 0
        for name, _ in self.headers:  # the fastest way to count
            hosts += name == b"host"
        if hosts != 1 and (hosts or self.parser.get_http_version() != "1.0"):
            return False
        if (self.url[:1] == b"/" or _ABSOLUTE.match(self.url)) and b"#" not in self.url:
            return True
        method = self.parser.get_method()
        return self.url == b"*" if method == b"OPTIONS" else method == b"CONNECT"  # which is refused

    def _answers_at_once(self) -> bool:
        """Whether the response was prepared, and is written."""
        # Responses go out in the order of the requests, and none to a client that does not read.
        if self._at_once is None or self._running is not None or self.flow.write_paused:
            return False
        parser = self.parser
        if parser.get_method() != b"GET" or parser.should_upgrade():
            return False
        prepared = self._at_once(self.url, self.headers)
        if prepared is None:
            return False
        keep_alive = parser.should_keep_alive() and parser.get_http_version() != "1.0"
        end = b"\r\n\r\n" if keep_alive else _CLOSE
        head, body = prepared.head + b"date: " + _DATE.value() + end, prepared.body["body"]
        if body:
            self.transport.writelines((head, body))
        else:  # one piece takes less work
            self.transport.write(head)
        if not keep_alive:
            self.transport.close()
        return True

    def _check(self) -> None:
        """Close the connection when no head was completed, or no byte accepted, for too long."""
        self._timer = self.loop.call_later(self.patience, self._check)
        unsent, now = self.transport.get_write_buffer_size(), self.loop.time()
        is_new, self._is_new = self._is_new, False
        if is_new or not unsent or unsent < self._unsent:
            self._moved = now
        elif now - self._moved >= self.stall:
            self.transport.abort()
        is_idle = not (is_new or unsent or self._unsent or self._running is not None)
        if is_idle and self._since:
            self._refuse(408)
        elif is_idle:
            self.transport.close()
        self._unsent = unsent

    def _refuse(self, status: int) -> None:
        """Answer with an error and close.

        Responses that are still to come are sent first. A request that is refused for its body and has
        its response gets no second one: the client would take it for the response to its next request.
        """
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        if self._running is not None:
            self.cycle.keep_alive = False  # of the newest request
            return
        if not self._whole:
            self.transport.write(self._error(status))
        self.transport.write_eof()
        self.loop.call_later(LINGER, self.transport.close)

    def _error(self, status: int) -> bytes:
        text = f"{_WORDS[status]}\n"
        fields = {"content-type": "text/plain; charset=utf-8", "content-length": len(text)}
        fields |= {"allow": ALLOW} if status == 405 else {}
        lines = "".join(f"{name}: {value}\r\n" for name, value in (fields | ERROR).items())
        start = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{lines}date: "
        has_body = self.parser.get_method() != b"HEAD"  # RFC 9110 §9.3.2
        return start.encode() + _DATE.value() + _CLOSE + text.encode() * has_body
