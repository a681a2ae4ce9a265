"""What may stand in the first line of a request, and the one Host that goes with it (RFC 9112 §3.2).

Also through nginx and Varnish as they are shipped: what is hidden stays so, and nothing is kept twice.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from proxies import Origin, before, nginx, varnish
from service import SITES, Service, serving
from test_bad_requests import statuses

STRANGER = "127.0.0.2"
HIDDEN = (
    "/readyz",
    "/metrics",
    "/readyz#x",
    "/metrics#x",
    "/readyz#",
    "/metrics#?x",
    "/readyz?x#y",
    "/metrics?#",
    "/metrics##",
    "/readyz%23x",
    "/readyz;x",
    "//readyz",
    "/./metrics",
    "/x/../readyz",
    "/%72eadyz",
    "http://x/readyz",
    "http://x/metrics#x",
    "HTTPS://x/readyz",
    "https://x/metrics",
    "https://x/readyz#y",
    "ftp://x/metrics",
    "https://x/metrics?a",
    "*",
    "readyz",
    "#/readyz",
    "?/readyz",
)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with serving(SITES / "small") as running:
        yield running


@pytest.fixture(
    scope="module", params=[pytest.param(each, marks=pytest.mark.slow) for each in ("nginx", "varnish")]
)
def proxy(
    request: pytest.FixtureRequest, service: Service, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Service, Origin]]:
    """A cache as it is shipped, and what it takes for the service."""
    folder = tmp_path_factory.mktemp(request.param)
    with before(service) as origin:
        running = nginx(folder, origin.port) if request.param == "nginx" else varnish(origin.port)
        with running as cache:
            yield cache, origin


def ask(service: Service, target: str, *fields: str, method: str = "GET", source: str = "") -> bytes:
    """What comes back until the other side closes, or is silent for two seconds."""
    lines = [f"{method} {target} HTTP/1.1", *(fields or ("Host: x",)), "Connection: close", "", ""]
    at = ("127.0.0.1", service.port)
    with socket.create_connection(at, timeout=5, source_address=(source, 0) if source else None) as peer:
        peer.sendall("\r\n".join(lines).encode())
        peer.settimeout(2)
        answer = b""
        with contextlib.suppress(OSError):
            while part := peer.recv(65536):
                answer += part
        return answer


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
@pytest.mark.parametrize(
    "target",
    [
        "/#",
        "/feed.atom#",
        "/feed.atom#x",
        "/healthz#x",
        "/readyz#x",
        "/metrics#x",
        "/metrics?a#b",
        "/nowhere#x",
        "/feeds.opml?topic=alliance#x",
        "http://x/feed.atom#y",
        "/posts/#/",
        "*#",
        "#",
    ],
)
def test_a_target_with_a_fragment_is_a_bad_request(service: Service, method: str, target: str):
    answer = ask(service, target, method=method)
    assert statuses(answer) == [400]
    assert b"<feed" not in answer


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(
    "target", ["*", "feed.atom", "x/feed.atom", "http:/feed.atom", "?x", "*/feed.atom", "*?x"]
)
def test_a_target_of_no_known_form_is_a_bad_request(service: Service, method: str, target: str):
    assert statuses(ask(service, target, method=method)) == [400]


def test_a_hash_in_percent_encoding_is_a_letter_like_any_other(service: Service):
    assert statuses(ask(service, "/feed.atom%23x")) == [404]
    assert statuses(ask(service, "/feed.atom?x=%23")) == [200]


@pytest.mark.parametrize("path", ["/feed.atom", "/healthz", "/nowhere", "/"])
@pytest.mark.parametrize(
    ("fields", "is_fine"),
    [
        (["X: y"], False),
        (["Host: x", "Host: y"], False),
        (["Host: x", "Host: x"], False),
        (["host: x", "HOST: x", "Accept: */*"], False),
        (["Host: x", "Accept: a", "Accept: b"], True),
        (["Host:"], True),
    ],
)
def test_one_host_and_no_more_goes_with_a_request(
    service: Service, path: str, fields: list[str], is_fine: bool
):
    plain = statuses(ask(service, path))
    for _ in range(2):  # also when the answer lies ready
        assert statuses(ask(service, path, *fields)) == (plain if is_fine else [400])


def test_a_program_that_speaks_the_older_version_needs_no_host(service: Service):
    assert statuses(service.send(b"GET /feed.atom HTTP/1.0\r\n\r\n")) == [200]
    assert statuses(service.send(b"GET /feed.atom HTTP/1.0\r\nHost: x\r\nHost: x\r\n\r\n")) == [400]


def test_what_follows_a_refused_target_is_not_answered(service: Service):
    later = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    for first in (b"GET /feed.atom#x HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /feed.atom HTTP/1.1\r\n\r\n"):
        assert statuses(service.send(first + later)) == [400]
        assert statuses(service.send(later + first + later)) in ([200, 400], [200])


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("target", HIDDEN)
def test_no_spelling_shows_a_stranger_behind_a_cache_what_is_hidden(
    proxy: tuple[Service, Origin], target: str, method: str
):
    cache, _ = proxy
    answer = ask(cache, target, method=method, source=STRANGER)
    assert statuses(answer)[:1] in ([400], [404])
    assert b"pprnet_" not in answer
    assert b'"posts"' not in answer


def test_made_up_fragments_fill_no_cache(proxy: tuple[Service, Origin]):
    cache, origin = proxy
    plain = ask(cache, "/feed.rss")
    origin.take()
    answers = [ask(cache, f"/feed.rss#{number}", source=STRANGER) for number in range(100)]
    assert {statuses(answer)[0] for answer in answers} <= {200, 400}
    assert {answer.partition(b"\r\n\r\n")[2] for answer in answers if statuses(answer) == [200]} <= {
        plain.partition(b"\r\n\r\n")[2]
    }
    assert set(origin.take()) <= {"/feed.rss"}
