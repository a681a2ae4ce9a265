"""Posts and cited works as files for reference managers: BibTeX, RIS and CSL-JSON.

People print what these files say, so the file of a study names our post in a note, never as its address.
Without a known title a work has its reference in square brackets, as cataloguers do, and a note says so.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from pprnet_feeds.content.model import Citation, Post, Site, doi_url
from pprnet_feeds.content.text import one_line
from pprnet_feeds.syndication import citations
from pprnet_feeds.syndication.channel import permalink, without_empty
from pprnet_feeds.syndication.entries import note
from pprnet_feeds.syndication.references import complete
from pprnet_feeds.syndication.selection import MONTHS

_BIBTEX_TYPES = {"article-journal": "article", "chapter": "incollection", "book": "book"}
_CONTAINERS = {"article": "journal", "incollection": "booktitle"}
# BibTeX counts a brace even after a backslash, so braces become commands.
_TEX_NAMES = {"\\": "backslash", "{": "braceleft", "}": "braceright", "~": "asciitilde", "^": "asciicircum"}
_TEX = str.maketrans(
    {sign: f"\\{sign}" for sign in "&%$#_"} | {sign: rf"{{\text{name}}}" for sign, name in _TEX_NAMES.items()}
)
# BibLaTeX and managers read DOI and address verbatim, so they are escaped as in an address.
_VERBATIM = str.maketrans({"\\": "%5C", "{": "%7B", "}": "%7D"})
# What BibTeX divides within a name, and characters that become commands, which readers stumble over.
_DIVIDED = re.compile(r"[,&%$#_{}~^\\]|(?:^|\s)and(?:\s|$)", re.IGNORECASE)

_RIS_TYPES = {
    "article-journal": "JOUR",
    "article-magazine": "MGZN",
    "article-newspaper": "NEWS",
    "book": "BOOK",
    "chapter": "CHAP",
    "dataset": "DATA",
    "paper-conference": "CPAPER",
    "post-weblog": "BLOG",
    "report": "RPRT",
    "thesis": "THES",
    "webpage": "ELEC",
}


@dataclass(frozen=True, slots=True)
class Work:
    """A cited work, or a post of ours, as a file names it.

    Attributes:
        key: ASCII letters, digits and hyphens, made of the post's permanent id as in the JSON feeds.
        notes: what else the file says of it, each on one line.
        date: year, month and perhaps day of our post, each with its zeros.
    """

    key: str
    citation: Citation
    title: str
    url: str
    notes: tuple[str, ...]
    date: tuple[str, ...] = ()
    language: str = ""
    issn: str = ""


def study_as_work(key: str, cite: Citation, post: str) -> Work:
    """A cited work; *post* is the permalink of the post that summarises it."""
    printed, notice = f"Reference as printed: {one_line(cite.text)}", cite.notice
    words = printed if cite.title else "No title is known; the reference is used instead."
    known = [f"This work {citations.became(notice)}. {doi_url(notice.doi)}".rstrip()] if notice else []
    return Work(key, cite, cite.title or f"[{cite.text}]", cite.link, (*known, f"Summary: {post}", words))


def works_of(posts: Iterable[Post], site: Site) -> Iterator[Work]:
    """The works that *posts* cite, completed from their references, in the posts' order."""
    for post in posts:
        for place, cite in enumerate(post.cites, 1):
            yield study_as_work(f"{post.id}-{place}", complete(cite), permalink(post, site))


def post_as_work(post: Post, site: Site) -> Work:
    """The post itself, with its reference in the style of the APA as its text."""
    # The day that people see, unless the ledger knows another month.
    date = tuple((post.date if post.date.startswith(post.issue) else post.issue)[:10].split("-"))
    cite = Citation(
        text="",
        doi=post.doi,
        url=permalink(post, site),
        title=post.title,
        authors=tuple(citations.person_name(author.name) for author in post.authors or (site.author,)),
        container=site.title,
        year=date[0],
        publisher=site.publisher.name,
        type="post-weblog",
    )
    cite = replace(cite, text=_apa(cite, date))
    notes, language = (note(post),), post.language or site.language
    return Work(post.id, cite, cite.title, cite.url, notes, date, language, site.publisher.issn)


def _apa(cite: Citation, date: tuple[str, ...]) -> str:
    """The reference of a post (APA, 7th edition, §10.1)."""
    day = f" {int(date[2])}" if date[2:] else ""
    parts = [citations.apa_list(cite.authors), f"({date[0]}, {MONTHS[int(date[1]) - 1]}{day})", cite.title]
    parts += [cite.container] if cite.container not in cite.authors else []
    ended = (part if part.endswith((".", "?", "!")) else f"{part}." for part in parts)
    return f"{' '.join(ended)} {cite.link}"


def _bibtex(work: Work) -> str:
    """An entry of a BibTeX database."""
    cite = work.citation
    entry = _BIBTEX_TYPES.get(citations.csl_type(cite), "misc")
    fields = {
        "author": " and ".join(_bibtex_name(author) for author in cite.authors),
        "title": _tex(work.title),
        _CONTAINERS.get(entry, "howpublished"): _tex(cite.container),
        "year": _tex(cite.year),
        "month": MONTHS[int(work.date[1]) - 1][:3].lower() if work.date else "",
        "volume": _tex(cite.volume),
        "number": _tex(cite.issue),
        "pages": "--".join(map(_tex, citations.page_ends(cite.pages))),
        "publisher": _tex(cite.publisher),
        "doi": one_line(cite.doi).translate(_VERBATIM),
        "url": one_line(work.url).translate(_VERBATIM),
        "issn": work.issn,
        "language": work.language,
        "pmid": _tex(cite.pmid),
        # Unlike `note` this is printed by no style.
        "annote": _tex(" ".join(work.notes)),
    }
    # The name of a month is a macro, which styles know.
    values = {name: value if name == "month" else f"{{{value}}}" for name, value in fields.items() if value}
    lines = ",\n".join(f"  {name} = {value}" for name, value in values.items())
    return f"@{entry}{{{work.key},\n{lines}\n}}\n"


def _tex(text: str) -> str:
    return one_line(text).translate(_TEX)


def _bibtex_name(author: str) -> str:
    """``Family, Suffix, Given``; a part that BibTeX would divide is in braces."""
    family, given, suffix = citations.name_of(author)
    if not given:
        return f"{{{_tex(family)}}}"
    return ", ".join(
        f"{{{_tex(part)}}}" if _DIVIDED.search(one_line(part)) else _tex(part)
        for part in (family, suffix, given)
        if part
    )


def _ris(work: Work) -> str:
    """A record of a RIS file, with the CR LF line ends that its readers expect."""
    cite = work.citation
    first, *last = citations.page_ends(cite.pages)
    lines = [
        ("TY", _RIS_TYPES.get(citations.csl_type(cite), "GEN")),
        ("ID", work.key),
        *(("AU", author) for author in cite.authors),
        ("PY", cite.year),
        ("DA", "/".join([*work.date, "", ""][:3]) + "/" if work.date else ""),
        ("TI", work.title),
        ("T2", cite.container),
        ("VL", cite.volume),
        ("IS", cite.issue),
        ("SP", first),
        ("EP", "".join(last)),
        ("PB", cite.publisher),
        ("DO", cite.doi),
        ("UR", work.url),
        ("AN", cite.pmid),
        ("SN", work.issn),
        ("LA", work.language),
        *(("N1", note) for note in work.notes),
    ]
    fields = [(tag, one_line(value)) for tag, value in lines]
    return "".join(f"{tag}  - {value}\r\n" for tag, value in fields if value) + "ER  - \r\n"


def _csl(work: Work) -> str:
    """An item of a CSL-JSON array (schema 1.0.2), on one line."""
    ours = {"title": work.title, "note": "\n".join(work.notes), "URL": work.url}
    item = citations.csl_item(work.citation, work.key) | ours | {"language": work.language, "ISSN": work.issn}
    if work.date:
        item["issued"] = {"date-parts": [list(map(int, work.date))]}
    return json.dumps(without_empty(item), ensure_ascii=False)


def render_works(works: Iterable[Work], form: str) -> bytes:
    """The file of *works* in one of the formats of reference managers, in UTF-8."""
    if form == "bib":
        text = "\n".join(map(_bibtex, works))
    elif form == "ris":
        text = "\r\n".join(map(_ris, works))
    else:
        items = ",\n".join(map(_csl, works))
        text = f"[\n{items}\n]\n" if items else "[]\n"
    return text.encode()
