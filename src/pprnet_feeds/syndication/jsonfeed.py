"""Channels and entries as JSON Feed 1.1.

What the format has no word for stands in extensions whose names begin with an
underscore: the feed's permanent id and date (`_feed`), the citation as CSL-JSON
(`_citation`), our post of a cited study (`_related`), the rights (`_license`)
and what was withdrawn (`_deleted`).

Each item is on one line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pprnet_feeds.content.model import Person
from pprnet_feeds.syndication.channel import Channel, Deletion, Entry, rfc3339
from pprnet_feeds.syndication.citations import csl

VERSION = "https://jsonfeed.org/version/1.1"


def draw(channel: Channel, entries: Iterable[Entry]) -> bytes:
    """Draw one document."""
    head: dict[str, Any] = {
        "version": VERSION,
        "title": channel.title,
        "home_page_url": channel.home_page,
        "feed_url": channel.address("json"),
        "description": channel.subtitle,
        "user_comment": "This is a feed. Copy its address into a feed reader to be told of new posts. "
        f"What a feed is, and which others there are: {channel.subscribe_page}",
        "authors": [_person(channel.author)],
        "language": channel.language,
    }
    if channel.previous:
        head["next_url"] = f"{channel.previous}.json"
    if channel.hubs:
        head["hubs"] = [{"type": "WebSub", "url": hub} for hub in channel.hubs]
    head["_feed"] = {"id": channel.id, "updated": rfc3339(channel.updated), "complete": channel.complete}
    licence = {"rights": channel.rights, "url": channel.licence}
    if any(licence.values()):
        head["_license"] = {name: value for name, value in licence.items() if value}
    if channel.deletions:
        head["_deleted"] = {"items": [_deletion(deletion) for deletion in channel.deletions]}
    opening = json.dumps(head, ensure_ascii=False, indent=1).removesuffix("\n}").encode()
    lines = [b"  " + json.dumps(_item(entry), ensure_ascii=False).encode() for entry in entries]
    between = (b"\n", b"\n ") if lines else (b"", b"")
    return b"".join((opening, b',\n "items": [', between[0], b",\n".join(lines), between[1], b"]\n}\n"))


def draw_alone(entry: Entry) -> bytes:
    """Draw one item as a document of its own."""
    return json.dumps(_item(entry), ensure_ascii=False, indent=1).encode() + b"\n"


def _item(entry: Entry) -> dict[str, Any]:
    item: dict[str, Any] = {"id": entry.id, "url": entry.url, "title": entry.title}
    if entry.study and entry.study.link:
        # Some readers link the headline to it instead of to `url`: in an entry of ours, to the publisher.
        item["external_url"] = entry.study.link
    # An item must have content; where the view leaves it out the summary is all there is.
    item |= {"content_html": entry.html} if entry.html else {"content_text": entry.summary}
    item["summary"] = entry.summary
    if entry.image:
        item["image"] = entry.image.url
    item["date_published"] = rfc3339(entry.published)
    item["date_modified"] = rfc3339(entry.updated)
    item["authors"] = [_person(author) for author in entry.authors]
    item["tags"] = [category.label for category in entry.categories]
    works = [csl(cite, f"{entry.key}-{place}") for place, cite in enumerate(entry.cites, 1)]
    if entry.study:
        works = [csl(entry.study, entry.key)]
        item["_related"] = dict(zip(("url", "title"), entry.post, strict=True))
    if works:
        # An extension is an object: the first work itself, with the others, which are rare, inside it.
        item["_citation"] = works[0] | ({"also": works[1:]} if works[1:] else {})
    return item


def _deletion(deletion: Deletion) -> dict[str, str]:
    told = {"id": deletion.id, "when": rfc3339(deletion.when), "comment": deletion.comment}
    return {name: value for name, value in told.items() if value}


def _person(person: Person) -> dict[str, str]:
    return {"name": person.name} | ({"url": person.link} if person.link else {})
