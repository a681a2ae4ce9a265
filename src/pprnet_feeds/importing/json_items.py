"""JSON Feed 1.1 and our own extensions in it, read back into posts."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from pprnet_feeds.content.model import Citation, Image, Site
from pprnet_feeds.content.text import clean, join_escapes
from pprnet_feeds.content.text import dropped as dropped_characters
from pprnet_feeds.importing.entries import one_line, own_id, person, post_of_entry, source_of_feed
from pprnet_feeds.importing.html import blocks_of_html, blocks_of_text
from pprnet_feeds.importing.source_post import Source, SourcePost, unread

# Our names of the parts of a work, and those of CSL-JSON.
_OURS = "doi pmid title container volume issue pages publisher".split()
_THEIRS = "DOI PMID title container-title volume issue page publisher".split()


def read_json_feed(text: str, file: str, site: Site) -> Source:
    """The posts of a JSON feed."""
    text, lost = join_escapes(text)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        what = f"it begins like JSON and is none: {getattr(error, 'msg', 'too deep')}"
        return unread(file, what, "Save the feed again, down to its end.", getattr(error, "lineno", 0))
    items = document.get("items") if isinstance(document, dict) else None
    if not isinstance(items, list):
        what = "this is JSON, but no JSON feed: it has no list of `items`"
        return unread(file, what, "Save the feed itself, such as feed.json.")
    posts = []
    at, line = 0, 1
    for item in map(_object, items):
        # The parser gives no places; the ids do, as long as they are found in the order of the items.
        place = text.find(json.dumps(item.get("id"), ensure_ascii=False), at) if line else -1
        line = line + text.count("\n", at, place) if place >= 0 else 0
        at = max(at, place)
        posts.append(_post(item, line, site))
    gone = map(_object, _list(_object(document.get("_deleted")), "items"))
    ids = ((_text(each, "ref") or _text(each, "id"), 0) for each in gone)
    source = source_of_feed(
        "a JSON feed", _text(_object(document.get("_feed")), "id"), posts, ids, file, site
    )
    dropped = [dropped_characters("half of a surrogate pair", file, 0)] if lost else []
    return replace(source, problems=(*dropped, *source.problems))


def _post(item: dict[str, Any], line: int, site: Site) -> SourcePost:
    html = _cleaned(item, "content_html")
    blocks = blocks_of_html(html) if html else blocks_of_text(_cleaned(item, "content_text"))
    image = _text(item, "image")
    work = _object(item.get("_citation")) if own_id(_text(item, "id"), site) else {}
    works = (_citation(each) for each in [work, *map(_object, _list(work, "also"))])
    authors = map(_object, _list(item, "authors"))
    found = SourcePost(
        line=line,
        title=_text(item, "title"),
        date=_text(item, "date_published"),
        body="",
        cites=tuple(cite for cite in works if cite.text),
        id=_text(item, "id"),
        updated=_text(item, "date_modified"),
        labels=tuple(one_line(each) for each in _list(item, "tags") if isinstance(each, str)),
        summary=_text(item, "summary"),
        authors=tuple(person(_text(each, "name"), _text(each, "url")) for each in authors),
        image=Image(image) if image else None,
    )
    return post_of_entry(found, blocks, _text(item, "url"), site)


def _citation(work: dict[str, Any]) -> Citation:
    """A work in CSL-JSON as we write it: its note is the reference as printed."""
    parts: dict[str, Any] = {ours: _text(work, theirs) for ours, theirs in zip(_OURS, _THEIRS, strict=True)}
    names = [_object(author) for author in _list(work, "author")]
    dates = _list(_object(work.get("issued")), "date-parts")
    return Citation(
        text=_text(work, "note"),
        url="" if parts["doi"] else _text(work, "URL"),
        authors=tuple(filter(None, map(_name, names))),
        year=str(dates[0][0]) if dates and isinstance(dates[0], list) and dates[0] else "",
        type="" if (kind := _text(work, "type")) == "document" else kind,
        **parts,
    )


def _name(author: dict[str, Any]) -> str:
    parts = [_text(author, part) for part in ("family", "given", "suffix")]
    return _text(author, "literal") or ", ".join(part for part in parts if part)


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: dict[str, Any], name: str) -> list[Any]:
    found = value.get(name)
    return found if isinstance(found, list) else []


def _cleaned(value: dict[str, Any], name: str) -> str:
    """A text of several lines, without characters that no feed may hold."""
    found = value.get(name)
    return clean(found)[0] if isinstance(found, str) else ""


def _text(value: dict[str, Any], name: str) -> str:
    return one_line(_cleaned(value, name))
