"""Atom (RFC 4287), RSS and RDF feeds, and exports of WordPress, read by feedparser.

A feed of this very site keeps its ids, so that its posts stay what they are
for subscribers. The only module that knows feedparser.
"""

from __future__ import annotations

import html
import io
import re
from typing import Any

import feedparser

from pprnet_feeds.content.model import Image, Site
from pprnet_feeds.content.problems import Problem, quoted
from pprnet_feeds.importing import values, wordpress
from pprnet_feeds.importing.body import post_of_entry
from pprnet_feeds.importing.html import blocks_of_html
from pprnet_feeds.importing.outline import OutlinedEntry, read_outline
from pprnet_feeds.importing.source_post import Source, SourcePost, source_of, unread

_DECLARATION = re.compile(r"\s*<\?xml\s[^<>]*\?>")
# A site's move to https may have rewritten its namespaces, too.
_SECURE_NAMESPACE = re.compile(r"(\sxmlns(?::[\w.-]+)?\s*=\s*[\"'])https(?=://)")
_HTML = frozenset({"text/html", "application/xhtml+xml"})


def read_feed(text: str, file: str, site: Site) -> Source:
    """The posts of an XML document."""
    # The text is decoded already, so what it declares no longer holds.
    text = _DECLARATION.sub(lambda found: "\n" * found[0].count("\n"), text[:1_000], count=1) + text[1_000:]
    data = _SECURE_NAMESPACE.sub(r"\1http", text).encode("utf-8", "replace")
    try:
        outline = read_outline(data)
    except ValueError as error:
        what, line = error.args
        return unread(file, what, "Save the whole file again, as it is.", line)
    if outline.root.lower() not in ("feed", "rss", "rdf"):
        what = f"this is XML, but neither a feed nor a WordPress export: it begins with <{outline.root}>"
        return unread(file, what, "Save the feed itself, such as feed.atom.")
    entries, feed = _parse(data[outline.start :])
    if len(entries) != len(outline.entries):
        what = "it is not clear where its entries begin and end"
        return unread(file, what, "Save the feed again, as it is.")
    if outline.is_wordpress:
        return wordpress.read_export(
            list(zip(entries, outline.entries, strict=True)), outline.authors, file, site
        )
    if is_other_view(feed.get("id", ""), site):
        return unread(file, *OTHER_VIEW)
    is_atom = outline.root == "feed"
    return source_of(
        "an Atom feed" if is_atom else "an RSS feed",
        [_post(entry, lined, is_atom, site) for entry, lined in zip(entries, outline.entries, strict=True)],
        [withdrawn(id, file, line) for id, line in outline.deleted],
        file,
    )


def _parse(data: bytes) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The entries and the feed as feedparser gives them; as plain dicts, which have no values of other keys."""
    try:
        parsed = feedparser.parse(io.BytesIO(data), sanitize_html=False, resolve_relative_uris=False)
    except (ValueError, LookupError, TypeError, AttributeError):  # its handlers trust what a feed says
        return [], {}
    return [dict(entry) for entry in parsed.entries], dict(parsed.feed)


def _post(entry: dict[str, Any], outlined: OutlinedEntry, is_atom: bool, site: Site) -> SourcePost:
    contents = [*entry.get("content", ()), *([entry["summary_detail"]] if "summary_detail" in entry else ())]
    content = contents[0] if contents else {}
    summary = _html(entry.get("summary_detail", {})) if "content" in entry else ""
    title = entry.get("title_detail", {})
    people = (
        values.person(*(values.one_line(each.get(key)) for key in ("name", "href", "email")))
        for each in entry.get("authors", ())
    )
    found = SourcePost(
        line=outlined.line,
        title=values.text_of_html(_html(title) if is_atom else title.get("value")),
        date=entry.get("published", ""),
        body="",
        id=entry.get("id", ""),
        updated=entry.get("updated", ""),
        labels=tuple(values.one_line(tag.get("label") or tag.get("term")) for tag in entry.get("tags", ())),
        summary=values.text_of_html(summary),
        authors=tuple(people),
        image=_image(entry),
        restricted="a draft" if outlined.fields.get("app:draft") == "yes" else "",  # RFC 5023 §13.1
    )
    return post_of_entry(found, blocks_of_html(_html(content)), entry.get("link", ""), site)


def _html(detail: dict[str, Any]) -> str:
    """A text construct (RFC 4287 §3.1) as HTML."""
    value = detail.get("value") or ""
    return value if detail.get("type", "text/html") in _HTML else html.escape(value, quote=False)


def _image(entry: dict[str, Any]) -> Image | None:
    for media in entry.get("media_content", ()):
        if media.get("medium") == "image" and media.get("url"):
            return Image(media["url"], "", values.size(media.get("width")), values.size(media.get("height")))
    return None


OTHER_VIEW = (
    "this feed of the site does not hold its posts as they are",
    "Take the one with the full text: feed.atom, feed.json or feed.rss.",
)


def is_other_view(id: str, site: Site) -> bool:
    """Whether the feed with this *id* is ours and shows only parts of the posts, or something else."""
    if not id.strip().startswith(f"tag:{site.tag_root}/feed/"):
        return False
    return id.rpartition("/")[2].strip() != "feed" or "/issues/feed" in id or "/corrections/feed" in id


def withdrawn(id: str, file: str, line: int) -> Problem:
    """What to report of a post that a feed only says is gone."""
    what = f"a post was withdrawn, and its text is not in the feed: {quoted(id)}"
    return Problem(file, line, 0, what, "If its file is lost, write one with `status: withdrawn`.")
