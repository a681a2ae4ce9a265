"""HTTP/1.1 on the wire: what uvicorn's protocol refuses or would wait for, refused in our words.

The parser has no limits of its own: a head of a hundred megabytes would be
collected, in time that grows with its square, while nobody else is answered.
So the bytes of a head and of a body are counted, and whoever stays silent is
let go. No stranger may fill the memory, the log or the list of connections.

What is done for every request must stay tiny: a comparison, no timer.
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
    _refused = False
    _looked: object = ...  # the request that was the newest at the last look
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to watch a new connection."""
        super().connection_made(transport)
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
        newest = self.cycle
        super().data_received(data)
        if self.cycle is not newest:
            self._since = 0
            return
        self._since += len(data)
        if self._since > LONGEST_PART:
            self._refuse(431)

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

    def _look(self) -> None:
        """Close the connection when no request has become whole since the last look."""
        answering = self.cycle is not None and not self.cycle.response_complete
        if self._looked is not self.cycle or answering:
            self._looked = self.cycle
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
        if self.cycle is None or self.cycle.scope is not self.scope:
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
