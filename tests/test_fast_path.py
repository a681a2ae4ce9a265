"""The same answers with the fast path and without it, byte by byte."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service import SITES, Service, serving

HEAD, LAST = b"Host: x\r\n", b"Connection: close\r\n\r\n"
PATHS = ["/feed.atom", "/topics/alliance/summary.rss", "/research/reviews-and-chapters/feed.json",
         "/", "/feeds.json"]  # fmt: skip
FIELDS = [
    "",
    "Accept-Encoding: br\r\n",
    "Accept-Encoding: gzip\r\n",
    "Accept-Encoding: gzip;q=0.5, br;q=0, *;q=0.1\r\n",
    "Accept-Encoding: gzip\r\nAccept-Encoding: br;q=0\r\n",
    "Accept-Encoding: br\r\nSec-Fetch-Dest: document\r\n",
    "If-None-Match: *\r\n",
    'If-None-Match: "x", W/"y"\r\nAccept-Encoding: gzip\r\n',
    "If-Modified-Since: Sat, 01 Jan 2022 00:00:00 GMT\r\n",
    "If-Modified-Since: Fri, 31 Dec 9999 23:59:59 GMT\r\n",
    "Range: bytes=0-9\r\n",
    "A-IM: feed\r\n",
]
OTHERS = [
    "HEAD /feed.atom", "OPTIONS /feed.atom", "OPTIONS *", "POST /feed.atom", "BREW /feed.atom", "GET *",
    "GET http://other.example/feed.atom", "GET /feed.atom#x", "GET /feed.atom?x=1", "GET /feed", "GET /rss",
    "GET /feeds.opml", "GET /feeds.opml?topic=alliance", "GET /oembed?url=https://small.example.org/",
    "GET /subscribe?topic=alliance", "GET /topics", "GET /topics/alliance", "GET /nowhere", "GET /%2e%2e/",
    "GET /posts/2021-03-trust-grows-slowly/", "GET /posts/2021-03-trust-grows-slowly.json",
    "GET /posts/2020-11-taken-back/", "GET /issues/2021-03/feed.atom", "GET /archive/2021/feed.atom",
    "GET /topics/alliance,sleep-and-rest/feed.atom", "GET /favicon.ico", "GET /healthz", "GET /readyz",
    "GET /" + "a" * 3000,
]  # fmt: skip
STRANGE = [
    b"GET /feed.atom HTTP/1.0\r\n\r\n",
    b"GET /feed.atom HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
    b"GET /feed.atom HTTP/1.1\r\n" + LAST,
    b"GET /feed.atom HTTP/1.1\r\nHost: x\r\nHost: y\r\n" + LAST,
    b"GET /feed.atom HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
    b"GET /feed.atom HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET /feed.atom HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    (b"GET /feed.atom HTTP/1.1\r\nHost: x\r\n\r\n" + b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n") * 2
    + b"GET /feed.atom HTTP/1.1\r\nHost: x\r\n" + LAST,
]  # fmt: skip
REQUESTS = [
    *(f"GET {path} HTTP/1.1\r\n{lines}".encode() + HEAD + LAST for path in PATHS for lines in FIELDS),
    *(f"{start} HTTP/1.1\r\n".encode() + HEAD + LAST for start in OTHERS),
    *STRANGE,
]


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Service, Service]]:
    """A service with the fast path, and one without."""
    with (
        serving(SITES / "small", PPRNET_FAST_PATH="on") as fast,
        serving(SITES / "small", PPRNET_FAST_PATH="off") as plain,
    ):
        yield fast, plain


def answer(service: Service, request: bytes) -> list[bytes]:
    """All that is answered, without Date; fields that stand elsewhere in a head mean the same."""
    service.send(request)  # from now on the response is cached
    lines = service.send(request).split(b"\r\n")
    return sorted(line for line in lines if not line.startswith(b"date: "))


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: str(request)[2:60])
def test_an_answer_is_the_same_without_the_fast_path(both: tuple[Service, Service], request_: bytes):
    fast, plain = (answer(service, request_) for service in both)
    assert fast == plain
    assert any(line.startswith(b"HTTP/1.1 ") for line in fast)
