"""A saved page, or the text of a post, as one block after another.

Plain text has one block a line. HTML has one for each heading and paragraph; lists, tables and quotations
stay whole. Any text can be read, in linear time: what is not HTML is text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import chain
from typing import NamedTuple

from pprnet_feeds.content import markdown
from pprnet_feeds.content.text import clean, one_line

VOID = markdown.VOID | frozenset("area base embed input link meta source track".split())
BLOCK = markdown.BLOCK | frozenset("body fieldset form html label legend optgroup option select".split())
_WHOLE = frozenset({"ul", "ol", "dl", "table", "blockquote", "pre", "figure"})
# Neither these elements nor what they hold is part of a text.
_LEFT_OUT = frozenset("head nav footer noscript template svg math iframe object button textarea".split())
_FOOTNOTES = re.compile(r"\sclass\s*=\s*[\"']?footnotes(?=[\"'\s>])")
_EMPTY_LINE = re.compile(r"\n[ \t\r]*\n")
# A comment, declaration or script, which is dropped; a tag; text. A quotation mark in a tag always
# toggles, and no repetition gives back, so a tag that never ends costs no more than its length.
_TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<[!?][^<>]*>|<(?P<code>script|style)\b.*?(?:</(?P=code)\s*>|\Z)"
    r"|<(?P<end>/?)(?P<name>[a-z][^\t\n\f\r /<>\"']*)(?P<rest>(?:[^<>\"']++|\"[^\"]*\"|'[^']*')*+)>"
    r"|(?P<text>[^<]+|<)",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """One part of a page.

    Attributes:
        line: where it begins, from 1.
        text: plain; one line, except in lists and tables; empty for pictures and footnotes.
        level: of a heading, 1 to 6; 0 for anything else.
        html: of a heading, what is in it.
    """

    line: int
    text: str
    level: int = 0
    html: str = ""

    @property
    def source(self) -> str:
        """The HTML with the element of a heading."""
        return f"<h{self.level}>{self.html}</h{self.level}>" if self.level else self.html


class HtmlToken(NamedTuple):
    """A complete tag, or text when it has no *name*."""

    start: int
    html: str
    name: str = ""
    is_end: bool = False


def tokens(html: str) -> Iterator[HtmlToken]:
    """The tags and the text of *html* that belong to a post, without comments, scripts, menus and forms."""
    skipped, depth = "", 0
    for found in _TOKEN.finditer(html):
        name, is_end = (found["name"] or "").lower(), bool(found["end"])
        if skipped:
            depth += 0 if name != skipped else -1 if is_end else 1
            skipped = skipped if depth else ""
        elif name in _LEFT_OUT:
            skipped, depth = ("", 0) if is_end or found["rest"].endswith("/") else (name, 1)
        elif name:
            rest = found["rest"].replace("<", "&lt;").replace(">", "&gt;")
            yield HtmlToken(found.start(), f"<{found['end']}{name}{rest}>", name, is_end)
        elif found["text"]:
            yield HtmlToken(found.start(), found["text"].replace("<", "&lt;"))


def text_of_html(text: str | None) -> str:
    """A title or summary that may be HTML, as plain text of one line."""
    line = one_line(clean(text or "")[0])
    return " ".join(markdown.plain_text("".join(token.html for token in tokens(line))).split())


def blocks_of_text(text: str) -> list[Block]:
    """One block for each line of plain text that is not blank."""
    lines = ((number, one_line(line)) for number, line in enumerate(text.split("\n"), 1))
    return [Block(number, line, html=escape(line, quote=False)) for number, line in lines if line]


def blocks_of_html(html: str) -> list[Block]:
    """The blocks of a page or a part of one.

    An empty line within loose text ends a paragraph, as in WordPress.
    """
    ends = [match.start() for match in re.finditer("\n", html)]
    found = []
    source, start, level = "", 0, 0
    for at, piece, next_level in chain(_cut(html), [(len(html), "", 0)]):
        if piece:
            start = start if source else at + len(piece) - len(piece.lstrip())
            source += piece if source or piece.strip() else ""
            continue
        is_notes = _FOOTNOTES.search(source.partition(">")[0] + ">")
        text = "" if is_notes else markdown.plain_text(source)
        if text or is_notes or "<img" in source or "<hr" in source:
            found.append(Block(bisect_right(ends, start) + 1, text, level, source.strip()))
        source, level = "", next_level
    return found


def _cut(html: str) -> Iterator[tuple[int, str, int]]:
    """The pieces of each block and their places; an empty one, with the level of the next block, ends it."""
    whole, depth = "", 0  # the element that stays whole, and how many of them are open
    after_break = False
    for start, piece, name, is_end in tokens(html):
        if whole:
            depth += 0 if name != whole else -1 if is_end else 1
            yield start, piece, 0
            if depth == 0:
                whole = ""
                yield start, "", 0
        elif not name:
            at = 0
            for gap in _EMPTY_LINE.finditer(piece):
                yield start + at, piece[at : gap.start()], 0
                yield start, "", 0
                at = gap.end()
            if piece[at:].strip() or not after_break:
                yield start + at, piece[at:], 0
                after_break = False
            continue
        elif not is_end and (name in _WHOLE or _FOOTNOTES.search(piece)):
            yield start, "", 0
            yield start, piece, 0
            whole, depth = name, 1
        elif name == "hr":
            yield from ((start, each, 0) for each in ("", piece, ""))
        elif name in BLOCK:
            yield start, "", int(name[1]) if re.fullmatch("h[1-6]", name) and not is_end else 0
        else:
            yield start, "" if name == "br" and after_break else piece, 0
        after_break = name == "br"
