"""The rules that Atom and RSS documents share, and the extensions both carry.

Paging (RFC 5005), tombstones (RFC 6721), Dublin Core, clean text and absolute
addresses mean the same in an Atom feed and in an RSS channel, so the rules are
told once, for the *holder*: `feed` in Atom, `channel` in RSS.

Elements come from the standard library's parser, an independent judge of what
another library wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from xml.etree.ElementTree import Element

from pprnet_feeds.syndication.rules import Finding, Rule
from pprnet_feeds.syndication.shapes import (
    SEEN,
    is_absolute,
    is_id,
    is_language,
    is_media_type,
    is_moment,
    unclean_character,
    words,
)

ATOM = "{http://www.w3.org/2005/Atom}"
XHTML = "{http://www.w3.org/1999/xhtml}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
DC = "{http://purl.org/dc/elements/1.1/}"
FH = "{http://purl.org/syndication/history/1.0}"
AT = "{http://purl.org/atompub/tombstones/1.0}"
XML = "{http://www.w3.org/XML/1998/namespace}"
PREFIXES = {
    ATOM: "atom",
    XHTML: "xhtml",
    CONTENT: "content",
    DC: "dc",
    FH: "fh",
    AT: "at",
    XML: "xml",
    "{http://prismstandard.org/namespaces/1.2/basic/}": "prism",
    "{http://prismstandard.org/namespaces/basic/2.0/}": "prism",
    "{http://prismstandard.org/namespaces/basic/2.1/}": "prism",
    "{http://prismstandard.org/namespaces/basic/3.0/}": "prism",
    "{http://search.yahoo.com/mrss/}": "media",
    "{http://webfeeds.org/rss/1.0}": "webfeeds",
}
_ADDRESSES = words("href scheme src uri url")
# https://www.iana.org/assignments/link-relations/, as far as a feed could mean them.
RELATIONS = words(
    "about alternate archives author canonical cite-as collection contents copyright current describedby edit"
    " enclosure first help hub icon index item last latest-version license next next-archive payment"
    " predecessor-version prev prev-archive previous privacy-policy related replies search self service start"
    " stylesheet successor-version tag up via"
)


@lru_cache(SEEN)
def namespace(name: str) -> str:
    """Give the namespace of a Clark *name* in its braces, or nothing."""
    return name[: name.find("}") + 1]


@lru_cache(SEEN)
def display_name(name: str, default: str = "") -> str:
    """Say a Clark *name* as one would type it; *default* is a namespace without a prefix."""
    space = namespace(name)
    local = name[len(space) :]
    return local if space in ("", default) else f"{PREFIXES.get(space, space)}:{local}"


def text_of(element: Element | None) -> str:
    """Give the text of *element* without the white space around it, or nothing."""
    return ((element.text or "") if element is not None else "").strip()


def count_findings(
    where: str, parent: Element, names: Iterable[str], least: int, most: int, space: str = ""
) -> Iterator[Finding]:
    """Tell which of the children *names* of *parent* stand there less or more often than allowed."""
    for name in names:
        found = len(parent.findall(space + name))
        if found < least:
            yield Finding(where, f"no `{name}`", f"Add a `{name}` element.")
        elif found > most:
            yield Finding(where, f"{found} `{name}` elements", f"Keep {most or 'none'}.")


def holder_of(root: Element) -> Element:
    """Give the element that stands for the feed: `channel` of RSS, else the root."""
    channel = root.find("channel")
    return root if channel is None else channel


def entries_of(root: Element) -> Iterator[tuple[str, Element]]:
    """Name and give every entry or item, counted from 1."""
    holder = holder_of(root)
    for kind in (f"{ATOM}entry", "item"):
        for number, entry in enumerate(holder.findall(kind), 1):
            yield f"{display_name(kind, ATOM)} {number}", entry


def namespaces_are_known(root: Element) -> Iterator[Finding]:
    """Extensions stand in their own namespaces, whose names are exact (Namespaces in XML §2.3)."""
    names = {name: None for element in root.iter() for name in (element.tag, *element.keys())}
    told = {"", *PREFIXES}
    for name in names:
        space = namespace(name)
        if space not in told:
            told.add(space)
            yield Finding(name[len(space) :], f"the namespace {space[1:-1]!r} is unknown", "Correct it.")


def text_is_clean(root: Element) -> Iterator[Finding]:
    """Text holds no control characters and no non-characters (XML 1.0 §2.2 and its note)."""
    for element in root.iter():
        for text in (element.text, element.tail, *element.attrib.values()):
            if text and (character := unclean_character(text)):
                mend = "Clean the text when the post is read."
                yield Finding(display_name(element.tag), f"holds {character}", mend)


def addresses_are_absolute(root: Element) -> Iterator[Finding]:
    """Every address is absolute: readers ignore xml:base (RFC 4287 §2, RSS Profile "URLs")."""
    for element in root.iter():
        where = display_name(element.tag)
        for name, address in element.attrib.items():
            if name in _ADDRESSES and not is_absolute(address):
                yield Finding(where, f"`{name}` is not absolute: {address[:80]!r}", "Write it in full.")
        if element.get(f"{XML}base") is not None:
            yield Finding(where, "`xml:base` is there", "Take it out and make the addresses absolute.")


def languages_have_their_shape(root: Element) -> Iterator[Finding]:
    """xml:lang and hreflang are language tags (RFC 4287 §2 and §4.2.7.4, RFC 5646 §2.1)."""
    for element in root.iter():
        for name in (f"{XML}lang", "hreflang"):
            language = element.get(name)
            if language is not None and not is_language(language):
                what = f"`{display_name(name)}` is not a language tag: {language!r}"
                yield Finding(display_name(element.tag), what, "Write a tag such as en or fr-CA.")


def links_are_sound(root: Element) -> Iterator[Finding]:
    """A link has an href, a registered or absolute rel and a media type as type (RFC 4287 §4.2.7)."""
    for link in root.iter(f"{ATOM}link"):
        rel, media_type = link.get("rel", "alternate"), link.get("type")
        where = f"link rel={rel!r}"
        if link.get("href") is None:
            yield Finding(where, "no `href`", "Add the address.")
        if rel not in RELATIONS and not is_absolute(rel):
            yield Finding(where, "the relation is not registered", "Use a name of the IANA registry.")
        if media_type is not None and not is_media_type(media_type):
            yield Finding(where, f"`type` is not a media type: {media_type!r}", "Write one.")


def feed_says_where_it_is(root: Element) -> Iterator[Finding]:
    """A feed has one self link with its type (RFC 4287 §4.1.1, RSS Profile "atom:link")."""
    holder = holder_of(root)
    found = [link for link in holder.findall(f"{ATOM}link") if link.get("rel") == "self"]
    where = display_name(holder.tag, ATOM)
    if len(found) != 1:
        yield Finding(where, f"{len(found)} links with rel='self'", "Keep one, with the canonical address.")
    if any(link.get("type") is None for link in found):
        yield Finding(where, "the self link has no `type`", "Add the media type of this document.")


def paging_is_sound(root: Element) -> Iterator[Finding]:
    """A feed is complete, or paged, or an archive that leads back to the current one (RFC 5005 §2, §4)."""
    holder = holder_of(root)
    rels = [link.get("rel") for link in holder.findall(f"{ATOM}link")]
    complete, archive = (holder.find(f"{FH}{name}") is not None for name in ("complete", "archive"))
    where = display_name(holder.tag, ATOM)
    if complete and archive:
        yield Finding(where, "both `fh:complete` and `fh:archive`", "Keep the one that is true.")
    if complete and "prev-archive" in rels:
        yield Finding(where, "`fh:complete` beside a `prev-archive` link", "Take one of them out.")
    if archive and "current" not in rels:
        yield Finding(where, "`fh:archive` without a `current` link", "Link to the subscription document.")
    for rel in ("current", "prev-archive", "next-archive"):
        if rels.count(rel) > 1:
            yield Finding(where, f"{rels.count(rel)} links with rel={rel!r}", "Keep one.")


def tombstones_are_sound(root: Element) -> Iterator[Finding]:
    """A tombstone has an IRI as ref and a date as when, and its entry is gone (RFC 6721 §3)."""
    holder = holder_of(root)
    entries = (entry for _, entry in entries_of(root))
    present = {text_of(entry.find(f"{ATOM}id")) or text_of(entry.find("guid")) for entry in entries}
    for number, tombstone in enumerate(holder.findall(f"{AT}deleted-entry"), 1):
        where, ref = f"at:deleted-entry {number}", tombstone.get("ref", "")
        if not is_id(ref):
            yield Finding(where, f"`ref` is not an id: {ref!r}", "Write the id of the withdrawn entry.")
        elif ref in present:
            yield Finding(where, f"the entry is still there: {ref!r}", "Keep the entry or its tombstone.")
        if not is_moment(tombstone.get("when", "")):
            mend = "Write the moment of the withdrawal in UTC, such as 2021-12-01T17:00:00Z."
            yield Finding(where, f"`when` is not a moment: {tombstone.get('when', '')!r}", mend)


def identifier_is_single(root: Element) -> Iterator[Finding]:
    """An entry has at most one dc:identifier: reference managers take the DOI from one (DCMES §3)."""
    for where, entry in entries_of(root):
        yield from count_findings(where, entry, ["identifier"], 0, 1, DC)


RULES: tuple[Rule[Element], ...] = (
    namespaces_are_known,
    text_is_clean,
    addresses_are_absolute,
    languages_have_their_shape,
    links_are_sound,
    feed_says_where_it_is,
    paging_is_sound,
    tombstones_are_sound,
    identifier_is_single,
)
