"""Atom (RFC 4287), RSS and RDF feeds, and exports of WordPress, read by feedparser; and JSON Feed.

The only module that knows feedparser, which gets no file that it would work on for too long.
"""

import html
import io
import json
import re
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from html.entities import html5
from itertools import accumulate, pairwise
from typing import Any
from xml.parsers import expat

import feedparser

from pprnet_feeds.content import text as texts
from pprnet_feeds.content.model import Image, Site
from pprnet_feeds.content.problems import Problem, quoted
from pprnet_feeds.importing import source_post as source
from pprnet_feeds.importing import wordpress
from pprnet_feeds.importing.bounded import WORDPRESS, UnreadableError, XmlCheck
from pprnet_feeds.importing.html import text_of_html
from pprnet_feeds.importing.normalise import resolved
from pprnet_feeds.importing.source_post import Source, SourcePost, Watch, one_line, unread

_DECLARATION = re.compile(r"\s*<\?xml\s[^<>]*\?>")
# An ampersand that begins no entity of XML; those in a CDATA section stay.
_AMPERSAND = re.compile(
    r"<!\[CDATA\[.*?\]\]>|&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)(\w{1,32};)?", re.DOTALL
)
# A site's move to https may have rewritten its namespaces, too.
_SECURE_NAMESPACE = re.compile(r"(\sxmlns(?::[\w.-]+)?\s*=\s*[\"'])https(?=://)")
_DELETED = re.compile(r"<[\w.-]+:deleted-entry\s[^<>]*?\bref=[\"']([^\"'<>]*)")  # RFC 6721
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_OTHER_XML = {"opml": "a list of subscriptions (OPML)", "urlset": "a sitemap", "svg": "a drawing (SVG)"}
_AGAIN = "Save the whole file again, as it is."
_MAILBOX = re.compile(r"[^\s<>()\"]+@[^\s<>()\"]+")


def read_feed(text: str, file: str, site: Site, watch: Watch) -> Source:
    """The posts of an XML document."""
    # The text is decoded already, so the encoding that it declares no longer holds.
    text = _DECLARATION.sub(lambda found: "\n" * found[0].count("\n"), text[:1_000], count=1) + text[1_000:]
    end = text.rfind("]]>") + 3  # a section without its end would be looked through again and again
    rest = text[end:] if "<![CDATA[" in text[end:] else _AMPERSAND.sub(_as_character, text[end:])
    xml = _SECURE_NAMESPACE.sub(r"\1http", _AMPERSAND.sub(_as_character, text[:end]) + rest)
    data = xml.encode("utf-8", "replace")
    try:
        checked = XmlCheck(data, _AGAIN)
        root = next(iter(checked.names))
        if root.lower() not in ("feed", "rss", "rdf"):
            what = f"this is XML, but neither a feed nor a WordPress export: it begins with <{root}>"
            if kind := _OTHER_XML.get(root.lower()):
                what = f"this is {kind}, and neither a feed nor a WordPress export"
            return unread(file, what, "Save the feed itself, such as feed.atom.")
        data = data[checked.root_at :]
        parsed = feedparser.parse(io.BytesIO(data), sanitize_html=False, resolve_relative_uris=False)
        if parsed.bozo:  # it has guessed, also at what is public
            raise ValueError
    except expat.ExpatError as error:
        what = f"it is not well-formed XML: {expat.ErrorString(error.code)}"
        return unread(file, what, _AGAIN, error.lineno)
    except UnreadableError as error:
        return unread(file, *error.args)
    except (ValueError, LookupError, TypeError, AttributeError):
        return unread(file, "feedparser cannot read it", _AGAIN)
    # Plain dicts: feedparser's own give values of other keys for one that is missing.
    entries, feed = list(map(dict, parsed.entries)), dict(parsed.feed)
    states = checked.entries
    if len(states) != len(entries):  # nobody knows which of them are public
        states = [(0, {"draft": "yes"} if any(state for _, state in states) else {})] * len(entries)
    items = [(entry, *state) for entry, state in zip(entries, states, strict=True)]
    is_atom = root == "feed"
    to_post = partial(_post, feed=feed, file=file, site=site, is_atom=is_atom)
    if any(WORDPRESS & state.keys() for _, state in states):  # its namespace may have become anything
        return wordpress.read_export(items, text, file, site, to_post, watch)
    posts = []
    for entry, line, state in watch(items):
        is_public = source.PUBLIC.issuperset(state.values())
        posts.append(replace(to_post(entry, line), restricted="" if is_public else "a draft"))
    found = [*_DELETED.finditer(text)]
    lines = accumulate(text.count("\n", *pair) for pair in pairwise([0, *(each.start() for each in found)]))
    gone = [(html.unescape(each[1]), line + 1) for each, line in zip(found, lines, strict=True)]
    return _source("an Atom feed" if is_atom else "an RSS feed", feed.get("id", ""), posts, gone, file, site)


def _as_character(found: re.Match[str]) -> str:
    """An entity of HTML as its character, and a bare ampersand as one of XML."""
    if found[0].startswith("<"):
        return found[0]
    named = html5.get(found[1] or "", "")
    return named if named and named not in "<>&\"'" else f"&amp;{found[1] or ''}"


def _source(
    kind: str, id: str, posts: list[SourcePost], gone: Iterable[tuple[str, int]], file: str, site: Site
) -> Source:
    """The source of a feed with this *id*; *gone* are the id and the line of each tombstone."""
    view = id.strip().removeprefix(f"tag:{site.tag_root}/feed/")
    if view != id.strip() and (
        view.rpartition("/")[2] != "feed" or view.startswith("corrections/") or "issues/feed" in view
    ):
        what = "this feed of the site does not hold its posts as they are"
        return unread(file, what, "Take the one with the full text: feed.atom, feed.json or feed.rss.")
    what = "a post was withdrawn, and its text is not in the feed: "
    mend = "If its file is lost, write one with `status: withdrawn`."
    problems = [Problem(file, line, 0, what + quoted(each), mend) for each, line in gone]
    return source.source_of(kind, posts, problems)


def _post(
    entry: dict[str, Any],
    line: int,
    body: str | None = None,
    *,
    feed: dict[str, Any],
    file: str,
    site: Site,
    is_atom: bool = False,
) -> SourcePost:
    """The post of an entry; *body* is the HTML of its text where feedparser gives another."""
    # A description within a picture leaves its own type behind.
    detail = entry.get("summary_detail", {})
    detail = detail if detail.get("value") == entry.get("summary") else {"value": entry["summary"]}
    content, title = entry.get("content") or [detail], entry.get("title_detail", {})
    holder = entry if any(entry.get("authors", ())) else feed
    authors, typed = list(filter(None, holder.get("authors", ()))), holder.get("author", "")
    if len(authors) == 1 and not is_atom and (mail := _MAILBOX.search(typed)):  # feedparser cuts ….online
        authors = [{"email": mail[0], "name": typed.replace(mail[0], "").strip(' ()<>"')}]
    people = ([one_line(each.get(key)) for key in ("name", "href", "email")] for each in authors)
    links = [one_line(each.get("href")) for each in entry.get("links", ()) if each.get("rel") == "enclosure"]
    media = [each for each in entry.get("media_content", ()) if each.get("medium") == "image"]
    pictures = (Image(each["url"], "", *source.sizes(each)) for each in media if each.get("url"))
    found = SourcePost(
        file,
        line,
        title=text_of_html(_html(title) if is_atom else title.get("value")),
        date=entry.get("published", ""),
        id=entry.get("id", ""),
        updated=entry.get("updated", ""),
        labels=tuple(one_line(tag.get("label") or tag.get("term")) for tag in entry.get("tags", ())),
        summary=text_of_html(_html(detail)) if content[0].get("value") != entry.get("summary") else "",
        authors=tuple(source.person(*each) for each in people),
        image=next(pictures, None),
    )
    link = resolved(feed.get("link", ""), entry.get("link", ""))
    base = resolved(link, content[0].get("base") or "")
    body = _html(content[0]) if body is None else body
    post = source.post_of_entry(found, body, site, link * bool(entry.get("link")), base, links)
    parsed = entry.get("published_parsed") or entry.get("updated_parsed")
    if post.date or not parsed:
        return post
    return replace(post, date="{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z".format(*parsed[:6]))


def _html(detail: dict[str, Any]) -> str:
    """A text construct (RFC 4287 §3.1) as HTML."""
    value = detail.get("value") or ""
    return value if detail.get("type", "text/html") in _HTML else html.escape(value, quote=False)


# JSON Feed


def read_json_feed(text: str, file: str, site: Site, watch: Watch) -> Source:
    """The posts of a JSON feed 1.1 or 1.0, with our own extensions."""
    text, lost = texts.join_escapes(text)
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
    for item in map(_object, watch(items)):
        # The parser gives no places; the ids do, as long as they are found in the order of the items.
        place = text.find(json.dumps(item.get("id"), ensure_ascii=False), at) if line else -1
        line = line + text.count("\n", at, place) if place >= 0 else 0
        at = max(at, place)
        posts.append(_item(item, document, line, file, site))
    gone = map(_object, _list(_object(document.get("_deleted")), "items"))
    ids = ((one_line(each.get("ref")) or one_line(each.get("id")), 0) for each in gone)
    found = _source("a JSON feed", one_line(_object(document.get("_feed")).get("id")), posts, ids, file, site)
    dropped = [texts.dropped("half of a surrogate pair", file, 0)] if lost else []
    return replace(found, problems=(*dropped, *found.problems))


def _item(item: dict[str, Any], feed: dict[str, Any], line: int, file: str, site: Site) -> SourcePost:
    image, link = one_line(item.get("image")), one_line(item.get("url"))
    of = (each.get(key) for each in (item, feed) for key in ("authors", "author"))
    lists = ([_object(each) for each in (at if isinstance(at, list) else [at]) if each] for at in of)
    authors = next(filter(None, lists), [])
    people = (source.person(one_line(each.get("name")), one_line(each.get("url"))) for each in authors)
    plain = html.escape(source.cleaned(item.get("content_text")), quote=False).replace("\n", "</p>\n<p>")
    body = source.cleaned(item.get("content_html")) or f"<p>{plain}</p>"
    base = resolved(one_line(feed.get("home_page_url")), link)
    found = SourcePost(
        file,
        line,
        title=one_line(item.get("title")),
        date=one_line(item.get("date_published")),
        id=one_line(item.get("id")),
        updated=one_line(item.get("date_modified")),
        labels=tuple(one_line(each) for each in _list(item, "tags")),
        summary=one_line(item.get("summary")),
        authors=tuple(people),
        image=Image(resolved(base, image)) if image else None,
    )
    files = (one_line(_object(each).get("url")) for each in _list(item, "attachments"))
    return source.post_of_entry(found, body, site, base if link else "", base, filter(None, files))


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: dict[str, Any], name: str) -> list[Any]:
    found = value.get(name)
    return found if isinstance(found, list) else []
