"""The list of feeds: OPML 2.0 for feed readers to import, JSON for programs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from pprnet_feeds.syndication.channel import Channel, rfc3339
from pprnet_feeds.syndication.selection import Selection
from pprnet_feeds.syndication.urls import FORMATS, REFERENCE_FORMATS, View


@dataclass(frozen=True, slots=True)
class Listing:
    """One line of the list: a selection, its feeds by view, and how many posts it holds."""

    selection: Selection
    posts: int
    channels: Mapping[View, Channel]

    @property
    def group(self) -> str:
        """The name of the group that the line is in; empty for none."""
        return "Topics" if self.selection.topics else "Type of research" if self.selection.research else ""


def render_opml(title: str, listings: Sequence[Listing]) -> bytes:
    """The list for feed readers: each feed once, grouped, in the order given."""
    root = ElementTree.Element("opml", version="2.0")
    ElementTree.SubElement(ElementTree.SubElement(root, "head"), "title").text = title
    body = ElementTree.SubElement(root, "body")
    groups = {"": body}
    for listing in listings:
        if listing.group not in groups:
            name = {"text": listing.group, "title": listing.group}
            groups[listing.group] = ElementTree.SubElement(body, "outline", name)
        channel = listing.channels["feed"]
        outline = {"type": "rss", "text": channel.title, "title": channel.title}
        outline |= {"xmlUrl": channel.address("atom"), "htmlUrl": channel.home_page}
        ElementTree.SubElement(groups[listing.group], "outline", outline)
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def render_json_list(title: str, listings: Sequence[Listing], series: Sequence[Channel]) -> bytes:
    """The list for programs; *series* are the feeds that are no selections, such as the corrections."""
    feeds = [
        _feed(
            each.channels, group=each.group, home_page_url=each.channels["feed"].home_page, posts=each.posts
        )
        for each in listings
    ]
    document = {"title": title, "feeds": feeds, "series": [_feed({"feed": channel}) for channel in series]}
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def _feed(channels: Mapping[View, Channel], **more: str | int) -> dict[str, Any]:
    own = channels["feed"]
    addresses = {view: _addresses(view, channel) for view, channel in channels.items()}
    return {"id": own.id, "title": own.title, **more, "updated": rfc3339(own.updated), "addresses": addresses}


def _addresses(view: View, channel: Channel) -> dict[str, str]:
    forms = (*FORMATS, *REFERENCE_FORMATS) if view == "citations" else tuple(FORMATS)
    return {form: channel.address(form) for form in forms}
