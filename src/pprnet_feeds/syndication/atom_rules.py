"""The rules an Atom document of ours is held against (RFC 4287).

What the specification asks for, and the few promises we add to it: ids are
unique in a document, moments are in UTC and whole seconds, HTML is inert.
What Atom shares with RSS stands in `xml_rules`.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from pprnet_feeds.syndication import xml_rules
from pprnet_feeds.syndication.html_rules import html_findings
from pprnet_feeds.syndication.rules import Finding, Rule
from pprnet_feeds.syndication.shapes import is_absolute, is_email, is_id, is_media_type, is_moment, words
from pprnet_feeds.syndication.xml_rules import (
    AT,
    ATOM,
    XHTML,
    count_findings,
    display_name,
    entries_of,
    namespace,
    text_of,
)

_ELEMENTS = words(
    "feed entry author category content contributor generator icon id link logo name published rights source"
    " subtitle summary title updated uri email"
)
_PERSONS = ("author", "contributor")
_FEED_ONLY = ("subtitle", "generator", "icon", "logo")
_ENTRY_ONLY = ("published", "summary", "content", "source")
_TEXTS = ("title", "subtitle", "summary", "rights")


def _places(root: Element) -> Iterator[tuple[str, Element]]:
    """Name and give the feed, every entry and every source."""
    yield "feed", root
    for where, entry in entries_of(root):
        yield where, entry
        for source in entry.findall(f"{ATOM}source"):
            yield f"{where} source", source


def root_is_a_feed(root: Element) -> Iterator[Finding]:
    """The document is a feed in the namespace of Atom (RFC 4287 §2, §4.1.1)."""
    if root.tag != f"{ATOM}feed":
        yield Finding(display_name(root.tag, ATOM), "is not `feed` of Atom", f"Declare {ATOM[1:-1]}.")


def elements_are_known(root: Element) -> Iterator[Finding]:
    """What stands in Atom's namespace is Atom, and nothing is without one (RFC 4287 §6.2)."""
    for element in root.iter():
        space, name = namespace(element.tag), display_name(element.tag, ATOM)
        if not space or (space == ATOM and name not in _ELEMENTS):
            yield Finding(name, "is not an element of Atom", "Take it out or give it its own namespace.")


def required_elements_are_there_once(root: Element) -> Iterator[Finding]:
    """A feed, entry or source has one id, one title and one updated (RFC 4287 §4.1.1, §4.1.2)."""
    for where, place in _places(root):
        yield from count_findings(where, place, ["id", "title", "updated"], 1, 1, ATOM)


def other_elements_are_not_repeated(root: Element) -> Iterator[Finding]:
    """What describes a feed or an entry stands there at most once (RFC 4287 §4.1.1, §4.1.2)."""
    for where, place in _places(root):
        names = _ENTRY_ONLY if place.tag == f"{ATOM}entry" else _FEED_ONLY
        yield from count_findings(where, place, ("rights", *names), 0, 1, ATOM)


def somebody_wrote_it(root: Element) -> Iterator[Finding]:
    """An author stands in the feed, or else in every entry or its source (RFC 4287 §4.1.1)."""
    author = f"{ATOM}author"
    if root.find(author) is None:
        for where, entry in entries_of(root):
            if entry.find(author) is None and entry.find(f"{ATOM}source/{author}") is None:
                yield Finding(where, "no `author`, and none in the feed", "Add an `author` to the feed.")


def ids_are_ids(root: Element) -> Iterator[Finding]:
    """An id is an absolute IRI, and a tag: URI obeys its grammar (RFC 4287 §4.2.6, RFC 4151 §2.1)."""
    for where, place in _places(root):
        for element in place.findall(f"{ATOM}id"):
            # Ids are compared character by character: white space around one makes another id.
            if not is_id(element.text or ""):
                mend = "Write one such as tag:example.org,2013:blog/post/a."
                yield Finding(where, f"`id` is not an id: {element.text or ''!r}", mend)


def ids_are_unique(root: Element) -> Iterator[Finding]:
    """No two entries of a document have one id (RFC 4287 §4.1.1 allows it for revisions; we do not)."""
    first: dict[str, str] = {}
    for where, entry in entries_of(root):
        name = text_of(entry.find(f"{ATOM}id"))
        if name and first.setdefault(name, where) != where:
            yield Finding(where, f"has the id of {first[name]}: {name!r}", "Give each entry its own id.")


def dates_are_moments(root: Element) -> Iterator[Finding]:
    """Dates are RFC 3339 with upper-case T and Z; ours in whole seconds (RFC 4287 §3.3)."""
    for where, place in _places(root):
        for name in ("updated", "published"):
            for element in place.findall(ATOM + name):
                if not is_moment(element.text or ""):
                    mend = "Write it in UTC, such as 2021-12-01T17:00:00Z."
                    yield Finding(where, f"`{name}` is not a moment: {element.text or ''!r}", mend)


def dates_are_in_order(root: Element) -> Iterator[Finding]:
    """An entry is not updated before it is published, nor later than its feed (RFC 4287 §4.2.15)."""
    updated = text_of(root.find(f"{ATOM}updated"))
    for where, entry in entries_of(root):
        published, changed = (text_of(entry.find(ATOM + name)) for name in ("published", "updated"))
        if is_moment(published) and is_moment(changed) and changed < published:
            yield Finding(where, f"updated {changed} before published {published}", "Update it later.")
        if is_moment(changed) and is_moment(updated) and updated < changed:
            yield Finding("feed", f"updated {updated} before {where}, {changed}", "Take the newest.")
    for tombstone in root.findall(f"{AT}deleted-entry"):
        if is_moment(when := tombstone.get("when", "")) and is_moment(updated) and updated < when:
            yield Finding("feed", f"updated {updated} before a withdrawal, {when}", "Take the newest.")


def alternates_differ(root: Element) -> Iterator[Finding]:
    """Alternate links of one place differ in type or language (RFC 4287 §4.1.1, §4.1.2)."""
    for where, place in _places(root):
        seen = set()
        for link in place.findall(f"{ATOM}link"):
            key = (link.get("type", ""), link.get("hreflang", ""))
            if link.get("rel", "alternate") == "alternate":
                if key in seen:
                    yield Finding(where, f"two alternate links of type {key[0]!r}", "Keep one.")
                seen.add(key)


def categories_have_terms(root: Element) -> Iterator[Finding]:
    """A category has a term (RFC 4287 §4.2.2.1)."""
    for where, place in _places(root):
        for category in place.findall(f"{ATOM}category"):
            if not category.get("term"):
                yield Finding(where, "a `category` without `term`", "Add the term.")


def text_constructs_have_a_type(root: Element) -> Iterator[Finding]:
    """Text is text or html without elements, or one xhtml:div (RFC 4287 §3.1.1)."""
    for where, place in _places(root):
        for name in _TEXTS:
            for element in place.findall(ATOM + name):
                if element.get("type", "text") not in {"text", "html", "xhtml"}:
                    yield Finding(where, f"`{name}` has type {element.get('type')!r}", "Use text or html.")
                else:
                    yield from _children(where, name, element)


def _children(where: str, name: str, element: Element) -> Iterator[Finding]:
    """Tell whether what stands inside a text construct or content contradicts its type."""
    kind, children = element.get("type", "text"), [child.tag for child in element]
    if kind in {"text", "html"} and children:
        yield Finding(where, f"`{name}` of type {kind} holds elements", "Escape the markup.")
    if kind == "xhtml" and children != [f"{XHTML}div"]:
        yield Finding(where, f"`{name}` of type xhtml is not one `xhtml:div`", "Wrap it in one.")


def content_is_what_its_type_says(root: Element) -> Iterator[Finding]:
    """Content stands inline by its type, or elsewhere with type and summary (RFC 4287 §4.1.2, §4.1.3)."""
    for where, entry in entries_of(root):
        for content in entry.findall(f"{ATOM}content"):
            kind = content.get("type", "text")
            yield from _children(where, "content", content)
            if kind not in {"text", "html", "xhtml"} and not is_media_type(kind):
                yield Finding(where, f"`content` has type {kind!r}", "Use html, or a media type.")
            if content.get("src") is not None:
                if entry.find(f"{ATOM}summary") is None:
                    yield Finding(where, "`content` stands elsewhere and there is no `summary`", "Add one.")
                if len(content) or text_of(content):
                    yield Finding(where, "`content` has `src` and is not empty", "Keep one of them.")


def entries_lead_somewhere(root: Element) -> Iterator[Finding]:
    """An entry without content has an alternate link (RFC 4287 §4.1.2)."""
    for where, entry in entries_of(root):
        rels = {link.get("rel", "alternate") for link in entry.findall(f"{ATOM}link")}
        if entry.find(f"{ATOM}content") is None and "alternate" not in rels:
            yield Finding(where, "neither `content` nor an alternate link", "Link to the permalink.")


def html_is_inert(root: Element) -> Iterator[Finding]:
    """HTML is complete, absolute and without scripts or styles (RFC 4287 §3.1.1.2, §8.1)."""
    for where, place in _places(root):
        for name in (*_TEXTS, "content"):
            for element in place.findall(ATOM + name):
                if element.get("type") == "html":
                    yield from html_findings(f"{where} {name}", element.text or "")


def persons_are_sound(root: Element) -> Iterator[Finding]:
    """A person has one name, and at most one uri and one email, in their shapes (RFC 4287 §3.2)."""
    for where, place in _places(root):
        for person in (child for kind in _PERSONS for child in place.findall(ATOM + kind)):
            here = f"{where} {display_name(person.tag, ATOM)}"
            yield from count_findings(here, person, ["name"], 1, 1, ATOM)
            yield from count_findings(here, person, ["uri", "email"], 0, 1, ATOM)
            name, uri, email = (person.find(ATOM + part) for part in ("name", "uri", "email"))
            if name is not None and not text_of(name):
                yield Finding(here, "`name` is empty", "Write the name.")
            if uri is not None and not is_absolute(text_of(uri)):
                yield Finding(here, f"`uri` is not absolute: {text_of(uri)!r}", "Begin with https://.")
            if email is not None and not is_email(text_of(email)):
                yield Finding(here, f"`email` is not an address: {text_of(email)!r}", "Correct it.")


def pictures_are_absolute(root: Element) -> Iterator[Finding]:
    """icon and logo are absolute addresses (RFC 4287 §4.2.5, §4.2.8)."""
    for where, place in _places(root):
        for name in ("icon", "logo"):
            for element in place.findall(ATOM + name):
                if not is_absolute(text_of(element)):
                    yield Finding(
                        where, f"`{name}` is not absolute: {text_of(element)!r}", "Begin with https://."
                    )


RULES: tuple[Rule[Element], ...] = (
    root_is_a_feed,
    elements_are_known,
    required_elements_are_there_once,
    other_elements_are_not_repeated,
    somebody_wrote_it,
    ids_are_ids,
    ids_are_unique,
    dates_are_moments,
    dates_are_in_order,
    alternates_differ,
    categories_have_terms,
    text_constructs_have_a_type,
    content_is_what_its_type_says,
    entries_lead_somewhere,
    html_is_inert,
    persons_are_sound,
    pictures_are_absolute,
    *xml_rules.RULES,
)
