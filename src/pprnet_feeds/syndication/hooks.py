"""What feedgen leaves out of Atom and RSS, and what it gets wrong.

feedgen calls these hooks with the finished element of a feed or an entry. They
add the links RSS loses, one `dc:creator` a person, an entry's own citation in Dublin
Core and PRISM, a word to people who open a feed in a browser; and they mend the
dates, which feedgen writes through the process's locale.

feedgen makes Atom elements without a namespace, under a literal `xmlns`: what is
added to Atom in its own namespace is therefore made without one, too.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from lxml import etree

from pprnet_feeds.syndication.channel import Channel, Entry, rfc3339
from pprnet_feeds.syndication.citations import page_ends

ATOM = "http://www.w3.org/2005/Atom"
XHTML = "http://www.w3.org/1999/xhtml"
NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "prism": "http://prismstandard.org/namespaces/basic/2.0/",
    "media": "http://search.yahoo.com/mrss/",
    "fh": "http://purl.org/syndication/history/1.0",
    "at": "http://purl.org/atompub/tombstones/1.0",
}
STYLE_SHEET = "feed.css"

# Some readers take RSS's titles and descriptions for text, others for HTML. Only what HTML
# would take for a tag or an entity is escaped for it; the rest both kinds read alike.
_MISREAD = re.compile(r"<(?=[A-Za-z/!?])|&(?=#?[A-Za-z0-9]+;)")


class FeedHook:
    """What feedgen leaves out of a feed. *el* is the root of the document."""

    channel: Channel

    def extend_ns(self) -> dict[str, str]:
        """Name the namespaces of the whole document."""
        return NAMESPACES

    def extend_atom(self, el: Any) -> Any:
        """Complete the `<feed>`."""
        _style(el, self.channel)
        el.insert(0, _explanation(self.channel))
        # feedgen has it last for RSS; some readers take the first link for the home page.
        el.find("link").addprevious(el.find("link[@rel='alternate']"))
        _zulu(el)
        _history(el, self.channel)
        for deletion in self.channel.deletions:
            names = {"ref": deletion.id, "when": rfc3339(deletion.when)}
            deleted = etree.SubElement(el, f"{{{NAMESPACES['at']}}}deleted-entry", names)
            if deletion.comment:
                _add(deleted, "at", "comment", deletion.comment)
        return el

    def extend_rss(self, el: Any) -> Any:
        """Complete the `<rss>` and its channel."""
        _style(el, self.channel)
        channel = el[0]
        channel.insert(0, _explanation(self.channel))
        for author in channel.findall("author"):
            channel.remove(author)
        built = etree.Element("lastBuildDate")
        built.text = rfc822(self.channel.updated)
        channel.find("language").addnext(built)
        # feedgen keeps only rel="self" (RSS Best Practices Profile, "atom:link").
        for hub in self.channel.hubs:
            etree.SubElement(channel, f"{{{ATOM}}}link", rel="hub", href=hub)
        if self.channel.licence:
            etree.SubElement(channel, f"{{{ATOM}}}link", rel="license", href=self.channel.licence)
        for relation, address in self.channel.history("rss"):
            etree.SubElement(channel, f"{{{ATOM}}}link", rel=relation, href=address)
        etree.SubElement(channel, f"{{{ATOM}}}id").text = self.channel.id
        _history(channel, self.channel)
        return el


class EntryHook:
    """What feedgen leaves out of an entry. *el* is the finished `<entry>` or `<item>`."""

    entry: Entry
    source: Channel | None

    def extend_atom(self, el: Any) -> Any:
        """Complete the `<entry>`."""
        published = etree.Element("published")
        published.text = rfc3339(self.entry.published)
        el.find("updated").addnext(published)
        _zulu(el)
        # feedgen's entry links lose every attribute but the address.
        alternate = el.find("link")
        alternate.set("rel", "alternate")
        alternate.set("type", "text/html")
        for address, title in reversed(self.entry.related):
            alternate.addnext(etree.Element("link", rel="related", href=address, title=title))
        if self.source:
            el.append(_source(self.source))
        _scholarly(el, self.entry)
        return el

    def extend_rss(self, el: Any) -> Any:
        """Complete the `<item>`."""
        for name in ("title", "description"):
            text = el.find(name)
            text.text = _MISREAD.sub(lambda match: "&lt;" if match[0] == "<" else "&amp;", text.text)
        # RSS's own <author> wants an e-mail address; readers take dc:creator, one a person.
        for author in el.findall("author"):
            el.remove(author)
        # Common parsers make an object of a category with an attribute, and their users break on it.
        for category in el.findall("category"):
            category.attrib.clear()
        etree.SubElement(el, "pubDate").text = rfc822(self.entry.published)
        if not self.entry.study:  # Zotero would take it for the study's date
            etree.SubElement(el, f"{{{ATOM}}}updated").text = rfc3339(self.entry.updated)
        for person in self.entry.authors:
            _add(el, "dc", "creator", person.name)
        _scholarly(el, self.entry)
        return el


def _history(el: Any, channel: Channel) -> None:
    """Tell whether the document is the whole feed or a piece of its archive (RFC 5005 §2, §4)."""
    if channel.complete:
        etree.SubElement(el, f"{{{NAMESPACES['fh']}}}complete")
    if channel.current:
        etree.SubElement(el, f"{{{NAMESPACES['fh']}}}archive")


def _source(channel: Channel) -> Any:
    """Where an entry of a feed that somebody put together comes from (RFC 4287 §4.2.11).

    Without its `updated`, which would change the entry with every other post.
    """
    source = etree.Element("source")
    etree.SubElement(source, "id").text = channel.id
    etree.SubElement(source, "title").text = channel.title
    etree.SubElement(source, "link", rel="self", href=channel.address("atom"))
    return source


def _scholarly(el: Any, entry: Entry) -> None:
    """What the entry itself is in Dublin Core and PRISM, and its picture in Media RSS.

    Reference managers take each of these for the entry's own. So of an entry
    that is our account of a study they say nothing of the study.
    """
    _add(el, "prism", "publicationName", entry.study.container if entry.study else entry.publication)
    if study := entry.study:
        _add(el, "dc", "identifier", f"doi:{study.doi}" if study.doi else "")
        _add(el, "dc", "publisher", study.publisher)
        _add(el, "dc", "date", study.year)
        _add(el, "prism", "publicationDate", study.year)
        _add(el, "prism", "doi", study.doi)
        _add(el, "prism", "volume", study.volume)
        _add(el, "prism", "number", study.issue)
        first, *last = page_ends(study.pages)
        if last:  # Zotero reads the range only where neither is there
            _add(el, "prism", "startingPage", first)
            _add(el, "prism", "endingPage", *last)
        _add(el, "prism", "pageRange", study.pages)
    if entry.image:
        sizes = {"width": entry.image.width, "height": entry.image.height}
        size = {name: str(value) for name, value in sizes.items() if value}
        tag = f"{{{NAMESPACES['media']}}}content"
        media = etree.SubElement(el, tag, {"url": entry.image.url, "medium": "image", **size})
        if entry.image.alt:
            _add(media, "media", "description", entry.image.alt)
        thumbnail = {"url": entry.image.url, **size}
        etree.SubElement(el, f"{{{NAMESPACES['media']}}}thumbnail", thumbnail)


def _add(el: Any, prefix: str, name: str, text: str) -> None:
    if text:
        etree.SubElement(el, f"{{{NAMESPACES[prefix]}}}{name}").text = text


def _style(root: Any, channel: Channel) -> None:
    """Name the style sheet that makes the document readable in a browser."""
    sheet = f'type="text/css" href="{channel.subscribe_page}{STYLE_SHEET}"'
    root.addprevious(etree.ProcessingInstruction("xml-stylesheet", sheet))


def _explanation(channel: Channel) -> Any:
    """A word to a person who opened the feed in a browser; readers ignore foreign markup (RFC 4287 §6)."""
    div = etree.Element(f"{{{XHTML}}}div", nsmap={None: XHTML})  # type: ignore[dict-item]  # the stubs know no default namespace
    div.text = "This is a feed. Copy its address into a feed reader to be told of new posts. "
    link = etree.SubElement(div, f"{{{XHTML}}}a", href=channel.subscribe_page)
    link.text = "What is a feed, and which others are there?"
    return div


def _zulu(el: Any) -> None:
    """Write UTC as Z, which every reader takes, instead of feedgen's +00:00 (RFC 3339 §4.2)."""
    updated = el.find("updated")
    updated.text = updated.text.replace("+00:00", "Z")


def rfc822(moment: datetime) -> str:
    """*moment* as ``Wed, 01 Dec 2021 17:00:00 +0000`` (RFC 822 §5, with four digits for the year)."""
    return format_datetime(moment.astimezone(UTC))
