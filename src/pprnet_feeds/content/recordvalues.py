"""One record of the ledger as JSON holds it: values of a few kinds, none of them trusted.

What stands in a record goes into ids, addresses and documents as if it had been
read from a post. So nothing gets past here that a post could not have said; and
whatever a post may say does, or a published ledger could not be read again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, get_args
from zoneinfo import ZoneInfo

from pprnet_feeds.content.characters import clean
from pprnet_feeds.content.dates import parse_moment
from pprnet_feeds.content.model import Post, Status
from pprnet_feeds.content.problems import quoted
from pprnet_feeds.content.slugs import is_path, is_slug

T = TypeVar("T")
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Record:
    """What subscribers have been told of one post.

    Attributes:
        former: slugs it had before.
        changed: when its last change was published.
        digest: stands for everything else that readers see of it.
        date: as its file had it first; empty in older records, which go by *published*.
    """

    id: str
    path: str
    slug: str
    former: tuple[str, ...]
    title: str
    published: datetime
    updated: datetime
    changed: datetime
    digest: str
    topics: tuple[str, ...]
    research: tuple[str, ...]
    status: Status
    note: str = ""
    date: str = ""


def date_of(said: Post | Record, zone: ZoneInfo) -> datetime:
    """What the date of a post or record means; its month and year are those readers find it under."""
    return parse_moment(said.date, zone) if said.date else said.published


def read(found: Mapping[str, Any]) -> dict[str, Any]:
    """The values of one record by name.

    Raises:
        KeyError, TypeError, ValueError: it is no record.
    """
    values: dict[str, Any] = {name: _slug(found[name]) for name in ("id", "slug")}
    values |= {name: _line(found[name]) for name in ("path", "title", "digest")}
    values |= {name: _each(found.get(name, []), _slug) for name in ("topics", "research")}
    values |= {name: parse_moment(_text(found[name]), _UTC) for name in ("published", "updated", "changed")}
    values["updated"] = max(values["updated"], values["published"])
    if date := found.get("date", ""):
        parse_moment(_text(date), _UTC)
    if found["status"] not in get_args(Status):
        raise ValueError(f"no status is called {quoted(str(found['status']))}")
    values |= {"former": _each(found.get("former", []), _former), "status": found["status"]}
    return values | {"note": _line(found.get("note", "")), "date": date}


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same as JSON holds them, without what is empty and need not stand there."""
    return {
        name: f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else value
        for name, value in values.items()
        if value or name not in ("note", "former", "date")
    }


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"no text: {quoted(repr(value))}")
    return value


def _line(value: Any) -> str:
    """Text as it is told in documents, on one line."""
    text = _text(value)
    if "\n" in text or clean(text) != (text, False):
        raise ValueError(f"no line of text: {quoted(text)}")
    return text


def _slug(value: Any) -> str:
    if not is_slug(_text(value)):
        raise ValueError(f"no slug: {quoted(value)}")
    return str(value)


def _former(value: Any) -> str:
    """What stood behind ``/posts/``, which an alias may have brought from elsewhere."""
    if not is_path(f"/posts/{_text(value)}"):
        raise ValueError(f"no former address: {quoted(value)}")
    return str(value)


def _each(values: Any, read: Callable[[Any], T]) -> tuple[T, ...]:
    if not isinstance(values, list):
        raise TypeError(f"no list: {quoted(repr(values))}")
    return tuple(map(read, values))
