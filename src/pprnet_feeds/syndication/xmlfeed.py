"""Channels and entries as Atom 1.0 (RFC 4287) and RSS 2.0, through feedgen.

The only module that knows feedgen. feedgen writes the elements of the two
formats, and our hooks complete them. Its defaults come from the clock and its dates pass through the
process's locale: both are closed off here, so that the same posts give the same
bytes everywhere.

An entry is drawn once and joined into every document that holds it; the result
is what feedgen writes when it draws the document in one piece.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

from feedgen.feed import FeedGenerator

from pprnet_feeds.content.model import Person
from pprnet_feeds.syndication.channel import FORMATS, Channel, Entry, rfc3339
from pprnet_feeds.syndication.hooks import EntryHook, FeedHook, rfc822

XmlFormat = Literal["atom", "rss"]

GENERATOR = "pprnet-feeds"

# How an entry begins. It stands nowhere else: in text and in values `<` is escaped.
_BEGINNING: dict[XmlFormat, bytes] = {"atom": b"  <entry>\n", "rss": b"    <item>\n"}
# The date of a channel as it is written, and one that no channel has.
_DATE: dict[XmlFormat, Callable[[datetime], str]] = {"atom": rfc3339, "rss": rfc822}
_ANY = datetime(1001, 1, 1, tzinfo=UTC)
_END: dict[XmlFormat, bytes] = {"atom": b"</feed>\n", "rss": b"  </channel>\n</rss>\n"}


def draw(channel: Channel, form: XmlFormat, entries: Iterable[bytes]) -> bytes:
    """Draw one document from its channel and its entries, drawn by `draw_entries`."""
    head = _head(replace(channel, updated=_ANY), form).split(_DATE[form](_ANY).encode())
    if len(head) != 2:  # another part reads like the date that stands for all
        head = [draw_whole(channel, form, ()).removesuffix(_END[form])]
    return b"".join((_DATE[form](channel.updated).encode().join(head), *entries, _END[form]))


# A head is drawn once for all the dates that a feed will have: after an edit only the date differs.
@lru_cache(1024)
def _head(channel: Channel, form: XmlFormat) -> bytes:
    return draw_whole(channel, form, ()).removesuffix(_END[form])


def draw_entries(entries: Sequence[Entry], form: XmlFormat, source: Channel | None = None) -> list[bytes]:
    """Draw each entry as it stands, indented, in any document of that format.

    *source* is the feed they come from, told in feeds that somebody put together.
    """
    beginning = _BEGINNING[form]
    drawn = draw_whole(_CARRIER, form, entries, source).removesuffix(_END[form])
    return [beginning + entry for entry in drawn.split(beginning)[1:]]


def draw_whole(
    channel: Channel, form: XmlFormat, entries: Sequence[Entry], source: Channel | None = None
) -> bytes:
    """Draw one document in one piece, as feedgen does: what the others give is cut out of such documents."""
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


_CARRIER = Channel(
    id="tag:carrier",
    url="carrier:",
    home_page="carrier:",
    subscribe_page="carrier:",
    title="carrier",
    subtitle="carrier",
    updated=datetime(2013, 1, 1, tzinfo=UTC),
    author=Person("carrier"),
    language="en",
    rights="",
    licence="",
    hubs=(),
    ttl=1,
)
