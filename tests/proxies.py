"""nginx and Varnish with the configurations that we ship, before a real service.

Of the shipped files only what belongs to a machine is replaced: ports, folders,
the certificate. Between cache and service stands an `Origin`, which passes on
everything, writes down what it was asked, and can take its time or be cut off.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from service import ROOT, Answer, Service, free_port

DEPLOY = ROOT / "deploy"


def found(program: str, package: str) -> str:
    """The path of a program, also where only root looks; the test is skipped without, but never in CI."""
    path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if path is None and os.environ.get("CI"):
        pytest.fail(f"{program} is not installed (apt-get install {package})")
    if path is None:
        pytest.skip(f"{program} is not installed (apt-get install {package})")
    return path


@dataclass(frozen=True)
class Asked:
    """One request as it reached the origin: header names are lower case; the last of a name counts."""

    line: str
    headers: dict[str, str]


class Origin:
    """What the cache takes for the service: a port that leads to it.

    Attributes:
        port: where it listens.
        asked: every request that came, in order.
        connections: how many connections were opened.
        held: while it is set, requests wait.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self.asked: list[Asked] = []
        self.connections = 0
        self.held = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._pass_on, "127.0.0.1", 0, backlog=2048)).result()
        self.port: int = self._server.sockets[0].getsockname()[1]

    def take(self) -> list[str]:
        """The addresses asked for since the last look, probes left out."""
        lines = [asked.line.split(" ")[1] for asked in self.asked]
        self.asked.clear()
        return [line for line in lines if line != "/healthz"]

    def lead_to(self, target: int) -> None:
        """Lead to the service at another port, or to none; what was open is cut off."""
        self._target = target
        self._run(self._cut()).result()

    def close(self) -> None:
        """Stop listening."""
        self._run(self._stop()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _stop(self) -> None:
        self._server.close()
        await self._cut()

    async def _cut(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.CancelledError):
            try:
                if not self._target:
                    return
                back, forth = await asyncio.open_connection("127.0.0.1", self._target)
                try:
                    ways = [
                        asyncio.create_task(way) for way in (self._ask(reader, forth), _copy(back, writer))
                    ]
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                    for way in ways:
                        way.cancel()
                    await asyncio.gather(*ways, return_exceptions=True)
                finally:
                    forth.close()
            finally:
                writer.close()

    async def _ask(self, reader: asyncio.StreamReader, forth: asyncio.StreamWriter) -> None:
        """Pass on requests; they are heads alone, since a cache passes no body on."""
        while head := await reader.readuntil(b"\r\n\r\n"):
            line, *fields = head.decode("latin-1").strip().split("\r\n")
            pairs = (field.split(": ", 1) for field in fields)
            self.asked.append(Asked(line, {name.lower(): value for name, value in pairs}))
            while self.held.is_set():
                await asyncio.sleep(0.01)
            forth.write(head)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


@contextlib.contextmanager
def before(service: Service) -> Iterator[Origin]:
    """An origin that leads to *service*, until the block ends."""
    origin = Origin(service.port)
    try:
        yield origin
    finally:
        origin.close()


def shipped(name: str, **changed: str) -> str:
    """The text of a shipped file, each key of *changed* replaced; all of them must stand in it."""
    text = (DEPLOY / name).read_text("utf-8")
    for key, value in changed.items():
        assert key in text, f"{name}: {key}"
        text = text.replace(key, value)
    return text


# As Debian's own /etc/nginx/nginx.conf, which compresses everything, but for folders and numbers.
NGINX = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
{user}
events {{ worker_connections 4096; }}
http {{
    sendfile on;
    tcp_nopush on;
    gzip on;
    gzip_types *;
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include conf.d/*.conf;
}}
"""


@contextlib.contextmanager
def nginx(folder: Path, *origins: int, further: dict[str, str] | None = None) -> Iterator[Service]:
    """nginx in *folder* before the services at the ports *origins*.

    *further* are texts of `pprnet-feeds.conf` and what they are replaced by.
    """
    program = found("nginx", "nginx")
    port = free_port()
    lines = "\n".join(f"    server 127.0.0.1:{origin} max_fails=0;" for origin in origins)
    changed = {
        "    server 127.0.0.1:8001 max_fails=0;": lines,
        "    listen 80;": f"    listen 127.0.0.1:{port};",
        "    listen [::]:80;": "",
        "/var/cache/nginx-pprnet-feeds": f"{folder}/cache",
        "/var/log/nginx": str(folder),
    }
    (folder / "conf.d").mkdir()
    (folder / "pprnet-feeds").mkdir(exist_ok=True)
    shutil.copy(DEPLOY / "nginx/proxy.conf", folder / "pprnet-feeds")
    text = shipped("nginx/pprnet-feeds.conf", **changed | (further or {}))
    (folder / "conf.d/pprnet-feeds.conf").write_text(text)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, user=user))
    with _running([program, "-p", str(folder), "-c", str(folder / "nginx.conf")], port, folder) as proxy:
        yield proxy


@contextlib.contextmanager
def varnish(origin: int) -> Iterator[Service]:
    """Varnish before the service at the port *origin*."""
    found("varnishd", "varnish")
    port = free_port()
    # Its processes run as another user, who must get at the folder; the tests' own are closed to others.
    with tempfile.TemporaryDirectory(prefix="varnish", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        vcl = folder / "pprnet-feeds.vcl"
        vcl.write_text(shipped("varnish/pprnet-feeds.vcl", **{'"8001"': f'"{origin}"'}))
        vcl.chmod(0o644)
        command = exec_start("varnish/varnish.conf")
        changed = {":6081": f"127.0.0.1:{port}", "/etc/varnish/pprnet-feeds.vcl": str(vcl)}
        assert set(changed) < set(command)
        command = [changed.get(word, word) for word in command]
        if os.geteuid() != 0:  # only root can give its processes to another user
            del command[command.index("-j") : command.index("-j") + 2]
        with _running([*command, "-n", f"{name}/work"], port, folder) as proxy:
            yield proxy


def directives(name: str) -> list[tuple[str, str]]:
    """Every line of a shipped unit as key and value; continued lines are one."""
    text = (DEPLOY / name).read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if "=" in line and not line.startswith("#")]
    return [(key, value) for key, _, value in (line.partition("=") for line in lines)]


def exec_start(name: str) -> list[str]:
    """The command that a shipped unit starts."""
    return shlex.split(next(value for key, value in directives(name) if key == "ExecStart" and value))


@contextlib.contextmanager
def _running(command: list[str], port: int, folder: Path) -> Iterator[Service]:
    log = folder / "output"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, text=True)
    service = Service(process, port)
    try:
        for _ in range(200):
            assert process.poll() is None, log.read_text("utf-8")
            with contextlib.suppress(OSError):
                service.ask("/healthz")
                break
            time.sleep(0.05)
        yield service
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=15)


def ask_as(service: Service, source: str, path: str, method: str = "GET") -> Answer:
    """Send one request from the address *source* of this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10, source_address=(source, 0))
    with contextlib.closing(connection):
        connection.request(method, path)
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())


def crowd(service: Service, path: str, size: int) -> set[bytes]:
    """The different answers (status and body) to *size* readers who ask for *path* in the same moment."""

    async def one() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: feeds.example.org\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        return answer

    async def every() -> list[bytes]:
        return await asyncio.wait_for(asyncio.gather(*(one() for _ in range(size))), 60)

    parts = (answer.partition(b"\r\n\r\n") for answer in asyncio.run(every()))
    return {head.split(b"\r\n")[0] + b"\r\n" + body for head, _, body in parts}
