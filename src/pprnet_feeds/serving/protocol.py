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
import sys
from http import HTTPStatus

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pprnet_feeds.serving.refusals import ALLOW, ERROR

# Bytes of a request's head, and of a body that nobody reads.
LONGEST_PART = 65_536
# For how many seconds a refused client may go on sending: closed at once, it would never read the answer.
LINGER = 1.0

_CLOSE = b"connection: close\r\n"
_WORDS = {
    400: "This is no request that can be understood.",
    405: "Only GET and HEAD are understood here.",
    408: "The request was not finished in time.",
    431: "The head of this request is too large.",
}


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol, with limits and with errors of our own.

    Attributes:
        patience: seconds between two looks at whether a head has become whole; a connection on which none
            has, from one look to the next, is closed.
    """

    patience = 5.0

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
        self._timer = self.loop.call_later(self.patience, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Parse what has come, unless it is more than any honest reader sends."""
        if self._refused:
            return
        heads = self._heads
        super().data_received(data)
        if self._heads != heads:
            self._since = 0
            return
        self._since += len(data)
        if self._since > LONGEST_PART:
            self._refuse(431)

    def on_message_begin(self) -> None:
        """Begin to read the head of a request."""
        self._whole = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Answer a request whose head is whole: at once, or by the application."""
        if self.transport.is_closing():  # the request before was the last that is answered here
            return
        if not self._answers_at_once():
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
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

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

    def _answers_at_once(self) -> bool:
        """Whether the answer lay ready, and was written."""
        # Answers go out in the order of the requests, and none to a client that does not read.
        waiting = self.cycle is not None and not self.cycle.response_complete
        if waiting or self.flow.write_paused or self._at_once is None:
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
        """Close the connection when no request has become whole since the last look."""
        answering = self.cycle is not None and not self.cycle.response_complete
        if self._looked != self._heads or answering:
            self._looked = self._heads
            self._timer = self.loop.call_later(self.patience, self._look)
        elif self._since:
            self._refuse(408)
        else:
            self.transport.close()

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
            self.transport.write(self._error(status))
        self.transport.write_eof()
        self.loop.call_later(LINGER, self.transport.close)

    def _error(self, status: int) -> bytes:
        body = f"{_WORDS[status]}\n".encode()
        fields = {
            **({"allow": ALLOW} if status == 405 else {}),
            "content-type": "text/plain; charset=utf-8",
            "content-length": str(len(body)),
            **ERROR,
            "connection": "close",
        }
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode()]
        lines += [name + b": " + value for name, value in self.server_state.default_headers]
        lines += [f"{name}: {value}".encode() for name, value in fields.items()]
        return b"\r\n".join([*lines, b"", body])
