"""What one document says, before any format: a channel and its entries.

Every format is drawn from these values, so that the three formats of a feed
cannot disagree on an id, a date or an order. Views are applied here. Addresses
are absolute here already; a renderer never joins paths.

A channel knows no clock: the same posts give the same channel for ever.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urljoin

from pprnet_feeds.content import markup
from pprnet_feeds.content.model import Citation, Image, Person, Post, Site
from pprnet_feeds.content.sentences import first_sentences
from pprnet_feeds.syndication.citations import reference_html
from pprnet_feeds.syndication.selection import Selection

Format = Literal["atom", "rss", "json"]
View = Literal["feed", "summary"]

FORMATS: dict[Format, str] = {
    "atom": "application/atom+xml",
    "rss": "application/rss+xml",
    "json": "application/feed+json",
}
VIEWS: dict[View, str] = {"feed": "", "summary": " (summaries)"}

_NOTES = {"corrected": "Corrected", "retracted": "Retracted"}


@dataclass(frozen=True, slots=True)
class Category:
    """A topic or research type of an entry (RFC 4287 §4.2.2)."""

    term: str
    scheme: str
    label: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A post as it stands in a feed.

    Attributes:
        id: the permanent id, a tag URI (RFC 4151).
        url: the permalink.
        summary: plain text.
        html: the full text, safe and with absolute addresses; empty in a view without it.
        key: a short name of the entry for programs, the last part of the permanent id.
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
    cites: tuple[Citation, ...] = ()
    image: Image | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """One feed, without its entries and without a format.

    Attributes:
        id: the permanent id of the feed, the same in every format.
        url: the address of the document without its format: ``…/feed``.
        home_page: the same posts as a page for people.
        subscribe_page: where a person learns what a feed is.
        updated: the newest change that subscribers should be told of.
        complete: whether the document holds every entry of the feed (RFC 5005 §2).
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
    complete: bool
    ttl: int

    def address(self, form: Format) -> str:
        """The address of the feed in a format."""
        return f"{self.url}.{form}"


def entry_of(post: Post, view: View, site: Site) -> Entry:
    """Make the entry of *post* as *view* shows it. Renders the body."""
    url = permalink(post, site)
    body = markup.render(post.body, base=url, prefix=f"{post.slug}-")
    scheme = f"tag:{site.tag_root}/"
    categories = [Category(slug, f"{scheme}topics", site.topic[slug].label) for slug in post.topics]
    categories += [
        Category(slug, f"{scheme}research", site.research_type[slug].label) for slug in post.research
    ]
    return Entry(
        id=f"tag:{site.tag_root}/post/{post.id}",
        key=post.id,
        url=url,
        title=post.title,
        published=post.published,
        updated=post.updated,
        authors=post.authors or (site.author,),
        categories=tuple(categories),
        summary=post.summary or first_sentences(_account(body)) or post.title,
        html=full_text(post, body) if view == "feed" else "",
        cites=post.cites,
        image=post.image and replace(post.image, url=urljoin(url, post.image.url)),
    )


def _account(body: str) -> str:
    """The text that a summary may be taken from: what comes before the practice implications."""
    return markup.plain_text(markup.without_practice_implications(body))


def permalink(post: Post, site: Site) -> str:
    """The address of the post's page."""
    return f"{site.base_url}/posts/{post.slug}/"


def full_text(post: Post, body: str) -> str:
    """The note of a correction, the references and the body, as a reader shows them."""
    note = ""
    if post.status in _NOTES:
        text = f" {html.escape(post.note)}" if post.note else ""
        note = f"<p><strong>{_NOTES[post.status]}.</strong>{text}</p>\n"
    return note + "".join(f"{reference_html(cite)}\n" for cite in post.cites) + body


def channel_of(selection: Selection, view: View, posts: Sequence[Post], shown: int, site: Site) -> Channel:
    """Make the channel of a selection that holds *posts*, of which a document shows *shown*."""
    home = f"{site.base_url}/{selection.path}"
    return Channel(
        id=f"tag:{site.tag_root}/feed/{selection.path}{view}",
        url=home + view,
        home_page=home,
        subscribe_page=f"{site.base_url}/",
        title=selection.title(site) + VIEWS[view],
        subtitle=selection.subtitle(site),
        updated=max((post.updated for post in posts), default=beginning(site)),
        author=site.author,
        language=site.language,
        rights=site.rights,
        licence=site.licence,
        hubs=site.hubs,
        complete=shown == len(posts),
        ttl=max(1, site.cache.max_age // 60),
    )


def subscription(posts: Iterable[Post], at_least: int) -> tuple[Post, ...]:
    """The posts of a subscription document, the last changed first.

    The newest *at_least* and in any case all of the newest year. A post counts
    by its `updated`, so that a correction of an old one reaches readers that
    look no further. The year is that of the newest post and not of the clock:
    the first of January must not change a byte.
    """
    newest = sorted(posts, key=lambda post: (post.updated, post.published, post.id), reverse=True)
    return tuple(
        post
        for place, post in enumerate(newest)
        if place < at_least or post.updated.year == newest[0].updated.year
    )


def rfc3339(moment: datetime) -> str:
    """*moment* as ``2021-12-01T17:00:00Z`` (RFC 3339 §5.6), as Atom and JSON Feed want it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def beginning(site: Site) -> datetime:
    """When an empty feed was last changed: the date in the tag root, which never moves (RFC 4151 §2.1)."""
    date = site.tag_root.partition(",")[2].partition(":")[0]
    year, month, day = f"{date}-01-01".split("-")[:3]
    return datetime(int(year), int(month), int(day), tzinfo=UTC)
