"""A hub of the tests' own: a real server on loopback that may fail in every way that hubs do."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl


class Hub:
    """A hub and what it was told.

    Attributes:
        behaviour: a status; or ``stall``, ``endless``, ``drop``; or an address to redirect to with `status`.
        asked: the address of every ping, whatever was answered.
        told: the address of every ping that was answered with a 2xx.
        forms: content type and form of every request.
    """

    def __init__(self) -> None:
        self.behaviour: int | str = 204
        self.status = 307
        self.retry_after = ""
        self.asked: list[str] = []
        self.told: list[str] = []
        self.forms: list[tuple[str, str, list[tuple[str, str]]]] = []
        self.released = threading.Event()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/hub"
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        """Come up, at the same address every time."""
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer([])

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                self.answer(parse_qsl(self.rfile.read(length).decode()))

            def answer(self, form: list[tuple[str, str]]) -> None:
                hub.forms.append((self.command, self.headers.get("Content-Type", ""), form))
                address = dict(form).get("hub.url", "")
                hub.asked.append(address)
                behaviour = hub.behaviour if self.path == "/hub" else 204
                if behaviour == "stall":
                    hub.released.wait(30)
                    return
                if behaviour == "drop":
                    return
                if behaviour == "endless":
                    hub.told.append(address)
                    self.send_response(200)
                    self.end_headers()
                    with contextlib.suppress(OSError):
                        while not hub.released.is_set():
                            self.wfile.write(b"more ")
                            time.sleep(0.01)
                    return
                redirect = isinstance(behaviour, str)
                status = hub.status if isinstance(behaviour, str) else behaviour
                if 200 <= status < 300:
                    hub.told.append(address)
                self.send_response(status)
                if redirect:
                    self.send_header("Location", str(behaviour))
                if hub.retry_after:
                    self.send_header("Retry-After", hub.retry_after)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 50

            def handle_error(self, request: object, client_address: object) -> None:
                pass  # a service that is killed resets its connections

        self._server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Go down: connections are refused."""
        self.released.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def wait(self, number: int, seconds: float = 20, *, asked: bool = False) -> None:
        """Wait until so many pings have been taken (or *asked* for), and a moment for one too many."""
        end = time.monotonic() + seconds
        while len(self.asked if asked else self.told) < number:
            if time.monotonic() > end:
                raise AssertionError(f"{len(self.told)} told, {len(self.asked)} asked: {sorted(self.told)}")
            time.sleep(0.02)


@contextlib.contextmanager
def running() -> Iterator[Hub]:
    """A hub that is up until the block ends."""
    hub = Hub()
    hub.start()
    try:
        yield hub
    finally:
        hub.stop()
