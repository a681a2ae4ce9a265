"""Reads one post file: gives a post, or the problems that keep it out.

Editors' tools write the same thing under different keys, and all of them are understood. Every
other key is a fault, because a mistyped `draft` would publish and a mistyped `updated` would not.
A post with a fault is never published in part.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import cast, get_args
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from pprnet_feeds.content import dates, fields, slugs, terms
from pprnet_feeds.content.body_checks import body_problems
from pprnet_feeds.content.fields import Faults, Typed
from pprnet_feeds.content.model import Citation, Image, Person, Post, Site, Status
from pprnet_feeds.content.problems import Problem, nearest, quoted
from pprnet_feeds.content.text import doi_in, without_punctuation
from pprnet_feeds.content.yaml import FrontMatter, Mapping, Value, read_front_matter

_TITLE_LENGTH = 300
_STATUSES = get_args(Status)

#: Every key that is understood, with our own name for it.
# fmt: off
KEYS = {
    **{name: name for name in (
        "title", "date", "updated", "id", "slug", "topics", "research", "cites", "summary", "authors",
        "image", "aliases", "draft", "status", "note", "doi", "language",
    )},
    # The words of Hugo, Jekyll, Eleventy, Pelican, WordPress exports and JSON Feed.
    "publishDate": "date", "published": "date", "pubDate": "date", "date_published": "date",
    "lastmod": "updated", "modified": "updated", "last_modified_at": "updated", "date_modified": "updated",
    "guid": "id", "canonical": "slug", "canonical_url": "slug", "canonicalURL": "slug", "permalink": "slug",
    "tags": "topics", "categories": "topics", "tag": "topics", "category": "topics", "topic": "topics",
    "research_type": "research", "type_of_research": "research",
    "citations": "cites", "citation": "cites", "references": "cites", "reference": "cites",
    "description": "summary", "excerpt": "summary", "author": "authors",
    "cover": "image", "thumbnail": "image", "featured_image": "image",
    "redirect_from": "aliases", "DOI": "doi", "lang": "language",
}
_PERSON_KEYS = {name: name for name in ("name", "url", "email", "orcid")} | {"uri": "url", "ORCID": "orcid"}
_IMAGE_KEYS = {name: name for name in ("url", "alt", "width", "height")} | {"src": "url"}
_CITATION_TEXTS = ("text", "title", "container", "publisher")
_CITATION_KEYS = {name: name for name in (
    "text", "doi", "url", "pmid", "authors", "year", "type", "title", "container", "publisher", "volume",
    "issue", "pages",
)} | {
    "DOI": "doi", "URL": "url", "PMID": "pmid", "author": "authors", "journal": "container",
    "container-title": "container", "number": "issue", "page": "pages",
}
# CSL 1.0.2, appendix III.
_TYPES = frozenset(
    "article article-journal article-magazine article-newspaper bill book broadcast chapter classic"
    " collection dataset document entry entry-dictionary entry-encyclopedia event figure graphic hearing"
    " interview legal_case legislation manuscript map motion_picture musical_score pamphlet"
    " paper-conference patent performance periodical personal_communication post"
    " post-weblog regulation report review review-book software song"
    " speech standard thesis treaty webpage".split()
)
# fmt: on
_REQUIRED = {
    "title": "`title: How Much Psychotherapy Is Necessary?`.",
    "date": "`date: 2026-03`.",
    "topics": "`topics: [{}]`, with at least one topic of feeds/topics.yaml.",
}
_ORCID = re.compile(r"(?:https?://orcid\.org/)?((?:[0-9]{4}-){3}[0-9]{3}[0-9X])", re.IGNORECASE)
_PIXELS = 20_000
_DOI = re.compile(r"10\.[0-9]{4,9}/[^\s\"<>]+")
_DOI_PREFIX = re.compile(r"(?:doi:\s*)?(?:https?://(?:dx\.|www\.)?doi\.org/)?", re.IGNORECASE)
_DOI_LENGTH = 200
_PMID = re.compile(r"(?:PMID:\s*)?([0-9]{1,8})", re.IGNORECASE)
_YEAR = re.compile(r"[12][0-9]{3}")


def read_post(text: str, file: str, site: Site, *, bodies: bool = False) -> tuple[Post | None, list[Problem]]:
    """Read the text of one post file.

    *file* is its path relative to the site; its name gives the id and slug
    that are not typed. Problems beside a post have been corrected already, such
    as a control character that was left out; without a post they kept it out.
    With *bodies* the body is checked as well, whatever the front matter says.
    """
    parts = read_front_matter(text, file)
    faults = Faults(file, list(parts.problems))
    post = _post(parts, parts.header, faults, site) if parts.header else None
    is_valid = post is not None and not faults.found
    in_body = body_problems(parts.body, parts.body_line, file) if bodies else []
    notices = [replace(notice, warning=True) for notice in parts.notices]
    return (post if is_valid else None), sorted([*notices, *faults.found, *in_body])


def _post(parts: FrontMatter, header: Mapping, faults: Faults, site: Site) -> Post | None:
    found = fields.known(header, KEYS, faults)
    moment = partial(_read_moment, zone=site.time_zone)
    title = fields.one(found, "title", faults, partial(fields.text, most=_TITLE_LENGTH))
    published = fields.one(found, "date", faults, moment)
    date = fields.scalar(found["date"][0][1], "date", faults) if published else None
    updated = fields.one(found, "updated", faults, moment)
    topics = fields.one(found, "topics", faults, partial(terms.read_topics, site=site))
    _require(header, found, faults, {"title": title, "topics": topics}, site)
    if published and updated and updated < published:
        typed, value = found["updated"][0]
        mend = f"Write the moment of the last change, or take `{typed}` away."
        faults.add(value, f"`{typed}` is before `date`: {quoted(getattr(value, 'text', ''))}", mend)
    slug = fields.one(found, "slug", faults, _read_permalink)
    identity = fields.one(found, "id", faults, fields.slug)
    slug, identity = _with_names_of_file(found, faults, slug, identity)
    status: Status | None = fields.one(found, "status", faults, _read_status)
    note = fields.one(found, "note", faults, fields.text) or ""
    if note and (status == "published" or not found.get("status")):
        what = "`note` is there, and `status` says published"
        faults.add(found["note"][0][1], what, "Add `status: corrected`, or take the note away.")
    aliases = fields.one(found, "aliases", faults, partial(fields.each, read=_read_alias)) or ()
    if slug and f"/posts/{slug}" in {alias.rstrip("/") for alias in aliases}:
        what = "`aliases` holds the post's own permalink, which would lead to itself for ever"
        faults.add(found["aliases"][0][1], what, f"Take /posts/{slug}/ away.")
    cites = fields.one(found, "cites", faults, partial(fields.each, read=_read_citation)) or ()
    research = fields.one(found, "research", faults, partial(terms.read_research_types, site=site)) or ()
    summary = fields.one(found, "summary", faults, fields.text) or ""
    authors = fields.one(found, "authors", faults, partial(fields.each, read=_read_person)) or ()
    image = fields.one(found, "image", faults, _read_image)
    draft = fields.one(found, "draft", faults, fields.flag) or False
    doi = fields.one(found, "doi", faults, _read_doi)
    language = fields.one(found, "language", faults, fields.language)
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
        research=research,
        cites=cites,
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
        doi=doi or "",
        language=language or "",
    )


def _require(header: Mapping, found: Typed, faults: Faults, read: dict[str, object], site: Site) -> None:
    """Report the keys without which there is no post: those not typed, and those *read* as nothing."""
    for name, mend in _REQUIRED.items():
        if found.get(name) and read.get(name) not in ("", ()):
            continue
        typed = [key for key, _ in header.entries.values() if KEYS.get(key.text) == name]
        line = typed[0].line if typed else 1
        mend = f"{'Write it' if typed else 'Add a line'} like {mend.format(site.topics[0].slug)}"
        faults.found.append(Problem(faults.file, line, 0, f"`{name}` is missing", mend))


def _with_names_of_file(
    found: Typed, faults: Faults, slug: str | None, identity: str | None
) -> tuple[str | None, str | None]:
    """Slug and id, each from the file's name where it was not typed."""
    stem = faults.file.rpartition("/")[2].removesuffix(".md")
    missing = [name for name in ("slug", "id") if not found.get(name)]
    if missing and (not slugs.is_slug(stem) or stem in slugs.RESERVED):
        like = slugs.slug_like(stem)
        rename = f"{like}.md" if like and like not in slugs.RESERVED else "2026-03-what-it-is-about.md"
        keys = " and ".join(f"`{name}`" for name in missing)
        mend = f"Rename it to {rename}, or type {keys} in the front matter."
        faults.add(None, f"the file's name is not a slug: {quoted(stem)}", mend)
        return slug, identity
    return (stem if "slug" in missing else slug), (stem if "id" in missing else identity)


def _read_moment(value: Value, name: str, faults: Faults, zone: ZoneInfo) -> datetime | None:
    typed = fields.scalar(value, name, faults)
    if typed is None:
        return None
    try:
        return dates.parse_moment(typed, zone)
    except ValueError as reason:
        faults.add(value, f"`{name}` is {reason}: {quoted(typed)}", dates.FORMS)
        return None


def _read_permalink(value: Value, name: str, faults: Faults) -> str | None:
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


def _read_status(value: Value, name: str, faults: Faults) -> Status | None:
    typed = fields.scalar(value, name, faults)
    if typed is None or typed.lower() in _STATUSES:
        return cast("Status", typed.lower()) if typed is not None else None
    meant = nearest(typed.lower(), _STATUSES)
    mend = f"Did you mean `{meant}`?" if meant else f"Take one of {', '.join(_STATUSES)}."
    faults.add(value, f"no status is called {quoted(typed)}", mend)
    return None


def _read_alias(value: Value, name: str, faults: Faults) -> str | None:
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


def _read_person(value: Value, name: str, faults: Faults) -> Person | None:
    """An author: a name, or `name` with any of `url`, `email`, `orcid`."""
    before = len(faults.found)
    if not isinstance(value, Mapping):
        typed = fields.scalar(value, name, faults)
        return Person(typed) if typed else None
    found = fields.known(value, _PERSON_KEYS, faults)
    person = Person(
        name=fields.one(found, "name", faults, fields.scalar) or "",
        url=fields.one(found, "url", faults, fields.address) or "",
        email=fields.one(found, "email", faults, fields.email) or "",
        orcid=fields.one(found, "orcid", faults, read_orcid) or "",
    )
    if not person.name:
        faults.add(value, f"somebody in `{name}` has no `name`", "Add it, such as `name: Giorgio A. Tasca`.")
    return person if len(faults.found) == before else None


def _read_image(value: Value, name: str, faults: Faults) -> Image | None:
    """A picture: its address, or `url` with any of `alt`, `width`, `height`."""
    before = len(faults.found)
    if not isinstance(value, Mapping):
        url = _read_picture(value, name, faults)
        return Image(url) if url else None
    found = fields.known(value, _IMAGE_KEYS, faults)
    size = partial(fields.number, least=1, most=_PIXELS)
    image = Image(
        url=fields.one(found, "url", faults, _read_picture) or "",
        alt=fields.one(found, "alt", faults, fields.text) or "",
        width=fields.one(found, "width", faults, size) or 0,
        height=fields.one(found, "height", faults, size) or 0,
    )
    if not found.get("url"):
        faults.add(value, f"`{name}` has no `url`", "Add the address of the picture: `url: /images/….jpg`.")
    return image if len(faults.found) == before else None


def _read_picture(value: Value, name: str, faults: Faults) -> str | None:
    def parse(typed: str) -> str | None:
        return typed if fields.is_address(typed) or slugs.is_path(typed) else None

    mend = "Write it like https://example.org/picture.jpg or /images/picture.jpg."
    return fields.parsed(value, name, faults, parse, "is not the address of a picture", mend)


def read_orcid(value: Value, name: str, faults: Faults) -> str | None:
    """An ORCID, or its address, as 0000-0002-1825-0097."""
    return fields.parsed(value, name, faults, _orcid, "is not an ORCID", "Write it like 0000-0002-1825-0097.")


def _orcid(typed: str) -> str | None:
    match = _ORCID.fullmatch(typed)
    if not match:
        return None
    total = 0
    for digit in match[1].replace("-", "")[:-1]:
        total = (total + int(digit)) * 2
    check = "0123456789X"[(12 - total % 11) % 11]  # ISO 7064, mod 11-2
    return match[1].upper() if match[1][-1].upper() == check else None


def _read_citation(value: Value, name: str, faults: Faults) -> Citation | None:
    """One cited work: a reference as plain text, or its parts by name."""
    before = len(faults.found)
    if not isinstance(value, Mapping):
        reference = fields.text(value, name, faults)
        return Citation(reference, doi=doi_in(reference)) if reference else None
    found = fields.known(value, _CITATION_KEYS, faults)
    texts = {key: fields.one(found, key, faults, fields.text) or "" for key in _CITATION_TEXTS}
    if not found.get("text"):
        faults.add(value, f"a work in `{name}` has no `text`", "Add the reference as printed: `text: …`.")
    numbers = {
        key: fields.one(found, key, faults, fields.scalar) or "" for key in ("volume", "issue", "pages")
    }
    citation = Citation(
        **texts,
        **numbers,
        doi=fields.one(found, "doi", faults, _read_doi)
        or ("" if found.get("doi") else doi_in(texts["text"])),
        url=fields.one(found, "url", faults, fields.address) or "",
        pmid=fields.one(found, "pmid", faults, _read_pmid) or "",
        authors=fields.one(found, "authors", faults, partial(fields.each, read=fields.scalar)) or (),
        year=fields.one(found, "year", faults, _read_year) or "",
        type=fields.one(found, "type", faults, _read_type) or "",
    )
    return citation if len(faults.found) == before else None


def _read_doi(value: Value, name: str, faults: Faults) -> str | None:
    return fields.parsed(value, name, faults, _bare_doi, "is not a DOI", "Write it like 10.1002/cpp.2521.")


def _bare_doi(typed: str) -> str | None:
    rest = _DOI_PREFIX.sub("", typed, count=1)
    bare = without_punctuation((unquote(rest) if "doi.org/" in typed.lower() else rest).lower())
    return bare if len(bare) <= _DOI_LENGTH and _DOI.fullmatch(bare) and bare.isprintable() else None


def _read_pmid(value: Value, name: str, faults: Faults) -> str | None:
    def parse(typed: str) -> str | None:
        match = _PMID.fullmatch(typed)
        return match[1] if match else None

    return fields.parsed(value, name, faults, parse, "is not a PubMed number", "Write it like 33336836.")


def _read_year(value: Value, name: str, faults: Faults) -> str | None:
    mend = "Write it like 2021, or leave it out."
    return fields.parsed(value, name, faults, fields.whole(_YEAR), "is not a year", mend)


def _read_type(value: Value, name: str, faults: Faults) -> str | None:
    typed = fields.scalar(value, name, faults)
    if typed is None or typed in _TYPES:
        return typed
    meant = nearest(typed, sorted(_TYPES))
    mend = f"Did you mean `{meant}`?" if meant else "Take a CSL type, such as `article-journal` or `chapter`."
    faults.add(value, f"no type of work is called {quoted(typed)}", mend)
    return None
