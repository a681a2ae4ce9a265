"""Conditional requests and content codings (RFC 9110): which coding to send, and whether to send at all.

Feed readers poll. These rules decide whether a poll costs 200 bytes or 200 kilobytes. All functions
are pure functions of header values. What cannot be read is ignored; nothing here raises.
"""

import contextlib
import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_tz

IDENTITY = "identity"
ANY = "*"

# §12.4.2 allows three digits; more are as clear.
_WEIGHT = re.compile(r"[ \t]*q=(0(?:\.[0-9]*)?|1(?:\.0*)?)[ \t]*")

# §8.8.3: a comma within quotes is part of the tag. The second group is for readers that lose the quotes.
_TAG = re.compile(r'(?:W/)?(?:"([^"]*)"|([^\s,"]+))')

# §5.6.7: IMF-fixdate, RFC 850 or asctime; email.utils reads more. Some programs send the year 1 for none.
_DATE = re.compile(
    r"(?ai)(?:[a-z]{3}, \d\d? [a-z]{3} (?!00)\d{4}|[a-z]{6,9}, \d\d-[a-z]{3}-\d\d) \d\d:\d\d:\d\d"
    r" (?:GMT|UTC|\+0000)|[a-z]{3} [a-z]{3} [ \d]\d \d\d:\d\d:\d\d (?!00)\d{4}"
)


def choose_coding(accept_encoding: str | None, offered: Sequence[str]) -> str:
    """Choose the content coding to answer with: one of *offered*, or ``identity``.

    *offered* lists the codings besides identity, the preferred first. The weights of the reader
    decide; our order breaks ties. The answer is identity when the field is absent (readers that
    omit it are those that cannot decode), and when the reader refuses all: a document that it
    cannot use does less harm than a 406 in a cache.
    """
    if not accept_encoding:
        return IDENTITY
    weights: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        name, semicolon, parameter = part.partition(";")
        name = name.strip(" \t")
        if name == "x-gzip":  # an older name of the same (§8.4.1.3)
            name = "gzip"
        # A weight that cannot be read, or a second one, might be a refusal: the lowest counts.
        found = _WEIGHT.fullmatch(parameter) if semicolon else None
        weight = float(found[1]) if found else 0.0 if semicolon else 1.0
        weights[name] = min(weight, weights.get(name, 1.0))
    others = weights.get(ANY, 0.0)
    best = max(offered, key=lambda coding: weights.get(coding, others), default=IDENTITY)
    wanted = weights.get(best, others)
    return best if wanted > 0 and wanted >= weights.get(IDENTITY, others) else IDENTITY


def matches(if_none_match: str, tags: Collection[str]) -> str | None:
    """The first of *tags* that the field names, ``*`` if it names any, None if it names none.

    *tags* are strong entity tags in their quotes, compared weakly (§13.1.2). A tag that lost its
    quotes, or that a proxy marked as compressed, counts as well: such a reader would otherwise
    fetch the same bytes at every poll.
    """
    if if_none_match.strip(" \t") == ANY:
        return ANY
    ours = {tag[1:-1]: tag for tag in tags}
    for found in _TAG.finditer(if_none_match):
        opaque = found[1] if found[1] is not None else found[2]
        # What Apache's mod_deflate and others like it add to the tag of what they compress.
        if tag := ours.get(opaque.removesuffix("-gzip").removesuffix(";gzip")):
            return tag
    return None


def parse_http_date(text: str) -> datetime | None:
    """The time in UTC that an HTTP-date in any of its three forms means (§5.6.7); None where there is none.

    A leap second counts as the second before it.
    """
    found = parsedate_tz(text) if _DATE.fullmatch(text.strip(" \t")) else None
    with contextlib.suppress(ValueError):
        return found and datetime(*found[:5], min(found[5], 59), tzinfo=UTC)
    return None


def http_date(timestamp: datetime) -> str:
    """An aware *timestamp* as IMF-fixdate (§5.6.7), in English whatever the locale."""
    return format_datetime(timestamp.astimezone(UTC), usegmt=True)


def not_modified_since(if_modified_since: str, last_modified: datetime, now: datetime) -> bool:
    """Whether the field's date is no earlier than *last_modified*, in whole seconds (§13.1.3).

    A date later than *now* is ignored: no reader can have it from us.
    """
    timestamp = parse_http_date(if_modified_since)
    return timestamp is not None and last_modified.replace(microsecond=0) <= timestamp <= now
