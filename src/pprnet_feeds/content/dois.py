"""The DOI of a work, out of the text around it.

Other programs find a study by its DOI, and people write it in every way there
is: bare, after ``doi:``, as an address old or new, with its slash escaped, and
with the full stop of the sentence at its end.

A DOI that is cut in two by a line end, or that goes on in characters no address
may hold, is not shortened to something that looks like one: there is none then.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

# It ends where a space, a quotation mark or the end of an autolink stands, and nowhere else.
_IN_TEXT = re.compile(r"(?<![0-9.])10\.[0-9]{4,9}/[^\s\"<>“”\u2019]{1,200}(?=[\s\">“”\u2019]|$)")
_ADDRESS = re.compile(r"https?://(?:dx\.|www\.)?doi\.org/\S{1,300}", re.IGNORECASE)


def doi_in(reference: str) -> str:
    """The DOI that stands in *reference*, bare and in lower case.

    Empty when there is none, when there is more than one, and when it is not
    certain where it ends.
    """
    plain = _ADDRESS.sub(lambda address: unquote(address[0]), reference)
    found = {trim(match[0].lower()) for match in _IN_TEXT.finditer(plain)}
    doi = found.pop() if len(found) == 1 else ""
    return "" if doi.endswith(("-", "/", "_")) or not doi.isprintable() else doi


def trim(doi: str) -> str:
    """A DOI without the punctuation of the sentence around it."""
    while doi and (
        doi[-1] in ".,;:'"
        or (doi[-1] == ")" and doi.count(")") > doi.count("("))
        or (doi[-1] == "]" and doi.count("]") > doi.count("["))
    ):
        doi = doi[:-1]
    return doi
