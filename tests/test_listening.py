"""Where the service listens: by its options, by $PORT, and never for others when it shows drafts."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service import ROOT, SITES, Service, command, free_port, invoke, wait

pytestmark = pytest.mark.slow  # each of them starts processes, or waits for files to rest

SITE = SITES / "small"
# Another address of this machine: who can be reached there listens on every address.
OTHER = "127.0.0.2"


@contextlib.contextmanager
def listening(port: int, *arguments: str, state: Path, **environ: str) -> Iterator[Service]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PPRNET_", "PORT", "WEB_"))
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "pprnet_feeds", "serve", "--site", str(SITE), *arguments],
        env=kept | {"PYTHONPATH": str(ROOT / "src"), "XDG_STATE_HOME": str(state)} | environ,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        service = Service(process, port)
        wait(service)
        yield service
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def answers(address: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((address, port), timeout=2) as peer:
        peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        return peer.recv(12) == b"HTTP/1.1 200"
    return False


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("arguments", "has_variable", "is_open"),
    [
        (("--port", "PORT"), False, False),
        ((), True, True),
        (("--host", "127.0.0.1"), True, False),
        (("--host", "localhost"), True, False),
        (("--host", "0.0.0.0", "--port", "PORT"), False, True),
        (("--preview",), True, False),
        (("--preview", "--host", "127.0.0.1"), True, False),
        (("--preview", "--port", "PORT"), False, False),
    ],
)
def test_it_listens_where_it_was_asked_to(
    tmp_path: Path, arguments: tuple[str, ...], has_variable: bool, is_open: bool, workers: str
):
    port = free_port()
    given = [str(port) if word == "PORT" else word for word in arguments]
    environ = {"PORT": str(port)} if has_variable else {}
    with listening(port, *given, state=tmp_path, WEB_CONCURRENCY=workers, **environ):
        assert answers("127.0.0.1", port)
        assert answers(OTHER, port) is is_open


def test_the_option_wins_over_the_variable(tmp_path: Path):
    port, other = free_port(), free_port()
    with listening(port, "--port", str(port), state=tmp_path, PORT=str(other)):
        assert answers("127.0.0.1", port)
        assert not answers("127.0.0.1", other)


def test_a_port_of_one_address_leaves_that_of_another_free(tmp_path: Path):
    port = free_port()
    with listening(port, "--port", str(port), state=tmp_path), socket.socket() as own:
        own.bind((OTHER, port))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "127.0.0.2", "feeds.example.org", ""])
def test_drafts_are_shown_to_nobody_else(host: str):
    done = invoke("serve", "--preview", "--host", host, cwd=SITE, PORT=str(free_port()))
    assert done.returncode == 2
    assert "With --preview the service listens on 127.0.0.1 only" in done.stderr


@pytest.mark.parametrize(
    "host", ["192.0.2.1", "a..b", "x" * 300, "http://127.0.0.1", "no-such-host.invalid", " "]
)
def test_an_address_of_another_machine_is_told_with_the_way_out(host: str):
    done = command("serve", "--host", host, "--port", str(free_port()), cwd=SITE)
    assert done.returncode == 1
    assert f"cannot listen on {host}:" in done.stdout
    assert "--host" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("port", ["0", "-1", "65536", "x", "", "80 80"])
def test_what_is_no_port_is_refused(port: str):
    done = invoke("serve", "--port", port, cwd=SITE)
    assert done.returncode == 2
    assert "--port" in done.stderr


@pytest.mark.parametrize(
    ("environ", "base_url"),
    [({"PPRNET_BASE_URL": "https://feeds.example.org"}, "https://feeds.example.org"), ({}, "")],
)
def test_a_start_prints_where_it_listens_and_the_base_url(
    tmp_path: Path, environ: dict[str, str], base_url: str
):
    site = shutil.copytree(SITE, tmp_path / "site")
    settings = site / "feeds/site.yaml"
    settings.write_text(re.sub(r"(?m)^base_url:.*\n", "", settings.read_text()))
    port = free_port()
    with listening(port, "--port", str(port), "--site", str(site), state=tmp_path, **environ) as service:
        assert service.stop() == 0
        printed = service.process.stderr.read()
    assert f"Listening on 127.0.0.1:{port}.\n" in printed
    assert f"A Small Research Blog: {base_url or f'http://127.0.0.1:{port}'}/\n" in printed
