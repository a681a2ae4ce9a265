"""Clients that send and do not read, or hang up in the middle: bounded, closed, and no line in the log.

Over real sockets against the real service.
"""

from __future__ import annotations

import contextlib
import http.client
import random
import resource
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from service import ROOT, SITES, Service, serving
from test_bad_requests import connections, memory, statuses

pytestmark = pytest.mark.slow  # each sends a great deal, or waits

# One that lies ready, one that the application answers, and one that is nobody's address.
PATHS = ("/feed.atom", "/healthz", "/nowhere")
# As long as a client may accept nothing, and the time between two looks, on a busy machine. In seconds.
CLOSED = 55
# As long as anybody else may wait meanwhile, on a busy machine. In seconds.
LONGEST = 5


@pytest.fixture
def service() -> Iterator[Service]:
    with serving(SITES / "small") as running:
        yield running


def request(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def many(path: str, size: int) -> bytes:
    """So many bytes of requests."""
    return request(path) * (size // len(request(path)))


def send_what_is_taken(peer: socket.socket, data: bytes) -> None:
    """Send until the other side takes no more."""
    peer.setblocking(False)
    with contextlib.suppress(BlockingIOError, ConnectionError):
        while data:
            data = data[peer.send(data) :]


def open_sockets(service: Service) -> int:
    folder = Path(f"/proc/{service.process.pid}/fd")
    found = 0
    for name in folder.iterdir():
        with contextlib.suppress(OSError):
            found += str(name.readlink()).startswith("socket:")
    return found


def log_of(service: Service) -> str:
    """All that the service wrote before and while it stopped."""
    assert service.stop() == 0
    assert service.process.stderr is not None
    return service.process.stderr.read()


@pytest.mark.parametrize("path", PATHS)
def test_all_requests_of_a_client_that_reads_are_answered_in_their_order(service: Service, path: str):
    plain = service.ask(path).status
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as peer:
        peer.settimeout(20)
        wanted = [plain, 200] * 1000
        asked = (request(path) + request("/healthz")) * 999 + request(path)
        asked += b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        answer = b""
        peer.setblocking(False)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with contextlib.suppress(BlockingIOError):
                if asked:
                    asked = asked[peer.send(asked) :]
            with contextlib.suppress(BlockingIOError):
                part = peer.recv(1_000_000)
                answer += part
                if not part:
                    break
            time.sleep(0.0005)
    assert statuses(answer) == wanted


@pytest.mark.parametrize("path", PATHS)
def test_clients_that_send_and_never_read_take_little_memory_and_nobody_waits_for_them(
    service: Service, path: str
):
    assert service.ask("/feed.atom").status == 200
    before = memory(service)
    longest = 0.0
    with connections(service, 40) as peers:
        for peer in peers:
            send_what_is_taken(peer, many(path, 252_000))
        for _ in range(50):
            since = time.monotonic()
            assert service.ask("/healthz").status == 200
            longest = max(longest, time.monotonic() - since)
            time.sleep(0.05)
        grown = memory(service) - before
    assert grown < 40_000  # kB; each may have sent 252 kB, and no honest client has so much on its way
    assert longest < LONGEST


def test_clients_that_hang_up_in_the_middle_leave_no_line_in_the_log(service: Service):
    chance = random.Random(1)
    at_once = struct.pack("ii", 1, 0)  # closed by a reset, not by an end
    for number in range(300):
        peer = socket.create_connection(("127.0.0.1", service.port), timeout=5)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        send_what_is_taken(peer, many(PATHS[number % 3], chance.choice([50, 3_000, 60_000, 250_000])))
        time.sleep(chance.choice([0, 0, 0.002, 0.02]))
        peer.close()
    assert service.ask("/feed.atom").status == 200
    lines = [line for line in log_of(service).splitlines() if '"level": "info"' not in line]
    started = ["A Small Research Blog: https://small.example.org/", f"Listening on 0.0.0.0:{service.port}."]
    assert lines == started


def test_clients_that_accept_nothing_are_closed_after_half_a_minute():
    with serving(ROOT) as service:
        assert service.ask("/feed.atom").status == 200
        time.sleep(1)
        before = open_sockets(service)
        with connections(service, 12) as peers:
            for number, peer in enumerate(peers):
                # The last request of some says that it is the last.
                last = b"Connection: close\r\n\r\n"
                asked = many("/feed.atom", 60_000)
                asked = asked[:-2] + last if number % 2 else asked
                send_what_is_taken(peer, asked)
            time.sleep(12)
            assert open_sockets(service) == before + 12  # a slow line is no fault
            end = time.monotonic() + CLOSED
            while open_sockets(service) > before and time.monotonic() < end:
                time.sleep(0.5)
            assert open_sockets(service) == before
        assert "Traceback" not in log_of(service)


def test_a_client_that_reads_slowly_gets_all_that_it_asked_for():
    with serving(ROOT) as service:
        whole = len(service.send(b"GET /feed.atom HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
        number = 12_000_000 // whole
        with socket.socket() as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
            peer.connect(("127.0.0.1", service.port))
            asked = request("/feed.atom") * number
            peer.sendall(asked[:-2] + b"Connection: close\r\n\r\n")
            peer.settimeout(10)
            answer, until = 0, time.monotonic() + 40
            while part := peer.recv(65_536 if time.monotonic() < until else 1_000_000):
                answer += len(part)
                if time.monotonic() < until:
                    time.sleep(0.3)
        assert answer >= number * (whole - 30)


def test_clients_that_never_read_do_not_lock_everyone_out_for_good():
    with serving(ROOT) as service:
        assert service.ask("/feed.atom").status == 200
        resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE, (256, 256))
        with connections(service, 260) as peers:
            for peer in peers:
                send_what_is_taken(peer, request("/feed.atom") * 200)
            end = time.monotonic() + CLOSED
            answered = False
            while not answered and time.monotonic() < end:
                with contextlib.suppress(OSError):
                    answered = service.ask("/feed.atom").status == 200
            assert answered
        assert "Traceback" not in log_of(service)


@pytest.mark.parametrize("fast_path", ["on", "off"])
def test_a_page_that_needs_a_file_while_clients_hold_every_descriptor_is_no_traceback(fast_path: str):
    with (
        serving(SITES / "small", PPRNET_FAST_PATH=fast_path, PYTHONWARNINGS="default") as service,
        contextlib.closing(http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)) as peer,
    ):

        def ask(path: str) -> tuple[int, str]:
            peer.request("GET", path, headers={"Sec-Fetch-Dest": "document"})
            with peer.getresponse() as answer:
                answer.read()
                return answer.status, answer.headers["Content-Type"].partition(";")[0]

        assert ask("/healthz")[0] == 200
        limit = resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE, (3, limit[1]))
        assert [ask(path) for path in ("/", "/nowhere", "/topics/", "/feed.json")] == [
            (503, "text/plain"),
            (404, "text/plain"),
            (503, "text/plain"),
            (200, "application/feed+json"),
        ]
        resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE, limit)
        assert [ask(path) for path in ("/", "/nowhere")] == [(200, "text/html"), (404, "text/html")]
        log = log_of(service)
    assert "Traceback" not in log
    assert log.count("nothing new can be rendered for now") == 1
