from __future__ import annotations

import pytest

from pprnet_feeds.syndication import xml_rules as xml
from sound import faults_after, sentence

SELF = '<link rel="self" href="https://example.org/feed.atom" type="application/atom+xml"/>'
CURRENT = '<link rel="current" href="https://example.org/current.atom"/>'
ID = "tag:example.org,2013:blog/post/b"

TABLE = [
    (
        xml.namespaces_are_known,
        'xmlns:fh="http://purl.org/syndication/history/1.0"',
        'xmlns:fh="http://purl.org/syndication/history/1.0/"',
        ["archive: the namespace 'http://purl.org/syndication/history/1.0/' is unknown"],
    ),
    (xml.text_is_clean, "Two posts", "Two\x85posts", ["atom:subtitle: holds U+0085"]),
    (xml.text_is_clean, "Two posts", "Two &#xFDD0; posts", ["atom:subtitle: holds U+FDD0"]),
    (
        xml.addresses_are_absolute,
        'href="https://example.org/b/"',
        'href="../b/"',
        ["atom:link: `href` is not absolute: '../b/'"],
    ),
    (
        xml.addresses_are_absolute,
        'scheme="tag:example.org,2013:blog/topics"',
        'scheme="topics"',
        ["atom:category: `scheme` is not absolute: 'topics'"],
    ),
    (
        xml.addresses_are_absolute,
        '<a href="https://example.org/">',
        '<a href="/">',
        ["xhtml:a: `href` is not absolute: '/'"],
    ),
    (
        xml.addresses_are_absolute,
        'xml:lang="en"',
        'xml:base="https://example.org/"',
        ["atom:feed: `xml:base` is there"],
    ),
    (
        xml.languages_have_their_shape,
        'xml:lang="en"',
        'xml:lang="en_CA"',
        ["atom:feed: `xml:lang` is not a language tag: 'en_CA'"],
    ),
    (
        xml.links_are_sound,
        CURRENT,
        CURRENT + '<link rel="feed" href="https://example.org/c"/>',
        ["link rel='feed': the relation is not registered"],
    ),
    (xml.links_are_sound, CURRENT, '<link rel="current"/>', ["link rel='current': no `href`"]),
    (
        xml.links_are_sound,
        'href="https://example.org/b/" type="text/html"',
        'href="https://example.org/b/" type="html"',
        ["link rel='alternate': `type` is not a media type: 'html'"],
    ),
    (xml.feed_says_where_it_is, SELF, "", ["feed: 0 links with rel='self'"]),
    (xml.feed_says_where_it_is, ' type="application/atom+xml"', "", ["feed: the self link has no `type`"]),
    (xml.paging_is_sound, CURRENT, "", ["feed: `fh:archive` without a `current` link"]),
    (xml.paging_is_sound, CURRENT, 2 * CURRENT, ["feed: 2 links with rel='current'"]),
    (
        xml.paging_is_sound,
        "<fh:archive/>",
        "<fh:archive/><fh:complete/>",
        ["feed: both `fh:complete` and `fh:archive`"],
    ),
    (
        xml.tombstones_are_sound,
        'ref="tag:example.org,2013:blog/post/gone"',
        "",
        ["at:deleted-entry 1: `ref` is not an id: ''"],
    ),
    (
        xml.tombstones_are_sound,
        'ref="tag:example.org,2013:blog/post/gone"',
        f'ref="{ID}"',
        [f"at:deleted-entry 1: the entry is still there: '{ID}'"],
    ),
    (
        xml.tombstones_are_sound,
        'when="2021-12-03T17:00:00Z"',
        'when="Friday"',
        ["at:deleted-entry 1: `when` is not a moment: 'Friday'"],
    ),
    (
        xml.identifier_is_single,
        "<dc:identifier>doi:10.1000/b</dc:identifier>",
        "<dc:identifier>doi:10.1000/b</dc:identifier><dc:identifier>b</dc:identifier>",
        ["entry 1: 2 `identifier` elements"],
    ),
]


@pytest.mark.parametrize(("rule", "good", "bad", "found"), TABLE)
def test_the_change_breaks_this_rule_and_no_other(rule, good, bad, found):
    assert faults_after("atom", good, bad) == [(sentence(rule), what) for what in found]


def test_every_rule_is_tried():
    assert set(xml.RULES) == {row[0] for row in TABLE}
