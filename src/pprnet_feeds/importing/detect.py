"""Which kind of file it is, and what it holds: its first characters decide, not its name."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from pprnet_feeds.content.model import Site
from pprnet_feeds.content.text import clean_with_problems, decode
from pprnet_feeds.importing.blogpage import read_page
from pprnet_feeds.importing.feeds import read_feed
from pprnet_feeds.importing.html import blocks_of_html, blocks_of_text
from pprnet_feeds.importing.json_items import read_json_feed
from pprnet_feeds.importing.source_post import Source, unread

SIZE_LIMIT = 50_000_000

_HTML = re.compile(
    r"<!doctype html|<html[\s>]|<(?:body|div|p|h[1-6]|main|article)(?:\s[^<>]*)?>", re.IGNORECASE
)
_XML = re.compile(
    r"(?><!--.*?-->\s*)*+<(?:\?xml\b|!DOCTYPE\s+(?:rss|feed|rdf:RDF)\b|(?:rss|feed|rdf:RDF|[a-z]+:feed)[\s>])",
    re.IGNORECASE | re.DOTALL,
)
_HEAD = 100_000


def read_source(path: Path, name: str, site: Site) -> Source:
    """What the file holds, which is called *name* in problems; without posts a problem says why."""
    try:
        if not path.is_file():
            return unread(name, "this is not a regular file", "Give the file itself.")
        with path.open("rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        what = f"the file cannot be opened: {error.strerror or 'no reason was given'}"
        return unread(name, what, "Look whether it is there and may be read.")
    if len(data) > SIZE_LIMIT:
        return unread(name, "the file is larger than 50 MB", "Export a part of it at a time.")
    try:
        text = decode(data)
    except ValueError as reason:
        what = f"the file is not UTF-8 text: {reason}"
        return unread(name, what, "Save it as UTF-8; most programs ask for the encoding under Save As.")
    text, dropped = clean_with_problems(text, name)
    source = read_text(text, name, site)
    return replace(source, problems=tuple(sorted([*dropped, *source.problems])))


def read_text(text: str, name: str, site: Site) -> Source:
    """What a text holds, of whichever kind it is."""
    start = text.lstrip()[:_HEAD]
    if not start:
        return unread(name, "the file is empty", "Save it again.")
    if start[0] in "{[":
        return read_json_feed(text, name, site)
    if _XML.match(start) and "<html" not in start[:2_000].lower():
        return read_feed(text, name, site)
    return read_page(blocks_of_html(text) if _HTML.search(start) else blocks_of_text(text), name)
