"""The clients of a bench: one that asks and reads, one that asks at a fixed rate, and wrk."""

import contextlib
import http.client
import multiprocessing
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection as Pipe
from typing import NamedTuple

from processes import CLIENTS, Tree


class Answer(NamedTuple):
    """One response; header names are lower case. *wire* is the bytes of head and body."""

    status: int
    headers: dict[str, str]
    body: bytes
    wire: int


class Client(contextlib.AbstractContextManager["Client"]):
    """A keep-alive connection that sends no header but Host and those it is given."""

    def __init__(self, port: int) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self._http.close()

    def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        """Ask once; a connection that the server closed is opened again."""
        try:
            response = self._asked(path, headers or {})
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self._http.close()
            response = self._asked(path, headers or {})
        body = response.read()
        fields = response.getheaders()
        head = 15 + len(response.reason) + sum(len(name) + len(value) + 4 for name, value in fields)
        lower = {name.lower(): value for name, value in fields}
        return Answer(response.status, lower, body, head + len(body))

    def _asked(self, path: str, headers: dict[str, str]) -> http.client.HTTPResponse:
        self._http.putrequest("GET", path, skip_accept_encoding=True)
        for name, value in headers.items():
            self._http.putheader(name, value)
        self._http.endheaders()
        return self._http.getresponse()


def first_answer(port: int, path: str, longest: float = 600) -> Answer:
    """The first 200 of a service that is starting, asked every 2 ms."""
    until = time.monotonic() + longest
    while time.monotonic() < until:
        with contextlib.suppress(OSError, http.client.HTTPException), Client(port) as client:
            answer = client.get(path)
            if answer.status == 200:
                return answer
        time.sleep(0.002)
    raise TimeoutError(f"{path} was not answered")


@contextlib.contextmanager
def steady(port: int, path: str, rate: int, headers: dict[str, str]) -> Iterator[list[float]]:
    """Ask *rate* times a second from another process while the block runs; gives the latencies in ms at its end.

    A latency counts from the moment at which the request was due, so that a stall is not left out.
    """
    ours, theirs = multiprocessing.Pipe()
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = f"GET {path} HTTP/1.1\r\nHost: bench\r\n{lines}\r\n".encode()
    process = multiprocessing.Process(target=_ask, args=(theirs, port, request, rate))
    process.start()
    latencies: list[float] = []
    try:
        yield latencies
        ours.send(None)
        latencies += ours.recv()
    finally:
        process.kill()
        process.join()


def _ask(pipe: Pipe, port: int, request: bytes, rate: int) -> None:
    os.sched_setaffinity(0, {int(CLIENTS)})
    latencies: list[float] = []
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = connection.makefile("rb")
        begun = time.perf_counter()
        while not pipe.poll():
            due = begun + len(latencies) / rate
            if (early := due - time.perf_counter()) > 0:
                time.sleep(early)
            connection.sendall(request)
            length = 0
            while (line := stream.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line[15:])
            stream.read(length)
            latencies.append(1000 * (time.perf_counter() - due))
    pipe.send(latencies)


class Load(NamedTuple):
    """What one server did under load: µs of CPU a request, and requests a second."""

    cpu: float
    rate: float


def load(targets: Sequence[tuple[Tree, str, dict[str, str]]], seconds: int) -> list[Load]:
    """Load all targets (tree, path, request headers) with wrk at the same time."""
    before = [tree.cpu() for tree, _, _ in targets]
    runs = []
    for tree, path, headers in targets:
        fields = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
        command = ["taskset", "-c", CLIENTS, "wrk", "-t1", "-c16", f"-d{seconds}s", *fields]
        address = f"http://127.0.0.1:{tree.port}{path}"
        runs.append(subprocess.Popen([*command, address], stdout=subprocess.PIPE, text=True))
    outputs = [run.communicate()[0] for run in runs]
    found = []
    for (tree, _, headers), output, was in zip(targets, outputs, before, strict=True):
        if "Non-2xx" in output and "If-None-Match" not in headers:
            raise RuntimeError(output)
        count, elapsed = re.search(r"(\d+) requests in ([\d.]+)s", output).groups()  # type: ignore[union-attr]
        found.append(Load((tree.cpu() - was) * 1e6 / int(count), int(count) / float(elapsed)))
    return found
