"""What the entries of all feeds have in common: their dates, people and addresses, and how they become posts.

A value that cannot be read is left empty.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import partial
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pprnet_feeds.content import dates, slugs
from pprnet_feeds.content import text as texts
from pprnet_feeds.content.model import Citation, Image, Person, Site, Status
from pprnet_feeds.content.problems import Problem, quoted
from pprnet_feeds.importing.body import compose
from pprnet_feeds.importing.html import Block, text_of_html
from pprnet_feeds.importing.source_post import Source, SourcePost, source_of, unread
from pprnet_feeds.syndication.references import parse_reference

_ORCID = "https://orcid.org/"
_CITE = re.compile(r"<cite>(.*?)</cite>", re.DOTALL)
_ATTRIBUTE = re.compile(r' (alt|width|height)="([^"]*)"')
_STATUSES: dict[str, Status] = {"Corrected": "corrected", "Retracted": "retracted"}


def own_id(identity: str, site: Site) -> str:
    """The last part of an id that this site gave; empty when it is any other id."""
    key = identity.removeprefix(f"tag:{site.tag_root}/post/")
    return key if key != identity and slugs.is_slug(key) else ""


def source_of_feed(
    kind: str, id: str, posts: list[SourcePost], gone: Iterable[tuple[str, int]], file: str, site: Site
) -> Source:
    """A feed with this *id*, and of each of its tombstones the id and the line."""
    view = id.strip().removeprefix(f"tag:{site.tag_root}/feed/")
    if view != id.strip() and (
        view.rpartition("/")[2] != "feed" or view.startswith("corrections/") or "issues/feed" in view
    ):
        what = "this feed of the site does not hold its posts as they are"
        return unread(file, what, "Take the one with the full text: feed.atom, feed.json or feed.rss.")
    what = "a post was withdrawn, and its text is not in the feed: "
    mend = "If its file is lost, write one with `status: withdrawn`."
    withdrawn = [Problem(file, line, 0, what + quoted(each), mend) for each, line in gone]
    return source_of(kind, posts, withdrawn, file)


def post_of_entry(entry: SourcePost, blocks: list[Block], link: str, site: Site) -> SourcePost:
    """An entry of a feed as a post with the text of *blocks*.

    *entry* has the values as the feed writes them. An entry of our own keeps its id and slug, so that readers
    are not shown it twice, and loses what our feeds add to a text. Any other has its former path as an alias.
    """
    id = own_id(entry.id, site)
    status: Status = "published"
    note, image, cites = "", entry.image, entry.cites
    if id:
        status, note, blocks = _without_note(entry.labels, blocks)
        image, blocks = _without_picture(image, blocks)
        listed, blocks = _without_references(blocks)
        cites = cites or listed
    above, body = compose(blocks, [cite.text for cite in cites])
    before, _, slug = link.rstrip("/").rpartition("/")
    date = front_matter_date(entry.date or entry.updated, site.time_zone)
    updated = front_matter_date(entry.updated, site.time_zone)
    at = partial(dates.parse_moment, zone=site.time_zone)
    text = " ".join(" ".join(block.text for block in blocks).split())
    return replace(
        entry,
        date=date,
        body=body,
        cites=(*cites, *above),
        id=id,
        slug=slug if id and before.endswith("/posts") and slugs.is_slug(slug) else "",
        updated=updated if updated and date and at(updated) > at(date) else "",
        labels=tuple(label for label in entry.labels if not note or label.lower() != status),
        # The default of a summary is the beginning of the text.
        summary="" if entry.summary.rstrip(" .…[]") in text else entry.summary,
        authors=guests(entry.authors, site),
        image=image,
        aliases=() if id else former_path(link),
        status=status,
        note=note,
    )


def _without_note(labels: tuple[str, ...], blocks: list[Block]) -> tuple[Status, str, list[Block]]:
    """The status and the note of a correction, and the text below the note."""
    word, stop, note = blocks[0].text.partition(".") if blocks else ("", "", "")
    if stop and word in _STATUSES and _STATUSES[word] in map(str.lower, labels):
        return _STATUSES[word], " ".join(note.split()), blocks[1:]
    return "published", "", blocks


def _without_picture(image: Image | None, blocks: list[Block]) -> tuple[Image | None, list[Block]]:
    """The picture of an entry as the figure above the text describes it, and the text without that figure."""
    start = f'<figure><img src="{html.escape(image.url)}"' if image else "?"
    if image is None or not blocks or not blocks[0].html.startswith(start):
        return image, blocks
    described = dict(_ATTRIBUTE.findall(blocks[0].html))
    width, height = (size(described.get(name)) for name in ("width", "height"))
    return Image(image.url, html.unescape(described.get("alt", "")), width, height), blocks[1:]


def _without_references(blocks: list[Block]) -> tuple[tuple[Citation, ...], list[Block]]:
    """The references below a text, and the text without them."""
    if len(blocks) < 2 or (blocks[-2].level, blocks[-2].text) != (2, "References"):
        return (), blocks
    return tuple(parse_reference(text_of_html(each)) for each in _CITE.findall(blocks[-1].html)), blocks[:-2]


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
