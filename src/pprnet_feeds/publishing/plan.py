"""What subscribers will notice if this is published: the files beside the ledger.

A changed id mails eight hundred people a second time, and a deleted file leaves
them with a finding that was withdrawn. So the difference is told before anybody
else sees it, as infrastructure tools do.

Pure: a library and a ledger in, changes out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pprnet_feeds.content.ledger import Ledger, Record, is_default_id, record_of
from pprnet_feeds.content.library import Library
from pprnet_feeds.content.model import Post, Site
from pprnet_feeds.syndication.entries import post_entries
from pprnet_feeds.syndication.selection import Selection

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
    found = [*_of_posts(library, ledger), *_of_records(library, ledger)]
    order = list(MEANING)
    return sorted(found, key=lambda change: (order.index(change.kind), change.file))


def published(library: Library, ledger: Ledger, now: datetime, forgotten: frozenset[str]) -> Ledger:
    """The ledger once *library* is published at *now*, without the ids that are *forgotten*."""
    posts = _posts(library)
    records = {post.id: record_of(post, ledger.records.get(post.id), now) for post in posts}
    kept = {id: record for id, record in ledger.records.items() if id not in forgotten}
    return Ledger(kept | records)


def _of_posts(library: Library, ledger: Ledger) -> Iterator[Change]:
    for post in _posts(library):
        before = ledger.records.get(post.id)
        if before is None:
            known = ledger.by_path.get(post.file)
            if known and not is_default_id(post):
                mend = f"Take `id` out of the file, or write `id: {known.id}`."
                detail = f"it was '{known.id}'"
                yield _change("id changed", post, known, library.site, detail, mend)
            elif post.status != "withdrawn":
                yield _change("new", post, None, library.site)
            continue
        after = record_of(post, before, before.changed)
        if after == before:
            continue
        if after.status == "withdrawn" != before.status:
            yield _change("withdrawn", post, before, library.site, post.note)
        elif after.updated != before.updated:
            yield _change("re-notified", post, before, library.site, _status(post))
        elif _told(after) != _told(before):
            yield _change("silently edited", post, before, library.site, _parts(after, before))
        if (after.path, after.slug) != (before.path, before.slug):
            leads = f"/posts/{before.slug}/ leads to /posts/{post.slug}/"
            yield _change(
                "moved",
                post,
                before,
                library.site,
                leads if post.slug != before.slug else f"from {before.path}",
            )


def _of_records(library: Library, ledger: Ledger) -> Iterator[Change]:
    posts = _posts(library)
    claimed = {post.file for post in posts}
    for record in ledger.gone(posts):
        if record.status == "withdrawn" or record.path in claimed:
            continue  # an id that changed is told at its post
        shown = (record.title, f"{record.published:%Y-%m-%d}", "")
        mend = (
            f"Put {record.path} back, with `status: withdrawn` if readers should be told that it is gone; "
            f"or publish with --forget {record.id}."
        )
        feeds = _feeds([(record.topics, record.research)], library.site)
        yield Change(
            "vanished", record.id, record.path, shown, feeds, "its file is not there, or is a draft", mend
        )


def _posts(library: Library) -> list[Post]:
    """The posts that have a file."""
    return [post for post in (*library.posts, *library.withdrawn) if post.id not in library.remains]


def _change(
    kind: Kind, post: Post, before: Record | None, site: Site, detail: str = "", mend: str = ""
) -> Change:
    (entry,) = post_entries(post, "summary", site)
    shown = (post.title, f"{post.updated.astimezone(site.time_zone):%Y-%m-%d}", entry.summary)
    filed = [(post.topics, post.research)] + ([(before.topics, before.research)] if before else [])
    return Change(kind, post.id, post.file, shown, _feeds(filed, site), detail, mend)


def _feeds(filed: list[tuple[tuple[str, ...], tuple[str, ...]]], site: Site) -> tuple[str, ...]:
    """The titles of the listed feeds that hold, or held, something that was filed so."""
    topics = {slug for slugs, _ in filed for slug in slugs if slug in site.topic}
    types = {slug for _, slugs in filed for slug in slugs if slug in site.research_type}
    selections = [Selection()]
    selections += [Selection(topics=(term.slug,)) for term in site.topics if term.slug in topics]
    selections += [Selection(research=term.slug) for term in site.research if term.slug in types]
    return tuple(selection.title(site) for selection in selections)


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
