"""`new --doi` and a registry that sends anything at all: one outcome, one line, and soon."""

from __future__ import annotations

import contextlib
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from many import make_site
from service import command, invoke

RECORD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"


@contextlib.contextmanager
def answering(start: bytes, more: bytes = b"") -> Iterator[str]:
    """A server that sends the same bytes to everybody, and then *more* without an end."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer(peer: socket.socket) -> None:
            with peer, contextlib.suppress(OSError):
                peer.recv(65_536)
                peer.sendall(start)
                while more:
                    peer.sendall(more)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=answer, args=(server.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


def asked(folder: Path, start: bytes, more: bytes = b"", run: Callable[..., Any] = invoke) -> str:
    """What the command says; it writes nothing, ends with 1 and is soon done."""
    site = make_site(folder / "site", 0)
    began = time.monotonic()
    with answering(start, more) as registry:
        arguments = ("new", "A Title", "--topic", "alpha", "--doi", "10.5555/x", "--site", str(site))
        done = run(*arguments, PPRNET_DOI_REGISTRY=registry, no_proxy="*")
    assert time.monotonic() - began < 15
    assert (done.returncode, done.stdout, list(site.glob("posts/*"))) == (1, "", [])
    line, *rest = done.stderr.replace(registry, "REGISTRY").splitlines()
    assert rest == [
        "Nothing was written. Leave out --doi to begin without it, and write the reference under `cites` "
        "yourself."
    ]
    return line.removeprefix("Error: ").rstrip(".")


def led(where: str | bytes) -> bytes:
    target = where.encode() if isinstance(where, str) else where
    return b"HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: " + target + b"\r\n\r\n"


NO_ADDRESS = "REGISTRY redirected to an address that is not of the web"
UNREACHABLE = "REGISTRY cannot be reached (is this computer online?)"
LOOP = "REGISTRY redirected more than 5 times"
BROKEN = "the connection to REGISTRY broke"


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("http://a..b/", NO_ADDRESS),
        ("http://.a/", NO_ADDRESS),
        (f"http://{'a' * 5_000}/", NO_ADDRESS),
        (f"http://{'a.' * 3_000}b/", None),
        ("http://127.0.0.1:99999/", None),
        ("http://127.0.0.1:-1/", None),
        ("http://127.0.0.1:port/", NO_ADDRESS),
        ("http://[::1/", NO_ADDRESS),
        ("http://[v1.x]/", NO_ADDRESS),
        ("http://exa mple/", None),
        ("http://xn--a/", None),
        ("http://\u00fc\u00fc\u2028/".encode(), NO_ADDRESS),
        (b"http://\xff\xfe/", None),
        ("http:///", None),
        ("http://", None),
        ("//", None),
        ("file:///etc/passwd", NO_ADDRESS),
        ("data:application/json,{}", NO_ADDRESS),
        ("javascript:alert(1)", NO_ADDRESS),
        ("/again", LOOP),
        ("?" + "x" * 60_000, LOOP),
        ("", None),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_wherever_a_registry_leads_one_line_says_why_it_is_not_followed(tmp_path, where, told):
    line = asked(tmp_path, led(where))
    assert line in ([told] if told else [NO_ADDRESS, UNREACHABLE, BROKEN, LOOP])


def test_a_registry_that_leads_to_where_nobody_listens_is_unreachable(tmp_path):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        line = asked(tmp_path, led(f"http://127.0.0.1:{nobody.getsockname()[1]}/"))
    assert line == UNREACHABLE


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"\x00\xff" * 500,
        b"SSH-2.0-OpenSSH_9\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000 + b"\r\n",
        b"HTTP/1.1 999999 What\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1" + b"0" * 5_000 + b"\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        RECORD + b"nonsense",
        RECORD + b'{"title": "\\ud800"}',
        RECORD + b'{"title": ' + b"[" * 500_000,
        RECORD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n") + b"\x1f\x8b\x08junk",
    ],
    ids=lambda value: repr(value)[:40],
)
def test_whatever_a_registry_answers_is_one_line(tmp_path, start):
    assert asked(tmp_path, start).startswith(("REGISTRY ", "the connection to REGISTRY "))


@pytest.mark.parametrize(
    ("start", "told"),
    [
        (RECORD, "REGISTRY answered with more than 1 MB"),
        (b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n", None),
        (led("/again"), LOOP),
        (led("/again").replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n"), None),
        (b"HTTP/1.1 200 ", BROKEN),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_an_answer_without_an_end_is_neither_waited_for_nor_held(tmp_path, start, told):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    line = asked(tmp_path, start, b" " * 1_000_000, run=command)
    assert line == told or not told
    # In kB. A new process begins as a copy of this one, and its size then counts.
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss <= max(before, own, 200_000)
