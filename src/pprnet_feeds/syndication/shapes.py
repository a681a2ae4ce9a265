"""The shapes of the small values in feeds: addresses, moments, tags, types.

Every format is made of the same few kinds of text, each with a grammar of its
own. They stand here once, so that an address in Atom and one in JSON Feed are
judged alike. Where we promise more than a specification asks for (moments in
UTC and whole seconds), the promise is the shape.

Pure functions of text; none of them raises.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from urllib.parse import urlsplit

# An entry stands in many documents, and what was found out of a piece of text is true wherever it stands:
# that many pieces are remembered by each function that looks closely.
SEEN = 8_192

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
_TAG = re.compile(
    r"tag:(?P<authority>[^\s,:/?#@]+(?:@[^\s,:/?#@]+)?),(?P<date>\d{4}(?:-\d\d(?:-\d\d)?)?):[^\s#<>\"{}|\\^`]*",
    re.ASCII,
)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_RFC_822 = re.compile(
    rf"(?P<weekday>{'|'.join(_DAYS)}), (?P<day>\d\d) (?P<month>{'|'.join(_MONTHS)}) (?P<year>\d{{4}})"
    r" (?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d) \+0000",
    re.ASCII,
)
_MEDIA_TYPE = re.compile(
    r"[a-z0-9][\w!#$&^.+-]*/[a-z0-9][\w!#$&^.+-]*(?:\s*;\s*[\w.-]+=[^;]+)*", re.ASCII | re.IGNORECASE
)
_LANGUAGE = re.compile(
    r"(?:[A-Za-z]{2,3}(?:-[A-Za-z]{3}){0,3}|[A-Za-z]{4,8})(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|\d{3}))?"
    r"(?:-(?:[A-Za-z0-9]{5,8}|\d[A-Za-z0-9]{3}))*(?:-[A-WY-Za-wy-z0-9](?:-[A-Za-z0-9]{2,8})+)*"
    r"(?:-x(?:-[A-Za-z0-9]{1,8})+)?",
    re.ASCII,
)
_EMAIL = re.compile(r"[^@\s<>,;]+@[^@\s<>,;.]+(?:\.[^@\s<>,;.]+)*")
# C0 but for tab and line ends, DEL, C1, lone surrogates, and the non-characters of every plane.
_UNCLEAN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    + "]"
)


def words(text: str) -> frozenset[str]:
    """Give the set of the words of *text*: a vocabulary, written as one would say it."""
    return frozenset(text.split())


@lru_cache(SEEN)
def is_absolute(iri: str) -> bool:
    """Whether *iri* is absolute (RFC 3987 §2.2); one of the web must name a host."""
    if not _SCHEME.fullmatch(iri):
        return False
    try:
        parts = urlsplit(iri)
        return bool(parts.hostname) if parts.scheme in {"http", "https"} else True
    except ValueError:  # a bracket without its partner in the host
        return False


@lru_cache(SEEN)
def is_id(iri: str) -> bool:
    """Whether *iri* may be an identifier: absolute, and a ``tag:`` obeys RFC 4151 §2.1."""
    if not iri.lower().startswith("tag:"):
        return is_absolute(iri)
    tag = _TAG.fullmatch(iri)
    if not tag:
        return False
    try:
        date.fromisoformat((tag["date"] + "-01-01")[:10])
    except ValueError:
        return False
    return True


@lru_cache(SEEN)
def is_moment(text: str) -> bool:
    """Whether *text* is an RFC 3339 date-time in UTC and whole seconds; two such compare as text."""
    if not _MOMENT.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


@lru_cache(SEEN)
def rfc822_moment(text: str) -> datetime | None:
    """Read an RFC 822 date with a four-digit year, in UTC, whose weekday is right; else None."""
    match = _RFC_822.fullmatch(text)
    if not match:
        return None
    hour, minute, second = int(match["hour"]), int(match["minute"]), int(match["second"])
    month = _MONTHS.index(match["month"]) + 1
    try:
        moment = datetime(int(match["year"]), month, int(match["day"]), hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return moment if _DAYS[moment.weekday()] == match["weekday"] else None


def is_media_type(text: str) -> bool:
    """Whether *text* looks like a media type (RFC 6838 §4.2), parameters allowed."""
    return bool(_MEDIA_TYPE.fullmatch(text))


def is_language(text: str) -> bool:
    """Whether *text* has the shape of a language tag (RFC 5646 §2.1)."""
    return bool(_LANGUAGE.fullmatch(text))


def is_email(text: str) -> bool:
    """Whether *text* looks like an address of somebody (RFC 4287 §3.2.3 asks for no more)."""
    return bool(_EMAIL.fullmatch(text))


@lru_cache(SEEN)
def unclean_character(text: str) -> str:
    """Give the first control character, lone surrogate or non-character as ``U+0007``, or nothing."""
    match = _UNCLEAN.search(text)
    return f"U+{ord(match[0]):04X}" if match else ""
