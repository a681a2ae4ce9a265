"""The list of feeds: OPML 2.0 for feed readers to import, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from pprnet_feeds.syndication.bibliography import MEDIA_TYPES
from pprnet_feeds.syndication.channel import FORMATS, Channel, View, rfc3339
from pprnet_feeds.syndication.selection import Selection


@dataclass(frozen=True, slots=True)
class Listing:
    """One line of the list: a selection, its feeds by view, and how many posts it holds."""

    selection: Selection
    posts: int
    channels: Mapping[View, Channel]

    @property
    def group(self) -> str:
        """The heading the line stands under; empty for none."""
        return "Topics" if self.selection.topics else "Type of research" if self.selection.research else ""


def draw_opml(title: str, listings: Sequence[Listing]) -> bytes:
    """Draw the list for feed readers: each feed once, grouped, in the order given."""
    root = ElementTree.Element("opml", version="2.0")
    ElementTree.SubElement(ElementTree.SubElement(root, "head"), "title").text = title
    body = ElementTree.SubElement(root, "body")
    groups = {"": body}
    for listing in listings:
        if listing.group not in groups:
            name = {"text": listing.group, "title": listing.group}
            groups[listing.group] = ElementTree.SubElement(body, "outline", name)
        channel = listing.channels["feed"]
        outline = {
            "type": "rss",
            "text": channel.title,
            "title": channel.title,
            "xmlUrl": channel.address("atom"),
            "htmlUrl": channel.home_page,
        }
        ElementTree.SubElement(groups[listing.group], "outline", outline)
    ElementTree.indent(root)
    drawn: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return drawn + b"\n"


def draw_list(title: str, listings: Sequence[Listing], series: Sequence[Channel]) -> bytes:
    """Draw the list for programs: every selection with its addresses by view and format.

    *series* are the feeds that are not of posts: the months, and the corrections.
    """
    feeds = []
    for listing in listings:
        channel = listing.channels["feed"]
        feeds.append(
            {
                "id": channel.id,
                "title": channel.title,
                "group": listing.group,
                "home_page_url": channel.home_page,
                "posts": listing.posts,
                "updated": rfc3339(channel.updated),
                "addresses": {view: _addresses(view, views) for view, views in listing.channels.items()},
            }
        )
    others = [
        {
            "id": channel.id,
            "title": channel.title,
            "updated": rfc3339(channel.updated),
            "addresses": {"feed": _addresses("feed", channel)},
        }
        for channel in series
    ]
    document = {"title": title, "feeds": feeds, "series": others}
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def _addresses(view: View, channel: Channel) -> dict[str, str]:
    forms = (*FORMATS, *MEDIA_TYPES) if view == "citations" else tuple(FORMATS)
    return {form: channel.address(form) for form in forms}
