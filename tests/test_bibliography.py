from __future__ import annotations

import json
from datetime import UTC, datetime

import bibtexparser
import pytest
import rispy
from bibtexparser.middlewares import LatexDecodingMiddleware, SeparateCoAuthors, SplitNameParts
from hypothesis import given
from hypothesis import strategies as st

from judges import faults
from pprnet_feeds.content.library import read_library
from pprnet_feeds.content.model import Citation
from pprnet_feeds.content.site import read_site
from pprnet_feeds.content.text import clean, one_line
from pprnet_feeds.syndication.bibliography import render_works, study_as_work, works_of
from pprnet_feeds.syndication.urls import REFERENCE_FORMATS
from service import ROOT

POST = "https://example.org/posts/calm/"
ARTICLE = study_as_work(
    "2020-12-calm-1",
    Citation(
        "Ek, A. (2020). Calm & trust.",
        doi="10.5555/talk_3",
        pmid="123",
        title="Calm & trust: 50% #1 of $_~\\",
        authors=("de Ek, A.", "King, M. L., Jr.", "Institute for Talk and Trust"),
        container="Talk",
        year="2020",
        volume="3",
        issue="1",
        pages="4–5",
        publisher="Small Press",
    ),
    POST,
)
UNTITLED = study_as_work(
    "2020-12-calm-2", Citation("Ek {1}. Fast doubt.", url="https://example.org/a_b"), POST
)
CHAPTER = study_as_work(
    "2020-12-calm-3",
    Citation("Ek.", title="Calm", container="Handbook", pages="e12", type="chapter"),
    POST,
)
WORKS = (ARTICLE, UNTITLED, CHAPTER)


def draw(form, works):
    """The file of a format."""
    return render_works(works, form)


def judge_bibtex(body):
    """Read a database as bibtexparser does, with names divided, then LaTeX decoded: every block is sound."""
    library = bibtexparser.parse_string(
        body.decode(),
        append_middleware=[SeparateCoAuthors(), SplitNameParts(), LatexDecodingMiddleware()],
    )
    assert library.failed_blocks == []
    assert len(library.blocks) == len(library.entries)
    return library.entries


def judge_ris(body):
    """Read a file as rispy does: every line ends in CR LF, and there is no tag it does not know."""
    text = body.decode()
    assert text.count("\r") == text.count("\n") == text.count("\r\n")
    works = rispy.loads(text, newline="\r\n")
    assert not any("unknown_tag" in work for work in works)
    return works


def judge_csl(body):
    """Hold an array against the grammar."""
    assert faults(body, "csl.json") == []
    return json.loads(body)


def test_bibtex_is_drawn_as_it_stands_here():
    assert (
        draw("bib", WORKS).decode()
        == r"""@article{2020-12-calm-1,
  author = {de Ek, A. and King, Jr., M. L. and {Institute for Talk and Trust}},
  title = {Calm \& trust: 50\% \#1 of \$\_{\textasciitilde}{\textbackslash}},
  journal = {Talk},
  year = {2020},
  volume = {3},
  number = {1},
  pages = {4--5},
  publisher = {Small Press},
  doi = {10.5555/talk_3},
  url = {https://doi.org/10.5555/talk_3},
  pmid = {123},
  annote = {Summary: https://example.org/posts/calm/ Reference as printed: Ek, A. (2020). Calm \& trust.}
}

@misc{2020-12-calm-2,
  title = {[Ek {\textbraceleft}1{\textbraceright}. Fast doubt.]},
  url = {https://example.org/a_b},
  annote = {Summary: https://example.org/posts/calm/ No title is known; the reference is used instead.}
}

@incollection{2020-12-calm-3,
  title = {Calm},
  booktitle = {Handbook},
  pages = {e12},
  annote = {Summary: https://example.org/posts/calm/ Reference as printed: Ek.}
}
"""
    )


def test_ris_is_drawn_as_it_stands_here():
    assert draw("ris", WORKS).decode().split("\r\n") == [
        "TY  - JOUR",
        "ID  - 2020-12-calm-1",
        "AU  - de Ek, A.",
        "AU  - King, M. L., Jr.",
        "AU  - Institute for Talk and Trust",
        "PY  - 2020",
        "TI  - Calm & trust: 50% #1 of $_~\\",
        "T2  - Talk",
        "VL  - 3",
        "IS  - 1",
        "SP  - 4",
        "EP  - 5",
        "PB  - Small Press",
        "DO  - 10.5555/talk_3",
        "UR  - https://doi.org/10.5555/talk_3",
        "AN  - 123",
        "N1  - Summary: https://example.org/posts/calm/",
        "N1  - Reference as printed: Ek, A. (2020). Calm & trust.",
        "ER  - ",
        "",
        "TY  - GEN",
        "ID  - 2020-12-calm-2",
        "TI  - [Ek {1}. Fast doubt.]",
        "UR  - https://example.org/a_b",
        "N1  - Summary: https://example.org/posts/calm/",
        "N1  - No title is known; the reference is used instead.",
        "ER  - ",
        "",
        "TY  - CHAP",
        "ID  - 2020-12-calm-3",
        "TI  - Calm",
        "T2  - Handbook",
        "SP  - e12",
        "N1  - Summary: https://example.org/posts/calm/",
        "N1  - Reference as printed: Ek.",
        "ER  - ",
        "",
    ]


def test_csl_json_is_drawn_as_it_stands_here():
    assert judge_csl(draw("csl.json", WORKS)) == [
        {
            "id": "2020-12-calm-1",
            "type": "article-journal",
            "author": [
                {"family": "de Ek", "given": "A."},
                {"family": "King", "given": "M. L.", "suffix": "Jr."},
                {"literal": "Institute for Talk and Trust"},
            ],
            "issued": {"date-parts": [[2020]]},
            "title": "Calm & trust: 50% #1 of $_~\\",
            "container-title": "Talk",
            "volume": "3",
            "issue": "1",
            "page": "4–5",
            "publisher": "Small Press",
            "DOI": "10.5555/talk_3",
            "PMID": "123",
            "URL": "https://doi.org/10.5555/talk_3",
            "note": f"Summary: {POST}\nReference as printed: Ek, A. (2020). Calm & trust.",
        },
        {
            "id": "2020-12-calm-2",
            "type": "document",
            "title": "[Ek {1}. Fast doubt.]",
            "URL": "https://example.org/a_b",
            "note": f"Summary: {POST}\nNo title is known; the reference is used instead.",
        },
        {
            "id": "2020-12-calm-3",
            "type": "chapter",
            "title": "Calm",
            "container-title": "Handbook",
            "page": "e12",
            "note": f"Summary: {POST}\nReference as printed: Ek.",
        },
    ]


def test_a_bibtex_reader_reads_back_what_we_know():
    entry = judge_bibtex(draw("bib", [ARTICLE]))[0]
    fields = {field.key: field.value for field in entry.fields}
    names = [(name.first, name.von, name.last, name.jr) for name in fields["author"]]
    assert (entry.key, entry.entry_type, fields["title"], fields["doi"], names) == (
        "2020-12-calm-1",
        "article",
        ARTICLE.citation.title,
        "10.5555/talk_3",
        [
            (["A."], ["de"], ["Ek"], []),
            (["M.", "L."], [], ["King"], ["Jr."]),
            ([], [], ["{Institute for Talk and Trust}"], []),
        ],
    )


def test_a_ris_reader_reads_back_what_we_know():
    assert judge_ris(draw("ris", [ARTICLE])) == [
        {
            "type_of_reference": "JOUR",
            "id": "2020-12-calm-1",
            "authors": ["de Ek, A.", "King, M. L., Jr.", "Institute for Talk and Trust"],
            "year": "2020",
            "title": ARTICLE.citation.title,
            "secondary_title": "Talk",
            "volume": "3",
            "number": "1",
            "start_page": "4",
            "end_page": "5",
            "publisher": "Small Press",
            "doi": "10.5555/talk_3",
            "urls": ["https://doi.org/10.5555/talk_3"],
            "accession_number": "123",
            "notes": [
                f"Summary: {POST}",
                "Reference as printed: Ek, A. (2020). Calm & trust.",
            ],
        }
    ]


def test_a_name_that_bibtex_would_divide_is_held_together():
    work = study_as_work(
        "a-1", Citation("x", title="x", authors=("Smith and Sons, A.", "others", "and", "Ek, B, C.")), POST
    )
    assert b"author = {{Smith and Sons}, A. and {others} and {and} and Ek, {B, C.}}" in draw("bib", [work])


def test_a_doi_with_braces_does_not_open_a_group():
    work = study_as_work("a-1", Citation("x", title="x", doi="10.5555/{a\\"), POST)
    assert b"  doi = {10.5555/%7Ba%5C},\n  url = {https://doi.org/10.5555/%7Ba%5C},\n" in draw("bib", [work])


def test_no_works_are_an_empty_file_of_each_kind():
    assert [(form, draw(form, [])) for form in REFERENCE_FORMATS] == [
        ("bib", b""),
        ("ris", b""),
        ("csl.json", b"[]\n"),
    ]


@pytest.fixture(scope="module")
def ours():
    site, problems = read_site(ROOT, {}, "https://feeds.example.org")
    assert site is not None, problems
    posts = read_library(ROOT, site, datetime(2026, 1, 1, tzinfo=UTC)).posts
    return lambda: works_of(posts, site)


def test_every_work_our_own_posts_cite_is_in_every_file(ours):
    keys = [work.key for work in ours()]
    assert len(keys) >= 5
    assert [entry.key for entry in judge_bibtex(draw("bib", ours()))] == keys
    assert [work["id"] for work in judge_ris(draw("ris", ours()))] == keys
    assert [item["id"] for item in judge_csl(draw("csl.json", ours()))] == keys


def test_a_work_carries_the_permanent_id_and_the_permalink_of_its_post(ours):
    last = max(ours(), key=lambda work: work.key)
    assert last == study_as_work(
        "2021-12-how-much-psychotherapy-is-necessary-1",
        last.citation,
        "https://feeds.example.org/posts/2021-12-how-much-psychotherapy-is-necessary/",
    )


def test_the_same_works_are_the_same_bytes(ours):
    assert [draw(form, ours()) for form in REFERENCE_FORMATS] == [
        draw(form, ours()) for form in REFERENCE_FORMATS
    ]


# As the values come from front matter: clean for XML, on one line, without spaces around them.
NASTY = st.sampled_from(
    [
        "{",
        "}",
        "\\",
        "@misc{x,",
        "TY  - ",
        "ER  - ",
        " and ",
        ",",
        '"',
        "%",
        "~",
        "^",
        "$",
        "#",
        "_",
        "&",
        "–",
        "=",
    ]
)
TEXT = (
    st.lists(st.one_of(NASTY, st.text(max_size=6)), max_size=6)
    .map(lambda parts: one_line(clean("".join(parts))[0]).strip())
)  # fmt: skip
WORDS = TEXT.filter(bool)
CITATIONS = st.builds(
    Citation,
    text=WORDS,
    doi=st.one_of(st.just(""), TEXT.map(lambda text: "10.5555/" + "".join(text.split()))),
    url=st.one_of(st.just(""), TEXT.map(lambda text: "https://example.org/" + "".join(text.split()))),
    pmid=st.sampled_from(["", "1234"]),
    title=TEXT,
    authors=st.lists(WORDS, max_size=3).map(tuple),
    container=TEXT,
    year=st.sampled_from(["", "2020"]),
    volume=TEXT,
    issue=TEXT,
    pages=st.one_of(TEXT, st.sampled_from(["1-2", "S1–S2", "1-2-3"])),
    publisher=TEXT,
    type=st.sampled_from(["", "article-journal", "chapter", "book", "thesis", "software"]),
)


@given(st.lists(CITATIONS, max_size=3))
def test_any_text_in_any_field_gives_files_that_their_readers_read_back(cites):
    works = [study_as_work(f"calm-{place}", cite, POST) for place, cite in enumerate(cites, 1)]
    entries = judge_bibtex(draw("bib", works))
    assert [
        (entry.key, len(entry.fields_dict["author"].value) if cite.authors else 0)
        for entry, cite in zip(entries, cites, strict=True)
    ] == [(work.key, len(work.citation.authors)) for work in works]
    read = judge_ris(draw("ris", works))
    assert [(work["id"], work["title"], work.get("authors", [])) for work in read] == [
        (work.key, work.title, list(work.citation.authors)) for work in works
    ]
    items = judge_csl(draw("csl.json", works))
    assert [(item["id"], item["title"]) for item in items] == [(work.key, work.title) for work in works]
