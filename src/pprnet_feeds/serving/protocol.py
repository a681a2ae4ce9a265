"""HTTP/1.1 on the wire: what uvicorn's protocol refuses or would wait for, refused in our words.

The parser has no limits of its own: a head of a hundred megabytes would be
collected, in time that grows with its square, while nobody else is answered.
So the bytes of a head and of a body are counted, and whoever stays silent is
let go. No stranger may fill the memory, the log or the list of connections.

An answer that lies ready is written as soon as the head of its request is
whole, without an ASGI scope, a task or a timer: those cost twice what the
answer does.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import sys
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from pprnet_feeds.serving.refusals import refusal

# Bytes of a request's head, and of a body that nobody reads.
LONGEST_PART = 65_536
# Bytes that are parsed at a time: some tens of requests at most, which wait while one is answered.
PIECE = 1024
# Bytes that the system takes over beyond what the client accepts, so that it is seen whether it does.
WAITING = 131_072
# For how many seconds a refused client may go on sending: closed at once, it would never read the answer.
LINGER = 1.0

_TARGET = re.compile(rb"(?:/|[a-z][a-z0-9+.-]*://)[^#]*", re.IGNORECASE)
_CLOSE = b"connection: close\r\n"


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol, with limits and with errors of our own.

    Attributes:
        patience: seconds between two looks at whether a head has become whole; a connection on which none
            has, from one look to the next, is closed.
        stall: seconds after which a client that accepts nothing of its answers is let go.
    """

    patience = 5.0
    stall = 30.0

    _unread = b""  # what has come and is not parsed yet
    _left = 0  # bytes of answers that the client had not accepted at the last look
    _moved = 0.0  # when a look last saw that something had happened
    _since = 0  # bytes since the data that completed a head
    _heads = 0  # how many heads have become whole
    _looked = -1  # how many had at the last look
    _whole = False  # whether the head of the newest request is
    _refused = False
    _defaults: tuple[object, bytes] = None, b""  # the fields of every answer, and their lines
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to watch a new connection."""
        super().connection_made(transport)
        self._at_once = getattr(self.app, "at_once", None)
        with contextlib.suppress(AttributeError, OSError):  # where the system has no such bound
            own = transport.get_extra_info("socket")
            own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, WAITING)
        self._timer = self.loop.call_later(self.patience, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()
        self.pipeline.clear()
        self._unread = b""

    def data_received(self, data: bytes) -> None:
        """Parse what has come, unless it is more than any honest reader sends."""
        self._unread += data
        self._read_on()

    def resume_writing(self) -> None:
        """Go on once the client has accepted most of what was written."""
        super().resume_writing()
        self.loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        """Parse a piece of what has come, unless an answer is awaited or not accepted; others are next."""
        if self._refused or self.transport.is_closing():
            self._unread = b""
        if self._unread and not self._is_answering() and not self.flow.write_paused:
            piece, self._unread = self._unread[:PIECE], self._unread[PIECE:]
            heads = self._heads
            super().data_received(piece)
            self._since = 0 if self._heads != heads else self._since + len(piece)
            if self._since > LONGEST_PART:
                self._refuse(431)
            if self._unread:
                self.loop.call_soon(self._read_on)
        if not self.transport.is_closing():
            (self.flow.pause_reading if self._unread else self.flow.resume_reading)()

    def on_message_begin(self) -> None:
        """Begin to read the head of a request."""
        self._whole = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Answer a request whose head is whole: at once, or by the application."""
        if self.transport.is_closing():  # the request before was the last that is answered here
            return
        if not self._answers_at_once():
            if not self._is_sound():
                raise httptools.HttpParserError("no request of HTTP")
            super().on_headers_complete()
        self._heads += 1
        self._whole = True

    def on_message_complete(self) -> None:
        """Nothing waits for the end of a body."""

    def on_response_complete(self) -> None:
        """Go on to the next request of the connection; one that never comes is noticed by `_look`.

        So no timer is set and taken back for every request, as uvicorn's own method does.
        """
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        else:
            self.loop.call_soon(self._read_on)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        async def answer(scope: Any, receive: Any, send: Any) -> None:
            try:
                await app(scope, receive, send)
            except RuntimeError:  # the transport's, when the client hangs up between two looks at it
                if not self.transport.is_closing():
                    raise
                cycle.disconnected = True

        super()._start_asgi_task(cycle, answer)

    def on_body(self, body: bytes) -> None:
        """Ignore a body: nothing here reads one (RFC 9110 §9.3.1)."""

    def send_400_response(self, msg: str) -> None:
        """Answer a request that the parser refused, and close."""
        # The parser knows the methods of the standards only; any other is one that is not allowed. CONNECT
        # is known, and its target is no path.
        unknown = isinstance(sys.exception(), httptools.HttpParserInvalidMethodError)
        tunnel = self.scope is not None and self.scope.get("method") == "CONNECT"
        self._refuse(405 if unknown or tunnel else 400)

    def _unsupported_upgrade_warning(self) -> None:
        """Answer a request to speak another protocol in ours (RFC 9110 §7.8); what follows is not parsed."""
        self.cycle.keep_alive = False

    def _is_sound(self) -> bool:
        """Whether one Host comes with a target of a known form, without a fragment (RFC 9112 §3.2)."""
        method, hosts = self.parser.get_method(), [name for name, _ in self.headers].count(b"host")
        if hosts != 1 and (hosts or self.parser.get_http_version() != "1.0"):
            return False
        other = self.url == b"*" if method == b"OPTIONS" else method == b"CONNECT"  # which is refused
        return other or _TARGET.fullmatch(self.url) is not None

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _answers_at_once(self) -> bool:
        """Whether the answer lay ready, and was written."""
        # Answers go out in the order of the requests, and none to a client that does not read.
        if self._is_answering() or self.flow.write_paused or self._at_once is None:
            return False
        parser = self.parser
        if parser.get_method() != b"GET" or parser.should_upgrade():
            return False
        answer = self._at_once(self.url, self.headers, self.client)
        if answer is None:
            return False
        fields = self._default_fields()
        keep_alive = parser.should_keep_alive() and parser.get_http_version() != "1.0"
        if not keep_alive:
            fields += _CLOSE
        self.transport.writelines((answer.status, fields, answer.fields, answer.body["body"]))
        if not keep_alive:
            self.transport.close()
        return True

    def _default_fields(self) -> bytes:
        """The field lines of every answer, the date above all; uvicorn makes them once a second."""
        headers = self.server_state.default_headers
        if headers is not Protocol._defaults[0]:
            Protocol._defaults = headers, b"".join(b"%b: %b\r\n" % header for header in headers)
        return Protocol._defaults[1]

    def _look(self) -> None:
        """Close the connection when no request has become whole since the last look, nor bytes were taken."""
        self._timer = self.loop.call_later(self.patience, self._look)
        left, now = self.transport.get_write_buffer_size(), self.loop.time()
        is_new = self._looked != self._heads
        if is_new or not left or left < self._left:
            self._moved = now
        elif now - self._moved >= self.stall:
            self.transport.abort()
        is_idle = not (is_new or left or self._left or self._is_answering())
        if is_idle and self._since:
            self._refuse(408)
        elif is_idle:
            self.transport.close()
        self._looked, self._left = self._heads, left

    def _refuse(self, status: int) -> None:
        """Answer with an error and close.

        An answer that is still to come is sent first, and a request that has its
        answer, being refused for its body, gets no second one: it would be taken
        for the answer to the next.
        """
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False
            return
        if not self._whole:
            self.transport.write(refusal(status, self.server_state.default_headers))
        self.transport.write_eof()
        self.loop.call_later(LINGER, self.transport.close)
