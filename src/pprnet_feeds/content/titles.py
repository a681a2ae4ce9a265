"""Where the title of a printed work ends, and what it stands in begins.

Nothing but a full stop divides the two in a reference, and titles and journals
have full stops of their own. Where more than one place could be the end there
is no answer.
"""

from __future__ import annotations

import re

_END = re.compile(r"[.?!][)\]”\"’]? (?=\S)")
_SHORT = frozenset(
    "vs dr st mr mrs ms prof no vol pp ed eds al etc cf e.g i.e jr sr rev suppl u.s u.k".split()
)


def split(text: str) -> tuple[str, str] | None:
    """A title and the name of what it stands in; None when it is not certain where one ends.

    Questions may stand within a title; a second full stop may not.
    """
    found = ends(text)
    stops = [end for end in found if text[end[0]] == "."]
    if not found or len(stops) > 1 or (stops and stops[0] != found[-1]):
        return None
    mark, after = found[-1]
    title = title_of(text[: mark + (text[mark] != ".")])
    return (title, text[after:]) if title else None


def ends(text: str) -> list[tuple[int, int]]:
    """Where sentences end within *text*: the place of each mark, and of what follows it."""
    found = []
    for end in _END.finditer(text):
        word = text[max(0, end.start() - 20) : end.start()].rpartition(" ")[2].lstrip("([“\"'’")
        # A capital alone is an initial, and after a short form the sentence goes on.
        short = text[end.start()] == "." and (len(word) == 1 or word.lower() in _SHORT)
        if not short and not text[end.end()].islower():
            found.append((end.start(), end.end()))
    return found


def title_of(text: str) -> str:
    """A title without its full stop and without a description in brackets; empty when nothing is left."""
    title = re.sub(r" \[[^\[\]]{1,200}\]$", "", text.strip().removesuffix(".").strip())
    return title if re.search(r"[^\W\d_]{2}", title) else ""
