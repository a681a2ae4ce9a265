"""HTML and plain text as Markdown that means the same.

A post that was imported is edited for years, so its source has to be as clean
as if somebody had typed it: no tags where Markdown has a sign, and a backslash
only where a reader would otherwise see something else. The only module that
knows markdownify, and never gives it HTML that is too deep or too long for it.
"""

from __future__ import annotations

import html as entities
import re
from typing import Any

from markdownify import MarkdownConverter

from pprnet_feeds.content import markdown
from pprnet_feeds.publishing.importing import tags

# markdownify looks from each item of a list back to the first.
_ITEMS = 2_000
_MARKS = 20_000

_SIGN = re.compile(r"[\\`*\[]|_(?![A-Za-z0-9])|(?<![A-Za-z0-9])_|<(?=[A-Za-z/!?])|&(?=#?[A-Za-z0-9]+;)")
# What begins a block at the beginning of a line (CommonMark §4, §5).
_OPENING = re.compile(r"(?:#{1,6}(?=\s|$)|[-+](?=\s|$)|>|=+\s*$|-{2,}\s*$|~{3})")
_NUMBER = re.compile(r"([0-9]{1,9})(?=[.)](?:\s|$))")
_BREAKS = tags.BLOCK | {"br"}
_PLAIN = re.compile(r"\s*(?:<p>)?([^<]*)(?:</p>)?\s*", re.IGNORECASE)
_BLANK = re.compile(r"[ \t\n\f\r]+")
_NO_ADDRESS = re.compile(r"[\s()<>]")


def escape(text: str, *, begins: bool = True) -> str:
    """One line of plain text as Markdown that shows exactly that text.

    *begins* tells whether it may stand at the beginning of a line.
    """
    text = _SIGN.sub(r"\\\g<0>", _BLANK.sub(" ", text).strip(" "))
    if not begins:
        return text
    if _OPENING.match(text):
        return "\\" + text
    return _NUMBER.sub(r"\1\\", text, count=1) if _NUMBER.match(text) else text


def to_markdown(html: str) -> str:
    """HTML of one block or several as Markdown, without anything active in it."""
    if plain := _PLAIN.fullmatch(html):
        return escape(entities.unescape(plain[1]))
    tamed = tags.tame(html)
    if tamed.count("<li") <= _ITEMS and tamed.count("<") <= _MARKS:
        try:
            return _blank_lines(_CONVERTER.convert(f"<div>{tamed}</div>"))
        except (ValueError, RecursionError):  # such as a list that begins at number ²
            pass
    return plainly(markdown.plain_text(tamed))


def plainly(text: str) -> str:
    """Plain text with an empty line between paragraphs, as Markdown."""
    return "\n\n".join(filter(None, map(escape, text.splitlines())))


def _blank_lines(text: str) -> str:
    return "\n".join(line if line.strip() else "" for line in text.strip().split("\n"))


_Library: Any = MarkdownConverter  # its types leave out what is there to be overridden


class _Converter(_Library):  # type: ignore[misc]
    """Markdown with our own escapes, and with the footnotes that our own feeds hold."""

    _begins = True

    def process_text(self, el: Any, parent_tags: set[str] | None = None) -> str:
        before = el.previous_sibling
        self._begins = before is None or before.name in _BREAKS
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
        address = markdown.bare(el.get("href") or "")
        if address and markdown.scheme(address) not in markdown.SCHEMES | {""}:
            return text
        el["href"] = _NO_ADDRESS.sub(lambda sign: f"%{ord(sign[0]):02X}", address)
        return str(super().convert_a(el, text, parent_tags))

    def convert_img(self, el: Any, text: str, parent_tags: set[str]) -> str:
        address = markdown.bare(el.get("src") or "")
        if not address or markdown.scheme(address) not in markdown.SCHEMES | {""}:
            return ""
        el["src"] = _NO_ADDRESS.sub(lambda sign: f"%{ord(sign[0]):02X}", address)
        el["alt"] = escape(el.get("alt") or "").replace("]", "\\]")
        return str(super().convert_img(el, text, parent_tags))

    def convert_sup(self, el: Any, text: str, parent_tags: set[str]) -> str:
        if "footnote-ref" in (el.get("class") or ()) and el.a is not None:
            return f"[^{_footnote(el.a.get('href') or '', '-fn-')}]"
        return str(super().convert_sup(el, text, parent_tags))

    def convert_li(self, el: Any, text: str, parent_tags: set[str]) -> str:
        section = el.parent.parent if el.parent is not None else None
        if section is None or "footnotes" not in (section.get("class") or ()):
            return str(super().convert_li(el, text, parent_tags))
        lines = text.strip().split("\n")
        told = "\n".join([lines[0], *(f"    {line}" if line else "" for line in lines[1:])])
        return f"[^{_footnote(el.get('id') or '', '-fn-')}]: {told.strip()}\n\n"


def _footnote(place: str, mark: str) -> str:
    """The name of a footnote in the address or id of its place."""
    return re.sub(r"[^A-Za-z0-9-]", "", place.rpartition(mark)[2]) or "1"


_CONVERTER = _Converter(
    heading_style="atx",
    bullets="-",
    wrap=True,  # with no width: line ends within a paragraph become spaces, and nothing is cut
    wrap_width=None,
    sub_symbol="<sub>",
    sup_symbol="<sup>",
)
