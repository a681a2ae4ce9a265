"""What a reference manager files: our post as our post, and in `citations` the study as the study.

Read as Zotero's feed reader does (FeedProcessor and feedReader.js, since May 2024): of several elements for
one field the last in its order wins, every item is an article in what `publicationName` says, an item without
authors gets the feed's, and a lone name that looks like several is split.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from xml.etree import ElementTree

import pytest

from cited import BASE, BLOG, OURS, STUDIES, serving_cited
from service import Service

SPACES = {
    "http://www.w3.org/2005/Atom": "atom:",
    "http://purl.org/dc/elements/1.1/": "dc:",
    "http://purl.org/dc/terms/": "dcterms:",
    "http://prismstandard.org/namespaces/basic/2.0/": "prism:",
}
ORDER = {
    "title": ("title", "atom:title", "dc:title"),
    "date": (
        *("pubDate", "dc:date", "dcterms:modified", "atom:updated"),
        "prism:modificationDate",
    ),
    "publication": ("dc:source", "prism:publicationName"),
    "volume": ("prism:volume",),
    "issue": ("prism:number",),
    "first": ("prism:startingPage",),
    "last": ("prism:endingPage",),
    "range": ("prism:pageRange",),
    "doi": ("dc:identifier", "prism:doi"),
    "publisher": ("dc:publisher",),
    "link": ("link",),
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving_cited(tmp_path_factory.mktemp("zotero") / "site") as service:
        yield service


def zotero(body: bytes) -> list[dict[str, Any]]:
    """The items of an Atom or RSS document as Zotero files them."""
    root = ElementTree.fromstring(body)
    channel = root.find("channel") if root.tag == "rss" else root
    assert channel is not None
    feed, feed_people = _fields(channel), _people(channel)
    found = []
    for element in channel:
        if _name(element.tag) not in ("item", "atom:entry"):
            continue
        item = _fields(element)
        pages = "–".join(filter(None, (item.pop("first"), item.pop("last")))) or item["range"]
        del item["range"]
        item |= {
            "pages": pages,
            "doi": item["doi"].removeprefix("doi:"),
            "authors": _people(element) or feed_people,
            "publication": item["publication"] or feed["publication"],
            "publisher": item["publisher"] or feed["publisher"],
        }
        found.append(item)
    return found


def _name(tag: str) -> str:
    space, _, name = tag.removeprefix("{").rpartition("}")
    return SPACES.get(space, f"{space} " if space else "") + name


def _fields(element: ElementTree.Element) -> dict[str, str]:
    texts = {_name(child.tag): (child.text or "").strip() for child in element if child.text}
    links = [child for child in element if _name(child.tag) == "atom:link"]
    alternates = [link.get("href", "") for link in links if link.get("rel", "alternate") == "alternate"]
    if alternates:
        texts["link"] = alternates[0]
    return {
        field: next((texts[name] for name in reversed(names) if texts.get(name)), "")
        for field, names in ORDER.items()
    }


def _people(element: ElementTree.Element) -> list[str]:
    names = []
    for child in element:
        name = _name(child.tag)
        if name in ("author", "managingEditor", "dc:creator"):
            names.append(child.text or "")
        elif name == "atom:author":
            names.append(child.findtext("{http://www.w3.org/2005/Atom}name", ""))
    if len(names) != 1:
        return names
    commas = names[0].count(",")
    several = re.search(r"\s(?:and|&)\s|;", names[0]) or commas > 1
    if several or (commas == 1 and " " in names[0].partition(",")[0]):
        return re.split(r"\s(?:and|&)\s|\s*[,;]\s*", names[0])
    return names


def read(service: Service, path: str) -> bytes:
    answer = service.ask(path)
    assert answer.status == 200, path
    return answer.body


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text) if "T" in text else parsedate_to_datetime(text)


@pytest.mark.parametrize("form", ["atom", "rss"])
@pytest.mark.parametrize("path", OURS)
def test_our_post_is_filed_as_our_post_and_never_as_the_study(service: Service, path: str, form: str):
    items = zotero(read(service, f"{path}.{form}"))
    dated = {item["url"]: item["date_modified"] for item in items_of_json(service, path)}
    assert [item["link"] for item in items] == list(dated)
    assert items
    for item in items:
        assert item["publication"] == BLOG
        assert (item["doi"], item["volume"], item["issue"], item["pages"], item["publisher"]) == ("",) * 5
        assert {*item["authors"]} <= {"Ada Writer", "Bea Guest", "Cleo Known"}
        assert item["link"].startswith((f"{BASE}/posts/", f"{BASE}/issues/"))
        assert moment(item["date"]) == moment(dated[item["link"]])


def items_of_json(service: Service, path: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(read(service, f"{path}.json"))["items"]
    return items


def study(title: str, authors: list[str], year: str = "", **known: str) -> dict[str, Any]:
    facts = {
        "publication": "",
        "volume": "",
        "issue": "",
        "pages": "",
        "doi": "",
        "publisher": "",
        "link": "",
    }
    return facts | {"title": title, "authors": authors, "date": year} | known


EDITED = f"{BASE}/posts/2021-06-edited/"
# Where nothing is known of a study's date there is always the day of our post.
EDITED_ON = "Tue, 01 Jun 2021 16:00:00 +0000"
CITED = [
    study(
        "Calm in trials: A review",
        ["Ek, A.", "Lind, K.-B.", "Ott, P.", "Berg, O."],
        "2021",
        publication="World of Talk",
        volume="20",
        pages="387–396",
        doi="10.5555/calm.20",
        link="https://doi.org/10.5555/calm.20",
    ),
    study(
        "Alone at home",
        ["K. de Jong"],
        "2018",
        publication="Journal of Talk",
        volume="3",
        issue="1",
        pages="e12",
        doi="10.5555/alone",
        link="https://doi.org/10.5555/alone",
    ),
    study(
        "Together",
        ["M. L. King Jr."],
        "2017",
        publication="Journal of Talk",
        volume="2",
        pages="7",
        link=f"{BASE}/posts/2021-07-lone-authors/",
    ),
    study("Report", ["Care Group"], "2016", link="https://example.org/report"),
    study(
        "Handbook of calm",
        ["Ek, A.", "Ott, P."],
        "2016",
        publisher="Guilford Press",
        link=EDITED,
    ),
    study(
        "What somebody said once, somewhere",
        ["Authors not stated"],
        EDITED_ON,
        link=EDITED,
    ),
    study(
        "Talk at noon",
        ["Ek, A.", "Lind, K.", "Ott, P."],
        "2015",
        publication="World of Talk",
        volume="14",
        pages="e12–e20",
        link=EDITED,
    ),
    *(
        study(title, ["Ek, A.", "Lind, K.", "Ott, P."], EDITED_ON, pages=pages, link=EDITED)
        for title, pages in (("Several in one", "387–396"), ("Stated and cut", "3–9"))
    ),
    study(
        "Slow trust",
        ["Lind, K."],
        "2020",
        publication="Annals of Small Samples",
        volume="4",
        pages="7–19",
        doi="10.5555/slow.trust",
        link="https://doi.org/10.5555/slow.trust",
    ),
    study("Fast doubt", ["Lind, K."], "2018", link=f"{BASE}/posts/2021-03-trust-grows-slowly/"),
    study(
        "Talking at night: A meta-analysis",
        ["Moore, A.", "Okoye, B.-C."],
        "2019",
        publication="Journal of Rest",
        volume="12",
        issue="3",
        pages="101–120",
        doi="10.5555/rest.2019.12",
        link="https://doi.org/10.5555/rest.2019.12",
    ),
]


@pytest.mark.parametrize("path", STUDIES)
def test_each_cited_study_is_filed_as_itself_from_rss(service: Service, path: str):
    items = zotero(read(service, f"{path}.rss"))
    assert items
    known = {item["title"]: item for item in CITED}
    assert items == [known[item["title"]] for item in items]


def test_no_cited_study_is_missing(service: Service):
    found = [item for path in STUDIES for item in zotero(read(service, f"{path}.rss"))]
    assert {item["title"] for item in found} == {item["title"] for item in CITED}


@pytest.mark.parametrize("path", STUDIES)
def test_atom_differs_from_rss_in_the_date_alone(service: Service, path: str):
    atom, rss = (zotero(read(service, f"{path}.{form}")) for form in ("atom", "rss"))
    assert [item | {"date": ""} for item in atom] == [item | {"date": ""} for item in rss]


@pytest.mark.parametrize("path", [*OURS, *STUDIES])
def test_json_links_and_names_what_the_other_formats_do(service: Service, path: str):
    items = items_of_json(service, path)
    assert [
        # NewsBlur takes `external_url` before `url`.
        (item["title"], item.get("external_url") or item["url"])
        for item in items
    ] == [(item["title"], item["link"]) for item in zotero(read(service, f"{path}.atom"))]
    for item in items:
        if path in OURS:
            assert not {"external_url", "_related"} & {*item}
            continue
        assert item["url"] == item.get("external_url", item["_related"]["url"])
        assert item["_related"]["url"].startswith(f"{BASE}/posts/")
        assert item["_citation"]["title"] if "doi.org" in item["url"] else True


@pytest.mark.parametrize("form", ["atom", "rss"])
@pytest.mark.parametrize("path", [*OURS, *STUDIES])
def test_an_item_names_no_source_and_no_fact_twice(service: Service, path: str, form: str):
    # The W3C feed validator calls a second dc:source in an item an error.
    for element in ElementTree.fromstring(read(service, f"{path}.{form}")).iter():
        if _name(element.tag) in ("item", "atom:entry"):
            names = [_name(child.tag) for child in element]
            told = [name for name in names if name.startswith(("dc:", "prism:")) and name != "dc:creator"]
            assert "dc:source" not in told
            assert len(told) == len(set(told))


def test_in_our_entries_the_studies_are_related_links(service: Service):
    root = ElementTree.fromstring(read(service, "/issues/feed.atom"))
    atom = "{http://www.w3.org/2005/Atom}"
    links = {
        entry.findtext(f"{atom}title"): [
            link.get("href") for link in entry.findall(f"{atom}link[@rel='related']")
        ]
        for entry in root.iter(f"{atom}entry")
    }
    assert links["July 2021"] == ["https://doi.org/10.5555/alone", "https://example.org/report"]
    assert links["March 2021"] == ["https://doi.org/10.5555/slow.trust"]
