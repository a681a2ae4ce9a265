from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprnet_feeds.content.text import first_sentences, sentences


@pytest.mark.parametrize(
    "sentence",
    [
        "Smith et al. (2020) and Jones et al. Found it.",
        "Some therapists, e.g. Those in training, i.e. Novices, did worse.",
        "Dropout fell by 8.2% to 3.1 in all.",
        "G. A. Tasca and Dr. Hill of the U.S. Army with a Ph.D. Agree.",
        "See vol. 3, no. 4, pp. 12 and fig. 2 for more.",
        "He asked why... and then left.",
        "It was CBT vs. Waiting.",
    ],
)
def test_a_full_stop_inside_of_a_sentence_does_not_end_it(sentence):
    assert list(sentences(f"{sentence} Then more.")) == [sentence, "Then more."]


@pytest.mark.parametrize(
    "end",
    [
        "did.",
        "did!",
        "did?",
        "did…",
        "did.”",
        "did.)",
        "did (or not).",
        "p < .05.",
        "in 2021.",
        "said no.",
        "etc.",
    ],
)
def test_a_sentence_ends_where_it_ends(end):
    assert list(sentences(f"It {end} Then “more.” (And 8 more.) 9 of them.")) == [
        f"It {end}",
        "Then “more.”",
        "(And 8 more.)",
        "9 of them.",
    ]


def test_a_line_ends_a_sentence():
    assert list(sentences("A heading\n\nA   sentence")) == ["A heading", "A sentence"]


def test_whole_sentences_are_taken_while_they_fit():
    assert first_sentences("One two. Three four. Five six.", limit=20) == "One two. Three four."
    assert first_sentences("One two. Three four. Five six.", limit=19) == "One two."


def test_a_long_sentence_is_cut_at_a_word():
    assert first_sentences("One two, three four.", limit=12) == "One two…"
    assert first_sentences("One two three four.", limit=8) == "One two…"
    assert first_sentences("One two three four.", limit=7) == "One…"


def test_a_long_word_is_cut_where_it_must_be():
    assert first_sentences("a" * 400) == "a" * 299 + "…"


def test_nothing_has_no_sentences():
    assert first_sentences(" \n ") == ""


@given(st.text(), st.integers(min_value=1, max_value=40))
def test_a_summary_is_never_longer_than_its_limit(text, limit):
    taken = first_sentences(text, limit)
    assert len(taken) <= limit
    assert bool(taken) == bool(list(sentences(text)))
