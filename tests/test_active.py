from __future__ import annotations

import re

import nh3
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pprnet_feeds.content import markdown
from pprnet_feeds.content.body_checks import unsafe_html
from pprnet_feeds.content.markdown import scheme


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("a\n\n<script>b</script>", [(3, "a <script> element")]),
        ("a\nb <SCRIPT\nsrc=x></SCRIPT>", [(2, "a <script> element")]),
        ("<div>\n<scr<script>ipt>", [(2, "a <scr<script> element")]),
        ("a <scr<script>ipt>b</script>", [(1, "a <script> element")]),
        (
            "<b\n onclick='x'\n title='y'\n ONFOCUS=z>a</b>",
            [(2, "an onclick attribute"), (4, "an onfocus attribute")],
        ),
        ("<iframe srcdoc='x'></iframe>", [(1, "an <iframe> element"), (1, "a srcdoc attribute")]),
        (
            "<form><input formaction=x></form>",
            [(1, "a <form> element"), (1, "an <input> element"), (1, "a formaction attribute")],
        ),
        ("a\n\n<object data='DATA:x'>", [(3, "an <object> element"), (3, "a data: address")]),
        ("<b style='x'>a</b>", [(1, "a style attribute")]),
        ("a\n[b](javascript:c)\n![d](data:e)", [(2, "a javascript: link"), (3, "a data: image")]),
        ("a\n\n<vbscript:b>", [(3, "a vbscript: link")]),
        ("a\n\n[b]\n\n[b]: java&#115;cript:c", [(3, "a javascript: link")]),
        ('<a href="java\tscript&colon;b">a</a>', [(1, "a javascript: link")]),
        ("> a\n> <script>", [(2, "a <script> element")]),
        ("- a\n- <svg>\n  <math>", [(2, "a <svg> element"), (3, "a <math> element")]),
        (
            "| a |\n|---|\n| <b onclick=x> |\n| [b](data:c) |",
            [(3, "an onclick attribute"), (4, "a data: link")],
        ),
        ("a[^1]\n\n[^1]: <style>\n\nb <meta>", [(3, "a <style> element"), (5, "a <meta> element")]),
        ("`<script>`\n\n    <script>\n\n```\n<script>\n```\n\n<script>", [(9, "a <script> element")]),
        ("<!-- <script> -->\n\n<script></script>", [(3, "a <script> element")]),
        ("a \\<script>\n<script>", [(2, "a <script> element")]),
        ("é [b](/c) é\n<script>", [(2, "a <script> element")]),
        ("<!--><script>-->", [(1, "a <script> element")]),
    ],
)
def test_everything_active_is_told_with_its_line(source, told):
    assert unsafe_html(source) == told


@pytest.mark.parametrize(
    "source",
    [
        "",
        "Plain *text* with [a link](/b) and <https://c.example/> and <a@b.example>.",
        "`<script>` and ``<b onclick=x>`` and `[a](javascript:b)`",
        "```html\n<script>a()</script>\n```",
        "    <iframe srcdoc=x>",
        "\\<script> &lt;script&gt; I <3 you, p < .05",
        "<!-- <script>a()</script> -->",
        '<b title="<script> onclick=x">a</b>',
        '[a](/b "javascript:c")',
        '<p class="a" data-b="c"><br/></p>',
        "<!DOCTYPE html> <?php a ?> <![CDATA[ a ]]>",
        "[a](mailto:b@c.example) [d](tel:1) [e](#f) [g](?h=javascript:i) [j](./k:l)",
    ],
)
def test_what_is_harmless_is_no_false_alarm(source):
    assert unsafe_html(source) == []


def test_markup_beyond_all_bounds_is_told():
    assert unsafe_html("|" * 60_000 + "\n") == [(1, "far more markup than a post needs")]


@given(st.one_of(st.text(max_size=20), st.from_regex(r"\A\s?[a-z+.\t\x01:/&#;-]{0,6}(javascript|http|x1):?")))
@example("java\nscript:a")
@example("\x01javascript:a")
def test_an_address_is_removed_when_and_only_when_its_scheme_is_told(address):
    typed = re.sub(r"[&\"\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]", "", address)
    source = f'<div>\n<a href="{typed}">a</a>'.replace("\n\n", "")
    removed = "href=" not in markdown.render(source, base="https://b.example/", prefix="c-")
    if unsafe_html(source):
        assert removed
    elif removed:  # an address that cannot be read at all, such as http://[
        assert scheme(typed) in {"", "http", "https"}


PIECES = st.sampled_from(
    "<script> </script> <scr <script ipt> <b> <b <img </p> <p> <table> <td> <svg> </svg> "
    "<math> <style> </style> <title> <textarea> <iframe> <select> <template> <noscript> <!-- --> "
    "<![CDATA[ ]]> onclick=x style=y \" ' = > / ` ``` [a](javascript:b) [^a] [^a]: * - > | |-|".split(" ")
)

# A browser's own parser as the judge: what it finds when everything is let through.
SEEN: list[str] = []
ELEMENTS = {"script", "style", "svg", "math", "title", "textarea", "iframe", "select", "template", "noscript"}
LENIENT = nh3.Cleaner(
    tags=set(markdown.ELEMENTS) | ELEMENTS,
    clean_content_tags=set(),
    attributes={"*": {"onclick", "style"}},
    attribute_filter=lambda tag, name, value: SEEN.append(name),
    link_rel=None,
)


@given(st.lists(st.one_of(PIECES, st.sampled_from([" ", "\n", "\n\n"])), max_size=16).map("".join))
def test_nothing_that_a_browser_would_find_active_goes_in_silence(source):
    drawn = markdown.to_html(source, bare_links=True) or ""
    SEEN.clear()
    seen = LENIENT.clean(drawn)
    if SEEN or re.search(rf"<(?:{'|'.join(ELEMENTS)})\b", seen):
        assert unsafe_html(source)
