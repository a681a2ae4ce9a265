"""A DOI registry of the tests' own, on loopback, that can do all a real one may do to us."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CSL = "application/vnd.citationstyles.csl+json"


@dataclass
class Registry:
    """Its address, and what it was asked: path and Accept of each request.

    Below `/` it leads to the records, as doi.org does; `answers` holds status
    and body by DOI.
    """

    base: str
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    led: dict[str, str] = field(default_factory=dict)
    slow: dict[str, float] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def keep(self, doi: str, item: Any) -> None:
        self.answers[doi] = (200, json.dumps(item).encode())


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    registry: Registry

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that had enough and left


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        registry = self.server.registry
        registry.asked.append((self.path, self.headers["Accept"]))
        if not self.path.startswith("/records/"):
            self.send_response(302)
            self.send_header("Location", registry.led.get(self.path[1:], f"/records{self.path}"))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        doi = self.path.removeprefix("/records/")
        status, body = registry.answers.get(doi, (404, b"<html>DOI Not Found"))
        self.send_response(status)
        self.send_header("Content-Type", CSL)
        self.end_headers()
        pause = registry.slow.get(doi, 0)
        for place in range(0, len(body), 1 if pause else 65_536):
            time.sleep(pause)
            self.wfile.write(body[place : place + (1 if pause else 65_536)])

    def log_message(self, *args: Any) -> None:
        pass


@contextlib.contextmanager
def registry_running() -> Iterator[Registry]:
    """A registry that answers until the block ends."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.registry = Registry(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.registry
        finally:
            server.shutdown()
            thread.join()
