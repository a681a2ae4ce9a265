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
from pprnet_feeds.importing import wordpress
from pprnet_feeds.importing.entries import one_line, person, post_of_entry, size, source_of_feed
from pprnet_feeds.importing.html import blocks_of_html, text_of_html
from pprnet_feeds.importing.source_post import Source, SourcePost, unread

_DEPTH = 200
# feedparser looks for an address in the text of these, in quadratic time.
_PEOPLE = frozenset({"author", "creator", "name", "managingeditor", "publisher", "webmaster"})
_LONGEST_NAME = 2_000
_DOCTYPE = "it has a document type (<!DOCTYPE>), which is refused"
_DECLARATION = re.compile(r"\s*<\?xml\s[^<>]*\?>")
# A site's move to https may have rewritten its namespaces, too.
_SECURE_NAMESPACE = re.compile(r"(\sxmlns(?::[\w.-]+)?\s*=\s*[\"'])https(?=://)")
_DELETED = re.compile(r"<[\w.-]+:deleted-entry\s[^<>]*?\bref=[\"']([^\"'<>]*)")  # RFC 6721
_APP = re.compile(re.escape("http://www.w3.org/2007/app"))
_HTML = frozenset({"text/html", "application/xhtml+xml"})


def read_feed(text: str, file: str, site: Site) -> Source:
    """The posts of an XML document."""
    # The text is decoded already, so the encoding that it declares no longer holds.
    text = _DECLARATION.sub(lambda found: "\n" * found[0].count("\n"), text[:1_000], count=1) + text[1_000:]
    data = _SECURE_NAMESPACE.sub(r"\1http", text).encode("utf-8", "replace")
    mend = "Save the whole file again, as it is."
    try:
        checked = _Check(data)
        parsed = feedparser.parse(io.BytesIO(checked.data), sanitize_html=False, resolve_relative_uris=False)
        if parsed.bozo:  # it has guessed, also at what is public
            raise ValueError
    except expat.ExpatError as error:
        return unread(file, f"it is not well-formed XML: {expat.ErrorString(error.code)}", mend, error.lineno)
    except _RefusedError as error:
        return unread(file, *error.args)
    except (ValueError, LookupError, TypeError, AttributeError):
        return unread(file, "feedparser cannot read it", mend)
    # Plain dicts: feedparser's own give values of other keys for one that is missing.
    entries, feed = list(map(dict, parsed.entries)), dict(parsed.feed)
    lines = checked.lines if len(checked.lines) == len(entries) else [0] * len(entries)
    is_atom, drafts = checked.root == "feed", checked.prefixes(_APP)
    posts = [_post(*each, is_atom, drafts, site) for each in zip(entries, lines, strict=True)]
    if prefixes := checked.prefixes(wordpress.NAMESPACE):
        return wordpress.read_export(list(zip(posts, entries, strict=True)), prefixes, text, file, site)
    places = [(html.unescape(each[1]), each.start()) for each in _DELETED.finditer(text)]
    gone = [(id, text.count("\n", 0, place) + 1) for id, place in places]
    kind = "an Atom feed" if is_atom else "an RSS feed"
    return source_of_feed(kind, feed.get("id", ""), posts, gone, file, site)


class _RefusedError(Exception):
    """Why a document is not given to feedparser: what is wrong, what to do, and the line."""


class _Check:
    """Makes sure that feedparser can read a document well and in time, and notes what it does not give.

    Entities are how ten lines become ten gigabytes, so a document type is refused; no feed needs one.
    """

    def __init__(self, data: bytes) -> None:
        self.root = ""
        self.lines: list[int] = []  # of the entries
        self._declared: set[tuple[str, str]] = set()  # prefixes and namespaces
        self._open: list[str] = []
        self._length = self._start = 0
        self._parser = expat.ParserCreate("utf-8", "}")
        self._parser.StartNamespaceDeclHandler = lambda *each: self._declared.add((each[0] or "", each[1]))
        self._parser.StartElementHandler = self._start_element
        self._parser.EndElementHandler = lambda _: self._open.pop()
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = lambda *_: self._refuse(_DOCTYPE)
        self._parser.Parse(data, True)
        if self.root.lower() not in ("feed", "rss", "rdf"):
            what = f"this is XML, but neither a feed nor a WordPress export: it begins with <{self.root}>"
            raise _RefusedError(what, "Save the feed itself, such as feed.atom.")
        self.data = data[self._start :]

    def prefixes(self, namespace: re.Pattern[str]) -> list[str]:
        """How feedparser may begin the keys of elements of *namespace*; none when it is not declared."""
        found = [f"{prefix}_".lower() for prefix, uri in self._declared if namespace.fullmatch(uri)]
        return [*found, ""] if found else []

    def _start_element(self, name: str, _: dict[str, str]) -> None:
        local = name.rpartition("}")[2]
        if not self._open:
            self.root, self._start = local, self._parser.CurrentByteIndex
        self._open.append(local.lower())
        self._length = 0
        if local in ("item", "entry"):
            self.lines.append(self._parser.CurrentLineNumber)
        if len(self._open) > _DEPTH:
            self._refuse("elements stand too deep in each other")

    def _text(self, data: str) -> None:
        self._length += len(data)
        if self._length > _LONGEST_NAME and self._open[-1] in _PEOPLE:
            self._refuse("the name of an author is far too long")

    def _refuse(self, what: str) -> None:
        raise _RefusedError(what, "Save the whole file again, as it is.", self._parser.CurrentLineNumber)


def _post(entry: dict[str, Any], line: int, is_atom: bool, drafts: list[str], site: Site) -> SourcePost:
    # A description within a picture leaves its own type behind.
    described = entry.get("summary_detail", {})
    is_text = described.get("value") == entry.get("summary")
    summary = _html(described if is_text else {"value": entry["summary"]})
    title = entry.get("title_detail", {})
    people = (
        person(*(one_line(each.get(key)) for key in ("name", "href", "email")))
        for each in entry.get("authors", ())
    )
    is_draft = any(entry.get(f"{prefix}draft") == "yes" for prefix in drafts)  # RFC 5023 §13.1
    found = SourcePost(
        line=line,
        title=text_of_html(_html(title) if is_atom else title.get("value")),
        date=entry.get("published", ""),
        body="",
        id=entry.get("id", ""),
        updated=entry.get("updated", ""),
        labels=tuple(one_line(tag.get("label") or tag.get("term")) for tag in entry.get("tags", ())),
        summary=text_of_html(summary) if "content" in entry else "",
        authors=tuple(people),
        image=_image(entry),
        restricted="a draft" if is_draft else "",
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
            return Image(media["url"], "", size(media.get("width")), size(media.get("height")))
    return None
