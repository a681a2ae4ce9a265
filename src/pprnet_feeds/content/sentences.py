"""Where a sentence ends.

A summary that stops at "et al." or at "8." is read by thousands before it is
read by its author. Whole sentences are kept; where the first is too long, it
is cut between words and shows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_END = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’)\]]*+(?= (\S))")
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘]*$")
_ABBREVIATION = re.compile(
    r"(?:al|approx|ca|cf|dr|e\.?g|i\.?e|incl|mr|mrs|ms|mx|prof|rev|st|viz|vs|[a-z](?:\.[a-z])*|ph\.d)\.",
    re.IGNORECASE,
)
_BEFORE_A_NUMBER = re.compile(r"(?:ch|chs|ed|eds|eq|fig|figs|no|nos|p|pp|sec|vol|vols)\.", re.IGNORECASE)


def sentences(text: str) -> Iterator[str]:
    """The sentences of plain text, white space collapsed. A line ends a sentence too."""
    for line in text.splitlines():
        yield from filter(None, _of_line(" ".join(line.split())))


def _of_line(line: str) -> Iterator[str]:
    start = 0
    for end in _END.finditer(line):
        after = end[1]
        word = _LAST_WORD.search(line[max(end.start() - 20, start) : end.start() + 1])
        last = word[0] if word else ""
        if (
            after.islower()
            or _ABBREVIATION.fullmatch(last)
            or (after.isdigit() and _BEFORE_A_NUMBER.fullmatch(last))
        ):
            continue
        yield line[start : end.end()]
        start = end.end() + 1
    yield line[start:]


def first_sentences(text: str, limit: int = 300) -> str:
    """As many whole sentences from the beginning as fit into *limit* characters.

    When not even the first fits it is cut at a word and ends in "…", within
    the limit.
    """
    taken = ""
    for sentence in sentences(text):  # no further than they are needed
        longer = f"{taken} {sentence}".strip()
        if len(longer) > limit:
            return taken or _cut(sentence, limit)
        taken = longer
    return taken


def _cut(sentence: str, limit: int) -> str:
    head = sentence[:limit]  # one more than fits beside the ellipsis: a word may end right there
    cut = head[: head.rfind(" ")] if " " in head else head[: limit - 1]
    return cut.rstrip(" ,;:–—-(") + "…"
