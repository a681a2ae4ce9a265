from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pprnet_feeds.syndication.html_rules import html_findings


def told(html: str) -> list[str]:
    return [finding.what for finding in html_findings("here", html)]


@pytest.mark.parametrize(
    "html",
    [
        "",
        "just text, 1 < 2 & 3 > 2",
        '<p>A <a href="https://example.org/b#c">link</a>,<br><br/>a <a href="mailto:a@b.org">mail</a>.</p>',
        '<img src="https://example.org/a.png" alt="" srcset="https://example.org/b.png 2x">',
    ],
)
def test_sound_html_is_left_alone(html):
    assert told(html) == []


@pytest.mark.parametrize(
    ("html", "what"),
    [
        ("<script>alert(1)</script>", "`<script>` in the HTML"),
        ("<style>p{}</style>", "`<style>` in the HTML"),
        ("<img onerror='a()'>", "`onerror` of `<img>` in the HTML"),
        ("<p style='top:0'></p>", "`style` of `<p>` in the HTML"),
        ("<img src='a.png'>", "`src` of `<img>` in the HTML is relative: 'a.png'"),
        ("<a href='#note-1'>1</a>", "`href` of `<a>` in the HTML is relative: '#note-1'"),
        ("<a href='//example.org/'>1</a>", "`href` of `<a>` in the HTML is relative: '//example.org/'"),
        ("<a href=' JavaScript:a()'>1</a>", "`href` of `<a>` in the HTML is active: ' JavaScript:a()'"),
        ("<img src='data:image/png,a'>", "`src` of `<img>` in the HTML is active: 'data:image/png,a'"),
        ("<img srcset='b.png 2x'>", "`srcset` of `<img>` in the HTML is relative: 'b.png'"),
        ("<p><b>bold</b>", "`<p>` is never closed in the HTML"),
        ("bold</b>", "`</b>` closes nothing in the HTML"),
        ("<!DOCTYPE html>", "a declaration in the HTML"),
        ("<![CDATA[text]]>", "a marked section in the HTML"),
        ("<![text[text]]>", "a marked section in the HTML"),
    ],
)
def test_one_fault_is_told_once(html, what):
    assert told(html) == [what]


@settings(max_examples=100, deadline=None)
@given(st.text("<>/!?[]-&;#='\"abscriptfox \n\x00\ud800é", max_size=60))
def test_any_text_at_all_is_judged(html):
    assert isinstance(told(html), list)
