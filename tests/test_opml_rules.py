from __future__ import annotations

import pytest

from pprnet_feeds.syndication import opml_rules as opml
from pprnet_feeds.syndication.xml_rules import text_is_clean
from sound import faults_after, sentence

MODIFIED = "Wed, 01 Dec 2021 17:00:00 +0000"
SUICIDE = 'xmlUrl="https://example.org/suicide/feed.atom"'

TABLE = [
    (opml.root_is_opml_2, 'version="2.0"', 'version="1.0"', ["opml: is not `opml` of version 2.0"]),
    (opml.head_has_a_title, "<title>Feeds</title>", "", ["head: no `title`"]),
    (
        opml.head_dates_are_moments,
        MODIFIED,
        "2021-12-01",
        ["head: `dateModified` is not such a date: '2021-12-01'"],
    ),
    (opml.outlines_have_text, 'text="Topics"', "", ["outline 2: no `text`"]),
    (
        opml.feeds_have_addresses,
        SUICIDE,
        'xmlUrl="/feed.atom"',
        ["outline 3: `xmlUrl` is not absolute: '/feed.atom'"],
    ),
    (opml.feeds_have_addresses, SUICIDE, "", ["outline 3: `xmlUrl` is not absolute: ''"]),
    (
        opml.feeds_have_addresses,
        'type="rss" text="Suicide"',
        'text="Suicide"',
        ["outline 3: `xmlUrl` without type='rss'"],
    ),
    (
        opml.feeds_have_addresses,
        'htmlUrl="https://example.org/"',
        'htmlUrl="/"',
        ["outline 1: `htmlUrl` is not absolute: '/'"],
    ),
    (
        opml.feeds_are_listed_once,
        SUICIDE,
        'xmlUrl="https://example.org/feed.atom"',
        ["outline 3: has the feed of outline 1: 'https://example.org/feed.atom'"],
    ),
    (text_is_clean, 'text="Suicide"', 'text="Sui&#x9f;cide"', ["outline: holds U+009F"]),
]


@pytest.mark.parametrize(("rule", "good", "bad", "found"), TABLE)
def test_the_change_breaks_this_rule_and_no_other(rule, good, bad, found):
    assert faults_after("opml", good, bad) == [(sentence(rule), what) for what in found]


def test_an_empty_body_holds_no_outlines():
    assert faults_after("opml", "<body>", "<body/><body>") == [
        (sentence(opml.root_is_opml_2), "opml: 2 `body` elements"),
        (sentence(opml.body_holds_outlines), "body: no `outline`"),
    ]


def test_every_rule_is_tried():
    assert set(opml.RULES) - {row[0] for row in TABLE} == {opml.body_holds_outlines}
