"""The body of a post: the references above the text, and the text.

A line is a reference only when it can be read as one; anything else above a text belongs to the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pprnet_feeds.content.model import Citation
from pprnet_feeds.importing.html import Block
from pprnet_feeds.importing.to_markdown import markdown_of
from pprnet_feeds.syndication.references import certain_authors, parse_reference

_HEADING = "## Practice Implications"
_LONGEST_REFERENCE = 1_000
_LONGEST_HTML = 2_000_000


def is_reference(block: Block) -> bool:
    """Whether a block is a printed reference: authors, a year in brackets, a work."""
    fits = len(block.text) <= _LONGEST_REFERENCE and "\n" not in block.text and not block.level
    return fits and certain_authors(block.text) != ()


def is_practice(block: Block) -> bool:
    """Whether a block is the heading of the practice implications."""
    words = block.text[:40].casefold().rstrip(" :").split()
    return len(block.text) < 40 and words == ["practice", "implications"]


def compose(blocks: Sequence[Block], shown: Sequence[str] = ()) -> tuple[tuple[Citation, ...], str]:
    """The references above a text, and the text as Markdown without them.

    *shown* are references that are known already and are above the text only
    because a feed shows them there: they are taken away and not read.
    """
    known = [letters for text in shown if (letters := _letters(text))]
    cites: list[Citation] = []
    rest = list(blocks)
    while rest and ((is_known := _letters(rest[0].text).startswith(tuple(known))) or is_reference(rest[0])):
        block = rest.pop(0)
        cites += [] if is_known else [parse_reference(" ".join(block.text.split()))]
    if sum(len(block.html) for block in rest) > _LONGEST_HTML:  # the post will be refused for its length
        rest = [replace(block, html="") for block in rest]
    parts = (_HEADING if is_practice(each) and each.level != 2 else markdown_of(each) for each in rest)
    text = "\n\n".join(filter(None, parts))
    return tuple(cites), f"{text}\n" if text else ""


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))
