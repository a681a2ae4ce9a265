"""Whatever a hub sends ends in one outcome and one line, and other hubs still get their pings."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import hubs
from many import make_site, write_post
from pprnet_feeds.websub import client
from service import invoke, serving

BASE = "https://many.example.org"
FEEDS = 12 * 4 + 3


@pytest.fixture
def site(tmp_path) -> Path:
    return make_site(tmp_path / "site", 8)


@pytest.fixture
def good() -> Iterator[hubs.Hub]:
    with hubs.running() as hub:
        yield hub


@contextlib.contextmanager
def raw_hub(answer: bytes | Callable[[socket.socket], None]) -> Iterator[str]:
    """A hub that sends these bytes to everybody, and nothing else; its address."""
    ended = threading.Event()

    def serve(peer: socket.socket) -> None:
        with peer, contextlib.suppress(OSError):
            peer.recv(65536)
            if callable(answer):
                answer(peer)
            else:
                peer.sendall(answer)

    def accept() -> None:
        while not ended.is_set():
            with contextlib.suppress(TimeoutError):
                peer, _ = listener.accept()
                threading.Thread(target=serve, args=(peer,), daemon=True).start()

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        listener.settimeout(0.1)
        thread = threading.Thread(target=accept)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/hub"
        ended.set()
        thread.join()


def redirect(address: str) -> bytes:
    return f"HTTP/1.1 307 Moved\r\nLocation: {address}\r\nContent-Length: 0\r\n\r\n".encode("latin-1")


def endless_headers(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 204 Fine\r\n")
    for number in range(100_000):
        peer.sendall(b"X-%d: %s\r\n" % (number, b"x" * 1000))


def gigabytes(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 9000000000\r\n\r\n")
    while True:
        peer.sendall(b"x" * 1_000_000)


def drip(peer: socket.socket) -> None:
    for byte in b"HTTP/1.1 204 Fine\r\n" * 1000:
        peer.sendall(bytes([byte]))
        time.sleep(0.3)


HOSTILE: dict[str, bytes | Callable[[socket.socket], None]] = {
    "a port that there is not": redirect("http://127.0.0.1:99999/"),
    "a port that is no number": redirect("http://127.0.0.1:port/"),
    "a name with an empty part": redirect("http://a..b/"),
    "a name of one long part": redirect(f"http://{'a' * 5000}.example.org/"),
    "a name that is no name": redirect("http://xn--/"),
    "a name of other letters": redirect("http://\xff\xfe/"),
    "an address with an open bracket": redirect("http://[::1/"),
    "no address": redirect("http://"),
    "another scheme": redirect("file:///etc/passwd"),
    "a script": redirect("javascript:alert(1)"),
    "itself": redirect("/hub"),
    "a control character": redirect("http://a\x01b/"),
    "an address of a megabyte": redirect("http://a/" + "a" * 1_000_000),
    "noise": b"\x00\xff\x16\x03\x01 certainly not HTTP\r\n\r\n",
    "nothing": b"",
    "half a line": b"HTTP/1.1 2",
    "a status that there is not": b"HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n",
    "two lengths": b"HTTP/1.1 500 No\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "a terminal's commands": b"HTTP/1.1 500 \x1b[31mNo\r\nX: \x1b[2J\r\n\r\n",
    "headers without an end": endless_headers,
    "gigabytes": gigabytes,
}


def test_the_command_ends_with_one_line_for_each_hub(site, good, tmp_path):
    with contextlib.ExitStack() as stack:
        bad = {name: stack.enter_context(raw_hub(answer)) for name, answer in HOSTILE.items()}
        environ = {
            "PPRNET_HUBS": ",".join([*bad.values(), good.url]),
            "PPRNET_STATE": str(tmp_path / "state.sqlite3"),
        }
        arguments = ("ping", "--site", str(site))
        assert invoke(*arguments, **environ).returncode == 0
        write_post(site, 8)
        done = invoke(*arguments, **environ)
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    for name, hub in bad.items():
        about = [line for line in lines if f"{hub} " in line or f"{hub}:" in line]
        assert len(about) == 1, name
        assert about[0].startswith((f"Could not notify {hub} of {BASE}/", f"Refused by {hub}: {BASE}/")), name
        assert len(about[0]) < 600, name
        assert about[0].isprintable(), name
    assert f"Notified {good.url} of {BASE}/citations.atom and {FEEDS - 1} more." in lines
    assert len(good.told) == len(set(good.told)) == FEEDS


@pytest.mark.slow
def test_a_hub_that_sends_one_byte_after_the_other_takes_its_time_once_and_no_more(site, good, tmp_path):
    with raw_hub(drip) as bad:
        environ = {"PPRNET_HUBS": f"{bad},{good.url}", "PPRNET_STATE": str(tmp_path / "state.sqlite3")}
        invoke("ping", "--site", str(site), **environ)
        write_post(site, 8)
        began = time.monotonic()
        done = invoke("ping", "--site", str(site), **environ)
    assert time.monotonic() - began < client.TIMEOUT + 10
    assert "(no answer in time); it is tried again." in done.stdout
    assert len(good.told) == FEEDS


@pytest.mark.slow
def test_the_service_logs_no_traceback_and_tells_the_other_hub(site, good, tmp_path):
    with raw_hub(redirect("http://127.0.0.1:99999/")) as bad:
        environ = {"PPRNET_HUBS": f"{bad},{good.url}", "PPRNET_STATE": str(tmp_path / "state.sqlite3")}
        with serving(site, **environ) as service:
            time.sleep(1.5)
            write_post(site, 8)
            good.wait(FEEDS, 60)
            assert service.stop() == 0
            assert service.process.stderr is not None
            log = service.process.stderr.read()
    assert "Traceback" not in log
    assert "the hubs" not in log
    assert f"could not notify {bad} of {BASE}/" in log
    assert len(good.told) == len(set(good.told)) == FEEDS
