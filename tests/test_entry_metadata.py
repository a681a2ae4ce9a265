"""What common programs read of an entry besides its text: links, categories, dates and people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cited import BASE, ORCID, OURS, STUDIES, serving_cited
from htmlpage import HtmlPage
from service import Service

ATOM = "{http://www.w3.org/2005/Atom}"
CUT = f"{BASE}/posts/2021-08-a-list-that-is-cut/"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving_cited(tmp_path_factory.mktemp("metadata") / "site") as service:
        yield service


def tree(service: Service, path: str) -> ElementTree.Element:
    return ElementTree.fromstring(service.ask(path).body)


@pytest.mark.parametrize("path", [*OURS, *STUDIES])
def test_the_first_link_of_an_atom_feed_and_of_each_entry_is_its_alternate(service: Service, path: str):
    root = tree(service, f"{path}.atom")
    for element in (root, *root.iter(f"{ATOM}entry")):
        rels = [link.get("rel") for link in element.findall(f"{ATOM}link")]
        assert (rels[0], rels.count("alternate")) == ("alternate", 1)


@pytest.mark.parametrize("path", [*OURS, *STUDIES])
def test_a_category_in_rss_is_a_name_and_nothing_else(service: Service, path: str):
    categories = [*tree(service, f"{path}.rss").iter("category")]
    assert categories
    assert [category.attrib for category in categories] == [{}] * len(categories)


@pytest.mark.parametrize("path", OURS)
def test_an_rss_item_says_when_it_was_updated(service: Service, path: str):
    items = json.loads(service.ask(f"{path}.json").body)["items"]
    updated = [item.findtext(f"{ATOM}updated") for item in tree(service, f"{path}.rss").iter("item")]
    assert updated == [item["date_modified"] for item in items]


@pytest.mark.parametrize("path", STUDIES)
def test_an_rss_item_that_is_a_study_has_no_date_of_ours_that_would_pass_for_its_own(
    service: Service, path: str
):
    for item in tree(service, f"{path}.rss").iter("item"):
        assert item.find(f"{ATOM}updated") is None


def test_the_page_of_a_post_announces_no_files_of_the_studies(service: Service):
    page = HtmlPage(service.ask(CUT.removeprefix(BASE)).body)
    types = {held["type"] for held in page.all("link", rel="alternate")}
    assert types == {
        "application/atom+xml", "application/rss+xml", "application/feed+json", "application/json+oembed"
    }  # fmt: skip


def test_an_orcid_is_found_in_every_format_also_beside_an_own_page(service: Service):
    entry = next(
        entry for entry in tree(service, "/feed.atom").iter(f"{ATOM}entry")
        if entry.find(f"{ATOM}link[@href='{CUT}']") is not None
    )  # fmt: skip
    assert [uri.text for uri in entry.iterfind(f"{ATOM}author/{ATOM}uri")] == [ORCID]
    item = json.loads(service.ask(f"{CUT.removeprefix(BASE)[:-1]}.json").body)
    assert item["authors"] == [{"name": "Cleo Known", "url": ORCID}]
    page = HtmlPage(service.ask(CUT.removeprefix(BASE)).body)
    assert [held["href"] for held in page.all("a", rel="author")] == ["https://example.org/cleo", ORCID]
    told = json.loads(
        service.ask(CUT.removeprefix(BASE)).body.partition(b'ld+json">')[2].partition(b"</script>")[0]
    )
    author = {"@type": "Person", "@id": ORCID, "name": "Cleo Known", "url": "https://example.org/cleo"}
    assert told["author"] == [author | {"sameAs": ORCID}]


def test_the_sites_author_has_an_orcid_too(tmp_path: Path):
    with serving_cited(tmp_path / "site", PPRNET_AUTHOR_ORCID=ORCID) as service:
        root = tree(service, "/corrections/feed.atom")
        assert root.findtext(f"{ATOM}author/{ATOM}uri") == ORCID
        feed = json.loads(service.ask("/feed.json").body)
        assert [author["url"] for author in feed["authors"]] == [ORCID]
        page = HtmlPage(service.ask("/posts/2021-06-edited/").body)
        assert [held["href"] for held in page.all("a", rel="author")] == [
            "https://small.example.org/ada",
            ORCID,
        ]
