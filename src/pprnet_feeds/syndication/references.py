"""The facts of a reference as it is printed, in the style of the APA.

Editors paste a line of text; programs want a study's authors, title and journal one by one. Only what
the line says beyond doubt is read: a study filed under a wrong name is worse than one without a name.
The time is bounded for any text: no pattern can go back over what it has read more than a fixed number of
steps.
"""

import re
from dataclasses import replace
from functools import lru_cache

from pprnet_feeds.content.model import Citation
from pprnet_feeds.content.text import doi_in

LONGEST = 5000
_TRAILERS = 8

_DATE = re.compile(
    r"\((?:(?P<year>1[5-9][0-9]{2}|20[0-9]{2})[a-z]?"
    r"(?:, [^\W\d_]{3,12}(?:[ –/-][^\W\d_]{3,12})?(?: [0-9]{1,2}(?:[–-][0-9]{1,2})?)?)?"
    r"|(?i:in press)|(?i:forthcoming)|n\. ?d\.|[0-9]{4}/[0-9]{4})\)[.,:]? ?"
)
_NUMBER = r"[A-Za-z]{0,3}[0-9]{1,7}(?:\.e?[0-9]{1,4})?"
_PAGES = rf"{_NUMBER}(?: ?(?:[-–—\u2010\u2011\u2212]|--) ?{_NUMBER})?"
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

# After a comma a number is the volume or the edition.
_CONTAINER = re.compile(r"(?![^.]*,[^.,]*[0-9])(?:(?:[A-Z]\.){2,4} )?[A-Z0-9][^.?!“”\"\[\];]{1,150}")
# Words at the end of a publisher's name: "SAGE Open" is a journal and "Springer Nature Blog" a blog.
_PRESS = re.compile(
    r"\b(?<!Review of )(?<!Associated )(?<!Canadian )(?:Press|Publishing|Publishers|Publications|Books|Verlag"
    r"|Wiley|Springer|Routledge|Guilford|Sage|SAGE|Elsevier|Norton|Hogrefe|Karger|Blackwell)(?:[ /]"
    r"(?:&|and|Sons|Company|Group|Academic|Science|Business|Media|International|Nature|Taylor|Francis))*$"
)
_PUBLISHER = re.compile(
    r"(?P<name>(?:[A-Z][^.:()0-9]{1,60}: ?)?[A-Z][^.,:;()\[\]0-9?!]{2,80})(?:, (?:Inc|LLC|Ltd))?\.?"
)
# What begins what is neither a journal nor a publisher.
_NEITHER = re.compile(
    r"(?:In|Supplement|Suppl|Part|Series|Section|Vol|Special|Reprint(?:ed)?|Manuscript|Unpublished|Unprinted|"
    r"Paper|Poster|Submitted|Retrieved|Available|Advance|Chapter)\b"
)
# A day or a month beside the year: a newspaper, a magazine, or what is only online as yet.
_DAY = re.compile(r"\([0-9]{4}[a-z]?, ")


def parse_reference(text: str) -> Citation:
    """What *text* says beyond doubt, as it says it but for white space and the case of the DOI."""
    cite = Citation(text, doi=doi_in(text) if len(text) <= LONGEST else "")
    authors, year, work = _begin(text)
    names = _certain_names(authors)
    if not names:
        return cite
    is_whole = not _CUT.search(authors) and not _EDITORS.search(authors.strip())
    cite = replace(cite, authors=names if is_whole else (), year=year)
    work, online = _without_trailer(work)
    if work.startswith(("“", '"', "‘", "'")):
        return cite
    return _chapter(work, cite) or _thesis(work, cite) or _article(work, online, cite) or _book(work, cite)


def certain_authors(text: str, stated: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The authors of a reference, else of *stated*, who are certain; of an edited work its editors."""
    return _certain_names(_begin(text)[0]) or _certain_names("; ".join(stated))


@lru_cache(1024)
def complete(citation: Citation) -> Citation:
    """*citation* with what it does not state filled in from its text.

    What is stated wins. From where it contradicts the text, the text is of something else. The cache, of
    about a megabyte, saves a quarter of a start at 350 posts: each post is in several feeds.
    """
    found = parse_reference(citation.text)
    facts = {name: getattr(citation, name) or getattr(found, name) for name in ("doi", "year")}
    facts["authors"] = _one_by_one(citation.authors) or found.authors
    for name in ("title", "container", "volume", "issue", "pages", "publisher", "type"):
        stated, read = getattr(citation, name), getattr(found, name)
        if stated and read and not _agree(stated, read, shortened=name == "title"):
            break
        facts[name] = stated or read
    return replace(citation, **facts)


def _begin(text: str) -> tuple[str, str, str]:
    """A reference's authors as printed, its year, and what follows its date; all empty for no reference."""
    line = " ".join(text.split()) if len(text) <= LONGEST else ""
    date = _DATE.search(line)
    # A second date: two references in one text, or a work about another work.
    if not date or _DATE.search(line, date.end()):
        return "", "", ""
    return line[: date.start()], date["year"] or "", line[date.end() :]


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
            if found := pattern.search(work):
                online = online or pattern is _ONLINE
                work = work[: found.start()].rstrip(" ,;(")
        if work == before:
            break
    return work, online


def _chapter(work: str, cite: Citation) -> Citation | None:
    found = _IN_BOOK.search(work)
    if not found or "[Special" in found["book"] or not _names(found["editors"].rstrip(" ,"), _INITIALS_FIRST):
        return None
    cite = replace(cite, title=_title_of(work[: found.start()]), type="chapter")
    title, _, rest = found["book"].partition(". ")
    which = ""
    if book := _BOOK.fullmatch(found["book"]):
        title, which, rest = book["title"], book["which"], book["rest"]
    if _sentence_ends(title) or not rest or not _CONTAINER.fullmatch(title) or _NO_TITLE.search(title):
        return cite
    pages, publisher = re.search(rf"\bpp?\. ?({_PAGES})$", which), _publisher(rest)
    volume = re.search(r"\bVol\. ?([0-9]{1,3})\b", which)
    return replace(
        cite,
        container=title,
        pages=pages[1].replace(" ", "") if pages else "",
        volume=volume[1] if volume else "",
        publisher=publisher if book or _PRESS.search(publisher) else "",
    )


def _thesis(work: str, cite: Citation) -> Citation | None:
    found = _THESIS.search(work)
    if not found or not (title := _title_of(work[: found.start()])):
        return None
    return replace(cite, title=title, publisher=found["school"] or "", type="thesis")


def _article(work: str, online: bool, cite: Citation) -> Citation | None:
    found = _JOURNAL.search(work)
    if found and not (found["pages"] or found["issue"] or found["number"]):
        return None
    title, container = _title_and_container(work[: found.start()] if found else work.removesuffix("."))
    if not _CONTAINER.fullmatch(container) or _NEITHER.match(container):
        return None
    is_named = online or re.search(r"\bJournal\b", container)
    if not found and not (is_named and re.fullmatch(r"[^0-9,()]+", container)):
        return None
    part = found.groupdict("") if found else dict.fromkeys(("volume", "issue", "number", "pages"), "")
    return replace(
        cite,
        title=title,
        container=container,
        volume=part["volume"],
        issue=part["issue"] or part["number"],
        pages=part["pages"].replace(" ", ""),
        type="article-journal" if found or online or not _DAY.search(cite.text) else "",
    )


def _book(work: str, cite: Citation) -> Citation:
    """A book, or something of which no more than the title is certain."""
    edition = _BOOK.fullmatch(work)
    if edition and not _sentence_ends(edition["title"]):
        publisher = _publisher(edition["rest"])
        if publisher or not edition["rest"]:
            return replace(cite, title=_title_of(edition["title"]), publisher=publisher, type="book")
        return cite
    found = _sentence_ends(work)
    if len(found) != 1 or work[found[0][0]] != ".":
        return cite
    title, rest = _title_of(work[: found[0][0]]), work[found[0][1] :]
    if title and _PRESS.search(publisher := _publisher(rest)) and not _DAY.search(cite.text):
        # What is remarked on may be a film, a report or a test.
        kind = "book" if work.startswith(f"{title}.") else ""
        return replace(cite, title=title, publisher=publisher, type=kind)
    # Another full stop after the title, even of an initial, may be the one that ends it.
    return cite if re.search(r"[.?!] ", rest) else replace(cite, title=title)


def _publisher(text: str) -> str:
    found = _PUBLISHER.fullmatch(text)
    # "Routledge: London" has its place at the end.
    place, _, name = found["name"].rpartition(":") if found else ("", "", "")
    is_reversed = _PRESS.search(place) and not _PRESS.search(name)
    return "" if is_reversed or _NEITHER.match(name.strip()) else name.strip()


# Titles

_SENTENCE_END = re.compile(r"[.?!][)\]”\"’]? (?=\S)")
# A remark on the work after its title: a description, its number, translator, editor or edition.
_REMARK = r"(?:No|Trans|[Ee]ds?|Vols?|Aufl)\.|[Ee]d(?:itio)?n\b|Version [0-9]|Retraction published"
_REMARKS = re.compile(rf"(?: \[[^\[\]]{{1,200}}\]| \([^()]{{0,99}}\b(?:{_REMARK})[^()]{{0,40}}\))+$")
# An edition or pages that a comma divides from the title, marks for italics, an open parenthesis.
_NO_TITLE = re.compile(r"(?i:,[^,]*\b(?:pp?|eds?|edition|vols?)\b[^,]*$)|(?:^|\s)[*_]|</?[a-z]+>|\([^)]*$")
_ABBREVIATIONS = frozenset(
    "vs dr st mr mrs ms prof no vol pp ed eds al etc cf e.g i.e jr sr rev suppl u.s u.k".split()
)


def _title_and_container(text: str) -> tuple[str, str]:
    """A title and the name of what it is in; empty in doubt. Only questions may end within a title."""
    found = _sentence_ends(text)
    stops = [end for end in found if text[end[0]] == "."]
    if not found or len(stops) > 1 or (stops and stops[0] != found[-1]):
        return "", ""
    mark, after = found[-1]
    # A quotation mark after the full stop belongs to the title, with its full stop.
    title = _title_of(text[: mark + (text[mark] != ".")] if after - mark == 2 else text[: after - 1])
    return title, text[after:] if title else ""


def _sentence_ends(text: str) -> list[tuple[int, int]]:
    """Where sentences end within *text*: the place of each mark, and of what follows it."""
    found = []
    for end in _SENTENCE_END.finditer(text):
        word = text[max(0, end.start() - 20) : end.start()].rpartition(" ")[2].lstrip("([“\"'’")
        # A capital alone is an initial, and after a short form the sentence goes on.
        short = text[end.start()] == "." and (len(word) == 1 or word.lower() in _ABBREVIATIONS)
        if not short and not text[end.end()].islower():
            found.append((end.start(), end.end()))
    return found


def _title_of(text: str) -> str:
    """A title without its full stop and without remarks; empty when nothing certain is left."""
    title = _REMARKS.sub("", text.strip().removesuffix(".").strip())
    return title if re.search(r"[^\W\d_]{2}", title) and not _NO_TITLE.search(title) else ""


# Authors

_LETTER = r"[^\W\d_]"
_WORD = rf"{_LETTER}(?:{_LETTER}|[\u0300-\u036f'’\u02bc\u2010\u2011-])*"
_FAMILY = rf"{_WORD}(?: {_WORD}){{0,4}}"
_INITIAL = rf"{_LETTER}{{1,2}}(?:[\u2010\u2011-]{_LETTER}{{1,2}})?\."
_INITIALS = rf"{_INITIAL}(?: ?[\u2010\u2011-]? ?{_INITIAL}){{0,5}}"
_SUFFIX = r"(?:, (?:Jr|Sr)\.|, (?:II|III|IV)(?![^\W_]))?"
_FAMILY_FIRST = re.compile(rf"(?P<family>{_FAMILY}), ?(?P<given>{_INITIALS}){_SUFFIX}")
_INITIALS_FIRST = re.compile(rf"(?P<given>{_INITIALS}) ?(?P<family>{_FAMILY})")
# As PubMed prints it: ``Lind K, de Jong BA``.
_PUBMED = re.compile(r"(?P<family>(?:[a-z]{1,4} ){0,3}[\w'’\u2010-]{2,40}) (?P<given>[A-Z]{1,3})(?=[,;]|$)")
_PUBMED_INITIALS = re.compile(r"(?<!,) ([A-Z]{1,3})$")
_BETWEEN = re.compile(r" ?[,;]? ?(?:& ?|and )|[,;] ?")
_UNSPACED = re.compile(r"^([^,]*),(?! )")
_INITIAL_LIKE = re.compile(rf"{_LETTER}+\.?")
_CUT = re.compile(r"\bet al\b|…|\.\.\.|\. \. \.|(?:^|[;&] ?|\band )(?:others|colleagues)\b")
_EDITORS = re.compile(r" ?\((?:Eds?|Hrsg)\.?\)[.,]?$")

# Words that are in no family name: two names, or none, were taken for one.
_NO_NAME = frozenset("and et al with the of for in on by und eds ed".split())
_NO_INITIALS = frozenset({"Jr.", "Sr.", "Ed.", "Dr.", "Co."})

# What an institution is called by its head word, before the first "of", "for", "on" or "in".
_SMALL = frozenset("of for on in and the de des du et y für und zu".split())
_HEADS = frozenset(
    "Academy Agency Association Board Bureau Center Centre Collaboration College Commission Committee "
    "Consortium Council Department Federation Force Foundation Group Institute Institutes Ministry Network "
    "Office Organisation Organization Service Society University".split()
)


def _certain_names(text: str) -> tuple[str, ...]:
    """The names of a list such as ``Lind, K., & de Jong, B.-A.`` that are certain; empty for no such list.

    Of a list that is cut or names editors, too. An institution is named as it is printed.
    """
    text = text.strip()
    cut = _CUT.search(text)
    if not cut:
        return _names(_EDITORS.sub("", text).rstrip(" ,"), _FAMILY_FIRST) or institution(text) or ()
    # What follows the cut ("….Ott, P.") ends the list if it is a name.
    first = _names(text[: cut.start()].rstrip(" ,;&[("), _FAMILY_FIRST)
    last = _names(text[cut.end() :].lstrip(" ,;&.…])").rstrip(" ,"), _FAMILY_FIRST)
    return first and first + last


def _one_by_one(stated: tuple[str, ...]) -> tuple[str, ...]:
    """The names that front matter states; empty for a list that is cut.

    One may be several, and without quotation marks YAML makes two of ``[Lind, K.]``.
    """
    whole = () if _CUT.search("; ".join(stated)) else stated
    plain = [each.removeprefix("& ").removeprefix("and ") for each in whole]
    text = ", ".join(plain)
    if names := _names(text, _FAMILY_FIRST):
        return names
    if len(names := _names(text, _PUBMED)) > 1:  # one alone may be "Mind UK"
        return tuple(_PUBMED_INITIALS.sub(lambda found: f", {'. '.join(found[1])}.", name) for name in names)
    return tuple(name for each in plain for name in _names(each, _FAMILY_FIRST) or (each,))


def _names(text: str, form: re.Pattern[str]) -> tuple[str, ...]:
    """The names of a list, each in this *form*; empty when anything else is in it."""
    names, place = [], 0
    while (name := form.match(text, place)) and _sound(name["family"], name["given"]):
        names.append(_UNSPACED.sub(r"\1, ", name[0]))
        if name.end() == len(text):
            return tuple(names)
        if not (between := _BETWEEN.match(text, name.end())):
            break
        place = between.end()
    return ()


def _sound(family: str, given: str) -> bool:
    """A family name has a capital and no words of a sentence; initials are capitals."""
    if not any(letter.isupper() for letter in family) or not _NO_NAME.isdisjoint(family.lower().split()):
        return False
    initials = _INITIAL_LIKE.findall(given)
    return not any(initial in _NO_INITIALS or initial[0].islower() for initial in initials)


def institution(text: str) -> tuple[str, ...] | None:
    """*text* when it is certainly the name of an institution."""
    name = text.removesuffix(".")
    words = name.removeprefix("The ").split()
    if not 2 <= len(words) <= 12 or not re.fullmatch(rf"{_WORD}(?: (?:{_WORD}|&))+", name):
        return None
    if not all(word in _SMALL or word == "&" or word[0].isupper() for word in words):
        return None
    first_small = next((place for place, word in enumerate(words) if word in _SMALL - {"and"}), len(words))
    return (name,) if first_small and words[first_small - 1] in _HEADS else None
