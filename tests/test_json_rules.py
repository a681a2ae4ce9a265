from __future__ import annotations

import pytest

from pprnet_feeds.syndication import json_rules as rules
from sound import faults_after, sentence

PUBLISHED = '"date_published": "2021-12-01T17:00:00Z"'
AUTHORS = '"authors": [{"name": "Ann Author"}]'
TAGS = '"tags": ["Suicide"]'
HTML = '"content_html": "<p>It is short.</p>"'
ID = '"id": "tag:example.org,2013:blog/post/b"'

TABLE = [
    (
        rules.version_is_exact,
        "https://jsonfeed.org/version/1.1",
        "http://jsonfeed.org/version/1.1",
        ["feed: `version` is not that of JSON Feed 1.1"],
    ),
    (rules.required_keys_are_there, '"title": "A blog",', "", ["feed: no `title`"]),
    (
        rules.required_keys_are_there,
        '"feed_url": "https://example.org/feed.json",',
        "",
        ["feed: no `feed_url`"],
    ),
    (rules.required_keys_are_there, f"{ID},", "", ["item 1: no `id`"]),
    (rules.keys_are_known, '"summary"', '"abstract"', ["item 1: the key 'abstract' is unknown"]),
    (rules.keys_are_known, '"_license"', '"_li.cense"', ["feed: the key '_li.cense' is unknown"]),
    (
        rules.extensions_are_objects,
        '{"rights": "All of them"}',
        '"All of them"',
        ["feed: `_license` is not an object"],
    ),
    (
        rules.extensions_are_objects,
        '{"rights": "All of them"}',
        '{"ri.ghts": "All of them"}',
        ["feed: a key of `_license` holds a dot"],
    ),
    (rules.values_have_their_types, '"A blog"', "1", ["feed: `title` is not a string"]),
    (rules.values_have_their_types, TAGS, '"tags": "Suicide"', ["item 1: `tags` is not a list"]),
    (
        rules.values_have_their_types,
        AUTHORS,
        '"authors": ["Ann Author"]',
        ["feed: `authors` holds something else than objects"],
    ),
    (
        rules.values_have_their_types,
        '"size_in_bytes": 1',
        '"size_in_bytes": "1"',
        ["item 1 attachment 1: `size_in_bytes` is not an integer"],
    ),
    (
        rules.addresses_are_absolute,
        '"url": "https://example.org/b/"',
        '"url": "/b/"',
        ["item 1: `url` is not absolute: '/b/'"],
    ),
    (
        rules.next_page_is_another,
        "https://example.org/archive/2020.json",
        "https://example.org/feed.json",
        ["feed: `next_url` is `feed_url`"],
    ),
    (rules.ids_are_ids, ID, '"id": "b"', ["item 1: `id` is not an id: 'b'"]),
    (
        rules.ids_are_unique,
        ID,
        '"id": "tag:example.org,2013:blog/post/a"',
        ["item 2: has the id of item 1: 'tag:example.org,2013:blog/post/a'"],
    ),
    (
        rules.items_have_content,
        f"{HTML},",
        "",
        ["item 1: neither `content_html` nor `content_text`"],
    ),
    (
        rules.html_is_inert,
        HTML,
        '"content_html": "<p>It is short."',
        ["item 1 content_html: `<p>` is never closed in the HTML"],
    ),
    (
        rules.dates_are_moments,
        PUBLISHED,
        '"date_published": "2021-12-01"',
        ["item 1: `date_published` is not a moment: '2021-12-01'"],
    ),
    (
        rules.dates_are_moments,
        PUBLISHED,
        '"date_published": "2021-12-03T17:00:00Z"',
        ["item 1: modified 2021-12-02T17:00:00Z before published 2021-12-03T17:00:00Z"],
    ),
    (
        rules.authors_say_something,
        AUTHORS,
        '"authors": [{"name": ""}]',
        ["feed author 1: no `name`, `url` or `avatar`"],
    ),
    (rules.hubs_and_attachments_are_whole, '"type": "WebSub", ', "", ["feed hub 1: no `type`"]),
    (
        rules.hubs_and_attachments_are_whole,
        '"mime_type": "audio/mpeg", ',
        "",
        ["item 1 attachment 1: no `mime_type`"],
    ),
    (
        rules.hubs_and_attachments_are_whole,
        "audio/mpeg",
        "mp3",
        ["item 1 attachment 1: `mime_type` is 'mp3'"],
    ),
    (rules.tags_are_text, TAGS, '"tags": ["Suicide", 1]', ["item 1: a tag is empty or not a string"]),
    (rules.tags_are_text, TAGS, '"tags": [" "]', ["item 1: a tag is empty or not a string"]),
    (
        rules.language_is_a_tag,
        '"language": "en"',
        '"language": "en_CA"',
        ["feed: `language` is no tag: 'en_CA'"],
    ),
    (rules.text_is_clean, "All of them", "All\\u0007", ["_license: holds U+0007"]),
    (rules.text_is_clean, '"Second"', '"\\ud83d"', ["item 1: holds U+D83D"]),
]


@pytest.mark.parametrize(("rule", "good", "bad", "found"), TABLE)
def test_the_change_breaks_this_rule_and_no_other(rule, good, bad, found):
    assert faults_after("json", good, bad) == [(sentence(rule), what) for what in found]


def test_every_rule_is_tried():
    assert set(rules.RULES) == {row[0] for row in TABLE}
