"""Values as feeds and exports write them: dates, names, addresses and ids, made into ours.

Each function gives nothing where a value cannot be read.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pprnet_feeds.content import dates, slugs
from pprnet_feeds.content import text as texts
from pprnet_feeds.content.model import Person, Site

_ORCID = "https://orcid.org/"


def front_matter_date(text: str, zone: ZoneInfo) -> str:
    """A date of RFC 3339 or RFC 822 as front matter takes it, in the shortest form.

    Noon in *zone* is what a day means, and on the 1st what a month means.
    """
    text = text.strip()[:100]
    try:
        at = dates.parse_moment(text, zone)
    except ValueError:
        try:
            found = parsedate_to_datetime(text)
            text = (found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat(timespec="seconds")
            at = dates.parse_moment(text, zone)
        except (ValueError, TypeError, OverflowError, IndexError):
            return ""
    local = at.astimezone(zone)
    if (local.hour, local.minute, local.second) != (12, 0, 0):
        return text.replace(" ", "T").replace("+00:00", "Z")
    return f"{local:%Y-%m}" if local.day == 1 else f"{local:%Y-%m-%d}"


def one_line(text: str | None) -> str:
    """Text of one line, without characters that no feed may hold."""
    return texts.one_line(texts.clean(text or "")[0])


def size(text: str | None) -> int:
    """The width or height of a picture in pixels; 0 when it is not known."""
    return int(re.sub(r"[^0-9]", "", text or "")[:5] or 0)


def person(name: str, address: str = "", email: str = "") -> Person:
    """Somebody, whose address may be that of an ORCID record or of a mailbox."""
    if address.startswith(_ORCID):
        return Person(name, orcid=address.removeprefix(_ORCID).strip("/"))
    if address.lower().startswith("mailto:"):
        return Person(name, email=email or address[7:])
    return Person(name, address, email)


def guests(people: Iterable[Person], site: Site) -> tuple[Person, ...]:
    """The authors of a post; none when it is the site's own, who need not be named."""
    named = tuple(dict.fromkeys(each for each in people if each.name))
    return () if [each.name for each in named] == [site.author.name] else named


def former_path(address: str) -> tuple[str, ...]:
    """The path at which a post was before, when it can lead to the post here."""
    try:
        path = urlsplit(html.unescape(address.strip())).path
    except ValueError:
        return ()
    first = path[1:].partition("/")[0].partition(".")[0]
    return (path,) if path.strip("/") and slugs.is_path(path) and first not in slugs.RESERVED else ()
