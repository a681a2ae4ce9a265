"""Every page is sound HTML, whatever editors wrote, and all its links lead somewhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from hostile import ACTIVE, CLOSING, make_hostile_site
from htmljudge import ids, judge_page, links, texts
from many import make_site
from pprnet_feeds.serving.response import Response
from pprnet_feeds.serving.snapshot import Snapshot, build
from pprnet_feeds.settings import Settings
from pprnet_feeds.state.last_modified import TimestampStore
from pprnet_feeds.syndication.catalogue import Document
from service import ROOT, SITES

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BASE = "https://feeds.example.org"
SITE_NAMES = ("small", "many", "hostile", "shipped")

# Their answers depend on a query: the form, the lists and oEmbed. The service is asked for them elsewhere.
ASKED = {"/subscribe", "/feeds.opml", "/oembed"}


CHECKING = "--format json --stdout --also-check-css --exit-zero-always".split()
# What the checker says of things that we mean.
KNOWN = (
    "Section lacks heading",  # footnotes stand in a section of their own, and Markdown has no heading for it
    "Bad value “feed:http",  # the address that desktop readers listen for; the checker wants `feed://`
    "“field-sizing”: Property",  # younger than the checker; who does not know it loses nothing
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sites")
    return {
        "small": SITES / "small",
        "many": make_site(folder / "many", 130),
        "hostile": make_hostile_site(folder / "hostile"),
        "shipped": ROOT,
    }


@cache
def snapshot(folder: Path) -> Snapshot:
    built = build(Settings(folder), {"PPRNET_BASE_URL": BASE}, NOW, TimestampStore(""))
    assert isinstance(built, Snapshot), built
    return built


@cache
def body(folder: Path, path: str) -> bytes | None:
    found = snapshot(folder).find(path)
    return found.content.body if isinstance(found, Response) else None


def pages(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Address and body of every page; of pages that differ in nothing but the topic, a few."""
    kinds: dict[str, int] = {}
    for path in snapshot(folder).pages.paths():
        kind = "/".join((path.split("/")[1], path.rsplit("/", 1)[1], str(path.count("/"))))
        kinds[kind] = kinds.get(kind, 0) + 1
        drawn = body(folder, path)
        assert drawn is not None, path
        if drawn.startswith(b"<!doctype html>") and kinds[kind] <= 6:
            yield path, drawn


@pytest.mark.parametrize("name", SITE_NAMES)
def test_every_page_passes_the_strict_parser_and_our_rules(name: str, folders: dict[str, Path]):
    faults = {path: found for path, drawn in pages(folders[name]) if (found := judge_page(drawn))}
    assert faults == {}


@pytest.mark.parametrize("name", SITE_NAMES)
def test_every_link_of_every_page_leads_somewhere(name: str, folders: dict[str, Path]):
    folder = folders[name]
    broken = {
        (path, link)
        for path, drawn in pages(folder)
        for link in (urljoin(BASE + path, one) for one in links(drawn))
        if link.startswith(f"{BASE}/") and not _leads_somewhere(folder, link)
    }
    assert broken == set()


def _leads_somewhere(folder: Path, link: str) -> bool:
    parts = urlsplit(link)
    drawn = body(folder, parts.path)
    if parts.path in ASKED:
        return bool(parts.query) or parts.path != "/oembed"
    return drawn is not None and (not parts.fragment or parts.fragment in ids(drawn))


def test_hostile_words_stand_in_every_page_of_a_post_and_are_text(folders: dict[str, Path]):
    folder = folders["hostile"]
    drawn = body(folder, "/posts/2021-03-one/") or b""
    said = texts(drawn)
    for word in ("Post", "Title", "Topic", "Writer", "Cited"):
        assert f"{word} {ACTIVE}" in said, word
    assert all(ACTIVE.encode() not in drawn for _, drawn in pages(folder))
    assert all(CLOSING.encode() not in drawn for _, drawn in pages(folder))


@pytest.mark.parametrize("path", ["/posts/2021-03-one/", "/topics/hostile/"])
def test_what_other_sites_paste_from_oembed_is_sound_and_says_hostile_words_as_text(
    path: str, folders: dict[str, Path]
):
    answer = snapshot(folders["hostile"]).pages.oembed(path, (600, 480))
    assert isinstance(answer, Document)
    pasted = json.loads(answer.body)["html"]
    assert ACTIVE not in pasted
    assert f"Post {ACTIVE}" in texts(pasted.encode()) or f"Topic {ACTIVE}" in texts(pasted.encode())
    # The frame is styled where it stands, in another site's page and under its policy.
    assert [fault for fault in judge_page(_AROUND % pasted.encode()) if "attribute style" not in fault] == []


_AROUND = (
    b'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=600">'
    b"<title>Elsewhere</title></head><body><main><h1>Elsewhere</h1>%s</main></body></html>"
)


def test_the_rules_notice_what_is_wrong():
    faults = judge_page(
        b'<html><head><title></title></head><body><h1>a</h1><h3 id="x">b</h3><ul><p id="x">c</p></ul>'
        b'<a href="/x"><button></button></a><img src="data:x" onerror="y"><input>'
        b'<style></style><script>z</script><a href="#gone">d</a></main>'
    )
    assert [fault for fault in faults if not fault.startswith("line")] == [
        "the page does not say its language",
        "0 times head/meta[@charset]",
        "0 times head/meta[@name='viewport']",
        "0 times .//main",
        "no title",
        "h3 follows h1: b",
        "2 elements have the id 'x'",
        "<a> refers to 'gone', which is not there",
        "<a> says nothing: {'href': '/x'}",
        "<button> says nothing: {}",
        "a picture without words or address: {'src': 'data:x', 'onerror': 'y'}",
        "a control without a label: {}",
        "<p> stands in <ul>",
        "<button> stands in <a>",
        "<img src> is active: data:x",
        "<img> has the attribute onerror",
        "a style sheet within the page, which the policy stops",
        "a script within the page, which the policy stops",
        "<img src> is not absolute: data:x",
    ]
    assert [fault for fault in faults if fault.startswith("line")] != []


@pytest.mark.parametrize("name", SITE_NAMES)
def test_the_nu_html_checker_finds_nothing(name: str, folders: dict[str, Path], tmp_path: Path):
    jar = os.environ.get("VNU_JAR", "")
    if not jar or not shutil.which("java"):
        pytest.skip("the Nu Html Checker takes Java and half a minute: make judge")
    names = {}
    for number, (path, drawn) in enumerate(pages(folders[name])):
        file = tmp_path / f"{number}.html"
        file.write_bytes(drawn)
        names[file.name] = path
    for sheet in ("/site.css", "/feed.css"):
        file = tmp_path / sheet[1:]
        file.write_bytes(body(folders[name], sheet) or b"")
        names[file.name] = sheet
    done = subprocess.run(
        ["java", "-jar", jar, *CHECKING, tmp_path],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    found = {
        f"{names[said['url'].rsplit('/', 1)[1]]}:{said.get('lastLine')}: {said['message']}"
        for said in json.loads(done.stdout)["messages"]
        if not any(known in said["message"] for known in KNOWN)
    }
    assert sorted(found) == []
