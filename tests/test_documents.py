"""The documents themselves: golden copies, equal bytes, and independent judges."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judges import judge_document, judge_feedparser
from pprnet_feeds.content.library import Library, read_library
from pprnet_feeds.content.model import Citation, Term
from pprnet_feeds.content.site import read_site
from pprnet_feeds.content.text import clean
from pprnet_feeds.syndication.catalogue import Catalogue
from pprnet_feeds.syndication.entries import post_entries
from pprnet_feeds.syndication.selection import selections
from pprnet_feeds.syndication.urls import VIEWS
from service import ROOT, SITES, serving

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@cache
def library(name: str) -> Library:
    folder = ROOT if name == "." else SITES / name
    site, problems = read_site(folder, {}, "https://feeds.example.org")
    assert site is not None, problems
    return read_library(folder, site, NOW)


@pytest.mark.parametrize(
    "path",
    [
        f"/{selection}{view}.{form}"
        for selection in ("", "topics/nothing-yet/")
        for view in VIEWS
        for form in ("atom", "rss", "json")
    ]
    + [f"/{series}/feed.{form}" for series in ("issues", "corrections") for form in ("atom", "rss", "json")]
    + [f"/citations.{form}" for form in ("bib", "ris", "csl.json")]
    + ["/topics/alliance,sleep-and-rest/feed.atom"]
    + ["/posts/2021-03-trust-grows-slowly.json", "/feeds.opml", "/feeds.json"],
)
def test_documents_are_the_golden_ones(path: str, golden: Callable[[str, bytes], None]):
    document = Catalogue(library("small")).document(path)
    assert document is not None
    golden("small" + path.replace("/", "."), document.body)


@pytest.mark.parametrize("site", ["small", "."])
def test_every_document_is_drawn_to_the_same_bytes_twice(site: str):
    first, second = Catalogue(library(site)), Catalogue(library(site))
    assert [first.document(path) for path in first.paths()] == [
        second.document(path) for path in reversed(list(second.paths()))
    ][::-1]


DIGEST = """
import hashlib, sys
from datetime import datetime, timezone
from pathlib import Path
from pprnet_feeds.content.library import read_library
from pprnet_feeds.content.site import read_site
from pprnet_feeds.pages.pages import Pages
from pprnet_feeds.syndication.catalogue import Catalogue
folder = Path(sys.argv[1])
site, _ = read_site(folder, {}, "https://feeds.example.org")
catalogue = Catalogue(read_library(folder, site, datetime(2026, 1, 1, tzinfo=timezone.utc)))
pages = Pages(catalogue)
digest = hashlib.sha256()
for path in catalogue.paths():
    digest.update(catalogue.document(path).body)
for path in pages.paths():
    digest.update(pages.page(path).body)
print(digest.hexdigest())
"""


def test_bytes_are_the_same_in_other_time_zones_locales_and_hash_seeds():
    def digest(**environ: str) -> str:
        env = os.environ | {"PYTHONPATH": str(ROOT / "src")} | environ
        command = [sys.executable, "-c", DIGEST, str(SITES / "small")]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout

    assert (
        digest(TZ="UTC", LC_ALL="C", PYTHONHASHSEED="1")
        == digest(TZ="Pacific/Kiritimati", LC_ALL="C.UTF-8", PYTHONHASHSEED="2")
        == digest(TZ="America/St_Johns", LANG="fr_CA.UTF-8", PYTHONHASHSEED="3")
    )


@pytest.mark.parametrize("site", ["small", "."])
def test_every_judge_accepts_every_document(site: str):
    catalogue = Catalogue(library(site))
    for path in catalogue.paths():
        document = catalogue.document(path)
        assert document is not None
        assert judge_document(document.body, path, catalogue.site.base_url) == [], path
        if path.endswith((".atom", ".rss")):
            judge_feedparser(document.body)


def test_every_judge_accepts_every_listed_feed_as_it_is_served():
    with serving(SITES / "small", PPRNET_BASE_URL="https://small.example.org") as service:
        told = json.loads(service.ask("/feeds.json").body)
        views = [views for feed in told["feeds"] + told["series"] for views in feed["addresses"].values()]
        paths = [url.removeprefix("https://small.example.org") for view in views for url in view.values()]
        for path in [*paths, "/feeds.opml", "/topics/alliance,sleep-and-rest/feed.atom"]:
            answer = service.ask(path)
            assert answer.status == 200, path
            assert judge_document(answer.body, path, "https://small.example.org") == [], path


@pytest.mark.parametrize("site", ["small", "."])
def test_the_newest_post_is_in_every_feed_that_selects_it(site: str):
    catalogue = Catalogue(library(site))
    for selection in selections(catalogue.site):
        chosen = [post for post in library(site).posts if selection.holds(post)]
        for form in ("atom", "rss"):
            document = catalogue.document(f"/{selection.path}feed.{form}")
            assert document is not None
            titles = [entry.title for entry in judge_feedparser(document.body).entries]
            newest = max(chosen, key=lambda post: (post.updated, post.published), default=None)
            assert titles[:1] == ([newest.title] if newest else [])


def test_ids_and_dates_are_the_same_in_all_three_formats():
    catalogue = Catalogue(library("small"))
    atom, rss = (judge_feedparser(catalogue.document(f"/feed.{form}").body) for form in ("atom", "rss"))
    items = json.loads(catalogue.document("/feed.json").body)["items"]
    assert [entry.id for entry in atom.entries] == [entry.id for entry in rss.entries]
    assert [entry.id for entry in atom.entries] == [item["id"] for item in items]
    assert [entry.published_parsed for entry in atom.entries] == [
        entry.published_parsed for entry in rss.entries
    ]
    assert [entry.published for entry in atom.entries] == [item["date_published"] for item in items]


def test_a_typo_mended_moves_no_date():
    site = library("small").site
    post = library("small").posts[0]
    mended = replace(post, body=post.body + "\nMore.\n", title="Mended", topics=("sleep-and-rest",))
    (was,), (now,) = post_entries(post, "feed", site), post_entries(mended, "feed", site)
    assert (was.id, was.published, was.updated) == (now.id, now.published, now.updated)


def test_a_post_outside_a_selection_changes_nothing_in_it():
    whole = library("small")
    without = replace(whole, posts=tuple(post for post in whole.posts if "sleep-and-rest" not in post.topics))
    path = "/topics/nothing-yet/feed.atom"
    assert Catalogue(whole).document(path) == Catalogue(without).document(path)


anything = st.text(max_size=60) | st.sampled_from(
    [
        "]]>",
        "<3",
        "\ud83d\udc4d",
        "\x00\x0b\x1f",
        "\u202eabc",
        "👍",
        "&#0;&#x1;",
        "<![CDATA[",
        "{{x}}",
        "\ufffe",
    ]
)


@given(title=anything, summary=anything, body=anything, citation=anything, label=anything)
def test_any_text_survives_or_is_cleaned_and_never_breaks_a_document(
    title: str, summary: str, body: str, citation: str, label: str
):
    def text(value: str) -> str:
        return " ".join(clean(value)[0].split()) or "-"

    small = library("small")
    site = replace(small.site, topics=(Term("sleep-and-rest", text(label)),), research=())
    post = replace(
        small.posts[0],
        title=text(title),
        summary=text(summary),
        body=clean(body)[0],
        cites=(Citation(text(citation)),),
        topics=("sleep-and-rest",),
        research=(),
    )
    catalogue = Catalogue(replace(small, site=site, posts=(post,)))
    for path in catalogue.paths():
        document = catalogue.document(path)
        assert document is not None
        assert judge_document(document.body, path) == []
    atom = ElementTree.fromstring(catalogue.document("/feed.atom").body)
    name = "{http://www.w3.org/2005/Atom}entry/{http://www.w3.org/2005/Atom}title"
    assert atom.findtext(name) == text(title)
    assert json.loads(catalogue.document("/feed.json").body)["items"][0]["title"] == text(title)
