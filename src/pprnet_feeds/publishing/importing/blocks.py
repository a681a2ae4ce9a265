"""A saved page, or the text of a post, as one block after another.

Plain text has one block a line. HTML has one for each heading and paragraph;
lists, tables and quotations stay whole. Every block knows its line, so that
an editor can be told where something is that could not be placed.

Never fails: whatever is not HTML is text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from pprnet_feeds.content import markdown
from pprnet_feeds.content.text import one_line
from pprnet_feeds.publishing.importing import tags
from pprnet_feeds.publishing.importing.markdown import escape, to_markdown

_WHOLE = frozenset({"ul", "ol", "dl", "table", "blockquote", "pre", "figure"})
# What surrounds a text, and what is not shown as text.
_AROUND = frozenset(
    "head nav footer noscript template svg math iframe object button textarea script style".split()
)
_APART = tags.BLOCK | frozenset("html body main form fieldset legend label select optgroup option".split())
_HEADING = re.compile(r"h[1-6]")
_FOOTNOTES = 'class="footnotes"'
_EMPTY_LINE = re.compile(r"\n[ \t\r]*\n")


@dataclass(frozen=True, slots=True)
class Block:
    """One stretch of a page.

    Attributes:
        line: where it begins, from 1.
        text: plain; one line, but for lists and tables; empty for pictures and footnotes.
        level: of a heading, 1 to 6; 0 for anything else.
        html: empty in plain text.
    """

    line: int
    text: str
    level: int = 0
    html: str = ""

    def markdown(self) -> str:
        """The block as Markdown."""
        text = to_markdown(self.html) if self.html else escape(self.text)
        return f"{'#' * self.level} {text}" if self.level else text


def of_text(text: str) -> list[Block]:
    """One block for each line of plain text that holds anything."""
    lines = ((number, one_line(line)) for number, line in enumerate(text.split("\n"), 1))
    return [Block(number, line) for number, line in lines if line]


def of_html(html: str) -> list[Block]:
    """The blocks of a page or a part of one.

    An empty line within loose text ends a paragraph, as WordPress has it.
    """
    ends = [match.start() for match in re.finditer("\n", html)]
    found = []
    for start, level, source in _stretches(html):
        text = markdown.plain_text(tags.tame(source))
        if text or "<img" in source or _FOOTNOTES in source:
            line = bisect_right(ends, start) + 1
            found.append(Block(line, text, level, source.strip()))
    return found


class _Stretch:
    """Pieces of HTML that belong together, gathered until something ends them."""

    def __init__(self) -> None:
        self.start, self.level = 0, 0
        self.pieces: list[str] = []

    def add(self, start: int, piece: str) -> None:
        if not self.pieces:
            if not piece.strip():
                return
            self.start = start + len(piece) - len(piece.lstrip())
        self.pieces.append(piece)

    def take(self) -> Iterator[tuple[int, int, str]]:
        """Give what was gathered, if anything, and begin anew."""
        if self.pieces:
            yield self.start, self.level, "".join(self.pieces)
        self.pieces, self.level = [], 0


def _stretches(html: str) -> Iterator[tuple[int, int, str]]:
    stretch = _Stretch()
    whole, depth = "", 0  # the element that stays whole, or is passed over, and how often it is open
    around = ""
    for kind, start, end, name, attributes in tags.tokens(html):
        piece = html[start:end]
        if kind == "comment" or (kind == "text" and piece.startswith(("<!", "<?"))):
            continue
        if whole or around:
            if name == (whole or around):
                depth += 1 if kind == "start" else -1
            if whole:
                stretch.add(start, piece)
                if depth == 0:
                    yield from stretch.take()
            if depth == 0:
                whole = around = ""
        elif kind == "text":
            yield from _loose(stretch, start, piece)
        elif kind == "start" and name in _AROUND:
            around, depth = name, 1
        elif kind == "start" and (name in _WHOLE or ("class", "footnotes") in _pairs(attributes)):
            yield from stretch.take()
            stretch.add(start, piece)
            whole, depth = name, 1
        elif name in _APART:
            yield from stretch.take()
            if kind == "start" and _HEADING.fullmatch(name):
                stretch.level = int(name[1])
        elif name == "br" and stretch.pieces and stretch.pieces[-1].lstrip().startswith("<br"):
            stretch.pieces.pop()
            yield from stretch.take()
        else:
            stretch.add(start, piece)
    yield from stretch.take()


def _loose(stretch: _Stretch, start: int, piece: str) -> Iterator[tuple[int, int, str]]:
    at = 0
    for gap in _EMPTY_LINE.finditer(piece):
        stretch.add(start + at, piece[at : gap.start()])
        yield from stretch.take()
        at = gap.end()
    if piece[at:].strip() or (stretch.pieces and not stretch.pieces[-1].startswith("<br")):
        stretch.add(start + at, piece[at:])


def _pairs(attributes: tuple[tuple[str, str, int], ...]) -> set[tuple[str, str]]:
    return {(key, value) for key, value, _ in attributes}
