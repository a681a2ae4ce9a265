"""Channels and entries as JSON Feed 1.1, each item on one line.

What the format lacks is in extensions, whose names begin with an underscore: docs/subscriber/feeds.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pprnet_feeds.content.model import Citation, Person
from pprnet_feeds.syndication.channel import Channel, Deletion, Entry, rfc3339
from pprnet_feeds.syndication.citations import csl_item
from pprnet_feeds.syndication.urls import FAVICON

VERSION = "https://jsonfeed.org/version/1.1"


def render_json_feed(channel: Channel, entries: Iterable[Entry]) -> bytes:
    """A document."""
    head: dict[str, Any] = {
        "version": VERSION,
        "title": channel.title,
        "home_page_url": channel.home_page,
        "feed_url": channel.address("json"),
        "description": channel.subtitle,
        "user_comment": "This is a feed. Copy its address into a feed reader to be told of new posts. "
        f"What a feed is, and which others there are: {channel.subscribe_page}",
        "authors": [_person(channel.site.author)],
        "language": channel.site.language,
        "icon": channel.icon,
        "favicon": channel.site.base_url + FAVICON,
    }
    if previous := channel.documents.get("prev-archive"):
        head["next_url"] = f"{previous}.json"
    if channel.hubs:
        head["hubs"] = [{"type": "WebSub", "url": hub} for hub in channel.hubs]
    head["_feed"] = {"id": channel.id, "updated": rfc3339(channel.updated), "complete": channel.complete}
    licence = {"rights": channel.site.rights, "url": channel.site.licence}
    if any(licence.values()):
        head["_license"] = {name: value for name, value in licence.items() if value}
    if channel.deletions:
        head["_deleted"] = {"items": [_deletion(deletion) for deletion in channel.deletions]}
    opening = json.dumps(head, ensure_ascii=False, indent=1).removesuffix("\n}")
    items = ",\n".join("  " + json.dumps(_item(entry), ensure_ascii=False) for entry in entries)
    items = f"\n{items}\n " if items else ""
    return f'{opening},\n "items": [{items}]\n}}\n'.encode()


def render_json_item(entry: Entry) -> bytes:
    """One item as a document of its own."""
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
    if entry.language:
        item["language"] = entry.language
    item["date_published"] = rfc3339(entry.published)
    item["date_modified"] = rfc3339(entry.updated)
    item["authors"] = [_person(author) for author in entry.authors]
    item["tags"] = [category.label for category in entry.categories]
    works = [csl_item(cite, f"{entry.key}-{place}") for place, cite in enumerate(entry.cites, 1)]
    if entry.study:
        works = [csl_item(entry.study, entry.key)]
        item["_related"] = dict(zip(("url", "title"), entry.post, strict=True))
    if works:
        # An extension is an object: the first work itself, with the others, which are rare, inside it.
        item["_citation"] = works[0] | ({"also": works[1:]} if works[1:] else {})
    if entry.cites and not entry.study:
        item["_references"] = [_reference(cite) for cite in entry.cites]
    return item


def _reference(cite: Citation) -> dict[str, str]:
    return ({"url": cite.link} if cite.link else {}) | {"reference": cite.text}


def _deletion(deletion: Deletion) -> dict[str, str]:
    values = {"id": deletion.id, "when": rfc3339(deletion.when), "comment": deletion.comment}
    return {name: value for name, value in values.items() if value}


def _person(person: Person) -> dict[str, str]:
    return {"name": person.name} | ({"url": person.link} if person.link else {})
