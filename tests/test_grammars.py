"""The judges of documents, judged: each takes a sound document, and refuses it after any of these changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from judges import FORMS, faults, judge_feedparser
from rules import RULES, html_faults

ADDRESSES = {
    "atom": "https://example.org/2021.atom",
    "rss": "https://example.org/feed.rss",
    "json": "https://example.org/feed.json",
}
# Fragments of the sound documents.
PUBLISHED = "<published>2021-12-01T17:00:00Z</published>"
UPDATED = "<updated>2021-12-02T17:00:00Z</updated>"
PUB_DATE = "<pubDate>Wed, 01 Dec 2021 17:00:00 +0000</pubDate>"
ID = "<id>tag:example.org,2013:blog/post/b</id>"
GUID = '<guid isPermaLink="false">tag:example.org,2013:blog/post/b</guid>'
JSON_ID = '"id": "tag:example.org,2013:blog/post/b"'
SELF = '<link rel="self" href="https://example.org/2021.atom" type="application/atom+xml"/>'
CURRENT = '<link rel="current" href="https://example.org/feed.atom"/>'
ALTERNATE = '<link rel="alternate" href="https://example.org/b/" type="text/html"/>'
SUMMARY = '<summary type="text">It is short.</summary>'
AUTHOR = (
    "<author><name>Ann Author</name><uri>https://example.org/ann</uri><email>ann@example.org</email></author>"
)
DESCRIPTION = "<description>It is short, and I &lt;3 it.</description>"
SUICIDE = 'xmlUrl="https://example.org/suicide/feed.atom"'
GONE = 'ref="tag:example.org,2013:blog/post/gone"'

# What a grammar refuses: a fragment that is in the sound document once, and what takes its place.
AGAINST_THE_GRAMMAR = {
    "atom": [
        (ID, ""),
        (ID, 2 * ID),
        (ID, "<id>/post/b</id>"),
        (ID, "<id>tag:example.org:b</id>"),
        (ID, "<id>tag:example.org,2013-13:b</id>"),
        (ID, "<id> tag:example.org,2013:blog/post/b </id>"),
        ("<title>Second</title>", ""),
        ("<title>Second</title>", "<title> </title>"),
        ("<title>A blog</title>", "<title>A</title><title>B</title>"),
        ("<title>Another blog</title>", ""),
        (UPDATED, ""),
        (UPDATED, "<updated>2021-12-02T17:00:00.5Z</updated>"),
        (UPDATED, "<updated>2021-12-02T17:00:00+00:00</updated>"),
        (PUBLISHED, 2 * PUBLISHED),
        (PUBLISHED, "<published>2021-12-01</published>"),
        (PUBLISHED, "<published>2021-12-01t17:00:00Z</published>"),
        (PUBLISHED, "<published>2021-11-31T17:00:00Z</published>"),
        (SUMMARY, 2 * SUMMARY),
        (SUMMARY, "<abstract/>"),
        (SUMMARY, '<guid xmlns="">b</guid>'),
        (SUMMARY, '<summary type="text/plain">.</summary>'),
        (SUMMARY, "<summary>It <rights/> is.</summary>"),
        (AUTHOR, ""),
        ("<name>Ann Author</name>", ""),
        ("<name>Ann Author</name>", "<name> </name>"),
        ("<uri>https://example.org/ann</uri>", "<uri>/ann</uri>"),
        ("<email>ann@example.org</email>", "<email>Ann</email>"),
        ("<icon>https://example.org/icon.png</icon>", "<icon>icon.png</icon>"),
        ('term="suicide"', ""),
        ('scheme="tag:example.org,2013:blog/topics"', 'scheme="topics"'),
        ('<content type="html">', "<content>"),
        ('<content type="html">', '<content type="xhtml">'),
        ('<content type="html">', '<content type="html"><rights/>'),
        ('href="https://example.org/b/"', 'href="../b/"'),
        ('href="https://example.org/b/"', 'href="https:///b/"'),
        ('href="https://example.org/b/" type="text/html"', 'href="https://example.org/b/" type="html"'),
        (CURRENT, CURRENT + '<link rel="feed" href="https://example.org/c"/>'),
        (CURRENT, '<link rel="current"/>'),
        ('<a href="https://example.org/">What', '<a href="/">What'),
        ('xml:lang="en"', 'xml:lang="en_CA"'),
        ('xml:lang="en"', 'xml:lang="en" xml:base="https://example.org/"'),
        ("<fh:archive/>", "<fh:archive/><fh:complete/>"),
        ("http://purl.org/syndication/history/1.0", "http://purl.org/syndication/history/1.0/"),
        ("http://www.w3.org/2005/Atom", "http://www.w3.org/2005/atom"),
        (GONE, ""),
        (GONE, 'ref="gone"'),
        ('when="2021-12-03T17:00:00Z"', 'when="Friday"'),
        ("<dc:identifier>doi:10.1000/b</dc:identifier>", "<dc:identifier>a</dc:identifier>" * 2),
        ("<prism:doi>10.1000/b</prism:doi>", "<prism:doi>doi:10.1000/b</prism:doi>"),
        ('thumbnail url="https://example.org/b.png"', 'thumbnail url="b.png"'),
        ('medium="image" width="640"', 'medium="image" width="wide"'),
    ],
    "rss": [
        ('version="2.0"', 'version="0.91"'),
        ("<title>A blog</title>\n", ""),
        ("<link>https://example.org/</link>\n", 2 * "<link>https://example.org/</link>\n"),
        ("<link>https://example.org/b/</link>", "<link>/b/</link>"),
        ("<description>Two posts</description>", ""),
        ("<language>en</language>", "<language>English!</language>"),
        ("<title>Second</title>", "<title/>"),
        ("<title>Second</title>", "<title>Second</title><updated/>"),
        ("<ttl>60</ttl>", "<ttl>60</ttl><guid/>"),
        ("<ttl>60</ttl>", "<ttl>0</ttl>"),
        ("<ttl>60</ttl>", "<ttl>٦٠</ttl>"),
        ("<ttl>60</ttl>", 2 * "<ttl>60</ttl>"),
        ("<url>https://example.org/logo.png</url>", ""),
        (GUID, ""),
        (GUID, '<guid isPermaLink="false">b</guid>'),
        (GUID, GUID.replace(' isPermaLink="false"', "")),
        (PUB_DATE, 2 * PUB_DATE),
        *(
            (PUB_DATE, f"<pubDate>{date}</pubDate>")
            for date in (
                "Wed, 01 Dec 21 17:00:00 +0000",
                "Wed, 01 Dec 2021 17:00:00 GMT",
                "Wed, 01 Dec 2021 12:00:00 -0500",
                "2021-12-01T17:00:00Z",
            )
        ),
        ("<atom:updated>2021-12-02T17:00:00Z", "<atom:updated>Thu, 02 Dec 2021 17:00:00 +0000"),
        (DESCRIPTION, ""),
        ("<dc:creator>Ann Author</dc:creator>", "<author>Ann Author</author>"),
        ("<dc:creator>Ann Author</dc:creator>", "<dc:creator/>"),
        (">Suicide</category>", "> </category>"),
        ("http://purl.org/dc/elements/1.1/", "http://purl.org/dc/elements/1.1"),
    ],
    "json": [
        ("https://jsonfeed.org/version/1.1", "http://jsonfeed.org/version/1.1"),
        ('"title": "A blog",', ""),
        ('"title": "A blog"', '"title": 1'),
        ('"feed_url": "https://example.org/feed.json",', ""),
        (f"{JSON_ID},", ""),
        (JSON_ID, '"id": "b"'),
        (JSON_ID, '"id": "tag:example.org,2013:b\\n"'),
        ('"summary": "It is short."', '"abstract": "It is short."'),
        ('"_license"', '"_li.cense"'),
        ('{"rights": "All of them"}', '"All of them"'),
        ('"tags": ["Suicide"]', '"tags": "Suicide"'),
        ('"tags": ["Suicide"]', '"tags": ["Suicide", 1]'),
        ('"tags": ["Suicide"]', '"tags": [" "]'),
        ('[{"name": "Ann Author"}]', '["Ann Author"]'),
        ('[{"name": "Ann Author"}]', '[{"name": ""}]'),
        ('"url": "https://example.org/b/"', '"url": "/b/"'),
        ('"content_html": "<p>It is short.</p>",', ""),
        ('"date_published": "2021-12-01T17:00:00Z"', '"date_published": "2021-12-01"'),
        ('"date_published": "2021-12-01T17:00:00Z"', '"date_published": "2021-12-01T17:00:00.5Z"'),
        ('"type": "WebSub", ', ""),
        ('"language": "en"', '"language": "en_CA"'),
        ('"type": "article-journal"', '"type": "paper"'),
        ('"DOI"', '"doi"'),
    ],
    "opml": [
        ('version="2.0"', 'version="1.0"'),
        ("<title>Feeds</title>", ""),
        ("<body>", "<body/><body>"),
        ('text="Topics"', ""),
        ('text="Topics"', 'text=" "'),
        (SUICIDE, 'xmlUrl="/feed.atom"'),
        (SUICIDE, ""),
        ('type="rss" text="Suicide"', 'text="Suicide"'),
        ('htmlUrl="https://example.org/"', 'htmlUrl="/"'),
    ],
    "csl.json": [
        ('"id": "b-1", ', ""),
        ('"id": "b-1"', '"id": "B 1"'),
        ('"article-journal"', '"paper"'),
        ('"family": "Ek", ', ""),
        ("[[2020]]", '[["2020"]]'),
        ('"10.1000/b"', '"doi:10.1000/b"'),
        ('"title"', '"name"'),
        ("[\n{", '["b", {'),
    ],
}
# What a rule refuses.
AGAINST_A_RULE = [
    ("ids_are_unique", "atom", ID, ID.replace("/b<", "/a<")),
    ("ids_are_unique", "atom", GONE, 'ref="tag:example.org,2013:blog/post/b"'),
    ("ids_are_unique", "rss", GUID, GUID.replace("/b<", "/a<")),
    ("ids_are_unique", "json", JSON_ID, '"id": "tag:example.org,2013:blog/post/a"'),
    ("ids_are_unique", "json", JSON_ID, '"id": "tag:example.org,2013:blog/post/gone"'),
    ("dates_exist", "rss", PUB_DATE, "<pubDate>Thu, 01 Dec 2021 17:00:00 +0000</pubDate>"),
    ("dates_exist", "rss", PUB_DATE, "<pubDate>Wed, 31 Nov 2021 17:00:00 +0000</pubDate>"),
    ("dates_exist", "json", '"date_published": "2021-12-01T17', '"date_published": "2021-11-31T17'),
    ("dates_are_in_order", "atom", PUBLISHED, PUBLISHED.replace("12-01", "12-03")),
    ("dates_are_in_order", "atom", UPDATED, UPDATED.replace("12-02", "12-04")),
    ("dates_are_in_order", "atom", 'when="2021-12-03', 'when="2021-12-04'),
    ("dates_are_in_order", "rss", PUB_DATE, PUB_DATE.replace("Wed, 01", "Fri, 03")),
    ("dates_are_in_order", "rss", "Fri, 03 Dec 2021 17", "Fri, 03 Dec 2021 16"),
    ("dates_are_in_order", "json", '"date_published": "2021-12-01', '"date_published": "2021-12-03'),
    ("dates_are_in_order", "json", '"updated": "2021-12-03', '"updated": "2021-12-01'),
    ("self_link_is_the_address", "atom", SELF, ""),
    ("self_link_is_the_address", "atom", SELF, 2 * SELF),
    ("self_link_is_the_address", "atom", ' type="application/atom+xml"', ""),
    ("self_link_is_the_address", "atom", "https://example.org/2021.atom", "https://example.org/2020.atom"),
    ("self_link_is_the_address", "rss", "https://example.org/feed.rss", "http://example.org/feed.rss"),
    ("self_link_is_the_address", "json", "https://example.org/feed.json", "https://example.org/"),
    ("archive_links_agree", "atom", CURRENT, ""),
    ("archive_links_agree", "atom", CURRENT, 2 * CURRENT),
    ("archive_links_agree", "atom", "<fh:archive/>", "<fh:complete/>"),
    (
        *("archive_links_agree", "rss", "<fh:complete/>"),
        '<fh:complete/><atom:link rel="prev-archive" href="https://example.org/2020.rss"/>',
    ),
    (
        *("archive_links_agree", "json"),
        *("https://example.org/archive/2020.json", "https://example.org/feed.json"),
    ),
    ("alternate_link_is_the_first", "atom", ALTERNATE, 2 * ALTERNATE),
    (
        *("alternate_link_is_the_first", "atom", ALTERNATE),
        f'<link rel="related" href="https://example.org/c"/>{ALTERNATE}',
    ),
    ("source_is_single", "atom", "<dc:source>", "<dc:source>A</dc:source><dc:source>"),
    (
        *("categories_have_no_domain", "rss", "<category>"),
        '<category domain="tag:example.org,2013:blog/topics">',
    ),
    ("descriptions_are_plain", "rss", "short, and", "&lt;b&gt;short, and"),
    ("text_is_clean", "atom", "Two posts", "Two\x85posts"),
    ("text_is_clean", "atom", "Two posts", "Two &#xFDD0; posts"),
    ("text_is_clean", "json", "All of them", "All\\u0007"),
    ("text_is_clean", "json", '"Second"', '"\\ud83d"'),
    ("text_is_clean", "opml", 'text="Suicide"', 'text="Sui&#x9f;cide"'),
    ("feeds_are_listed_once", "opml", SUICIDE, 'xmlUrl="https://example.org/feed.atom"'),
    ("html_is_inert", "atom", 'href="https://example.org/"&gt;', 'href="/b/"&gt;'),
    ("html_is_inert", "rss", "&lt;p&gt;", "&lt;p onclick='a()'&gt;"),
    ("html_is_inert", "json", "<p>It is short.</p>", "<p><b>It is short.</p>"),
]


def sound(form: str) -> str:
    return (Path(__file__).parent / f"documents/sound.{form}").read_text("utf-8")


def rules_broken(form: str, good: str, bad: str) -> set[str]:
    """The rules that the sound document breaks once *bad* is in the place of *good*."""
    assert sound(form).count(good) == 1
    body = sound(form).replace(good, bad).encode()
    return {rule for rule, _ in faults(body, form, ADDRESSES.get(form, ""))}


@pytest.mark.parametrize("form", FORMS)
def test_a_sound_document_has_no_faults(form):
    assert faults(sound(form).encode(), form, ADDRESSES.get(form, "")) == []


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [(form, *change) for form, changes in AGAINST_THE_GRAMMAR.items() for change in changes],
)
def test_the_grammar_refuses_a_document_after_this_change(form, good, bad):
    assert rules_broken(form, good, bad) == {"grammar"}


@pytest.mark.parametrize(("rule", "form", "good", "bad"), AGAINST_A_RULE)
def test_a_document_breaks_this_rule_and_no_other(rule, form, good, bad):
    assert rules_broken(form, good, bad) == {rule}


def test_every_grammar_and_every_rule_is_tried():
    assert set(AGAINST_THE_GRAMMAR) == set(FORMS)
    assert {row[0] for row in AGAINST_A_RULE} == {rule.__name__ for rule in RULES}


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ("atom", b""),
        ("atom", b"<feed><a></feed>"),
        ("atom", b"<feed>&nbsp;</feed>"),
        ("atom", b"<feed><dc:a/></feed>"),
        ("atom", b"<feed>\x0b</feed>"),
        ("atom", b"<feed>\xe9</feed>"),
        ("rss", b"<?xml version='1.0' encoding='latin-1'?><rss/>"),
        ("rss", b"<!DOCTYPE rss><rss/>"),
        ("rss", b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>'),
        ("json", b'{"a": 1,\n "b" 2}'),
        ("json", b'{"a": "\xe9"}'),
        ("json", b"\xef\xbb\xbf{}"),
        ("json", b'{"a": 1, "a": 2}'),
        ("json", b'{"a": NaN}'),
        ("json", b"[" * 100_000),
    ],
)
def test_a_document_that_cannot_be_read_says_so_and_no_more(form, body):
    assert [rule for rule, _ in faults(body, form)] == ["well_formed"]


@given(st.binary(), st.sampled_from(FORMS))
@example(b"<rss/>", "rss")
@example(b"<a>" * 5_000 + b"</a>" * 5_000, "atom")
@example(b"[]", "json")
def test_a_judge_refuses_any_other_bytes_and_raises_nothing(body, form):
    assert faults(body, form) or body.strip() == b"[]"


@pytest.mark.parametrize(
    "html",
    [
        *("<script>alert(1)</script>", "<style>p{}</style>", "<img src='https://a.b/' onerror='a()'>"),
        *("<p style='top:0'></p>", "<img src='a.png'>", "<a href='#note-1'>1</a>", "<a href='//a.b/'>1</a>"),
        *("<a href=' JavaScript:a()'>1</a>", "<img src='data:image/png,a'>", "<img srcset='b.png 2x'>"),
        *("<p><b>bold</p>", "bold</b>", "<!DOCTYPE html>", "<![CDATA[text]]>", "<div>", "<iframe></iframe>"),
    ],
)
def test_html_that_is_active_relative_or_badly_nested_is_refused(html):
    assert html_faults(html)


@pytest.mark.parametrize(
    "html",
    [
        "just text, 1 &lt; 2 &amp; 3 &gt; 2",
        '<p>A <a href="https://example.org/b#c">link</a>,<br>a <a href="mailto:a@b.org">mail</a>.</p>',
        '<figure><img src="https://example.org/a.png" alt="" srcset="https://example.org/b.png 2x"></figure>',
    ],
)
def test_sound_html_is_left_alone(html):
    assert html_faults(html) == ()


@pytest.mark.parametrize("form", ["atom", "rss"])
def test_feedparser_reads_a_sound_document(form):
    parsed = judge_feedparser(sound(form).encode())
    assert [(entry.id.rpartition("/")[2], entry.title) for entry in parsed.entries] == [
        ("b", "Second"),
        ("a", "First &amp; best" if form == "rss" else "First & best"),
    ]


@pytest.mark.parametrize(
    ("good", "bad"),
    [("</feed>", ""), ("Second", "&nbsp;"), ("2005/Atom", "2005/atom-or-so"), ("<fh:archive/>", "<x:a/>")],
)
def test_feedparser_refuses_an_unsound_document(good, bad):
    with pytest.raises(AssertionError):
        judge_feedparser(sound("atom").replace(good, bad, 1).encode())
