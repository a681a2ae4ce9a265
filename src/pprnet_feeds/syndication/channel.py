"""What one document says, in any format: a channel, its entries and its deletions. Addresses are absolute."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pprnet_feeds.content.model import Citation, Image, Person, Post, Site
from pprnet_feeds.syndication.archives import FeedItems
from pprnet_feeds.syndication.urls import VIEWS, FeedRequest

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
        deletions: id, time and comment of each entry that was withdrawn (RFC 6721 §3).
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
    deletions: tuple[tuple[str, datetime, str], ...]

    def address(self, form: str) -> str:
        """The address of the document in a format."""
        return f"{self.url}.{form}"


def make_channel(request: FeedRequest, site: Site, shown: FeedItems, years: Sequence[int] = ()) -> Channel:
    """The channel of a document that has *shown*; *years* are the archives that it leads to."""
    base, home = site.base_url, f"{site.base_url}/{request.folder}"
    around = [0, *years, 0, 0]  # the archives between nothing, and the subscription document of year 0
    place = around.index(request.year, 1)
    before, after = around[place - 1], around[place + 1]
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
        updated=shown.updated or first_date(site),
        hubs=() if request.year or request.selection.combines or request.series == "archive" else site.hubs,
        complete=shown.complete,
        documents=without_empty(documents),
        deletions=tuple(
            (id, post.updated, post.note)
            for post in shown.withdrawn
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


def without_empty(values: dict[str, Any]) -> dict[str, Any]:
    """The fields of a document that have a value."""
    return {name: value for name, value in values.items() if value}


def rfc3339(timestamp: datetime) -> str:
    """*timestamp* as ``2021-12-01T17:00:00Z`` (RFC 3339 §5.6), as Atom and JSON Feed want it."""
    return f"{timestamp.astimezone(UTC).isoformat()[:19]}Z"


def first_date(site: Site) -> datetime:
    """When an empty feed was last changed: the date in the tag root, which never moves (RFC 4151 §2.1)."""
    date = site.tag_root.partition(",")[2].partition(":")[0]
    return datetime.fromisoformat(f"{date}-01-01"[:10]).replace(tzinfo=UTC)
