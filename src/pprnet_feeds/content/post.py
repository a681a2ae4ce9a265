"""Reads one post file: gives a post, or the problems that keep it out.

The keys of other tools are understood. Any other key is a fault: a mistyped `draft` would publish.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, get_args
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from pprnet_feeds.content import dates, fields, keys, model, slugs, terms
from pprnet_feeds.content.body_checks import body_problems
from pprnet_feeds.content.fields import Faults, Typed, Wrong, choice, form, matching, reader
from pprnet_feeds.content.model import NOTICES, Citation, Post, Site, Status
from pprnet_feeds.content.problems import Problem, blocking, quoted
from pprnet_feeds.content.text import doi_in, without_punctuation
from pprnet_feeds.content.yaml import FrontMatter, Mapping, read_front_matter

# CSL 1.0.2, appendix III.
TYPES = tuple(
    "article article-journal article-magazine article-newspaper bill book broadcast chapter classic"
    " collection dataset document entry entry-dictionary entry-encyclopedia event figure graphic hearing"
    " interview legal_case legislation manuscript map motion_picture musical_score pamphlet paper-conference"
    " patent performance periodical personal_communication post post-weblog regulation report review"
    " review-book software song speech standard thesis treaty webpage".split()
)
_STATUSES = get_args(Status)
_DOI = re.compile(r"10\.[0-9]{4,9}/[^\s\"<>]+")
_DOI_PREFIX = re.compile(r"(?:doi:\s*)?(?:https?://(?:dx\.|www\.)?doi\.org/)?", re.IGNORECASE)
_FAR_AHEAD = timedelta(days=366)
_PMID = re.compile(r"(?:PMID:\s*)?([0-9]{1,8})", re.IGNORECASE)
# Several people in one, or what YAML makes of a name with a comma.
_NOT_ONE = re.compile(r";|,.*&|^(?:[^\W\d_]\. ?)+$")
_YEAR = re.compile(r"[12][0-9]{3}")


def read_post(
    text: str, file: str, site: Site, *, bodies: bool = False, now: datetime | None = None
) -> tuple[Post | None, list[Problem]]:
    """Read the text of one post file.

    *file* is its path relative to the site; its name gives the id and slug that are not typed. Problems
    beside a post have been corrected already, such as a control character that was left out; without a
    post they kept it out. With *bodies* the body is checked as well, whatever the front matter says; a date
    more than a year after *now* is a warning.
    """
    parts = read_front_matter(text, file)
    faults = Faults(file, list(parts.problems))
    post = _post(parts, parts.header, faults, site, now) if parts.header else None
    is_finished = post is not None and not post.draft and post.status != "withdrawn"
    in_body = body_problems(parts.body, parts.body_line, file, is_finished) if bodies else []
    # A warning of its own is for `check`; a service reports what it corrected.
    notices = [replace(each, warning=True) for each in parts.notices if bodies or not each.warning]
    return (None if blocking(faults.found) else post), sorted([*notices, *faults.found, *in_body])


def _post(
    parts: FrontMatter, header: Mapping, faults: Faults, site: Site, now: datetime | None
) -> Post | None:
    found = fields.known(header, keys.POST, faults)
    topics = (site.topics, site.places[0], "topic", "feeds/topics.yaml")
    research = (site.research, site.places[1], "research type", "feeds/research.yaml")
    kinds = _KINDS | {
        "moment": reader(partial(_moment, zone=site.time_zone)),
        "topics": partial(terms.choose, among=topics),
        "research types": partial(terms.choose, among=research),
    }
    values = fields.read_all(found, keys.POST, faults, kinds)
    _require(header, values, faults, site)
    _name_by_file(values, faults)
    _compare(values, found, faults)
    if blocking(faults.found):
        return None
    for name in ("updated", "date"):
        if now and (moment := values.get(name)) and moment - now > _FAR_AHEAD:
            typed, value = found[name][0]
            what = f"`{typed}` is more than a year ahead: {quoted(getattr(value, 'text', ''))}"
            faults.add(value, what, "Is the year right? Until then no reader sees it.", warning=True)
    if now and values.get("doi") in (cite.doi for cite in values.get("cites") or () if cite.doi):
        what = "`doi` is the DOI of a study in `cites`, and not of the post"
        mend = "Take it away here, or readers file the post as that study."
        faults.add(found["doi"][0][1], what, mend, warning=True)
    people = (person.name for person in values.get("authors") or () if now)
    for name in filter(_NOT_ONE.search, people):
        what = f"`authors` has a name that is not the name of one person: {quoted(name)}"
        mend = 'Write a list, with quotation marks around each name: ["Ek, A. B.", "Kim Lind"].'
        faults.add(found["authors"][0][1], what, mend, warning=True)
    given = {name: value for name, value in values.items() if value is not None}
    published = given["date"]
    given["date"] = fields.scalar(found["date"][0][1], "date", faults)
    given["updated"] = given.get("updated", published)
    given["aliases"] = tuple(dict.fromkeys(given.get("aliases", ())))
    given |= {"file": faults.file, "body": parts.body, "body_line": parts.body_line}
    return Post(published=published, issue=dates.month_of(published, site.time_zone), **given)


def _require(header: Mapping, values: dict[str, Any], faults: Faults, site: Site) -> None:
    """Report the keys without which there is no post: those not typed, and those with an empty value."""
    for name in ("title", "date", "topics"):
        key = keys.POST[name]
        is_misspelt = any(fault.mend == f"Did you mean `{name}`?" for fault in faults.found)
        if is_misspelt or values.get(name, "") not in ("", ()):
            continue
        example = f"`{name}: {key.example}`."
        if name == "topics":
            example = f"`topics: [{site.topics[0].slug}]`, with at least one topic of feeds/topics.yaml."
        lines = [at.line for word, (at, _) in header.entries.items() if keys.POST.get(word) is key]
        mend = f"{'Write it' if lines else 'Add a line'} like {example}"
        faults.found.append(Problem(faults.file, lines[0] if lines else 1, 0, f"`{name}` is missing", mend))


def _name_by_file(values: dict[str, Any], faults: Faults) -> None:
    """Take slug and id from the file's name where they were not typed."""
    stem = faults.file.rpartition("/")[2].removesuffix(".md")
    missing = [name for name in ("slug", "id") if name not in values]
    if missing and (not slugs.is_slug(stem) or stem in slugs.RESERVED):
        kind = "a word of our own addresses" if stem in slugs.RESERVED else "not a slug"
        like = slugs.slug_like(stem)
        rename = f"{like}.md" if like and like not in slugs.RESERVED else "2026-03-what-it-is-about.md"
        typed = " and ".join(f"`{name}`" for name in missing)
        mend = f"Rename it to {rename}, or type {typed} in the front matter."
        faults.add(None, f"the file's name is {kind}: {quoted(stem)}", mend)
    values.update(dict.fromkeys(missing, stem))


def _compare(values: dict[str, Any], found: Typed, faults: Faults) -> None:
    """Report values that contradict each other."""
    published, updated = values.get("date"), values.get("updated")
    if published and updated and updated < published:
        typed, value = found["updated"][0]
        mend = f"Write the date of the last change, or take `{typed}` away."
        faults.add(value, f"`{typed}` is before `date`: {quoted(getattr(value, 'text', ''))}", mend)
    if values.get("note") and values.get("status", "published") == "published":
        what = "`note` is there, and `status` says published"
        faults.add(found["note"][0][1], what, "Add `status: corrected`, or take the note away.")
    own = f"/posts/{values['slug']}"
    if own in (alias.rstrip("/") for alias in values.get("aliases") or ()):
        what = "`aliases` holds the post's own permalink, which would lead to itself for ever"
        faults.add(found["aliases"][0][1], what, f"Take {own}/ away.")


def _moment(typed: str, name: str, zone: ZoneInfo) -> datetime | Wrong:
    try:
        return dates.parse_moment(typed, zone)
    except ValueError as reason:
        return Wrong(f"`{name}` is {reason}: {quoted(typed)}", dates.FORMS)


def _permalink(typed: str, name: str) -> str | Wrong:
    """A slug, or the permalink it is the last part of, as other tools write it."""
    if name == "slug" or "/" not in typed:
        return fields.parse_slug(typed, name)
    path = urlsplit(typed).path if fields.is_address(typed) else typed
    before, _, last = path.rstrip("/").rpartition("/")
    if before.endswith("/posts") and slugs.is_slug(last):
        return last
    what = f"`{name}` is not a permalink of this site: {quoted(typed)}"
    return Wrong(what, "Write it like /posts/how-much-psychotherapy/, or take it away.")


def parse_alias(typed: str, name: str) -> str | Wrong:
    """A former path, which must not be one of our own addresses."""
    first, _, rest = typed[1:].partition("/")
    if not slugs.is_path(typed):
        what = f"a path in `{name}` is not a plain path: {quoted(typed)}"
        return Wrong(what, "Write it from the first slash, like /blog/2021/how-much/.")
    if first.partition(".")[0] in slugs.RESERVED and not (first == "posts" and rest):
        what = f"a path in `{name}` is one of our own addresses: {quoted(typed)}"
        return Wrong(what, "Take it away: it leads to something else already.")
    return typed


def _citation(text: str, doi: str | None = None, **parts: Any) -> Citation:
    return Citation(text, doi_in(text) if doi is None else doi, **parts)


def _bare_doi(typed: str) -> str | None:
    rest = _DOI_PREFIX.sub("", typed, count=1)
    rest = unquote(re.split("[?#]", rest)[0]) if "doi.org/" in typed.lower() else rest
    bare = without_punctuation(rest.lower())
    return bare if len(bare) <= 200 and _DOI.fullmatch(bare) and bare.isprintable() else None


_KINDS: fields.Kinds = fields.KINDS | {
    "title": partial(fields.text, most=300),
    "permalink": reader(_permalink),
    "alias": reader(parse_alias),
    "picture": form(
        lambda typed: typed if fields.is_address(typed) or slugs.is_path(typed) else None,
        "is not the address of a picture",
        "Write it like https://example.org/picture.jpg or /images/picture.jpg.",
    ),
    "pixels": fields.number(1, 20_000, 1200),
    "doi": form(_bare_doi, "is not a DOI", "Write it like 10.1002/cpp.2521."),
    "pmid": form(matching(_PMID), "is not a PubMed number", "Write it like 33336836."),
    "year": form(matching(_YEAR), "is not a year", "Write it like 2021, or leave it out."),
    "day": form(dates.day, "is not a day", "Write a day like 2026-03-09 or a month like 2026-03."),
    "status": choice("status", _STATUSES, f"Take one of {', '.join(_STATUSES)}."),
    "type of work": choice("type of work", TYPES, "Take a CSL type, such as `article-journal` or `chapter`."),
    "kind of notice": choice("kind of notice", NOTICES, f"Take one of {', '.join(NOTICES)}."),
}
_PARTS: dict[str, tuple[Callable[..., Any], str, str]] = {
    "person": (model.Person, "somebody in `{name}`", "Add it, such as `name: Karin Lind`."),
    "image": (model.Image, "`{name}`", "Add the address of the picture: `url: /images/….jpg`."),
    "citation": (_citation, "a work in `{name}`", "Add the reference as printed: `text: …`."),
    "notice": (model.Notice, "`{name}`", "Write it like `notice: {kind: retraction, date: 2026-03-09}`."),
    "copy": (model.OpenAccess, "`{name}`", "Add the address of the copy: `url: https://…`."),
}
for _kind, _part in _PARTS.items():
    _KINDS[_kind] = fields.part(keys.PARTS[_kind], *_part, _KINDS)
