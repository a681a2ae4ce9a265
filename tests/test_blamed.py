"""What readers blame publishers for, held against every document and page of a site at once."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

import pytest

from htmlpage import HtmlPage
from judges import judge_document, judge_feedparser
from pprnet_feeds.content.library import Library, read_library
from pprnet_feeds.content.site import read_site
from pprnet_feeds.pages.pages import Pages
from pprnet_feeds.syndication.catalogue import Catalogue
from service import SITES

ADDRESS = "https://feeds.example.org"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
HIDDEN = ("2021-05-a-draft.md", "2021-06-a-post-from-the-future.md")
_DATED = re.compile(rb"<(?:published|updated|pubDate|lastBuildDate)>([^<]*)<|\"date_\w+\": \"([^\"]*)\"")


def library(folder: Path, address: str = "") -> Library:
    site, problems = read_site(folder, {"PPRNET_BASE_URL": address} if address else {}, ADDRESS)
    assert site is not None, problems
    return read_library(folder, site, NOW)


def everything(read: Library) -> dict[str, bytes]:
    """Every document and page of a library, by its address."""
    catalogue = Catalogue(read)
    pages = Pages(catalogue)
    documents = {path: catalogue.document(path) for path in catalogue.paths()}
    drawn = {path: pages.page(path) for path in pages.paths()}
    return {path: one.body for path, one in (documents | drawn).items() if one}


def ids(read: Library) -> dict[str, list[str]]:
    """The ids of each feed: its own, then those of its entries."""
    catalogue = Catalogue(read)
    found: dict[str, list[str]] = {}
    for path in catalogue.paths():
        document = catalogue.document(path)
        assert document is not None, path
        if path.endswith(".atom"):
            root = ElementTree.fromstring(document.body)
            found[path] = [one.text or "" for one in root.iterfind(".//{*}id")]
        elif document.media_type.startswith("application/feed+json"):
            feed = json.loads(document.body)
            found[path] = [feed["_feed"]["id"], *(item["id"] for item in feed["items"])]
        elif path.endswith(".rss"):
            parsed = judge_feedparser(document.body)
            found[path] = [parsed.feed.id, *(entry.id for entry in parsed.entries)]
    return found


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return shutil.copytree(SITES / "small", tmp_path / "small")


def test_drafts_and_scheduled_posts_change_no_byte_of_anything(small: Path):
    with_them = everything(library(small))
    for name in HIDDEN:
        (small / "posts" / name).unlink()
    without = everything(library(small))
    assert list(with_them) == list(without)
    assert [path for path in without if with_them[path] != without[path]] == []
    assert len(without) > 120


@pytest.mark.parametrize("address", ["http://small.example.org", "https://other.example.net/blog"])
def test_no_id_changes_with_the_scheme_the_host_or_the_path(small: Path, address: str):
    was = ids(library(small))
    assert was == ids(library(small, address))
    assert {one[:4] for held in was.values() for one in held} == {"tag:"}


def test_no_id_changes_with_a_title_a_slug_or_topics(small: Path):
    read = library(small)
    edited = [replace(post, title=f"New {post.title}", slug=f"new-{post.slug}") for post in read.posts]
    assert ids(read) == ids(replace(read, posts=tuple(edited)))


def test_no_id_comes_twice_in_a_feed_and_a_feed_has_one_id_in_all_formats(small: Path):
    found = ids(library(small))
    for path, held in found.items():
        assert len(set(held)) == len(held), path
        stem = path.rpartition(".")[0]
        assert held == found[f"{stem}.json"], path
    feeds = {held[0] for path, held in found.items() if "/archive/" not in path}
    assert len(feeds) == len({path.rpartition(".")[0] for path in found if "/archive/" not in path})


def test_a_mended_sentence_of_a_month_is_no_second_letter(small: Path):
    catalogues = [Catalogue(library(small))]
    issues = small / "feeds/issues.yaml"
    issues.write_text(issues.read_text().replace("I write", "I wrote"))
    catalogues.append(Catalogue(library(small)))
    feeds = [catalogue.document("/issues/feed.rss") for catalogue in catalogues]
    assert feeds[0].body != feeds[1].body
    letters = [
        [(entry.id, entry.published) for entry in judge_feedparser(feed.body).entries] for feed in feeds
    ]
    assert letters[0] == letters[1] != []


def test_markup_in_the_name_of_a_feed_or_topic_is_text_in_rss_too(small: Path):
    name = "Minds <b>& bodies</b>, AT&amp;T <3"
    for file, key in (("site.yaml", "title"), ("site.yaml", "subtitle"), ("topics.yaml", "label")):
        path = small / "feeds" / file
        path.write_text(re.sub(rf'(\b{key}:) "[^"]*"', rf'\1 "{name}"', path.read_text(), count=1))
    documents = everything(library(small))
    assert [path for path, body in documents.items() if judge_document(body, path)] == []
    channel = ElementTree.fromstring(documents["/feed.rss"])[0]
    shown = [channel.findtext(place) for place in ("title", "description", "image/title")]
    assert [unescape(text) for text in shown] == [name] * 3


def test_every_date_is_in_utc_in_whole_seconds_and_none_is_the_clocks(small: Path):
    forms = {
        "atom": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
        "json": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
        "rss": r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000",
    }
    for path, body in everything(library(small)).items():
        form = forms.get(path.rpartition(".")[2])
        if form and not path.startswith(("/feeds.", "/posts/")):
            dates = [(one or other).decode() for one, other in _DATED.findall(body)]
            assert [date for date in dates if not re.fullmatch(form, date)] == [], path
            assert [date for date in dates if "2026" in date] == [], path


def test_links_to_feeds_and_to_the_search_stand_in_the_head(small: Path):
    for path, body in everything(library(small)).items():
        if body.startswith(b"<!doctype html>"):
            head, _, rest = body.partition(b"</head>")
            assert b"<link" not in rest, path
            assert b"<body" not in head, path
            links = HtmlPage(body).all("link")
            typed = [held for held in links if held.get("type", "").startswith("application/")]
            assert [held for held in typed if held["rel"] not in ("alternate", "search")] == [], path
            assert [held for held in typed if not held["href"].startswith("https://")] == [], path
