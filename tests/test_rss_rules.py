from __future__ import annotations

import pytest

from pprnet_feeds.syndication import rss_rules as rss
from pprnet_feeds.syndication import xml_rules as xml
from sound import faults_after, sentence

GUID = '<guid isPermaLink="false">tag:example.org,2013:blog/post/b</guid>'
PUB_DATE = "<pubDate>Wed, 01 Dec 2021 17:00:00 +0000</pubDate>"
BUILT = "Fri, 03 Dec 2021 17:00:00 +0000"
DESCRIPTION = "<description>It is short, and I &lt;3 it.</description>"

TABLE = [
    (rss.root_is_rss_2, 'version="2.0"', 'version="0.91"', ["rss: is not `rss` of version 2.0"]),
    (
        rss.elements_are_known,
        "<title>First</title>",
        "<title>First</title><updated/>",
        ["item 2: `updated` is not an element of RSS"],
    ),
    (
        rss.elements_are_known,
        "<ttl>60</ttl>",
        "<guid/>",
        ["channel: `guid` is not an element of RSS"],
    ),
    (rss.required_elements_are_there, "<title>A blog</title>", "", ["channel: no `title`"]),
    (
        rss.required_elements_are_there,
        "<link>https://example.org/</link>",
        2 * "<link>https://example.org/</link>",
        ["channel: 2 `link` elements"],
    ),
    (
        rss.required_elements_are_there,
        "<description>Two posts</description>",
        "",
        ["channel: no `description`"],
    ),
    (rss.elements_are_not_repeated, PUB_DATE, 2 * PUB_DATE, ["item 1: 2 `pubDate` elements"]),
    (rss.elements_are_not_repeated, "<ttl>60</ttl>", 2 * "<ttl>60</ttl>", ["channel: 2 `ttl` elements"]),
    (
        rss.items_say_something,
        "<title>First</title>",
        "<title/>",
        ["item 2: neither `title` nor `description`"],
    ),
    (rss.guids_are_ids, GUID, "", ["item 1: no `guid`"]),
    (
        rss.guids_are_ids,
        GUID,
        '<guid isPermaLink="false">b</guid>',
        ["item 1: `guid` is not an id: 'b'"],
    ),
    (
        rss.guids_are_ids,
        GUID,
        "<guid>tag:example.org,2013:blog/post/b</guid>",
        ["item 1: `guid` is taken for a link"],
    ),
    (
        rss.guids_are_unique,
        GUID,
        GUID.replace("/b<", "/a<"),
        ["item 2: has the guid of item 1: 'tag:example.org,2013:blog/post/a'"],
    ),
    *(
        (
            rss.dates_are_moments,
            PUB_DATE,
            f"<pubDate>{date}</pubDate>",
            [f"item 1: `pubDate` is not such a date: '{date}'"],
        )
        for date in (
            "Thu, 01 Dec 2021 17:00:00 +0000",
            "Wed, 01 Dec 21 17:00:00 +0000",
            "Wed, 01 Dec 2021 17:00:00 GMT",
            "Wed, 01 Dec 2021 12:00:00 -0500",
            "Wed, 31 Nov 2021 17:00:00 +0000",
            "2021-12-01T17:00:00Z",
        )
    ),
    (
        rss.build_date_is_the_newest,
        PUB_DATE,
        "<pubDate>Sat, 04 Dec 2021 17:00:00 +0000</pubDate>",
        ["channel: `lastBuildDate` is before `pubDate` of item 1"],
    ),
    (
        rss.build_date_is_the_newest,
        BUILT,
        "Thu, 02 Dec 2021 17:00:00 +0000",
        ["channel: `lastBuildDate` is before a withdrawal, 2021-12-03T17:00:00Z"],
    ),
    (
        rss.links_are_absolute,
        "<link>https://example.org/b/</link>",
        "<link>/b/</link>",
        ["item 1: `link` is not absolute: '/b/'"],
    ),
    (
        rss.descriptions_are_plain,
        DESCRIPTION,
        "<description>It is &lt;b&gt;short&lt;/b&gt;.</description>",
        ["item 1: `description` holds '<b>'"],
    ),
    (
        rss.content_follows_a_description,
        DESCRIPTION,
        "",
        ["item 1: `content:encoded` without a `description` before it"],
    ),
    (
        rss.html_is_inert,
        "&lt;p&gt;It is short.&lt;/p&gt;",
        "&lt;p onclick='a()'&gt;It is short.&lt;/p&gt;",
        ["item 1 content:encoded: `onclick` of `<p>` in the HTML"],
    ),
    (
        rss.authors_are_addresses,
        "<dc:creator>Ann Author</dc:creator>",
        "<author>Ann Author</author>",
        ["item 1: `author` is no e-mail: 'Ann Author'"],
    ),
    (
        rss.names_are_not_empty,
        ">Suicide</category>",
        "> </category>",
        ["item 1: an empty `category`"],
    ),
    (
        rss.names_are_not_empty,
        "<dc:creator>Ann Author</dc:creator>",
        "<dc:creator/>",
        ["item 1: an empty `dc:creator`"],
    ),
    (rss.ttl_is_a_number, "<ttl>60</ttl>", "<ttl>0</ttl>", ["channel: `ttl` is not a positive integer: '0'"]),
    (
        rss.ttl_is_a_number,
        "<ttl>60</ttl>",
        "<ttl>٦٠</ttl>",
        ["channel: `ttl` is not a positive integer: '٦٠'"],
    ),
    (
        rss.language_is_a_tag,
        "<language>en</language>",
        "<language>English!</language>",
        ["channel: `language` is no tag: 'English!'"],
    ),
    (rss.attachments_are_whole, ' length="1"', "", ["item 1: `enclosure` without `length`"]),
    (
        rss.attachments_are_whole,
        'type="audio/mpeg"',
        'type="mp3"',
        ["item 1: `enclosure` has type 'mp3'"],
    ),
    (
        xml.feed_says_where_it_is,
        'rel="self" href="https://example.org/feed.rss"',
        'rel="hub" href="https://example.org/feed.rss"',
        ["channel: 0 links with rel='self'"],
    ),
    (
        xml.namespaces_are_known,
        'xmlns:dc="http://purl.org/dc/elements/1.1/"',
        'xmlns:dc="http://purl.org/dc/elements/1.1"',
        ["creator: the namespace 'http://purl.org/dc/elements/1.1' is unknown"],
    ),
    (
        xml.paging_is_sound,
        "<fh:complete/>",
        '<fh:complete/><atom:link rel="prev-archive" href="https://example.org/2020.rss"/>',
        ["channel: `fh:complete` beside a `prev-archive` link"],
    ),
    (
        xml.tombstones_are_sound,
        'ref="tag:example.org,2013:blog/post/gone"',
        'ref="tag:example.org,2013:blog/post/b"',
        ["at:deleted-entry 1: the entry is still there: 'tag:example.org,2013:blog/post/b'"],
    ),
]


@pytest.mark.parametrize(("rule", "good", "bad", "found"), TABLE)
def test_the_change_breaks_this_rule_and_no_other(rule, good, bad, found):
    assert faults_after("rss", good, bad) == [(sentence(rule), what) for what in found]


def test_every_rule_is_tried_here_or_with_atom():
    assert set(rss.RULES) - set(xml.RULES) == {row[0] for row in TABLE} - set(xml.RULES)
