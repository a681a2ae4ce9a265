"""The export of a WordPress site (WXR): its posts, with their dates, slugs and drafts.

Pages, attachments, menus and revisions are no posts and are only counted. What not everybody may read there
becomes a draft, and is reported.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from datetime import datetime, timezone, tzinfo
from typing import Any

from pprnet_feeds.content import slugs
from pprnet_feeds.content.model import Person, Site
from pprnet_feeds.content.problems import Problem, quoted
from pprnet_feeds.importing.entries import front_matter_date, guests, one_line
from pprnet_feeds.importing.html import text_of_html
from pprnet_feeds.importing.source_post import Source, SourcePost, source_of

# Of any version of the format, and of exports whose addresses were rewritten.
NAMESPACE = re.compile(r".*/export/[^/]*/?(?:excerpt/)?")
_TEXT = r">(?:<!\[CDATA\[)?([^<>\]]+)"
_AUTHOR = re.compile(f":author_login{_TEXT}.{{1,500}}?:author_display_name{_TEXT}", re.DOTALL)
_FIELDS = ("post_type", "status", "post_password", "post_name", "post_date", "post_date_gmt", "encoded")
_DRAFTS = frozenset({"draft", "pending", "future", "private"})
_NO_TOPIC = frozenset({"uncategorized", "uncategorised"})


def read_export(
    items: list[tuple[SourcePost, dict[str, Any]]], prefixes: list[str], text: str, file: str, site: Site
) -> Source:
    """The posts of an export: each item as a post of a feed, and its fields, WordPress's under *prefixes*."""
    people = dict(_AUTHOR.findall(text))
    posts: list[SourcePost] = []
    problems: list[Problem] = []
    others: dict[str, list[int]] = {}
    for post, item in items:
        # Of several versions of the format in a file, any may have a field.
        named = {name: [item.get(f"{each}{name}", "") for each in prefixes] for name in _FIELDS}
        fields = {name: next(filter(None, found), "") for name, found in named.items()}
        kind, status = fields["post_type"], fields["status"]
        if kind != "post" or status in ("trash", "auto-draft", "inherit"):
            other = one_line(kind if kind != "post" else f"{status} post") or "item without a type"
            others.setdefault(other, []).append(post.line)
        elif status in _DRAFTS or status == "publish":
            author = one_line(people.get(item.get("author", ""), item.get("author")))
            posts.append(_with_fields(replace(post, authors=(Person(author),)), fields, site))
        else:
            what = f"the status of {quoted(post.title)} is not known: {quoted(status)}"
            mend = "Set it to published or draft in WordPress and export again."
            problems.append(Problem(file, post.line, 0, what, mend))
    for other, lines in others.items():
        what = f"{len(lines)} of type {quoted(other)}: not a post"
        mend = "Nothing is to be done, unless readers should have it as a post."
        problems.append(Problem(file, lines[0], 0, what, mend))
    return source_of("a WordPress export", posts, problems, file)


def _with_fields(post: SourcePost, fields: dict[str, str], site: Site) -> SourcePost:
    date = _date(fields["post_date"], fields["post_date_gmt"], site)
    password = "protected by a password" if fields["post_password"] else ""
    return replace(
        post,
        date=front_matter_date(date, site.time_zone) or post.date,
        name=fields["post_name"] if slugs.is_slug(fields["post_name"]) else "",
        labels=tuple(label for label in post.labels if label.lower() not in _NO_TOPIC),
        summary=text_of_html(fields["encoded"]),
        authors=guests(post.authors, site),
        restricted=quoted(fields["status"]) if fields["status"] in _DRAFTS else password,
    )


def _date(local: str, utc: str, site: Site) -> str:
    """The moment that is *local* on the blog's clock and *utc* in UTC, with the zone between them.

    WordPress writes zeros for the latter in drafts; then the zone is that of the site.
    """
    zone: tzinfo = site.time_zone
    with contextlib.suppress(ValueError):
        zone = timezone(_clock(local) - _clock(utc))
    try:
        return _clock(local).replace(tzinfo=zone).isoformat(timespec="seconds")
    except ValueError:
        return ""


def _clock(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007  (its zone is not known yet)
