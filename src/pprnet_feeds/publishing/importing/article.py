"""The text of one post: the studies it cites, its account of them, what it means for practice.

A line is a reference only when it can be read as one; anything else that
stands above a text belongs to the text.
"""

from __future__ import annotations

import html as entities
import re
from collections.abc import Sequence

from pprnet_feeds.content.model import Citation, Image
from pprnet_feeds.publishing.importing import markings
from pprnet_feeds.publishing.importing.blocks import Block
from pprnet_feeds.publishing.importing.markdown import plainly
from pprnet_feeds.syndication.references import certain_authors, parse_reference

HEADING = "## Practice Implications"
_LONGEST_REFERENCE = 1_000
_LONGEST_HTML = 2_000_000
_CITE = re.compile(r"<cite>(.*?)</cite>", re.DOTALL)


def is_reference(block: Block) -> bool:
    """Whether a block is a printed reference: authors, a year in brackets, a work."""
    fits = len(block.text) <= _LONGEST_REFERENCE and "\n" not in block.text and not block.level
    return fits and certain_authors(block.text) != ()


def is_practice(block: Block) -> bool:
    """Whether a block is the heading of the practice implications."""
    return (
        len(block.text) < 40
        and " ".join(block.text.casefold().rstrip(" :").split()) == "practice implications"
    )


def compose(blocks: Sequence[Block], shown: Sequence[str] = ()) -> tuple[tuple[Citation, ...], str]:
    """The references above a text, and the text as Markdown without them.

    *shown* are references that are known already and stand above the text
    only because a feed shows them there: they are taken away and not read.
    """
    cites: list[Citation] = []
    rest = list(blocks)
    known = [_letters(text) for text in shown]
    while rest and (_is_shown(rest[0], known) or is_reference(rest[0])):
        if not _is_shown(rest[0], known):
            cites.append(parse_reference(" ".join(rest[0].text.split())))
        rest.pop(0)
    return tuple(cites), body(rest)


def of_ours(blocks: list[Block], image: Image | None) -> tuple[list[str], list[Block]]:
    """The references below the text of an entry of ours, and the text without them and its picture."""
    if image and blocks and blocks[0].html.startswith(f'<figure><img src="{entities.escape(image.url)}"'):
        blocks = blocks[1:]
    if len(blocks) < 2 or (blocks[-2].level, blocks[-2].text) != (2, "References"):
        return [], blocks
    return [markings.from_html(text) for text in _CITE.findall(blocks[-1].html)], blocks[:-2]


def body(blocks: Sequence[Block]) -> str:
    """Blocks as the text of a post file. One that is far too long for a post is not worth its form."""
    long = sum(len(block.html) for block in blocks) > _LONGEST_HTML
    parts = (_source(block, long) for block in blocks)
    text = "\n\n".join(part for part in parts if part)
    return f"{text}\n" if text else ""


def _source(block: Block, long: bool) -> str:
    if is_practice(block) and block.level != 2:
        return HEADING
    return plainly(block.text) if long else block.markdown()


def _is_shown(block: Block, known: Sequence[str]) -> bool:
    letters = _letters(block.text)
    return any(reference and letters.startswith(reference) for reference in known)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))
