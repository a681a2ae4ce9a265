"""Walking back through a feed's archive to its first post (RFC 5005)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from judges import judge_document, judge_feedparser
from many import make_site, name_of, write_post
from pprnet_feeds.content.library import read_library
from pprnet_feeds.content.site import read_site
from pprnet_feeds.syndication.catalogue import Catalogue

ATOM = "{http://www.w3.org/2005/Atom}"
NOW = datetime(2030, 1, 1, tzinfo=UTC)
BASE = "https://many.example.org"
# 48 a year from 2013: four years, and 16 of the next.
POSTS = 208
SELECTIONS = [
    "", "topics/alpha/", "research/trials/", "topics/alpha/research/trials/", "topics/alpha,beta/",
    "topics/alpha+beta/", "topics/alpha+beta/research/reviews/",
]  # fmt: skip


def catalogue_of(folder: Path) -> Catalogue:
    site, problems = read_site(folder, {})
    assert site is not None
    assert problems == []
    library = read_library(folder, site, NOW)
    assert library.problems == ()
    return Catalogue(library)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return catalogue_of(make_site(tmp_path_factory.mktemp("many") / "site", POSTS))


def walk(catalogue: Catalogue, start: str, form: str) -> list[str]:
    """The ids of all entries, as a reader finds them that follows the links; each at its first sight."""
    ids: dict[str, None] = {}
    path, steps = f"/{start}.{form}", 0
    while path and steps < 50:
        document = catalogue.document(path)
        assert document is not None, path
        found, after = (read_json if form == "json" else read_xml)(document.body)
        ids |= dict.fromkeys(found)
        path, steps = after.removeprefix(BASE), steps + 1
    return list(ids)


def read_json(body: bytes) -> tuple[list[str], str]:
    document: dict[str, Any] = json.loads(body)
    return [item["id"] for item in document["items"]], document.get("next_url", "")


def read_xml(body: bytes) -> tuple[list[str], str]:
    root = ElementTree.fromstring(body)
    entries = [*root.iterfind(f"{ATOM}entry/{ATOM}id"), *root.iterfind("channel/item/guid")]
    links = [*root.iterfind(f"{ATOM}link"), *root.iterfind(f"channel/{ATOM}link")]
    before = (link.attrib["href"] for link in links if link.attrib["rel"] == "prev-archive")
    return [entry.text or "" for entry in entries], next(before, "")


def expected(catalogue: Catalogue, selection: str, view: str) -> list[str]:
    address = catalogue.parse(f"/{selection}{view}.atom")
    assert address is not None
    posts = [post for post in catalogue.library.posts if address.selection.holds(post)]
    tail = "/cites/1" if view == "citations" else ""
    return [f"tag:many.example.org,2013:blog/post/{post.id}{tail}" for post in posts]


@pytest.mark.parametrize("view", ["feed", "summary", "practice", "citations"])
@pytest.mark.parametrize("selection", SELECTIONS)
def test_a_walk_finds_every_post_once_and_in_order(catalogue: Catalogue, selection: str, view: str):
    for form in ("atom", "rss", "json"):
        assert walk(catalogue, f"{selection}{view}", form) == expected(catalogue, selection, view)


def test_a_walk_of_the_months_finds_every_month(catalogue: Catalogue):
    months = sorted({post.issue for post in catalogue.library.posts}, reverse=True)
    for form in ("atom", "rss", "json"):
        assert [id.rpartition("/")[2] for id in walk(catalogue, "issues/feed", form)] == months


@pytest.mark.parametrize(
    ("number", "keys"),
    [
        (7, {"updated": "2029-05-05", "status": "corrected", "note": "A figure."}),
        (7, {"topics": "[gamma]"}),
        (POSTS - 1, {"topics": "[gamma]"}),
    ],
)
def test_a_walk_finds_every_post_once_after_a_correction_and_after_a_topic_edit(
    tmp_path: Path, number: int, keys: dict[str, str]
):
    folder = make_site(tmp_path / "site", POSTS)
    write_post(folder, number, **keys)
    catalogue = catalogue_of(folder)
    for selection in SELECTIONS:
        for form in ("atom", "json"):
            found = walk(catalogue, f"{selection}feed", form)
            wanted = expected(catalogue, selection, "feed")
            moved = f"tag:many.example.org,2013:blog/post/{name_of(number)}"
            assert sorted(found) == sorted(wanted)
            assert [id for id in found if id != moved] == [id for id in wanted if id != moved]


def test_a_correction_of_an_old_post_is_in_the_subscription_document(tmp_path: Path):
    folder = make_site(tmp_path / "site", POSTS)
    write_post(folder, 7, updated="2029-05-05")
    document = catalogue_of(folder).document("/feed.atom")
    assert document is not None
    assert read_xml(document.body)[0][0].endswith("/" + name_of(7))


def test_a_withdrawn_post_leaves_a_tombstone_wherever_it_was(tmp_path: Path):
    folder = make_site(tmp_path / "site", POSTS)
    write_post(folder, 8, status="withdrawn", note="Made up.", updated="2029-05-05")
    catalogue = catalogue_of(folder)
    gone = f"tag:many.example.org,2013:blog/post/{name_of(8)}"
    for selection in ("", "topics/alpha/", "research/trials/", "topics/alpha/research/trials/"):
        assert gone not in walk(catalogue, f"{selection}feed", "atom")
        assert walk(catalogue, f"{selection}feed", "atom") == expected(catalogue, selection, "feed")
        for path in (f"/{selection}feed", f"/{selection}archive/2013/feed"):
            atom, json_feed = catalogue.document(f"{path}.atom"), catalogue.document(f"{path}.json")
            assert atom is not None
            assert json_feed is not None
            assert f'<at:deleted-entry ref="{gone}" when="2029-05-05T12:00:00Z">'.encode() in atom.body
            assert json.loads(json_feed.body)["_deleted"]["items"] == [
                {"id": gone, "when": "2029-05-05T12:00:00Z", "comment": "Made up."}
            ]
            assert b"<updated>2029-05-05T12:00:00Z</updated>" in atom.body
    other = catalogue.document("/research/reviews/feed.atom")
    assert other is not None
    assert gone.encode() not in other.body


def test_the_subscription_document_holds_thirty_entries_and_all_of_the_newest_year(catalogue: Catalogue):
    document = catalogue.document("/feed.atom")
    assert document is not None
    # The last year has 16, so the thirty newest decide.
    assert len(read_xml(document.body)[0]) == 30
    assert b"fh:complete/" not in document.body
    whole = catalogue.document("/corrections/feed.atom")
    assert whole is not None
    assert b"<fh:complete/>" in whole.body


def test_archive_documents_are_marked_and_linked_both_ways(catalogue: Catalogue):
    document = catalogue.document("/topics/alpha/archive/2015/feed.rss")
    assert document is not None
    links = {link.rel: link.href for link in judge_feedparser(document.body).feed.links}
    assert b"<fh:archive/>" in document.body
    assert links["current"] == f"{BASE}/topics/alpha/feed.rss"
    assert links["prev-archive"] == f"{BASE}/topics/alpha/archive/2014/feed.rss"
    assert links["next-archive"] == f"{BASE}/topics/alpha/archive/2016/feed.rss"
    assert links["self"] == f"{BASE}/topics/alpha/archive/2015/feed.rss"


@pytest.mark.parametrize("year", ["2012", "2017", "0000", "9999", "-201", "1_00", "٢٠١٥", "20155"])
def test_a_year_without_an_archive_has_no_document(catalogue: Catalogue, year: str):
    assert catalogue.document(f"/archive/{year}/feed.atom") is None


def test_every_archive_document_is_valid(catalogue: Catalogue):
    for path in catalogue.paths():
        if (
            "/archive/201" in path
            and path.endswith((".atom", ".rss"))
            and ("/alpha/" in path or "/trials/" in path)
        ):
            document = catalogue.document(path)
            assert document is not None
            assert judge_document(document.body, path, BASE) == [], path
