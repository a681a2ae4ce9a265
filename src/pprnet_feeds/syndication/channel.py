"""What one document says, in any format: a channel, its entries and its deletions. Addresses are absolute."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from pprnet_feeds.content.model import Citation, Image, Person, Post, Site
from pprnet_feeds.syndication.urls import ICON, LOGO, VIEWS, FeedRequest

# Title and subtitle of the feeds that are no selection of posts.
_SERIES = {
    "issues": ("{title}, month by month", "Each month's posts together, as one entry."),
    "archive": ("{title}: every post", "Every post in one document, for programs that follow no paging."),
    "corrections": (
        "{title}: corrections",
        "Posts that were corrected, retracted or withdrawn, or whose study was.",
    ),
}


class Category(NamedTuple):
    """A topic, research type or status of an entry (RFC 4287 §4.2.2)."""

    term: str
    scheme: str
    label: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A post, a cited study or a month as a feed shows it.

    Attributes:
        id: the permanent id, a tag URI (RFC 4151).
        key: the last part of *id*, a short name for programs.
        url: the address of what the entry is: the permalink, the study, the month's page.
        summary: plain text.
        html: the text, safe and with absolute addresses; empty in a view without it.
        study: the work that the entry *is*, in a feed of citations.
        post: address and title of our post about that work.
        doi: the entry's own, bare.
        language: empty when it is the feed's.
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
    study: Citation | None = None
    post: tuple[str, str] = ("", "")
    image: Image | None = None
    doi: str = ""
    language: str = ""

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
        updated: the newest change that subscribers are notified of.
        complete: whether the document holds every entry of the feed (RFC 5005 §2).
        documents: relation and address without format of the documents around it (RFC 5005 §4).
    """

    site: Site
    id: str
    url: str
    home_page: str
    title: str
    subtitle: str
    updated: datetime
    hubs: tuple[str, ...]
    complete: bool
    documents: dict[str, str]
    deletions: tuple[Deletion, ...]

    @property
    def subscribe_page(self) -> str:
        """Where a person learns what a feed is."""
        return f"{self.site.base_url}/"

    @property
    def icon(self) -> str:
        """The address of a square picture."""
        return self.site.base_url + ICON

    @property
    def logo(self) -> str:
        """The address of the site's logo, else of its icon."""
        return self.site.base_url + (LOGO if self.site.logo else ICON)

    def address(self, form: str) -> str:
        """The address of the document in a format."""
        return f"{self.url}.{form}"


def make_channel(
    request: FeedRequest,
    site: Site,
    updated: datetime | None = None,
    withdrawn: Iterable[Post] = (),
    *,
    complete: bool = False,
    around: tuple[int, int] = (0, 0),
) -> Channel:
    """The channel of one document; *around* are the years of the archives before and after it, 0 for none."""
    base, home, (before, after) = site.base_url, f"{site.base_url}/{request.folder}", around
    home_page = request.selection.page if request.series == "posts" else request.folder
    title, subtitle = request.selection.title(site) + VIEWS[request.view], request.selection.subtitle(site)
    if request.series in _SERIES:
        title, subtitle = (text.format(title=site.short_title) for text in _SERIES[request.series])
    documents = {
        "current": f"{home}{request.view}" if request.year else "",
        "prev-archive": f"{home}archive/{before}/{request.view}" if before else "",
        "next-archive": f"{home}archive/{after}/{request.view}" if after else "",
    }
    return Channel(
        site=site,
        id=f"tag:{site.tag_root}/feed/{request.folder}{request.view}",
        url=f"{base}{request.path.removesuffix(f'.{request.form}')}",
        home_page=f"{base}/{home_page}" if request.series != "corrections" else f"{base}/",
        title=f"{title}, {request.year}" if request.year else title,
        subtitle=subtitle,
        updated=updated or first_date(site),
        hubs=() if request.year or request.selection.combines or request.series == "archive" else site.hubs,
        complete=complete,
        documents={relation: url for relation, url in documents.items() if url},
        deletions=tuple(
            Deletion(id, post.updated, post.note)
            for post in withdrawn
            for id in (study_ids(post, site) if request.view == "citations" else [post_id(post, site)])
        ),
    )


def post_id(post: Post, site: Site) -> str:
    """The permanent id of the post's entry (RFC 4151)."""
    return f"tag:{site.tag_root}/post/{post.id}"


def study_ids(post: Post, site: Site) -> list[str]:
    """The permanent ids of the entries of the works that a post cites."""
    return [f"{post_id(post, site)}/cites/{place}" for place in range(1, len(post.cites) + 1)]


def permalink(post: Post, site: Site) -> str:
    """The address of the post's page."""
    return f"{site.base_url}/posts/{post.slug}/"


def rfc3339(timestamp: datetime) -> str:
    """*timestamp* as ``2021-12-01T17:00:00Z`` (RFC 3339 §5.6), as Atom and JSON Feed want it."""
    return f"{timestamp.astimezone(UTC).isoformat()[:19]}Z"


def first_date(site: Site) -> datetime:
    """When an empty feed was last changed: the date in the tag root, which never moves (RFC 4151 §2.1)."""
    date = site.tag_root.partition(",")[2].partition(":")[0]
    year, month, day = f"{date}-01-01".split("-")[:3]
    return datetime(int(year), int(month), int(day), tzinfo=UTC)
