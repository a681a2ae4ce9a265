"""What a person chooses on the subscribe page, and the ways to subscribe to it.

The form works without a script: what it sends leads to the page of the selection, which shows the
address ready to be copied. The script does the same in the browser.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from pprnet_feeds.content.model import Site
from pprnet_feeds.syndication.selection import MOST_TOPICS, Refusal, Selection, chosen_slugs
from pprnet_feeds.syndication.urls import View

# The views and formats that people choose between; the others are for programs.
VIEW_NAMES: dict[View, str] = {
    "feed": "Full text",
    "summary": "Summaries",
    "practice": "Practice implications only",
}
FORMAT_NAMES = {"atom": "Atom", "rss": "RSS"}

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


def opml_address(slugs: Iterable[str], site: Site) -> str:
    """The address of the list of the topics' feeds; of all feeds when there are no topics."""
    query = "&".join(f"topic={slug}" for slug in slugs)
    return f"{site.base_url}/feeds.opml" + (f"?{query}" if query else "")


def read_choice(query: Iterable[tuple[str, str]], site: Site) -> tuple[Selection, str] | Refusal | list[str]:
    """Read what the form sent: the selection and the part of its page that shows the address.

    More topics than one feed combines are returned as a list of slugs, sorted.
    For a view or format that we do not have, the first one is taken.
    """
    asked = list(query)
    fields = dict(asked)
    topics = chosen_slugs((value for name, value in asked if name == "topic"), "topics", site)
    if isinstance(topics, Refusal):
        return topics
    types = chosen_slugs([fields.get("research", "")], "research", site)
    if isinstance(types, Refusal):
        return types
    if len(topics) > MOST_TOPICS:
        return sorted(topics)
    every = fields.get("match") == "all" and len(topics) > 1
    view = fields["view"] if fields.get("view") in VIEW_NAMES else "feed"
    form = fields["format"] if fields.get("format") in FORMAT_NAMES else "atom"
    return Selection(tuple(sorted(topics)), every, "".join(types)), f"{view}-{form}"
