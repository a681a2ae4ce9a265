"""The facts of a reference as it is printed, in the style of the APA.

Reference managers and feed readers want a study's authors, title and journal one
by one; editors paste a line of text. What that line says beyond doubt is read
out of it here, and the rest stays in the line: a study filed under a wrong name
is worse than one without a name. So every part must fit before it is believed,
and nothing is ever completed, corrected or abbreviated.

The time it takes is bounded for any text: no pattern can go back over what it
has read more than a fixed number of steps.
"""

from __future__ import annotations

import re
from dataclasses import replace

from pprnet_feeds.content.authorlist import are_editors, certain_names, read_authors
from pprnet_feeds.content.dois import doi_in
from pprnet_feeds.content.model import Citation
from pprnet_feeds.content.titles import ends, split, title_of

LONGEST = 5000
_TRAILERS = 8

_DATE = re.compile(
    r"\((?:(?P<year>1[5-9][0-9]{2}|20[0-9]{2})[a-z]?"
    r"(?:, [^\W\d_]{3,12}(?:[ –/-][^\W\d_]{3,12})?(?: [0-9]{1,2}(?:[–-][0-9]{1,2})?)?)?"
    r"|(?i:in press)|(?i:forthcoming)|n\. ?d\.|[0-9]{4}/[0-9]{4})\)[.,:]? ?"
)
_NUMBER = r"[A-Za-z]{0,3}[0-9]{1,7}(?:\.e?[0-9]{1,4})?"
_PAGES = rf"{_NUMBER}(?: ?[-–—\u2010\u2011] ?{_NUMBER})?"
_SUPPLEMENT = r"(?:Suppl(?:ement)?|Pt|Part|S)\.? ?[0-9A-Z]{0,3}"
_ISSUE = rf"(?:[0-9]{{1,3}}(?:[-–/][0-9]{{1,3}})?(?:,? ?{_SUPPLEMENT})?|{_SUPPLEMENT})"
# A number of four digits is a year unless an issue follows it.
_JOURNAL = re.compile(
    rf", (?:Vol\. ?)?(?P<volume>[0-9]{{1,3}}|[0-9]{{4}}(?= ?\())"
    rf"(?: ?\((?P<issue>{_ISSUE})\)|, No\. ?(?P<number>[0-9]{{1,3}}))?"
    rf"(?:[,:] ?(?:pp?\. ?|(?:Article|Art\.) (?:No\. ?)?)?(?P<pages>{_PAGES}))?\.?$"
)
_IN_BOOK = re.compile(
    r"(?:\.|(?<=[?!]))[”\"’]? In (?P<editors>[^()]{3,300}?),? \((?:Eds?|Hrsg)\.?\)[,.:]? (?P<book>.+)$"
)
_WHICH = r"\((?P<which>[^()]{0,20}\b(?:ed\.|edition|Vol\.|pp?\.)[^()]{0,40})\)"
_BOOK = re.compile(rf"(?P<title>[^()]{{3,250}}?) {_WHICH}\.? ?(?P<rest>.*)$")
_THESIS_KIND = r"(?:Unpublished )?(?:[Dd]octoral [Dd]issertation|[Mm]aster[’']s [Tt]hesis)"
_THESIS = re.compile(rf" [(\[]{_THESIS_KIND}(?:, (?P<school>[^,;()\[\]]{{3,100}}))?[)\]]")

# What follows the work itself: where it was found, and that it is not printed yet.
_ADDRESS = re.compile(r"\(?(?:doi:?)*(?:https?://|www\.|(?:dx\.)?doi\.org/|10\.[0-9]{4,9}/)", re.IGNORECASE)
_FOUND = re.compile(
    r"(?:^|(?<=[ .,;(]))(?:doi ?:?|https?://(?:dx\.)?doi\.org/|Retrieved(?: [^.()]{1,30})? from:?|"
    r"Available (?:at|from):?|PMC?ID:? ?(?:PMC)?[0-9]{1,9}|Chapter [0-9]{1,3}|"
    r"Original work published [0-9]{4})[.,;)]*$",
    re.IGNORECASE,
)
_ONLINE = re.compile(
    r"(?<![ .,(\[])[ .,(\[]+(?:Advanced? online publication|Epub ahead of print)[.,)\]]*$", re.IGNORECASE
)

_CONTAINER = re.compile(r"(?:(?:[A-Z]\.){2,4} )?[A-Z0-9][^.?!“”\"\[\];]{1,150}")
_NO_CONTAINER = re.compile(r"(?:In|Supplement|Suppl|Part|Series|Section|Vol|Special)\b")
_PRESS = re.compile(
    r"\b(?:Press|Publishing|Publishers|Publications|Books|Verlag|Wiley|Springer|Routledge|Guilford|Sage|SAGE|Elsevier|"
    r"Norton|Hogrefe|Karger|Blackwell)\b"
)
_PUBLISHER = re.compile(
    r"(?:[A-Z][^.:()0-9]{1,60}: ?)?(?P<name>[A-Z][^.,:;()\[\]0-9?!]{2,80})(?:, (?:Inc|LLC|Ltd))?\.?"
)
_NO_PUBLISHER = re.compile(
    r"(?:In|Reprint|Manuscript|Unpublished|Unprinted|Paper|Retrieved|Available|Advance|Chapter)"
)


def parse_reference(text: str) -> Citation:
    """What the reference *text* says beyond doubt; *text* itself is kept as it is.

    Authors, year, title, container, volume, issue, pages, publisher, DOI and
    type, each empty unless certain. Every fact stands in *text* as it is given
    here, but for white space, the case of the DOI, and the type, which tells
    what form the reference has.
    """
    if len(text) > LONGEST:
        return Citation(text)
    cite = Citation(text, doi=doi_in(text))
    found = _begin(text)
    if not found:
        return cite
    _, names, date, work = found
    cite = replace(cite, authors=names, year=date["year"] or "")
    work, online = _without_trailer(work)
    if work.startswith(("“", '"', "‘", "'")):
        return cite
    return _chapter(work, cite) or _thesis(work, cite) or _article(work, online, cite) or _book(work, cite)


def certain_authors(text: str) -> tuple[str, ...]:
    """The authors of a reference who are certain, also of a cut list; of an edited work its editors."""
    found = _begin(text) if len(text) <= LONGEST else None
    return certain_names(found[0]) if found else ()


def complete(citation: Citation) -> Citation:
    """*citation* with what it does not state filled in from its text.

    What is stated wins. Where it contradicts the text, the text speaks of
    something else from that part on: of another journal its volume and its
    pages tell nothing.
    """
    found = parse_reference(citation.text)
    facts = {name: getattr(citation, name) or getattr(found, name) for name in ("doi", "authors", "year")}
    for name in ("title", "container", "volume", "issue", "pages", "publisher", "type"):
        stated, read = getattr(citation, name), getattr(found, name)
        if stated and read and not _agree(stated, read, shortened=name == "title"):
            break
        facts[name] = stated or read
    return replace(citation, **facts)


def _begin(text: str) -> tuple[str, tuple[str, ...], re.Match[str], str] | None:
    """A reference's authors as printed and by name, its date, and what follows; None for no reference."""
    line = " ".join(text.split())
    date = _DATE.search(line)
    # A second date: two references in one text, or a work that speaks of another.
    if not date or _DATE.search(line, date.end()):
        return None
    authors = line[: date.start()]
    names = read_authors(authors)
    return None if names is None else (authors, names, date, line[date.end() :])


def _agree(one: str, other: str, *, shortened: bool) -> bool:
    """The same letters and digits; of a title its beginning is enough."""
    if one == other:
        return True
    one, other = ("".join(filter(str.isalnum, text.casefold().replace("&", "and"))) for text in (one, other))
    return one == other or (shortened and (one.startswith(other) or other.startswith(one)))


def _without_trailer(work: str) -> tuple[str, bool]:
    """The work without addresses and the like after it, and whether it is only online as yet."""
    online = False
    for _ in range(_TRAILERS):
        before = work
        rest, _, last = work.rpartition(" ")
        if _ADDRESS.match(last):
            work = rest.rstrip(" ,;(")
        for pattern in (_ONLINE, _FOUND):
            found = pattern.search(work)
            if found:
                online = online or pattern is _ONLINE
                work = work[: found.start()].rstrip(" ,;(")
        if work == before:
            break
    return work, online


def _chapter(work: str, cite: Citation) -> Citation | None:
    found = _IN_BOOK.search(work)
    if not found or not are_editors(found["editors"]):
        return None
    cite = replace(cite, title=title_of(work[: found.start()]), type="chapter")
    book = _BOOK.fullmatch(found["book"])
    if book:
        title, which, rest = book["title"], book["which"], book["rest"]
    else:
        title, _, rest = found["book"].partition(". ")
        which = ""
    if ends(title) or not rest or not _CONTAINER.fullmatch(title):
        return cite
    pages = re.search(rf"\bpp?\. ?({_PAGES})$", which)
    volume = re.search(r"\bVol\. ?([0-9]{1,3})\b", which)
    return replace(
        cite,
        container=title,
        pages=_pages(pages[1]) if pages else "",
        volume=volume[1] if volume else "",
        publisher=_publisher(rest) if book or _PRESS.search(rest) else "",
    )


def _thesis(work: str, cite: Citation) -> Citation | None:
    found = _THESIS.search(work)
    title = title_of(work[: found.start()]) if found else ""
    if not found or not title:
        return None
    return replace(cite, title=title, publisher=found["school"] or "", type="thesis")


def _article(work: str, online: bool, cite: Citation) -> Citation | None:
    found = _JOURNAL.search(work)
    if found and not (found["pages"] or found["issue"] or found["number"]):
        return None
    parts = split(work[: found.start()] if found else work.removesuffix("."))
    if not parts:
        return None
    title, container = parts
    if not found and not (online or re.search(r"\bJournal\b", container)):
        return None
    if not _CONTAINER.fullmatch(container) or _NO_CONTAINER.match(container):
        return None
    if not found and not re.fullmatch(r"[^0-9,()]+", container):
        return None
    part = found.groupdict("") if found else dict.fromkeys(("volume", "issue", "number", "pages"), "")
    return replace(
        cite,
        title=title,
        container=container,
        volume=part["volume"],
        issue=part["issue"] or part["number"],
        pages=_pages(part["pages"]),
        type="article-journal",
    )


def _book(work: str, cite: Citation) -> Citation:
    """A book, or something of which no more than the title is certain."""
    edition = _BOOK.fullmatch(work)
    if edition and not ends(edition["title"]):
        publisher = _publisher(edition["rest"])
        if publisher or not edition["rest"]:
            return replace(cite, title=title_of(edition["title"]), publisher=publisher, type="book")
        return cite
    found = ends(work)
    if len(found) != 1 or work[found[0][0]] != ".":
        return cite
    title, rest = title_of(work[: found[0][0]]), work[found[0][1] :]
    if title and _PRESS.search(rest) and _publisher(rest):
        return replace(cite, title=title, publisher=_publisher(rest), type="book")
    # After the title a full stop more, be it of an initial, may be the one that ends it.
    return cite if re.search(r"[.?!] ", rest) else replace(cite, title=title)


def _pages(text: str) -> str:
    return text.replace(" ", "")


def _publisher(text: str) -> str:
    found = _PUBLISHER.fullmatch(text)
    return found["name"].strip() if found and not _NO_PUBLISHER.match(found["name"]) else ""
