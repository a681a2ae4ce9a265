"""The export of a WordPress site (WXR): its posts, with their dates, slugs and drafts.

Pages, attachments, menus and revisions are no posts and are only counted. What
not everybody may read there becomes a draft, and is reported. Of its two dates
the one in the blog's own time and the one in UTC together say which zone was meant.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

from pprnet_feeds.content import slugs
from pprnet_feeds.content.model import Person, Site
from pprnet_feeds.content.problems import Problem, quoted
from pprnet_feeds.importing import values
from pprnet_feeds.importing.body import compose
from pprnet_feeds.importing.html import blocks_of_html
from pprnet_feeds.importing.source_post import Source, SourcePost, source_of

# Of any version of the format, and of exports whose addresses were rewritten.
NAMESPACE = re.compile(r".*/export/[^/]*/?(?:excerpt/)?")
_AUTHOR = re.compile(
    r":author_login>(?:<!\[CDATA\[)?([^<>\]]+).{1,500}?:author_display_name>(?:<!\[CDATA\[)?([^<>\]]+)",
    re.DOTALL,
)
_FIELDS = ("post_type", "status", "post_password", "post_name", "post_date", "post_date_gmt", "encoded")
_DRAFTS = frozenset({"draft", "pending", "future", "private"})
_NO_TOPIC = frozenset({"uncategorized", "uncategorised"})


def read_export(
    items: list[dict[str, Any]], lines: list[int], prefixes: list[str], text: str, file: str, site: Site
) -> Source:
    """The posts of an export: the *items* as feedparser gives them, with the *prefixes* of WordPress's elements."""
    people = {login: name for login, name in _AUTHOR.findall(text)}
    posts: list[SourcePost] = []
    problems: list[Problem] = []
    others: dict[str, list[int]] = {}
    for item, line in zip(items, lines, strict=True):
        fields = {name: _field(item, name, prefixes) for name in _FIELDS}
        kind, status = fields["post_type"], fields["status"]
        if kind != "post" or status in ("trash", "auto-draft", "inherit"):
            other = values.one_line(kind if kind != "post" else f"{status} post") or "item without a type"
            others.setdefault(other, []).append(line)
            continue
        post = _post(item, line, fields, people, site)
        if status in _DRAFTS or status == "publish":
            posts.append(post)
        else:
            what = f"the status of {quoted(post.title)} is not known: {quoted(status)}"
            mend = "Set it to published or draft in WordPress and export again."
            problems.append(Problem(file, line, 0, what, mend))
    for other, places in others.items():
        what = f"{len(places)} of type {quoted(other)}: not a post"
        mend = "Nothing is to be done, unless readers should have it as a post."
        problems.append(Problem(file, places[0], 0, what, mend))
    return source_of("a WordPress export", posts, problems, file)


def _field(item: dict[str, Any], name: str, prefixes: list[str]) -> str:
    """One of WordPress's own fields; of several versions of the format in a file, any may have it."""
    return next((value for prefix in prefixes if (value := item.get(f"{prefix}_{name}".lstrip("_")))), "")


def _post(
    item: dict[str, Any], line: int, fields: dict[str, str], people: dict[str, str], site: Site
) -> SourcePost:
    creator = item.get("author", "")
    content = item["content"][0].get("value", "") if item.get("content") else ""
    cites, body = compose(blocks_of_html(content))
    labels = (values.one_line(tag.get("term")) for tag in item.get("tags", ()))
    date = _date(fields["post_date"], fields["post_date_gmt"], site) or item.get("published", "")
    password = "protected by a password" if fields["post_password"] else ""
    return SourcePost(
        line=line,
        title=values.text_of_html(item.get("title")),
        date=values.front_matter_date(date, site.time_zone),
        body=body,
        cites=cites,
        name=fields["post_name"] if slugs.is_slug(fields["post_name"]) else "",
        labels=tuple(label for label in labels if label.lower() not in _NO_TOPIC),
        summary=values.text_of_html(fields["encoded"]),
        authors=values.guests([Person(values.one_line(people.get(creator) or creator))], site),
        aliases=values.former_path(item.get("link", "")),
        restricted=quoted(fields["status"]) if fields["status"] in _DRAFTS else password,
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
    return here.replace(tzinfo=zone).isoformat(timespec="seconds") if here else ""


def _clock(text: str) -> datetime | None:
    """What a clock showed, in a zone that is not known yet."""
    try:
        return datetime.strptime(f"{text}+0000", "%Y-%m-%d %H:%M:%S%z")
    except ValueError:
        return None
