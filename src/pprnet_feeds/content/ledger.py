"""What subscribers have received so far: ``feeds/ledger.json``, one line for each post.

Readers know a post by its id and its first date, and an editor may rename, move or edit its file. So
what was published is recorded, and wins over the file. Without a ledger the files alone count.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

from pprnet_feeds.content.dates import month_of, parse_moment
from pprnet_feeds.content.files import read_text
from pprnet_feeds.content.model import Post, Status, digest
from pprnet_feeds.content.problems import Problem, quoted
from pprnet_feeds.content.slugs import is_path, is_slug
from pprnet_feeds.content.text import clean

FILE = "feeds/ledger.json"
_MEND = "Take the file from git again (git checkout feeds/ledger.json); only `publish` writes it."
_LIMIT = 134_217_728  # bytes: room for a hundred thousand posts
# A record has attributes of its own for these.
_NOT_IN_DIGEST = "file id slug aliases published updated issue body_line draft date".split()
_OF_BOTH = "id slug title published updated topics research status note".split()


@dataclass(frozen=True, slots=True)
class Record:
    """What subscribers have received of one post."""

    id: str
    path: str
    slug: str
    former: tuple[str, ...]  # slugs it had before
    title: str
    published: datetime
    updated: datetime
    changed: datetime  # when its last change was published
    digest: str  # of everything else that readers see of it
    topics: tuple[str, ...]
    research: tuple[str, ...]
    status: Status
    note: str = ""
    date: str = ""  # as its file had it first; empty in older records, which go by *published*
    notices: tuple[str, ...] = ()


# Records by their digest, and by their title and what their date means.
_Index = dict[str | tuple[str, datetime], list[Record]]


@dataclass(frozen=True)
class Ledger:
    """All records, by id; *source* is the digest of the text they were read from."""

    records: Mapping[str, Record] = field(default_factory=dict)
    source: bytes = field(default=b"", compare=False)

    @cached_property
    def by_path(self) -> Mapping[str, Record]:
        """The same records, by the file each was read from last."""
        return {record.path: record for record in self.records.values()}

    @cached_property
    def newest_change(self) -> datetime:
        """When the last change was published; year 1 when nothing was."""
        none = datetime.min.replace(tzinfo=UTC)
        return max((record.changed for record in self.records.values()), default=none)

    def identified(self, posts: Sequence[Post], zone: ZoneInfo, now: datetime) -> list[Post]:
        """The *posts* under the ids, dates and former addresses that subscribers know them by.

        A renamed file is one that is absent under its old path, and has the same text or title and date.
        """
        files, ids = {post.file for post in posts}, {post.id for post in posts}
        missing: _Index = {}
        for record in self.records.values():
            if record.path not in files and record.id not in ids:
                missing.setdefault(record.digest, []).append(record)
                missing.setdefault((record.title, date_of(record, zone)), []).append(record)
        return [self._known_as(post, files, missing, zone, now) for post in posts]

    def shown(self, now: datetime) -> Ledger:
        """The same without the posts that are scheduled at *now*, which no reader has seen."""
        shown = {id: record for id, record in self.records.items() if record.published <= now}
        return self if len(shown) == len(self.records) else Ledger(shown)

    def gone(self, posts: Iterable[Post]) -> list[Record]:
        """The records of which no post is left."""
        ids = {post.id for post in posts}
        return [record for record in self.records.values() if record.id not in ids]

    def _known_as(self, post: Post, files: set[str], missing: _Index, zone: ZoneInfo, now: datetime) -> Post:
        record = self.by_path.get(post.file) or self.records.get(post.id)
        if record and record.path != post.file and record.path in files:
            return post  # another post has that id: `library` reports the two
        if record is None and missing and is_default_id(post) and not post.draft:
            # Titles repeat across the years.
            same = missing.get(content_digest(post)) or missing.get((post.title, date_of(post, zone)), [])
            record = same[0] if len(same) == 1 else None
        if record is None or (record.id != post.id and not is_default_id(post)):
            return post
        # What was recorded ahead of its date may be postponed, or brought forward while nobody has seen it.
        is_put_off = record.changed < record.published and post.published > now
        if is_put_off or (record.published > now and record.date != post.date):
            return post
        former = dict.fromkeys((*record.former, record.slug))
        addresses = [f"/posts/{slug}/" for slug in former if slug != post.slug]
        # Without an `updated` of its own a post whose date was edited has not changed for readers.
        updated = post.updated if post.updated != post.published else record.published
        same_date = record.published == post.published and record.date in ("", post.date)
        return post.but(
            id=record.id,
            published=record.published,
            issue=post.issue if same_date else month_of(date_of(record, zone), zone),
            updated=max(updated, record.updated),
            aliases=tuple(dict.fromkeys((*post.aliases, *addresses))),
        )


def date_of(one: Post | Record, zone: ZoneInfo) -> datetime:
    """The moment that the date of a post or record means; its month and year are where readers find it."""
    return parse_moment(one.date, zone) if one.date else one.published


def is_default_id(post: Post) -> bool:
    """Whether the id is the name of the file."""
    return post.id == post.file.rpartition("/")[2].removesuffix(".md")


def is_alike(post: Post, record: Record, zone: ZoneInfo) -> bool:
    """Whether post and record have the same text, or the same title and date."""
    same_title_and_date = record.title == post.title and date_of(record, zone) == date_of(post, zone)
    return same_title_and_date or record.digest == content_digest(post)


def content_digest(post: Post) -> str:
    """A digest of what readers see of a post, whatever its file, id and address."""
    return digest(post, _NOT_IN_DIGEST)


def is_recorded(post: Post, ledger: Ledger) -> bool:
    """Whether the record of *post* is up to date."""
    record = ledger.records.get(post.id)
    return record is not None and record_of(post, record, record.changed) == record


def withdrawn_post(record: Record, zone: ZoneInfo) -> Post:
    """What is left of a withdrawn post whose file is gone: enough to notify its subscribers."""
    return Post(
        **{name: getattr(record, name) for name in _OF_BOTH},
        file=record.path,
        issue=month_of(date_of(record, zone), zone),
        aliases=tuple(f"/posts/{slug}/" for slug in record.former),
    )


def record_of(post: Post, before: Record | None, now: datetime) -> Record:
    """The record of a post as it is published at *now*; *before* is its record until then."""
    slugs = [alias.strip("/").removeprefix("posts/") for alias in post.aliases if alias.startswith("/posts/")]
    record = Record(
        **{name: getattr(post, name) for name in _OF_BOTH},
        path=post.file,
        former=tuple(slug for slug in slugs if slug != post.slug),
        changed=before.changed if before else now,
        digest=content_digest(post),
        date=before.date if before and before.published == post.published else post.date,
        notices=post.notices,
    )
    if before and record.status == "withdrawn" != before.status and record.updated <= before.updated:
        # A withdrawal without a date of its own has that of its publication.
        record = replace(record, updated=now)
    return record if record == before else replace(record, changed=now)


def read_ledger(folder: Path, before: Ledger | None = None) -> Ledger | list[Problem]:
    """The ledger of the site in *folder*, empty where there is none; *before* itself if it is the same."""
    path = folder / FILE
    text = read_text(path, FILE, _LIMIT) if os.path.lexists(path) else write(Ledger())
    if isinstance(text, Problem):
        return [text]
    source = hashlib.blake2b(text.encode()).digest()
    if before is not None and before.source == source:
        return before
    try:
        records = [_record(found) for found in json.loads(text)["posts"]]
    except json.JSONDecodeError as error:
        what, mend = f"not JSON: {error.msg}", _MEND
        if "\n<<<<<<< " in text:  # either side will do: the posts say the same as the other one
            what, side = "a merge that was not finished", "git checkout --theirs feeds/ledger.json"
            mend = f"Take one side ({side}), and `publish` again when the posts are merged."
        return [Problem(FILE, error.lineno, error.colno, what, mend)]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        return [Problem(FILE, 0, 0, f"no ledger of this program: {error!r}", _MEND)]
    if before is not None and before.records and not records:  # the dates of its posts would go back
        return [Problem(FILE, 0, 0, "the ledger holds no post any more", _MEND)]
    return Ledger({record.id: record for record in records}, source)


def too_early(ledger: Ledger, now: datetime, most: timedelta = timedelta()) -> list[Problem]:
    """A problem if *now* is before the last publication, by more than *most*."""
    what = f"the clock says {now:%Y-%m-%d %H:%M}, which is before the last publication"
    fault = Problem(FILE, 0, 0, what, "Set the clock of this machine.")
    return [fault] if ledger.newest_change - now > most else []


def write(ledger: Ledger) -> str:
    """The ledger as a text: one line for each record, by id, so that two branches seldom change the same."""
    lines = []
    for _, record in sorted(ledger.records.items()):
        written = {
            each.name: f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else value
            for each in fields(Record)
            if (value := getattr(record, each.name)) or each.name not in ("note", "former", "date", "notices")
        }
        lines.append(json.dumps(written, ensure_ascii=False))
    return '{"version": 1, "posts": [\n' + ",\n".join(lines) + "\n]}\n"


def _record(found: dict[str, Any]) -> Record:
    """One record from JSON, such as a post can give; raises KeyError, TypeError or ValueError for others."""
    found = _ABSENT | found
    values = {name: read(found[name]) for name, read in _READERS.items()}
    return Record(**values | {"updated": max(values["updated"], values["published"])})


def _checked(value: Any, is_valid: Callable[[str], object], fault: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"no text: {quoted(repr(value))}")
    if not is_valid(value):
        raise ValueError(f"{fault} {quoted(value)}")
    return value


def _each(values: Any, read: Callable[[Any], str]) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise TypeError(f"no list: {quoted(repr(values))}")
    return tuple(map(read, values))


def _moment(value: Any) -> datetime:
    return parse_moment(_line(value), ZoneInfo("UTC"))


def _is_line(text: str) -> bool:
    return "\n" not in text and clean(text) == (text, None)


_line = partial(_checked, is_valid=_is_line, fault="no line of text:")
_slug = partial(_checked, is_valid=is_slug, fault="no slug:")
# What followed `/posts/`; an alias may have brought it from elsewhere.
_former = partial(_checked, is_valid=lambda text: is_path(f"/posts/{text}"), fault="no former address:")
_ABSENT: dict[str, Any] = {"former": [], "topics": [], "research": [], "notices": [], "note": "", "date": ""}
_READERS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("published", "updated", "changed"), _moment),
    **dict.fromkeys(("id", "slug"), _slug),
    **dict.fromkeys(("path", "title", "digest", "note"), _line),
    **dict.fromkeys(("topics", "research"), partial(_each, read=_slug)),
    "former": partial(_each, read=_former),
    "notices": partial(_each, read=_line),
    "status": partial(_checked, is_valid=get_args(Status).__contains__, fault="no status is called"),
    "date": lambda value: value and _moment(value) and value,
}
