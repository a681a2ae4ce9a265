"""The rules a subscription list is held against (OPML 2.0, http://opml.org/spec2.opml).

A reader imports the list once and keeps every address in it for years, so
each stands there once, whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from pprnet_feeds.syndication.rules import Finding, Rule
from pprnet_feeds.syndication.shapes import is_absolute, rfc822_moment
from pprnet_feeds.syndication.xml_rules import count_findings, display_name, text_is_clean, text_of


def _outlines(root: Element) -> Iterator[tuple[str, Element]]:
    for number, outline in enumerate(root.iter("outline"), 1):
        yield f"outline {number}", outline


def root_is_opml_2(root: Element) -> Iterator[Finding]:
    """The document is opml, version 2.0, with one head and one body (OPML 2.0 "What is a <opml>?")."""
    if root.tag != "opml" or root.get("version") != "2.0":
        yield Finding(
            display_name(root.tag), "is not `opml` of version 2.0", 'Begin with <opml version="2.0">.'
        )
    yield from count_findings("opml", root, ["head", "body"], 1, 1)


def head_has_a_title(root: Element) -> Iterator[Finding]:
    """The head has a title (OPML 2.0 "What is a <head>?")."""
    for head in root.findall("head"):
        if not text_of(head.find("title")):
            yield Finding("head", "no `title`", "Add the name of the list.")


def head_dates_are_moments(root: Element) -> Iterator[Finding]:
    """Dates are RFC 822 with a four-digit year, right weekday and +0000 (OPML 2.0 "What is a <head>?")."""
    for name in ("dateCreated", "dateModified"):
        for element in root.findall(f"head/{name}"):
            if rfc822_moment(element.text or "") is None:
                mend = "Write it like Wed, 01 Dec 2021 17:00:00 +0000."
                yield Finding("head", f"`{name}` is not such a date: {element.text or ''!r}", mend)


def body_holds_outlines(root: Element) -> Iterator[Finding]:
    """The body holds at least one outline (OPML 2.0 "What is a <body>?")."""
    for body in root.findall("body"):
        if body.find("outline") is None:
            yield Finding("body", "no `outline`", "List at least the main feed.")


def outlines_have_text(root: Element) -> Iterator[Finding]:
    """An outline has a text (OPML 2.0 "Text attribute")."""
    for where, outline in _outlines(root):
        if not (outline.get("text") or "").strip():
            yield Finding(where, "no `text`", "Add the name of the feed or group.")


def feeds_have_addresses(root: Element) -> Iterator[Finding]:
    """An outline of type rss has an absolute xmlUrl, and no other has one (OPML 2.0 "Subscription lists")."""
    for where, outline in _outlines(root):
        address = outline.get("xmlUrl")
        if outline.get("type") == "rss" and not is_absolute(address or ""):
            yield Finding(where, f"`xmlUrl` is not absolute: {address or ''!r}", "Write the feed's address.")
        elif outline.get("type") != "rss" and address is not None:
            yield Finding(where, "`xmlUrl` without type='rss'", "Add the type: readers skip it otherwise.")
        if not is_absolute(outline.get("htmlUrl", "a:b")):
            yield Finding(
                where, f"`htmlUrl` is not absolute: {outline.get('htmlUrl')!r}", "Begin with https://."
            )


def feeds_are_listed_once(root: Element) -> Iterator[Finding]:
    """Each feed stands once in the list (our own rule: readers subscribe twice otherwise)."""
    first: dict[str, str] = {}
    for where, outline in _outlines(root):
        address = outline.get("xmlUrl")
        if address and first.setdefault(address, where) != where:
            yield Finding(where, f"has the feed of {first[address]}: {address!r}", "Keep one of them.")


RULES: tuple[Rule[Element], ...] = (
    root_is_opml_2,
    head_has_a_title,
    head_dates_are_moments,
    body_holds_outlines,
    outlines_have_text,
    feeds_have_addresses,
    feeds_are_listed_once,
    text_is_clean,
)
