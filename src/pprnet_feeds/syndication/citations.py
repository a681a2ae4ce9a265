"""A cited work in the words of people and programs: what became of it, CSL-JSON, a reference as HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any

from pprnet_feeds.content.model import NOTICES, Citation, Notice, NoticeKind, OpenAccess, Person, doi_url
from pprnet_feeds.syndication.channel import without_empty
from pprnet_feeds.syndication.references import certain_authors, institution
from pprnet_feeds.syndication.selection import month_name

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
# Unpaywall's words for the versions of a work.
_VERSIONS = {
    "publishedVersion": "published version",
    "acceptedVersion": "accepted manuscript",
    "submittedVersion": "preprint",
}
LABELS: dict[NoticeKind, str] = {
    "retraction": "Study retracted",
    "concern": "Expression of concern",
    "correction": "Study corrected",
}
_VERBS: dict[NoticeKind, str] = {
    "retraction": "was retracted",
    "concern": "received an expression of concern",
    "correction": "was corrected",
}


def name_of(author: str) -> tuple[str, str, str]:
    """Family name, given names and suffix of ``Family, Given, Jr.``; anything else is a family name."""
    family, _, given = (part.strip() for part in author.partition(","))
    if not family or not given or institution(given):  # a department and its university
        return author.strip(), "", ""
    suffixed = _SUFFIX.fullmatch(given)
    return (family, suffixed["given"], suffixed["suffix"]) if suffixed else (family, given, "")


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


def apa_list(names: Sequence[str]) -> str:
    """Names as a list (APA, 7th edition, §9.8): of more than twenty the first nineteen and the last."""
    *others, last = names
    if len(names) > 20:
        return ", ".join([*names[:19], f"… {last}"])
    return ", ".join([*others, f"& {last}"]) if others else last


def authors(citation: Citation, stated: tuple[str, ...]) -> tuple[Person, ...]:
    """Who wrote the completed work, of which *stated* may be a cut list; never empty."""
    # Without authors of its own an entry would inherit the blog's (RFC 4287 §4.1.2).
    names = citation.authors or certain_authors(citation.text, stated) or ("Authors not stated",)
    family, given, suffix = name_of(names[0])
    if len(names) == 1 and given and (suffix or " " in family):
        # Zotero makes two authors of a lone "de Jong, K.".
        names = (f"{given} {family} {suffix}".rstrip(),)
    return tuple(map(Person, names))


def page_ends(pages: str) -> tuple[str, ...]:
    """The first page and the last; *pages* alone when it is no plain range."""
    span = _RANGE.fullmatch(pages)
    return (span[1], span[2]) if span else (pages,)


def csl_type(citation: Citation) -> str:
    """The CSL type of the work: where none is stated, only a journal's volume makes an article certain."""
    return citation.type or ("article-journal" if citation.container and citation.volume else "document")


def csl_item(citation: Citation, key: str) -> dict[str, Any]:
    """The work as a CSL-JSON item (schema 1.0.2) whose id is *key*, the reference as printed in its note."""
    item = {
        "id": key,
        "type": csl_type(citation),
        "author": [_csl_name(author) for author in citation.authors],
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
        "note": citation.text,
    }
    return without_empty(item)


def _csl_name(author: str) -> dict[str, str]:
    family, given, suffix = name_of(author)
    names = {"family": family, "given": given, "suffix": suffix} if given else {"literal": family}
    return without_empty(names)


def study_warnings(cites: Sequence[Citation]) -> list[tuple[NoticeKind, str, str]]:
    """The warnings about the studies of a post, the gravest first: kind, sentence, address of the notice."""
    found: list[tuple[NoticeKind, str, str]] = []
    for cite, notice in ((cite, cite.notice) for cite in cites if cite.notice):
        is_only = len(cites) == 1
        subject = "The study summarised here" if is_only else "A study summarised here"
        which = "" if is_only else f": {(cite.title or cite.text).rstrip('.')}"
        found.append((notice.kind, f"{subject} {became(notice)}{which}.", doi_url(notice.doi)))
    return sorted(found, key=lambda warning: NOTICES.index(warning[0]))


def became(notice: Notice) -> str:
    """What a work became, after its name: ``was retracted on 9 March 2026``."""
    month, day = month_name(notice.date[:7]), notice.date[8:]
    when = f" on {int(day)} {month}" if day else f" in {month}" if month else ""
    return _VERBS[notice.kind] + when


def reference_html(citation: Citation) -> str:
    """The reference as printed, with the work's address as a link, and where it is free to read."""
    link, text = html.escape(citation.link), html.escape(citation.text)
    copy = _free_copy(citation.open_access)
    if not link:
        return f"<cite>{text}</cite>{copy}"
    # The reference often prints the address, which becomes the link then.
    shown, lower = html.escape(citation.doi or citation.url), text.lower()
    # Some letters become two in lower case, which moves all that follow.
    start = (lower if len(lower) == len(text) else text).find(shown.lower())
    if start >= 0:
        end = start + len(shown)
        resolver = _RESOLVER.search(text, max(0, start - 20), start)
        start = resolver.start() if resolver else start
        return f'<cite>{text[:start]}<a href="{link}">{text[start:end]}</a>{text[end:]}</cite>{copy}'
    return f'<cite>{text}</cite> <a href="{link}">{link}</a>{copy}'


def _free_copy(copy: OpenAccess | None) -> str:
    """A link to the copy that is free to read, with its version and licence; empty without one."""
    if copy is None:
        return ""
    licence = copy.licence.upper().replace("-", " ", 1) if copy.licence.startswith("cc") else copy.licence
    about = ", ".join(filter(None, (_VERSIONS.get(copy.version, copy.version), licence)))
    link = f' <a href="{html.escape(copy.url)}">Free to read</a>'
    return link + (f" ({html.escape(about)})" if about else "")
