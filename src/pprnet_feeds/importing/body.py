"""The body of a post: the references above it, the text, and what our own feeds show around it.

A line is a reference only when it can be read as one; anything else above a text belongs to the text.
"""

from __future__ import annotations

import html as entities
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

from pprnet_feeds.content import dates, slugs
from pprnet_feeds.content.model import Citation, Image, Site, Status
from pprnet_feeds.content.problems import Problem, quoted
from pprnet_feeds.importing import values
from pprnet_feeds.importing.html import Block, text_of_html
from pprnet_feeds.importing.source_post import Source, SourcePost, source_of, unread
from pprnet_feeds.importing.to_markdown import markdown_of
from pprnet_feeds.syndication.references import certain_authors, parse_reference

HEADING = "## Practice Implications"
_LONGEST_REFERENCE = 1_000
_LONGEST_HTML = 2_000_000
_CITE = re.compile(r"<cite>(.*?)</cite>", re.DOTALL)
_ATTRIBUTE = re.compile(r' (alt|width|height)="([^"]*)"')
_STATUSES: dict[str, Status] = {"corrected": "corrected", "retracted": "retracted"}
_NOTE = re.compile(r"(?:Corrected|Retracted)\. ?(.*)", re.DOTALL)


def is_reference(block: Block) -> bool:
    """Whether a block is a printed reference: authors, a year in brackets, a work."""
    fits = len(block.text) <= _LONGEST_REFERENCE and "\n" not in block.text and not block.level
    return fits and certain_authors(block.text) != ()


def is_practice(block: Block) -> bool:
    """Whether a block is the heading of the practice implications."""
    words = block.text[:40].casefold().rstrip(" :").split()
    return len(block.text) < 40 and words == ["practice", "implications"]


def compose(blocks: Sequence[Block], shown: Sequence[str] = ()) -> tuple[tuple[Citation, ...], str]:
    """The references above a text, and the text as Markdown without them.

    *shown* are references that are known already and are above the text only
    because a feed shows them there: they are taken away and not read.
    """
    known = [letters for text in shown if (letters := _letters(text))]
    cites: list[Citation] = []
    rest = list(blocks)
    while rest and ((is_known := _letters(rest[0].text).startswith(tuple(known))) or is_reference(rest[0])):
        block = rest.pop(0)
        cites += [] if is_known else [parse_reference(" ".join(block.text.split()))]
    # A text that is far too long for a post is not worth its form.
    plain = sum(len(block.html) for block in rest) > _LONGEST_HTML
    parts = (
        HEADING if is_practice(each) and each.level != 2 else markdown_of(each, plain=plain) for each in rest
    )
    text = "\n\n".join(part for part in parts if part)
    return tuple(cites), f"{text}\n" if text else ""


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


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

    *entry* has the values as the feed writes them, with the whole id. An entry
    of our own keeps id and slug, so that readers are not shown it twice, and
    loses what our feeds add to a text. Any other entry has its former path as an alias.
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
    date = values.front_matter_date(entry.date or entry.updated, site.time_zone)
    updated = values.front_matter_date(entry.updated, site.time_zone)
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
        authors=values.guests(entry.authors, site),
        image=image,
        aliases=() if id else values.former_path(link),
        status=status,
        note=note,
    )


def _without_note(labels: tuple[str, ...], blocks: list[Block]) -> tuple[Status, str, list[Block]]:
    """The status and the note of a correction, and the text below the note."""
    status = next((_STATUSES[label.lower()] for label in labels if label.lower() in _STATUSES), None)
    note = _NOTE.fullmatch(blocks[0].text) if blocks else None
    if status is None or note is None:
        return "published", "", blocks
    return status, " ".join(note[1].split()), blocks[1:]


def _without_picture(image: Image | None, blocks: list[Block]) -> tuple[Image | None, list[Block]]:
    """The picture of an entry as the figure above the text describes it, and the text without that figure."""
    start = f'<figure><img src="{entities.escape(image.url)}"' if image else "?"
    if image is None or not blocks or not blocks[0].html.startswith(start):
        return image, blocks
    described = dict(_ATTRIBUTE.findall(blocks[0].html))
    width, height = (values.size(described.get(name)) for name in ("width", "height"))
    return Image(image.url, entities.unescape(described.get("alt", "")), width, height), blocks[1:]


def _without_references(blocks: list[Block]) -> tuple[tuple[Citation, ...], list[Block]]:
    """The references below a text, and the text without them."""
    if len(blocks) < 2 or (blocks[-2].level, blocks[-2].text) != (2, "References"):
        return (), blocks
    return tuple(parse_reference(text_of_html(each)) for each in _CITE.findall(blocks[-1].html)), blocks[:-2]
