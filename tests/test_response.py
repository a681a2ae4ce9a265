"""A document ready to be sent: what each request gets, and that it is made once."""

from __future__ import annotations

import copy
import gzip
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprnet_feeds.serving.encoding import LONGEST_VALUE, Content, coding_for
from pprnet_feeds.serving.response import Response, joined_fields

BODY = b"<feed>" + b"<entry>how much psychotherapy is necessary?</entry>" * 40 + b"</feed>"
CHANGED = datetime(2021, 12, 6, 17, 0, 0, tzinfo=UTC)
DATE = b"Mon, 06 Dec 2021 17:00:00 GMT"
CACHE_CONTROL = "public, max-age=900, stale-while-revalidate=3600, stale-if-error=604800"
LINKS = '<https://feeds.example.org/feed.atom>; rel="self", <https://hub.example.net/>; rel="hub"'
TAG, BR_TAG, GZ_TAG = (
    b'"Xx2r8UJLaTxHQHis2bYUWw"',
    b'"Xx2r8UJLaTxHQHis2bYUWw-br"',
    b'"Xx2r8UJLaTxHQHis2bYUWw-gz"',
)
NOT_MODIFIED = [
    (b"cache-control", CACHE_CONTROL.encode()),
    (b"vary", b"Accept-Encoding, Sec-Fetch-Dest"),
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"ETag, Last-Modified, Link"),
    (b"link", LINKS.encode()),
]


def represent(body: bytes = BODY, **changes) -> Response:
    given = {
        "media_type": "application/atom+xml; charset=utf-8",
        "last_modified": CHANGED,
        "cache_control": CACHE_CONTROL,
        "links": LINKS,
        "plain_xml": True,
    }
    return Response(Content(body), **(given | changes))


DOCUMENT = represent()
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def answer(document: Response, headers):
    """The two messages that answer a request with these header fields."""
    prepared = document.prepare(joined_fields(headers), NOW)
    return prepared.start, prepared.body


def ask(document: Response = DOCUMENT, **fields: bytes):
    """Status, headers and body of the answer to a reader that sends these fields, and others."""
    headers = [(name.replace("_", "-").encode(), value) for name, value in fields.items()]
    start, message = answer(document, [(b"host", b"x"), *headers, (b"user-agent", b"Reader/1.0")])
    return start["status"], dict(start["headers"]), message["body"]


def test_a_reader_that_asks_for_nothing_special_gets_the_document_whole():
    start, message = answer(DOCUMENT, [(b"host", b"x")])
    assert start["type"] == "http.response.start"
    assert start["status"] == 200
    assert list(start["headers"]) == [
        (b"content-type", b"application/atom+xml; charset=utf-8"),
        (b"content-length", b"%d" % len(BODY)),
        (b"etag", TAG),
        *NOT_MODIFIED,
        (b"last-modified", DATE),
        (b"x-content-type-options", b"nosniff"),
    ]
    assert message == {"type": "http.response.body", "body": BODY}


@pytest.mark.parametrize(
    ("accept_encoding", "coding", "tag", "decode"),
    [(b"gzip, deflate", b"gzip", GZ_TAG, gzip.decompress), (b"gzip, br", b"br", BR_TAG, brotli.decompress)],
)
def test_a_coded_document_says_so_and_decodes_to_the_same_bytes(accept_encoding, coding, tag, decode):
    plain = ask()[1]
    status, headers, body = ask(accept_encoding=accept_encoding)
    assert status == 200
    assert headers == plain | {
        b"content-encoding": coding,
        b"content-length": b"%d" % len(body),
        b"etag": tag,
    }
    assert len(body) < len(BODY)
    assert decode(body) == BODY


@pytest.mark.parametrize(
    "accept_encoding", [b"", b"identity", b"gzip;q=0", b"x-gzip-not, gzip;q=0", b"zstd", b"*;q=0"]
)
def test_nothing_is_compressed_that_was_not_asked_for(accept_encoding):
    _, headers, body = ask(accept_encoding=accept_encoding)
    assert (headers[b"etag"], body) == (TAG, BODY)
    assert b"content-encoding" not in headers


def test_the_same_bytes_give_the_same_answers_at_every_start():
    for accept in (b"", b"gzip", b"br"):
        assert ask(represent(), accept_encoding=accept) == ask(represent(), accept_encoding=accept)


def test_gzip_tells_no_time_and_no_file_name():
    assert ask(accept_encoding=b"gzip")[2][:8] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00"


def test_one_changed_byte_changes_every_tag():
    assert {
        ask(represent(BODY + b"\n"), accept_encoding=coding)[1][b"etag"] for coding in (b"", b"gzip", b"br")
    }.isdisjoint({TAG, BR_TAG, GZ_TAG})


@pytest.mark.parametrize("accept_encoding", [b"", b"gzip", b"br"])
def test_a_document_is_compressed_once_for_all_readers_and_addresses(accept_encoding):
    document = represent()
    sibling = replace(document, links="")
    first = answer(document, [(b"accept-encoding", accept_encoding)])
    assert (
        answer(document, [(b"x", b"y"), (b"accept-encoding", accept_encoding)])[1]["body"] is first[1]["body"]
    )
    assert answer(sibling, [(b"accept-encoding", accept_encoding)])[1]["body"] is first[1]["body"]


@pytest.mark.parametrize("body", [b"", b"x", bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb924")])
def test_a_coding_that_saves_nothing_is_not_sent(body):
    document = represent(body)
    for _ in range(2):
        assert ask(document, accept_encoding=b"br, gzip") == ask(document)
    assert (
        ask(document, accept_encoding=b"gzip", if_modified_since=DATE)[1][b"etag"]
        == ask(document)[1][b"etag"]
    )


@pytest.mark.parametrize("tag", [TAG, BR_TAG, GZ_TAG])
@pytest.mark.parametrize("form", [b"%s", b"W/%s", b'"x", %s', b'"a, b" ,W/%s', b" %s "])
def test_a_reader_that_holds_the_document_in_any_coding_gets_304_with_the_tag_it_holds(tag, form):
    start, message = answer(DOCUMENT, [(b"accept-encoding", b"br"), (b"if-none-match", form % tag)])
    assert start["status"] == 304
    assert list(start["headers"]) == [(b"etag", tag), *NOT_MODIFIED]
    assert message == {"type": "http.response.body", "body": b""}


@pytest.mark.parametrize(
    "if_none_match", [TAG.strip(b'"'), TAG[:-1] + b'-gzip"', TAG[:-1] + b';gzip"', TAG + b"-gzip"]
)
def test_a_tag_spoilt_on_its_way_is_taken_for_what_it_was(if_none_match):
    status, headers, _ = ask(if_none_match=if_none_match)
    assert (status, headers[b"etag"]) == (304, TAG)


@pytest.mark.parametrize(("accept_encoding", "tag"), [(b"", TAG), (b"gzip", GZ_TAG), (b"gzip, br", BR_TAG)])
@pytest.mark.parametrize("condition", [{"if_none_match": b"*"}, {"if_modified_since": DATE}])
def test_a_304_for_no_certain_tag_names_the_one_the_document_would_have(condition, accept_encoding, tag):
    status, headers, body = ask(accept_encoding=accept_encoding, **condition)
    assert (status, headers[b"etag"], body) == (304, tag, b"")


@pytest.mark.parametrize(
    "if_none_match", [b"", b'"other"', b'W/"other", "x"', b"\xff\x00", b'"', TAG[:-2] + b'"']
)
def test_if_none_match_wins_over_if_modified_since_even_when_it_cannot_be_read(if_none_match):
    assert ask(if_none_match=if_none_match, if_modified_since=DATE)[0] == 200


@pytest.mark.parametrize(
    ("if_modified_since", "status"),
    [
        (DATE, 304),
        (b"Monday, 06-Dec-21 17:00:00 GMT", 304),
        (b"Mon Dec  6 17:00:00 2021", 304),
        (b"Fri, 31 Dec 9999 23:59:59 GMT", 200),
        (b"Mon, 06 Dec 2021 16:59:59 GMT", 200),
        (b"2021-12-06", 200),
        (b"\xff", 200),
        (b"", 200),
    ],
)
def test_if_modified_since_alone_is_enough(if_modified_since, status):
    assert ask(if_modified_since=if_modified_since)[0] == status


def test_a_fraction_of_a_second_does_not_make_a_document_newer_than_its_own_date():
    document = represent(last_modified=CHANGED + timedelta(microseconds=5))
    assert ask(document, if_modified_since=b"Monday, 06-Dec-21 17:00:00 GMT")[0] == 304


def test_a_repeated_field_is_one_list():
    headers = [(b"if-none-match", b'"x"'), (b"accept-encoding", b"gzip;q=0"), (b"if-none-match", BR_TAG)]
    assert answer(DOCUMENT, headers)[0]["status"] == 304
    headers = [(b"accept-encoding", b"br;q=0"), (b"accept-encoding", b"gzip"), (b"accept-encoding", b"*")]
    assert dict(answer(DOCUMENT, headers)[0]["headers"])[b"content-encoding"] == b"gzip"


def test_a_repeated_if_modified_since_is_no_date():
    assert answer(DOCUMENT, [(b"if-modified-since", DATE)] * 2)[0]["status"] == 200


def test_a_value_that_is_too_long_is_not_looked_at():
    padding = b'"x", ' * LONGEST_VALUE
    assert ask(if_none_match=padding + TAG)[0] == 200
    assert ask(if_modified_since=DATE + b" " * LONGEST_VALUE)[0] == 200
    assert ask(accept_encoding=b"gzip," + b" " * LONGEST_VALUE)[2] == BODY


def test_a_long_list_within_the_limit_is_looked_at():
    assert ask(if_none_match=b'"x", ' * 1500 + TAG)[0] == 304
    assert ask(accept_encoding=b"zstd, " * 1200 + b"gzip")[1][b"content-encoding"] == b"gzip"


def test_a_flood_of_different_values_costs_constant_memory():
    for number in range(5000):
        ask(accept_encoding=b"gzip, x%d" % number)
    assert coding_for.cache_info().currsize <= 128


def test_a_browser_that_opens_a_feed_gets_the_same_bytes_as_xml():
    status, headers, body = ask(sec_fetch_dest=b"document", accept_encoding=b"br")
    reader = ask(accept_encoding=b"br")
    assert (status, body) == (200, reader[2])
    tag = reader[1][b"etag"].replace(b"-br", b"-x-br")
    assert headers == reader[1] | {b"content-type": b"application/xml; charset=utf-8", b"etag": tag}
    assert ask(sec_fetch_dest=b"document", if_none_match=tag)[0] == 304
    assert ask(sec_fetch_dest=b"document", if_none_match=BR_TAG)[0] == 200
    assert ask(if_none_match=tag)[0] == 200


@pytest.mark.parametrize("value", [b"", b"empty", b"iframe", b"Document", b"document, document", b"\xff"])
def test_only_a_document_that_is_opened_becomes_plain_xml(value):
    assert ask(sec_fetch_dest=value) == ask()


def test_what_is_no_feed_keeps_its_type_and_does_not_vary_by_who_opens_it():
    page = represent(media_type="text/html; charset=utf-8", plain_xml=False)
    for fields in ({}, {"sec_fetch_dest": b"document"}):
        headers = ask(page, **fields)[1]
        assert (headers[b"content-type"], headers[b"vary"]) == (
            b"text/html; charset=utf-8",
            b"Accept-Encoding",
        )


def test_further_headers_go_with_the_document_and_not_with_a_304():
    policy = (b"content-security-policy", b"default-src 'none'")
    page = represent(extra=(policy,))
    assert policy in answer(page, [])[0]["headers"]
    assert policy not in answer(page, [(b"if-none-match", TAG)])[0]["headers"]


def test_a_document_without_links_has_no_link_field():
    document = represent(links="")
    assert b"link" not in ask(document)[1]
    assert b"link" not in ask(document, if_none_match=TAG)[1]


def test_a_sibling_differs_in_its_link_field_and_shares_everything_else():
    links = f'{LINKS}, <https://feeds.example.org/feed.atom>; rel="canonical"'
    document = represent()
    sibling = replace(document, links=links)
    for fields in ({}, {"accept_encoding": b"br"}, {"if_none_match": TAG}, {"if_modified_since": DATE}):
        status, headers, body = ask(document, **fields)
        assert ask(sibling, **fields) == (status, headers | {b"link": links.encode()}, body)
    coded = [(b"accept-encoding", b"gzip")]
    assert answer(sibling, coded)[1]["body"] is answer(document, coded)[1]["body"]
    assert (document.links, sibling.links) == (LINKS, links)


VALUES = st.one_of(
    st.binary(max_size=60),
    st.text('"W/,* q=0.1;gzipbr-', max_size=60).map(str.encode),
    st.sampled_from([TAG, b"W/" + GZ_TAG, b"*", DATE, b"gzip", b"br;q=0, *", b"document"]),
)
NAMES = st.sampled_from(
    [b"accept-encoding", b"if-none-match", b"if-modified-since", b"sec-fetch-dest", b"range", b"a-im", b"x"]
)
DECODE = {None: bytes, b"gzip": gzip.decompress, b"br": brotli.decompress}


@given(st.lists(st.tuples(NAMES, VALUES), max_size=6))
def test_any_bytes_in_any_header_get_an_answer_that_is_right_and_can_be_sent(headers):
    start, message = answer(DOCUMENT, headers)
    fields = dict(start["headers"])
    assert len(fields) == len(start["headers"])
    assert all(re.fullmatch(rb"[a-z-]+", name) and re.fullmatch(rb"[ -~]+", fields[name]) for name in fields)
    assert fields[b"etag"].replace(b"-x", b"") in {TAG, BR_TAG, GZ_TAG}
    assert [pair for pair in start["headers"] if pair in NOT_MODIFIED] == NOT_MODIFIED
    if start["status"] == 304:
        assert {name for name, _ in headers} & {b"if-none-match", b"if-modified-since"}
        assert message == {"type": "http.response.body", "body": b""}
    else:
        assert start["status"] == 200
        assert fields[b"content-length"] == b"%d" % len(message["body"])
        assert DECODE[fields.get(b"content-encoding")](message["body"]) == BODY


@given(st.lists(st.tuples(NAMES, VALUES), max_size=6))
def test_an_answer_leaves_the_prepared_ones_as_they_were(headers):
    before = copy.deepcopy(answer(DOCUMENT, headers))
    answer(DOCUMENT, [(b"accept-encoding", b"gzip"), (b"if-none-match", b"*")])
    assert answer(DOCUMENT, headers) == before
