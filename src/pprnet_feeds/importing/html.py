"""A saved page, or the text of a post, as one block after another.

Plain text has one block a line. HTML has one for each heading and paragraph;
lists, tables and quotations stay whole. Every block knows its line, for the
report of what could not be used.

Never fails and takes linear time: what is not HTML is text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from pprnet_feeds.content import characters, markup

VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
BLOCK = frozenset(
    "address article aside blockquote body caption center col colgroup dd details div dl dt fieldset figcaption"
    " figure footer form h1 h2 h3 h4 h5 h6 header hr html label legend li main nav ol optgroup option p pre"
    " section select summary table tbody td tfoot th thead tr ul".split()
)
_WHOLE = frozenset({"ul", "ol", "dl", "table", "blockquote", "pre", "figure"})
# Neither these elements nor what they hold is part of a text.
_LEFT_OUT = frozenset("head nav footer noscript template svg math iframe object button textarea".split())
_HEADING = re.compile(r"h[1-6]")
_FOOTNOTES = re.compile(r"\sclass\s*=\s*[\"']?footnotes(?=[\"'\s>])")
_EMPTY_LINE = re.compile(r"\n[ \t\r]*\n")
# A comment, declaration or script, which is dropped; a tag; text. A quotation mark in a tag always
# toggles, and no repetition gives back, so a tag that never ends costs no more than its length.
_TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<[!?][^<>]*>|<(?P<code>script|style)\b.*?(?:</(?P=code)\s*>|\Z)"
    r"|<(?P<end>/?)(?P<name>[a-z][^\t\n\f\r /<>\"']*)(?P<rest>(?:[^<>\"']++|\"[^\"]*\"|'[^']*')*+)>|(?P<text>[^<]+|<)",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """One part of a page.

    Attributes:
        line: where it begins, from 1.
        text: plain; one line, except in lists and tables; empty for pictures and footnotes.
        level: of a heading, 1 to 6; 0 for anything else.
        html: empty in plain text.
    """

    line: int
    text: str
    level: int = 0
    html: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """A tag, or text when it has no *name*; *html* is well-formed by itself."""

    start: int
    html: str
    name: str = ""
    is_end: bool = False


def tokens(html: str) -> Iterator[Token]:
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
            yield Token(found.start(), f"<{found['end']}{name}{rest}>", name, is_end)
        elif found["text"]:
            yield Token(found.start(), found["text"].replace("<", "&lt;"))


def tidy(html: str) -> str:
    """HTML with nothing but complete tags and text."""
    return "".join(token.html for token in tokens(html))


def blocks_of_text(text: str) -> list[Block]:
    """One block for each line of plain text that is not blank."""
    lines = ((number, characters.one_line(line)) for number, line in enumerate(text.split("\n"), 1))
    return [Block(number, line) for number, line in lines if line]


def blocks_of_html(html: str) -> list[Block]:
    """The blocks of a page or a part of one.

    An empty line within loose text ends a paragraph, as in WordPress.
    """
    ends = [match.start() for match in re.finditer("\n", html)]
    found = []
    for start, level, source in _divided(html):
        text = "" if _FOOTNOTES.search(source.partition(">")[0] + ">") else markup.plain_text(source)
        if text or "<img" in source or _FOOTNOTES.search(source):
            found.append(Block(bisect_right(ends, start) + 1, text, level, source.strip()))
    return found


class _Collected:
    """Pieces of HTML that belong to the same block."""

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
        """Give what was collected, if anything, and start the next block."""
        if self.pieces:
            yield self.start, self.level, "".join(self.pieces)
        self.pieces, self.level = [], 0


def _divided(html: str) -> Iterator[tuple[int, int, str]]:
    """The start, the heading level and the HTML of each block."""
    block = _Collected()
    whole, depth = "", 0  # the element that stays whole, and how many of them are open
    for token in tokens(html):
        if whole:
            depth += 0 if token.name != whole else -1 if token.is_end else 1
            block.add(token.start, token.html)
            if depth == 0:
                whole = ""
                yield from block.take()
        elif not token.name:
            at = 0
            for gap in [*_EMPTY_LINE.finditer(token.html), None]:
                piece = token.html[at : gap.start() if gap else None]
                if piece.strip() or (block.pieces and not block.pieces[-1].startswith("<br")):
                    block.add(token.start + at, piece)
                if gap:
                    yield from block.take()
                    at = gap.end()
        elif not token.is_end and (token.name in _WHOLE or _FOOTNOTES.search(token.html)):
            yield from block.take()
            block.add(token.start, token.html)
            whole, depth = token.name, 1
        elif token.name in BLOCK:
            yield from block.take()
            if not token.is_end and _HEADING.fullmatch(token.name):
                block.level = int(token.name[1])
        elif token.name == "br" and block.pieces and block.pieces[-1].startswith("<br"):
            block.pieces.pop()
            yield from block.take()
        else:
            block.add(token.start, token.html)
    yield from block.take()
