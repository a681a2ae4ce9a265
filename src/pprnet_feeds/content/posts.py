"""One post file becomes a post, or the problems that keep it out.

Editors' tools write the same thing under different keys; all of them are
understood, and every key that is not is a fault, because a mistyped `draft`
would publish and a mistyped `updated` would not. A post with a fault is never
published in part.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import cast, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pprnet_feeds.content import cites, dates, fields, frontmatter, people, slugs, terms, texts
from pprnet_feeds.content.fields import Faults
from pprnet_feeds.content.model import Post, Site, Status
from pprnet_feeds.content.problems import Problem, nearest, quoted
from pprnet_feeds.content.yamlvalues import Mapping, Scalar, Value

_TITLE_LENGTH = 300
_STATUSES = get_args(Status)

_OURS = (
    "title",
    "date",
    "updated",
    "id",
    "slug",
    "topics",
    "research",
    "cites",
    "summary",
    "authors",
    "image",
    "aliases",
    "draft",
    "status",
    "note",
)
#: Every key that is understood, with our own name for it.
# fmt: off
KEYS = {
    **{name: name for name in _OURS},
    # The words of Hugo, Jekyll, Eleventy, Pelican, WordPress exports and JSON Feed.
    "publishDate": "date", "published": "date", "pubDate": "date", "date_published": "date",
    "lastmod": "updated", "modified": "updated", "last_modified_at": "updated", "date_modified": "updated",
    "guid": "id", "canonical": "slug", "canonical_url": "slug", "canonicalURL": "slug", "permalink": "slug",
    "tags": "topics", "categories": "topics", "tag": "topics", "category": "topics", "topic": "topics",
    "research_type": "research", "type_of_research": "research",
    "citations": "cites", "citation": "cites", "references": "cites", "reference": "cites",
    "description": "summary", "excerpt": "summary", "author": "authors",
    "cover": "image", "thumbnail": "image", "featured_image": "image",
    "redirect_from": "aliases",
}
# fmt: on


def read_post(text: str, file: str, site: Site, *, bodies: bool = False) -> tuple[Post | None, list[Problem]]:
    """Read the text of one post file.

    *file* is its path relative to the site; its name gives the id and slug
    that are not typed. Problems beside a post have been mended already, such
    as a control character that was left out; without a post they kept it out.
    *bodies* has the body looked into as well, whatever the front matter says.
    """
    parts = frontmatter.read(text, file)
    faults = Faults(file, list(parts.problems))
    post = _post(parts, parts.header, faults, site) if parts.header else None
    sound = post is not None and not faults.found
    in_body = texts.faults(parts.body, parts.body_line, file) if bodies else []
    mended = [replace(notice, warning=True) for notice in parts.notices]
    return (post if sound else None), sorted([*mended, *faults.found, *in_body])


def _post(parts: frontmatter.FrontMatter, header: Mapping, faults: Faults, site: Site) -> Post | None:
    found = fields.known(header, KEYS, faults)
    moment = partial(_moment, zone=site.time_zone)
    title = fields.one(found, "title", faults, _title)
    published = fields.one(found, "date", faults, moment)
    date = fields.scalar(found["date"][0][1], "date", faults) if published else None
    updated = fields.one(found, "updated", faults, moment)
    topic = partial(terms.choose, terms=site.topics, noun="topic", file="feeds/topics.yaml")
    research = partial(terms.choose, terms=site.research, noun="research type", file="feeds/research.yaml")
    topics = fields.one(found, "topics", faults, topic)
    empty = {name for name, value in (("title", title), ("topics", topics)) if value in ("", ())}
    _require(header, found, faults, empty, site)
    if published and updated and updated < published:
        typed, value = found["updated"][0]
        mend = f"Write the moment of the last change, or take `{typed}` away."
        faults.add(value, f"`{typed}` is before `date`: {quoted(_typed(value))}", mend)
    slug = fields.one(found, "slug", faults, _slug)
    identity = fields.one(found, "id", faults, fields.slug)
    slug, identity = _named(found, faults, slug, identity)
    status: Status | None = fields.one(found, "status", faults, _status)
    note = fields.one(found, "note", faults, fields.text) or ""
    if note and (status == "published" or not found.get("status")):
        what = "`note` is there, and `status` says published"
        faults.add(found["note"][0][1], what, "Add `status: corrected`, or take the note away.")
    aliases = fields.one(found, "aliases", faults, _aliases) or ()
    if slug and f"/posts/{slug}" in {alias.rstrip("/") for alias in aliases}:
        what = "`aliases` holds the post's own permalink, which would lead to itself for ever"
        faults.add(found["aliases"][0][1], what, f"Take /posts/{slug}/ away.")
    cited = fields.one(found, "cites", faults, _cites) or ()
    types = fields.one(found, "research", faults, research) or ()
    summary = fields.one(found, "summary", faults, fields.text) or ""
    authors = fields.one(found, "authors", faults, _people) or ()
    image = fields.one(found, "image", faults, people.read_image)
    draft = fields.one(found, "draft", faults, fields.flag) or False
    if faults.found or title is None or published is None or slug is None or identity is None:
        return None
    return Post(
        file=faults.file,
        id=identity,
        slug=slug,
        title=title,
        published=published,
        updated=updated or published,
        issue=dates.month_of(published, site.time_zone),
        topics=topics or (),
        research=types,
        cites=cited,
        summary=summary,
        authors=authors,
        image=image,
        aliases=tuple(dict.fromkeys(aliases)),
        draft=draft,
        status=status or "published",
        note=note,
        body=parts.body,
        body_line=parts.body_line,
        date=date or "",
    )


_WANTED = {
    "title": "`title: How Much Psychotherapy Is Necessary?`.",
    "date": "`date: 2026-03`.",
    "topics": "`topics: [{}]`, with at least one topic of feeds/topics.yaml.",
}


def _require(
    header: Mapping, given: dict[str, list[tuple[str, Value]]], faults: Faults, empty: set[str], site: Site
) -> None:
    """Tell of the keys without which there is no post; *empty* names those whose value says nothing."""
    for name, mend in _WANTED.items():
        if given.get(name) and name not in empty:
            continue
        typed = [key for key, _ in header.entries.values() if KEYS.get(key.text) == name]
        line = typed[0].line if typed else 1
        mend = f"{'Write it' if typed else 'Add a line'} like {mend.format(site.topics[0].slug)}"
        faults.found.append(Problem(faults.file, line, 0, f"`{name}` is missing", mend))


def _named(
    found: dict[str, list[tuple[str, Value]]], faults: Faults, slug: str | None, identity: str | None
) -> tuple[str | None, str | None]:
    """Slug and id, each from the file's name where it was not typed."""
    stem = faults.file.rpartition("/")[2].removesuffix(".md")
    missing = [name for name in ("slug", "id") if not found.get(name)]
    if not missing:
        return slug, identity
    if not slugs.is_slug(stem) or (stem in slugs.RESERVED):
        like = slugs.slug_like(stem)
        rename = f"{like}.md" if like and like not in slugs.RESERVED else "2026-03-what-it-is-about.md"
        keys = " and ".join(f"`{name}`" for name in missing)
        mend = f"Rename it to {rename}, or type {keys} in the front matter."
        faults.add(None, f"the file's name is not a slug: {quoted(stem)}", mend)
        return slug, identity
    return (stem if "slug" in missing else slug), (stem if "id" in missing else identity)


def _typed(value: Value) -> str:
    return value.text if isinstance(value, Scalar) else ""


def _moment(value: Value, name: str, faults: Faults, zone: ZoneInfo) -> datetime | None:
    typed = fields.scalar(value, name, faults)
    if typed is None:
        return None
    try:
        return dates.parse_moment(typed, zone)
    except ValueError as reason:
        faults.add(value, f"`{name}` is {reason}: {quoted(typed)}", dates.FORMS)
        return None


def _slug(value: Value, name: str, faults: Faults) -> str | None:
    """A slug, or the permalink it is the last part of, as other tools write it."""
    typed = fields.scalar(value, name, faults)
    if typed is None or name == "slug" or "/" not in typed:
        return fields.slug(value, name, faults) if typed is not None else None
    path = urlsplit(typed).path if fields.is_address(typed) else typed
    before, _, last = path.rstrip("/").rpartition("/")
    if before.endswith("/posts") and slugs.is_slug(last):
        return last
    what = f"`{name}` is not a permalink of this site: {quoted(typed)}"
    faults.add(value, what, "Write it like /posts/how-much-psychotherapy/, or take it away.")
    return None


def _status(value: Value, name: str, faults: Faults) -> Status | None:
    typed = fields.scalar(value, name, faults)
    if typed is None or typed.lower() in _STATUSES:
        return cast("Status", typed.lower()) if typed is not None else None
    meant = nearest(typed.lower(), _STATUSES)
    mend = f"Did you mean `{meant}`?" if meant else f"Take one of {', '.join(_STATUSES)}."
    faults.add(value, f"no status is called {quoted(typed)}", mend)
    return None


def _alias(value: Value, name: str, faults: Faults) -> str | None:
    """A former path, which must not be one of our own addresses."""
    typed = fields.scalar(value, name, faults)
    if typed is None:
        return None
    if not slugs.is_path(typed):
        what = f"a path in `{name}` is not a plain path: {quoted(typed)}"
        faults.add(value, what, "Write it from the first slash, like /blog/2021/how-much/.")
        return None
    first, _, rest = typed[1:].partition("/")
    if first.partition(".")[0] in slugs.RESERVED and not (first == "posts" and rest):
        what = f"a path in `{name}` is one of our own addresses: {quoted(typed)}"
        faults.add(value, what, "Take it away: it leads to something else already.")
        return None
    return typed


_title = partial(fields.text, most=_TITLE_LENGTH)
_cites = partial(fields.each, read=cites.read_cite)
_people = partial(fields.each, read=people.read_person)
_aliases = partial(fields.each, read=_alias)
