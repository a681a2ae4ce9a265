"""What subscribers will notice when this is published: the site compared with its ledger.

A changed id shows an old post to every subscriber as new, and a deleted file leaves them with a
finding that was withdrawn. So editors see the difference before subscribers do.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from itertools import count
from pathlib import PurePosixPath
from typing import Literal

from pprnet_feeds.content import ledger as ledgers
from pprnet_feeds.content.dates import first_published
from pprnet_feeds.content.ledger import Ledger, Record
from pprnet_feeds.content.library import Library
from pprnet_feeds.content.model import Post
from pprnet_feeds.syndication.archives import FeedItems
from pprnet_feeds.syndication.catalogue import SERIES
from pprnet_feeds.syndication.channel import make_channel
from pprnet_feeds.syndication.citations import became
from pprnet_feeds.syndication.entries import post_entries
from pprnet_feeds.syndication.selection import selections

Kind = Literal["new", "re-notified", "silently edited", "moved", "withdrawn", "id changed", "vanished"]

# What each kind means for subscribers, the gravest first.
MEANING: dict[Kind, str] = {
    "id changed": "Readers would show it a second time, as a new post.",
    "vanished": "Readers keep what they have, and get no notice that it is gone.",
    "new": "Readers show it as a new post.",
    "re-notified": "Readers show it again, as changed.",
    "withdrawn": "Readers are asked to remove it; its page says that it is gone.",
    "moved": "Readers notice nothing; the former address leads to the new one.",
    "silently edited": "Readers get the new text and no notice.",
}
_EDITED = ("title", "topics", "research", "status")  # what a silent edit names; all else is the text


@dataclass(frozen=True, slots=True)
class Change:
    """One difference that subscribers would notice, in a post that is or was in the *feeds* of these titles.

    *shown* is what a reader shows of it: title, date, and the first line. *mend* is the fix of a change
    that `publish` refuses.
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
    comparison = _Comparison(library, ledger)
    order = list(MEANING)
    found = [*comparison.posts_changed(), *comparison.posts_gone()]
    return sorted(found, key=lambda change: (order.index(change.kind), change.file))


def dated(library: Library, now: datetime) -> Library:
    """The *library* with the times that `publish` records at *now* for new posts and new notices."""
    known = library.ledger.shown(now).records
    new = [post for post in _with_files(library) if post.id not in known]
    taken = {record.published for record in known.values()}
    free = (time for ago in count() if (time := now - timedelta(seconds=ago)) not in taken)
    old = (post for post in library.posts if post.id in known)
    found = {post.id: post.but(updated=now) for post in old if fresh_notices(post, known[post.id])}
    # Readers that sort by date want no time twice: a second apart, the last of the posts at the present one.
    for post in sorted(new, key=lambda post: (post.published, post.file), reverse=True):
        time = first_published(post.date, library.site.time_zone, now) or next(free)
        found[post.id] = post.but(published=time, updated=max(post.updated, time))
    posts = tuple(found.get(post.id, post) for post in library.posts)
    withdrawn = tuple(found.get(post.id, post) for post in library.withdrawn)
    return replace(library, posts=posts, withdrawn=withdrawn)


def published(library: Library, ledger: Ledger, now: datetime, forgotten: frozenset[str]) -> Ledger:
    """The ledger once a `dated` *library* is published at *now*, without the ids that are *forgotten*.

    Scheduled posts are recorded before readers see them, and may be changed or removed until then.
    """
    scheduled = [post for post in library.waiting if post.published > now and not post.draft]
    posts = [*_with_files(library), *(post.but(updated=post.published) for post in scheduled)]
    records = {id: record for id, record in ledger.shown(now).records.items() if id not in forgotten}
    new = (ledgers.record_of(post, ledger.records.get(post.id), now) for post in posts)
    return Ledger(records | {record.id: record for record in new})


class _Comparison:
    """A library beside the ledger of what subscribers got before."""

    def __init__(self, library: Library, ledger: Ledger) -> None:
        self.ledger, self.site, self.posts = ledger, library.site, _with_files(library)
        self.waiting = {post.id: post for post in library.waiting}
        nothing = FeedItems([], [], complete=True)
        self.issues, self.corrections = (make_channel(each, self.site, nothing).title for each in SERIES)

    def posts_changed(self) -> Iterator[Change]:
        """The changes of the posts that have a file."""
        for post in self.posts:
            before = self.ledger.records.get(post.id)
            if known := self._record_of_file(post):
                fix = f"Take `id` out of the file, or write `id: {known.id}`."
                yield self._change("id changed", post, known, f"it was '{known.id}'", fix)
                continue
            if before is None:
                if post.status != "withdrawn":
                    yield self._change("new", post, None)
                continue
            after = ledgers.record_of(post, before, before.changed)
            edited = [key for key in _EDITED if getattr(after, key) != getattr(before, key)]
            if after.status == "withdrawn" != before.status:
                yield self._change("withdrawn", post, before, post.note)
            elif after.updated != before.updated:
                status = "" if post.status == "published" else f"{post.status}: {post.note}".rstrip(": ")
                detail = "; ".join(filter(None, [status, *fresh_notices(post, before)]))
                yield self._change("re-notified", post, before, detail)
            elif edited or after.digest != before.digest:
                detail = f"its {' and '.join(edited or ['text'])}"
                is_back = before.status == "withdrawn" != after.status
                detail += "; programs that removed it show it as new" if is_back else ""
                yield self._change("silently edited", post, before, detail)
            if after.slug != before.slug:
                detail = f"/posts/{before.slug}/ leads to /posts/{post.slug}/"
                yield self._change("moved", post, before, detail)
            elif after.path != before.path:
                yield self._change("moved", post, before, f"from {before.path}")

    def posts_gone(self) -> Iterator[Change]:
        """The posts of the ledger that have no file any more."""
        by_file = {post.file: post for post in self.posts}
        for record in self.ledger.gone(self.posts):
            other = by_file.get(record.path)
            if record.status == "withdrawn" or (other and self._record_of_file(other)):
                continue  # an id that changed is reported at its post
            again = f"Write it again under another name with `id: {record.id}`"
            fix = (
                f"{again if other else f'Put {record.path} back'}, with `status: withdrawn` if readers "
                f"should get a notice that it is gone; or publish with --forget {record.id}."
            )
            if renamed := self._renamed(record):
                fix = f"If {renamed.file} is that post, write `id: {record.id}` into it. If it is not: {fix}"
            shown = (record.title, f"{record.published:%Y-%m-%d}", "")
            detail = "another post has its file" if other else "its file is missing"
            if post := self.waiting.get(record.id):
                detail = "it is a draft" if post.draft else "it is scheduled"
                cure = "Take `draft: true` out of" if post.draft else f"Write `date: {shown[1]}` into"
                fix = f"{cure} {post.file}; or publish with --forget {record.id}."
            yield Change("vanished", record.id, record.path, shown, self._feeds(record), detail, fix)

    def _renamed(self, record: Record) -> Post | None:
        """The new post that is most like a *record* without a file, and may be the same, edited."""

        def likeness(post: Post) -> float:
            is_same_day = post.date == record.date or post.published == record.published
            named = SequenceMatcher(None, PurePosixPath(post.file).stem, record.id).ratio()
            return max(SequenceMatcher(None, post.title, record.title).ratio(), named) + is_same_day / 4

        new = [post for post in self.posts if post.id not in self.ledger.records]
        best = max(new, key=likeness, default=None)
        return best if best and likeness(best) >= 0.65 else None

    def _record_of_file(self, post: Post) -> Record | None:
        """The record of a post's file whose `id` was changed, to a new one or another post's; else None."""
        known, before = self.ledger.by_path.get(post.file), self.ledger.records.get(post.id)
        if known is None or known.id == post.id or ledgers.is_default_id(post):
            return None
        # A file that took the name of another keeps its own id and its own text.
        alike = [bool(one and ledgers.is_alike(post, one, self.site.time_zone)) for one in (before, known)]
        return None if before and alike != [False, True] else known

    def _change(
        self, kind: Kind, post: Post, before: Record | None, detail: str = "", fix: str = ""
    ) -> Change:
        (entry,) = post_entries(post, "summary", self.site)
        time = post.published if kind == "new" else post.updated
        shown = (post.title, f"{time.astimezone(self.site.time_zone):%Y-%m-%d}", entry.summary)
        feeds = self._feeds(post, before) if before else self._feeds(post)
        return Change(kind, post.id, post.file, shown, feeds, detail, fix)

    def _feeds(self, *states: Post | Record) -> tuple[str, ...]:
        """The titles of the listed feeds that hold a post in one of these states."""
        zone = self.site.time_zone
        posts = [each if isinstance(each, Post) else ledgers.withdrawn_post(each, zone) for each in states]
        titles = [each.title(self.site) for each in selections(self.site) if any(map(each.holds, posts))]
        # A month has all that was not withdrawn, and the corrections all that was not simply published.
        titles += [self.issues] * any(each.status != "withdrawn" for each in states)
        titles += [self.corrections] * any(each.status != "published" or each.notices for each in states)
        return tuple(titles)


def fresh_notices(post: Post, before: Record) -> list[str]:
    """What became of its studies since it was recorded, in words."""
    # A study that got a DOI, or whose reference was corrected, has another name and no other fate.
    renamed = [name.split()[0] for name in before.notices if name not in post.notices]
    fresh = []
    for name, notice in zip(post.notices, (cite.notice for cite in post.cites if cite.notice), strict=True):
        if notice.kind in renamed and name not in before.notices:
            renamed.remove(notice.kind)
        elif name not in before.notices:
            fresh.append(f"its study {became(notice)}")
    return fresh


def _with_files(library: Library) -> list[Post]:
    return [post for post in (*library.posts, *library.withdrawn) if post.id not in library.remains]
