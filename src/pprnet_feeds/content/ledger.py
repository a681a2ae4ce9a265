"""What subscribers have been told so far: ``feeds/ledger.json``, one line a post.

Readers know a post by its id and its first date. Both come from a file that an
editor may rename, move or edit; so what was published once is written down, and
what the ledger says of it wins. Only `publish` writes it. It is kept in git, where
the lines of two branches merge unless both added one at the same place.

Without a ledger everything works from the files alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

from pprnet_feeds.content import recordvalues
from pprnet_feeds.content.dates import month_of
from pprnet_feeds.content.digests import digest
from pprnet_feeds.content.files import read_text
from pprnet_feeds.content.model import Post
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.content.recordvalues import Record, date_of

FILE = "feeds/ledger.json"
_MEND = "Take the file from git again (git checkout feeds/ledger.json); only `publish` writes it."
# Either side will do: what the other one said stands in the posts, too.
_MEND_MERGE = (
    "Take one side (git checkout --theirs feeds/ledger.json), and `publish` again when the posts are merged."
)
_LIMIT = 134_217_728  # bytes: room for a hundred thousand posts
# What a post says of its place and of its dates stands in the record itself.
_APART = ("file", "id", "slug", "aliases", "published", "updated", "issue", "body_line", "draft", "date")


# Records by their digest, and by their title and what their date means.
_Index = dict[str | tuple[str, datetime], list[Record]]


@dataclass(frozen=True)
class Ledger:
    """All records, by id; *source* stands for the text they were read from."""

    records: Mapping[str, Record] = field(default_factory=dict)
    source: bytes = field(default=b"", compare=False)

    @cached_property
    def by_path(self) -> Mapping[str, Record]:
        """The same records, by the file each was read from last."""
        return {record.path: record for record in self.records.values()}

    def identified(self, posts: Sequence[Post], zone: ZoneInfo, now: datetime) -> list[Post]:
        """The *posts* under the ids, dates and former addresses that subscribers know them by.

        A file that was renamed or moved is known by its old path's absence and
        by what it says: the same text, or the same title and date.
        """
        if not self.records:
            return list(posts)
        files = {post.file for post in posts}
        ids = {post.id for post in posts}
        missing = _index(
            (each for each in self.records.values() if each.path not in files and each.id not in ids), zone
        )
        return [self._known(post, files, missing, zone, now) for post in posts]

    def shown(self, now: datetime) -> Ledger:
        """The same without the posts that no reader has seen at *now*, since they are scheduled."""
        shown = {id: record for id, record in self.records.items() if record.published <= now}
        return self if len(shown) == len(self.records) else Ledger(shown)

    def gone(self, posts: Iterable[Post]) -> list[Record]:
        """The records of which no post is left."""
        ids = {post.id for post in posts} if self.records else ()
        return [record for record in self.records.values() if record.id not in ids]

    def _known(self, post: Post, files: set[str], missing: _Index, zone: ZoneInfo, now: datetime) -> Post:
        record = self.by_path.get(post.file)
        if record is None:
            record = self.records.get(post.id)
            if record is not None and record.path in files:
                return post  # another post has that id: told where doubles are told
        if record is None and is_default_id(post) and not post.draft:
            record = _moved(post, missing, zone)
        if record is None or (record.id != post.id and not is_default_id(post)):
            return post
        # A record made before its moment gives way to a post that is put off, or brought forward in time.
        is_put_off = record.changed < record.published and post.published > now
        if is_put_off or (record.published > now and record.date != post.date):
            return post
        former = dict.fromkeys((*record.former, record.slug))
        addresses = [f"/posts/{slug}/" for slug in former if slug != post.slug]
        same = record.id == post.id and record.published == post.published
        if same and record.date in ("", post.date) and not addresses:
            return post if record.updated <= post.updated else post.but(updated=record.updated)
        # Without an `updated` of its own a post whose date was edited has not changed for readers.
        told = post.updated if post.updated != post.published else record.published
        return post.but(
            id=record.id,
            published=record.published,
            issue=month_of(date_of(record, zone), zone),
            updated=max(told, record.updated),
            aliases=tuple(dict.fromkeys((*post.aliases, *addresses))),
        )


def is_default_id(post: Post) -> bool:
    """Whether the post goes by the name of its file."""
    return post.id == post.file.rpartition("/")[2].removesuffix(".md")


def _index(records: Iterable[Record], zone: ZoneInfo) -> _Index:
    """The records by what they say: by their digest, and by title and date."""
    found: _Index = {}
    for record in records:
        found.setdefault(record.digest, []).append(record)
        found.setdefault((record.title, date_of(record, zone)), []).append(record)
    return found


def _moved(post: Post, missing: _Index, zone: ZoneInfo) -> Record | None:
    """The record of the post under its former path."""
    # Titles repeat across the years.
    same = (missing.get(seen(post)) or missing.get((post.title, date_of(post, zone)), [])) if missing else []
    return same[0] if len(same) == 1 else None


def is_said_by(post: Post, record: Record, zone: ZoneInfo) -> bool:
    """Whether the post says what the record tells: the same text, or the same title and date."""
    same = record.title == post.title and date_of(record, zone) == date_of(post, zone)
    return same or record.digest == seen(post)


def seen(post: Post) -> str:
    """Stand for what readers see of a post, whatever its file, id and address."""
    return digest(post, _APART)


def is_recorded(post: Post, ledger: Ledger) -> bool:
    """Whether the ledger says of *post* what it says itself."""
    record = ledger.records.get(post.id)
    return record is not None and record_of(post, record, record.changed) == record


def withdrawn_post(record: Record, zone: ZoneInfo) -> Post:
    """What is left of a withdrawn post whose file is gone: enough to tell those who hold it."""
    return Post(
        file=record.path,
        id=record.id,
        slug=record.slug,
        title=record.title,
        published=record.published,
        updated=record.updated,
        issue=month_of(date_of(record, zone), zone),
        topics=record.topics,
        research=record.research,
        aliases=tuple(f"/posts/{slug}/" for slug in record.former),
        status="withdrawn",
        note=record.note,
    )


def record_of(post: Post, before: Record | None, now: datetime) -> Record:
    """The record of a post as it is published at *now*; *before* is its record until then."""
    slugs = [alias.strip("/").removeprefix("posts/") for alias in post.aliases if alias.startswith("/posts/")]
    updated = post.updated
    if post.status == "withdrawn" and before and before.status != "withdrawn":
        # Readers go by the date of a withdrawal: without one of its own it is that of its publication.
        updated = updated if updated > before.updated else now
    record = Record(
        id=post.id,
        path=post.file,
        slug=post.slug,
        former=tuple(slug for slug in slugs if slug != post.slug),
        title=post.title,
        published=post.published,
        updated=updated,
        changed=before.changed if before else now,
        digest=seen(post),
        topics=post.topics,
        research=post.research,
        status=post.status,
        note=post.note,
        date=before.date if before and before.published == post.published else post.date,
    )
    return record if record == before else replace(record, changed=now)


def read_ledger(folder: Path, held: Ledger | None = None) -> Ledger | list[Problem]:
    """The ledger of the site in *folder*, empty where there is none; *held* itself if it says the same."""
    path = folder / FILE
    if not path.exists() and not path.is_symlink():
        return Ledger()
    text = read_text(path, FILE, _LIMIT)
    if isinstance(text, Problem):
        return [text]
    source = hashlib.blake2b(text.encode()).digest()
    if held is not None and held.source == source:
        return held
    try:
        records = [Record(**recordvalues.read(found)) for found in json.loads(text)["posts"]]
    except json.JSONDecodeError as error:
        what, mend = f"not JSON: {error.msg}", _MEND
        if "\n<<<<<<< " in text:
            what, mend = "a merge that was not finished", _MEND_MERGE
        return [Problem(FILE, error.lineno, error.colno, what, mend)]
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        return [Problem(FILE, 0, 0, f"no ledger of this program: {error!r}", _MEND)]
    return Ledger({record.id: record for record in records}, source)


def write(ledger: Ledger) -> str:
    """The ledger as a text: a record a line, by id, so that two branches seldom touch the same."""
    names = [each.name for each in fields(Record)]
    told = [{name: getattr(record, name) for name in names} for _, record in sorted(ledger.records.items())]
    lines = [json.dumps(recordvalues.plain(values), ensure_ascii=False) for values in told]
    return '{"version": 1, "posts": [\n' + ",\n".join(lines) + "\n]}\n"
