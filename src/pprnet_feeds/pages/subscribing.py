"""What a person chooses on the subscribe page, and the ways to subscribe to it.

The form works without a script: what it sends is read here and leads to the
page of the selection, where the address stands ready to be copied. The script
does the same sums in the browser.

Never invents an address: a choice becomes a selection, and that has one spelling.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from pprnet_feeds.content.model import Site
from pprnet_feeds.syndication import selection
from pprnet_feeds.syndication.channel import View
from pprnet_feeds.syndication.selection import MOST_TOPICS, Refusal, Selection

# The views and formats that people choose between; the others are for programs.
VIEWS: dict[View, str] = {
    "feed": "Full text",
    "summary": "Summaries",
    "practice": "Practice implications only",
}
FORMATS = {"atom": "Atom", "rss": "RSS"}

# Where each reader takes an address: {enc} is the address in percent-encoding, {url} as it is.
READERS = {
    "Feedly": "https://feedly.com/i/subscription/feed%2F{enc}",
    "Inoreader": "https://www.inoreader.com/?add_feed={enc}",
    "NewsBlur": "https://www.newsblur.com/?url={enc}",
    "Feedbin": "https://feedbin.com/?subscribe={enc}",
    "The Old Reader": "https://theoldreader.com/feeds/subscribe?url={enc}",
    "BazQux": "https://bazqux.com/add?url={enc}",
    "App on this device": "feed:{url}",
    "E-mail (Blogtrottr)": "https://blogtrottr.com/?subscribe={enc}",
}


def reader_links(address: str) -> list[tuple[str, str]]:
    """Name and link of each reader that can subscribe to the feed at *address*."""
    enc = quote(address, safe="")
    return [(name, link.format(enc=enc, url=address)) for name, link in READERS.items()]


def opml(slugs: Iterable[str], site: Site) -> str:
    """The address of the list of the topics' feeds; of all feeds when there are no topics."""
    query = "&".join(f"topic={slug}" for slug in slugs)
    return f"{site.base_url}/feeds.opml" + (f"?{query}" if query else "")


def chosen(query: Iterable[tuple[str, str]], site: Site) -> tuple[Selection, str] | Refusal | list[str]:
    """Read what the form sent: the selection and the part of its page that shows the address.

    More topics than one feed combines are given back as a list of slugs, sorted.
    A view or format that we do not have is the first we have.
    """
    asked = list(query)
    fields = dict(asked)
    topics = selection.chosen((value for name, value in asked if name == "topic"), "topics", site)
    if isinstance(topics, Refusal):
        return topics
    types = selection.chosen([fields.get("research", "")], "research", site)
    if isinstance(types, Refusal):
        return types
    if len(topics) > MOST_TOPICS:
        return sorted(topics)
    every = fields.get("match") == "all" and len(topics) > 1
    view = fields.get("view", "") if fields.get("view") in VIEWS else "feed"
    form = fields.get("format", "") if fields.get("format") in FORMATS else "atom"
    return Selection(tuple(sorted(topics)), every, "".join(types)), f"{view}-{form}"
