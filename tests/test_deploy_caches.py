"""The service behind nginx and behind Varnish, as they are shipped: what both must do for readers."""

from __future__ import annotations

import itertools
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from many import TOPICS, make_site, write_post
from pprnet_feeds.serving.app import QUERIED
from proxies import DEPLOY, Origin, ask_as, before, crowd, directives, nginx, varnish
from service import ROOT, Answer, Service, serving

BASE = "https://many.example.org"
CACHES = ("nginx", "varnish")
# How long either keeps a copy before it asks again, with some room; in seconds.
FRESH = 2.2
# Of one connection, or of the moment.
PASSING = {"server", "date", "age", "connection"}
WITHDRAWN = "2013-02-01-post-4"


@dataclass
class Stand:
    """A service, what the cache takes for it, and the cache."""

    site: Path
    service: Service
    origin: Origin
    cache: Service
    folder: Path
    since: float = 0.0

    def spares(self, copies: int = 1) -> bool:
        """Tell whether the service was asked once a second at most for each of *copies*."""
        return len(self.origin.take()) <= copies * (1 + int(time.monotonic() - self.since))


@pytest.fixture(scope="module", params=[pytest.param(each, marks=pytest.mark.slow) for each in CACHES])
def stand(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    site = make_site(tmp_path_factory.mktemp("site"), 12)
    write_post(site, 4, status="withdrawn")
    write_post(site, 5, aliases="[/old-address/]")
    write_post(site, 6, text="An endless letter. " * 12_000)
    tomorrow = datetime.now(UTC) + timedelta(minutes=30)
    write_post(site, 7, date=tomorrow.isoformat(timespec="seconds"))
    folder = tmp_path_factory.mktemp(request.param)
    with ExitStack() as stack:
        service = stack.enter_context(serving(site))
        origin = stack.enter_context(before(service))
        running = nginx(folder, origin.port) if request.param == "nginx" else varnish(origin.port)
        yield Stand(site, service, origin, stack.enter_context(running), folder)


@pytest.fixture(autouse=True)
def _forget(request: pytest.FixtureRequest) -> None:
    if "stand" in request.fixturenames:
        stand = request.getfixturevalue("stand")
        stand.origin.take()
        stand.since = time.monotonic()


def lasting(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    """An answer without what belongs to one connection or moment."""
    kept = {name: value for name, value in answer.headers.items() if name not in PASSING}
    kept["cache-control"] = re.sub(
        r"=\d+", "=…", kept.get("cache-control", "")
    )  # it counts down in this site
    return answer.status, kept, answer.body


# --- the same answers ---


@pytest.mark.parametrize(
    "path", ["/summary.rss", "/feed.json", "/", "/feeds.opml", "/posts/2013-01-01-post-0.ris"]
)
def test_an_answer_is_the_services_own_header_for_header(stand: Stand, path: str):
    direct = lasting(stand.service.ask(path, Accept_Encoding="gzip"))
    assert lasting(stand.cache.ask(path, Accept_Encoding="gzip")) == direct
    assert lasting(stand.cache.ask(path, Accept_Encoding="gzip")) == direct
    assert stand.spares()


def test_head_is_answered_from_the_copy_that_get_has_left(stand: Stand):
    status, headers, _ = lasting(stand.cache.ask("/topics/alpha/summary.atom"))
    assert lasting(stand.cache.ask("/topics/alpha/summary.atom", "HEAD")) == (status, headers, b"")
    assert stand.spares()


def test_a_large_document_is_kept_whole(stand: Stand):
    direct = stand.service.ask("/feed.rss")
    assert len(direct.body) > 200_000
    assert [stand.cache.ask("/feed.rss").body for _ in range(2)] == [direct.body] * 2
    assert stand.spares()


def test_ranges_are_not_offered(stand: Stand):
    answer = stand.cache.ask("/summary.atom", Range="bytes=0-9")
    assert (answer.status, answer.body) == (200, stand.service.ask("/summary.atom").body)
    assert "accept-ranges" not in answer.headers


# --- validators ---


@pytest.mark.parametrize("coding", ["br", "gzip", ""])
def test_a_reader_that_holds_the_copy_is_told_so_without_asking_the_service(stand: Stand, coding: str):
    first = stand.cache.ask("/feed.atom", Accept_Encoding=coding)
    held = {"Accept_Encoding": coding, "If_None_Match": first.headers["etag"]}
    dated = {**held, "If_Modified_Since": first.headers["last-modified"]}
    only_dated = {"Accept_Encoding": coding, "If_Modified_Since": first.headers["last-modified"]}
    later = {"Accept_Encoding": coding, "If_Modified_Since": "Fri, 01 Nov 2013 00:00:00 GMT"}
    listed = {**held, "If_None_Match": f'"x", W/{first.headers["etag"]}'}
    for validators in (held, dated, only_dated, later, listed):
        answer = stand.cache.ask("/feed.atom", **validators)
        assert (answer.status, answer.body) == (304, b"")
        for name in ("etag", "vary", "link", "access-control-allow-origin", "cache-control"):
            assert answer.headers[name] == first.headers[name]
    assert stand.spares()


def test_a_lifetime_that_shortens_before_a_release_is_told_although_no_byte_has_changed(stand: Stand):
    first = stand.cache.ask("/topics/beta/feed.json")
    time.sleep(FRESH)
    second = stand.cache.ask("/topics/beta/feed.json")
    assert second.headers["etag"] == first.headers["etag"]
    ages = [re.search(r"stale-while-revalidate=(\d+)", a.headers["cache-control"]) for a in (first, second)]
    assert int(ages[0][1]) - int(ages[1][1]) in (2, 3)  # type: ignore[index]


# --- codings ---

WANTED = {
    "br": {"Accept_Encoding": "gzip, deflate, br"},
    "gzip": {"Accept_Encoding": "gzip"},
    "identity": {},
    "browser": {"Accept_Encoding": "gzip, deflate, br, zstd", "Sec_Fetch_Dest": "document"},
}


def test_each_reader_gets_the_coding_and_type_it_asked_for_whoever_came_before(stand: Stand):
    selections = ["", *(f"topics/{topic}/" for topic in TOPICS), "research/trials/", "research/reviews/"]
    views = ("summary", "practice", "citations")
    paths = (f"/{s}{v}.{f}" for s, v, f in itertools.product(selections, views, ("atom", "rss")))
    for order, path in zip(itertools.permutations(WANTED), paths, strict=False):
        direct = {kind: lasting(stand.service.ask(path, **WANTED[kind])) for kind in WANTED}
        assert len({(a[1].get("content-encoding"), a[1]["content-type"]) for a in direct.values()}) == 4
        for kind in (*order, *reversed(order)):
            assert lasting(stand.cache.ask(path, **WANTED[kind])) == direct[kind], (order, kind)


@pytest.mark.parametrize(
    "value",
    [
        "gzip;q=1.0,deflate;q=0.6,identity;q=0.3",
        "br;q=0, gzip",
        "gzip;q=0",
        "br;q=0.0, gzip;q=0.000, *;q=0.5",
        "*",
        "*;q=0",
        "identity",
        "identity;q=1, gzip;q=0.5",
        "gzip;q=0.2",
        "br;q=.5",
        "x-gzip",
        "GZIP, BR;q=0.9",
        "brotli, gzipped, abr, br2",
        "br;q=0, *",
        "deflate, zstd",
        "",
        "br;q=nonsense",
        "gzip;q=0.001",
        "br ; q=1.000",
        "nobr,gzip ;q=0 , x",
    ],
)
def test_what_a_reader_may_write_about_codings_is_read_as_the_service_reads_it(stand: Stand, value: str):
    codings = [a.ask("/feed.atom", Accept_Encoding=value).headers.get("content-encoding")
               for a in (stand.service, stand.cache)]  # fmt: skip
    # `*` beside other values may be more than the cache takes it for; identity is always right.
    assert codings[1] == (None if value == "br;q=0, *" else codings[0])


def test_ten_thousand_ways_to_write_a_coding_are_three_copies(stand: Stand):
    for number in range(200):
        stand.cache.ask("/feed.atom", Accept_Encoding=f"br, x{number}")
        stand.cache.ask("/feed.atom", Accept_Encoding=f"gzip, x{number}", Sec_Fetch_Dest=f"x{number}")
        stand.cache.ask("/feed.atom", Accept_Encoding=f"x{number}")
    assert stand.spares(copies=3)


# --- crowds ---


def test_a_thousand_readers_who_miss_at_once_are_one_request(stand: Stand):
    stand.origin.held.set()
    letting_go = threading.Timer(0.7, stand.origin.held.clear)
    letting_go.start()
    answers = crowd(stand.cache, "/topics/delta/practice.json", 1000)
    letting_go.join()
    assert len(answers) == 1
    assert answers.pop().endswith(stand.service.ask("/topics/delta/practice.json").body)
    assert stand.origin.take() == ["/topics/delta/practice.json"]


def test_a_thousand_readers_who_come_when_the_copy_is_old_are_one_request(stand: Stand):
    stand.cache.ask("/topics/delta/citations.json")
    time.sleep(FRESH)
    stand.origin.take()
    stand.since = time.monotonic()
    answers = crowd(stand.cache, "/topics/delta/citations.json", 1000)
    assert len(answers) == 1
    assert stand.spares()


@pytest.mark.alone  # a busy machine closes connections that are idle for seconds
def test_readers_that_close_their_connections_share_those_to_the_service(stand: Stand):
    opened = stand.origin.connections
    for number in range(60):
        stand.cache.ask(f"/nobody/{number}", Connection="close")
    assert len(stand.origin.take()) == 60
    assert stand.origin.connections - opened <= 2


# --- floods ---


def test_made_up_queries_are_one_address(stand: Stand):
    direct = stand.service.ask("/practice.json").body
    assert {stand.cache.ask(f"/practice.json?x={number}").body for number in range(200)} == {direct}
    assert {asked.line for asked in stand.origin.asked} <= {
        "GET /practice.json HTTP/1.1",
        "GET /healthz HTTP/1.1",
    }
    assert stand.spares()


def test_where_a_query_means_something_it_reaches_the_service_each_time(stand: Stand):
    paths = [
        "/feeds.opml?topic=alpha",
        "/feeds.opml?topic=beta",
        "/feeds.opml?topic=alpha",
        f"/oembed?url={BASE}/",
        "/oembed?format=xml&url=x",
        "/subscribe?topic=alpha&view=feed",
        "/search/?q=alpha",
        "/search/?q=beta",
        "/search?q=beta",
    ]
    for path in paths:
        assert lasting(stand.cache.ask(path)) == lasting(stand.service.ask(path))
    asked = stand.origin.take()
    assert list(dict.fromkeys(asked)) == list(dict.fromkeys(paths))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/topics/nobody/feed.atom", 404),
        ("/posts/" + WITHDRAWN + "/", 410),
        ("/old-address/", 301),
        ("/topics/alpha", 301),
    ],
)
def test_what_is_no_document_is_not_kept(stand: Stand, path: str, status: int):
    direct = lasting(stand.service.ask(path))
    assert direct[0] == status
    assert [lasting(stand.cache.ask(path)) for _ in range(2)] == [direct] * 2
    assert stand.origin.take() == [path, path]


def test_another_spelling_of_an_address_is_not_answered_from_its_copy_nor_kept_as_it(stand: Stand):
    for odd in (
        "/%73ummary.json",
        "//summary.json",
        "/./summary.json",
        "/x/../summary.json",
        "/summary.json%0a",
    ):
        for path in (odd, "/summary.json", odd):
            assert lasting(stand.cache.ask(path)) == lasting(stand.service.ask(path)), (odd, path)


def test_other_methods_are_refused_and_preflights_answered(stand: Stand):
    for method, status in {"POST": 405, "DELETE": 405, "PURGE": 405, "FOO": 405, "OPTIONS": 204}.items():
        answer = stand.cache.ask("/feed.atom", method)
        assert (answer.status, answer.headers["allow"]) == (status, "GET, HEAD, OPTIONS"), method


def test_a_body_is_not_taken(stand: Stand):
    large = (
        b"GET /feed.atom HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\nConnection: close\r\n\r\n"
        + b"x" * 9000
    )
    assert stand.cache.send(large).startswith(b"HTTP/1.1 413 ")
    assert stand.origin.take() == []


# --- strangers ---

FORGED = [
    {"Forwarded": "host=evil.example;proto=http"},
    {"X_Forwarded_Host": "evil.example"},
    {"X_Forwarded_Proto": "gopher"},
    {"X_Forwarded_Prefix": "/evil"},
    {"X_Forwarded_For": "6.6.6.6"},
    {"X_Original_URL": "/evil"},
    {"X_Rewrite_URL": "/evil"},
    {"X_HTTP_Method_Override": "DELETE"},
    {"A_IM": "feed"},
    {"Cookie": "a=b"},
    {"Authorization": "Basic eDp5"},
    {"Cache_Control": "no-cache"},
    {"Pragma": "no-cache"},
    {"Accept": "text/html"},
]


@pytest.mark.parametrize("forged", FORGED, ids=str)
def test_what_a_stranger_claims_changes_neither_the_answer_nor_the_copy(stand: Stand, forged: dict[str, str]):
    path = f"/topics/{TOPICS[FORGED.index(forged) % 4]}/feed.rss"
    direct = lasting(stand.service.ask(path))
    for headers in (forged, {}, forged):
        assert lasting(stand.cache.ask(path, **headers)) == direct
    assert all("evil" not in str(asked) and "6.6.6.6" not in str(asked) for asked in stand.origin.asked)
    assert {asked.headers.get("x-forwarded-for", "127.0.0.1") for asked in stand.origin.asked} <= {
        "127.0.0.1"
    }


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET /feed.json HTTP/1.1\r\nHost: evil.example", 200),
        ("GET http://evil.example/feed.json HTTP/1.1\r\nHost: evil.example", 200),
        ("GET /feed.json HTTP/1.1\r\nHost: many.example.org\r\nHost: evil.example", 400),
        ("GET /feed.json HTTP/1.1\r\nX-A: b", None),
        (
            "GET /feed.json HTTP/1.1\r\nHost: evil.example\r\n"
            "Content-Length: 0\r\nTransfer-Encoding: chunked",
            None,
        ),
    ],
)
def test_absolute_addresses_never_come_from_a_request(stand: Stand, head: str, status: int | None):
    answer = stand.cache.send(f"{head}\r\nConnection: close\r\n\r\n".encode())
    if status:
        assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"evil" not in answer
    assert stand.cache.ask("/feed.json").body == stand.service.ask("/feed.json").body


def test_only_who_runs_the_service_sees_how_it_is(stand: Stand):
    assert ask_as(stand.cache, "127.0.0.1", "/readyz").status == 200
    for path in ("/readyz", "/metrics", "/readyz?x"):
        assert ask_as(stand.cache, "127.0.0.2", path).status == 404
    assert ask_as(stand.cache, "127.0.0.2", "/healthz").status == 200


# --- publishing ---


def test_what_is_published_passes_within_two_seconds_and_at_once_when_the_copies_are_dropped(stand: Stand):
    old = stand.cache.ask("/topics/gamma/feed.json").body
    write_post(stand.site, 2, title="What Is New")
    _until_new(stand.service, old)
    time.sleep(FRESH)
    newer = stand.cache.ask("/topics/gamma/feed.json").body
    assert newer == stand.service.ask("/topics/gamma/feed.json").body != old

    write_post(stand.site, 2, title="What Is Newer Still")
    _until_new(stand.service, newer, stand.cache)
    _drop(stand)
    assert (
        stand.cache.ask("/topics/gamma/feed.json").body == stand.service.ask("/topics/gamma/feed.json").body
    )


def _until_new(service: Service, old: bytes, cache: Service | None = None) -> None:
    """Wait until *service* tells of the change, and keep the copy in *cache* young meanwhile."""
    deadline = time.monotonic() + 10
    while service.ask("/topics/gamma/feed.json").body == old:
        assert time.monotonic() < deadline
        if cache is not None:
            cache.ask("/topics/gamma/feed.json")
        time.sleep(0.05)


def _drop(stand: Stand) -> None:
    """Drop all copies, with the command that the document tells."""
    document = (ROOT / "docs/operator/proxy.md").read_text("utf-8")
    start = "curl" if stand.folder.name.startswith("varnish") else "find"
    command = next(line for line in document.splitlines() if line.startswith(f"{start} "))
    changed = {
        "/var/cache/nginx-pprnet-feeds": f"{stand.folder}/cache",
        "127.0.0.1:6081": f"127.0.0.1:{stand.cache.port}",
    }
    assert any(key in command for key in changed)
    for key, value in changed.items():
        command = command.replace(key, value)
    subprocess.run(["/bin/sh", "-c", command], check=True, timeout=10, capture_output=True)


def test_a_stranger_cannot_drop_the_copies(stand: Stand):
    stand.cache.ask("/research/trials/feed.json")
    for method in ("BAN", "PURGE"):
        assert ask_as(stand.cache, "127.0.0.2", "/research/trials/feed.json", method).status == 405
    stand.cache.ask("/research/trials/feed.json")
    stand.origin.asked[:] = [asked for asked in stand.origin.asked if asked.line.startswith("GET ")]
    assert stand.spares()


# --- bad times ---


def test_while_the_service_is_down_the_last_good_copies_go_on_and_it_recovers_by_itself(stand: Stand):
    with serving(stand.site) as mortal:
        stand.origin.lead_to(mortal.port)
        good = {kind: lasting(stand.cache.ask("/feed.atom", **WANTED[kind])) for kind in WANTED}
        mortal.process.kill()
        mortal.process.wait()
        stand.origin.lead_to(0)
    time.sleep(FRESH)
    for _ in range(2):
        for kind in WANTED:
            assert lasting(stand.cache.ask("/feed.atom", **WANTED[kind])) == good[kind]
    held = stand.cache.ask("/feed.atom", If_None_Match=good["identity"][1]["etag"])
    assert held.status == 304

    refused = stand.cache.ask("/research/reviews/citations.json")
    assert (refused.status, refused.body) == (503, b"The feeds cannot be reached for the moment.\n")
    told = {
        name: refused.headers.get(name)
        for name in ("cache-control", "retry-after", "access-control-allow-origin")
    }
    assert told == {"cache-control": "no-store", "retry-after": "60", "access-control-allow-origin": "*"}
    assert stand.cache.ask("/research/reviews/citations.json", "HEAD").status == 503

    stand.origin.lead_to(stand.service.port)
    deadline = time.monotonic() + 10
    while (answer := stand.cache.ask("/research/reviews/citations.json")).status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert answer.body == stand.service.ask("/research/reviews/citations.json").body


# --- the shipped files ---


def test_nginx_keeps_no_address_of_a_reader():
    text = (DEPLOY / "nginx/pprnet-feeds.conf").read_text()
    assert "\n    access_log off;" in text


@pytest.mark.parametrize("name", ["nginx/pprnet-feeds.conf", "varnish/pprnet-feeds.vcl"])
def test_a_query_is_left_at_each_address_that_reads_one_and_no_other(name: str):
    (kept,) = re.findall(r"(feeds\\\.opml[\\a-z.|]*)\)", (DEPLOY / name).read_text("utf-8"))
    assert {"/" + path.replace("\\", "") for path in kept.split("|")} == set(QUERIED)


def test_varnish_bounds_its_memory_twice_and_leaves_codings_alone():
    command = " ".join(value for key, value in directives("varnish/varnish.conf") if key == "ExecStart")
    for parameter in ("-s malloc,256m", "-s Transient=malloc,64m", "-p http_gzip_support=off"):
        assert parameter in command
