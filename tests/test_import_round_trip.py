"""HTML that becomes Markdown and is rendered again has everything that readers saw in it."""

from __future__ import annotations

from collections import Counter
from urllib.parse import unquote

import pytest
from bs4 import BeautifulSoup
from hypothesis import assume, example, given
from hypothesis import strategies as st

from pprnet_feeds.content import markdown
from pprnet_feeds.importing.html import blocks_of_tree, parse
from pprnet_feeds.importing.normalise import normalise
from pprnet_feeds.importing.to_markdown import compose

INLINE = "em i strong b del s u ins mark code sub sup kbd abbr a".split()
SAME = {"i": "em", "b": "strong", "s": "del", "kbd": "code"}
MARKED = [
    "em",
    "strong",
    "del",
    "u",
    "ins",
    "mark",
    "code",
    "sub",
    "sup",
    "abbr",
    "blockquote",
    "h2",
    "h3",
    "dt",
    "dd",
]
MARKED += ["li", "td", "pre"]


def imported(html: str) -> tuple[str, dict[str, int]]:
    """The Markdown of HTML, and what was lost."""
    tree = parse(html)
    losses = normalise(tree)
    return compose(blocks_of_tree(tree), losses)[1], dict(+losses)


def rendered(html: str) -> str:
    return markdown.render(imported(html)[0], base="https://example.org/posts/x/", prefix="x-")


def words(text: str) -> str:
    return " ".join(text.split())


def seen(html: str) -> dict[str, list[object]]:
    """What a reader sees, as another program finds it: words by kind of element, links, pictures."""
    soup = BeautifulSoup(html, "html5lib")
    for each in soup.find_all(list(SAME)):
        each.name = SAME[each.name]
    for each in soup.find_all("th"):
        each.name = "td"
    notes = {each["id"] for each in soup.select("section.footnotes li")}
    for each in soup.select("a.footnote-backref"):
        each.decompose()
    marks = [each["href"].rpartition("#")[2] for each in soup.select("sup.footnote-ref a")]
    for each in soup.select("sup.footnote-ref"):
        each.decompose()
    for each in soup.find_all("br"):
        each.replace_with("\u21b5 ")
    for each in soup.find_all(
        ["p", "li", "td", "tr", "dt", "dd", "h2", "h3", "blockquote", "pre", "div", "section", "ul", "ol"]
    ):
        each.insert_before(" ")
        each.insert_after(" ")
    return {
        "text": [words(soup.get_text())],
        "links": [(words(each.get_text()), unquote(each["href"])) for each in soup.find_all("a", href=True)],
        "pictures": [(each.get("alt", ""), each.get("src")) for each in soup.find_all("img")],
        "rules": soup.find_all("hr"),
        "notes": [len(notes), [mark in notes for mark in marks]],
        **{
            name: [text for each in soup.find_all(name) if (text := words(each.get_text()))]
            for name in MARKED
        },
    }


text = st.text(st.sampled_from("abc é“”[]()*_`#|<>&~!\\-+.1:"), min_size=1, max_size=8).map(
    lambda each: each.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
)
address = st.sampled_from(["https://e.org/a_b*c", "https://e.org/?a=1&amp;b=(2)", "mailto:a@e.org"])


def element(name: str, inner: str) -> str:
    return f"<{name}>{inner}</{name}>" if inner.strip() else ""


@st.composite
def inline(draw: st.DrawFn, names: tuple[str, ...] = tuple(INLINE)) -> str:
    """Words with elements in each other; links hold no links, and code holds only words."""
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["", "", "img", "br", *names]))
        rest = tuple(each for each in names if each != kind and SAME.get(each, each) != SAME.get(kind, kind))
        if kind == "":
            parts.append(draw(text))
        elif kind == "br":
            parts.append("x<br>y")
        elif kind == "img":
            parts.append(
                f'<img src="https://e.org/{draw(st.sampled_from("ab"))}.png" alt="{draw(st.sampled_from(["", "a [b]", "c"]))}">'  # noqa: E501
            )
        elif kind in ("code", "kbd"):
            parts.append(element(kind, draw(text)))
        elif kind == "a":
            parts.append(f'<a href="{draw(address)}">{draw(inline(rest))}</a>')
        else:
            parts.append(f"<{kind}>{draw(inline(rest) if rest else text)}</{kind}>")
    return draw(st.sampled_from(["", " "])).join(parts)


@st.composite
def block(draw: st.DrawFn, depth: int = 2) -> str:
    kinds = ["p", "p", "h2", "pre", "table", "dl", "hr"] + ["ul", "ol", "blockquote"] * bool(depth)
    kind = draw(st.sampled_from(kinds))
    some = st.integers(1, 3)
    match kind:
        case "p" | "h2":
            return f"<{kind}>{draw(inline())}</{kind}>"
        case "pre":
            return f"<pre><code>{draw(text)}\n  {draw(text)}</code></pre>"
        case "hr":
            return "<hr>"
        case "dl":
            return f"<dl><dt>{draw(inline())}</dt><dd>{draw(inline())}</dd></dl>"
        case "blockquote":
            return f"<blockquote>{draw(block(depth=depth - 1))}</blockquote>"
        case "table":
            columns = draw(some)
            cell = inline() | inline().map(lambda each: f"<ul><li>{each}</li><li>z</li></ul>")
            rows = ["".join(f"<td>{draw(cell)}</td>" for _ in range(columns)) for _ in range(draw(some))]
            head = rows.pop(0).replace("td>", "th>") if draw(st.booleans()) and len(rows) > 1 else ""
            return f"<table>{f'<thead><tr>{head}</tr></thead>' * bool(head)}<tbody>{''.join(f'<tr>{row}</tr>' for row in rows)}</tbody></table>"  # noqa: E501
        case _:
            items = [draw(inline()) for _ in range(draw(some))]
            inner = draw(block(depth=depth - 1)) if draw(st.booleans()) else ""
            return f"<{kind}>{''.join(f'<li>{each}</li>' for each in items[:-1])}<li>{items[-1]}{inner}</li></{kind}>"  # noqa: E501


@given(st.lists(block(), min_size=1, max_size=3).map("\n".join))
@example('<p>See <a href="https://e.org/x.pdf">[PDF]</a> and <a href="https://e.org/1">[1]</a>.</p>')
@example("<p>a<em>b</em>c <em>“d”</em>e <b>f </b>g</p>")
@example("<p>~5 or ~~6~~ or ~7</p>")
@example("<table><tr><td colspan=2>a</td></tr><tr><td>b</td><td><pre>c\n d</pre></td></tr></table>")
def test_what_readers_saw_is_there_again(html):
    assume(len(html) < 1_500)  # more markup than a post needs is shown as it was typed
    assert seen(rendered(html)) == seen(html)


NOTE = "The <em>note</em>."
FOOTNOTES = {
    "kramdown": '<p>A<sup id="fnref:1"><a href="#fn:1" class="footnote">1</a></sup> b</p>'
    f'<div class="footnotes"><ol><li id="fn:1"><p>{NOTE} <a href="#fnref:1">↩</a></p></li></ol></div>',
    "pandoc": '<p>A<a href="#fn1" class="footnote-ref" id="fnref1"><sup>1</sup></a> b</p><section class="footnotes '  # noqa: E501
    f'footnotes-end"><hr><ol><li id="fn1"><p>{NOTE}<a href="#fnref1" class="footnote-back">↩︎</a></p></li></ol></section>',  # noqa: E501
    "wordpress": '<p>A<sup data-fn="u-1" class="fn"><a href="#u-1" id="u-1-link">1</a></sup> b</p>'
    f'<ol class="wp-block-footnotes"><li id="u-1">{NOTE} <a href="#u-1-link">↩︎</a></li></ol>',
    "word": '<p>A<a href="#_ftn1" name="_ftnref1"><sup>[1]</sup></a> b</p><hr><div><div id="ftn1">'
    f'<p><a href="#_ftnref1" name="_ftn1">[1]</a> {NOTE}</p></div></div>',
    "substack": '<p>A<a id="footnote-anchor-1" href="#footnote-1">1</a> b</p><div class="footnote">'
    f'<a id="footnote-1" href="#footnote-anchor-1">1</a><div><p>{NOTE}</p></div></div>',
    "github": '<p>A<sup><a href="#user-content-fn-1" id="user-content-fnref-1">1</a></sup> b</p><section class="footnotes">'  # noqa: E501
    f'<h2>Footnotes</h2><ol><li id="user-content-fn-1"><p>{NOTE} <a href="#user-content-fnref-1">↩</a></p></li></ol></section>',  # noqa: E501
}


@pytest.mark.parametrize("name", FOOTNOTES)
def test_footnotes_as_other_programs_write_them_are_footnotes(name):
    assert imported(FOOTNOTES[name])[0] == "A[^1] b\n\n[^1]: The *note*.\n"


def test_two_marks_in_one_place_lead_to_two_footnotes():
    html = '<p>A<sup><a href="#n1" id="m1">1</a>, <a href="#n2" id="m2">2</a></sup> b</p><ol><li id="n1">One.<a href="#m1">^</a></li><li id="n2"><img src="https://e.org/a.png"><a href="#m2">^</a></li></ol>'  # noqa: E501
    assert imported(html)[0] == "A[^1], [^2] b\n\n[^1]: One.\n\n[^2]: ![](https://e.org/a.png)\n"


def test_words_that_lead_to_a_footnote_stay():
    html = '<p><a href="#n" id="m">The later trials</a> differ.</p><p id="n">Two did. <a href="#m">up</a></p>'
    assert imported(html)[0] == "The later trials[^1] differ.\n\n[^1]: Two did.\n"


def test_a_place_that_only_has_a_name_becomes_no_link():
    tree = parse('<p><a name="top">Top</a> of <a href="b">it</a></p>')
    normalise(tree, "https://e.org/a/")
    assert compose(blocks_of_tree(tree), Counter())[1] == "Top of [it](https://e.org/a/b)\n"


def test_a_table_of_contents_is_no_list_of_footnotes():
    html = '<ul><li><a href="#one" id="to-one">One</a></li></ul><h2 id="one">One</h2><p>Text <a href="#to-one">up</a></p>'  # noqa: E501
    source, losses = imported(html)
    assert source == "- One\n\n## One\n\nText up\n"
    assert losses == {"links within the post became words": 2}


@pytest.mark.parametrize(
    ("html", "source", "losses"),
    [
        ('<iframe src="https://player.vimeo.com/video/1" title="A talk"></iframe>',
         "[A talk: player.vimeo.com](https://player.vimeo.com/video/1)\n", {"frames became links": 1}),
        ('<video controls><source src="https://e.org/a.mp4">No video.</video>',
         "[Video: e.org](https://e.org/a.mp4)\n", {"videos became links": 1}),
        ('<object data="https://e.org/a.swf"><embed src="https://e.org/a.swf"></object>',
         "[Object: e.org](https://e.org/a.swf)\n", {"objects became links": 1}),
        ('<p>a</p><form><input></form><svg><text>x</text></svg>', "a\n",
         {"forms were left out": 1, "drawings were left out": 1}),
        ('<img src="/placeholder.gif" data-src="https://e.org/a.png" alt="a">', "![a](https://e.org/a.png)\n", {}),  # noqa: E501
        ('<img srcset="https://e.org/a.png 1x, https://e.org/b.png 2x" alt="a">', "![a](https://e.org/a.png)\n", {}),  # noqa: E501
        ('<img src="data:image/gif;base64,A" alt="a"><noscript><img src="https://e.org/a.png" alt="a"></noscript>',  # noqa: E501
         "![a](https://e.org/a.png)\n", {}),
        ("<p>a</p><script>x()</script><footer>b</footer>", "a\n\nb\n", {"scripts were left out": 1}),
        ("<p>a</p><noscript>Please allow scripts.</noscript>", "a\n", {}),
    ],
)  # fmt: skip
def test_what_a_post_cannot_hold_leaves_a_link_in_its_place_or_is_counted(html, source, losses):
    assert imported(html) == (source, losses)
