"""What one document says, before any format: a channel, its entries and its deletions.

Every format is drawn from these values, so that the three formats of a feed
cannot disagree on an id, a date or an order. Addresses are absolute here
already; a renderer never joins paths.

A channel knows no clock: the same posts give the same channel for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from pprnet_feeds.content.model import Citation, Image, Person, Post, Site

Format = Literal["atom", "rss", "json"]
View = Literal["feed", "summary", "practice", "citations"]

FORMATS: dict[Format, str] = {
    "atom": "application/atom+xml",
    "rss": "application/rss+xml",
    "json": "application/feed+json",
}
VIEWS: dict[View, str] = {
    "feed": "",
    "summary": " (summaries)",
    "practice": " (practice implications)",
    "citations": " (citations)",
}


@dataclass(frozen=True, slots=True)
class Category:
    """A topic, research type or status of an entry (RFC 4287 §4.2.2)."""

    term: str
    scheme: str
    label: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A post, a cited study or a month as it stands in a feed.

    Attributes:
        id: the permanent id, a tag URI (RFC 4151).
        key: a short name of the entry for programs, the last part of the permanent id.
        url: the address of what the entry is: the permalink, the study, the month's page.
        summary: plain text.
        html: the text, safe and with absolute addresses; empty in a view without it.
        publication: what the entry was published in: the blog's title; empty of a study.
        cites: the works the entry cites.
        study: the work the entry *is*, in a feed of citations.
        post: address and title of our post about that work.
    """

    id: str
    key: str
    url: str
    title: str
    published: datetime
    updated: datetime
    authors: tuple[Person, ...]
    categories: tuple[Category, ...]
    summary: str
    html: str = ""
    publication: str = ""
    cites: tuple[Citation, ...] = ()
    study: Citation | None = None
    post: tuple[str, str] = ("", "")
    image: Image | None = None

    @property
    def related(self) -> tuple[tuple[str, str], ...]:
        """Address and title of each study that the entry is about; where it is the study, of our post."""
        about = {cite.link: cite.title or cite.text for cite in self.cites if cite.link}
        return (self.post,) if self.study else tuple(about.items())


@dataclass(frozen=True, slots=True)
class Deletion:
    """An entry that was withdrawn (RFC 6721 §3)."""

    id: str
    when: datetime
    comment: str


@dataclass(frozen=True, slots=True)
class Channel:
    """One feed, without its entries and without a format.

    Attributes:
        id: the permanent id of the feed, the same in every format and archive.
        url: the address of the document without its format: ``…/feed``.
        home_page: the same posts as a page for people.
        subscribe_page: where a person learns what a feed is.
        updated: the newest change that subscribers should be told of.
        complete: whether the document holds every entry of the feed (RFC 5005 §2).
        current: the subscription document's address, in an archive document; else empty (RFC 5005 §4).
        previous: the next older archive document's address, without its format; or empty.
        next: the next newer archive document's address, without its format; or empty.
        ttl: minutes a copy may be kept.
    """

    id: str
    url: str
    home_page: str
    subscribe_page: str
    title: str
    subtitle: str
    updated: datetime
    author: Person
    language: str
    rights: str
    licence: str
    hubs: tuple[str, ...]
    ttl: int
    complete: bool = False
    current: str = ""
    previous: str = ""
    next: str = ""
    deletions: tuple[Deletion, ...] = ()

    def address(self, form: str) -> str:
        """The address of the document in a format."""
        return f"{self.url}.{form}"

    def history(self, form: str) -> tuple[tuple[str, str], ...]:
        """The links between the documents of the feed: relation and address (RFC 5005 §4)."""
        links = (("current", self.current), ("prev-archive", self.previous), ("next-archive", self.next))
        return tuple((relation, f"{url}.{form}") for relation, url in links if url)


def rfc3339(moment: datetime) -> str:
    """*moment* as ``2021-12-01T17:00:00Z`` (RFC 3339 §5.6), as Atom and JSON Feed want it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def permalink(post: Post, site: Site) -> str:
    """The address of the post's page."""
    return f"{site.base_url}/posts/{post.slug}/"


def beginning(site: Site) -> datetime:
    """When an empty feed was last changed: the date in the tag root, which never moves (RFC 4151 §2.1)."""
    date = site.tag_root.partition(",")[2].partition(":")[0]
    year, month, day = f"{date}-01-01".split("-")[:3]
    return datetime(int(year), int(month), int(day), tzinfo=UTC)
