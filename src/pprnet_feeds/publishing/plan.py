"""What subscribers will notice if this is published: the files beside the ledger.

A changed id mails eight hundred people a second time, and a deleted file leaves
them with a finding that was withdrawn. So the difference is told before anybody
else sees it, as infrastructure tools do.

Pure: a library and a ledger in, changes out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from pprnet_feeds.content.dates import first_published
from pprnet_feeds.content.ledger import Ledger, Record, is_default_id, is_said_by, record_of
from pprnet_feeds.content.library import Library
from pprnet_feeds.content.model import Post, Site
from pprnet_feeds.syndication.addresses import Plan, Series
from pprnet_feeds.syndication.catalogue import Catalogue
from pprnet_feeds.syndication.entries import post_entries
from pprnet_feeds.syndication.selection import EVERYTHING, Selection

Kind = Literal["new", "re-notified", "silently edited", "moved", "withdrawn", "id changed", "vanished"]

# What each kind means for those who read, in the order in which they are told.
MEANING: dict[Kind, str] = {
    "id changed": "Readers would show it a second time, as a new post.",
    "vanished": "Readers keep what they have, and nobody is told why it is gone.",
    "new": "Readers show it as a new post.",
    "re-notified": "Readers show it again, as changed.",
    "withdrawn": "Readers are told to take it down; its page says that it is gone.",
    "moved": "Readers notice nothing; the former address leads to the new one.",
    "silently edited": "Readers get the new text and are not told.",
}
REFUSED: frozenset[Kind] = frozenset({"id changed", "vanished"})

# The titles of the feeds that are no selection of posts.
_Titles = Mapping[Series, str]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that would be different for subscribers.

    Attributes:
        shown: what a reader shows of it: title, date, and the first line.
        feeds: the titles of the feeds it is in, or was.
        detail: what exactly, in a few words; empty where the kind says it.
        mend: what to do about a refused one, else empty.
    """

    kind: Kind
    id: str
    file: str
    shown: tuple[str, str, str]
    feeds: tuple[str, ...]
    detail: str = ""
    mend: str = ""


def changes(library: Library, ledger: Ledger) -> list[Change]:
    """Everything that would change for subscribers, the gravest first."""
    catalogue = Catalogue(library)
    special = (series for series in get_args(Series) if series != "posts")
    titles = {name: catalogue.channel(Plan(name, EVERYTHING, "feed", "atom")).title for name in special}
    found = [*_of_posts(library, ledger, titles), *_of_records(library, ledger, titles)]
    order = list(MEANING)
    return sorted(found, key=lambda change: (order.index(change.kind), change.file))


def dated(library: Library, ledger: Ledger, now: datetime) -> Library:
    """The *library* with the moments of publication that `publish` records at *now* for its new posts."""
    known = ledger.shown(now).records
    new = [post for post in _posts(library) if post.id not in known]
    taken = {record.published for record in known.values()}
    ago = (now - timedelta(seconds=seconds) for seconds in count())
    free = (moment for moment in ago if moment not in taken)
    found: dict[str, Post] = {}
    # Readers that go by date want no moment twice: a second apart, the last of the posts at the present one.
    for post in sorted(new, key=lambda post: (post.published, post.file), reverse=True):
        moment = first_published(post.date, library.site.time_zone, now) or next(free)
        found[post.id] = post.but(published=moment, updated=max(post.updated, moment))
    posts, withdrawn = (
        tuple(found.get(post.id, post) for post in side) for side in (library.posts, library.withdrawn)
    )
    return replace(library, posts=posts, withdrawn=withdrawn)


def published(library: Library, ledger: Ledger, now: datetime, forgotten: frozenset[str]) -> Ledger:
    """The ledger once a `dated` *library* is published at *now*, without the ids that are *forgotten*.

    Scheduled posts are recorded before readers see them, and may be changed or removed until then.
    """
    scheduled = [post for post in library.waiting if post.published > now and not post.draft]
    posts = [*_posts(library), *(post.but(updated=post.published) for post in scheduled)]
    records = {post.id: record_of(post, ledger.records.get(post.id), now) for post in posts}
    shown = ledger.shown(now).records.items()
    kept = {id: record for id, record in shown if id not in forgotten}
    return Ledger(kept | records)


def _of_posts(library: Library, ledger: Ledger, titles: _Titles) -> Iterator[Change]:
    def change(kind: Kind, post: Post, before: Record | None, detail: str = "", mend: str = "") -> Change:
        return _change(kind, post, before, library.site, titles, detail, mend)

    for post in _posts(library):
        before = ledger.records.get(post.id)
        if known := _given_up(post, ledger, library.site.time_zone):
            mend = f"Take `id` out of the file, or write `id: {known.id}`."
            yield change("id changed", post, known, f"it was '{known.id}'", mend)
            continue
        if before is None:
            if post.status != "withdrawn":
                yield change("new", post, None)
            continue
        after = record_of(post, before, before.changed)
        if after == before:
            continue
        if after.status == "withdrawn" != before.status:
            yield change("withdrawn", post, before, post.note)
        elif after.updated != before.updated:
            yield change("re-notified", post, before, _status(post))
        elif _told(after) != _told(before):
            yield change("silently edited", post, before, _parts(after, before))
        if (after.path, after.slug) != (before.path, before.slug):
            leads = f"/posts/{before.slug}/ leads to /posts/{post.slug}/"
            yield change("moved", post, before, leads if post.slug != before.slug else f"from {before.path}")


def _given_up(post: Post, ledger: Ledger, zone: ZoneInfo) -> Record | None:
    """The record of the post where its file was given another `id`, be it a new one or another post's."""
    known, before = ledger.by_path.get(post.file), ledger.records.get(post.id)
    if known is None or known.id == post.id or is_default_id(post):
        return None
    # A file that took the name of another keeps its id, and says what it said.
    is_moved = before is not None and (is_said_by(post, before, zone) or not is_said_by(post, known, zone))
    return None if is_moved else known


def _of_records(library: Library, ledger: Ledger, titles: _Titles) -> Iterator[Change]:
    posts = _posts(library)
    by_file = {post.file: post for post in posts}
    for record in ledger.gone(posts):
        other = by_file.get(record.path)
        if record.status == "withdrawn" or (other and _given_up(other, ledger, library.site.time_zone)):
            continue  # an id that changed is told at its post
        shown = (record.title, f"{record.published:%Y-%m-%d}", "")
        back = (
            f"Write it again under another name with `id: {record.id}`"
            if other
            else f"Put {record.path} back"
        )
        mend = (
            f"{back}, with `status: withdrawn` if readers should be told that it is gone; "
            f"or publish with --forget {record.id}."
        )
        detail = "another post has its file" if other else "its file is not there, a draft or scheduled"
        feeds = _feeds([record], library.site, titles)
        yield Change("vanished", record.id, record.path, shown, feeds, detail, mend)


def _posts(library: Library) -> list[Post]:
    """The posts that have a file."""
    return [post for post in (*library.posts, *library.withdrawn) if post.id not in library.remains]


def _change(
    kind: Kind, post: Post, before: Record | None, site: Site, titles: _Titles, detail: str, mend: str
) -> Change:
    (entry,) = post_entries(post, "summary", site)
    moment = post.published if kind == "new" else post.updated
    shown = (post.title, f"{moment.astimezone(site.time_zone):%Y-%m-%d}", entry.summary)
    feeds = _feeds([post, before] if before else [post], site, titles)
    return Change(kind, post.id, post.file, shown, feeds, detail, mend)


def _feeds(states: list[Post | Record], site: Site, titles: _Titles) -> tuple[str, ...]:
    """The titles of the listed feeds that hold a post in one of these states, and of the two special ones."""
    topics = {slug for state in states for slug in state.topics}
    types = {slug for state in states for slug in state.research}
    selections = [Selection()]
    selections += [Selection(topics=(term.slug,)) for term in site.topics if term.slug in topics]
    selections += [Selection(research=term.slug) for term in site.research if term.slug in types]
    found = [selection.title(site) for selection in selections]
    # A month shows all that was not taken back, and the corrections all that was not simply published.
    found += [titles["issues"]] if any(state.status != "withdrawn" for state in states) else []
    found += [titles["corrections"]] if any(state.status != "published" for state in states) else []
    return tuple(found)


def _told(record: Record) -> tuple[object, ...]:
    return record.digest, record.topics, record.research, record.status, record.title


def _parts(after: Record, before: Record) -> str:
    parts = {"title": (after.title, before.title), "topics": (after.topics, before.topics)}
    parts["research"] = (after.research, before.research)
    parts["status"] = (after.status, before.status)
    changed = [name for name, (now, was) in parts.items() if now != was]
    return f"its {' and '.join(changed)}" if changed else "its text"


def _status(post: Post) -> str:
    return "" if post.status == "published" else f"{post.status}: {post.note}".rstrip(": ")
