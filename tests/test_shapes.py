from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pprnet_feeds.syndication import shapes

SHAPES = [
    (
        shapes.is_absolute,
        ["https://example.org/a?b#c", "mailto:ann@example.org", "tag:a,2013:b", "https://exämple.org/ä"],
        [
            "",
            "a",
            "/a",
            "//example.org",
            "#a",
            "https:",
            "https:///a",
            "http://[a",
            "https://a/b c",
            "http://a/<b>",
        ],
    ),
    (
        shapes.is_id,
        [
            "tag:uottawa.ca,2013:pprnet/post/a",
            "tag:a@b.org,2013-02:",
            "tag:b.org,2013-02-03:a?b",
            "https://a.org/",
        ],
        ["tag:a:b", "tag:a.org,13:b", "tag:a.org,2013-13:b", "tag:a.org,2013-02-30:b", "tag:a,2013:b#c", "a"],
    ),
    (
        shapes.is_moment,
        ["2021-12-01T17:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"],
        [
            "2021-12-01T17:00:00z",
            "2021-12-01 17:00:00Z",
            "2021-12-01T17:00:00.1Z",
            "2021-12-01T17:00:00+00:00",
            "2021-12-01T24:00:00Z",
            "2021-02-29T17:00:00Z",
            "0000-01-01T00:00:00Z",
            "٢٠٢١-12-01T17:00:00Z",
            "2021-12-01T17:00:00Z\n",
        ],
    ),
    (
        shapes.is_media_type,
        ["text/html", "application/atom+xml", "text/html; charset=utf-8", "Image/SVG+xml"],
        ["html", "text/", "/html", "text/html/x", "text html/x", "text/html;"],
    ),
    (
        shapes.is_language,
        ["en", "fr-CA", "zh-Hant-TW", "es-419", "sl-rozaj-biske", "de-CH-x-phonebk", "en-u-ca-gregory"],
        ["", "e", "en_CA", "english language", "en-", "en--CA", "en-CA-", "123"],
    ),
    (shapes.is_email, ["ann@example.org", "a.b+c@d"], ["ann", "@a", "a@", "a b@c", "a@b@c", "a@b..c"]),
]


@pytest.mark.parametrize(
    ("shape", "text", "fits"),
    [
        (shape, text, fits)
        for shape, good, bad in SHAPES
        for fits, texts in ((True, good), (False, bad))
        for text in texts
    ],
)
def test_a_text_has_the_shape_or_not(shape, text, fits):
    assert shape(text) is fits


def test_an_rfc_822_date_is_read():
    assert shapes.rfc822_moment("Wed, 01 Dec 2021 17:00:00 +0000") == datetime(2021, 12, 1, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "character"),
    [("a\tb\r\nc é 👍\u200d\u200f", ""), ("\x0b", "U+000B"), ("\x7f", "U+007F"), ("\U0010ffff", "U+10FFFF")],
)
def test_the_first_unclean_character_is_named(text, character):
    assert shapes.unclean_character(text) == character


@settings(max_examples=100, deadline=None)
@given(st.text())
def test_any_text_at_all_has_a_shape_or_none(text):
    for shape, *_ in SHAPES:
        assert shape(text) in {True, False}
    shapes.rfc822_moment(text)
    shapes.unclean_character(text)
