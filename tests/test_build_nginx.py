"""A copy in files, answered by the real nginx with the rules that lie in it, beside the real service."""

from __future__ import annotations

import contextlib
import gzip
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import brotli
import pytest

from copied import BASE, WITHDRAWN, as_copied, edit, make_site
from pprnet_feeds.serving.snapshot import Snapshot, build
from pprnet_feeds.settings import Settings
from pprnet_feeds.state.last_modified import TimestampStore
from proxies import found, free_port
from service import Answer, Service, command, serving
from test_build import NOW

pytestmark = pytest.mark.slow  # each needs nginx

MODULE = Path("/usr/lib/nginx/modules/ngx_http_brotli_static_module.so")

# What follows from where and when a file lies, and what nginx says of itself.
_OF_THE_SERVER = {"date", "server", "connection", "etag", "last-modified", "content-length", "keep-alive"}


@contextlib.contextmanager
def nginx(root: Path, folder: Path, prefix: str = "") -> Iterator[Service]:
    """Run nginx on the copy below *root* and include its rules."""
    port = free_port()
    module = f"load_module {MODULE};" if MODULE.exists() else ""
    coding = "brotli_static on;" if MODULE.exists() else ""
    (folder / "nginx.conf").write_text(
        f"{module} daemon off; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{ access_log off;\n"
        f"client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2;\n"
        f"fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;\n"
        f"server {{ listen 127.0.0.1:{port}; root {root}; {coding}\n"
        f"include {root}{prefix}/.pprnet-feeds/nginx.conf; }} }}\n"
    )
    folder.chmod(0o755)
    program = found("nginx", "nginx libnginx-mod-http-brotli-static")
    process = subprocess.Popen(
        # As root it would give its workers to a user who may not read the folders of the tests.
        [program, "-c", folder / "nginx.conf", "-g", "" if os.getuid() else "user root;"],
        stderr=subprocess.PIPE,
        text=True,
    )
    answering = Service(process, port)
    try:
        for _ in range(100):
            with contextlib.suppress(OSError):
                answering.ask("/")
                break
            assert process.poll() is None, process.stderr and process.stderr.read()
            time.sleep(0.05)
        yield answering
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)
        assert process.stderr is not None
        process.stderr.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_site(tmp_path_factory.mktemp("nginx") / "site")


@pytest.fixture(scope="module")
def paths(site: Path) -> list[str]:
    snapshot = build(Settings(site), {}, NOW, TimestampStore())
    assert isinstance(snapshot, Snapshot)
    return list(snapshot.paths())


@pytest.fixture(scope="module")
def service(site: Path) -> Iterator[Service]:
    with serving(site) as running:
        yield running


@pytest.fixture(scope="module")
def copy(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("root")
    done = command("build", str(folder / "copy"), cwd=site)
    assert done.returncode == 0, done.stdout + done.stderr
    with nginx(folder / "copy", folder) as running:
        yield running


def told(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    """What the service and a copy agree on."""
    return (
        answer.status,
        {name: value for name, value in answer.headers.items() if name not in _OF_THE_SERVER},
        as_copied(answer.body),
    )


def differing(paths: list[str], service: Service, copy: Service, **headers: str) -> list[object]:
    answers = ((path, service.ask(path, **headers), copy.ask(path, **headers)) for path in paths)
    return [(path, told(ours), told(its)) for path, ours, its in answers if told(ours) != told(its)]


def test_every_address_is_answered_as_the_service_answers_it(paths, service, copy):
    assert differing(paths, service, copy) == []


def test_a_browser_that_opens_a_feed_is_shown_it(paths, service, copy):
    feeds = [path for path in paths if path.endswith((".atom", ".rss", "/feed.json"))]
    assert differing([*feeds, "/feed", "/rss/feed.xml"], service, copy, Sec_Fetch_Dest="document") == []


def test_every_guessed_address_is_answered_as_the_service_answers_it(service, copy):
    names = "feed feed/ feed.xml atom atom.xml index.atom rss rss/ rss.xml index.xml index.rss rss/feed.xml"
    folders = [
        "/",
        "/topics/alliance/",
        "/research/meta-analyses/",
        "/issues/",
        "/corrections/",
    ]
    assert differing([f"{folder}{name}" for folder in folders for name in names.split()], service, copy) == []


@pytest.mark.parametrize(
    "path",
    [
        *("/topics/bond", "/topics/bond/", "/topics/bond/feed.atom", "/topics/bond/embed"),
        *("/research/metas/", "/topics/alliance", "/posts/2021-03-trust-grows-slowly", "/topics", "/archive"),
        *("/2020/12/sleep", "/2020/12/sleep/", "/2020/12/sleep.bib", "/old/sleep.html"),
    ],
)
def test_a_former_or_incomplete_address_leads_where_the_service_leads(path, service, copy):
    ours, its = service.ask(path), copy.ask(path)
    assert (its.status, its.headers["location"]) == (301, ours.headers["location"])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *((f"/posts/{WITHDRAWN}{end}", 410) for end in ("", "/", ".json", ".bib", ".csl.json")),
        *(
            (path, 404)
            for path in ("/nothing", "/topics/nobody/", "/topics/nobody/feed.atom", "/posts/x.json")
        ),
        *((path, 404) for path in ("/index.html", "/embed.html", "/feed.atom.br", "/feed.atom.gz")),
        *((path, 404) for path in ("/.pprnet-feeds/manifest.json", "/_headers", "/404.html", "/oembed")),
        *(
            (path, 404)
            for path in ("/topics/alliance%0d%0aX:1", "/topics/bond/%0d%0aX:1", "/../etc/passwd%00")
        ),
    ],
)
def test_what_is_not_there_is_told_and_not_kept_by_a_cache(path, status, copy):
    answer = copy.ask(path)
    if answer.status == 400:  # nginx itself refuses what is no address
        return
    assert (answer.status, answer.headers["cache-control"]) == (status, "no-store")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert b"<title>" in answer.body
    assert "x" not in answer.headers


def test_a_compressed_sibling_is_sent_to_whoever_takes_it(copy):
    whole = copy.ask("/feed.atom")
    zipped = copy.ask("/feed.atom", Accept_Encoding="gzip")
    assert (zipped.headers["content-encoding"], gzip.decompress(zipped.body)) == ("gzip", whole.body)
    if MODULE.exists():
        small = copy.ask("/feed.atom", Accept_Encoding="br")
        assert (small.headers["content-encoding"], brotli.decompress(small.body)) == ("br", whole.body)
        assert len(small.body) < len(zipped.body)
        assert len({answer.headers["etag"] for answer in (whole, zipped, small)}) == 3


def test_the_guessed_address_is_compressed_too(copy):
    assert gzip.decompress(copy.ask("/feed", Accept_Encoding="gzip").body) == copy.ask("/feed.atom").body


def test_whoever_holds_it_is_told_so_with_the_fields_of_the_service(service, copy):
    its = copy.ask("/feed.atom", If_None_Match=copy.ask("/feed.atom").headers["etag"])
    ours = service.ask("/feed.atom", If_None_Match=service.ask("/feed.atom").headers["etag"])
    assert its.status == ours.status == 304
    fields = ("cache-control", "vary", "link", "access-control-allow-origin")
    assert [its.headers[name] for name in fields] == [ours.headers[name] for name in fields]


def test_a_range_is_ignored_as_the_service_ignores_it(copy):
    assert copy.ask("/feed.atom", Range="bytes=0-9").status == 200


def test_the_form_without_a_script_leads_to_what_there_is(copy):
    answer = copy.ask("/subscribe?topic=alliance&topic=sleep-and-rest")
    assert answer.status == 200
    assert b'href="/topics/"' in answer.body


def test_a_query_changes_nothing(copy):
    assert copy.ask("/feeds.opml?topic=alliance").body == copy.ask("/feeds.opml").body


def test_a_site_below_a_path_of_its_host_is_answered_there(site, tmp_path):
    edited = tmp_path / "site"
    make_site(edited)
    edit(edited / "feeds/site.yaml", BASE, f"{BASE}/blog")
    done = command("build", str(tmp_path / "root/blog"), cwd=edited)
    assert done.returncode == 0, done.stdout + done.stderr
    with nginx(tmp_path / "root", tmp_path, "/blog") as copy:
        answers = [
            copy.ask(f"/blog{path}") for path in ("/", "/feed", "/topics/alliance", f"/posts/{WITHDRAWN}/")
        ]
    assert [answer.status for answer in answers] == [200, 200, 301, 410]
    assert answers[2].headers["location"] == f"{BASE}/blog/topics/alliance/"
    assert f'<{BASE}/blog/feed.atom>; rel="self"' in answers[1].headers["link"]


@pytest.mark.parametrize("path", ["/v1.0-beta", "/~ada/blog", "/a_b/c.d"])
def test_the_path_of_a_site_is_no_pattern_and_its_hub_no_variable(site, tmp_path, path):
    edited = tmp_path / "site"
    make_site(edited)
    edit(edited / "feeds/site.yaml", BASE, f"{BASE}{path}")
    hub = "https://hub.example/$host?x=$1"
    done = command("build", str(tmp_path / f"root{path}"), cwd=edited, PPRNET_HUBS=hub)
    assert done.returncode == 0, done.stdout + done.stderr
    with nginx(tmp_path / "root", tmp_path, path) as copy:
        feed, guess, former = (copy.ask(f"{path}{one}") for one in ("/feed.atom", "/feed", "/2020/12/sleep"))
        stranger = copy.ask(f"{path.replace('.', 'x')}/feed")
    assert [feed.status, guess.status, former.status, stranger.status] == [
        *(200, 200, 301),
        404 if "." in path else 200,
    ]
    assert former.headers["location"].startswith(f"{BASE}{path}/posts/")
    assert '<https://hub.example/%24host?x=%241>; rel="hub"' in feed.headers["link"]
