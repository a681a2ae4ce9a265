"""The ledger as a file: read back as written, and never trusted."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from many import make_site
from pprnet_feeds.content.ledger import Ledger, read_ledger, record_of, write
from pprnet_feeds.content.post import read_post
from service import invoke
from test_documents import library

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")


def ledger() -> Ledger:
    small = library("small")
    return Ledger({post.id: record_of(post, None, NOW) for post in (*small.posts, *small.withdrawn)})


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "feeds").mkdir()
    return tmp_path


def test_a_ledger_reads_back_as_it_was_written(site: Path):
    (site / "feeds/ledger.json").write_text(write(ledger()), "utf-8")
    assert read_ledger(site) == ledger()


def test_a_ledger_of_many_posts_is_read(site: Path):
    [record, *_] = ledger().records.values()
    many = Ledger({f"post-{n}": replace(record, id=f"post-{n}", path=f"posts/{n}.md") for n in range(5_000)})
    (site / "feeds/ledger.json").write_text(write(many), "utf-8")
    assert (site / "feeds/ledger.json").stat().st_size > 1_048_576
    assert read_ledger(site) == many


def test_a_record_changes_only_with_its_post():
    post = library("small").posts[0]
    first = record_of(post, None, NOW)
    assert record_of(post, first, datetime(2027, 1, 1, tzinfo=UTC)) == first


def test_a_folder_of_many_posts_is_moved_in_no_more_time_than_each_post_needs():
    post = library("small").posts[0]
    many = [post.but(id=f"p-{n}", file=f"posts/p-{n}.md", title=f"Post {n}") for n in range(6_000)]
    known = Ledger({each.id: record_of(each, None, NOW) for each in many})
    renamed = [each.but(id=f"{each.id}-x", file=f"posts/{each.id}-x.md", body="Edited.") for each in many]
    before = time.process_time()
    found = known.identified(renamed, UTC_ZONE, NOW)
    assert time.process_time() - before < 2
    assert [each.id for each in found] == [each.id for each in many]


def test_without_a_file_the_ledger_is_empty(site: Path):
    assert read_ledger(site) == Ledger()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"posts": 3}',
        '{"posts": [3]}',
        '{"posts": [{}]}',
        '{"posts": [{"id": 3}]}',
        "{",
    ],
)
def test_what_is_no_ledger_is_told(site: Path, text: str):
    (site / "feeds/ledger.json").write_text(text)
    problems = read_ledger(site)
    assert isinstance(problems, list)
    assert [problem.file for problem in problems] == ["feeds/ledger.json"]


@given(
    name=st.sampled_from(["id", "path", "topics", "published", "status", "former"]),
    value=st.text() | st.integers(),
)
def test_no_value_in_a_record_raises(tmp_path_factory: pytest.TempPathFactory, name: str, value: object):
    folder = tmp_path_factory.mktemp("ledger")
    (folder / "feeds").mkdir()
    document = json.loads(write(ledger()))
    document["posts"][0][name] = value
    (folder / "feeds/ledger.json").write_text(json.dumps(document))
    assert isinstance(read_ledger(folder), Ledger | list)


@given(
    title=st.text(min_size=1, max_size=30),
    note=st.text(max_size=30),
    date=st.datetimes(timezones=st.timezones()),
)
def test_whatever_a_post_may_say_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, title: str, note: str, date: datetime
):
    settled = library("small").site
    head = {"title": title, "note": note, "status": "corrected", "topics": [settled.topics[0].slug]}
    lines = [f"{key}: {json.dumps(value)}" for key, value in head.items()]
    lines += [
        f"date: {date.isoformat(timespec='seconds')[:25]}",
        "aliases: [/posts/Old.html, /posts/2013/06/x]",
    ]
    post, _ = read_post("\n".join(["---", *lines, "---", "A."]), "posts/2026-03-a.md", settled)
    if post is None:
        return
    folder = tmp_path_factory.mktemp("ledger")
    (folder / "feeds").mkdir()
    kept = Ledger({post.id: record_of(post, None, NOW)})
    (folder / "feeds/ledger.json").write_text(write(kept), "utf-8")
    assert read_ledger(folder) == kept


def test_a_ledger_that_is_a_link_is_refused(site: Path):
    (site / "feeds/ledger.json").symlink_to("/etc/passwd")
    problems = read_ledger(site)
    assert isinstance(problems, list)


def test_the_plan_is_there_for_programs(tmp_path: Path):
    folder = make_site(tmp_path / "site", 2)
    done = invoke("plan", "--site", str(folder), "--format", "json")
    told = json.loads(done.stdout)
    assert done.returncode == 0
    assert told["refused"] is False
    assert [(change["kind"], change["id"]) for change in told["changes"]] == [
        ("new", "2013-01-01-post-0"),
        ("new", "2013-01-02-post-1"),
    ]
    assert told["changes"][0]["shown"] == ["Post 0", "2013-01-01", "What post 0 tells."]
