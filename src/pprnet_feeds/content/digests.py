"""Short stand-ins for values, the same on every machine, in every process and at every start."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from pprnet_feeds.content.model import Post

# What readers cannot see of a post.
_UNSEEN = ("file", "body_line", "draft", "date")


def digest(value: object, without: Collection[str] = ()) -> str:
    """Stand for *value* in 32 characters; attributes named in *without* do not count at its top.

    Values are dataclasses, moments, zones, and what JSON knows. Python's own
    `repr` and `hash` would differ between versions and processes.
    """
    if without:
        value = {name: part for name, part in _plain(value).items() if name not in without}
    return hashlib.blake2b(_JSON.encode(value).encode(), digest_size=16).hexdigest()


def appearance(post: Post) -> str:
    """Stand for what readers can see of a post."""
    return digest(post, _UNSEEN)


def _plain(value: Any) -> Any:
    """What JSON does not know, as what it knows."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, ZoneInfo):
        return value.key
    if isinstance(value, Mapping):
        return dict(value)
    if is_dataclass(value):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    raise TypeError(f"a {type(value).__name__} has no canonical text")


_JSON = json.JSONEncoder(default=_plain, sort_keys=True, separators=(",", ":"))
