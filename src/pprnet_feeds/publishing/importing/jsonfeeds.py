"""JSON Feed 1.1 and our own extensions in it, read back into posts."""

from __future__ import annotations

import json
from typing import Any

from pprnet_feeds.content.model import Citation, Image, Person, Site, Status
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.publishing.importing import article, markings
from pprnet_feeds.publishing.importing.acceptance import other_view, says_more, unusable, withdrawn
from pprnet_feeds.publishing.importing.blocks import of_html, of_text
from pprnet_feeds.publishing.importing.readings import Found, Reading
from pprnet_feeds.publishing.importing.statuses import read_status

_PARTS = {
    "doi": "DOI",
    "pmid": "PMID",
    "title": "title",
    "container": "container-title",
    "volume": "volume",
    "issue": "issue",
    "pages": "page",
    "publisher": "publisher",
}


def read_feed(text: str, file: str, site: Site) -> Reading:
    """The posts of a JSON feed."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 0)
        what = f"it begins like JSON and is none: {getattr(error, 'msg', 'too deep')}"
        return Reading("", left=(Problem(file, line, 0, what, "Save the feed again, down to its end."),))
    items = document.get("items") if isinstance(document, dict) else None
    if not isinstance(items, list):
        what = "this is JSON, but no JSON feed: it has no list of `items`"
        return Reading("", left=(Problem(file, 0, 0, what, "Save the feed itself, such as feed.json."),))
    if fault := other_view(_text(_object(document.get("_feed")), "id"), file, site):
        return Reading("", left=(fault,))
    posts, left = [], []
    deleted = _list(_object(document.get("_deleted")), "items")
    left += [withdrawn(_text(each, "ref") or _text(each, "id"), file, 0) for each in map(_object, deleted)]
    at, line = 0, 1
    for item in map(_object, items):
        # The parser tells no places; the ids do, as long as they are found in the order of the items.
        place = text.find(json.dumps(item.get("id"), ensure_ascii=False), at) if line else -1
        line = line + text.count("\n", at, place) if place >= 0 else 0
        at = max(at, place)
        found = _found(item, line, site)
        fault = unusable(found, file)
        left += [fault] if fault else []
        posts += [] if fault else [found]
    return Reading("a JSON feed", tuple(posts), tuple(sorted(left)))


def _found(item: dict[str, Any], line: int, site: Site) -> Found:
    id = markings.own_id(_text(item, "id"), site)
    work = _object(item.get("_citation")) if id else {}
    works = [_citation(each) for each in [work, *map(_object, _list(work, "also"))] if each]
    works = [cite for cite in works if cite.text]
    html = item.get("content_html")
    blocks = of_html(html) if isinstance(html, str) and html else of_text(_raw(item, "content_text"))
    labels = tuple(markings.plain(each) for each in _list(item, "tags") if isinstance(each, str))
    image = _text(item, "image")
    status: Status = "published"
    note = ""
    if id:
        status, note, labels, blocks = read_status(labels, blocks)
        _, blocks = article.of_ours(blocks, Image(image) if image else None)
    cites, body = article.compose(blocks, [cite.text for cite in works])
    published, modified = _text(item, "date_published"), _text(item, "date_modified")
    summary = _text(item, "summary")
    people = [_person(_object(each)) for each in _list(item, "authors")]
    return Found(
        line=line,
        title=_text(item, "title"),
        date=markings.moment(published or modified, site.time_zone),
        body=body,
        cites=(*works, *cites),
        id=id,
        slug=markings.own_slug(_text(item, "url")) if id else "",
        updated=markings.moment(modified, site.time_zone) if published and modified != published else "",
        labels=labels,
        summary=summary if says_more(summary, blocks) else "",
        authors=markings.guests(people, site),
        image=Image(image) if image else None,
        aliases=() if id else markings.former_path(_text(item, "url")),
        status=status,
        note=note,
    )


def _citation(work: dict[str, Any]) -> Citation:
    """A work in CSL-JSON as we write it: the reference as printed stands in its note."""
    parts = {ours: _text(work, theirs) for ours, theirs in _PARTS.items()}
    names = [_object(author) for author in _list(work, "author")]
    dates = _list(_object(work.get("issued")), "date-parts")
    year = str(dates[0][0]) if dates and isinstance(dates[0], list) and dates[0] else ""
    url, kind = _text(work, "URL"), _text(work, "type")
    return Citation(
        text=_text(work, "note"),
        url="" if parts["doi"] else url,
        authors=tuple(filter(None, map(_name, names))),
        year=year,
        type="" if kind == "document" else kind,
        **parts,
    )


def _name(author: dict[str, Any]) -> str:
    parts = [_text(author, part) for part in ("family", "given", "suffix")]
    return _text(author, "literal") or ", ".join(part for part in parts if part)


def _person(author: dict[str, Any]) -> Person:
    return markings.person(_text(author, "name"), _text(author, "url"))


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: dict[str, Any], name: str) -> list[Any]:
    found = value.get(name)
    return found if isinstance(found, list) else []


def _raw(value: dict[str, Any], name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""


def _text(value: dict[str, Any], name: str) -> str:
    return markings.plain(_raw(value, name))
