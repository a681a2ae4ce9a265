"""What a reference manager takes from the feeds: the study from `citations`, and never from `feed`.

Zotero's feed reader takes the DOI from a single dc:identifier, authors from
dc:creator (RSS) or atom:author (Atom), the date from prism:publicationDate or
dc:date, the journal from prism:publicationName. An entry without authors gets
the feed's.
"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from pprnet_feeds.syndication.catalogue import Catalogue
from test_documents import library

SPACES = {
    "a": "http://www.w3.org/2005/Atom",
    "dc": "http://purl.org/dc/elements/1.1/",
    "prism": "http://prismstandard.org/namespaces/basic/2.0/",
}


def taken(path: str) -> list[dict[str, Any]]:
    """The entries as Zotero takes them."""
    document = Catalogue(library("small")).document(path)
    assert document is not None
    root = ElementTree.fromstring(document.body)
    entries = root.findall("a:entry", SPACES) or root.findall("channel/item", SPACES)
    people = "a:author/a:name" if path.endswith(".atom") else "dc:creator"
    feed_people = root.findall("a:author/a:name", SPACES)
    found = []
    for entry in entries:
        identifiers = [one.text for one in entry.findall("dc:identifier", SPACES)]
        authors = entry.findall(people, SPACES) or feed_people
        date = entry.findtext("prism:publicationDate", "", SPACES) or entry.findtext("dc:date", "", SPACES)
        title = entry.findtext("a:title", "", SPACES) or entry.findtext("title", "")
        found.append(
            {
                "title": title,
                "doi": identifiers[0].removeprefix("doi:") if len(identifiers) == 1 else "",
                "authors": [author.text for author in authors],
                "date": date,
                "journal": entry.findtext("prism:publicationName", "", SPACES),
                "pages": entry.findtext("prism:pageRange", "", SPACES),
            }
        )
    return found


@pytest.mark.parametrize("form", ["atom", "rss"])
def test_zotero_files_each_cited_study_under_its_own_authors_journal_and_doi(form: str):
    assert taken(f"/citations.{form}") == [
        {
            "title": "Slow trust",
            "doi": "10.5555/slow.trust",
            "authors": ["Lind, K."],
            "date": "2020",
            "journal": "Annals of Small Samples",
            "pages": "7-19",
        },
        {
            "title": "Fast doubt",
            "doi": "",
            "authors": ["Lind, K."],
            "date": "2018",
            "journal": "",
            "pages": "",
        },
        {
            "title": "Talking at night: A meta-analysis",
            "doi": "10.5555/rest.2019.12",
            "authors": ["Moore, A.", "Okoye, B.-C."],
            "date": "2019",
            "journal": "Journal of Rest",
            "pages": "101-120",
        },
    ]


@pytest.mark.parametrize("form", ["atom", "rss"])
def test_zotero_never_files_our_account_as_the_study(form: str):
    for entry in taken(f"/feed.{form}"):
        assert entry["doi"] == ""
        assert entry["date"] == ""
        assert entry["authors"] in (["Ada Writer"], ["Bea Guest", "Ada Writer"])
