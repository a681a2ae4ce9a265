"""HTML and plain text as Markdown that means the same, by markdownify and beautifulsoup4.

Editors go on with the result, so it is as clean as typed text: no tags where Markdown has a sign, and a
backslash only where a reader would otherwise see something else.
"""

from __future__ import annotations

import html as entities
import re
from typing import Any

from bs4 import BeautifulSoup
from markdownify import MarkdownConverter

from pprnet_feeds.content import markdown
from pprnet_feeds.importing.html import BLOCK, VOID, Block, tokens

_DEPTH = 100
_TAGS = 10_000
_ITEMS = 2_000  # markdownify looks from each item of a list back to the first

_SIGN = re.compile(r"[\\`*\[]|_(?![A-Za-z0-9])|(?<![A-Za-z0-9])_|<(?=[A-Za-z/!?])|&(?=#?[A-Za-z0-9]+;)")
# What begins a block at the beginning of a line (CommonMark §4, §5).
_OPENING = re.compile(r"(?:#{1,6}(?=\s|$)|[-+](?=\s|$)|>|=+\s*$|-{2,}\s*$|~{3})")
_NUMBER = re.compile(r"([0-9]{1,9})(?=[.)](?:\s|$))")
_PLAIN = re.compile(r"\s*(?:<p>)?([^<]*)(?:</p>)?\s*", re.IGNORECASE)
_BLANK = re.compile(r"[ \t\n\f\r]+")
_NO_ADDRESS = re.compile(r"[\s()<>]")
# Elements that end where the next one begins, so many of them are not deep.
_ENDED_BY_NEXT = VOID | frozenset("dd dt li option p td th tr".split())


def escape(text: str, *, begins: bool = True) -> str:
    """One line of plain text as Markdown that shows exactly that text.

    *begins* says whether it may be at the beginning of a line.
    """
    text = _SIGN.sub(r"\\\g<0>", _BLANK.sub(" ", text).strip(" "))
    if begins and _OPENING.match(text):
        return "\\" + text
    return _NUMBER.sub(r"\1\\", text, count=1) if begins and _NUMBER.match(text) else text


def markdown_of(block: Block) -> str:
    """A block as Markdown."""
    text = to_markdown(block.html) if block.html else escape(block.text)
    return f"{'#' * block.level} {text}" if block.level else text


def to_markdown(html: str) -> str:
    """HTML of one block or several as Markdown, without anything active in it."""
    if plain := _PLAIN.fullmatch(html):
        return escape(entities.unescape(plain[1]))
    pieces: list[str] = []
    depth = deepest = 0
    for token in tokens(html):
        pieces.append(token.html)
        if token.name and token.name not in _ENDED_BY_NEXT:
            depth += -1 if token.is_end else 1
            deepest = max(deepest, depth)
    tidy = "".join(pieces)
    if deepest <= _DEPTH and tidy.count("<") <= 2 * _TAGS and tidy.count("<li") <= _ITEMS:
        try:
            text = _CONVERTER.convert_soup(BeautifulSoup(f"<div>{tidy}</div>", "lxml"))
            return "\n".join(line if line.strip() else "" for line in text.strip().split("\n"))
        except (ValueError, RecursionError):  # such as a list that begins at number ²
            pass
    return "\n\n".join(filter(None, map(escape, markdown.plain_text(tidy).splitlines())))


def _safe(address: str | None) -> str | None:
    """An address as it may be in Markdown; None when it leads to code."""
    address = markdown.bare(address or "")
    if address and markdown.scheme(address) not in markdown.SCHEMES | {""}:
        return None
    return _NO_ADDRESS.sub(lambda sign: f"%{ord(sign[0]):02X}", address)


_Library: Any = MarkdownConverter  # its types leave out what is there to be overridden


class _Converter(_Library):  # type: ignore[misc]
    """Markdown with our own escapes, and with the footnotes that our own feeds hold."""

    _begins = True

    def convert_video(self, el: Any, text: str, parent_tags: set[str]) -> str:
        return text

    def convert_ins(self, el: Any, text: str, parent_tags: set[str]) -> str:
        """An element for which Markdown has no sign stays as it is."""
        words = text.strip() if "_noformat" not in parent_tags else ""
        return text.replace(words, f"<{el.name}>{words}</{el.name}>") if words else text

    convert_del = convert_s = convert_mark = convert_u = convert_ins

    def process_text(self, el: Any, parent_tags: set[str] | None = None) -> str:
        before = el.previous_sibling
        self._begins = before is None or before.name == "br" or before.name in BLOCK
        return str(super().process_text(el, parent_tags))

    def escape(self, text: str, parent_tags: set[str]) -> str:
        if not text.strip():
            return text
        before, after = text[: -len(text.lstrip())], text[len(text.rstrip()) :]
        escaped = escape(text.strip(), begins=self._begins)
        if "td" in parent_tags or "th" in parent_tags:
            escaped = escaped.replace("|", "\\|")
        return f"{before}{escaped}{after}"

    def convert_a(self, el: Any, text: str, parent_tags: set[str]) -> str:
        if "footnote-backref" in (el.get("class") or ()):
            return ""
        address = _safe(el.get("href"))
        el["href"] = address or ""
        return text if address is None else str(super().convert_a(el, text, parent_tags))

    def convert_img(self, el: Any, text: str, parent_tags: set[str]) -> str:
        el["src"] = _safe(el.get("src")) or ""
        el["alt"] = escape(el.get("alt") or "").replace("]", "\\]")
        return str(super().convert_img(el, text, parent_tags)) if el["src"] else ""

    def convert_sup(self, el: Any, text: str, parent_tags: set[str]) -> str:
        if "footnote-ref" in (el.get("class") or ()) and el.a is not None:
            return f"[^{_footnote(el.a.get('href'))}]"
        return str(super().convert_sup(el, text, parent_tags))

    def convert_li(self, el: Any, text: str, parent_tags: set[str]) -> str:
        section = el.parent.parent if el.parent is not None else None
        if section is None or "footnotes" not in (section.get("class") or ()):
            return str(super().convert_li(el, text, parent_tags))
        first, *lines = text.strip().split("\n")
        note = "\n".join([first, *(f"    {line}" if line else "" for line in lines)])
        return f"[^{_footnote(el.get('id'))}]: {note.strip()}\n\n"


def _footnote(place: str | None) -> str:
    """The name of a footnote in the address or id of its place."""
    return re.sub(r"[^A-Za-z0-9-]", "", (place or "").rpartition("-fn-")[2]) or "1"


_CONVERTER = _Converter(
    heading_style="atx",
    bullets="-",
    wrap=True,  # with no width: line ends within a paragraph become spaces, and nothing is cut
    wrap_width=None,
    sub_symbol="<sub>",
    sup_symbol="<sup>",
)
