"""The export of a WordPress site (WXR): its posts, with their dates, slugs and drafts.

Pages, attachments, menus and revisions are no posts and are only counted. What
not everybody may read there becomes a draft, and is reported. Of its two dates
the one in the blog's own time and the one in UTC together say which zone was meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

from pprnet_feeds.content import slugs
from pprnet_feeds.content.model import Person, Site
from pprnet_feeds.content.problems import Problem, quoted
from pprnet_feeds.importing import values
from pprnet_feeds.importing.body import compose
from pprnet_feeds.importing.html import blocks_of_html
from pprnet_feeds.importing.outline import OutlinedEntry
from pprnet_feeds.importing.source_post import Source, SourcePost, source_of

_DRAFTS = frozenset({"draft", "pending", "future", "private"})
_NO_TOPIC = frozenset({"uncategorized", "uncategorised"})


def read_export(
    items: Sequence[tuple[dict[str, Any], OutlinedEntry]],
    authors: list[dict[str, str]],
    file: str,
    site: Site,
) -> Source:
    """The posts of an export: each item as feedparser gives it, with its outline."""
    people = {each.get("author_login", ""): each.get("author_display_name", "") for each in authors}
    posts: list[SourcePost] = []
    problems: list[Problem] = []
    others: dict[str, list[int]] = {}
    for item, outlined in items:
        kind, status = outlined.fields.get("post_type", ""), outlined.fields.get("status", "")
        if kind != "post" or status in ("trash", "auto-draft", "inherit"):
            other = values.one_line(kind if kind != "post" else f"{status} post") or "item without a type"
            others.setdefault(other, []).append(outlined.line)
            continue
        post = _post(item, outlined, people, site)
        if status in _DRAFTS or status == "publish":
            posts.append(post)
        else:
            what = f"the status of {quoted(post.title)} is not known: {quoted(status)}"
            mend = "Set it to published or draft in WordPress and export again."
            problems.append(Problem(file, outlined.line, 0, what, mend))
    for other, lines in others.items():
        what = f"{len(lines)} of type {quoted(other)}: not a post"
        mend = "Nothing is to be done, unless readers should have it as a post."
        problems.append(Problem(file, lines[0], 0, what, mend))
    return source_of("a WordPress export", posts, problems, file)


def _post(item: dict[str, Any], outlined: OutlinedEntry, people: dict[str, str], site: Site) -> SourcePost:
    fields = outlined.fields
    creator = item.get("author", "")
    content = item["content"][0].get("value", "") if item.get("content") else ""
    cites, body = compose(blocks_of_html(content))
    labels = (values.one_line(tag.get("term")) for tag in item.get("tags", ()))
    date = _date(fields.get("post_date", ""), fields.get("post_date_gmt", ""), site) or item.get(
        "published", ""
    )
    restricted = quoted(fields["status"]) if fields.get("status") in _DRAFTS else ""
    return SourcePost(
        line=outlined.line,
        title=values.text_of_html(item.get("title")),
        date=values.front_matter_date(date, site.time_zone),
        body=body,
        cites=cites,
        name=name if slugs.is_slug(name := fields.get("post_name", "")) else "",
        labels=tuple(label for label in labels if label.lower() not in _NO_TOPIC),
        summary=values.text_of_html(fields.get("encoded")),
        authors=values.guests([Person(values.one_line(people.get(creator) or creator))], site),
        aliases=values.former_path(item.get("link", "")),
        restricted=restricted or ("protected by a password" if fields.get("post_password") else ""),
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
