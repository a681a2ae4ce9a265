"""Cited works as files for reference managers: BibTeX, RIS and CSL-JSON.

Somebody who reads a summary wants the study in Zotero, EndNote or a manuscript
with one click, and will print what we say of it. So the files hold what is
known of the study and nothing of ours in its place: our post is named in a
note, never as the address of the study.

A work without a known title would be a blank line in every manager, and our
post's title would be a false one. It is filed under the reference as printed in
square brackets, the cataloguer's mark for words that are not the work's own, and
a note says so.

The same works give the same bytes. A value never holds a line break.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pprnet_feeds.content.model import Citation, Post, Site
from pprnet_feeds.content.text import one_line
from pprnet_feeds.syndication.channel import permalink
from pprnet_feeds.syndication.citations import Name, csl, kind, name_of, page_ends
from pprnet_feeds.syndication.references import complete

MEDIA_TYPES: Mapping[str, str] = {
    "bib": "application/x-bibtex",
    "ris": "application/x-research-info-systems",
    "csl.json": "application/vnd.citationstyles.csl+json",
}

_BIBTEX_TYPES = {"article-journal": "article", "chapter": "incollection", "book": "book"}
_CONTAINERS = {"article": "journal", "incollection": "booktitle"}
# A brace is counted by BibTeX even after a backslash, so none may stand for itself.
_TEX = str.maketrans(
    {sign: f"\\{sign}" for sign in "&%$#_"}
    | {
        "\\": r"{\textbackslash}",
        "{": r"{\textbraceleft}",
        "}": r"{\textbraceright}",
        "~": r"{\textasciitilde}",
        "^": r"{\textasciicircum}",
    }
)
# DOI and address are taken as they are by BibLaTeX and by managers: escaped as in an address instead.
_VERBATIM = str.maketrans({"\\": "%5C", "{": "%7B", "}": "%7D"})

_RIS_TYPES = {
    "article-journal": "JOUR",
    "article-magazine": "MGZN",
    "article-newspaper": "NEWS",
    "book": "BOOK",
    "chapter": "CHAP",
    "dataset": "DATA",
    "paper-conference": "CPAPER",
    "report": "RPRT",
    "thesis": "THES",
    "webpage": "ELEC",
}


@dataclass(frozen=True, slots=True)
class Work:
    """A cited work as a file names it.

    Attributes:
        key: ASCII letters, digits and hyphens; the same for ever.
        citation: what is known of it.
        post: the permalink of the post that summarises it.
    """

    key: str
    citation: Citation
    post: str

    @property
    def title(self) -> str:
        """The title; where it is not known, the reference as printed in square brackets."""
        return self.citation.title or f"[{self.citation.text}]"

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the file should know besides, each on one line."""
        if self.citation.title:
            told = f"Reference as printed: {one_line(self.citation.text)}"
        else:
            told = "No title is known; the reference stands in its place."
        return f"Summary: {self.post}", told


def works_of(posts: Iterable[Post], site: Site) -> Iterator[Work]:
    """The works that *posts* cite, completed from their references, in the posts' order.

    Keys are made of the posts' permanent ids, as in the JSON feeds.
    """
    for post in posts:
        for place, cite in enumerate(post.cites, 1):
            yield Work(f"{post.id}-{place}", complete(cite), permalink(post, site))


def _bibtex(work: Work) -> str:
    """An entry of a BibTeX database."""
    cite = work.citation
    entry = _BIBTEX_TYPES.get(kind(cite), "misc")
    fields = {
        "author": " and ".join(_bibtex_name(name_of(author)) for author in cite.authors),
        "title": _tex(work.title),
        _CONTAINERS.get(entry, "howpublished"): _tex(cite.container),
        "year": _tex(cite.year),
        "volume": _tex(cite.volume),
        "number": _tex(cite.issue),
        "pages": "--".join(map(_tex, page_ends(cite.pages))),
        "publisher": _tex(cite.publisher),
        "doi": one_line(cite.doi).translate(_VERBATIM),
        "url": one_line(cite.link).translate(_VERBATIM),
        "pmid": _tex(cite.pmid),
        # Unlike `note` this is printed by no style.
        "annote": _tex(" ".join(work.notes)),
    }
    lines = (f"  {name} = {{{value}}}" for name, value in fields.items() if value)
    return f"@{entry}{{{work.key},\n" + ",\n".join(lines) + "\n}\n"


def _tex(text: str) -> str:
    return one_line(text).translate(_TEX)


def _bibtex_name(name: Name) -> str:
    """``Family, Suffix, Given``; what BibTeX would divide stands in braces."""
    if not name.given:
        return f"{{{_tex(name.family)}}}"
    return ", ".join(_held(part) for part in (name.family, name.suffix, name.given) if part)


def _held(part: str) -> str:
    # Readers stumble over a name that begins with a backslash, too.
    whole = re.search(r"[,&%$#_{}~^\\]|(?:^|\s)and(?:\s|$)", one_line(part), re.IGNORECASE)
    return f"{{{_tex(part)}}}" if whole else _tex(part)


def _ris(work: Work) -> str:
    """A record of a RIS file, with the CR LF line ends that its readers expect."""
    cite = work.citation
    first, *last = page_ends(cite.pages)
    lines = [
        ("TY", _RIS_TYPES.get(kind(cite), "GEN")),
        ("ID", work.key),
        *(("AU", author) for author in cite.authors),
        ("PY", cite.year),
        ("TI", work.title),
        ("T2", cite.container),
        ("VL", cite.volume),
        ("IS", cite.issue),
        ("SP", first),
        ("EP", "".join(last)),
        ("PB", cite.publisher),
        ("DO", cite.doi),
        ("UR", cite.link),
        ("AN", cite.pmid),
        *(("N1", note) for note in work.notes),
    ]
    told = ((tag, one_line(value)) for tag, value in lines)
    return "".join(f"{tag}  - {value}\r\n" for tag, value in told if value) + "ER  - \r\n"


def _csl(work: Work) -> str:
    """An item of a CSL-JSON array (schema 1.0.2), on one line."""
    item = csl(work.citation, work.key) | {"title": work.title, "note": "\n".join(work.notes)}
    return json.dumps(item, ensure_ascii=False)


def draw(works: Iterable[Work], form: str) -> bytes:
    """The file of *works* in a format, one of `MEDIA_TYPES`, in UTF-8."""
    parts = [_DRAW[form](work) for work in works]
    text = _BETWEEN[form].join(parts)
    if form == "csl.json":
        text = f"[\n{text}\n]\n" if parts else "[]\n"
    return text.encode()


_BETWEEN = {"bib": "\n", "ris": "\r\n", "csl.json": ",\n"}
_DRAW: Mapping[str, Callable[[Work], str]] = {"bib": _bibtex, "ris": _ris, "csl.json": _csl}
