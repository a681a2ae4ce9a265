"""What a reader's header means: the coding it wants, the bytes it already holds."""

from __future__ import annotations

import locale
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprnet_feeds.serving.conditional import (
    choose_coding,
    http_date,
    matches,
    not_modified_since,
    parse_http_date,
)

OFFERED = ("br", "gzip")
PLAIN, BR, GZ = TAGS = ('"abc"', '"abc-br"', '"abc-gz"')
MOMENT = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)
NOW = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    ("accept_encoding", "coding"),
    [
        (None, "identity"),
        ("", "identity"),
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("GZIP, deflate", "gzip"),
        ("gzip, deflate, br, zstd", "br"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("gzip;q=0.8 , br ; q=0.8", "br"),
        ("*", "br"),
        ("br;q=0, *", "gzip"),
        ("gzip;q=0.2, *;q=0.1", "gzip"),
        ("*;q=0", "identity"),
        ("identity", "identity"),
        ("gzip;q=0.5, identity", "identity"),
        ("gzip, identity", "gzip"),
        ("identity, *;q=0.5", "identity"),
        ("identity;q=0, gzip;q=0.001", "gzip"),
        ("deflate, zstd", "identity"),
    ],
)
def test_the_weights_decide_and_our_order_breaks_ties(accept_encoding, coding):
    assert choose_coding(accept_encoding, OFFERED) == coding


@pytest.mark.parametrize(
    "accept_encoding",
    [
        "x-gzip-not, gzip;q=0",
        "gzip;q=0.0",
        "gzip ; Q=0.000",
        "gzip;q=0, gzip",
        "x-gzip;q=0, *",
        "gzip;q=0, x-gzip",
        "notgzip, gzipped, x-br, brotli",
        'gzip;x="gzip";q=0, *',
    ],
)
def test_a_refused_coding_is_never_sent_even_when_its_name_appears(accept_encoding):
    assert choose_coding(accept_encoding, ["gzip"]) == "identity"


@pytest.mark.parametrize(
    "weight", ["q=", "q=x", "q=-1", "q=2", "q=nan", "q=1e0", "q=\u0661", "", ";", "level=9"]
)
def test_a_weight_that_cannot_be_read_might_be_a_refusal(weight):
    assert choose_coding(f"gzip;{weight}, br;q=0.1", OFFERED) == "br"


@pytest.mark.parametrize(
    "accept_encoding", ["identity;q=0", "*;q=0", "identity;q=0, *;q=0", "zstd, identity;q=0"]
)
def test_a_reader_who_refuses_all_we_have_gets_identity(accept_encoding):
    assert choose_coding(accept_encoding, OFFERED) == "identity"


def test_unreadable_parts_do_not_hide_the_readable_ones():
    assert choose_coding(",, ;q=1, \x00\xff, =, gz ip, gzip;q=0.3,", OFFERED) == "gzip"


def test_identity_is_all_there_is_when_nothing_is_offered():
    assert choose_coding("gzip, br, *", ()) == "identity"


@given(st.one_of(st.none(), st.text(), st.text("gzipbr*;q=01., x-")))
def test_any_header_at_all_gets_an_answer_we_can_send(value):
    assert choose_coding(value, OFFERED) in {"identity", *OFFERED}


@given(st.lists(st.sampled_from(["gzip", "br", "*", "x-gzip", "identity;q=0", "*;q=0.3", "br;q=x"])))
def test_no_company_makes_a_refusal_undone(parts):
    assert choose_coding(", ".join([*parts, "gzip;q=0"]), ["gzip"]) == "identity"


@pytest.mark.parametrize(
    ("if_none_match", "tag"),
    [
        ('"abc"', PLAIN),
        ('"abc-gz"', GZ),
        ('W/"abc-br"', BR),
        ("*", "*"),
        (" * ", "*"),
        ('"x", "abc-gz"', GZ),
        ('"x","abc"', PLAIN),
        ('"x,\t, y" ,, W/"abc" ', PLAIN),
        ('"xyz", W/"q", "abc-br", "abc"', BR),
        ("abc", PLAIN),
        ("W/abc-gz", GZ),
        ("x, abc", PLAIN),
        ('"abc-gzip"', PLAIN),
        ('"abc;gzip"', PLAIN),
        ('"abc"-gzip', PLAIN),
        ('W/"abc-gz-gzip"', GZ),
    ],
)
def test_a_tag_of_ours_is_found_in_every_form_readers_send_it(if_none_match, tag):
    assert matches(if_none_match, TAGS) == tag


@pytest.mark.parametrize(
    "if_none_match",
    [
        "",
        " ",
        ",,,",
        '"',
        '""',
        '"x"',
        '"ABC"',
        '"abcd"',
        '"x, abc, y"',
        '"abc-deflate"',
        '"-gzip"',
        '*, "x"',
        '"*"',
        "W/*",
        "W/",
        "\x00\xff\ud800",
    ],
)
def test_what_names_no_tag_of_ours_matches_nothing(if_none_match):
    assert matches(if_none_match, TAGS) is None


@given(st.one_of(st.text(), st.text('"W/, *abc-gzip;')))
def test_any_list_of_tags_can_be_looked_through(value):
    assert matches(value, TAGS) in {None, "*", *TAGS}


@given(st.lists(st.text(st.characters(exclude_characters='"', max_codepoint=255)), max_size=5))
def test_a_tag_is_found_among_any_others(opaque):
    assert matches(", ".join([*(f'"{tag}"' for tag in opaque), 'W/"abc-br"']), [BR]) == BR


@pytest.mark.parametrize("text", ['"' * 8192, "W/" * 4096, '"a' * 4096, " , " * 2730, "a-gzip" * 1365])
def test_a_long_list_takes_no_longer_for_being_odd(text):
    assert matches(text, ['"x"']) is None


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "  Sun, 06 Nov 1994 08:49:37 GMT\t",
        "sun, 06 nov 1994 08:49:37 gmt",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Mon, 06 Nov 1994 08:49:37 GMT",
    ],
)
def test_a_date_is_read_in_every_form_it_may_have(text):
    assert parse_http_date(text) == MOMENT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "0",
        "784111777",
        "1994-11-06T08:49:37Z",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 EST",
        "Sun, 06 Nov 1994 08:49:37 +0200",
        "Sun, 31 Feb 2021 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 19941 08:49:37 GMT",
        "Sun 06 Nov 1994 08:49:37 GMT",
        "Sun, Nov 06 1994 08:49:37 GMT",
        "Sun, 06-Nov-1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nov \u0661\u0669\u0669\u0664 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT\n",
        "\x00\xff",
    ],
)
def test_what_is_no_date_is_none(text):
    assert parse_http_date(text) is None


def test_the_last_second_of_the_calendar_is_a_date():
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert parse_http_date("Fri, 31 Dec 9999 23:59:59 GMT") == last


def test_a_leap_second_counts_as_the_second_before_it():
    assert parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT") == datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("digits", "year"), [("94", 1994), ("00", 2000), ("26", 2026), ("68", 2068), ("69", 1969)]
)
def test_a_year_of_two_digits_is_one_near_ours(digits, year):
    moment = parse_http_date(f"Sunday, 06-Nov-{digits} 08:49:37 GMT")
    assert moment is not None
    assert moment.year == year


@given(st.one_of(st.text(), st.text("SunNovGMT, 0169:4837-")))
def test_any_text_is_a_date_or_none(text):
    moment = parse_http_date(text)
    assert moment is None or moment.tzinfo is UTC


@given(st.datetimes(MOMENT.replace(year=1000, tzinfo=None), timezones=st.just(UTC)))
def test_a_date_we_wrote_is_read_back_to_the_second(moment):
    assert parse_http_date(http_date(moment)) == moment.replace(microsecond=0)


def test_a_date_is_written_in_gmt_whatever_its_zone():
    there = MOMENT.astimezone(timezone(timedelta(hours=-5)))
    assert http_date(there) == "Sun, 06 Nov 1994 08:49:37 GMT"


def test_a_date_is_written_in_english_whatever_the_locale():
    before = locale.setlocale(locale.LC_TIME)
    try:
        for name in ("fr_CA.UTF-8", "de_DE.UTF-8", "C.UTF-8", ""):
            try:
                locale.setlocale(locale.LC_TIME, name)
            except locale.Error:
                continue
            assert http_date(MOMENT) == "Sun, 06 Nov 1994 08:49:37 GMT"
    finally:
        locale.setlocale(locale.LC_TIME, before)


@pytest.mark.parametrize(
    ("if_modified_since", "held"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", True),
        ("Sun, 06 Nov 1994 08:49:36 GMT", False),
        ("Sun, 06 Nov 1994 08:49:38 GMT", True),
        ("Sunday, 06-Nov-94 08:49:37 GMT", True),
        ("Sunday, 06-Nov-93 08:49:37 GMT", False),
        ("Sunday, 06-Nov-45 08:49:37 GMT", False),
        ("Sun Nov  6 08:49:37 1994", True),
        ("Thu, 01 Jan 1970 00:00:00 GMT", False),
        ("Mon, 01 Jan 0001 00:00:00 GMT", False),
        ("Fri, 31 Dec 9999 23:59:59 GMT", False),  # later than now
        ("Fri, 31 Dec 10000 23:59:59 GMT", False),
        ("1994-11-06T08:49:37Z", False),
        ("never", False),
        ("", False),
    ],
)
def test_a_document_is_held_by_whoever_has_a_date_no_earlier_than_its_own(if_modified_since, held):
    assert not_modified_since(if_modified_since, MOMENT, NOW) is held


def test_a_fraction_of_a_second_makes_no_change():
    assert not_modified_since(http_date(MOMENT), MOMENT + timedelta(microseconds=999_999), NOW) is True
