from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pprnet_feeds.syndication import atom_rules, json_rules, opml_rules, rss_rules
from pprnet_feeds.syndication.conformance import faults
from sound import FORMATS, changed, sound

XML = "A document is well-formed XML in UTF-8, without a DOCTYPE (XML 1.0 §2.1, §4.3.3; RFC 4287 §2)."
JSON = "A document is one JSON object in UTF-8, without a byte order mark (RFC 8259 §8.1)."

DEEP = b"[" * 100_000
BOMB = b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>'


@pytest.mark.parametrize("form", FORMATS)
def test_a_sound_document_has_no_faults(form):
    assert faults(sound(form), form) == []


def test_a_fault_is_a_message_an_explanation_and_a_solution():
    body = changed("atom", "<published>2021-12-01T17:00:00Z</published>", "<published>2021-12</published>")
    assert [str(fault) for fault in faults(body, "atom")] == [
        "entry 1: `published` is not a moment: '2021-12'. Dates are RFC 3339 with upper-case T and Z; ours in"
        " whole seconds (RFC 4287 §3.3). Write it in UTC, such as 2021-12-01T17:00:00Z."
    ]


@pytest.mark.parametrize("rules", [atom_rules.RULES, rss_rules.RULES, json_rules.RULES, opml_rules.RULES])
def test_every_rule_says_what_it_is_and_where_it_stands(rules):
    said = [" ".join((rule.__doc__ or "").split()) for rule in rules]
    assert [text for text in said if not text.endswith(").") or "(" not in text] == []


@pytest.mark.parametrize(
    ("body", "where", "what"),
    [
        (b"", "line 1, column 1", "no element found"),
        (b"<feed>\n <a>\n</feed>", "line 3, column 3", "mismatched tag"),
        (b"<feed>\n\x0b</feed>", "line 2, column 1", "not well-formed (invalid token)"),
        (b"<feed>&nbsp;</feed>", "line 1, column 7", "undefined entity"),
        (b"<feed>\n<dc:a/></feed>", "line 2, column 1", "unbound prefix"),
        (b"<feed>\n \xe9</feed>", "line 2, column 2", "not UTF-8"),
        (b"<?xml version='1.0' encoding='latin-1'?><feed/>", "line 1, column 1", "the encoding is 'latin-1'"),
        (b"\n<!DOCTYPE feed><feed/>", "line 2, column 1", "a DOCTYPE"),
        (BOMB, "line 1, column 1", "a DOCTYPE"),
    ],
)
def test_xml_that_cannot_be_read_has_one_fault_with_its_place(body, where, what):
    assert [(fault.where, fault.what, fault.rule) for fault in faults(body, "atom")] == [(where, what, XML)]


@pytest.mark.parametrize(
    ("body", "where", "what"),
    [
        (b"", "line 1, column 1", "expecting value"),
        (b'{"a": 1,\n "b" 2}', "line 2, column 6", "expecting ':' delimiter"),
        (b'{"a":\n "\xe9"}', "line 2, column 3", "not UTF-8"),
        (b"\xef\xbb\xbf{}", "line 1, column 1", "unexpected UTF-8 BOM (decode using utf-8-sig)"),
        (b"[]", "document", "not an object"),
        (b'{"a": 1, "a": 2}', "document", "the key 'a' twice in an object"),
        (b'{"a": NaN}', "document", "NaN is no value of JSON"),
        (DEEP, "document", "nested too deep to be read"),
    ],
)
def test_json_that_cannot_be_read_has_one_fault_with_its_place(body, where, what):
    assert [(fault.where, fault.what, fault.rule) for fault in faults(body, "json")] == [(where, what, JSON)]


@settings(max_examples=100, deadline=None)
@given(st.binary(), st.sampled_from(FORMATS))
@example(b"<a>" * 5_000 + b"</a>" * 5_000, "atom")
@example(b'{"items": [], "_a": ' + b'{"a": ' * 900 + b"1" + b"}" * 901, "json")
@example(b'{"a": ' + b"9" * 5_000 + b"}", "json")
@example(b"<rss/>", "rss")
def test_any_bytes_at_all_are_judged(body, form):
    assert [str(fault).encode() for fault in faults(body, form)] != []


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*json.loads(sound("json")), "id", "url", "tags", "_a", "\ud800"]), inner
        )
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(VALUES, st.sampled_from(["title", "items", "authors", "hubs", "language", "next_url", "_license"]))
def test_any_value_under_any_key_is_judged(value, key):
    document = json.loads(sound("json")) | {key: value}
    for fault in faults(json.dumps(document).encode(), "json"):
        assert str(fault).encode()


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["atom", "rss", "opml"]), st.data())
def test_a_document_with_its_pieces_muddled_is_judged(form, data):
    root = ElementTree.fromstring(sound(form))
    elements = list(root.iter())
    for _ in range(3):
        one, other = data.draw(st.sampled_from(elements)), data.draw(st.sampled_from(elements))
        one.tag, other.tag, one.text, other.text = other.tag, one.tag, other.text, one.text
        one.attrib, other.attrib = other.attrib, dict(list(one.attrib.items())[1:])
    assert all(str(fault).encode() for fault in faults(ElementTree.tostring(root), form))
