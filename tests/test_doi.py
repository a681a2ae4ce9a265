"""The DOI registry, as it is and as it might be: what it tells becomes a citation, or a clear message."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprnet_feeds.content.model import Citation
from pprnet_feeds.content.post import read_post
from pprnet_feeds.content.site import read_site
from pprnet_feeds.publishing.doi import CSL, NoAnswerError, citation_of, fetch_citation
from pprnet_feeds.publishing.postfile import citation_lines
from pprnet_feeds.syndication.references import parse_reference
from registry import Registry, registry_running
from service import ROOT

DOI = "10.5555/slow.trust"
# As Crossref answers: its own types, lists, HTML, fields that CSL does not know.
CROSSREF = {
    "indexed": {"date-time": "2022-04-05T11:06:42Z"},
    "publisher": "Small Press",
    "issue": "2",
    "type": "journal-article",
    "DOI": "10.5555/Slow.Trust",
    "page": "7-19",
    "title": "Slow <i>trust</i>: Dose &amp;amp; response\n   in therapy",
    "subtitle": [],
    "volume": "4",
    "author": [
        {"given": "Karin", "family": "Lind", "sequence": "first", "affiliation": []},
        {"given": "Bert-Arne M.", "family": "Dijk", "non-dropping-particle": "van"},
        {"given": "Ole", "family": "Berg", "suffix": "Jr."},
    ],
    "container-title": "Annals of Small Samples",
    "issued": {"date-parts": [[2020, 5, 1]]},
    "ISSN": ["1234-5678"],
}
ARTICLE = Citation(
    text="Lind, K., van Dijk, B.-A. M., & Berg, O., Jr. (2020). Slow trust: Dose & response in therapy. "
    "Annals of Small Samples, 4(2), 7–19. https://doi.org/10.5555/slow.trust",
    doi=DOI,
    title="Slow trust: Dose & response in therapy",
    authors=("Lind, Karin", "van Dijk, Bert-Arne M.", "Berg, Ole, Jr."),
    container="Annals of Small Samples",
    year="2020",
    volume="4",
    issue="2",
    pages="7-19",
    type="article-journal",
)


@pytest.fixture
def registry() -> Iterator[Registry]:
    with registry_running() as running:
        yield running


def answer_of(registry: Registry, seconds: float = 10) -> str:
    with pytest.raises(NoAnswerError) as told:
        fetch_citation(DOI, registry.base, seconds)
    return str(told.value).replace(registry.base, "REGISTRY")


def test_an_article_is_found_at_the_end_of_a_redirect(registry):
    registry.keep(DOI, CROSSREF)
    assert fetch_citation(DOI, f"{registry.base}/") == ARTICLE
    assert registry.asked == [(f"/{DOI}", CSL), (f"/records/{DOI}", CSL)]


def test_the_reference_we_compose_says_what_the_registry_said():
    found = parse_reference(ARTICLE.text)
    assert (found.doi, found.title, found.container) == (ARTICLE.doi, ARTICLE.title, ARTICLE.container)
    assert (found.year, found.volume, found.issue) == (ARTICLE.year, ARTICLE.volume, ARTICLE.issue)
    assert found.authors == ("Lind, K.", "van Dijk, B.-A. M.", "Berg, O., Jr.")


def test_an_unusual_doi_is_asked_for_as_one_path(registry):
    registry.keep("10.5555/a%28b%29%3Fc%23d", CROSSREF)
    assert fetch_citation("10.5555/a(b)?c#d", registry.base).doi == "10.5555/a(b)?c#d"


def test_a_chapter_names_its_editors_book_and_publisher():
    item = {
        "type": "book-chapter",
        "title": ["Tracking change"],
        "author": [{"family": "Lutz", "given": "W"}, {"name": "Trier Group"}],
        "editor": [{"family": "Barkham", "given": "Michael"}, {"family": "Lutz", "given": "Wolfgang"}],
        "container-title": ["Handbook of Change"],
        "page": "1-20",
        "publisher": "Wiley",
        "issued": {"date-parts": [["2021"]]},
    }
    assert citation_of(item, DOI).text == (
        "Lutz, W., & Trier Group (2021). Tracking change. In M. Barkham & W. Lutz (Eds.), Handbook of Change "
        "(pp. 1–20). Wiley. https://doi.org/10.5555/slow.trust"
    )


def test_a_book_without_a_date_or_an_author_is_told_as_such():
    item = {"type": "monograph", "title": "Why?", "publisher": "Wiley", "issued": {"date-parts": [[None]]}}
    assert citation_of(item, DOI).text == "(n.d.). Why? Wiley. https://doi.org/10.5555/slow.trust"


def test_a_subtitle_belongs_to_the_title_once():
    assert citation_of({"title": "Trust", "subtitle": ["A review"]}, DOI).title == "Trust: A review"
    assert citation_of({"title": "Trust: A review", "subtitle": ["A review"]}, DOI).title == "Trust: A review"


def test_after_twenty_authors_the_reference_is_shortened_and_the_list_is_not():
    people = [{"family": f"Lind{chr(97 + place)}", "given": "K."} for place in range(22)]
    cite = citation_of({"title": "Trust", "author": people}, DOI)
    assert len(cite.authors) == 22
    assert "Linds, K., … Lindv, K. (n.d.)." in cite.text


def test_a_list_that_names_somebody_unreadably_or_too_many_names_nobody():
    many = [{"family": "Lind", "given": "K."}] * 3000
    assert citation_of({"title": "Trust", "author": many}, DOI).authors == ()
    assert citation_of({"title": "Trust", "author": [{"family": "Lind"}, {"given": 5}]}, DOI).authors == ()


def test_an_unknown_type_is_left_out():
    assert citation_of({"title": "Trust", "type": "peer-review"}, DOI).type == ""


def test_characters_that_no_feed_may_hold_and_absurd_sizes_are_left_out():
    item = {
        "title": "Tr\x00ust\ud800 <b",
        "volume": "9" * 100_000,
        "page": {"a": 1},
        "publisher": "x" * 10**6,
    }
    assert citation_of(item, DOI) == Citation(
        text="(n.d.). Trust <b. https://doi.org/10.5555/slow.trust", doi=DOI, title="Trust <b"
    )


SITE, _ = read_site(ROOT, {})
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)
PEOPLE = st.lists(
    st.fixed_dictionaries({}, optional={"family": VALUES, "given": VALUES, "name": VALUES, "suffix": VALUES})
)
ITEMS = st.fixed_dictionaries(
    {"title": st.text(min_size=1, max_size=60) | VALUES},
    optional={
        "author": PEOPLE | VALUES,
        "editor": PEOPLE,
        "type": st.sampled_from(["book-chapter", "journal-article", "thesis"]) | VALUES,
        "issued": st.fixed_dictionaries({"date-parts": VALUES | st.just([[2020]])}) | VALUES,
        **dict.fromkeys(("container-title", "volume", "issue", "page", "publisher", "subtitle"), VALUES),
    },
)


@given(ITEMS | VALUES)
def test_whatever_a_registry_says_gives_a_sound_citation_or_none(item: Any):
    try:
        cite = citation_of(item, DOI)
    except ValueError:
        return
    assert SITE is not None
    lines = "\n".join(["title: T", "date: 2022-01", "topics: [training]", *citation_lines([cite])])
    text = f"---\n{lines}\n---\n"
    post, problems = read_post(text, "posts/2022-01-t.md", SITE)
    assert problems == []
    assert post is not None
    assert post.cites == (cite,)


def test_an_unknown_doi_is_told_with_how_one_looks(registry):
    assert answer_of(registry) == (
        "REGISTRY knows no DOI 10.5555/slow.trust; compare it with the one printed, like 10.1002/cpp.2521"
    )


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (406, b"", "the registry that keeps 10.5555/slow.trust has no record of the work to give"),
        (500, b"", "REGISTRY answered 500"),
        (200, b"<html>Welcome", "REGISTRY cannot be understood: a web page came instead of a record"),
        (200, b'{"title": ', "REGISTRY cannot be understood: the answer is not JSON"),
        (200, b"[" * 100_000, "REGISTRY cannot be understood: the answer is not JSON"),
        (200, b"\xff\xfe\xfa", "REGISTRY cannot be understood: the answer is not JSON"),
        (200, b"9" * 10_000, "REGISTRY cannot be understood: the answer is not JSON"),
        (200, b"[]", "REGISTRY cannot be understood: the answer is not a record of a work"),
        (200, b"{}", "REGISTRY cannot be understood: the record of this work has no title"),
        (200, b" " * 1_100_000, "REGISTRY answered with more than 1 MB"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_an_answer_of_no_use_is_told(registry, status: int, body: bytes, told: str):
    registry.answers[DOI] = (status, body)
    assert answer_of(registry) == told


def test_a_registry_that_sends_a_byte_now_and_then_is_not_waited_for(registry):
    registry.answers[DOI] = (200, b" " * 200)
    registry.slow[DOI] = 0.05
    assert answer_of(registry, 0.3) == "REGISTRY took too long to answer"


def test_a_registry_that_leads_in_a_circle_is_left(registry):
    registry.led[DOI] = f"/{DOI}"
    assert answer_of(registry) == "REGISTRY redirected more than 5 times"
    assert len(registry.asked) == 6


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("file:///etc/passwd", "REGISTRY redirected to an address that is not of the web"),
        ("ftp://127.0.0.1/", "REGISTRY redirected to an address that is not of the web"),
        ("javascript:alert(1)", "REGISTRY redirected to an address that is not of the web"),
    ],
)
def test_a_registry_that_leads_out_of_the_web_is_not_followed(registry, where: str, told: str):
    registry.led[DOI] = where
    assert answer_of(registry) == told


def test_being_offline_is_told_as_such():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        where = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(NoAnswerError) as told:
            fetch_citation(DOI, where)
    assert str(told.value) == f"{where} cannot be reached (is this computer online?)"
