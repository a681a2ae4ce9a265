"""The export of a WordPress site (WXR): its posts, with their dates, slugs and drafts.

Pages, attachments, menus and revisions are no posts and are only counted. What
not everybody may read there becomes a draft, and is reported. Of its two dates
the one in the blog's own time and the one in UTC together tell the zone that was meant.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from xml.etree.ElementTree import Element

from pprnet_feeds.content import slugs
from pprnet_feeds.content.model import Person, Site
from pprnet_feeds.content.problems import Problem, quoted
from pprnet_feeds.publishing.importing import article, markings, xmltree
from pprnet_feeds.publishing.importing.acceptance import not_public, unusable
from pprnet_feeds.publishing.importing.blocks import of_html
from pprnet_feeds.publishing.importing.readings import Found, Reading

# WordPress's own elements, of any version of the format, and of exports whose addresses were rewritten.
_WP = re.compile(r"\{[^}]*/export/[^/}]*/?\}(\w+)")
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
_CREATOR = "{http://purl.org/dc/elements/1.1/}creator"
_DRAFTS = frozenset({"draft", "pending", "future", "private"})
_PASSWORD = "protected by a password"
_NO_TOPIC = frozenset({"uncategorized", "uncategorised"})


def is_export(tree: xmltree.Tree) -> bool:
    """Whether any element is one of WordPress's own."""
    return any(_WP.fullmatch(element.tag) for element in tree.lines)


def read_export(tree: xmltree.Tree, file: str, site: Site) -> Reading:
    """The posts of an export."""
    authors = map(_fields, tree.root.iterfind("channel/{*}author"))
    people = {
        each.get("author_login", ""): markings.plain(each.get("author_display_name")) for each in authors
    }
    posts: list[Found] = []
    left: list[Problem] = []
    others: Counter[str] = Counter()
    first: dict[str, int] = {}
    for item in tree.root.iterfind("channel/item"):
        wp = _fields(item)
        kind, status = wp.get("post_type", ""), wp.get("status", "")
        line = tree.lines[item]
        if kind != "post" or status in ("trash", "auto-draft", "inherit"):
            other = markings.plain(kind if kind != "post" else f"{status} post") or "item without a type"
            others[other] += 1
            first.setdefault(other, line)
            continue
        found = _found(item, line, wp, people, site)
        fault = unusable(found, file)
        if fault is None and status not in _DRAFTS and status != "publish":
            what = f"the status of {quoted(found.title)} is not known: {quoted(status)}"
            fault = Problem(
                file, line, 0, what, "Set it to published or draft in WordPress and export again."
            )
        if fault is None and found.draft:
            left.append(not_public(found, file, _PASSWORD if status == "publish" else quoted(status)))
        left += [fault] if fault else []
        posts += [] if fault else [found]
    for other, number in others.items():
        what = f"{number} of type {quoted(other)}: not a post"
        left.append(
            Problem(
                file, first[other], 0, what, "Nothing is to be done, unless readers should have it as a post."
            )
        )
    return Reading("a WordPress export", tuple(posts), tuple(sorted(left)))


def _fields(element: Element) -> dict[str, str]:
    """The texts of WordPress's own elements in *element*, by their names."""
    own = ((_WP.fullmatch(child.tag), child) for child in element)
    return {name[1]: (child.text or "").strip() for name, child in own if name}


def _found(item: Element, line: int, wp: dict[str, str], people: dict[str, str], site: Site) -> Found:
    creator = (item.findtext(_CREATOR) or "").strip()
    excerpt = next((child.text or "" for child in item if child.tag.endswith("/excerpt/}encoded")), "")
    slug = wp.get("post_name", "")
    cites, body = article.compose(of_html(item.findtext(_CONTENT) or ""))
    labels = (markings.plain(each.text) for each in item.iterfind("category"))
    author = people.get(creator) or markings.plain(creator)
    return Found(
        line=line,
        title=markings.from_html(item.findtext("title")),
        date=_date(wp.get("post_date", ""), wp.get("post_date_gmt", ""), site)
        or markings.moment(item.findtext("pubDate") or "", site.time_zone),
        body=body,
        cites=cites,
        name=slug if slugs.is_slug(slug) else "",
        labels=tuple(label for label in labels if label.lower() not in _NO_TOPIC),
        summary=markings.from_html(excerpt),
        authors=markings.guests([Person(author)], site),
        aliases=markings.former_path(item.findtext("link") or ""),
        draft=wp.get("status") in _DRAFTS or wp.get("post_password", "") != "",
    )


def _date(local: str, utc: str, site: Site) -> str:
    """The moment that is *local* on the blog's clock and *utc* in UTC, with the zone between them.

    WordPress writes zeros where it does not know the latter, in drafts above all.
    """
    here, there = _clock(local), _clock(utc)
    zone: tzinfo = site.time_zone
    if there:
        distance = here - there if here else timedelta(0)
        fits = abs(distance) <= timedelta(hours=15) and distance % timedelta(minutes=1) == timedelta(0)
        here, zone = (here, timezone(distance)) if here and fits else (there, UTC)
    if here is None:
        return ""
    return markings.moment(here.replace(tzinfo=zone).isoformat(timespec="seconds"), site.time_zone)


def _clock(text: str) -> datetime | None:
    """What a clock showed, of which the zone is still to be told."""
    try:
        return datetime.strptime(f"{text}+0000", "%Y-%m-%d %H:%M:%S%z")
    except ValueError:
        return None
