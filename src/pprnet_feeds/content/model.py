"""What a post, its parts and a site are once they have been read.

All values are valid: text is clean for XML 1.0, timestamps are in UTC and whole seconds, topics exist.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal, get_args
from urllib.parse import quote
from zoneinfo import ZoneInfo

Status = Literal["published", "corrected", "retracted", "withdrawn"]
NoticeKind = Literal["retraction", "concern", "correction"]  # the gravest first
NOTICES: tuple[NoticeKind, ...] = get_args(NoticeKind)
_SIGNS = re.compile(r"[\W_]+")
# What readers cannot see of a post.
_UNSEEN = ("file", "body_line", "draft", "date")
# A field that ledgers did not know at first: digests leave it out while it has its default.
_LATER = {"later": True}


@dataclass(frozen=True, slots=True)
class Person:
    """An author."""

    name: str
    url: str = ""
    email: str = ""
    orcid: str = ""

    @property
    def link(self) -> str:
        """The address of the ORCID record, by which programs identify people, else `url`."""
        return f"https://orcid.org/{self.orcid}" if self.orcid else self.url


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes the blog; *ror* and *issn* without their addresses, empty when unknown."""

    name: str = ""
    url: str = ""
    ror: str = ""
    issn: str = ""

    @property
    def link(self) -> str:
        """The address of the record in the Research Organization Registry; empty when unknown."""
        return f"https://ror.org/{self.ror}" if self.ror else ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG below ``feeds/``, with its size in pixels."""

    data: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Image:
    """The picture of a post; sizes are in pixels, 0 when unknown."""

    url: str
    alt: str = ""
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class Notice:
    """What became of a work: *date* is a day, a month or empty, and *doi* that of the notice or empty."""

    kind: NoticeKind
    date: str = ""
    doi: str = ""


@dataclass(frozen=True, slots=True)
class OpenAccess:
    """A copy of a work that is free to read; *version* and *licence* are Unpaywall's words, or empty."""

    url: str
    version: str = ""
    licence: str = ""


def doi_url(doi: str) -> str:
    """The address of a DOI, which may hold any character (DOI Handbook §3.5); empty for an empty one."""
    return doi and "https://doi.org/" + quote(doi, safe="/:;()[]@!$&'*+,=~")


@dataclass(frozen=True, slots=True)
class Citation:
    """A cited work. *text* is the reference as printed; the rest may be empty.

    The *doi* is bare and in lower case, *authors* are ``Family, Given``, and *type* is one of CSL.
    """

    text: str
    doi: str = ""
    url: str = ""
    pmid: str = ""
    title: str = ""
    authors: tuple[str, ...] = ()
    container: str = ""
    year: str = ""
    volume: str = ""
    issue: str = ""
    pages: str = ""
    publisher: str = ""
    type: str = ""
    notice: Notice | None = field(default=None, metadata=_LATER)
    open_access: OpenAccess | None = field(default=None, metadata=_LATER)

    @property
    def link(self) -> str:
        """The address of the work: its DOI's, else the one given, else empty."""
        return doi_url(self.doi) or self.url


@dataclass(frozen=True, slots=True)
class Term:
    """A topic or a research type; *former* holds slugs it was known by."""

    slug: str
    label: str
    description: str = ""
    former: tuple[str, ...] = ()


def normal(name: str) -> str:
    """A label or slug without case and punctuation, so that both are alike."""
    return _SIGNS.sub(" ", name.casefold()).strip()


def by_name(terms: tuple[Term, ...]) -> Mapping[str, int]:
    """The place in *terms* by each normal name; slugs come before labels, and labels before former slugs."""
    slugs = [(term.slug, place) for place, term in enumerate(terms)]
    labels = [(term.label, place) for place, term in enumerate(terms)]
    former = [(slug, place) for place, term in enumerate(terms) for slug in term.former]
    return {normal(name): place for name, place in reversed([*slugs, *labels, *former])}


@dataclass(frozen=True, slots=True)
class Post:
    """One post file, read.

    Attributes:
        file: path relative to the site, with forward slashes.
        id, slug: last parts of the permanent id and of the permalink.
        published, updated: UTC, whole seconds; *updated* is never the earlier one.
        issue: the month that *date* names, in the site's zone: ``2021-12``.
        topics, research: slugs, in the order of ``topics.yaml`` and ``research.yaml``.
        summary: plain text as typed; empty when it is to be taken from the body.
        authors: empty when the site's author wrote it.
        aliases: former paths of the permalink, each beginning with a slash.
        body: CommonMark, with ``\\n`` line ends.
        body_line: the line of the file on which the body begins, from 1.
        date: as written in the file; empty when no file is left.
        doi: the post's own, bare and in lower case.
        language: empty when it is the site's.
    """

    file: str
    id: str
    slug: str
    title: str
    published: datetime
    updated: datetime
    issue: str
    topics: tuple[str, ...]
    research: tuple[str, ...] = ()
    cites: tuple[Citation, ...] = ()
    summary: str = ""
    authors: tuple[Person, ...] = ()
    image: Image | None = None
    aliases: tuple[str, ...] = ()
    draft: bool = False
    status: Status = "published"
    note: str = ""
    body: str = ""
    body_line: int = 1
    date: str = ""
    doi: str = field(default="", metadata=_LATER)
    language: str = field(default="", metadata=_LATER)

    @property
    def year(self) -> int:
        """The year of its archive, which *date* names."""
        return int(self.issue[:4])

    @property
    def notices(self) -> tuple[str, ...]:
        """The notices of its studies, each as its kind and the study, by which it is known again."""
        return tuple(f"{cite.notice.kind} {cite.link or cite.text}" for cite in self.cites if cite.notice)

    def but(self, **changes: object) -> Post:
        """The post with other values; itself when it has them already."""
        changes = {name: value for name, value in changes.items() if getattr(self, name) != value}
        return replace(self, **changes) if changes else self  # type: ignore[arg-type]


class _Utf8:
    """A text stored as UTF-8. With typographic marks a `str` takes twice that: 16 MB more at 10,000 posts."""

    def __init__(self, slot: Any) -> None:
        self._slot = slot

    def __get__(self, post: Post, _: type[Post]) -> str:
        return str(self._slot.__get__(post).decode())

    def __set__(self, post: Post, text: str) -> None:
        self._slot.__set__(post, text.encode())


Post.body = _Utf8(Post.body)  # type: ignore[assignment, misc]  # it wraps the slot


@dataclass(frozen=True, slots=True)
class CacheTimes:
    """How long a response may be cached, in seconds (RFC 9111, RFC 5861)."""

    max_age: int = 900
    stale_while_revalidate: int = 3600
    stale_if_error: int = 604800


@dataclass(frozen=True)
class Site:
    """What ``feeds/`` says of the whole site.

    Attributes:
        base_url: where readers reach us, without a trailing slash.
        tag_root: authority, date and first part of every permanent id (RFC 4151).
        licence: the address of the licence the posts are under, or empty.
        contact: an e-mail address for readers, and for the registries that we ask, or empty.
        newsletter: where people subscribe to the letter, and where they end that; each may be empty.
        entries: how many entries a subscription document holds at least.
        issues: month -> the sentence that announces it.
        accent: the colour of pages, as ``#rrggbb`` in small letters, or empty.
    """

    title: str
    subtitle: str
    short_title: str
    base_url: str
    tag_root: str
    author: Person
    language: str
    time_zone: ZoneInfo
    rights: str = ""
    licence: str = ""
    hubs: tuple[str, ...] = ()
    entries: int = 30
    cache: CacheTimes = field(default_factory=CacheTimes)
    topics: tuple[Term, ...] = ()
    research: tuple[Term, ...] = ()
    issues: Mapping[str, str] = field(default_factory=dict)
    contact: str = field(default="", metadata=_LATER)
    newsletter: tuple[str, str] = field(default=("", ""), metadata=_LATER)
    publisher: Publisher = Publisher()
    icon: Picture | None = None
    logo: Picture | None = None
    accent: str = ""

    @cached_property
    def topic(self) -> Mapping[str, Term]:
        """Topics by slug."""
        return {term.slug: term for term in self.topics}

    @cached_property
    def research_type(self) -> Mapping[str, Term]:
        """Research types by slug."""
        return {term.slug: term for term in self.research}

    @cached_property
    def places(self) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """The places of topics, and of research types, by all their names, as `by_name` gives them."""
        return by_name(self.topics), by_name(self.research)


def digest(value: object, without: Collection[str] = ()) -> str:
    """A short digest of *value*, the same on every machine; its own attributes *without* do not count.

    Values are dataclasses, timestamps, zones, and what JSON knows. Python's own
    `repr` and `hash` would differ between versions and processes.
    """
    if without:
        value = {name: part for name, part in _plain(value).items() if name not in without}
    return hashlib.blake2b(_JSON.encode(value).encode(), digest_size=16).hexdigest()


def appearance(post: Post) -> str:
    """A digest of what readers can see of a post."""
    return digest(post, _UNSEEN)


def _plain(value: Any) -> Any:
    """A value that JSON lacks, as one that it has."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, ZoneInfo):
        return value.key
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, bytes):
        return hashlib.blake2b(value).hexdigest()
    if is_dataclass(value):
        parts = ((each, getattr(value, each.name)) for each in fields(value))
        return {each.name: part for each, part in parts if not each.metadata or part != each.default}
    raise TypeError(f"a {type(value).__name__} has no canonical text")


_JSON = json.JSONEncoder(default=_plain, sort_keys=True, separators=(",", ":"))
