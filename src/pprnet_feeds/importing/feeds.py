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
from pprnet_feeds.content.problems import Problem, quoted
from pprnet_feeds.importing import values, wordpress
from pprnet_feeds.importing.body import post_of_entry
from pprnet_feeds.importing.html import blocks_of_html
from pprnet_feeds.importing.source_post import Source, SourcePost, source_of, unread

_DEPTH = 200
_DECLARATION = re.compile(r"\s*<\?xml\s[^<>]*\?>")
# A site's move to https may have rewritten its namespaces, too.
_SECURE_NAMESPACE = re.compile(r"(\sxmlns(?::[\w.-]+)?\s*=\s*[\"'])https(?=://)")
_DELETED = re.compile(r"<[\w.-]+:deleted-entry\s[^<>]*?\bref=[\"']([^\"'<>]*)")  # RFC 6721
_APP = "http://www.w3.org/2007/app"
_HTML = frozenset({"text/html", "application/xhtml+xml"})
OTHER_VIEW = (
    "this feed of the site does not hold its posts as they are",
    "Take the one with the full text: feed.atom, feed.json or feed.rss.",
)


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
    entries = list(map(dict, parsed.entries))
    lines = lines if len(lines) == len(entries) else [0] * len(entries)
    if prefixes := [
        prefix for prefix, uri in parsed.namespaces.items() if wordpress.NAMESPACE.fullmatch(uri)
    ]:
        return wordpress.read_export(entries, lines, prefixes, text, file, site)
    if is_other_view(dict(parsed.feed).get("id", ""), site):
        return unread(file, *OTHER_VIEW)
    drafts = [f"{prefix}_draft".lstrip("_") for prefix, uri in parsed.namespaces.items() if uri == _APP]
    gone = (withdrawn(html.unescape(each[1]), file, text.count("\n", 0, each.start()) + 1)
            for each in _DELETED.finditer(text))  # fmt: skip
    posts = [
        _post(each, line, root == "feed", drafts, site) for each, line in zip(entries, lines, strict=True)
    ]
    return source_of("an Atom feed" if root == "feed" else "an RSS feed", posts, gone, file)


def _check(data: bytes) -> tuple[str, int, list[int]]:
    """The name of the root, where it begins, and the lines of the entries.

    Entities are how ten lines become ten gigabytes, so a document type is refused; no feed needs one.

    Raises:
        ExpatError: it is not well-formed.
        ValueError: it has a document type, or is too deep; its arguments are what is wrong, and the line.
    """
    roots: list[tuple[str, int]] = []
    lines: list[int] = []
    depth = 0
    parser = expat.ParserCreate("utf-8")

    def start(name: str, _: object) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEPTH:
            raise ValueError("elements stand too deep in each other", parser.CurrentLineNumber)
        local = name.rpartition(":")[2]
        if depth == 1:
            roots.append((local, parser.CurrentByteIndex))
        elif local in ("item", "entry"):
            lines.append(parser.CurrentLineNumber)

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    def doctype(*_: object) -> None:
        raise ValueError("it has a document type (<!DOCTYPE>), which is refused", parser.CurrentLineNumber)

    parser.StartElementHandler, parser.EndElementHandler = start, end
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
        title=values.text_of_html(_html(title) if is_atom else title.get("value")),
        date=entry.get("published", ""),
        body="",
        id=entry.get("id", ""),
        updated=entry.get("updated", ""),
        labels=tuple(values.one_line(tag.get("label") or tag.get("term")) for tag in entry.get("tags", ())),
        summary=values.text_of_html(summary) if "content" in entry else "",
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


def is_other_view(id: str, site: Site) -> bool:
    """Whether the feed with this *id* is ours and shows only parts of the posts, or something else."""
    if not id.strip().startswith(f"tag:{site.tag_root}/feed/"):
        return False
    return id.rpartition("/")[2].strip() != "feed" or "/issues/feed" in id or "/corrections/feed" in id


def withdrawn(id: str, file: str, line: int) -> Problem:
    """What to report of a post that a feed only says is gone."""
    what = f"a post was withdrawn, and its text is not in the feed: {quoted(id)}"
    return Problem(file, line, 0, what, "If its file is lost, write one with `status: withdrawn`.")
