"""`serve --preview` as an editor meets it: a real process, a real socket, a real browser."""

from __future__ import annotations

import contextlib
import http.client
import re
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from browser import chromium, guard, visit
from service import SITES, Service, serving

FILES = ("/", "/feed.atom", "/feed.json", "/archive/", "/posts/2021-05-a-draft/", "/topics/alliance/feed.rss")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("preview") / "site"
    shutil.copytree(SITES / "small", folder)
    (folder / "posts/2021-07-both.md").write_text(
        "---\ntitle: Both\ndate: 2199-07-01\ntopics: [alliance]\ndraft: true\n---\n"
        "[one](https://small.example.org/blog/posts/2021-05-a-draft/), [two](/feed.atom), "
        "[three](https://small.example.org/blogs/), [four](https://small.example.org/blog)\n"
    )
    return folder


@pytest.fixture(scope="module")
def preview(site: Path) -> Iterator[Service]:
    with serving(site, "--preview", PPRNET_BASE_URL="https://small.example.org/blog") as running:
        yield running


def test_an_editor_stops_the_preview_with_control_c(site: Path):
    with serving(site, "--preview") as running:
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(timeout=15) == 0


@contextlib.contextmanager
def changes(preview: Service) -> Iterator[http.client.HTTPResponse]:
    """The stream of changes that the script of an open page asks for."""
    script = preview.ask("/preview.js").body.decode()
    connection = http.client.HTTPConnection("127.0.0.1", preview.port, timeout=10)
    connection.request("GET", re.search(r'EventSource\("([^"]+)"\)', script)[1])
    with contextlib.closing(connection), connection.getresponse() as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        yield stream


def test_a_draft_and_a_scheduled_post_are_marked_with_the_moment_they_appear(preview: Service):
    shown = {
        "2021-05-a-draft": "Draft",
        "2021-06-a-post-from-the-future": "Scheduled: appears on 2199-06-01 at 12:00 (America/Toronto)",
        "2021-07-both": "Draft, not before 2199-07-01 at 12:00 (America/Toronto)",
    }
    lists = {path: preview.ask(path).body.decode() for path in ("/archive/", "/topics/alliance/")}
    for slug, mark in shown.items():
        assert f'role="note"><strong>{mark}</strong>' in preview.ask(f"/posts/{slug}/").body.decode()
        assert [path for path, text in lists.items() if f"<strong>({mark})</strong>" not in text] == []
    assert b"<strong>(" not in preview.ask("/issues/2021-03/").body
    assert b"A draft nobody may see" in preview.ask("/feed.atom").body


@pytest.mark.parametrize("root", ["", "/blog"])
def test_the_root_and_the_path_of_the_base_url_answer_and_links_stay_on_this_machine(
    preview: Service, root: str
):
    for path in FILES:
        answer = preview.ask(root + path)
        assert (answer.status, answer.headers["cache-control"]) == (200, "no-cache"), path
        text = answer.body.decode() if "html" in answer.headers["content-type"] else ""
        links = re.findall(r'(?:href|src)="([^"]+)"', text)
        assert [link for link in links if link.startswith("https://small.example.org/blog/")] == []
    assert (
        preview.ask(f"{root}/topics/alliance").headers["location"] == f"{preview.base}/blog/topics/alliance/"
    )


def test_a_link_typed_in_full_stays_on_this_machine_and_one_beside_the_blog_does_not(preview: Service):
    links = re.findall(
        r'href="([^"]+)">(?:one|two|three|four)<', preview.ask("/posts/2021-07-both/").body.decode()
    )
    local = f"{preview.base}/blog"
    assert links == [
        f"{local}/posts/2021-05-a-draft/",
        f"{preview.base}/feed.atom",
        "https://small.example.org/blogs/",
        local,
    ]


def test_only_a_name_of_this_machine_is_answered(preview: Service):
    ours = ["127.0.0.1", f"127.0.0.1:{preview.port}", "localhost", "LocalHost:8000", "[::1]", "[::1]:80"]
    others = [
        *("evil.example", f"evil.example:{preview.port}", "127.0.0.1.evil.example", "localhost.evil.example"),
        *("127.0.0.2", "0.0.0.0", "[::]", "[::2]", "localhost:x", "127.0.0.1:80:80", "", "127.0.0.1@evil"),
    ]
    codes = {host: preview.send(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())[9:12]
             for host in [*ours, *others]}  # fmt: skip
    assert codes == dict.fromkeys(ours, b"200") | dict.fromkeys(others, b"421")
    refused = preview.send(b"GET /preview/changes HTTP/1.1\r\nHost: evil\r\nConnection: close\r\n\r\n")
    assert len(refused.partition(b"\r\n\r\n")[2]) < 100


@pytest.mark.parametrize("path", [*FILES, "/nothing", "/preview/changes", "/preview.js", "/readyz"])
def test_no_page_of_another_site_can_read_what_is_not_published(preview: Service, path: str):
    for method in ("GET", "HEAD", "OPTIONS") if path != "/preview/changes" else ("OPTIONS",):
        headers = preview.ask(path, method, Origin="https://evil.example").headers
        assert [name for name in headers if name.startswith("access-control-")] == []


def test_a_page_that_did_not_change_is_never_304_because_it_holds_the_version(preview: Service):
    page = preview.ask("/")
    assert {"etag", "last-modified"}.isdisjoint(page.headers)
    feed = preview.ask("/feed.atom")
    assert preview.ask("/feed.atom", If_None_Match=feed.headers["etag"]).status == 304


@pytest.mark.slow
def test_the_public_service_has_no_stream_and_no_script(site: Path):
    with serving(site) as public:
        assert [public.ask(path).status for path in ("/preview.js", "/preview/changes")] == [404, 404]
        assert b"preview" not in public.ask("/").body


def test_the_address_to_open_is_printed_first_and_the_base_url_beside_it(preview: Service):
    line = preview.process.stderr.readline()
    assert line == f"{preview.base}/  (a preview; for readers: https://small.example.org/blog/)\n"


def test_an_open_page_does_not_keep_a_service_that_was_told_to_stop(site: Path):
    with serving(site, "--preview") as running, changes(running) as stream:
        assert stream.readline().startswith(b"data: ")
        running.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        stream.read()
        assert running.process.wait(timeout=15) == 0
        # uvicorn would wait eight seconds for the stream.
        assert time.monotonic() - began < 4


def test_an_edit_is_announced_to_open_pages(preview: Service, site: Path):
    with changes(preview) as stream:
        first = stream.readline()
        page = preview.ask("/").body.decode()
        assert f'data-version="{first.decode().removeprefix("data: ").strip()}"' in page
        file = site / "posts/2021-05-a-draft.md"
        file.write_text(file.read_text().replace("Secret.", "Edited."))
        began = time.monotonic()
        assert stream.readline() == b"\n"
        second = stream.readline()
        assert second.startswith(b"data: ")
        assert second != first
        assert time.monotonic() - began < 3
    assert b"Edited." in preview.ask("/posts/2021-05-a-draft/").body


@pytest.mark.slow
def test_an_open_page_reloads_itself_once_and_the_policy_lets_it(preview: Service, site: Path):
    with guard(60), chromium() as browser, visit(browser) as (page, seen):
        page.goto(f"{preview.base}/posts/2021-05-a-draft/")
        time.sleep(0.5)
        (site / "posts/2021-05-a-draft.md").write_text(
            "---\ntitle: Another title\ndate: 2021-05\ntopics: [alliance]\ndraft: true\n---\nText.\n"
        )
        page.get_by_role("heading", name="Another title").wait_for()
        time.sleep(1)
        pages = [address for address in seen.asked if address.endswith("/posts/2021-05-a-draft/")]
        assert (len(pages), seen.errors, seen.foreign(preview.base)) == (2, [], [])
