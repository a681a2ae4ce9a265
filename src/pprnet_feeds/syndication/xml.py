"""Channels and entries as Atom 1.0 (RFC 4287) and RSS 2.0, through feedgen.

Two extensions of feedgen complete the elements that it makes, without a namespace in Atom, as feedgen
makes them. Dates are set here: feedgen takes them from the clock, and writes them through the locale.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from feedgen.feed import FeedGenerator
from lxml import etree

from pprnet_feeds.content.model import Person
from pprnet_feeds.syndication.channel import Channel, Entry, rfc3339
from pprnet_feeds.syndication.citations import page_ends
from pprnet_feeds.syndication.urls import FORMATS

GENERATOR = "pprnet-feeds"
STYLE_SHEET = "feed.css"
XHTML = "http://www.w3.org/1999/xhtml"
NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "prism": "http://prismstandard.org/namespaces/basic/2.0/",
    "media": "http://search.yahoo.com/mrss/",
    "fh": "http://purl.org/syndication/history/1.0",
    "at": "http://purl.org/atompub/tombstones/1.0",
    "webfeeds": "http://webfeeds.org/rss/1.0",
}
_URIS = NAMESPACES | {"atom": "http://www.w3.org/2005/Atom"}

# Some readers take RSS's titles and descriptions for text, others for HTML. Only what HTML
# would take for a tag or an entity is escaped for it; the rest both kinds read alike.
_MISREAD = re.compile(r"<(?=[A-Za-z/!?])|&(?=#?[A-Za-z0-9]+;)")


def render_xml(channel: Channel, form: str, entries: Iterable[Entry], source: Channel | None = None) -> bytes:
    """A document as ``atom`` or ``rss``. *source* is the feed that each entry of a combination names."""
    feed = FeedGenerator()
    feed.register_extension("ours", FeedExtension, EntryExtension)
    feed.ours.channel = channel
    feed.id(channel.id)
    feed.title(channel.title)
    feed.subtitle(channel.subtitle)
    feed.updated(channel.updated)
    feed._FeedGenerator__rss_lastBuildDate = None
    feed.author(_person(channel.site.author))
    feed.language(channel.site.language)
    feed.icon(channel.icon)
    feed.logo(channel.logo)
    feed.generator(GENERATOR)
    feed.docs("https://www.rssboard.org/rss-specification")
    feed.ttl(max(1, channel.site.cache.max_age // 60))
    if channel.site.rights:
        feed.rights(channel.site.rights)
    feed.link(rel="self", href=channel.address(form), type=FORMATS[form])
    for relation, address in _links(channel, form):
        feed.link(rel=relation, href=address)
    # The last link given becomes the <link> of RSS, whatever its rel.
    feed.link(rel="alternate", href=channel.home_page, type="text/html")
    for entry in entries:
        element = feed.add_entry(order="append")
        ours = element.ours
        ours.entry, ours.channel, ours.source = entry, channel, source
        element.id(entry.id)
        element.title(entry.title)
        element.updated(entry.updated)
        element.author([_person(author) for author in entry.authors])
        element.category([category._asdict() for category in entry.categories])
        element.link(rel="alternate", href=entry.url, type="text/html")
        if entry.html:
            element.content(entry.html, type="html")
        element.summary(entry.summary, type="text")
    rendered: bytes = feed.atom_str(pretty=True) if form == "atom" else feed.rss_str(pretty=True)
    return rendered


class FeedExtension:
    """What feedgen leaves out of a feed. *el* is the root of the document."""

    channel: Channel

    def extend_ns(self) -> dict[str, str]:
        """Name the namespaces of the whole document."""
        return NAMESPACES

    def extend_atom(self, el: Any) -> Any:
        """Complete the `<feed>`."""
        self._begin(el, el)
        # feedgen has it last for RSS; some readers take the first link for the home page.
        el.find("link").addprevious(el.find("link[@rel='alternate']"))
        _use_z(el)
        self._mark_archive(el)
        for deletion in self.channel.deletions:
            deleted = _add(el, "at:deleted-entry", ref=deletion.id, when=rfc3339(deletion.when))
            if deletion.comment:
                _add(deleted, "at:comment", deletion.comment)
        return el

    def extend_rss(self, el: Any) -> Any:
        """Complete the `<rss>` and its channel."""
        channel = el[0]
        self._begin(el, channel)
        etree.strip_elements(channel, "author")
        built = etree.Element("lastBuildDate")
        built.text = rfc822(self.channel.updated)
        channel.find("language").addnext(built)
        # feedgen has only rel="self" in RSS (RSS Best Practices Profile, "atom:link").
        for relation, address in _links(self.channel, "rss"):
            _add(channel, "atom:link", rel=relation, href=address)
        _add(channel, "atom:id", self.channel.id)
        # What Feedly shows a feed with.
        _add(channel, "webfeeds:icon", self.channel.icon)
        if self.channel.site.logo:
            _add(channel, "webfeeds:logo", self.channel.logo)
        if self.channel.site.accent:
            _add(channel, "webfeeds:accentColor", self.channel.site.accent[1:])
        self._mark_archive(channel)
        return el

    def _begin(self, root: Any, parent: Any) -> None:
        """Make the document readable for a person who opens it in a browser."""
        home = self.channel.subscribe_page
        sheet = f'type="text/css" href="{home}{STYLE_SHEET}"'
        root.addprevious(etree.ProcessingInstruction("xml-stylesheet", sheet))
        # Readers ignore foreign markup (RFC 4287 §6).
        div = etree.Element(f"{{{XHTML}}}div", nsmap={None: XHTML})  # type: ignore[dict-item]  # the stubs know no default namespace
        div.text = "This is a feed. Copy its address into a feed reader to be told of new posts. "
        links = {self.channel.home_page: "Open the posts as a page."}
        links |= {home: "What is a feed, and which others are there?"}
        for address, text in links.items():
            if len(div):
                div[-1].tail = " "
            etree.SubElement(div, f"{{{XHTML}}}a", href=address).text = text
        parent.insert(0, div)

    def _mark_archive(self, el: Any) -> None:
        """Say whether the document is the whole feed or a part of its archive (RFC 5005 §2, §4)."""
        if self.channel.complete:
            _add(el, "fh:complete")
        if "current" in self.channel.documents:
            _add(el, "fh:archive")


class EntryExtension:
    """What feedgen leaves out of an entry. *el* is the finished `<entry>` or `<item>`."""

    entry: Entry
    channel: Channel
    source: Channel | None

    def extend_atom(self, el: Any) -> Any:
        """Complete the `<entry>`."""
        if self.entry.language:
            el.set("{http://www.w3.org/XML/1998/namespace}lang", self.entry.language)
        published = etree.Element("published")
        published.text = rfc3339(self.entry.published)
        el.find("updated").addnext(published)
        _use_z(el)
        # feedgen's entry links lose every attribute but the address.
        alternate = el.find("link")
        alternate.attrib.update({"rel": "alternate", "type": "text/html"})
        for address, title in reversed(self.entry.related):
            alternate.addnext(etree.Element("link", rel="related", href=address, title=title))
        if self.source:
            # RFC 4287 §4.2.11, without its `updated`, which would change the entry with every other post.
            source = _add(el, "source")
            _add(source, "id", self.source.id)
            _add(source, "title", self.source.title)
            _add(source, "link", rel="self", href=self.source.address("atom"))
        self._describe(el)
        return el

    def extend_rss(self, el: Any) -> Any:
        """Complete the `<item>`."""
        for name in ("title", "description"):
            text = el.find(name)
            text.text = _MISREAD.sub(lambda match: "&lt;" if match[0] == "<" else "&amp;", text.text)
        # RSS's own <author> wants an e-mail address; readers take dc:creator, one for each person.
        etree.strip_elements(el, "author")
        # Common parsers make an object of a category with an attribute, and their users break on it.
        etree.strip_attributes(el, "domain")
        _add(el, "pubDate", rfc822(self.entry.published))
        if not self.entry.study:  # Zotero would take it for the study's date
            _add(el, "atom:updated", rfc3339(self.entry.updated))
        for person in self.entry.authors:
            _add(el, "dc:creator", person.name)
        if self.entry.language:
            _add(el, "dc:language", self.entry.language)
        self._describe(el)
        return el

    def _describe(self, el: Any) -> None:
        """What the entry itself is, for reference managers, and its picture; nothing of a post's study."""
        study = self.entry.study
        doi = study.doi if study else self.entry.doi
        facts = {
            "prism:publicationName": study.container if study else self.channel.site.title,
            "dc:identifier": f"doi:{doi}" if doi else "",
            "prism:doi": doi,
        }
        if study:
            first, *last = page_ends(study.pages)
            facts |= {
                "dc:publisher": study.publisher,
                "dc:date": study.year,
                "prism:publicationDate": study.year,
                "prism:volume": study.volume,
                "prism:number": study.issue,
                # Zotero reads the range only where neither is there.
                "prism:startingPage": first if last else "",
                "prism:endingPage": "".join(last),
                "prism:pageRange": study.pages,
            }
        for name, text in facts.items():
            if text:
                _add(el, name, text)
        if image := self.entry.image:
            sizes = {"width": image.width, "height": image.height}
            size = {name: str(value) for name, value in sizes.items() if value}
            media = _add(el, "media:content", url=image.url, medium="image", **size)
            if image.alt:
                _add(media, "media:description", image.alt)
            _add(el, "media:thumbnail", url=image.url, **size)


def _add(parent: Any, name: str, text: str | None = None, **attributes: str) -> Any:
    """Append an element, whose name may begin with a prefix."""
    prefix, _, local = name.rpartition(":")
    element = etree.SubElement(parent, f"{{{_URIS[prefix]}}}{local}" if prefix else local, attributes)
    element.text = text
    return element


def _links(channel: Channel, form: str) -> list[tuple[str, str]]:
    """Relation and address of the hubs, the licence, and the documents around the feed."""
    links = [("hub", hub) for hub in channel.hubs]
    links += [("license", channel.site.licence)] if channel.site.licence else []
    return links + [(relation, f"{url}.{form}") for relation, url in channel.documents.items()]


def _use_z(el: Any) -> None:
    """Write UTC as Z, which every reader takes, instead of feedgen's +00:00 (RFC 3339 §4.2)."""
    updated = el.find("updated")
    updated.text = updated.text.replace("+00:00", "Z")


def rfc822(timestamp: datetime) -> str:
    """*timestamp* as ``Wed, 01 Dec 2021 17:00:00 +0000`` (RFC 822 §5, with four digits for the year)."""
    return format_datetime(timestamp.astimezone(UTC))


def _person(person: Person) -> dict[str, str]:
    fields = {"name": person.name, "email": person.email, "uri": person.link}
    return {name: value for name, value in fields.items() if value}
