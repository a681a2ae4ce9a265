"""Readers of other people's making, over a real socket: what they keep after a year of edits."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import feedparser
import pytest
from reader import Reader, make_reader

from many import make_site, name_of, write_post
from service import Service, serving

KINDS = [
    "/feed.atom", "/feed.rss", "/feed.json", "/summary.atom", "/practice.rss", "/citations.atom",
    "/topics/alpha/feed.rss", "/topics/alpha,beta/feed.atom", "/topics/alpha+beta/summary.rss",
    "/research/trials/feed.json", "/topics/alpha/research/trials/feed.atom", "/issues/feed.rss",
    "/corrections/feed.atom", "/archive/2013/feed.atom",
]  # fmt: skip


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return make_site(tmp_path / "site", 52)


def edits(site: Path) -> Iterator[tuple[str, Callable[[], Path]]]:
    """A year of an editor's work: what it is, and doing it."""
    yield "a new post", lambda: write_post(site, 52)
    yield "a typo", lambda: write_post(site, 52, text="Mended.\n\n## Practice Implications\n\nWait.\n")
    yield "a back-dated post", lambda: write_post(site, 53, date="2014-01-20")
    yield (
        "a correction of an old post",
        lambda: write_post(site, 3, updated="2014-03-01", status="corrected", note="A figure."),
    )
    yield "a post filed elsewhere", lambda: write_post(site, 48, topics="[gamma]")
    yield (
        "a withdrawal",
        lambda: write_post(site, 51, status="withdrawn", note="Wrong.", updated="2014-03-05"),
    )
    yield "a changed title", lambda: write_post(site, 49, title="Another title")
    yield "two more posts", lambda: (write_post(site, 54), write_post(site, 55))[1]


def settled(service: Service, etag: str, what: str) -> str:
    """The main feed's tag once it is not *etag* any more."""
    since = time.monotonic()
    while (now := service.ask("/feed.atom").headers["etag"]) == etag:
        assert time.monotonic() - since < 3, what
        time.sleep(0.03)
    return now


@pytest.mark.slow
def test_a_reader_with_a_database_shows_no_entry_twice_and_loses_none(site: Path, tmp_path: Path):
    with serving(site, PPRNET_STATE=str(tmp_path / "state.sqlite3")) as service:
        reader: Reader = make_reader(":memory:")
        for path in KINDS:
            reader.add_feed(service.base + path)
        shown: dict[str, list[int]] = {path: [] for path in KINDS}
        etag = service.ask("/feed.atom").headers["etag"]
        poll(reader, service, shown)
        for what, edit in edits(site):
            edit()
            etag = settled(service, etag, what)
            poll(reader, service, shown)
        for path in KINDS:
            held = [entry.id for entry in reader.get_entries(feed=service.base + path)]
            assert len(held) == len(set(held))
            # Every entry was new exactly once, and nothing was new that is not held.
            assert sum(shown[path]) == len(held), path
            assert document_ids(service, path) <= set(held), path
        main = {entry.id for entry in reader.get_entries(feed=f"{service.base}/feed.atom")}
        assert f"tag:many.example.org,2013:blog/post/{name_of(3)}" in main
        reader.close()


def poll(reader: Reader, service: Service, shown: dict[str, list[int]]) -> None:
    """Update all feeds, and note how many entries were new in each."""
    for result in reader.update_feeds_iter(scheduled=False):
        assert not isinstance(result.value, Exception), (result.url, result.value)
        if result.value is not None:
            shown[result.url.removeprefix(service.base)].append(result.value.new)


def document_ids(service: Service, path: str) -> set[str]:
    body = service.ask(path).body
    if path.endswith(".json"):
        return {item["id"] for item in json.loads(body)["items"]}
    return {entry.id for entry in feedparser.parse(body).entries}


@pytest.mark.parametrize("path", [path for path in KINDS if not path.endswith(".json")])
def test_feedparser_polls_with_either_validator_and_is_told_of_nothing_new(path: str, polled: Service):
    first = feedparser.parse(polled.base + path)
    assert (first.status, first.bozo) == (200, False)
    assert feedparser.parse(polled.base + path, etag=first.etag).status == 304
    assert feedparser.parse(polled.base + path, modified=first.modified).status == 304


@pytest.fixture(scope="module")
def polled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = make_site(tmp_path_factory.mktemp("polled") / "site", 52)
    with serving(folder) as running:
        yield running
