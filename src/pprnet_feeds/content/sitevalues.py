"""Readers of the values that only a site has: its address, its ids, its language and zone.

The tag root stands in every permanent id, so a root that is not legal now
would have to stay illegal for ever: it is checked in full.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pprnet_feeds.content import fields, slugs
from pprnet_feeds.content.fields import Faults
from pprnet_feeds.content.problems import quoted
from pprnet_feeds.content.yamlvalues import Value

# RFC 4151 §2.1: authority, date, and the first part of what is specific.
_TAG_ROOT = re.compile(
    r"(?:[a-z0-9._-]+@)?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*,"
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]*[A-Za-z0-9]"
)
# RFC 5646 §2.1, without the grandfathered tags.
_LANGUAGE = re.compile(
    r"[a-z]{2,3}(?:-[a-z]{3}){0,3}(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"
    r"(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?",
    re.IGNORECASE,
)
# Zones have capitals. What else lies in that folder (localtime, posixrules, right/…) says how one
# machine is set up, and the same posts would be other bytes on the next.
_ZONE = re.compile(r"[A-Z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")
_NO_ZONES = frozenset({"Factory"})


def read_base_url(value: Value, name: str, faults: Faults) -> str | None:
    """Where readers reach the site, without a trailing slash."""
    typed = fields.address(value, name, faults)
    if typed is None:
        return None
    if "?" in typed or "#" in typed:
        what = f"`{name}` has a query or a fragment: {quoted(typed)}"
        faults.add(value, what, "Write only where the site begins, like https://example.org/blog.")
        return None
    path = urlsplit(typed).path.rstrip("/")
    if path and not slugs.is_path(path):
        what = f"the path of `{name}` holds more than letters, digits, dots, hyphens, _ and ~: {quoted(path)}"
        faults.add(value, what, "Serve the site below a plain path, like https://example.org/blog.")
        return None
    return typed.rstrip("/")


def read_tag_root(value: Value, name: str, faults: Faults) -> str | None:
    """The root of permanent ids: authority, date and first part (RFC 4151)."""
    typed = fields.scalar(value, name, faults)
    if typed is None:
        return None
    match = _TAG_ROOT.fullmatch(typed) if len(typed) <= 200 else None
    if match and _is_date(int(match[1]), int(match[2] or 1), int(match[3] or 1)):
        return typed
    what = f"`{name}` is not the root of a tag: {quoted(typed)}"
    mend = (
        "Write a domain you held, the year you held it, and a word, without `tag:`, "
        "like example.org,2013:blog (RFC 4151)."
    )
    faults.add(value, what, mend)
    return None


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        return date(year, month, day).year >= 1985  # the first year with domain names
    except ValueError:
        return False


def read_language(value: Value, name: str, faults: Faults) -> str | None:
    """A language tag (BCP 47)."""
    typed = fields.scalar(value, name, faults)
    if typed is None or (len(typed) <= 50 and _LANGUAGE.fullmatch(typed)):
        return typed
    faults.add(
        value, f"`{name}` is not a language tag: {quoted(typed)}", "Write it like en or en-CA (BCP 47)."
    )
    return None


def read_time_zone(value: Value, name: str, faults: Faults) -> ZoneInfo | None:
    """A time zone of the IANA data base."""
    typed = fields.scalar(value, name, faults)
    if typed is None:
        return None
    if _ZONE.fullmatch(typed) and typed not in _NO_ZONES:
        with suppress(ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo(typed)
    faults.add(value, f"no time zone is called {quoted(typed)}", "Write it like America/Toronto.")
    return None
