"""A cited work in the words of other programs: CSL-JSON, and a reference as HTML."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Any

from pprnet_feeds.content.model import Citation, Person
from pprnet_feeds.syndication.notices import free_copy_html
from pprnet_feeds.syndication.references import certain_authors, institution

_YEAR = re.compile(r"[0-9]{4}")
# The address of a DOI's resolver, at the end of what is searched.
_RESOLVER = re.compile(r"https?://(?:dx\.)?doi\.org/\Z", re.IGNORECASE)
_RANGE = re.compile(r"(?:pp?\. ?)?([\w.:]+) ?(?:[\u2010-\u2014\u2212-]|--) ?([\w.:]+)")
_SUFFIX = re.compile(r"(?P<given>.*?),? +(?P<suffix>(?:Jr|Sr)\.?|II|III|IV)")
_TITLES = re.compile(r"^(?:(?:Dr|Prof|Mr|Ms|Mrs)\.? +)+", re.IGNORECASE)
_PLAIN_NAME = re.compile(r"([^\W\d_][^,\s]* [^,]+?)(?:,? +((?:Jr|Sr)\.?|II|III|IV))?(?:, +[A-Z]{2,6})*")
# What is in no name of a person.
_NO_PERSON = frozenset({"of", "for", "and", "&"})
_DEGREES = re.compile(r"(?:,? +(?:Ph\.?D|Psy\.?D|M\.?D|M\.?A|M\.?Sc|C\.?Psych)\.?)+$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Name:
    """An author's name in its parts; of an institution *family* is the whole name."""

    family: str
    given: str = ""
    suffix: str = ""


def name_of(author: str) -> Name:
    """The parts of ``Family, Given`` or ``Family, Given, Jr.``; anything else is a family name."""
    family, _, given = (part.strip() for part in author.partition(","))
    if not family or not given or institution(given):  # a department and its university
        return Name(author.strip())
    suffixed = _SUFFIX.fullmatch(given)
    return Name(family, suffixed["given"], suffixed["suffix"]) if suffixed else Name(family, given)


def person_name(name: str) -> str:
    """``Family, Given`` of a name such as ``Dr. Ada van Beek, PhD``; of an institution its name."""
    plain = _DEGREES.sub("", _TITLES.sub("", name)).strip()
    if (match := _PLAIN_NAME.fullmatch(plain)) and plain[0].isupper():  # not "de Jong, KB"
        plain = " ".join(filter(None, match.groups()))
    words = plain.split()
    is_group = institution(plain) or not _NO_PERSON.isdisjoint(words)
    if is_group or "," in plain or len(words) < 2 or words[-1] in ("Team", "Staff", "Editors"):
        return plain
    last = len(words) - 1
    suffix = ""
    if last > 1 and _SUFFIX.fullmatch(plain):
        suffix, last = f", {words[last]}", last - 1
    while last > 1 and words[last - 1].islower():  # van, de la
        last -= 1
    family = words[last : len(words) - bool(suffix)]
    return f"{' '.join(family)}, {' '.join(words[:last])}{suffix}"


def authors(citation: Citation, stated: tuple[str, ...]) -> tuple[Person, ...]:
    """Who wrote the completed work, of which *stated* may be a cut list; never empty."""
    # Without authors of its own an entry would inherit the blog's (RFC 4287 §4.1.2).
    names = citation.authors or certain_authors(citation.text, stated) or ("Authors not stated",)
    name = name_of(names[0])
    if len(names) == 1 and name.given and (name.suffix or " " in name.family):
        # Zotero makes two authors of a lone "de Jong, K.".
        names = (f"{name.given} {name.family} {name.suffix}".rstrip(),)
    return tuple(map(Person, names))


def page_ends(pages: str) -> tuple[str, ...]:
    """The first page and the last; *pages* alone when it is no plain range."""
    span = _RANGE.fullmatch(pages)
    return (span[1], span[2]) if span else (pages,)


def csl_type(citation: Citation) -> str:
    """The CSL type of the work: where none is stated, only a journal's volume makes an article certain."""
    is_article = citation.container and citation.volume
    return citation.type or ("article-journal" if is_article else "document")


def csl_item(citation: Citation, key: str) -> dict[str, Any]:
    """The work as a CSL-JSON item (schema 1.0.2) whose id is *key*, the reference as printed in its note."""
    item: dict[str, Any] = {"id": key, "type": csl_type(citation)}
    facts = {
        "author": [_csl_name(name_of(author)) for author in citation.authors],
        "issued": {"date-parts": [[int(citation.year)]]} if _YEAR.fullmatch(citation.year) else {},
        "title": citation.title,
        "container-title": citation.container,
        "volume": citation.volume,
        "issue": citation.issue,
        "page": citation.pages,
        "publisher": citation.publisher,
        "DOI": citation.doi,
        "PMID": citation.pmid,
        "URL": citation.link,
    }
    item |= {name: value for name, value in facts.items() if value}
    item["note"] = citation.text
    return item


def _csl_name(name: Name) -> dict[str, str]:
    parts = {"family": name.family, "given": name.given} if name.given else {"literal": name.family}
    return parts | ({"suffix": name.suffix} if name.suffix else {})


def reference_html(citation: Citation) -> str:
    """The reference as printed, with the work's address as a link, and where it is free to read."""
    return _linked(citation) + free_copy_html(citation)


def _linked(citation: Citation) -> str:
    link = html.escape(citation.link)
    text = html.escape(citation.text)
    if not link:
        return f"<cite>{text}</cite>"
    # The reference often prints the address, which becomes the link then.
    shown, lower = html.escape(citation.doi or citation.url), text.lower()
    # Some letters become two in lower case, which moves all that follow.
    start = (lower if len(lower) == len(text) else text).find(shown.lower())
    if start >= 0:
        end = start + len(shown)
        resolver = _RESOLVER.search(text, max(0, start - 20), start)
        start = resolver.start() if resolver else start
        return f'<cite>{text[:start]}<a href="{link}">{text[start:end]}</a>{text[end:]}</cite>'
    return f'<cite>{text}</cite> <a href="{link}">{link}</a>'
