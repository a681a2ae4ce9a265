"""Channels and entries as JSON Feed 1.1, each item on one line.

What the format lacks is in extensions, whose names begin with an underscore: docs/subscriber/feeds.md.
"""

import json
from collections.abc import Iterable
from typing import Any

from pprnet_feeds.content.model import Person
from pprnet_feeds.syndication.channel import Channel, Entry, rfc3339, without_empty
from pprnet_feeds.syndication.citations import csl_item
from pprnet_feeds.syndication.urls import FAVICON, ICON


def render_json_feed(channel: Channel, entries: Iterable[Entry]) -> bytes:
    """A document."""
    site, previous = channel.site, channel.documents.get("prev-archive")
    deleted = [
        without_empty({"id": id, "when": rfc3339(when), "comment": comment})
        for id, when, comment in channel.deletions
    ]
    head = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": channel.title,
        "home_page_url": channel.home_page,
        "feed_url": channel.address("json"),
        "description": channel.subtitle,
        "user_comment": "This is a feed. Copy its address into a feed reader to be told of new posts. "
        f"What a feed is, and which others there are: {site.base_url}/",
        "authors": [_person(site.author)],
        "language": site.language,
        "icon": site.base_url + ICON,
        "favicon": site.base_url + FAVICON,
        "next_url": previous and f"{previous}.json",
        "hubs": [{"type": "WebSub", "url": hub} for hub in channel.hubs],
        "_feed": {"id": channel.id, "updated": rfc3339(channel.updated), "complete": channel.complete},
        "_license": without_empty({"rights": site.rights, "url": site.licence}),
        "_deleted": {"items": deleted} if deleted else {},
    }
    opening = json.dumps(without_empty(head), ensure_ascii=False, indent=1).removesuffix("\n}")
    items = ",\n".join("  " + json.dumps(_item(entry), ensure_ascii=False) for entry in entries)
    items = f"\n{items}\n " if items else ""
    return f'{opening},\n "items": [{items}]\n}}\n'.encode()


def render_json_item(entry: Entry) -> bytes:
    """One item as a document of its own."""
    return json.dumps(_item(entry), ensure_ascii=False, indent=1).encode() + b"\n"


def _item(entry: Entry) -> dict[str, Any]:
    study, image = entry.study, entry.image
    others = () if study else entry.cites
    works = [csl_item(study, entry.key)] if study else []
    works += [csl_item(cite, f"{entry.key}-{place}") for place, cite in enumerate(others, 1)]
    item = {
        "id": entry.id,
        "url": entry.url,
        "title": entry.title,
        # Some readers link the headline to it instead of to `url`: in an entry of ours, to the publisher.
        "external_url": study.link if study else "",
        # An item must have content; where the view leaves it out the summary is all there is.
        "content_html": entry.html,
        "content_text": "" if entry.html else entry.summary,
        "summary": entry.summary,
        "image": image.url if image else "",
        "language": entry.language,
        "date_published": rfc3339(entry.published),
        "date_modified": rfc3339(entry.updated),
        "authors": [_person(author) for author in entry.authors],
        "tags": [category.label for category in entry.categories],
        "_related": dict(zip(("url", "title"), entry.post, strict=True)) if study else {},
        # An extension is an object: the first work itself, with the others, which are rare, inside it.
        "_citation": works[0] | without_empty({"also": works[1:]}) if works else {},
        "_references": [without_empty({"url": one.link, "reference": one.text}) for one in others],
    }
    return without_empty(item)


def _person(person: Person) -> dict[str, str]:
    return without_empty({"name": person.name, "url": person.link})
