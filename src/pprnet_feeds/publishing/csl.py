"""A cited work as a DOI registry tells it, in our words.

Registries answer with CSL-JSON, or with what they take for it: lists where the
schema has strings, HTML in titles, types of their own, dates with holes. What
fits is kept, what does not is left out, and nothing is guessed: an editor reads
the result before any subscriber does.
"""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any

from pprnet_feeds.content.model import Citation
from pprnet_feeds.content.text import clean

_LONGEST = 1000
_LONGEST_NAME = 150
_MOST_AUTHORS = 100  # as many as front matter may list

# CSL's own words, and those of Crossref for the same.
_TYPES = {
    **{name: name for name in ("article", "article-journal", "book", "chapter", "dataset", "entry")},
    **{name: name for name in ("paper-conference", "report", "thesis", "webpage", "review", "manuscript")},
    "journal-article": "article-journal",
    "book-chapter": "chapter",
    "book-section": "chapter",
    "reference-entry": "entry",
    "monograph": "book",
    "edited-book": "book",
    "reference-book": "book",
    "proceedings-article": "paper-conference",
    "posted-content": "article",
    "dissertation": "thesis",
}
_TAG = re.compile(
    r"</?(?:i|b|u|p|br|em|strong|sub|sup|span|scp|tt|(?:jats|mml):[a-z-]{1,30})(?:\s[^<>]{0,300})?/?>", re.I
)


def cite_of(item: Any, doi: str) -> Citation:
    """The work with that *doi* out of the registry's decoded answer.

    Raises:
        ValueError: there is no title in it, so it names no work.
    """
    if not isinstance(item, dict):
        raise ValueError("the answer is not a record of a work")
    title = _title(item)
    if not title:
        raise ValueError("the record of this work has no title")
    kind = _TYPES.get(_text(item.get("type")).lower(), "")
    journal = kind == "article-journal"
    cite = Citation(
        text="",
        doi=doi,
        title=title,
        authors=_names(item.get("author")),
        container=_text(item.get("container-title")),
        year=_year(item),
        volume=_text(item.get("volume")),
        issue=_text(item.get("issue")),
        pages=_text(item.get("page")) or _text(item.get("article-number")),
        publisher="" if journal else _text(item.get("publisher")),
        type=kind,
    )
    return _with_text(cite, _names(item.get("editor")) if kind == "chapter" else ())


def _text(value: Any, most: int = _LONGEST) -> str:
    """Plain text of one line; empty when there is none, or too much of it to be true."""
    if isinstance(value, list):
        value = next((part for part in value if part), "")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**9:
        value = str(value)
    if not isinstance(value, str) or len(value) > 20 * most:
        return ""
    # Registries escape once or twice.
    plain = _TAG.sub("", html.unescape(html.unescape(value)))
    plain = " ".join(clean(plain)[0].split())
    return plain if len(plain) <= most else ""


def _title(item: dict[str, Any]) -> str:
    title, more = _text(item.get("title")), _text(item.get("subtitle"))
    if not more or more.casefold() in title.casefold():
        return title
    whole = f"{title}{'' if title.endswith(('?', '!', ':')) else ':'} {more}"
    return whole if title and len(whole) <= _LONGEST else title


def _year(item: dict[str, Any]) -> str:
    for name in ("issued", "published-print", "published-online"):
        date = item.get(name)
        parts = date.get("date-parts") if isinstance(date, dict) else None
        first = parts[0] if isinstance(parts, list) and parts else None
        year = _text(first[0]) if isinstance(first, list) and first else ""
        if re.fullmatch(r"[12][0-9]{3}", year):
            return year
    return ""


def _names(people: Any) -> tuple[str, ...]:
    """All of *people* as ``Family, Given``; nobody when one cannot be told, for a cut list names wrongly."""
    if not isinstance(people, list) or len(people) > _MOST_AUTHORS:
        return ()
    names = tuple(_name(person) for person in people)
    return names if all(names) else ()


def _name(person: Any) -> str:
    if not isinstance(person, dict):
        return ""
    part = {key: _text(value, _LONGEST_NAME) for key, value in person.items() if isinstance(key, str)}
    family = " ".join(filter(None, (part.get("non-dropping-particle"), part.get("family"))))
    if not family:
        return part.get("literal") or part.get("name") or ""
    given = " ".join(filter(None, (part.get("given"), part.get("dropping-particle"))))
    return ", ".join(filter(None, (family, given, part.get("suffix") if given else "")))


def _with_text(cite: Citation, editors: tuple[str, ...]) -> Citation:
    """The work with a reference in the style of the APA, made of its facts."""
    parts = [
        " ".join(filter(None, (_authors(cite.authors), f"({cite.year or 'n.d.'})."))),
        _stopped(cite.title),
        _place(cite, editors),
        f"https://doi.org/{cite.doi}",
    ]
    return replace(cite, text=" ".join(filter(None, parts)))


def _place(cite: Citation, editors: tuple[str, ...]) -> str:
    """Where the work stands: its journal, its book or its publisher."""
    pages = re.sub(r"(?<=\w) ?[-\u2010\u2011\u2014] ?(?=\w)", "–", cite.pages)
    publisher = _stopped(cite.publisher)
    if cite.type == "chapter" and cite.container:
        names = [f"{_initials(given)} {family}".strip() for family, given in map(_parts, editors)]
        listed = " & ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""
        eds = f"{listed} ({'Ed.' if len(names) == 1 else 'Eds.'}), " if names else ""
        where = f"In {eds}{cite.container}"
        return " ".join(filter(None, (_stopped(f"{where} (pp. {pages})" if pages else where), publisher)))
    volume = cite.volume + (f"({cite.issue})" if cite.issue else "")
    journal = ", ".join(filter(None, (cite.container, volume, pages))) if cite.container else ""
    return " ".join(filter(None, (_stopped(journal), publisher)))


def _stopped(text: str) -> str:
    return text if not text or text.endswith((".", "?", "!")) else f"{text}."


def _authors(names: tuple[str, ...]) -> str:
    shown = [", ".join(filter(None, (family, _initials(given)))) for family, given in map(_parts, names)]
    if len(shown) > 20:  # APA, 7th edition, §9.8
        return f"{', '.join(shown[:19])}, … {shown[-1]}"
    return f"{', '.join(shown[:-1])}, & {shown[-1]}" if len(shown) > 1 else _stopped("".join(shown))


def _parts(name: str) -> tuple[str, str]:
    family, _, given = name.partition(", ")
    return family, given


def _initials(given: str) -> str:
    """``Giorgio A.`` as ``G. A.``, ``Jean-Paul`` as ``J.-P.``; what follows a comma stays."""
    given, comma, suffix = given.partition(", ")
    if re.fullmatch(r"[A-Z]{2,3}", given):
        given = " ".join(given)
    words = re.findall(r"[^\s.-][^\s.-]*|-", given)
    initials = " ".join("-" if word == "-" else f"{word[0].upper()}." for word in words)
    return initials.replace(" - ", "-").strip(" -") + comma + suffix
