"""Atom (RFC 4287) and RSS 2.0, and our own extensions in both, read back into posts.

A feed of this very site keeps its ids, so that what readers hold stays what it
is. From anybody else's only the posts are taken, with their former paths.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from pprnet_feeds.content.model import Image, Person, Site, Status
from pprnet_feeds.publishing.importing import acceptance, article, markings, xmltree
from pprnet_feeds.publishing.importing.blocks import of_html
from pprnet_feeds.publishing.importing.readings import Found, Reading
from pprnet_feeds.publishing.importing.statuses import read_status
from pprnet_feeds.syndication.references import parse_reference

_ATOM = "{http://www.w3.org/2005/Atom}"
_RSS1 = "{http://purl.org/rss/1.0/}"
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
_DC = "{http://purl.org/dc/elements/1.1/}"
_MEDIA = "{http://search.yahoo.com/mrss/}"
_APP = "{http://www.w3.org/2007/app}"
_DELETED = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"


@dataclass(frozen=True, slots=True)
class _Item:
    """An entry or item, in the words that both formats share."""

    id: str
    title: str
    link: str
    date: str
    updated: str
    html: str
    summary: str
    labels: tuple[str, ...]
    authors: tuple[Person, ...]


def read_feed(tree: xmltree.Tree, file: str, site: Site) -> Reading:
    """The posts of an Atom or RSS document; *tree* has one of their roots."""
    root = tree.root
    if root.tag == f"{_ATOM}feed":
        kind, items = "an Atom feed", root.findall(f"{_ATOM}entry")
        read = _atom
        view = root.findtext(f"{_ATOM}id", "")
    else:
        kind, read = "an RSS feed", _rss
        items = [item for item in root.iter() if item.tag in ("item", f"{_RSS1}item")]
        view = root.findtext(f"channel/{_ATOM}id", "")
    if fault := acceptance.other_view(view.strip(), file, site):
        return Reading("", left=(fault,))
    posts, left = [], []
    for deleted in root.iter(_DELETED):
        left.append(acceptance.withdrawn(deleted.get("ref") or "", file, tree.lines[deleted]))
    for item in items:
        line = tree.lines[item]
        found = _found(item, read(item), line, site)
        fault = acceptance.unusable(found, file)
        left += [fault] if fault else [acceptance.not_public(found, file, "a draft")] if found.draft else []
        posts += [] if fault else [found]
    return Reading(kind, tuple(posts), tuple(sorted(left)))


def _found(element: Element, item: _Item, line: int, site: Site) -> Found:
    id = markings.own_id(item.id, site)
    shown = [text for source in element.findall(f"{_DC}source") if (text := markings.plain(source.text))]
    blocks, image = of_html(item.html), _image(element)
    status: Status = "published"
    note, labels = "", item.labels
    if id:
        status, note, labels, blocks = read_status(item.labels, blocks)
        listed, blocks = article.of_ours(blocks, image)
        shown = shown or listed
    cites, body = article.compose(blocks, shown)
    date, updated = (markings.moment(each, site.time_zone) for each in (item.date, item.updated))
    return Found(
        line=line,
        title=item.title,
        date=date,
        body=body,
        cites=(*map(parse_reference, shown), *cites),
        id=id,
        slug=markings.own_slug(item.link) if id else "",
        updated="" if updated == date else updated,
        labels=labels,
        summary=item.summary if acceptance.says_more(item.summary, blocks) else "",
        authors=markings.guests(list(item.authors), site),
        image=image,
        aliases=() if id else markings.former_path(item.link),
        draft=element.findtext(f"{_APP}control/{_APP}draft", "").strip() == "yes",  # RFC 5023 §13.1
        status=status,
        note=note,
    )


def _image(element: Element) -> Image | None:
    media = element.find(f"{_MEDIA}content")
    if media is None or media.get("medium") != "image" or not media.get("url"):
        return None
    width, height = (re.sub(r"[^0-9]", "", media.get(name) or "")[:5] for name in ("width", "height"))
    alt = markings.plain(media.findtext(f"{_MEDIA}description", ""))
    return Image(media.get("url") or "", alt, int(width or 0), int(height or 0))


def _atom(element: Element) -> _Item:
    links = element.findall(f"{_ATOM}link")
    link = next((each for each in links if each.get("rel") in (None, "alternate")), None)
    updated = element.findtext(f"{_ATOM}updated", "").strip()
    people = [
        markings.person(
            markings.plain(author.findtext(f"{_ATOM}name")),
            markings.plain(author.findtext(f"{_ATOM}uri")),
            markings.plain(author.findtext(f"{_ATOM}email")),
        )
        for author in element.findall(f"{_ATOM}author")
    ]
    categories = element.findall(f"{_ATOM}category")
    summary = element.find(f"{_ATOM}summary")
    content = element.find(f"{_ATOM}content")
    return _Item(
        id=element.findtext(f"{_ATOM}id", "").strip(),
        title=" ".join(_plain_construct(element.find(f"{_ATOM}title")).split()),
        link=link.get("href", "") if link is not None else "",
        date=element.findtext(f"{_ATOM}published", "").strip() or updated,
        updated=updated,
        html=_construct(content if content is not None else summary),
        summary=_plain_construct(summary) if content is not None else "",
        labels=tuple(markings.plain(each.get("label") or each.get("term")) for each in categories),
        authors=tuple(people),
    )


def _construct(element: Element | None) -> str:
    """A text construct as HTML (RFC 4287 §3.1)."""
    if element is None:
        return ""
    if element.get("type") == "xhtml":
        return xmltree.inner(element)
    text = element.text or ""
    return text if element.get("type") == "html" else text.replace("&", "&amp;").replace("<", "&lt;")


def _plain_construct(element: Element | None) -> str:
    return markings.from_html(_construct(element))


def _rss(element: Element) -> _Item:
    def text(*names: str) -> str:
        return next((found for name in names if (found := (element.findtext(name) or "").strip())), "")

    whole, described = text(_CONTENT), text("description", f"{_RSS1}description")
    categories = [*element.findall("category"), *element.findall(f"{_DC}subject")]
    creators = [markings.plain(each.text) for each in element.findall(f"{_DC}creator")]
    date = text("pubDate", f"{_DC}date")
    guid = element.find("guid")
    link = text("link", f"{_RSS1}link")
    if not link and guid is not None and guid.get("isPermaLink") != "false":
        link = guid.text or ""
    return _Item(
        id=text("guid"),
        title=markings.from_html(text("title", f"{_RSS1}title")),
        link=link,
        date=date,
        updated=text(f"{_ATOM}updated") or date,
        html=whole or described,
        summary=markings.from_html(described) if whole else "",
        labels=tuple(markings.plain(each.text) for each in categories),
        authors=tuple(Person(name) for name in creators if name),
    )
