"""One reader's connection: requests as they are, answers with the bytes they took on the wire."""

from __future__ import annotations

import contextlib
import http.client
import socket
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """One answer; header names are lower case.

    Attributes:
        wire: bytes that the head and the body took.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    wire: int


class Connection:
    """A connection that is kept open, and opened again when the service has closed it."""

    def __init__(self, port: int, timeout: float = 120) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def ask(self, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> Answer:
        """Send one request, with these headers and no others but Host."""
        for last in (False, True):
            try:
                self._http.putrequest(method, path, skip_accept_encoding=True)
                for name, value in (headers or {}).items():
                    self._http.putheader(name, value)
                self._http.endheaders()
                response = self._http.getresponse()
                break
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self._http.close()
                if last:
                    raise
        body = response.read()
        fields = {name.lower(): value for name, value in response.getheaders()}
        # "HTTP/1.1 200 OK", a line a field, and an empty line.
        head = 15 + len(response.reason) + sum(len(n) + len(v) + 4 for n, v in response.getheaders())
        return Answer(response.status, fields, body, head + len(body))

    def close(self) -> None:
        """Close the connection."""
        self._http.close()


def answered(port: int, path: str, longest: float = 600) -> Answer:
    """The first good answer of a service that is only starting, asked for every 2 ms."""
    until = time.monotonic() + longest
    while time.monotonic() < until:
        with contextlib.suppress(OSError, http.client.HTTPException):
            socket.create_connection(("127.0.0.1", port), 1).close()
            connection = Connection(port)
            with contextlib.closing(connection):
                answer = connection.ask(path)
            if answer.status == 200:
                return answer
        time.sleep(0.002)
    raise TimeoutError(f"{path} was not answered")
