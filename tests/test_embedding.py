"""The feeds as a part of another program."""

from __future__ import annotations

import gc
import json
import re
import shutil
import socket
import subprocess
import sys
import textwrap
import threading
import time
import types
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

import pprnet_feeds
from pprnet_feeds import Feeds, SiteError
from service import ROOT, SITES, invoke

BASE = "https://host.example.org/blog/feeds"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(SITES / "small", tmp_path / "site")
    settings = tmp_path / "site/feeds/site.yaml"
    lines = [line for line in settings.read_text().splitlines() if not line.startswith("base_url:")]
    settings.write_text("\n".join(lines) + "\n")
    return tmp_path / "site"


def test_no_more_than_four_names_are_public():
    assert sorted(pprnet_feeds.__all__) == ["Feeds", "Problem", "SiteError", "__version__"]
    for name in pprnet_feeds.__all__:
        assert getattr(pprnet_feeds, name)
    with pytest.raises(AttributeError, match="has no attribute 'Feed'"):
        pprnet_feeds.Feed  # noqa: B018


def test_a_folder_that_is_no_site_is_refused(tmp_path: Path):
    with pytest.raises(SiteError, match=r"feeds/site\.yaml"):
        Feeds(tmp_path)


def test_a_site_without_an_address_is_refused(folder: Path):
    with pytest.raises(SiteError, match="no base_url is set"):
        Feeds(folder)


@pytest.mark.parametrize(
    "base_url",
    ["host.example.org", "ftp://host.example.org", "http://[", "https://a.example.org/?b", f"{BASE}/é"],
)
def test_what_is_no_address_is_refused_as_one(folder: Path, base_url: str):
    with pytest.raises(SiteError, match=r'^Feeds: .*base_url.*\n    Write it like base_url="https://'):
        Feeds(folder, base_url=base_url)


def test_the_tag_root_of_a_new_site_is_not_published_by_a_host(tmp_path: Path):
    invoke("init", str(tmp_path))
    with pytest.raises(SiteError, match=r"feeds/site\.yaml:\d+: `tag_root` is still the one"):
        Feeds(tmp_path, base_url=BASE)


def test_faulty_settings_are_reported_with_place_and_fix(folder: Path):
    with (folder / "feeds/site.yaml").open("a") as file:
        file.write("languages: en\n")
    with pytest.raises(SiteError) as caught:
        Feeds(folder, base_url=BASE)
    assert [problem.file for problem in caught.value.problems] == ["feeds/site.yaml"]


def test_problems_are_listed_and_documents_rendered_without_a_server(folder: Path):
    feeds = Feeds(folder, base_url=BASE)
    assert all(problem.warning for problem in feeds.problems())
    document = json.loads(feeds.render("/feed.json"))
    assert document["feed_url"] == f"{BASE}/feed.json"
    (folder / "posts/broken.md").write_text("no front matter\n")
    problems = [problem for problem in feeds.problems() if not problem.warning]
    assert {problem.file for problem in problems} == {"posts/broken.md"}
    with pytest.raises(KeyError, match="nowhere"):
        feeds.render("/nowhere")


def test_the_environment_changes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PPRNET_BASE_URL", "https://elsewhere.example.org")
    assert json.loads(Feeds(folder, base_url=BASE).render("/feed.json"))["feed_url"].startswith(BASE)


@pytest.mark.parametrize("path", ["/feeds", "/blog/feeds"])
def test_a_mounted_site_answers_below_its_path_without_a_lifespan(folder: Path, path: str):
    host = Starlette()
    host.mount(path, Feeds(folder, base_url=BASE).app())
    client = TestClient(host)
    answer = client.get(f"{path}/feed.atom")
    assert (answer.status_code, answer.headers["content-type"]) == (
        200,
        "application/atom+xml; charset=utf-8",
    )
    assert f'<{BASE}/feed.atom>; rel="self"' in answer.headers["link"]
    again = client.get(f"{path}/feed.atom", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    page = client.get(f"{path}/")
    assert (page.status_code, 'href="/blog/feeds/' in page.text) == (200, True)
    assert client.get(f"{path}/topics/nowhere/feed.atom").status_code == 404
    assert client.get("/feed.atom").status_code == 404


def test_a_host_that_strips_the_path_itself_is_understood(folder: Path):
    app = Feeds(folder, base_url=BASE).app()
    client = TestClient(app)
    assert client.get("/feed.atom").status_code == 200
    assert client.get("/blog/feeds/feed.atom").status_code == 200


def test_a_host_with_many_event_loops_keeps_no_thread_and_no_memory_of_those_that_ended(folder: Path):
    app, before = Feeds(folder, base_url=BASE).app(), gc.get_freeze_count()
    statuses: list[int] = []

    def client() -> None:
        for _ in range(3):
            statuses.append(TestClient(app).get("/feed.atom").status_code)

    gc.disable()  # what a host has switched off stays off
    try:
        clients = [threading.Thread(target=client, daemon=True) for _ in range(4)]
        for each in clients:
            each.start()
        for each in clients:
            each.join(20)
        assert (statuses, gc.isenabled(), gc.get_freeze_count()) == ([200] * 12, False, before)
    finally:
        gc.enable()
    TestClient(app).get("/feed.atom")
    deadline = time.monotonic() + 5
    while sum(each.name.startswith("render") for each in threading.enumerate()) > 2:
        assert time.monotonic() < deadline
        gc.collect()
        time.sleep(0.05)


LOOPS = """
import asyncio, random, sys
from pprnet_feeds import Feeds

app = Feeds(sys.argv[1], base_url="https://host.example.org").app()

async def run(seconds):
    scope = {"type": "http", "method": "GET", "path": "/feed.atom", "raw_path": b"/feed.atom"}
    sent = []
    async def send(message): sent.append(message)
    await app({**scope, "query_string": b"", "headers": [(b"host", b"x")]}, None, send)
    assert sent[0]["status"] == 200
    await asyncio.sleep(seconds)

for _ in range(150):
    asyncio.run(run(random.uniform(0.06, 0.12)))
"""


@pytest.mark.slow
def test_a_loop_ends_also_in_the_moment_in_which_a_change_is_noticed(folder: Path):
    environ = {"PYTHONPATH": str(ROOT / "src"), "HOME": str(folder.parent)}
    subprocess.run([sys.executable, "-c", LOOPS, folder], env=environ, timeout=60, check=True)


HOST = """
import sys
import uvicorn
from fastapi import FastAPI
from pprnet_feeds import Feeds

app = FastAPI()
app.mount("/one", Feeds(sys.argv[1], base_url="https://host.example.org/one").app())
app.mount("/two", Feeds(sys.argv[2], base_url="https://host.example.org/two").app())
uvicorn.run(app, port=int(sys.argv[3]), log_level="error")
"""


@contextmanager
def hosting(*folders: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", textwrap.dedent(HOST), *map(str, folders), str(port)]
    environ = {"PYTHONPATH": str(ROOT / "src"), "HOME": str(folders[0].parent)}
    process = subprocess.Popen(command, env=environ)
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{base}/openapi.json").close()
                break
            except urllib.error.URLError:
                assert process.poll() is None
                time.sleep(0.1)
        yield base, process
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.slow
def test_two_sites_in_a_fastapi_app_reload_under_load_and_end_with_it(folder: Path):
    other = folder.with_name("other")
    shutil.copytree(folder, other)
    title = "An edit that both readers and hosts see"
    with hosting(folder, other) as (base, process):

        def get(path: str) -> bytes:
            with urllib.request.urlopen(base + path, timeout=10) as answer:
                return answer.read()

        failures: list[Exception] = []
        done = threading.Event()

        def load() -> None:
            while not done.is_set():
                try:
                    get("/one/feed.atom")
                    get("/two/feed.json")
                except Exception as error:
                    failures.append(error)
                    return

        clients = [threading.Thread(target=load) for _ in range(4)]
        for client in clients:
            client.start()
        post = other / "posts/2021-03-trust-grows-slowly.md"
        text = post.read_text()
        old = next(line for line in text.splitlines() if line.startswith("title:"))
        post.write_text(text.replace(old, f"title: {title}"))
        latest = time.monotonic() + 10
        while title.encode() not in get("/two/feed.json"):
            assert time.monotonic() < latest
            time.sleep(0.1)
        assert title.encode() not in get("/one/feed.json")
        done.set()
        for client in clients:
            client.join()
        assert failures == []
        process.terminate()
        assert process.wait(5) in (0, -15)


EXAMPLES = re.findall(
    r"^```python\n(.*?)^```$", (ROOT / "docs/developer/library.md").read_text(), re.M | re.S
)


def test_the_examples_of_the_library_do_what_they_say(folder: Path, monkeypatch: pytest.MonkeyPatch):
    folder.rename(folder.with_name("blog"))
    monkeypatch.chdir(folder.parent)
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "hosted")
    hosted = types.ModuleType("hosted")
    hosted.SECRET_KEY, hosted.ROOT_URLCONF, hosted.urlpatterns = "a test", "hosted", []  # type: ignore[attr-defined]
    hosted.ALLOWED_HOSTS = ["testserver"]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "hosted", hosted)
    reading, mounting, django = ({}, {}, {})  # type: tuple[dict[str, Any], ...]
    for example, names in zip(EXAMPLES, (reading, mounting, django), strict=True):
        exec(example, names)
    assert reading["atom"].startswith(b"<?xml")
    for app in (mounting["app"], django["application"]):
        client = TestClient(app)
        answer = client.get("/feeds/feed.json")
        assert answer.json()["feed_url"] == "https://example.org/feeds/feed.json"
        assert client.get("/elsewhere").status_code == 404


def test_a_site_that_did_not_change_is_not_built_again(folder: Path):
    feeds = Feeds(folder, base_url=BASE)
    feeds.render("/feed.atom")
    built = feeds._snapshot
    feeds.render("/feed.rss")
    assert feeds._snapshot is built
