"""Where a sentence ends.

A summary that stops at "et al." or at "8." is read by thousands before it is
read by its author. Whole sentences are kept; where the first is too long, it
is cut between words and shows it.
"""

from __future__ import annotations

import re

_END = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’)\]]*+(?= (\S))")
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘]*$")
_ABBREVIATION = re.compile(
    r"(?:al|approx|ca|cf|dr|e\.?g|i\.?e|incl|mr|mrs|ms|mx|prof|rev|st|viz|vs|[a-z](?:\.[a-z])*|ph\.d)\.",
    re.IGNORECASE,
)
_BEFORE_A_NUMBER = re.compile(r"(?:ch|chs|ed|eds|eq|fig|figs|no|nos|p|pp|sec|vol|vols)\.", re.IGNORECASE)


def sentences(text: str) -> list[str]:
    """The sentences of plain text, white space collapsed. A line ends a sentence too."""
    return [
        sentence for line in text.splitlines() for sentence in _of_line(" ".join(line.split())) if sentence
    ]


def _of_line(line: str) -> list[str]:
    found, start = [], 0
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
        found.append(line[start : end.end()])
        start = end.end() + 1
    return [*found, line[start:]]


def first_sentences(text: str, limit: int = 300) -> str:
    """As many whole sentences from the beginning as fit into *limit* characters.

    When not even the first fits it is cut at a word and ends in "…", within
    the limit.
    """
    all_ = sentences(text)
    taken = ""
    for sentence in all_:
        longer = f"{taken} {sentence}".strip()
        if len(longer) > limit:
            break
        taken = longer
    if taken or not all_:
        return taken
    head = all_[0][:limit]  # one more than fits beside the ellipsis: a word may end right there
    cut = head[: head.rfind(" ")] if " " in head else head[: limit - 1]
    return cut.rstrip(" ,;:–—-(") + "…"
