"""Atom (RFC 4287), RSS and RDF feeds, and exports of WordPress, read by feedparser.

The only module that knows feedparser, which gets no file that it would work on for too long.
"""

from __future__ import annotations

import html
import io
import re
from typing import Any
from xml.parsers import expat

import feedparser

from pprnet_feeds.content.model import Image, Site
from pprnet_feeds.importing import values, wordpress
from pprnet_feeds.importing.body import post_of_entry, source_of_feed
from pprnet_feeds.importing.html import blocks_of_html, text_of_html
from pprnet_feeds.importing.source_post import Source, SourcePost, unread

_DEPTH = 200
# feedparser looks for an address in the text of these, in quadratic time.
_PEOPLE = frozenset({"author", "creator", "name", "managingeditor", "publisher", "webmaster"})
_LONGEST_NAME = 2_000
_DECLARATION = re.compile(r"\s*<\?xml\s[^<>]*\?>")
# A site's move to https may have rewritten its namespaces, too.
_SECURE_NAMESPACE = re.compile(r"(\sxmlns(?::[\w.-]+)?\s*=\s*[\"'])https(?=://)")
_DELETED = re.compile(r"<[\w.-]+:deleted-entry\s[^<>]*?\bref=[\"']([^\"'<>]*)")  # RFC 6721
_APP = "http://www.w3.org/2007/app"
_HTML = frozenset({"text/html", "application/xhtml+xml"})


def read_feed(text: str, file: str, site: Site) -> Source:
    """The posts of an XML document."""
    # The text is decoded already, so the encoding that it declares no longer holds.
    text = _DECLARATION.sub(lambda found: "\n" * found[0].count("\n"), text[:1_000], count=1) + text[1_000:]
    data = _SECURE_NAMESPACE.sub(r"\1http", text).encode("utf-8", "replace")
    try:
        root, start, lines = _check(data)
        if root.lower() not in ("feed", "rss", "rdf"):
            what = f"this is XML, but neither a feed nor a WordPress export: it begins with <{root}>"
            return unread(file, what, "Save the feed itself, such as feed.atom.")
        parsed = feedparser.parse(io.BytesIO(data[start:]), sanitize_html=False, resolve_relative_uris=False)
    except expat.ExpatError as error:
        what = f"it is not well-formed XML: {expat.ErrorString(error.code)}"
        return unread(file, what, "Save the whole file again, as it is.", error.lineno)
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
    ) as error:  # feedparser trusts what a feed says
        what, line = error.args if len(error.args) == 2 else ("it cannot be read as a feed", 0)
        return unread(file, what, "Save the whole file again, as it is.", line)
    # Plain dicts: feedparser's own give values of other keys for one that is missing.
    entries, feed = list(map(dict, parsed.entries)), dict(parsed.feed)
    lines = lines if len(lines) == len(entries) else [0] * len(entries)
    drafts = [f"{prefix}_draft".lstrip("_") for prefix, uri in parsed.namespaces.items() if uri == _APP]
    posts = [
        _post(each, line, root == "feed", drafts, site) for each, line in zip(entries, lines, strict=True)
    ]
    if prefixes := [
        prefix for prefix, uri in parsed.namespaces.items() if wordpress.NAMESPACE.fullmatch(uri)
    ]:
        return wordpress.read_export(list(zip(posts, entries, strict=True)), prefixes, text, file, site)
    gone = [
        (html.unescape(each[1]), text.count("\n", 0, each.start()) + 1) for each in _DELETED.finditer(text)
    ]
    return source_of_feed(
        "an Atom feed" if root == "feed" else "an RSS feed", feed.get("id", ""), posts, gone, file, site
    )


def _check(data: bytes) -> tuple[str, int, list[int]]:
    """The name of the root, where it begins, and the lines of the entries.

    Entities are how ten lines become ten gigabytes, so a document type is refused; no feed needs one.

    Raises:
        ExpatError: it is not well-formed.
        ValueError: it has a document type, or is too deep; its arguments are what is wrong, and the line.
    """
    roots: list[tuple[str, int]] = []
    lines: list[int] = []
    open_: list[str] = []
    lengths = [0]
    parser = expat.ParserCreate("utf-8")

    def start(name: str, _: object) -> None:
        local = name.rpartition(":")[2]
        open_.append(local.lower())
        lengths[0] = 0
        if len(open_) == 1:
            roots.append((local, parser.CurrentByteIndex))
        if local in ("item", "entry"):
            lines.append(parser.CurrentLineNumber)
        if len(open_) > _DEPTH:
            raise ValueError("elements stand too deep in each other", parser.CurrentLineNumber)

    def text(data: str) -> None:
        lengths[0] += len(data)
        if lengths[0] > _LONGEST_NAME and open_[-1] in _PEOPLE:
            raise ValueError("the name of an author is far too long", parser.CurrentLineNumber)

    def doctype(*_: object) -> None:
        raise ValueError("it has a document type (<!DOCTYPE>), which is refused", parser.CurrentLineNumber)

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: open_.pop()
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = doctype
    parser.Parse(data, True)
    return *roots[0], lines


def _post(entry: dict[str, Any], line: int, is_atom: bool, drafts: list[str], site: Site) -> SourcePost:
    # A description within a picture leaves its own type behind.
    described = entry.get("summary_detail", {})
    summary = _html(
        described if described.get("value") == entry.get("summary") else {"value": entry["summary"]}
    )
    title = entry.get("title_detail", {})
    people = (
        values.person(*(values.one_line(each.get(key)) for key in ("name", "href", "email")))
        for each in entry.get("authors", ())
    )
    found = SourcePost(
        line=line,
        title=text_of_html(_html(title) if is_atom else title.get("value")),
        date=entry.get("published", ""),
        body="",
        id=entry.get("id", ""),
        updated=entry.get("updated", ""),
        labels=tuple(values.one_line(tag.get("label") or tag.get("term")) for tag in entry.get("tags", ())),
        summary=text_of_html(summary) if "content" in entry else "",
        authors=tuple(people),
        image=_image(entry),
        restricted="a draft" if any(entry.get(key) == "yes" for key in drafts) else "",  # RFC 5023 §13.1
    )
    text = _html(entry["content"][0]) if entry.get("content") else summary
    return post_of_entry(found, blocks_of_html(text), entry.get("link", ""), site)


def _html(detail: dict[str, Any]) -> str:
    """A text construct (RFC 4287 §3.1) as HTML."""
    value = detail.get("value") or ""
    return value if detail.get("type", "text/html") in _HTML else html.escape(value, quote=False)


def _image(entry: dict[str, Any]) -> Image | None:
    for media in entry.get("media_content", ()):
        if media.get("medium") == "image" and media.get("url"):
            return Image(media["url"], "", values.size(media.get("width")), values.size(media.get("height")))
    return None
