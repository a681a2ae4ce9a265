"""The few addresses whose answer depends on the query: a list, the form without a script, oEmbed.

Everywhere else a query changes nothing. What a query asks for is read into what
we know, and the answer kept under that and not under the query: a stranger who
invents ten thousand queries costs a constant amount of memory.
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from pprnet_feeds.pages import embedding, subscribing
from pprnet_feeds.pages.page import Page
from pprnet_feeds.serving.messages import OEMBED, OPML, SUBSCRIBE, Reply
from pprnet_feeds.serving.representation import Representation
from pprnet_feeds.serving.snapshot import Snapshot
from pprnet_feeds.syndication.selection import Refusal, chosen

LONGEST_QUERY = 4096


def asked(path: str, query_string: bytes, snapshot: Snapshot) -> Representation | Refusal | Reply | None:
    """The answer at *path*, one of `ASKED`, to a query; parameters we do not know are ignored."""
    query = parse_qsl(query_string[:LONGEST_QUERY].decode("latin-1"), keep_blank_values=True)
    if path == OEMBED:
        return _oembed(dict(query), snapshot)
    if path == SUBSCRIBE:
        return _subscribe(query, snapshot)
    topics = chosen((value for name, value in query if name == "topic"), "topics", snapshot.site)
    if isinstance(topics, Refusal):
        return topics
    return snapshot.chosen(topics) if topics else snapshot.find(OPML)


def _oembed(query: dict[str, str], snapshot: Snapshot) -> Representation | Refusal | Reply:
    if (query.get("format") or "json") != "json":
        # oEmbed 1.0 §2.3.3: a format that is not offered.
        return Reply(501, "Only format=json is offered.")
    path = embedding.path_of(query.get("url", ""), snapshot.site)
    if path is None:
        return Refusal("Give the address of one of our pages as `url`.")
    size = embedding.sizes(query)

    def draw() -> Page | Refusal:
        found = snapshot.pages.oembed(path, size)
        # What was pasted years ago is as good as what is pasted today.
        moved = snapshot.moved(path) if isinstance(found, Refusal) else None
        return snapshot.pages.oembed(moved, size) if moved else found

    return snapshot.keep(f"{OEMBED}?{path}&{size}", draw)


def _subscribe(query: list[tuple[str, str]], snapshot: Snapshot) -> Representation | Refusal | Reply:
    choice = subscribing.chosen(query, snapshot.site)
    if isinstance(choice, Refusal):
        return choice
    if isinstance(choice, list):
        slugs = choice
        return snapshot.keep(f"{SUBSCRIBE}?{','.join(slugs)}", lambda: snapshot.pages.too_many(slugs))
    selection, card = choice
    location = f"{snapshot.site.base_url}/{selection.path}#{card}"
    return Reply(303, f"The address of your feed stands at {location}", {"location": location})
