from __future__ import annotations

import pytest

from judges import judge_feedparser, judge_json_schema
from sound import changed, sound


@pytest.mark.parametrize("form", ["atom", "rss"])
def test_feedparser_reads_a_sound_document(form):
    parsed = judge_feedparser(sound(form))
    assert [(entry.id, entry.title) for entry in parsed.entries] == [
        ("tag:example.org,2013:blog/post/b", "Second"),
        ("tag:example.org,2013:blog/post/a", "First &amp; best" if form == "atom" else "First"),
    ]


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("</feed>", ""),
        ("Second", "&nbsp;"),
        ("2005/Atom", "2005/atom-or-so"),
        ("<fh:archive/>", "<x:archive/>"),
    ],
)
def test_feedparser_refuses_an_unsound_document(good, bad):
    with pytest.raises(AssertionError):
        judge_feedparser(changed("atom", good, bad))


def test_the_schema_accepts_a_sound_document():
    assert judge_json_schema(sound("json"))["title"] == "A blog"


@pytest.mark.parametrize(
    ("good", "bad"),
    [('"title": "A blog",', ""), ('["Suicide"]', '"Suicide"'), ('"_license"', '"license"'), ("1.1", "2")],
)
def test_the_schema_refuses_an_unsound_document(good, bad):
    with pytest.raises(AssertionError):
        judge_json_schema(changed("json", good, bad))
