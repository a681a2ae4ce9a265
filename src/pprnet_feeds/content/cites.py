"""The cited works in front matter: the reference as printed, and its parts.

The DOI is what other programs find a study by, so it is always kept bare and
in lower case, whichever way it was written, and taken from the reference when
it plainly stands there. The other parts are kept as they were stated.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from pprnet_feeds.content import fields
from pprnet_feeds.content.dois import doi_in, trim
from pprnet_feeds.content.fields import Faults
from pprnet_feeds.content.model import Citation
from pprnet_feeds.content.problems import nearest, quoted
from pprnet_feeds.content.yamlvalues import Mapping, Value

_DOI = re.compile(r"10\.[0-9]{4,9}/[^\s\"<>]+")
_DOI_PREFIX = re.compile(r"(?:doi:\s*)?(?:https?://(?:dx\.|www\.)?doi\.org/)?", re.IGNORECASE)
_DOI_LENGTH = 200

_YEAR = re.compile(r"[12][0-9]{3}")
_OURS = ("text", "doi", "url", "pmid", "authors", "year", "type")
_TEXTS = ("title", "container", "publisher", "volume", "issue", "pages")
_NAMES = {name: name for name in (*_OURS, *_TEXTS)} | {
    "DOI": "doi",
    "URL": "url",
    "PMID": "pmid",
    "author": "authors",
    "journal": "container",
    "container-title": "container",
    "number": "issue",
    "page": "pages",
}
# CSL 1.0.2, appendix III.
# fmt: off
_TYPES = frozenset(
    {
        "article", "article-journal", "article-magazine", "article-newspaper", "bill", "book", "broadcast",
        "chapter", "classic", "collection", "dataset", "document", "entry", "entry-dictionary",
        "entry-encyclopedia", "event", "figure", "graphic", "hearing", "interview", "legal_case",
        "legislation", "manuscript", "map", "motion_picture", "musical_score", "pamphlet",
        "paper-conference", "patent", "performance", "periodical", "personal_communication", "post",
        "post-weblog", "regulation", "report", "review", "review-book", "software", "song", "speech",
        "standard", "thesis", "treaty", "webpage",
    }
)
# fmt: on


def read_cite(value: Value, name: str, faults: Faults) -> Citation | None:
    """One cited work: a reference as plain text, or its parts by name."""
    before = len(faults.found)
    if not isinstance(value, Mapping):
        reference = fields.text(value, name, faults)
        return Citation(reference, doi=doi_in(reference)) if reference else None
    found = fields.known(value, _NAMES, faults)
    reference = fields.one(found, "text", faults, fields.text)
    if not found.get("text"):
        faults.add(value, f"a work in `{name}` has no `text`", "Add the reference as printed: `text: …`.")
    cite = Citation(
        text=reference or "",
        doi=fields.one(found, "doi", faults, _doi) or ("" if found.get("doi") else doi_in(reference or "")),
        url=fields.one(found, "url", faults, fields.address) or "",
        pmid=fields.one(found, "pmid", faults, _pmid) or "",
        title=fields.one(found, "title", faults, fields.text) or "",
        authors=fields.one(found, "authors", faults, _authors) or (),
        container=fields.one(found, "container", faults, fields.text) or "",
        year=fields.one(found, "year", faults, _year) or "",
        volume=fields.one(found, "volume", faults, fields.scalar) or "",
        issue=fields.one(found, "issue", faults, fields.scalar) or "",
        pages=fields.one(found, "pages", faults, fields.scalar) or "",
        publisher=fields.one(found, "publisher", faults, fields.text) or "",
        type=fields.one(found, "type", faults, _type) or "",
    )
    return cite if len(faults.found) == before else None


def _doi(value: Value, name: str, faults: Faults) -> str | None:
    typed = fields.scalar(value, name, faults)
    if typed is None:
        return None
    prefix = _DOI_PREFIX.match(typed)
    rest = typed[prefix.end() :] if prefix else typed
    bare = trim((unquote(rest) if "doi.org/" in typed.lower() else rest).lower())
    if len(bare) <= _DOI_LENGTH and _DOI.fullmatch(bare) and bare.isprintable():
        return bare
    faults.add(value, f"`{name}` is not a DOI: {quoted(typed)}", "Write it like 10.1002/cpp.2521.")
    return None


def _pmid(value: Value, name: str, faults: Faults) -> str | None:
    typed = fields.scalar(value, name, faults)
    if typed is None:
        return None
    digits = re.fullmatch(r"(?:PMID:\s*)?([0-9]{1,8})", typed, re.IGNORECASE)
    if digits:
        return digits[1]
    faults.add(value, f"`{name}` is not a PubMed number: {quoted(typed)}", "Write it like 33336836.")
    return None


def _year(value: Value, name: str, faults: Faults) -> str | None:
    typed = fields.scalar(value, name, faults)
    if typed is None or _YEAR.fullmatch(typed):
        return typed
    faults.add(value, f"`{name}` is not a year: {quoted(typed)}", "Write it like 2021, or leave it out.")
    return None


def _authors(value: Value, name: str, faults: Faults) -> tuple[str, ...] | None:
    return fields.each(value, name, faults, fields.scalar)


def _type(value: Value, name: str, faults: Faults) -> str | None:
    typed = fields.scalar(value, name, faults)
    if typed is None or typed in _TYPES:
        return typed
    meant = nearest(typed, sorted(_TYPES))
    mend = f"Did you mean `{meant}`?" if meant else "Take a CSL type, such as `article-journal` or `chapter`."
    faults.add(value, f"no type of work is called {quoted(typed)}", mend)
    return None
