"""The rules for a document of ours that a grammar cannot express.

A rule takes a document that its grammar accepted, and yields what breaks it.
`judges.faults` applies them all.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from typing import Any

import html5lib

from htmljudge import _inactive

SPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "at": "http://purl.org/atompub/tombstones/1.0",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "fh": "http://purl.org/syndication/history/1.0",
}
# Control characters but for tab and line ends, halves of pairs, and the non-characters of every plane.
_UNCLEAN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    + "]"
)
_OPEN_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--")
_ACTIVE = set("applet base embed form frame frameset iframe link math meta object script style svg".split())
_ABSOLUTE = re.compile(r"(https?://[^/?#\s]|mailto:|tel:)\S*")
Found = Iterator[str]


@dataclass
class Document:
    """What the formats have in common. An entry is its id, its dates (the older first) and its HTML."""

    form: str
    root: Any  # the root element, or the value of JSON
    address: str
    updated: str = ""
    itself: list[str] = field(default_factory=list)
    entries: list[tuple[str, list[str], list[str]]] = field(default_factory=list)
    gone: list[tuple[str, str]] = field(default_factory=list)

    def find(self, path: str) -> list[Any]:
        """What an XPath finds; nothing in JSON."""
        return list(self.root.xpath(path, namespaces=SPACES)) if hasattr(self.root, "xpath") else []


def _moment(text: str) -> datetime | None:
    """Read a date of either kind; None when there is no such day, or it is another weekday."""
    try:
        if text.endswith("Z"):
            return datetime.fromisoformat(text)
        moment = parsedate_to_datetime(text.replace("+0000", "-0000"))
        return parsedate_to_datetime(text) if format_datetime(moment)[:-5] == text[:-5] else None
    except ValueError:
        return None


def ids_are_unique(document: Document) -> Found:
    """No two entries have one id, and no entry that is there is withdrawn (RFC 6721 §3)."""
    ids = [id for id, *_ in document.entries] + [id for id, _ in document.gone]
    yield from (id for id, count in Counter(ids).items() if count > 1)


def dates_exist(document: Document) -> Found:
    """A date is one of the calendar and has its weekday (RFC 3339 §5.7, RFC 822 §5.2)."""
    dates = [date for _, dates, _ in document.entries for date in dates] + [document.updated]
    yield from (date for date in dates if date and not _moment(date))


def dates_are_in_order(document: Document) -> Found:
    """Nothing is updated before it is published, or after its feed (RFC 4287 §4.2.15)."""
    for dates in [dates for _, dates, _ in document.entries] + [[when] for _, when in document.gone]:
        moments = [moment for date in (*dates, document.updated) if (moment := _moment(date))]
        if moments != sorted(moments):
            yield f"{dates} in a feed of {document.updated}"


def self_link_is_the_address(document: Document) -> Found:
    """A feed has one self link, with its type, which is its address (RFC 4287 §4.1.1)."""
    if document.updated and document.itself != [document.address or (document.itself or [""])[0]]:
        yield f"{document.itself} at {document.address}"


def archive_links_agree(document: Document) -> Found:
    """A feed is complete, or its archives lead back from it and to it (RFC 5005 §2, §4)."""
    count = Counter(document.find("(. | channel)/atom:link/@rel"))
    complete, archive = (bool(document.find(f"(. | channel)/fh:{name}")) for name in ("complete", "archive"))
    leading = ("current", "prev-archive", "next-archive")
    if any(count[rel] > 1 for rel in leading) or archive != bool(count["current"]):
        yield f"{dict(count)}, an archive: {archive}"
    if complete and any(count[rel] for rel in leading):
        yield f"{dict(count)} in a complete feed"
    if document.form == "json" and document.root.get("next_url") == document.root["feed_url"]:
        yield "next_url is feed_url"


def alternate_link_is_the_first(document: Document) -> Found:
    """A feed and an entry have one alternate link, and some readers take the first (RFC 4287 §4.1.1)."""
    for place in document.find("descendant-or-self::atom:feed | atom:entry"):
        rels = place.xpath("atom:link/@rel", namespaces=SPACES)
        if rels[0] != "alternate" or rels.count("alternate") > 1:
            yield f"{rels}"


def source_is_single(document: Document) -> Found:
    """An entry has at most one dc:source."""
    yield from (second.text for second in document.find("//dc:source[2]"))


def categories_have_no_domain(document: Document) -> Found:
    """Common parsers make an object of an RSS category with an attribute, and their users break on it."""
    yield from document.find("//category/@domain")


def descriptions_are_plain(document: Document) -> Found:
    """A description of RSS is plain text; markup goes to content:encoded (RSS Profile)."""
    yield from (tag for text in document.find("//description/text()") for tag in _OPEN_TAG.findall(text))


def text_is_clean(document: Document) -> Found:
    """Text holds no control characters, non-characters or halves of pairs (RFC 7493 §2.1)."""
    texts = document.find("//text() | //@*") or list(_texts(document.root))
    yield from (f"U+{ord(found[0]):04X}" for text in texts if (found := _UNCLEAN.search(text)))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        parts = value if isinstance(value, list) else [part for pair in value.items() for part in pair]
        yield from (text for part in parts for text in _texts(part))


def feeds_are_listed_once(document: Document) -> Found:
    """A reader that imports a list subscribes to every address in it."""
    yield from (url for url, count in Counter(document.find("//outline/@xmlUrl")).items() if count > 1)


def html_is_inert(document: Document) -> Found:
    """HTML is well nested, absolute, and without scripts and styles (RFC 4287 §3.1.1.2, §8.1)."""
    yield from (found for *_, html in document.entries for text in html for found in html_faults(text))


@lru_cache(512)
def html_faults(html: str) -> tuple[str, ...]:
    """What is wrong with a fragment of HTML, wherever it is shown."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    elements = list(parser.parseFragment(html).iter())
    active = [f"<{element.tag}>" for element in elements if element.tag in _ACTIVE]
    relative = [
        f"{name}={value[:60]!r}"
        for element in elements
        for name, value in element.attrib.items()
        if name in ("action", "cite", "href", "poster", "src", "srcset") and not _ABSOLUTE.match(value)
    ]
    return (*(code for _, code, _ in parser.errors), *_inactive(elements[0]), *active, *relative)


RULES: tuple[Callable[[Document], Found], ...] = (
    *(ids_are_unique, dates_exist, dates_are_in_order, self_link_is_the_address, archive_links_agree),
    *(alternate_link_is_the_first, source_is_single, categories_have_no_domain, descriptions_are_plain),
    *(text_is_clean, feeds_are_listed_once, html_is_inert),
)
