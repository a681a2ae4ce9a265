from __future__ import annotations

import time
from html.parser import HTMLParser
from urllib.parse import urlsplit

import lxml.html
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprnet_feeds.content import body_checks, markdown
from pprnet_feeds.content.text import clean

BASE = "https://blog.example/posts/burnout/"

# A footnote mark carries its class on the sup; nothing else has one.
ATTRIBUTES = {
    name: markdown.ATTRIBUTES["*"] | markdown.ATTRIBUTES.get(name, frozenset()) for name in markdown.ELEMENTS
}
ATTRIBUTES |= {name: ATTRIBUTES[name] | {"class"} for name in markdown.CLASSES}


def render(source: str) -> str:
    return markdown.render(source, base=BASE, prefix="burnout-")


class Judge(HTMLParser):
    """Collects what Python's own parser finds in a page that should not be there."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.faults += faults(tag, dict(attrs))

    def handle_comment(self, data: str) -> None:
        self.faults.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def faults(tag: str, attributes: dict[str, str | None]) -> list[str]:
    found = [] if tag in markdown.ELEMENTS else [tag]
    found += [name for name in attributes if name not in ATTRIBUTES.get(tag, ())]
    for name in ("href", "src"):
        if name in attributes:
            address = urlsplit(attributes[name] or "")
            if not (
                address.scheme in {"mailto", "tel"}
                or (address.scheme in {"http", "https"} and address.netloc)
            ):
                found.append(attributes[name] or "an empty address")
    return found


def judged(html: str) -> list[str]:
    found = Judge(html).faults
    for element in lxml.html.fragment_fromstring(html, create_parent="div").iterdescendants():
        found += faults(str(element.tag), {str(key): str(value) for key, value in element.attrib.items()})
    return found


# What a post is written in


def test_a_post_with_a_table_and_emphasis_is_commonmark():
    assert render("A *b* **c** `d`\n\n| e | f |\n|:--|--:|\n| 1 | 2 |") == (
        "<p>A <em>b</em> <strong>c</strong> <code>d</code></p>\n<table>\n<thead>\n<tr>\n"
        '<th align="left">e</th>\n<th align="right">f</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n'
        '<td align="left">1</td>\n<td align="right">2</td>\n</tr>\n</tbody>\n</table>\n'
    )


def test_what_is_struck_through_is_shown_so():
    assert render("Of ~~41~~ 42 trials, ~20 % and ~30 %.") == (
        "<p>Of <del>41</del> 42 trials, ~20 % and ~30 %.</p>\n"
    )


def test_footnotes_lead_to_their_notes_and_back_under_the_prefix_of_the_post():
    assert render("A[^1].\n\n[^1]: Note.") == (
        '<p>A<sup class="footnote-ref"><a href="https://blog.example/posts/burnout/#burnout-fn-1" '
        'id="burnout-fnref-1">1</a></sup>.</p>\n<section class="footnotes">\n<ol>\n<li id="burnout-fn-1">\n'
        '<p>Note. <a href="https://blog.example/posts/burnout/#burnout-fnref-1" class="footnote-backref" '
        'aria-label="Back to reference 1">↩</a></p>\n</li>\n</ol>\n</section>\n'
    )


def test_an_id_that_has_the_prefix_already_is_still_met_by_its_link():
    assert render('<a href="#burnout-x">a</a> <b id="burnout-x">b</b>') == (
        '<p><a href="https://blog.example/posts/burnout/#burnout-x">a</a> <b id="burnout-x">b</b></p>\n'
    )


@pytest.mark.parametrize(
    ("typed", "served"),
    [
        ("", "https://blog.example/posts/burnout/"),
        ("#", "https://blog.example/posts/burnout/#"),
        ("#a", "https://blog.example/posts/burnout/#burnout-a"),
        ("?q=1", "https://blog.example/posts/burnout/?q=1"),
        ("a.png", "https://blog.example/posts/burnout/a.png"),
        ("../x", "https://blog.example/posts/x"),
        ("/x", "https://blog.example/x"),
        ("//other.example/x", "https://other.example/x"),
        ("http://a.example/x", "http://a.example/x"),
        ("http:a.example/x", "http://a.example/x"),
        ("https:///a.example/x", "https://a.example/x"),
        ("HTTPS://a.example/x", "https://a.example/x"),
        ("mailto:a@b.example", "mailto:a@b.example"),
        ("tel:+16135550100", "tel:+16135550100"),
    ],
)
def test_every_address_is_absolute(typed, served):
    assert render(f"[a]({typed})") == f'<p><a href="{served}">a</a></p>\n'


@pytest.mark.parametrize(
    ("typed", "served"),
    [
        (
            "See https://a.example/x_y?b=c.",
            'See <a href="https://a.example/x_y?b=c">https://a.example/x_y?b=c</a>.',
        ),
        ("(www.a.example/b)", '(<a href="http://www.a.example/b">www.a.example/b</a>)'),
        ("ada@a.example!", '<a href="mailto:ada@a.example">ada@a.example</a>!'),
        ("`https://a.example`", "<code>https://a.example</code>"),
        ("[https://a.example](/b)", '<a href="https://blog.example/b">https://a.example</a>'),
        ('<a href="/b">https://a.example</a>', '<a href="https://blog.example/b">https://a.example</a>'),
        ("a.example and a@b", "a.example and a@b"),
    ],
)
def test_bare_addresses_are_links(typed, served):
    assert render(typed) == f"<p>{served}</p>\n"


def test_bare_addresses_take_no_quadratic_time():
    assert len(render(f"https://a.example/{')' * 200_000}")) == 200_026


def test_an_image_keeps_its_alternative_text_and_loses_its_other_sources():
    assert render('<img src="a.png" alt="A &amp; b" srcset="b.png 2x" loading="lazy">') == (
        '<img src="https://blog.example/posts/burnout/a.png" alt="A &amp; b">\n'
    )


# Bad inputs


@pytest.mark.parametrize(
    ("source", "served"),
    [
        pytest.param("a <script>alert(1)</script> b", "<p>a  b</p>", id="script"),
        pytest.param("<script>alert(1)</script>", "", id="script block"),
        pytest.param("<scr<script></script>ipt>alert(1)", "<p>&lt;script&gt;alert(1)</p>", id="split script"),
        pytest.param('<img src="/x" onerror="a()">', '<img src="https://blog.example/x">', id="onerror"),
        pytest.param(
            '<p>\n<img/src="/x"/onerror="a()">',
            '<p>\n<img src="https://blog.example/x">\n</p>',
            id="onerror, slashes",
        ),
        pytest.param("<svg onload=a()><script>b</script></svg>", "<p></p>", id="svg"),
        pytest.param('<math href="javascript:a()">x</math>', "<p>x</p>", id="math"),
        pytest.param("<iframe src='/x' srcdoc='<script>a()</script>'></iframe>", "", id="iframe and srcdoc"),
        pytest.param("<object data='/x'><embed src='/y'></object>", "<p></p>", id="object"),
        pytest.param(
            "<form action='/x'><button formaction='javascript:a()'>b</button></form>", "b", id="form"
        ),
        pytest.param("<base href='https://evil.example/'>", "", id="base"),
        pytest.param("<meta http-equiv=refresh content='0;url=/x'>", "", id="meta refresh"),
        pytest.param("<style>b{}</style>", "", id="style"),
        pytest.param('<b style="color:red">a</b>', "<p><b>a</b></p>", id="style attribute"),
        pytest.param("[a](javascript:b)", "<p><a>a</a></p>", id="javascript link"),
        pytest.param("[a](vbscript:b)", "<p><a>a</a></p>", id="vbscript link"),
        pytest.param("[a](data:text/html,b)", "<p><a>a</a></p>", id="data link"),
        pytest.param("![a](data:image/svg+xml,b)", "<p>a</p>", id="data image"),
        pytest.param("<javascript:b>", "<p><a>javascript:b</a></p>", id="autolink"),
        pytest.param("[a]\n\n[a]: javascript:b", "<p><a>a</a></p>", id="reference link"),
        pytest.param("[a](&#74;avaScript&colon;b)", "<p><a>a</a></p>", id="entities"),
        pytest.param('<a href="java&#10;script:b">a</a>', "<p><a>a</a></p>", id="entities in an attribute"),
        pytest.param(
            "<math><mtext><table><mglyph><style><!--</style>"
            '<img title="--&gt;&lt;img src=1 onerror=a()&gt;">',
            "<p></p><p></p><table>\n</table>",
            id="mutation",
        ),
        pytest.param("<!--><script>a()</script>-->", "--&gt;", id="comment"),
        pytest.param("a <![CDATA[><script>b()</script>]]>", "<p>a &lt;![CDATA[&gt;]]&gt;</p>", id="cdata"),
    ],
)
def test_nothing_active_is_served(source, served):
    assert render(source).strip() == served


@pytest.mark.parametrize(
    ("source", "served"),
    [
        ("a ]]> b", "<p>a ]]&gt; b</p>"),
        ("I <3 you </3", "<p>I &lt;3 you &lt;/3</p>"),
        ("p < .05 & q > 1", "<p>p &lt; .05 &amp; q &gt; 1</p>"),
        ("a <!DOCTYPE html> b", "<p>a &lt;!DOCTYPE html&gt; b</p>"),
        ('a <!ENTITY x "y"> &x; b', '<p>a &lt;!ENTITY x "y"&gt; &amp;x; b</p>'),
        ("a <?php b ?> c", "<p>a &lt;?php b ?&gt; c</p>"),
        ("{{ a }} {% b %} ${c} <%= d %>", "<p>{{ a }} {% b %} ${c} &lt;%= d %&gt;</p>"),
        ("<div class='a>\nb", "&lt;div class='a&gt;\nb"),
        ("a 👩‍⚕️ \u200fא\u200f b", "<p>a 👩‍⚕️ \u200fא\u200f b</p>"),
    ],
)
def test_what_only_looks_like_markup_stays_text(source, served):
    assert render(source).strip() == served


def test_control_characters_are_gone_even_when_they_were_written_as_entities():
    assert render("a&#1;b&#x85;c&#xFFFE;d&#xFFFF;e\x02f\x85g&#0;h") == "<p>abcdefg\ufffdh</p>\n"


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("[" * 100_000, id="100,000 ["),
        pytest.param("![](" * 50_000, id="50,000 ![]("),
        pytest.param(">" * 20_000 + "a", id="deep quotes"),
        pytest.param("- " * 20_000 + "a", id="deep lists"),
        pytest.param("> - " * 20_000 + "a", id="quotes in lists"),
        pytest.param("*a **b " * 20_000 + " c** d*" * 20_000, id="deep emphasis"),
        pytest.param("[^a]" * 20_000 + "\n\n[^a]: b", id="20,000 footnote references"),
        pytest.param("[a] " * 20_000 + "\n\n[a]: /b", id="20,000 link references"),
        pytest.param("|a" * 1000 + "|\n" + "|-" * 1000 + "|\n" + "|b\n" * 100_000, id="a thousand columns"),
        pytest.param("word " * 1_000_000, id="5 MB"),
        pytest.param("<div>" * 20_000, id="deep elements"),
        pytest.param(
            "<div>" + "".join(f"<b id={n}>" for n in range(99)) + "<p>a" * 20_000, id="crossed elements"
        ),
        pytest.param("<table>" + "a<br>" * 20_000, id="text in a table"),
        pytest.param("<div><a " + "".join(f"b{n}=c " for n in range(50_000)) + ">", id="many attributes"),
        pytest.param("<div>" + "<a b='>'" * 20_000, id="tags without an end"),
        pytest.param("<div>" + "<!--" * 20_000, id="comments without an end"),
    ],
)
def test_no_body_takes_long(source):
    before = time.process_time()
    html = render(source)
    body_checks.unsafe_html(source)
    markdown.sections(html)
    markdown.plain_text(html)
    # Well under a second on a quiet machine; tests share theirs.
    assert time.process_time() - before < 3
    assert len(html) < 6_000_000


def test_a_body_that_asks_for_far_too_much_markup_is_shown_as_it_was_typed():
    source = "|a" * 1000 + "|\n" + "|-" * 1000 + "|\n" + "|b\n" * 1000
    assert render(source) == f"<pre>{source}</pre>"


def test_a_body_that_nests_more_than_a_hundred_elements_is_shown_as_it_was_typed():
    assert render("> " * 99 + "a").count("<blockquote>") == markdown.DEPTH - 1
    assert render(">" * 150 + "a") == f"<pre>{'&gt;' * 150}a</pre>"


PIECES = st.sampled_from(
    "<script> </script> <scr ipt> <b <img </p> <p> <table> <td> <svg> <math> <style> <title> "
    "<a <!-- --> <![CDATA[ ]]> onclick= src= href= javascript: data: https: # // &#106; &Tab; &lt; "
    "\" ' = > < / ` ``` ~~~ [a]( ) [a]: [^a] [^a]: "
    "* ** _ - > | |-| {{ \\ a 👍 \u200f \x00 \x1b \x85 \ufffe".split(" ")
)


@given(st.one_of(st.text(), st.lists(st.one_of(PIECES, st.sampled_from([" ", "\n", "\n\n"]))).map("".join)))
def test_any_text_at_all_becomes_html_that_two_parsers_find_harmless(text):
    html = render(clean(text)[0])
    assert (judged(html), clean(html)) == ([], (html, None))
    assert render(clean(text)[0]) == html


# Reading it back


def test_plain_text_has_paragraphs_and_no_footnotes():
    html = render(
        "# A\n\nb[^1] *c*\nd &amp; &lt;e&gt;\n\n- f\n- g\n\n| h | i |\n|---|---|\n| j | k |\n\n[^1]: Note."
    )
    assert markdown.plain_text(html) == "A\n\nb c d & <e>\n\nf\n\ng\n\nh i\n\nj k"


def test_plain_text_of_nothing_is_nothing():
    assert markdown.plain_text("") == ""


@given(st.text())
def test_plain_text_of_any_text_has_no_space_around_its_lines(text):
    plain = markdown.plain_text(render(clean(text)[0]))
    assert plain == "\n".join(line.strip(" ") for line in plain.split("\n"))


@pytest.mark.parametrize(
    "heading",
    [
        "## Practice Implications",
        "## PRACTICE *implications* ##",
        "Practice   Implications\n---",
        "<h2 id='x'>Practice\nImplications</h2>",
        "## Practice Implications[^1]",
        "# Practice Implications",
        "Practice Implications",
        "**Practice Implications:**",
        "__practice implications__ :",
    ],
)
def test_the_implications_stand_under_their_heading(heading):
    html = render(f"A.\n\n{heading}\n\nB.\n\n### C\n\nD.\n\n# E\n\nF.\n\n[^1]: G.")
    assert markdown.sections(html)[1] == "<p>B.</p>\n<h3>C</h3>\n<p>D.</p>"


def test_the_implications_reach_to_the_footnotes_which_stay_with_the_account():
    html = render("A[^1].\n\n## Practice Implications\n\nB.\n\n[^1]: C.")
    account, implications = markdown.sections(html)
    assert implications == "<p>B.</p>"
    assert account == render("A[^1].\n\n[^1]: C.")


@pytest.mark.parametrize(
    "source",
    [
        "A.",
        "Practice Implications\nA.",
        "**Practice Implications:** A.",
        "Implications for Practice\n\nA.",
        "## Practice\n\nA.",
        "> ## Practice Implications\n>\n> A.",
        "- ## Practice Implications\n\n  A.",
        "## Practice Implications",
        "## Practice Implications\n\n## A",
    ],
)
def test_without_such_a_section_there_are_no_implications(source):
    assert markdown.sections(render(source))[1] == ""


def test_a_heading_in_a_quote_does_not_end_the_implications():
    html = render("## Practice Implications\n\n> ## A\n\nB.")
    assert markdown.sections(html)[1] == "<blockquote>\n<h2>A</h2>\n</blockquote>\n<p>B.</p>"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("a[^1] b[^2]\n\n[^1]: c\n\n[^2]: d\n", []),
        ("a[^1] b[^1]\n\n[^1]: c\n", []),
        ("a[^x]\n\n[^x]: b\n[^X]: c\n\n> [^x]: d\n", [(4, "X"), (6, "x")]),
        ("a[^ä b]\n\n[^ä b]: c\n\n[^ä b]: d\n", []),
        ("a[^ä&]\n\n[^ä&]: c\n\n[^ä&]: d\n", [(5, "ä&")]),
        ("a[^1]\n\n[^1]: b\n\n```\n[^1]: c\n```\n", []),
    ],
)
def test_a_footnote_with_the_name_of_an_earlier_one_is_told(source, told):
    assert body_checks.repeated_footnotes(source) == told


@given(
    st.lists(
        st.sampled_from(["[^a]", "[^a]: b", "[^A]: ", "> ", "- ", "\n", "\n\n", "    ", "|", "<li>", "é"])
    )
)
def test_a_repeated_footnote_is_told_at_a_line_that_names_it(pieces):
    lines = "".join(pieces).split("\n")
    for line, name in body_checks.repeated_footnotes("".join(pieces)):
        assert f"[^{name}]:" in lines[line - 1]
