from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pprnet_feeds.content import body_checks, markdown
from pprnet_feeds.content.text import one_line
from pprnet_feeds.importing.html import Block, blocks_of_tree, parse
from pprnet_feeds.importing.to_markdown import escape, to_markdown

BASE = "https://example.org/posts/x/"


def blocks_of_html(html: str) -> list[Block]:
    return blocks_of_tree(parse(html), html)


def markdown_of(html: str) -> str:
    return "\n\n".join(to_markdown(block, Counter()) for block in blocks_of_html(html))


def shown(source: str) -> str:
    return markdown.plain_text(markdown.render(source, base=BASE, prefix="x-"))


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("Half of 64 (50%), p < .05; OR: 2.5 – 3.8", "Half of 64 (50%), p < .05; OR: 2.5 – 3.8"),
        ("a * b and A_B_C and _c_", r"a \* b and A_B_C and \_c\_"),
        ("[sic] `code` \\", r"\[sic] \`code\` \\"),
        ("<b> & &amp; <3", r"\<b> & \&amp; <3"),
        ("# no heading", r"\# no heading"),
        ("- no list", r"\- no list"),
        ("2021. It was a year", r"2021\. It was a year"),
        ("> no quotation", r"\> no quotation"),
    ],
)
def test_plain_text_gets_a_backslash_only_where_it_would_mean_something(text, source):
    assert escape(text) == source


words = st.text(st.sampled_from("ab1 \t*_`[]()<>&;#-+=>~|.!\\\"'/:é\u00a0x"), max_size=30)


@given(words)
@example("1. - a")
@example("a|b\n-|-")
def test_plain_text_is_shown_as_it_was(text):
    one = " ".join(one_line(text).replace("\u00a0", " ").split())
    assert " ".join(shown(escape(text)).replace("\u00a0", " ").split()) == one


@pytest.mark.parametrize(
    ("html", "source"),
    [
        ("<p>Plain &amp; simple</p>", "Plain & simple"),
        ("<p>a <em>b</em> <strong>c</strong>\n- d</p>", "a *b* **c** - d"),
        ('<a href="https://example.org/a_b">*here*</a>', r"[\*here\*](https://example.org/a_b)"),
        ('<a href="javascript:alert(1)">here</a>', "here"),
        ('<a href="/a (b)">here</a>', "[here](/a%20%28b%29)"),
        ('<img src="data:image/png;base64,AA" alt="x">', ""),
        ('<img src="/x.png" alt="a [b]">', r"![a \[b\]](/x.png)"),
        ("<ul><li>one<ul><li>two</li></ul></li></ul>", "- one\n  - two"),
        ("<ol start=²><li>one</li></ol>", '<ol start="²"><li>one</li></ol>'),
        ("H<sub>2</sub>O", "H<sub>2</sub>O"),
        ("<del>a</del> <mark>*c*</mark> <u>b <br></u>", "<del>a</del> <mark>\\*c\\*</mark> <u>b</u>"),
        ("<pre><code>a <ins>b</ins></code></pre>", "<pre><code>a <ins>b</ins></code></pre>"),
        ("<pre><code>a\n\n b</code></pre>", "```\na\n\n b\n```"),
        ("<script>alert(1)</script>after", "after"),
        (
            "<table><tr><th>a</th><th>b|c</th></tr><tr><td>1</td><td>2</td></tr></table>",
            "| a | b\\|c |\n| --- | --- |\n| 1 | 2 |",
        ),
    ],
)
def test_html_becomes_clean_markdown(html, source):
    assert markdown_of(html) == source


def test_html_that_is_too_deep_or_too_long_loses_its_form_and_not_its_words():
    deep = markdown_of("<div>" * 5_000 + "word" + "</div>" * 5_000)
    long = markdown_of("<ul>" + "<li>word</li>" * 30_000 + "</ul>")
    assert (deep, long.count("word")) == ("word", 30_000)


def test_a_page_becomes_blocks_with_the_lines_on_which_they_begin():
    html = """<nav>away</nav>
<h2>A
heading</h2>
<div>loose <b>text</b>

after an empty line<br><br>after two breaks
<p>a paragraph
<ul><li>one<li>two</ul>
</div><footer>away</footer>"""
    found = [(block.line, block.level, to_markdown(block, Counter())) for block in blocks_of_html(html)]
    assert found == [
        (2, 2, "## A heading"),
        (4, 0, "loose **text**"),
        (6, 0, "after an empty line"),
        (6, 0, "after two breaks"),
        (7, 0, "a paragraph"),
        (8, 0, "- one\n- two"),
    ]


markup_like = st.lists(
    st.sampled_from(
        "<p> </p> <ul> <li> </ul> <table> <tr> <td> <!-- --> <a\xa0href= <a href=x> <b> </b> <br> <h2> </h2>"
        " < > & &amp; <ol\tstart=9> <script> <nav> </nav> <section\fclass=footnotes> <sup> [ ] *"
        " _ ` # \n \n\n word 1.".split(" ")
    ),
    max_size=20,
).map("".join)


@given(st.one_of(st.text(), markup_like))
def test_any_text_at_all_is_taken_for_html(text):
    assert body_checks.unsafe_html(markdown_of(text)) == []
