"""The rules an RSS document of ours is held against.

RSS 2.0 (https://www.rssboard.org/rss-specification) says little, so the RSS
Advisory Board's Best Practices Profile
(https://www.rssboard.org/rss-profile) is obeyed as if it were part of it.
What RSS shares with Atom stands in `xml_rules`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from xml.etree.ElementTree import Element

from pprnet_feeds.syndication import xml_rules
from pprnet_feeds.syndication.html_rules import OPEN_TAG, html_findings
from pprnet_feeds.syndication.rules import Finding, Rule
from pprnet_feeds.syndication.shapes import (
    is_absolute,
    is_email,
    is_id,
    is_language,
    is_media_type,
    is_moment,
    rfc822_moment,
    words,
)
from pprnet_feeds.syndication.xml_rules import (
    AT,
    CONTENT,
    DC,
    count_findings,
    display_name,
    entries_of,
    holder_of,
    namespace,
    text_of,
)

_CHANNEL = words(
    "title link description language copyright managingEditor webMaster pubDate lastBuildDate category"
    " generator docs cloud ttl image rating textInput skipHours skipDays item"
)
_ITEM = words("title link description author category comments enclosure guid pubDate source")
_REPEATED = {"category", "item", "enclosure"}


def _places(root: Element) -> Iterator[tuple[str, Element]]:
    """Name and give the channel and every item."""
    yield "channel", holder_of(root)
    yield from entries_of(root)


def root_is_rss_2(root: Element) -> Iterator[Finding]:
    """The document is rss, version 2.0, with one channel (RSS 2.0 "What is RSS?")."""
    if root.tag != "rss" or root.get("version") != "2.0":
        yield Finding(display_name(root.tag), "is not `rss` of version 2.0", 'Write <rss version="2.0">.')
    yield from count_findings("rss", root, ["channel"], 1, 1)


def elements_are_known(root: Element) -> Iterator[Finding]:
    """What has no namespace is an element of RSS (RSS 2.0 "Extending RSS")."""
    for where, place in _places(root):
        known = _ITEM if place.tag == "item" else _CHANNEL
        for name in sorted({child.tag for child in place} - known):
            if not namespace(name):
                yield Finding(where, f"`{name}` is not an element of RSS", "Give it its own namespace.")


def required_elements_are_there(root: Element) -> Iterator[Finding]:
    """A channel has a title, a link and a description (RSS 2.0 "Required channel elements")."""
    yield from count_findings("channel", holder_of(root), ["title", "link", "description"], 1, 1)


def elements_are_not_repeated(root: Element) -> Iterator[Finding]:
    """All but category and item stand at most once, and of enclosures one (RSS Profile "Elements")."""
    for where, place in _places(root):
        names = _ITEM if place.tag == "item" else _CHANNEL - {"title", "link", "description"}
        yield from count_findings(where, place, sorted(names - _REPEATED), 0, 1)
        yield from count_findings(where, place, ["enclosure"], 0, 1)


def items_say_something(root: Element) -> Iterator[Finding]:
    """An item has a title or a description (RSS 2.0 "Elements of <item>")."""
    for where, item in entries_of(root):
        if not text_of(item.find("title")) and not text_of(item.find("description")):
            yield Finding(where, "neither `title` nor `description`", "Add the title of the post.")


def guids_are_ids(root: Element) -> Iterator[Finding]:
    """An item has a guid that is its permanent id and not a link (RSS Profile "guid")."""
    for where, item in entries_of(root):
        guid = item.find("guid")
        if guid is None:
            yield Finding(where, "no `guid`", "Add the permanent id.")
        elif not is_id(guid.text or ""):
            yield Finding(where, f"`guid` is not an id: {guid.text or ''!r}", "Write the permanent id.")
        elif guid.get("isPermaLink") != "false":
            yield Finding(where, "`guid` is taken for a link", 'Say isPermaLink="false".')


def guids_are_unique(root: Element) -> Iterator[Finding]:
    """No two items have one guid (RSS 2.0 "<guid> sub-element of <item>")."""
    first: dict[str, str] = {}
    for where, item in entries_of(root):
        guid = text_of(item.find("guid"))
        if guid and first.setdefault(guid, where) != where:
            yield Finding(where, f"has the guid of {first[guid]}: {guid!r}", "Give each item its own.")


def dates_are_moments(root: Element) -> Iterator[Finding]:
    """Dates are RFC 822 with four digits of year, the right weekday and +0000 (RSS Profile "pubDate")."""
    for where, place in _places(root):
        for name in ("pubDate", "lastBuildDate"):
            for element in place.findall(name):
                if rfc822_moment(element.text or "") is None:
                    mend = "Write it like Wed, 01 Dec 2021 17:00:00 +0000."
                    yield Finding(where, f"`{name}` is not such a date: {element.text or ''!r}", mend)


def build_date_is_the_newest(root: Element) -> Iterator[Finding]:
    """A channel is not older than what it holds (RSS 2.0 "lastBuildDate")."""
    channel = holder_of(root)
    built = rfc822_moment(text_of(channel.find("lastBuildDate")))
    if built is None:
        return
    for where, item in entries_of(root):
        published = rfc822_moment(text_of(item.find("pubDate")))
        if published is not None and built < published:
            yield Finding("channel", f"`lastBuildDate` is before `pubDate` of {where}", "Take the newest.")
    for tombstone in channel.findall(f"{AT}deleted-entry"):
        when = tombstone.get("when", "")
        if is_moment(when) and built < datetime.fromisoformat(when):
            yield Finding("channel", f"`lastBuildDate` is before a withdrawal, {when}", "Take the newest.")


def links_are_absolute(root: Element) -> Iterator[Finding]:
    """link, comments and docs are absolute addresses (RSS 2.0 "Comments", RSS Profile "URLs")."""
    for where, place in _places(root):
        for name in ("link", "comments", "docs"):
            for element in place.findall(name):
                if not is_absolute(text_of(element)):
                    yield Finding(
                        where, f"`{name}` is not absolute: {text_of(element)!r}", "Begin with https://."
                    )


def descriptions_are_plain(root: Element) -> Iterator[Finding]:
    """A description is plain text; markup goes to content:encoded (RSS Profile "description")."""
    for where, place in _places(root):
        if tag := OPEN_TAG.search(text_of(place.find("description"))):
            yield Finding(where, f"`description` holds {tag[0][:40]!r}", "Escape the text twice.")


def content_follows_a_description(root: Element) -> Iterator[Finding]:
    """content:encoded stands once, after a description (RSS Profile "content:encoded")."""
    for where, item in entries_of(root):
        yield from count_findings(where, item, ["encoded"], 0, 1, CONTENT)
        names = [child.tag for child in item]
        if f"{CONTENT}encoded" in names and "description" not in names[: names.index(f"{CONTENT}encoded")]:
            yield Finding(where, "`content:encoded` without a `description` before it", "Add the summary.")


def html_is_inert(root: Element) -> Iterator[Finding]:
    """content:encoded is complete, absolute and without scripts or styles (RSS Profile "content:encoded")."""
    for where, item in entries_of(root):
        for element in item.findall(f"{CONTENT}encoded"):
            yield from html_findings(f"{where} content:encoded", element.text or "")


def authors_are_addresses(root: Element) -> Iterator[Finding]:
    """author, managingEditor and webMaster are e-mail addresses, not names (RSS Profile "author")."""
    for where, place in _places(root):
        for name in ("author", "managingEditor", "webMaster"):
            for element in place.findall(name):
                if not is_email(text_of(element).partition(" (")[0]):
                    yield Finding(where, f"`{name}` is no e-mail: {text_of(element)!r}", "Use `dc:creator`.")


def names_are_not_empty(root: Element) -> Iterator[Finding]:
    """A category and a dc:creator have text (RSS 2.0 "<category> sub-element of <item>")."""
    for where, place in _places(root):
        for name in ("category", f"{DC}creator"):
            if any(not text_of(element) for element in place.findall(name)):
                yield Finding(where, f"an empty `{display_name(name)}`", "Write its text or take it out.")


def ttl_is_a_number(root: Element) -> Iterator[Finding]:
    """ttl is a number of minutes, at least one (RSS 2.0 "<ttl> sub-element of <channel>")."""
    for element in holder_of(root).findall("ttl"):
        minutes = text_of(element)
        if not (minutes.isascii() and minutes.isdigit() and minutes.strip("0")):
            yield Finding("channel", f"`ttl` is not a positive integer: {minutes!r}", "Write minutes.")


def language_is_a_tag(root: Element) -> Iterator[Finding]:
    """language is a language tag (RSS 2.0 "Optional channel elements")."""
    for element in holder_of(root).findall("language"):
        if not is_language(text_of(element)):
            yield Finding(
                "channel", f"`language` is no tag: {text_of(element)!r}", "Write one such as en-CA."
            )


def attachments_are_whole(root: Element) -> Iterator[Finding]:
    """Enclosures have url, length and type, a source url, an image its three (RSS Profile "enclosure")."""
    for where, item in entries_of(root):
        for name, needed in (("enclosure", ("url", "length", "type")), ("source", ("url",))):
            for element in item.findall(name):
                for attribute in needed:
                    if element.get(attribute) is None:
                        yield Finding(where, f"`{name}` without `{attribute}`", "Add it.")
                if name == "enclosure" and not is_media_type(element.get("type", "a/a")):
                    yield Finding(
                        where, f"`enclosure` has type {element.get('type')!r}", "Write a media type."
                    )
    for image in holder_of(root).findall("image"):
        yield from count_findings("channel image", image, ["url", "title", "link"], 1, 1)


RULES: tuple[Rule[Element], ...] = (
    root_is_rss_2,
    elements_are_known,
    required_elements_are_there,
    elements_are_not_repeated,
    items_say_something,
    guids_are_ids,
    guids_are_unique,
    dates_are_moments,
    build_date_is_the_newest,
    links_are_absolute,
    descriptions_are_plain,
    content_follows_a_description,
    html_is_inert,
    authors_are_addresses,
    names_are_not_empty,
    ttl_is_a_number,
    language_is_a_tag,
    attachments_are_whole,
    *xml_rules.RULES,
)
