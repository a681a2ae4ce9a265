"""What strangers send on the wire: bounded, answered shortly, and never a line in the log."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from pprnet_feeds.serving.protocol import Protocol
from service import SITES, Service, serving

FIELDS = {
    "content-type": "text/plain; charset=utf-8",
    "cache-control": "no-store",
    "access-control-allow-origin": "*",
    "x-content-type-options": "nosniff",
}
TARGETS = {
    b"GET * HTTP/1.1": 400,
    b"GET feed.atom HTTP/1.1": 400,
    b"GET http:///feed.atom HTTP/1.1": 400,
    b"GET \xff\xfe HTTP/1.1": 400,
    b"GET /\xc3\xa9 HTTP/1.1": 400,
    b"GET / HTTP/9.9": 400,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03": 405,
    b"PRI * HTTP/2.0": 400,
    b"FOO /feed.atom HTTP/1.1": 405,
    b"CONNECT example.org:443 HTTP/1.1": 405,
    b"TRACE / HTTP/1.1": 405,
    b"POST /feed.atom HTTP/1.1": 405,
}


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with serving(SITES / "small") as running:
        yield running


class Quick(Protocol):
    patience = 0.2


@pytest.fixture(scope="module")
def quick() -> Iterator[int]:
    """The port of a server that loses its patience soon, around an application that answers anything."""

    async def app(scope, receive, send):
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    config = uvicorn.Config(app, port=0, http=Quick, ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join()


def read(peer: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    answer = b""
    with contextlib.suppress(ConnectionError):
        while part := peer.recv(65536):
            answer += part
    return answer


def parsed(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in lines), body


def memory(service: Service) -> int:
    """The resident memory of the service, in kB."""
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1])


@pytest.mark.parametrize(("line", "status"), TARGETS.items(), ids=lambda value: str(value)[:20])
def test_a_request_that_cannot_be_granted_is_refused_with_the_fields_of_every_error(
    service: Service, line: bytes, status: int
):
    answer = service.send(line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
    told, fields, body = parsed(answer)
    assert told == status
    assert {name: fields.get(name) for name in FIELDS} == FIELDS
    assert fields["connection"] == "close"
    assert fields["content-length"] == str(len(body))
    assert ("allow" in fields) == (status == 405)


@pytest.mark.parametrize("target", ["http://evil.example/feed.atom", "http://evil.example/feed.atom?x=1"])
def test_an_absolute_target_is_answered_like_its_path(service: Service, target: str):
    answer = service.send(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert parsed(answer)[2] == service.ask("/feed.atom").body


@pytest.mark.parametrize("target", ["/feed.atom#x", "feed.atom", "/a b", "/"])
def test_a_refused_head_has_no_body(service: Service, target: str):
    answer = service.send(f"HEAD {target} HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n".encode())
    status, fields, body = parsed(answer)
    assert (status, fields["content-length"], body) == (400, "35", b"")


@pytest.mark.parametrize("path", ["/feed.atom", "/search/trust/feed.rss", "/nowhere"])
def test_a_field_after_a_body_decides_nothing(service: Service, path: str):
    fields = "Sec-Fetch-Dest: document\r\nAccept-Encoding: gzip\r\nIf-None-Match: *\r\nHost: y\r\n"
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    status, told, body = parsed(service.send(f"{head}3\r\nabc\r\n0\r\n{fields}\r\n".encode()))
    plain = service.ask(path)
    assert (status, body) == (plain.status, plain.body)
    assert told["content-type"] == plain.headers["content-type"]


@pytest.mark.parametrize("target", ["http://evil.example", "HTTPS://[::1]:8080?q=/topics/"])
def test_an_absolute_target_without_a_path_means_the_start_page(service: Service, target: str):
    answer = service.send(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert parsed(answer)[2] == service.ask("/").body


@pytest.mark.parametrize("target", [b"*", b"http://evil.example"])
def test_options_of_the_whole_server_are_told(service: Service, target: bytes):
    answer = service.send(b"OPTIONS %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % target)
    status, fields, _ = parsed(answer)
    assert (status, fields["allow"]) == (204, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize("start", [b"GET /feed.atom HTTP/1.1\r\nX: ", b"GET /", b"GET / HTTP/1.1\r\nA"])
def test_a_head_without_an_end_is_refused_at_64_kb(service: Service, start: bytes):
    before = memory(service)
    since = time.monotonic()
    with socket.create_connection(("127.0.0.1", service.port), timeout=5) as peer:
        peer.sendall(start)
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 150_000_000 and time.monotonic() - since < 4:
                peer.sendall(b"a" * 100_000)
                sent += 100_000
    assert time.monotonic() - since < 4
    assert memory(service) - before < 8000
    assert service.ask("/feed.atom").status == 200


def test_a_head_that_is_too_large_is_told_so(service: Service):
    answer = service.send(b"GET /feed.atom HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000)
    status, fields, _ = parsed(answer)
    assert status == 431
    assert {name: fields.get(name) for name in FIELDS} == FIELDS


def test_a_head_of_sixty_thousand_bytes_is_read(service: Service):
    answer = service.ask("/feed.atom", Cookie="a" * 60_000)
    assert answer.status == 200


def test_others_are_answered_while_a_stranger_sends_what_never_ends(service: Service):
    stop = threading.Event()

    def flood() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", service.port)) as peer:
                peer.sendall(b"GET / HTTP/1.1\r\nX: ")
                for _ in range(100):
                    peer.sendall(b"a" * 60_000)

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        waits = []
        for _ in range(30):
            since = time.monotonic()
            assert service.ask("/feed.atom").status == 200
            waits.append(time.monotonic() - since)
    finally:
        stop.set()
        thread.join()
    assert sorted(waits)[-2] < 0.5


def test_a_get_with_a_small_body_is_answered_and_the_body_ignored(service: Service):
    answer = service.send(
        b"GET /feed.atom HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert answer.endswith(b"ok\n")


def test_a_body_that_never_ends_closes_the_connection(service: Service):
    before = memory(service)
    with socket.create_connection(("127.0.0.1", service.port), timeout=5) as peer:
        peer.sendall(b"POST /feed.atom HTTP/1.1\r\nHost: x\r\nContent-Length: 900000000\r\n\r\n")
        since = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - since < 4:
                peer.sendall(b"a" * 100_000)
    assert time.monotonic() - since < 4
    assert memory(service) - before < 8000


def test_pipelined_requests_are_answered_in_their_order(service: Service):
    request = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = service.send(b"".join(request % name for name in (b"healthz", b"nowhere", b"healthz")))
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"404", b"200"]


READY = ["/feed.atom", "/topics/alliance/summary.rss", "/research/reviews-and-chapters/feed.json"]
ASKED = [b"", b"Accept-Encoding: br\r\n", b"Accept-Encoding: gzip\r\nSec-Fetch-Dest: document\r\n",
         b"If-None-Match: *\r\n", b"Connection: close\r\n"]  # fmt: skip


LAST = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def undated(answer: bytes) -> bytes:
    return re.sub(rb"\r\ndate: [^\r]+GMT\r\n", b"\r\ndate: then\r\n", answer)


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
@pytest.mark.parametrize("fields", ASKED)
@pytest.mark.parametrize("path", READY)
def test_an_answer_that_lies_ready_is_the_one_that_is_made_when_it_does_not(
    service: Service, path: str, fields: bytes, version: bytes
):
    request = b"GET %s HTTP/" + version + b"\r\nHost: x\r\n" + fields + b"\r\n"
    closes = b"close" in fields or version == b"1.0"
    service.ask(path)
    # A query takes the longer way.
    ready, made = (
        service.send(request % target.encode() + (b"" if closes else LAST)).split(b"HTTP/1.1 ")[1]
        for target in (path, f"{path}?utm_source=x")
    )
    assert b"\r\ndate: " in ready
    # Where a field of the connection stands among the others means nothing (RFC 9110 §5.3).
    assert sorted(undated(ready).split(b"\r\n")) == sorted(undated(made).split(b"\r\n"))
    assert (b"\r\nconnection: close\r\n" in ready) == closes


def test_answers_that_lie_ready_and_others_keep_the_order_of_their_requests(service: Service):
    service.ask("/feed.atom")
    paths = ["feed.atom", "nowhere", "feed.atom", "healthz", "feed.atom", "feed.atom"]
    requests = (f"GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n" for path in paths)
    answer = service.send("".join(requests).encode() + LAST)
    types = re.findall(rb"HTTP/1.1 (\d+)[^\0]+?content-type: ([a-z/+]+)", answer)
    feed = (b"200", b"application/atom+xml")
    plain = b"text/plain"
    assert types == [feed, (b"404", plain), feed, (b"200", plain), feed, feed, (b"200", plain)]


def test_nothing_is_answered_after_the_last_answer_of_a_connection(service: Service):
    service.ask("/feed.atom")
    last = b"GET /feed.atom HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = service.send(last + b"GET /feed.atom HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.slow
def test_who_asks_three_thousand_times_and_reads_nothing_gets_all_later_and_costs_little(service: Service):
    body = service.ask("/feed.atom").body
    before = memory(service)
    request = b"GET /feed.atom HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", service.port), timeout=5) as peer:
        peer.sendall(request * 3000 + LAST)
        time.sleep(0.5)
        assert memory(service) - before < 8000
        assert read(peer).count(body) == 3000


def test_a_refused_body_gets_no_second_answer(service: Service):
    answer = service.send(
        b"POST /feed.atom HTTP/1.1\r\nHost: x\r\nContent-Length: 900000000\r\n\r\n" + b"a" * 900_000
    )
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.startswith(b"HTTP/1.1 405 ")


def test_a_broken_request_after_a_whole_one_is_refused(service: Service):
    with socket.create_connection(("127.0.0.1", service.port), timeout=3) as peer:
        peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        while not answer.endswith(b"ok\n"):
            part = peer.recv(5000)
            assert part
            answer += part
        peer.sendall(b"GET nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
        assert parsed(read(peer))[0] == 400


def test_an_earlier_request_is_answered_before_the_connection_is_closed_for_a_broken_one(service: Service):
    answer = service.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nnoise noise noise\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"ok\n")


@pytest.mark.parametrize("broken", [b"noise noise\r\n\r\n", b"GET /x#y HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_every_earlier_request_is_answered_before_a_broken_one_ends_the_connection(
    service: Service, broken: bytes
):
    whole = [
        b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % path
        for path in (b"/search/rest/feed.rss", b"/x", b"/healthz")
    ]
    answer = service.send(b"".join([*whole, broken, whole[0]]))
    assert [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)] == [200, 404, 200]
    assert answer.endswith(b"ok\n")


@pytest.mark.parametrize("protocol", ["websocket", "h2c", "TLS/1.0"])
def test_who_asks_for_another_protocol_is_answered_in_this_one(service: Service, protocol: str):
    answer = service.send(
        f"GET /feed.atom HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\n\r\n".encode()
    )
    status, fields, body = parsed(answer)
    assert (status, fields["connection"]) == (200, "close")
    assert body == service.ask("/feed.atom").body


def test_no_stranger_writes_into_the_log():
    with serving(SITES / "small") as running:
        for line in TARGETS:
            running.send(line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
        running.send(
            b"GET / HTTP/1.1\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n"
            b"Sec-WebSocket-Version: 13\r\nHost: x\r\n\r\n"
        )
        assert running.stop() == 0
        log = running.process.stderr.read()
    assert "request" not in log.lower()
    assert "Traceback" not in log


def test_a_silent_connection_is_closed_without_a_word(quick: int):
    with socket.create_connection(("127.0.0.1", quick), timeout=3) as peer:
        assert read(peer) == b""


def test_a_half_sent_request_is_closed_with_408(quick: int):
    with socket.create_connection(("127.0.0.1", quick), timeout=3) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\nHo")
        status, fields, _ = parsed(read(peer))
    assert status == 408
    assert {name: fields.get(name) for name in FIELDS} == FIELDS


def test_who_sends_a_byte_now_and_then_is_closed_as_well(quick: int):
    with socket.create_connection(("127.0.0.1", quick), timeout=3) as peer:
        since = time.monotonic()
        peer.settimeout(0.02)
        answer = b""
        with contextlib.suppress(ConnectionError):
            peer.sendall(b"GET / HTTP/1.1\r\nX: ")
            while not answer and time.monotonic() - since < 3:
                peer.sendall(b"a")
                with contextlib.suppress(TimeoutError):
                    answer = peer.recv(1000)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - since < 1.5


def test_who_keeps_asking_is_never_closed(quick: int):
    with socket.create_connection(("127.0.0.1", quick), timeout=3) as peer:
        for _ in range(12):
            peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert peer.recv(1000).startswith(b"HTTP/1.1 204 ")
            time.sleep(0.08)


def test_a_half_sent_request_after_a_whole_one_is_closed_as_well(quick: int):
    with socket.create_connection(("127.0.0.1", quick), timeout=3) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert peer.recv(1000).startswith(b"HTTP/1.1 204 ")
        peer.sendall(b"GET / HT")
        assert parsed(read(peer))[0] == 408


class Curt(Protocol):
    patience = 0.1
    stall = 0.6


WHOLE = 30_000_000
SLOW = 1.0


@pytest.fixture(scope="module")
def curt() -> Iterator[int]:
    """The port of a server that soon lets go who accepts nothing, around an application with long answers."""

    async def app(scope, receive, send):
        if scope["type"] == "http":
            if scope["path"] == "/late":
                await asyncio.sleep(SLOW)
            length = (b"content-length", b"%d" % WHOLE)
            await send({"type": "http.response.start", "status": 200, "headers": [length]})
            await send({"type": "http.response.body", "body": b"a" * WHOLE})

    config = uvicorn.Config(app, port=0, http=Curt, ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join()


@contextlib.contextmanager
def asking(port: int, path: str, *further: str) -> Iterator[socket.socket]:
    """A client with little room for what it does not read."""
    with socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        peer.settimeout(20)
        peer.connect(("127.0.0.1", port))
        peer.sendall("\r\n".join([f"GET {path} HTTP/1.1", "Host: x", *further, "", ""]).encode())
        yield peer


@pytest.mark.slow
@pytest.mark.parametrize("further", [(), ("Connection: close",)])
def test_a_client_that_accepts_nothing_for_too_long_gets_no_more(curt: int, further: tuple[str, ...]):
    with asking(curt, "/", *further) as peer:
        time.sleep(Curt.stall + 5 * Curt.patience + 1)
        assert len(read(peer)) < WHOLE


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/", "/late"])
def test_a_client_that_accepts_a_little_now_and_then_gets_everything(curt: int, path: str):
    with asking(curt, path, "Connection: close") as peer:
        answer = 0
        until = time.monotonic() + SLOW + 3 * Curt.stall
        while time.monotonic() < until:
            answer += len(peer.recv(200_000))
            time.sleep(Curt.stall / 3)
        answer += len(read(peer))
        assert answer > WHOLE
