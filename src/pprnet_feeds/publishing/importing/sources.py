"""Which kind of file it is, and what it holds.

A file comes from a browser, a program or a mail, so neither its name nor its
type is believed: its first characters decide. Nothing is read that is not a
regular file, nor more of it than can be worked through in a minute.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from pprnet_feeds.content.model import Site
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.content.text import clean_with_problems, decode
from pprnet_feeds.publishing.importing import blocks, jsonfeeds, wordpress, xmlfeeds, xmltree
from pprnet_feeds.publishing.importing.blogpage import read_page
from pprnet_feeds.publishing.importing.readings import Reading

SIZE_LIMIT = 50_000_000

_HTML = re.compile(
    r"<!doctype html|<html[\s>]|<(?:body|div|p|h[1-6]|main|article)(?:\s[^<>]*)?>", re.IGNORECASE
)
_XML = re.compile(
    r"(?><!--.*?-->\s*)*+<(?:\?xml|rss|feed|rdf:RDF|[a-z]+:feed)[\s>]", re.IGNORECASE | re.DOTALL
)
_HEAD = 100_000


def read_source(path: Path, name: str, site: Site) -> Reading:
    """What the file holds; *name* is what it is called in problems.

    Without posts and without anything else there is a problem that says why.
    """
    try:
        if not path.is_file():
            return _unread(name, "this is not a regular file", "Give the file itself.")
        with path.open("rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        what = f"the file cannot be opened: {error.strerror or 'no reason was given'}"
        return _unread(name, what, "Look whether it is there and may be read.")
    if len(data) > SIZE_LIMIT:
        return _unread(name, "the file is larger than 50 MB", "Export a part of it at a time.")
    try:
        text = decode(data)
    except ValueError as reason:
        what = f"the file is not UTF-8 text: {reason}"
        return _unread(name, what, "Save it as UTF-8; most programs ask for the encoding under Save As.")
    text, dropped = clean_with_problems(text, name)
    reading = read_text(text, name, site)
    return replace(reading, left=tuple(sorted([*dropped, *reading.left]))) if dropped else reading


def read_text(text: str, name: str, site: Site) -> Reading:
    """What a text holds, of whichever kind it is."""
    start = text.lstrip()[:_HEAD]
    if not start:
        return _unread(name, "the file is empty", "Save it again.")
    if start[0] in "{[":
        return jsonfeeds.read_feed(text, name, site)
    if _XML.match(start) and "<html" not in start[:2_000].lower():
        return _read_xml(text.lstrip(), name, site, text.count("\n", 0, text.index(start[0])))
    return read_page(blocks.of_html(text) if _HTML.search(start) else blocks.of_text(text), name)


def _read_xml(text: str, name: str, site: Site, lines_before: int) -> Reading:
    try:
        tree = xmltree.parse(text)
    except ValueError as error:
        what, line = error.args
        return Reading(
            "", left=(Problem(name, line + lines_before, 0, what, "Save the whole file again, as it is."),)
        )
    if wordpress.is_export(tree):
        return wordpress.read_export(tree, name, site)
    root = tree.root.tag.rpartition("}")[2]
    if root not in ("feed", "rss", "RDF"):
        what = f"this is XML, but neither a feed nor a WordPress export: it begins with <{root}>"
        return _unread(name, what, "Save the feed itself, such as feed.atom.")
    return xmlfeeds.read_feed(tree, name, site)


def _unread(name: str, what: str, mend: str) -> Reading:
    return Reading("", left=(Problem(name, 0, 0, what, mend),))
