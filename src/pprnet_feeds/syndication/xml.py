"""Channels and entries as Atom 1.0 (RFC 4287) and RSS 2.0, through feedgen.

Two extensions of feedgen complete the elements that it makes, without a namespace in Atom, as feedgen
makes them. Dates are set here: feedgen takes them from the clock, and writes them through the locale.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from feedgen.feed import FeedGenerator
from lxml import etree

from pprnet_feeds.content.model import Person
from pprnet_feeds.syndication.channel import Channel, Entry, rfc3339, without_empty
from pprnet_feeds.syndication.citations import page_ends
from pprnet_feeds.syndication.urls import FORMATS, ICON, LOGO

_XHTML = "http://www.w3.org/1999/xhtml"
_NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "prism": "http://prismstandard.org/namespaces/basic/2.0/",
    "media": "http://search.yahoo.com/mrss/",
    "fh": "http://purl.org/syndication/history/1.0",
    "at": "http://purl.org/atompub/tombstones/1.0",
    "webfeeds": "http://webfeeds.org/rss/1.0",
}
_URIS = _NAMESPACES | {"atom": "http://www.w3.org/2005/Atom"}

# Some readers take RSS's titles and descriptions for text, others for HTML. Only what HTML
# would take for a tag or an entity is escaped for it; the rest both kinds read alike.
_MISREAD = re.compile(r"<(?=[A-Za-z/!?])|&(?=#?[A-Za-z0-9]+;)")


def render_xml(channel: Channel, form: str, entries: Iterable[Entry], source: Channel | None = None) -> bytes:
    """A document as ``atom`` or ``rss``. *source* is the feed that each entry of a combination names."""
    feed, site = FeedGenerator(), channel.site
    feed.register_extension("ours", _FeedExtension, _EntryExtension)
    feed.ours.channel = channel
    feed.id(channel.id)
    feed.title(channel.title)
    feed.subtitle(channel.subtitle)
    feed.updated(channel.updated)
    feed._FeedGenerator__rss_lastBuildDate = None
    # RSS's own <author> wants an e-mail address; readers take dc:creator, one for each person.
    if form == "atom":
        feed.author(_person(site.author))
    feed.language(site.language)
    feed.icon(site.base_url + ICON)
    feed.logo(site.base_url + (LOGO if site.logo else ICON))
    feed.generator("pprnet-feeds")
    feed.docs("https://www.rssboard.org/rss-specification")
    feed.ttl(max(1, site.cache.max_age // 60))
    if site.rights:
        feed.rights(site.rights)
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
        if form == "atom":
            element.author([_person(author) for author in entry.authors])
        element.category([category._asdict() for category in entry.categories])
        element.link(rel="alternate", href=entry.url, type="text/html")
        if entry.html:
            element.content(entry.html, type="html")
        element.summary(entry.summary, type="text")
    return bytes(feed.atom_str(pretty=True) if form == "atom" else feed.rss_str(pretty=True))


class _FeedExtension:
    """What feedgen leaves out of a feed. *el* is the root of the document."""

    channel: Channel

    def extend_ns(self) -> dict[str, str]:
        return _NAMESPACES

    def extend_atom(self, el: Any) -> Any:
        self._begin(el, el)
        # feedgen has it last for RSS; some readers take the first link for the home page.
        el.find("link").addprevious(el.find("link[@rel='alternate']"))
        # Every reader takes Z for UTC, and not feedgen's +00:00 (RFC 3339 §4.2).
        el.find("updated").text = rfc3339(self.channel.updated)
        self._mark_archive(el)
        for id, when, comment in self.channel.deletions:
            _add(_add(el, "at:deleted-entry", ref=id, when=rfc3339(when)), "at:comment", comment)
        return el

    def extend_rss(self, el: Any) -> Any:
        channel, site = el[0], self.channel.site
        self._begin(el, channel)
        _escape_markup(channel)
        channel.find("language").addnext(_add(channel, "lastBuildDate", _rfc822(self.channel.updated)))
        # feedgen has only rel="self" in RSS (RSS Best Practices Profile, "atom:link").
        for relation, address in _links(self.channel, "rss"):
            _add(channel, "atom:link", rel=relation, href=address)
        _add(channel, "atom:id", self.channel.id)
        # What Feedly shows a feed with.
        _add(channel, "webfeeds:icon", site.base_url + ICON)
        _add(channel, "webfeeds:logo", site.base_url + LOGO if site.logo else "")
        _add(channel, "webfeeds:accentColor", site.accent[1:])
        self._mark_archive(channel)
        return el

    def _begin(self, root: Any, parent: Any) -> None:
        """Make the document readable for a person who opens it in a browser."""
        home = f"{self.channel.site.base_url}/"
        sheet = f'type="text/css" href="{home}feed.css"'
        root.addprevious(etree.ProcessingInstruction("xml-stylesheet", sheet))
        # Readers ignore foreign markup (RFC 4287 §6).
        div = etree.Element(f"{{{_XHTML}}}div", nsmap={None: _XHTML})  # type: ignore[dict-item]  # the stubs know no default namespace
        div.text = "This is a feed. Copy its address into a feed reader to be told of new posts. "
        links = {self.channel.home_page: "Open the posts as a page."}
        links |= {home: "What is a feed, and which others are there?"}
        for address, text in links.items():
            if len(div):
                div[-1].tail = " "
            etree.SubElement(div, f"{{{_XHTML}}}a", href=address).text = text
        parent.insert(0, div)

    def _mark_archive(self, el: Any) -> None:
        """Say whether the document is the whole feed or a part of its archive (RFC 5005 §2, §4)."""
        if self.channel.complete:
            _add(el, "fh:complete")
        if "current" in self.channel.documents:
            _add(el, "fh:archive")


class _EntryExtension:
    """What feedgen leaves out of an entry. *el* is the finished `<entry>` or `<item>`."""

    entry: Entry
    channel: Channel
    source: Channel | None

    def extend_atom(self, el: Any) -> Any:
        if self.entry.language:
            el.set("{http://www.w3.org/XML/1998/namespace}lang", self.entry.language)
        el.find("updated").text = rfc3339(self.entry.updated)
        el.find("updated").addnext(_add(el, "published", rfc3339(self.entry.published)))
        # feedgen's entry links lose every attribute but the address.
        alternate = el.find("link")
        alternate.attrib.update({"rel": "alternate", "type": "text/html"})
        about = {cite.link: cite.title or cite.text for cite in self.entry.cites if cite.link}
        for address, title in [self.entry.post] if self.entry.study else reversed(about.items()):
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
        _escape_markup(el)
        # Common parsers make an object of a category with an attribute, and their users break on it.
        etree.strip_attributes(el, "domain")
        _add(el, "pubDate", _rfc822(self.entry.published))
        if not self.entry.study:  # Zotero would take it for the study's date
            _add(el, "atom:updated", rfc3339(self.entry.updated))
        for person in self.entry.authors:
            _add(el, "dc:creator", person.name)
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
            _add(el, name, text)
        if image := self.entry.image:
            size = without_empty({"width": str(image.width or ""), "height": str(image.height or "")})
            media = _add(el, "media:content", url=image.url, medium="image", **size)
            _add(media, "media:description", image.alt)
            _add(el, "media:thumbnail", url=image.url, **size)


def _add(parent: Any, name: str, text: str | None = None, **attributes: str) -> Any:
    """Append an element, whose name may begin with a prefix, unless its text is empty."""
    if text == "":
        return None
    prefix, _, local = name.rpartition(":")
    element = etree.SubElement(parent, f"{{{_URIS[prefix]}}}{local}" if prefix else local, attributes)
    element.text = text
    return element


def _escape_markup(el: Any) -> None:
    for each in el.iter("title", "description"):
        each.text = _MISREAD.sub(lambda match: "&lt;" if match[0] == "<" else "&amp;", each.text)


def _links(channel: Channel, form: str) -> list[tuple[str, str]]:
    """Relation and address of the hubs, the licence, and the documents around the feed."""
    links = [("hub", hub) for hub in channel.hubs]
    links += [("license", channel.site.licence)] if channel.site.licence else []
    return links + [(relation, f"{url}.{form}") for relation, url in channel.documents.items()]


def _rfc822(timestamp: datetime) -> str:
    """A date with four digits for the year (RSS 2.0)."""
    return format_datetime(timestamp.astimezone(UTC))


def _person(person: Person) -> dict[str, str]:
    return without_empty({"name": person.name, "email": person.email, "uri": person.link})
