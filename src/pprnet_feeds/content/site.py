"""Reads ``feeds/``, which describes the whole site, and the environment variables that override it.

These files are written once and then believed for years. So a value that could be published by
mistake has no default, and any problem here must be corrected before the site is served.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from collections.abc import Mapping as Environment
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pprnet_feeds.content import dates, fields, slugs, terms
from pprnet_feeds.content.fields import Faults, Reader, T
from pprnet_feeds.content.model import CacheTimes, Person, Site
from pprnet_feeds.content.post import read_orcid
from pprnet_feeds.content.problems import Problem, nearest, quoted, shown
from pprnet_feeds.content.text import clean, dropped, first_forbidden
from pprnet_feeds.content.yaml import Mapping, Scalar, Sequence, Value

FILE = "feeds/site.yaml"
_GROUPS = {
    "author": ("name", "url", "email", "orcid"),
    "cache": ("max_age", "stale_while_revalidate", "stale_if_error"),
}
# fmt: off
_NAMES = {name: name for name in (
    "title", "subtitle", "short_title", "base_url", "tag_root", "language", "time_zone", "rights", "licence",
    "hubs", "entries", *_GROUPS,
)}
# fmt: on
_ALL = [key for name in _NAMES for key in ([f"{name}.{part}" for part in _GROUPS.get(name, ())] or [name])]
_REQUIRED = {
    "title": "Psychotherapy Practice Research Network",
    "tag_root": "example.org,2013:blog",
    "author.name": "Giorgio A. Tasca",
    "language": "en-CA",
    "time_zone": "America/Toronto",
}
_YEAR = 31_536_000

# What else the program reads; a variable that resembles ours and is none was surely meant to count.
_OTHERS = (
    *("PPRNET_SITE", "PPRNET_ADDRESS", "PPRNET_DRAFTS", "PPRNET_FAST_PATH"),
    *("PPRNET_STATE", "PPRNET_STATS", "PPRNET_DOI_REGISTRY"),
)
# Kubernetes describes each service by such variables, and a service may be called pprnet.
_OF_THE_HOST = re.compile(r"PPRNET_(?:\w+_)?(?:SERVICE_(?:HOST|PORT\w*)|PORT(?:_[0-9]\w*)?)")

# RFC 4151 §2.1: authority, date, and the first part of what is specific. It is part of every
# permanent id, so it is checked in full: what is wrong once would have to stay wrong for ever.
_TAG_ROOT = re.compile(
    r"(?:[a-z0-9._-]+@)?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*,"
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]*[A-Za-z0-9]"
)
# RFC 5646 §2.1, without the grandfathered tags.
_LANGUAGE = re.compile(
    r"[a-z]{2,3}(?:-[a-z]{3}){0,3}(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"
    r"(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?",
    re.IGNORECASE,
)
# Zones have capitals. What else lies in that folder (localtime, posixrules, right/…) depends on the
# machine, and the same posts would give other bytes on the next.
_ZONE = re.compile(r"(?!Factory$)[A-Z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")

_Settings = dict[str, tuple[Value, str]]


def variable(name: str) -> str:
    """The environment variable that sets a key, such as ``PPRNET_AUTHOR_NAME`` for ``author.name``."""
    return "PPRNET_" + name.upper().replace(".", "_")


def read_site(
    folder: Path, environ: Environment[str, str], default_base_url: str = ""
) -> tuple[Site | None, list[Problem]]:
    """Read ``feeds/`` below *folder*; the environment wins over ``site.yaml``.

    *default_base_url* counts where neither names a base URL. A site is given
    whenever posts can be read against it, so that every fault is reported in
    one run; a caller that publishes must stop at any problem all the same.
    Without a site there is always a problem.
    """
    problems: list[Problem] = []
    settings = _settings(folder, environ, problems)
    topics = terms.read_terms(folder, "feeds/topics.yaml", problems, required=True)
    research = terms.read_terms(folder, "feeds/research.yaml", problems, required=False)
    issues = _issues(folder, problems)

    def get(name: str, read: Reader[T]) -> T | None:
        if name not in settings:
            return None
        value, file = settings[name]
        faults = Faults(file)
        result = read(value, name, faults)
        problems.extend(faults.found)
        return result

    def need(name: str, read: Reader[T]) -> T | None:
        before = len(problems)
        result = get(name, read)
        if not result and len(problems) == before:
            value, file = settings.get(name, (Scalar("", 0, 0), FILE))
            mend = f"Add it, such as {_REQUIRED[name]}, or set {variable(name)}."
            problems.append(Problem(file, value.line, 0, f"`{name}` is missing", mend))
        return result

    seconds = partial(fields.number, least=0, most=_YEAR)
    title = need("title", fields.text)
    tag_root = need("tag_root", _read_tag_root)
    author = need("author.name", fields.scalar)
    language = need("language", _read_language)
    time_zone = need("time_zone", _read_time_zone)
    base_url = get("base_url", _read_base_url)
    if base_url is None and "base_url" not in settings:
        base_url = default_base_url.rstrip("/")
    elif tag_root and ".invalid," in tag_root:  # it would be in every permanent id from now on
        value, file = settings["tag_root"]
        what = "`tag_root` is still the one that a new site begins with"
        mend = "Write a domain you hold, the year and a word, like example.org,2026:blog. Then keep it."
        problems.append(Problem(file, value.line, 0, what, mend))
    texts = {name: get(name, fields.text) or "" for name in ("subtitle", "short_title", "rights")}
    person = Person(
        name=author or "",
        url=get("author.url", fields.address) or "",
        email=get("author.email", fields.email) or "",
        orcid=get("author.orcid", read_orcid) or "",
    )
    licence = get("licence", fields.address) or ""
    hubs = get("hubs", partial(fields.each, read=fields.address)) or ()
    entries = get("entries", partial(fields.number, least=1, most=1000)) or Site.entries
    ages = {key: get(f"cache.{key}", seconds) for key in _GROUPS["cache"]}
    cache = CacheTimes(**{key: age for key, age in ages.items() if age is not None})
    problems.sort()
    if not (title and tag_root and author and language and time_zone and topics):
        return None, problems
    site = Site(
        **texts | {"short_title": texts["short_title"] or title},
        title=title,
        base_url=base_url or "",
        tag_root=tag_root,
        author=person,
        language=language,
        time_zone=time_zone,
        licence=licence,
        hubs=tuple(dict.fromkeys(hubs)),
        entries=entries,
        cache=cache,
        topics=topics,
        research=research,
        issues=issues,
    )
    return site, problems


def _settings(folder: Path, environ: Environment[str, str], problems: list[Problem]) -> _Settings:
    """Every value by its dotted name, with the file or variable that it comes from."""
    faults = Faults(FILE)
    settings: _Settings = {}
    value = terms.read_feeds_file(folder, FILE, problems, required=True)
    if isinstance(value, Mapping):
        for name, [(_, found)] in fields.known(value, _NAMES, faults).items():
            if name not in _GROUPS:
                settings[name] = (found, FILE)
            elif isinstance(found, Mapping):
                keys = {key: key for key in _GROUPS[name]}
                for key, [(_, inner)] in fields.known(found, keys, faults).items():
                    settings[f"{name}.{key}"] = (inner, FILE)
            else:
                names = ", ".join(f"`{key}`" for key in _GROUPS[name])
                faults.add(found, f"`{name}` is not a group of keys", f"Put {names} below it, indented.")
    elif value is not None:
        faults.add(value, "the settings are not made of keys", "Write lines like `title: …`.")
    problems += faults.found
    variables = {variable(name): name for name in _ALL}
    for file, name in variables.items():
        text = environ.get(file, "")
        typed, is_dropped = clean(text)
        if is_dropped:
            problems.append(dropped(first_forbidden(text)[0], file, 0))
        if typed := typed.strip():
            parts = tuple(Scalar(part.strip(), 0, 0) for part in typed.split(",") if part.strip())
            settings[name] = (Sequence(parts, 0, 0) if name == "hubs" else Scalar(typed, 0, 0), file)
    for name in environ:
        is_known = name in variables or name in _OTHERS or _OF_THE_HOST.fullmatch(name)
        if name.startswith("PPRNET_") and not is_known:
            problems.append(_unread(name, variables))
    return settings


def _unread(name: str, variables: Collection[str]) -> Problem:
    """A variable that nothing reads: half a name of ours, or a mistyped one."""
    meant = [ours for ours in variables if ours.startswith(f"{name}_")]
    if not meant:
        # Without the common beginning, which would make any two alike.
        ends = [ours.removeprefix("PPRNET_") for ours in (*variables, *_OTHERS)]
        meant = [f"PPRNET_{end}" for end in [nearest(name.removeprefix("PPRNET_"), ends)] if end]
    mend = f"Did you mean {' or '.join(meant)}?" if meant else "Take it out of the environment."
    return Problem(shown(name), 0, 0, "no setting is read from this variable", mend)


def _issues(folder: Path, problems: list[Problem]) -> dict[str, str]:
    """The sentence that announces each month."""
    file = "feeds/issues.yaml"
    value = terms.read_feeds_file(folder, file, problems, required=False)
    faults = Faults(file)
    issues: dict[str, str] = {}
    if isinstance(value, Mapping):
        for key, sentence in value.entries.values():
            if not dates.is_month(key.text):
                faults.add(key, f"this is not a month: {quoted(key.text)}", "Write it like 2022-01.")
            elif typed := fields.text(sentence, key.text, faults):
                issues[key.text] = typed
    elif value is not None:
        faults.add(value, "the issues are not made of months", "Write lines like `2022-01: This month…`.")
    problems += faults.found
    return issues


def _read_base_url(value: Value, name: str, faults: Faults) -> str | None:
    """Where readers reach the site, without a trailing slash."""
    typed = fields.address(value, name, faults)
    if typed is None:
        return None
    if "?" in typed or "#" in typed:
        what = f"`{name}` has a query or a fragment: {quoted(typed)}"
        faults.add(value, what, "Write only where the site begins, like https://example.org/blog.")
        return None
    path = urlsplit(typed).path.rstrip("/")
    if path and not slugs.is_path(path):
        what = f"the path of `{name}` holds more than letters, digits, dots, hyphens, _ and ~: {quoted(path)}"
        faults.add(value, what, "Serve the site below a plain path, like https://example.org/blog.")
        return None
    return typed.rstrip("/")


def _read_tag_root(value: Value, name: str, faults: Faults) -> str | None:
    """The root of permanent ids: authority, date and first part (RFC 4151)."""
    mend = (
        "Write a domain you held, the year you held it, and a word, without `tag:`, "
        "like example.org,2013:blog (RFC 4151)."
    )
    return fields.parsed(value, name, faults, _tag_root, "is not the root of a tag", mend)


def _tag_root(typed: str) -> str | None:
    match = _TAG_ROOT.fullmatch(typed) if len(typed) <= 200 else None
    try:
        day = date(int(match[1]), int(match[2] or 1), int(match[3] or 1)) if match else date.min
    except ValueError:
        return None
    return typed if day.year >= 1985 else None  # the first year with domain names


def _read_language(value: Value, name: str, faults: Faults) -> str | None:
    """A language tag (BCP 47)."""

    def parse(typed: str) -> str | None:
        return typed if len(typed) <= 50 and _LANGUAGE.fullmatch(typed) else None

    mend = "Write it like en or en-CA (BCP 47)."
    return fields.parsed(value, name, faults, parse, "is not a language tag", mend)


def _read_time_zone(value: Value, name: str, faults: Faults) -> ZoneInfo | None:
    """A time zone of the IANA database."""
    typed = fields.scalar(value, name, faults)
    if typed is None:
        return None
    if _ZONE.fullmatch(typed):
        with suppress(ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo(typed)
    faults.add(value, f"no time zone is called {quoted(typed)}", "Write it like America/Toronto.")
    return None
