"""The service as its users meet it: the real command, a real process, a real socket."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from pprnet_feeds.cli import main

ROOT = Path(__file__).parent.parent
SITES = Path(__file__).parent / "sites"


@dataclass(frozen=True)
class Answer:
    """One answer: header names are lower case; repeated fields are joined."""

    status: int
    headers: dict[str, str]
    body: bytes


class Service:
    """A running service and a way to ask it."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port
        self.base = f"http://127.0.0.1:{port}"

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Send one request; header names are written with underscores."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name.replace("_", "-"), value)
            connection.endheaders()
            response = connection.getresponse()
            fields: dict[str, str] = {}
            for name, value in response.getheaders():
                name = name.lower()
                fields[name] = f"{fields[name]}, {value}" if name in fields else value
            return Answer(response.status, fields, response.read())

    def send(self, raw: bytes) -> bytes:
        """Send bytes as they are and read until the service closes or is silent for a second."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as peer:
            peer.sendall(raw)
            peer.settimeout(1)
            answer = b""
            with contextlib.suppress(TimeoutError, ConnectionError):
                while part := peer.recv(65536):
                    answer += part
            return answer

    def processes(self) -> list[int]:
        """The numbers of the service's processes: what was started first, then what it started."""
        found = [self.process.pid]
        for number in found:  # grows as it is read
            for task in Path(f"/proc/{number}/task").iterdir():
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that ended
                    found += map(int, (task / "children").read_text().split())
        return found

    def stop(self) -> int:
        """Ask the service to stop, as a host does, and give its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=15)


def command(*arguments: str, cwd: Path = ROOT, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run one command of the program to its end; what serves would do so at a port that is free."""
    return subprocess.run(
        [sys.executable, "-m", "pprnet_feeds", *arguments],
        cwd=cwd,
        env=_environ({"PORT": str(free_port()), **environ}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def invoke(*arguments: str, cwd: Path = ROOT, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run one command of the program to its end in this process: a new one takes half a second to begin."""
    unset = dict.fromkeys(os.environ.keys() - _environ({}).keys())
    with contextlib.chdir(cwd):
        done = CliRunner().invoke(
            main, arguments, env=unset | environ, prog_name="pprnet-feeds", catch_exceptions=False
        )
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


@contextlib.contextmanager
def serving(folder: Path, *arguments: str, **environ: str) -> Iterator[Service]:
    """Run ``pprnet-feeds serve`` on *folder* until the block ends."""
    port = free_port()
    # A worker whose supervisor was killed may still write as the folder goes.
    state = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "pprnet_feeds", "serve", "--site", str(folder), *arguments],
        env=_environ({"PORT": str(port), "XDG_STATE_HOME": state.name, **environ}),
        stderr=subprocess.PIPE,
        text=True,
    )
    service = Service(process, port)
    try:
        wait(service)
        yield service
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()
        state.cleanup()


def free_port() -> int:
    """A port that nobody listens on.

    Not one of those that the system gives to whoever connects: another test's
    connection could take it before the service does.
    """
    for port in random.SystemRandom().sample(range(15_000, 32_000), 100):
        with socket.socket() as free, contextlib.suppress(OSError):
            free.bind(("0.0.0.0", port))
            return port
    raise AssertionError("no port is free")


def _environ(environ: dict[str, str]) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PPRNET_", "PORT", "WEB_"))
    }
    return kept | {"PYTHONPATH": str(ROOT / "src"), "PYTHONWARNINGS": "error"} | environ


def wait(service: Service) -> None:
    """Wait until a service that was started answers: long, on a machine that has much else to do."""
    for _ in range(600):
        if service.process.poll() is not None:
            assert service.process.stderr is not None
            raise AssertionError(f"the service stopped: {service.process.stderr.read()}")
        with contextlib.suppress(OSError):
            service.ask("/healthz")
            return
        time.sleep(0.05)
    raise AssertionError("the service does not answer")
