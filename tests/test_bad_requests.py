"""What a stranger on the network may send: answered shortly or let go, and nobody else notices.

Over a real socket against the real service. What `test_protocol` and `test_service` say already is not
said here again. Memory is that of the service's whole family of processes.
"""

from __future__ import annotations

import contextlib
import random
import re
import resource
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from many import make_site
from service import SITES, Answer, Service, serving

HOST = b"Host: x\r\n"
END = b"Connection: close\r\n\r\n"
TOLD = b"GET /feed.atom HTTP/1.1\r\nHost: x\r\n%s: %s\r\n\r\n"
LATER = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
# What each kind of memory may grow by, in kB; a stranger who goes on must not make it more.
BOUND = 8_000


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with serving(SITES / "small") as running:
        yield running


def family(pid: int) -> list[int]:
    """The process and all that come from it."""
    below = Path(f"/proc/{pid}/task/{pid}/children")
    children = below.read_text().split() if below.exists() else []
    return [pid, *(one for child in children for one in family(int(child)))]


def memory(service: Service) -> int:
    """The resident memory of the service's processes, in kB."""
    held = 0
    for pid in family(service.process.pid):
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{pid}/status").read_text()
            held += sum(map(int, re.findall(r"VmRSS:\s+(\d+)", status)))
    return held


def statuses(answer: bytes) -> list[int]:
    """The status of each answer, in their order."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


def is_well(service: Service) -> None:
    """The service answers others at once."""
    since = time.monotonic()
    assert service.ask("/feed.atom").status == 200
    assert time.monotonic() - since < 1


@contextlib.contextmanager
def connections(service: Service, number: int, sent: bytes = b"") -> Iterator[list[socket.socket]]:
    """So many open connections, on each of which *sent* was sent."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4 * number), hard), hard))
    with contextlib.ExitStack() as stack:
        peers = []
        for _ in range(number):
            peer = stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=20))
            peer.sendall(sent)
            peers.append(peer)
        yield peers


# Addresses


@pytest.mark.parametrize(
    "path",
    [
        "/archive/-1/feed.atom", "/archive/1_00/feed.atom", "/archive/+202/feed.atom",
        "/archive/%D9%A2%D9%A0%D9%A2%D9%A1/feed.atom", "/archive/20211/feed.atom", "/archive/202/feed.atom",
        "/archive/9999/feed.atom", "/issues/2021-1_/feed.atom", "/issues/-021-03/feed.atom",
        "/issues/2021-03%0a/feed.atom", "/posts/%2e%2e/%2e%2e/etc/passwd", "/posts/..%5c..%5cwindows",
        "/posts/2021-03-trust-grows-slowly.json%00.html", "/feed.atom;x=1", "/feed.atom%20", "/feed.atom/",
        "/FEED.ATOM", "/%66eed.atom%00", "/a?<script>alert(1)</script>", "/%3Cscript%3Ealert(1)%3C/script%3E",
        "/topics/%3Cscript%3E/feed.atom", "/%f0%9f%91%8d", "/%ed%a0%80", "/%u202e", "/static/../site.css",
        "/.git/config", "/.env", "/feeds/site.yaml", "/feeds/ledger.json",
        "/posts/2021-03-trust-grows-slowly.md",
    ],
)  # fmt: skip
def test_an_address_that_looks_for_a_gap_finds_none(service: Service, path: str):
    answer = service.send(f"GET {path} HTTP/1.1\r\n".encode() + HOST + END)
    assert statuses(answer) == [404]
    assert len(answer) < 2000
    assert b"script" not in answer.lower()


@pytest.mark.parametrize("path", ["/archive/0000/feed.atom", "/corrections/archive/0000/feed.rss"])
def test_the_year_nought_is_no_archive(service: Service, path: str):
    assert service.ask(path).status == 404


@pytest.mark.parametrize(
    "start",
    ["GET /é HTTP/1.1", "GET /feed.atom HTTP/1.1\rX: y", "GET  HTTP/1.1", f"GET /{'a' * 100_000} HTTP/1.1",
     "GET /\t HTTP/1.1", "GET /\x00 HTTP/1.1", "\x00\x00\x00\x00", "GET / HTTP/1.1 HTTP/1.1"],
)  # fmt: skip
def test_an_address_that_is_none_is_a_bad_request(service: Service, start: str):
    answer = service.send(start.encode() + b"\r\n" + HOST + END)
    assert statuses(answer)[:1] in ([400], [405], [414], [431])
    assert len(answer) < 1000


def test_what_follows_a_line_end_in_an_address_is_never_a_header_of_the_answer(service: Service):
    answer = service.send(b"GET /feed.atom%0d%0aX-Evil:%20yes HTTP/1.1\r\n" + HOST + END)
    assert b"x-evil" not in answer.partition(b"\r\n\r\n")[0].lower()


@pytest.mark.parametrize(
    "query",
    ["url=" + "%00" * 100, "url=https://evil.example/", "url=javascript:alert(1)", "url=//evil.example/",
     "url=https://small.example.org@evil.example/", "url=https://small.example.org/%2e%2e/etc/passwd",
     "url=https://small.example.org:99999999/", "url=https://[/", "maxwidth=-1&url=x", "topic=%00&x=%ff",
     "topic=<script>", "&" * 5000, "topic=alliance&" * 2000, "url=" + "a" * 30_000],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/oembed", "/subscribe", "/feeds.opml"])
def test_a_hostile_query_is_answered_shortly_and_never_repeated(service: Service, path: str, query: str):
    answer = service.send(f"GET {path}?{query} HTTP/1.1\r\n".encode() + HOST + END)
    assert statuses(answer)[0] in (200, 303, 404)
    head = answer.partition(b"\r\n\r\n")[0]
    assert b"evil" not in answer
    assert b"<script>" not in answer
    assert len(head) < 2000


# Hosts


@pytest.mark.parametrize(
    "hosts",
    [b"", b"Host: evil.example\r\nHost: x\r\n", b"Host: evil .example\r\n", b"Host: evil.example/y?\r\n",
     b"Host: " + b"evil" * 5000 + b"\r\n", b"Host:\r\n", b"Host: [evil\r\n", b"Host: evil.example:99999\r\n",
     b"Host: user@evil.example\r\n", b"Host: evil.example\\\r\n", b"Host: <script>evil\r\n"],
    ids=lambda hosts: str(hosts)[:30],
)  # fmt: skip
@pytest.mark.parametrize("path", [b"/feed.atom", b"/", b"/topics", b"/nowhere", b"/oembed?url=https://evil/"])
def test_no_host_reaches_an_answer_however_it_is_written(service: Service, path: bytes, hosts: bytes):
    answer = service.send(b"GET %s HTTP/1.1\r\n%s" % (path, hosts) + END)
    assert statuses(answer)[0] in (200, 301, 400, 404)
    assert b"evil" not in answer


@pytest.mark.parametrize(
    "name",
    ["X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Server",
     "X-Original-URL", "X-Rewrite-URL", "X-Host", "X-HTTP-Method-Override", "X-Forwarded-Scheme", "Forwarded",
     "Front-End-Https", "Origin", "Referer", "User-Agent", "Via"],
)  # fmt: skip
def test_a_header_of_a_proxy_changes_nothing_for_the_next(service: Service, name: str):
    plain = service.ask("/topics/alliance/feed.atom")
    odd = service.ask("/topics/alliance/feed.atom", **{name.replace("-", "_"): "evil.example/x"})
    again = service.ask("/topics/alliance/feed.atom")
    assert odd.body == plain.body == again.body
    assert "evil" not in str(odd.headers)


# Fields


INM = ["", " ", "*", '"x"', 'W/"x"', '"a,b", "c"', ",,,", '"', '""', "W/", "x", '"\xff"', "'x'", '"x" "y"',
       '"' + "a" * 9000 + '"']  # fmt: skip
IMS = ["", "0", "-1", "yesterday", "Fri, 31 Dec 9999 23:59:59 GMT", "Sat, 01 Jan 0000 00:00:00 GMT",
       "Monday, 01-Jan-99 00:00:00 GMT", "Mon Jan  1 00:00:00 1999", "Mon, 32 Jan 2020 00:00:00 GMT",
       "Mon, 01 Jan 2020 00:00:60 GMT", "Mon, 01 Jan 2020 00:00:00 +0200", "2020-01-01T00:00:00Z",
       "Mon, 01 Jan ٢٠٢٠ 00:00:00 GMT", "1" * 9000]  # fmt: skip
RANGE = ["bytes=0-0", "bytes=-1", "bytes=5-1", "bytes=0-0,1-1", "bytes=" + "0-0," * 2000,
         "bytes=99999999999-", "items=0-1", "", "bytes=\u0660-\u0661"]  # fmt: skip
A_IM = ["feed", "vcdiff", "feed;q=0", "*", "", "feed, gzip"]
CODING = ["gzip;q=0", "*;q=0", "br;q=x", "gzip;q=1;q=0", ";;;", "gzip" * 3000, "\xff", "identity;q=0, *;q=0",
          "gzip;q=99999999999999999999", "x-gzip"]  # fmt: skip
ACCEPT = ["text/html", "*/*;q=0", "application/atom+xml;q=x", "", "a" * 9000, "image/png"]
FIELDS = {"If-None-Match": INM, "If-Modified-Since": IMS, "Range": RANGE, "A-IM": A_IM,
          "Accept-Encoding": CODING, "Accept": ACCEPT}  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
def test_no_form_of_a_field_is_an_error(service: Service, name: str):
    lines = [f"{name}: {value}\r\n".encode() for value in FIELDS[name]]
    asked = [b"GET /feed.atom HTTP/1.1\r\nHost: x\r\n%s\r\n" % line for line in lines]
    # 304 is right for `*`; a date later than now is ignored.
    told = [statuses(service.send(request.replace(b"\r\n\r\n", b"\r\n" + END)))[0] for request in asked]
    fresh = {"If-None-Match": {"*"}}
    assert told == [304 if value in fresh.get(name, ()) else 200 for value in FIELDS[name]]


def test_five_thousand_cookies_are_read_past(service: Service):
    answer = service.send(b"GET /feed.atom HTTP/1.1\r\n" + HOST + b"Cookie: a\r\n" * 5000 + END)
    assert statuses(answer) == [200]


def test_a_hundred_thousand_fields_are_refused(service: Service):
    answer = service.send(b"GET /feed.atom HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 100_000 + END)
    assert statuses(answer) in ([431], [])  # [] when it was reset while we were still sending


@pytest.mark.parametrize(
    "lines",
    [b"X: a\r\n b\r\n", b" X: a\r\n", b"X: a\rY: b\r\n", b"X: a\0b\r\n", b"X\0: a\r\n", b": a\r\n", b"a\r\n",
     b"X : a\r\n", b"X\xff: a\r\n", b"\r: a\r\n"],
)  # fmt: skip
def test_a_field_that_two_readers_would_read_differently_is_refused(service: Service, lines: bytes):
    assert statuses(service.send(b"GET /feed.atom HTTP/1.1\r\n" + HOST + lines + END + LATER)) == [400]


BODIES = {
    "both lengths": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 0\r\nContent-Length: 40\r\n\r\n",
    "a list of lengths": b"Content-Length: 0, 40\r\n\r\n",
    "a negative length": b"Content-Length: -1\r\n\r\n",
    "a length with a sign": b"Content-Length: +0\r\n\r\n",
    "a length in hexadecimal": b"Content-Length: 0x0\r\n\r\n",
    "a length beyond counting": b"Content-Length: 99999999999999999999999\r\n\r\n",
    "chunked and then not": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a coding with a space": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a coding nobody knows": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a chunk that is no number": b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a chunk that lies": b"Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n",
    "a chunk beyond counting": b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    "a chunk with a sign": b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
}


@pytest.mark.parametrize("method", [b"GET", b"POST"])
@pytest.mark.parametrize("shape", BODIES)
def test_a_body_of_doubtful_length_smuggles_no_second_request(service: Service, shape: str, method: bytes):
    answer = service.send(method + b" /feed.atom HTTP/1.1\r\n" + HOST + BODIES[shape] + LATER)
    # Either nothing of it is answered, or the request itself and nothing of what follows.
    assert statuses(answer) in ([400], [200], [405])
    assert b"connection: close" in answer.partition(b"\r\n\r\n")[0].lower()


# What a browser is told

ERRORS = ["/nowhere", "/topics", "/topics/bond/", "/posts/2020-11-taken-back/", "/oembed?url=x",
          "/oembed?format=xml", "/subscribe?topic=alliance", "/subscribe?topic=x", "/" + "a" * 3000,
          "/healthz", "/readyz"]  # fmt: skip
FILES = ["/feed.atom", "/feed.rss", "/feed.json", "/rss", "/citations.bib", "/citations.ris",
         "/citations.csl.json", "/issues/feed.atom", "/corrections/feed.rss", "/feeds.opml", "/feeds.json",
         "/robots.txt", "/sitemap.xml", "/favicon.ico", "/site.css",
         "/posts/2021-03-trust-grows-slowly.json", "/oembed?url=https://small.example.org/"]  # fmt: skip
PAGES = ["/", "/topics/", "/research/", "/issues/", "/archive/", "/topics/alliance/", "/issues/2021-03/",
         "/posts/2021-03-trust-grows-slowly/"]  # fmt: skip
FRAMES = ["/embed", "/topics/alliance/embed", "/research/meta-analyses/embed"]


def policy(answer: Answer) -> dict[str, str]:
    """The directives of an answer's Content-Security-Policy."""
    parts = [part.strip().partition(" ") for part in answer.headers["content-security-policy"].split(";")]
    return {name: value for name, _, value in parts}


@pytest.mark.parametrize("path", [*ERRORS, *FILES, *PAGES, *FRAMES])
def test_every_answer_is_of_its_type_and_may_load_and_run_nothing_foreign(service: Service, path: str):
    answer = service.ask(path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "charset=utf-8" in answer.headers["content-type"] or path in ("/favicon.ico", "/readyz")
    told = policy(answer)
    assert told["default-src"] == "'none'"
    assert told.get("script-src", "'none'") in ("'none'", "'self'")
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "server" not in answer.headers
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", [*ERRORS, *FILES, *PAGES])
def test_what_was_not_made_for_frames_is_shown_in_none(service: Service, path: str):
    assert policy(service.ask(path))["frame-ancestors"] == "'none'"


@pytest.mark.parametrize("path", FRAMES)
def test_what_was_made_for_frames_may_be_shown_in_any_and_runs_no_script(service: Service, path: str):
    told = policy(service.ask(path))
    assert (told["frame-ancestors"], told.get("script-src")) == ("*", None)


@pytest.mark.parametrize("path", [*PAGES, *FRAMES])
def test_a_page_tells_other_sites_no_topic_and_asks_for_no_device(service: Service, path: str):
    headers = service.ask(path).headers
    assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
    assert headers["permissions-policy"] == "camera=(), geolocation=(), microphone=(), payment=()"


@pytest.mark.parametrize("path", ERRORS)
def test_no_error_redirect_or_probe_is_kept_by_a_cache_for_long(service: Service, path: str):
    answer = service.ask(path)
    assert answer.headers["cache-control"] == ("max-age=86400" if answer.status == 301 else "no-store")


# Floods


@pytest.mark.parametrize("megabytes", [1, 10, 64])
def test_a_header_line_of_megabytes_is_let_go(service: Service, megabytes: int):
    before = memory(service)
    since = time.monotonic()
    peer = socket.create_connection(("127.0.0.1", service.port), timeout=5)
    with peer, contextlib.suppress(ConnectionError):
        peer.sendall(b"GET /feed.atom HTTP/1.1\r\nX: ")
        for _ in range(megabytes * 10):
            peer.sendall(b"a" * 100_000)
        peer.sendall(b"\r\n" + END)
        assert statuses(peer.recv(100)) == [431]
    assert time.monotonic() - since < 3
    assert memory(service) - before < BOUND
    is_well(service)


def test_hundreds_of_requests_at_once_on_one_connection_are_answered_in_their_order(service: Service):
    before = memory(service)
    request = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
    names = [b"healthz" if number % 3 else b"nowhere" for number in range(600)]
    answer = service.send(b"".join(request % name for name in names))
    assert statuses(answer) == [200 if name == b"healthz" else 404 for name in names]
    assert memory(service) - before < BOUND


def test_who_asks_and_never_reads_costs_little(service: Service):
    asked = b"GET /feed.atom HTTP/1.1\r\nHost: x\r\n\r\n" * 500
    before = memory(service)
    with connections(service, 20) as peers:
        for peer in peers:
            peer.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                peer.send(asked)
        time.sleep(0.5)
        is_well(service)
        # Twenty sockets' buffers and twenty queues, and not ten thousand answers: those would be 80 MB.
        assert memory(service) - before < 3 * BOUND


NOISE = st.one_of(
    st.binary(max_size=300),
    st.lists(
        st.sampled_from(
            [b"GET ", b"/feed.atom", b" HTTP/1.1", b"\r\n", b"\n", b"\r", b"Host: x", b": ", b"\0", b"\xff",
             b"0", b"Transfer-Encoding: chunked", b"Content-Length: ", b"5", b"POST ", b" HTTP/2.0",
             b"\r\n\r\n"]
        )
    ).map(b"".join),
)  # fmt: skip


@pytest.mark.slow
@given(NOISE)
@settings(max_examples=300, deadline=None)
def test_any_bytes_at_all_get_whole_answers_or_none(any_service: Service, raw: bytes):
    answer = any_service.send_and_end(raw)
    assert not answer or statuses(answer)
    assert all(status < 500 for status in statuses(answer))


class Ending(Service):
    """A service to which one side of the connection can be closed."""

    def send_and_end(self, raw: bytes) -> bytes:
        """Send bytes, say that no more come, and read to the end."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as peer:
            answer = b""
            with contextlib.suppress(OSError):
                peer.sendall(raw)
                peer.shutdown(socket.SHUT_WR)
                while part := peer.recv(65536):
                    answer += part
            return answer


@pytest.fixture(scope="module")
def any_service(service: Service) -> Ending:
    return Ending(service.process, service.port)


@pytest.mark.slow
def test_hundreds_of_half_sent_requests_and_thousands_of_idle_connections_hold_nobody_up(service: Service):
    before = memory(service)
    with connections(service, 3000) as idle, connections(service, 400, TOLD[:40]) as half:
        for _ in range(20):
            is_well(service)
        # A connection is a few kilobytes, whoever opens it.
        assert memory(service) - before < 40_000
        since = time.monotonic()
        assert {statuses(peer.recv(1000))[0] for peer in half} == {408}
        assert {peer.recv(1000) for peer in idle} == {b""}
        assert time.monotonic() - since < 15
    is_well(service)


def flood(service: Service, requests: Callable[[int], bytes], number: int) -> None:
    """Send many requests over a connection that is opened anew after each fifty, and read the answers."""
    for start in range(0, number, 50):
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as peer:
            last = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            peer.sendall(b"".join(map(requests, range(start, start + 50))) + last)
            answer = b""
            while part := peer.recv(1 << 20):
                answer += part
        assert answer.endswith(b"ok\n")
        assert not {status for status in statuses(answer) if status >= 500}


KINDS: dict[str, Callable[[int], bytes]] = {
    "addresses": lambda n: b"GET /nowhere-%d HTTP/1.1\r\nHost: x\r\n\r\n" % n,
    "posts": lambda n: b"GET /posts/2021-%d/ HTTP/1.1\r\nHost: x\r\n\r\n" % n,
    "queries": lambda n: b"GET /feed.atom?_=%d HTTP/1.1\r\nHost: x\r\n\r\n" % n,
    "lists": lambda n: b"GET /feeds.opml?topic=alliance&x=%d HTTP/1.1\r\nHost: x\r\n\r\n" % n,
    "frames": lambda n: (
        b"GET /oembed?url=https://small.example.org/&maxwidth=%d HTTP/1.1\r\nHost: x\r\n\r\n" % n
    ),
    "tags": lambda n: TOLD % (b"If-None-Match", b'"%d-%s"' % (n, b"a" * 100)),
    "dates": lambda n: TOLD % (b"If-Modified-Since", b"Mon, 01 Jan %04d 00:00:00 GMT" % n),
    "codings": lambda n: TOLD % (b"Accept-Encoding", b"gzip;q=0.%d, x%d" % (n, n)),
    "reading programs": lambda n: (
        TOLD % (b"User-Agent", b"Reader%d (%d subscribers; feed-id=%d)" % (n, n, n))
    ),
    "hosts": lambda n: TOLD % (b"X-Forwarded-For", b"10.0.%d.%d" % (n // 256, n % 256)),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_four_thousand_distinct_requests_leave_memory_where_it_was(service: Service, kind: str):
    requests = KINDS[kind]
    flood(service, requests, 1000)
    before = memory(service)
    flood(service, lambda number: requests(1000 + number), 4000)
    assert memory(service) - before < BOUND


@pytest.mark.slow
def test_feeds_are_answered_while_strangers_ask_for_what_must_be_drawn(tmp_path: Path):
    with serving(make_site(tmp_path / "site", 400)) as running:
        running.ask("/feed.atom")
        before = memory(running)
        stop = threading.Event()
        drawn: list[int] = []

        def ask_for_more(which: int) -> None:
            forms = ("atom", "rss", "json")
            for number in range(10**6):
                if stop.is_set():
                    return
                topics = random.Random(which * 10_000 + number).sample(["alpha", "beta", "gamma", "delta"], 3)
                joined, form = ",".join(sorted(topics)), forms[number % 3]
                path = f"/topics/{joined}/archive/{2013 + number % 8}/feed.{form}"
                odd = f"/topics/{joined}/nowhere-{number}"
                drawn.append(running.ask(odd if number % 2 else path).status)

        threads = [threading.Thread(target=ask_for_more, args=(which,)) for which in range(8)]
        for thread in threads:
            thread.start()
        waits = []
        until = time.monotonic() + 4
        while time.monotonic() < until:
            since = time.monotonic()
            assert running.ask("/feed.atom").status == 200
            waits.append(time.monotonic() - since)
            time.sleep(0.01)
        stop.set()
        for thread in threads:
            thread.join()
        assert set(drawn) <= {200, 404}
        assert sorted(waits)[len(waits) * 9 // 10] < 0.5
        # The answers that are kept, in each of the processes that keep some.
        assert memory(running) - before < 100_000


# The limits of the process


@pytest.mark.slow
def test_sixty_file_descriptors_are_enough_to_come_back(tmp_path: Path):
    site = make_site(tmp_path / "site", 3)
    with serving(site) as running:
        before = running.ask("/feed.atom").body
        for pid in family(running.process.pid):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (60, 60))
        with contextlib.ExitStack() as stack:
            for _ in range(200):
                with contextlib.suppress(OSError):
                    peer = socket.create_connection(("127.0.0.1", running.port), timeout=2)
                    stack.enter_context(peer)
            time.sleep(1)
        assert _soon(lambda: running.ask("/feed.atom").body == before)
        path = site / "posts/2013-01-01-post-0.md"
        path.write_text(path.read_text().replace("title: Post 0", "title: Mended"))
        assert _soon(lambda: b"Mended" in running.ask("/feed.atom").body)
        assert running.stop() == 0


def _soon(happened: Callable[[], bool], seconds: float = 10) -> bool:
    since = time.monotonic()
    while time.monotonic() - since < seconds:
        with contextlib.suppress(OSError):
            if happened():
                return True
        time.sleep(0.05)
    return False


@pytest.mark.slow
@pytest.mark.parametrize(("signal", "workers"), [("TERM", "2"), ("INT", "1")])
def test_no_answer_is_cut_when_the_service_is_stopped(signal: str, workers: str):
    cut: list[bytes] = []
    whole = [0]
    with serving(SITES / "small", WEB_CONCURRENCY=workers) as running:
        stop = threading.Event()

        def poll() -> None:
            while not stop.is_set():
                with contextlib.suppress(ConnectionRefusedError, TimeoutError, ConnectionResetError):
                    peer = socket.create_connection(("127.0.0.1", running.port), timeout=5)
                    with peer:
                        peer.sendall(b"GET /feed.atom HTTP/1.1\r\n" + HOST + END)
                        answer = b""
                        while part := peer.recv(65536):
                            answer += part
                    head, _, body = answer.partition(b"\r\n\r\n")
                    length = re.search(rb"content-length: (\d+)", head)
                    if length and int(length[1]) == len(body):
                        whole[0] += 1
                    elif answer:
                        cut.append(answer)

        threads = [threading.Thread(target=poll) for _ in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        since = time.monotonic()
        subprocess.run(["kill", f"-{signal}", str(running.process.pid)], check=True)
        running.process.wait(timeout=15)
        took = time.monotonic() - since
        stop.set()
        for thread in threads:
            thread.join()
    assert cut == []
    assert whole[0] > 8
    assert took < 10
    assert not Path(f"/proc/{running.process.pid}/task").exists()
