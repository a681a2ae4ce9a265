from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprnet_feeds.content.text import clean, decode, join_escapes, one_line

# XML 1.0 §2.2, written down a second time and from the other side.
XML_CHAR = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")


@pytest.mark.parametrize(
    "dropped",
    [
        "\x00",
        "\x08",
        "\x0b",
        "\x0c",
        "\x1f",
        "\x7f",
        "\x80",
        "\x85",
        "\x9f",
        "\ufffe",
        "\uffff",
        chr(0xD83D),
        chr(0xDC4D),
    ],
)
def test_what_no_document_may_hold_is_dropped_and_told(dropped):
    assert clean(f"a{dropped}b") == ("ab", (f"U+{ord(dropped):04X}", 1))


@pytest.mark.parametrize(
    "kept",
    ["\t", "\n", "👍", "👩\u200d👧", "\u200f\u202e", "\xa0", "\u2028", "\ufeff", "]]>", "é", "e\u0301"],
)
def test_what_a_reader_can_see_stays(kept):
    assert clean(f"a{kept}b") == (f"a{kept}b", None)


def test_surrogate_pairs_are_joined_without_a_word():
    assert clean("a\ud83d\udc4db") == ("a👍b", None)


def test_a_lone_surrogate_beside_a_pair_is_dropped():
    assert clean("\udc4d\ud83d\udc4d\ud83d") == ("👍", ("U+DC4D", 1))


def test_line_ends_become_line_feeds():
    assert clean("a\r\nb\rc\nd") == ("a\nb\nc\nd", None)


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_at_all_becomes_legal_in_xml(text):
    cleaned, _ = clean(text)
    assert XML_CHAR.fullmatch(cleaned)
    assert clean(cleaned) == (cleaned, None)


def test_the_first_dropped_character_is_named_with_its_line():
    assert clean("a\r\nb\x07\x00") == ("a\nb", ("U+0007", 2))


@pytest.mark.parametrize(
    ("text", "line"),
    [(" a ", "a"), ("a \n  b", "a b"), ("a\tb", "a b"), ("a  b", "a  b"), ("\n\n", ""), ("a\u2028b", "a b")],
)
def test_text_on_one_line_has_a_space_for_each_break(text, line):
    assert one_line(text) == line


def test_a_byte_order_mark_and_any_line_ends_are_fine():
    assert decode(b"\xef\xbb\xbfa\r\nb\rc") == "a\nb\nc"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xff\xfea\x00", "UTF-16"),
        (b"\xfe\xff\x00a", "UTF-16"),
        (b"a\nTh\xe9rapie", "byte E9 on line 2"),
        (b"\xed\xa0\xbd", "byte ED on line 1"),
        (b"\x89PNG\r\n", "byte 89 on line 1"),
    ],
)
def test_other_encodings_are_named(data, reason):
    with pytest.raises(ValueError, match=f"^{reason}$"):
        decode(data)


@pytest.mark.parametrize(
    ("source", "joined"),
    [
        (r'"\ud83d\udc4d"', ('"👍"', 0)),
        (r'"\uD83D\uDC4D\ud83d\udc4d"', ('"👍👍"', 0)),
        (r'"\\ud83d\\udc4d"', (r'"\\ud83d\\udc4d"', 0)),
        (r'"\ud83d!"', ('"!"', 1)),
        (r'"\u00e9"', (r'"\u00e9"', 0)),
    ],
)
def test_an_emoji_escaped_as_json_does_is_joined(source, joined):
    assert join_escapes(source) == joined
