"""Channels and entries as Atom 1.0 (RFC 4287) and RSS 2.0, through feedgen.

The only module that knows feedgen. feedgen writes the elements of the two
formats, and our hooks complete them. Its defaults come from the clock and its dates pass through the
process's locale: both are closed off here, so that the same posts give the same
bytes everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from feedgen.feed import FeedGenerator

from pprnet_feeds.content.model import Person
from pprnet_feeds.syndication.channel import FORMATS, Channel, Entry
from pprnet_feeds.syndication.hooks import EntryHook, FeedHook

XmlFormat = Literal["atom", "rss"]

GENERATOR = "pprnet-feeds"


def draw(channel: Channel, form: XmlFormat, entries: Iterable[Entry], source: Channel | None = None) -> bytes:
    """Draw one document. *source* is the feed its entries come from, told in feeds that combine."""
    feed = FeedGenerator()
    feed.register_extension("ours", FeedHook, EntryHook)
    feed.ours.channel = channel
    feed.id(channel.id)
    feed.title(channel.title)
    feed.subtitle(channel.subtitle)
    feed.updated(channel.updated)
    # feedgen would write lastBuildDate through the process's locale; the hook writes it instead.
    feed._FeedGenerator__rss_lastBuildDate = None
    feed.author(_person(channel.author))
    feed.language(channel.language)
    feed.generator(GENERATOR)
    feed.docs("https://www.rssboard.org/rss-specification")
    feed.ttl(channel.ttl)
    if channel.rights:
        feed.rights(channel.rights)
    feed.link(rel="self", href=channel.address(form), type=FORMATS[form])
    for hub in channel.hubs:
        feed.link(rel="hub", href=hub)
    if channel.licence:
        feed.link(rel="license", href=channel.licence)
    for relation, address in channel.history(form):
        feed.link(rel=relation, href=address)
    # The last link given becomes the <link> of RSS, whatever its rel.
    feed.link(rel="alternate", href=channel.home_page, type="text/html")
    for entry in entries:
        _add(feed, entry, source)
    drawn: bytes = feed.atom_str(pretty=True) if form == "atom" else feed.rss_str(pretty=True)
    return drawn


def _add(feed: FeedGenerator, entry: Entry, source: Channel | None) -> None:
    drawn = feed.add_entry(order="append")
    drawn.ours.entry = entry
    drawn.ours.source = source
    drawn.id(entry.id)
    drawn.title(entry.title)
    drawn.updated(entry.updated)
    drawn.author([_person(author) for author in entry.authors])
    drawn.category(
        [{"term": one.term, "scheme": one.scheme, "label": one.label} for one in entry.categories],
    )
    drawn.link(rel="alternate", href=entry.url, type="text/html")
    if entry.html:
        drawn.content(entry.html, type="html")
    drawn.summary(entry.summary, type="text")


def _person(person: Person) -> dict[str, str]:
    fields = {"name": person.name, "email": person.email, "uri": person.link}
    return {name: value for name, value in fields.items() if value}
