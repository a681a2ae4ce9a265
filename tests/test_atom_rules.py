from __future__ import annotations

import pytest

from pprnet_feeds.syndication import atom_rules as atom
from pprnet_feeds.syndication import xml_rules as xml
from sound import faults_after, sentence

ID = "<id>tag:example.org,2013:blog/post/b</id>"
PUBLISHED = "<published>2021-12-01T17:00:00Z</published>"
UPDATED = "<updated>2021-12-02T17:00:00Z</updated>"
ALTERNATE = '<link rel="alternate" href="https://example.org/b/" type="text/html"/>'
AUTHOR = (
    "<author><name>Ann Author</name><uri>https://example.org/ann</uri><email>ann@example.org</email></author>"
)
SUMMARY = "<summary>It is short.</summary>"

TABLE = [
    (atom.required_elements_are_there_once, ID, "", ["entry 1: no `id`"]),
    (atom.required_elements_are_there_once, "<title>Second</title>", "", ["entry 1: no `title`"]),
    (atom.required_elements_are_there_once, UPDATED, "", ["entry 1: no `updated`"]),
    (
        atom.required_elements_are_there_once,
        "<title>A blog</title>",
        "<title/><title/>",
        ["feed: 2 `title` elements"],
    ),
    (
        atom.required_elements_are_there_once,
        "<title>Another blog</title>",
        "",
        ["entry 2 source: no `title`"],
    ),
    (atom.other_elements_are_not_repeated, SUMMARY, 2 * SUMMARY, ["entry 1: 2 `summary` elements"]),
    (atom.other_elements_are_not_repeated, PUBLISHED, 2 * PUBLISHED, ["entry 1: 2 `published` elements"]),
    (
        atom.other_elements_are_not_repeated,
        "<subtitle>Two posts</subtitle>",
        "<subtitle/><subtitle/>",
        ["feed: 2 `subtitle` elements"],
    ),
    (
        atom.somebody_wrote_it,
        AUTHOR,
        "",
        ["entry 1: no `author`, and none in the feed", "entry 2: no `author`, and none in the feed"],
    ),
    (atom.elements_are_known, SUMMARY, "<abstract/>", ["abstract: is not an element of Atom"]),
    (atom.elements_are_known, SUMMARY, '<guid xmlns=""/>', ["guid: is not an element of Atom"]),
    (atom.ids_are_ids, ID, "<id>/post/b</id>", ["entry 1: `id` is not an id: '/post/b'"]),
    (
        atom.ids_are_ids,
        ID,
        "<id>tag:example.org:b</id>",
        ["entry 1: `id` is not an id: 'tag:example.org:b'"],
    ),
    (
        atom.ids_are_ids,
        ID,
        "<id> https://example.org/b </id>",
        ["entry 1: `id` is not an id: ' https://example.org/b '"],
    ),
    (
        atom.ids_are_unique,
        ID,
        "<id>tag:example.org,2013:blog/post/a</id>",
        ["entry 2: has the id of entry 1: 'tag:example.org,2013:blog/post/a'"],
    ),
    (
        atom.dates_are_moments,
        PUBLISHED,
        "<published>2021-12-01</published>",
        ["entry 1: `published` is not a moment: '2021-12-01'"],
    ),
    (
        atom.dates_are_moments,
        PUBLISHED,
        "<published>2021-12-01t17:00:00+00:00</published>",
        ["entry 1: `published` is not a moment: '2021-12-01t17:00:00+00:00'"],
    ),
    (
        atom.dates_are_moments,
        PUBLISHED,
        "<published>2021-11-31T17:00:00Z</published>",
        ["entry 1: `published` is not a moment: '2021-11-31T17:00:00Z'"],
    ),
    (
        atom.dates_are_in_order,
        PUBLISHED,
        "<published>2021-12-03T17:00:00Z</published>",
        ["entry 1: updated 2021-12-02T17:00:00Z before published 2021-12-03T17:00:00Z"],
    ),
    (
        atom.dates_are_in_order,
        UPDATED,
        "<updated>2021-12-04T17:00:00Z</updated>",
        ["feed: updated 2021-12-03T17:00:00Z before entry 1, 2021-12-04T17:00:00Z"],
    ),
    (
        atom.dates_are_in_order,
        'when="2021-12-03T17:00:00Z"',
        'when="2021-12-04T17:00:00Z"',
        ["feed: updated 2021-12-03T17:00:00Z before a withdrawal, 2021-12-04T17:00:00Z"],
    ),
    (
        atom.alternates_differ,
        ALTERNATE,
        2 * ALTERNATE,
        ["entry 1: two alternate links of type 'text/html'"],
    ),
    (atom.categories_have_terms, 'term="suicide"', "", ["entry 1: a `category` without `term`"]),
    (
        atom.text_constructs_have_a_type,
        SUMMARY,
        '<summary type="text/plain">.</summary>',
        ["entry 1: `summary` has type 'text/plain'"],
    ),
    (
        atom.text_constructs_have_a_type,
        SUMMARY,
        "<summary>It <rights/> is.</summary>",
        ["entry 1: `summary` of type text holds elements"],
    ),
    (
        atom.content_is_what_its_type_says,
        '<content type="html">',
        '<content type="html"><rights/>',
        ["entry 1: `content` of type html holds elements"],
    ),
    (
        atom.content_is_what_its_type_says,
        '<content type="html">',
        '<content type="xhtml">',
        ["entry 1: `content` of type xhtml is not one `xhtml:div`"],
    ),
    (
        atom.content_is_what_its_type_says,
        '<content type="html">',
        '<content type="CDATA">',
        ["entry 1: `content` has type 'CDATA'"],
    ),
    (
        atom.content_is_what_its_type_says,
        '<link href="https://example.org/a/"/>',
        '<content type="text/html" src="https://example.org/a/"/>',
        ["entry 2: `content` stands elsewhere and there is no `summary`"],
    ),
    (
        atom.content_is_what_its_type_says,
        '<content type="html">',
        '<content type="text/html" src="https://example.org/b/">',
        ["entry 1: `content` has `src` and is not empty"],
    ),
    (
        atom.entries_lead_somewhere,
        '<link href="https://example.org/a/"/>',
        "",
        ["entry 2: neither `content` nor an alternate link"],
    ),
    (
        atom.html_is_inert,
        'href="https://example.org/"&gt;',
        'href="/b/"&gt;',
        ["entry 1 content: `href` of `<a>` in the HTML is relative: '/b/'"],
    ),
    (
        atom.persons_are_sound,
        "<name>Ann Author</name>",
        "<name> </name>",
        ["feed author: `name` is empty"],
    ),
    (atom.persons_are_sound, "<name>Ann Author</name>", "", ["feed author: no `name`"]),
    (
        atom.persons_are_sound,
        "<uri>https://example.org/ann</uri>",
        "<uri>/ann</uri>",
        ["feed author: `uri` is not absolute: '/ann'"],
    ),
    (
        atom.persons_are_sound,
        "<email>ann@example.org</email>",
        "<email>Ann</email>",
        ["feed author: `email` is not an address: 'Ann'"],
    ),
    (
        atom.pictures_are_absolute,
        "<icon>https://example.org/icon.png</icon>",
        "<icon>icon.png</icon>",
        ["feed: `icon` is not absolute: 'icon.png'"],
    ),
]


@pytest.mark.parametrize(("rule", "good", "bad", "found"), TABLE)
def test_the_change_breaks_this_rule_and_no_other(rule, good, bad, found):
    assert faults_after("atom", good, bad) == [(sentence(rule), what) for what in found]


def test_every_rule_is_tried():
    # That the root is a feed cannot be broken alone: nothing else is where it should be then.
    assert set(atom.RULES) - set(xml.RULES) - {row[0] for row in TABLE} == {atom.root_is_a_feed}


def test_a_feed_without_the_namespace_of_atom_is_told_first():
    namespace = 'xmlns="http://www.w3.org/2005/Atom"'
    assert faults_after("atom", namespace, "")[0] == (
        sentence(atom.root_is_a_feed),
        "feed: is not `feed` of Atom",
    )
