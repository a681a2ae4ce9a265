"""How feeds and exports say when something appeared, who wrote it and what it is called.

The same few facts come in several notations; here they become ours, or
nothing where they cannot be read.
"""

from __future__ import annotations

import html
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pprnet_feeds.content import dates, markdown, slugs
from pprnet_feeds.content.model import Person, Site
from pprnet_feeds.content.text import clean, one_line
from pprnet_feeds.publishing.importing import tags

_ORCID = "https://orcid.org/"


def moment(text: str, zone: ZoneInfo) -> str:
    """A moment of RFC 3339 or RFC 822 as front matter takes it; empty when it is neither.

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
    return short(at, text, zone)


def short(at: datetime, text: str, zone: ZoneInfo) -> str:
    """The shortest form of a moment that was typed as *text*."""
    local = at.astimezone(zone)
    if (local.hour, local.minute, local.second) != (12, 0, 0):
        return text.replace(" ", "T").replace("+00:00", "Z")
    return f"{local:%Y-%m}" if local.day == 1 else f"{local:%Y-%m-%d}"


def plain(text: str | None) -> str:
    """Text of one line, without characters that no feed may hold."""
    return one_line(clean(text or "")[0])


def from_html(text: str | None) -> str:
    """A title or summary that may be HTML, as plain text of one line."""
    return " ".join(markdown.plain_text(tags.tame(plain(text))).split())


def person(name: str, address: str = "", email: str = "") -> Person:
    """Somebody, whose address may be that of an ORCID record."""
    if address.startswith(_ORCID):
        return Person(name, orcid=address.removeprefix(_ORCID).strip("/"))
    return Person(name, address, email)


def guests(people: list[Person], site: Site) -> tuple[Person, ...]:
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
    usable = path.strip("/") and slugs.is_path(path) and first not in slugs.RESERVED
    return (path,) if usable else ()


def own_id(identity: str, site: Site) -> str:
    """The last part of an id that this site gave; empty when it is anybody else's."""
    key = identity.removeprefix(f"tag:{site.tag_root}/post/")
    return key if key != identity and slugs.is_slug(key) else ""


def own_slug(address: str) -> str:
    """The slug in a permalink of ours; empty when it is none."""
    before, _, last = address.rstrip("/").rpartition("/")
    return last if before.endswith("/posts") and slugs.is_slug(last) else ""
