"""HTML and plain text as Markdown that means the same.

Editors continue with the result, so it is as clean as typed text: no tags where Markdown will do, and a
backslash only where a reader would otherwise see something else. Each block is rendered again and compared
with its source. Where no Markdown means the same, the block stays as HTML.

A line above a text is a reference only when it can be read as one; anything else belongs to the text.
The only module that knows markdownify.
"""

import re
from collections import Counter
from collections.abc import Sequence
from html.parser import HTMLParser
from itertools import takewhile
from typing import Any

from markdownify import MarkdownConverter

from pprnet_feeds.content import markdown
from pprnet_feeds.content.model import Citation
from pprnet_feeds.importing.html import Block, elements
from pprnet_feeds.syndication.references import certain_authors, parse_reference

_TAGS = 10_000
_LIST = 2_000  # markdownify looks from each item of a list back to the first

_SIGN = re.compile(
    r"[\\`*\[]|_(?![A-Za-z0-9])|(?<![A-Za-z0-9])_|<(?=[A-Za-z/!?])|&(?=#?[A-Za-z0-9]+;)|~(?=.*~)|(?<=~)~"
)
# What begins a block at the beginning of a line (CommonMark §4, §5).
_OPENING = re.compile(r"(?:#{1,6}(?=\s|$)|[-+](?=\s|$)|>|=+\s*$|-{2,}\s*$|~{3})")
_NUMBER = re.compile(r"([0-9]{1,9})(?=[.)](?:\s|$))")
_BLANK = re.compile(r"[ \t\n\f\r]+")
_NO_ADDRESS = re.compile(r"[\s()<>]")
_EMPTY_LINES = re.compile(r"\n\s*\n")
_PRE = re.compile(r"<pre\b.*?</pre>", re.DOTALL)

# How words look within an element, under one name for what looks the same.
_SAME = "em i, strong b, del s strike, code kbd samp tt pre, td th"
_LOOKS = {name: {names.split()[0]} for names in _SAME.split(",") for name in names.split()}
_LOOKS |= {name: {name} for name in "u ins mark sub sup q abbr ul ol li dt dd".split()}
_LOOKS |= {name: {name} for name in "blockquote h1 h2 h3 h4 h5 h6".split()} | {"pre": {"code", "pre"}}
_ITEMS = frozenset({"li", "dt", "dd", "td", "th"})


def escape(text: str, *, begins: bool = True) -> str:
    """One line of plain text as Markdown that shows exactly that text.

    *begins* says whether it may be at the beginning of a line.
    """
    text = _SIGN.sub(r"\\\g<0>", _BLANK.sub(" ", text).strip(" "))
    if begins and _OPENING.match(text):
        return "\\" + text
    return _NUMBER.sub(r"\1\\", text, count=1) if begins and _NUMBER.match(text) else text


def to_markdown(block: Block, losses: Counter[str]) -> str:
    """A block as Markdown, without anything active in it; as HTML where no Markdown shows the same.

    One of which only the words stay is counted among the *losses*.
    """
    element = block.element
    if is_practice(block) and block.level != 2:
        return "## Practice Implications"
    if element is None:
        return escape(block.text)
    if element.name == "section":
        return "\n\n".join(_footnote(each, losses) for each in element.find_all("div", recursive=False))
    if "class" in element.attrs or len(elements(element)) > _TAGS or len(elements(element, "li")) > _LIST:
        losses["parts with too much markup kept only their words"] += 1
        return "\n\n".join(filter(None, map(escape, markdown.plain_text(str(element)).splitlines())))
    _clean(element)
    try:
        text = _CONVERTER.process_tag(element).strip()
    except (ValueError, RecursionError):  # such as a list that begins at number ²
        text = ""
    text = "\n".join(line if line.strip() else "" for line in text.split("\n"))
    html, shown = str(element), markdown.to_html(text) or ""
    # Within HTML no mark of a footnote is read. Most blocks are rendered to the very same HTML.
    if "[^" in text or shown.strip() == html.replace("\n", " ") or _Looks(shown).seen == _Looks(html).seen:
        return text
    return _EMPTY_LINES.sub("\n", _PRE.sub(lambda pre: pre[0].replace("\n", "&#10;"), html))


def _clean(element: Any) -> None:
    """Leave in an element only what Markdown leaves as it is, and nothing active."""
    for each in [element, *elements(element)]:
        known = markdown.ATTRIBUTES.get(each.name, set()) | {"title", "lang", "dir", "class"}
        each.attrs = {name: value for name, value in each.attrs.items() if name in known}
        for name in {"href", "src"} & each.attrs.keys():
            each[name] = safe_address(each[name])
        if each.name not in markdown.ELEMENTS or (each.name == "a" and not each.get("href")):
            each.unwrap()
        elif each.name == "img" and not each.get("src"):
            each.decompose()


class _Looks(HTMLParser):
    """What a reader sees of HTML: in `seen`, its words and pictures in order, and how they look.

    The same for the same look: white space at the edges of elements and empty elements are not seen.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self._runs: list[tuple[frozenset[str], list[str]]] = []
        self._open: list[tuple[str, frozenset[str]]] = [("", frozenset())]
        self._gap = self._waiting = ""  # what shows only together with the next word
        self.feed(html)
        self.close()
        self.seen = [(look, "".join(words)) for look, words in self._runs]

    def _show(self, words: str) -> None:
        look = self._open[-1][1]
        if not self._runs or self._runs[-1][0] != look:
            self._gap = self._gap if self._runs else ""
            self._runs.append((look, []))
        self._runs[-1][1].append((self._waiting or self._gap) + words)
        self._gap = self._waiting = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in markdown.BLOCK:
            self._waiting, self._gap = self._waiting.replace("\n", ""), " "
        self._waiting += "\n" if tag == "br" else "\0" if tag in _ITEMS else ""
        if tag == "hr":
            self._show("---")
        elif tag == "img":
            self._show(f"![{' '.join((given.get('alt') or '').split())}]({given.get('src')})")
        elif tag not in markdown.VOID:
            shown = given.get("href") or (given.get("title") if tag == "abbr" else "") or ""
            self._open.append((tag, self._open[-1][1] | _LOOKS.get(tag, set()) | {shown} - {""}))

    def handle_endtag(self, tag: str) -> None:
        if tag in markdown.BLOCK:
            self._waiting, self._gap = "" if tag in _ITEMS else self._waiting.replace("\n", ""), " "
        place = max((at for at, each in enumerate(self._open) if each[0] == tag), default=len(self._open))
        del self._open[place:]

    def handle_data(self, data: str) -> None:
        for place, line in enumerate(data.split("\n") if "pre" in self._open[-1][1] else [data]):
            self._waiting += "\n" if place and self._runs and "code" in self._runs[-1][0] else ""
            self._gap = " " if self._gap or _BLANK.match(line) else ""
            if words := " ".join(filter(None, _BLANK.split(line))):
                self._show(words)
                self._gap = " " if line[-1] in " \t\n\f\r" else ""


def safe_address(address: str | None) -> str:
    """An address as it may be in Markdown; empty when it leads to code."""
    address = markdown.bare(address or "")
    if address and markdown.scheme(address) not in markdown.SCHEMES | {""}:
        return ""
    return _NO_ADDRESS.sub(lambda sign: f"%{ord(sign[0]):02X}", address)


_Library: Any = MarkdownConverter  # its types leave out what is there to be overridden


class _Converter(_Library):  # type: ignore[misc]
    """Markdown with our own escapes, and with marks of footnotes."""

    _begins = True

    def convert_ins(self, el: Any, text: str, parent_tags: set[str]) -> str:
        """An element that Markdown cannot express stays as it is."""
        words = text.strip() if "_noformat" not in parent_tags else ""
        return text.replace(words, f"<{el.name}>{words}</{el.name}>") if words else text

    convert_del = convert_s = convert_mark = convert_u = convert_sub = convert_ins

    def process_text(self, el: Any, parent_tags: set[str] | None = None) -> str:
        before = el.previous_sibling
        self._begins = before is None or before.name == "br" or before.name in markdown.BLOCK
        text = str(super().process_text(el, parent_tags))
        return text.lstrip(" ") if before is not None and before.name == "br" else text

    def escape(self, text: str, parent_tags: set[str]) -> str:
        if not text.strip():
            return text
        before, after = text[: -len(text.lstrip())], text[len(text.rstrip()) :]
        escaped = escape(text.strip(), begins=self._begins)
        if "td" in parent_tags or "th" in parent_tags:
            escaped = escaped.replace("|", "\\|")
        if "a" in parent_tags:
            escaped = escaped.replace("]", "\\]")
        return f"{before}{escaped}{after}"

    def convert_img(self, el: Any, text: str, parent_tags: set[str]) -> str:
        alt = escape(el.get("alt", ""), begins=False).replace("]", "\\]")
        return f"![{alt}]({el['src']})"

    def convert_sup(self, el: Any, text: str, parent_tags: set[str]) -> str:
        return f"[^{el.get_text()}]" if el.get("class") else self.convert_ins(el, text, parent_tags)


# With no width, line ends within a paragraph become spaces, and nothing is cut.
_CONVERTER = _Converter(heading_style="atx", bullets="-", wrap=True, wrap_width=None)


def _footnote(note: Any, losses: Counter[str]) -> str:
    name, text = note["id"], to_markdown(Block(0, "", note), losses)
    return f"[^{name}]: {text}".replace("\n", "\n    ").replace("\n    \n", "\n\n")


_LONGEST_REFERENCE = 1_000
_LONGEST_TEXT = 1_000_000


def is_reference(block: Block) -> bool:
    """Whether a block is a printed reference: authors, a year in brackets, a work."""
    fits = len(block.text) <= _LONGEST_REFERENCE and "\n" not in block.text and not block.level
    return fits and certain_authors(block.text) != ()


def is_practice(block: Block) -> bool:
    """Whether a block is the heading of the practice implications."""
    words = block.text[:40].casefold().rstrip(" :").split()
    return len(block.text) < 40 and words == ["practice", "implications"]


def compose(blocks: Sequence[Block], losses: Counter[str]) -> tuple[tuple[Citation, ...], str]:
    """The references above a text, and the text as Markdown without them, whose *losses* are counted."""
    above = list(takewhile(is_reference, blocks))
    rest = blocks[len(above) :]
    if sum(len(block.text) for block in rest) > _LONGEST_TEXT:  # the post will be refused for its length
        rest = [Block(block.line, block.text) for block in rest]
    text = "\n\n".join(filter(None, (to_markdown(block, losses) for block in rest)))
    cites = tuple(parse_reference(" ".join(block.text.split())) for block in above)
    return cites, f"{text}\n" if text else ""
