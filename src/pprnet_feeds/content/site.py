"""What ``feeds/`` says of the whole site, and what the environment says instead.

These files are written once and then believed for years, so a value that
could be published by mistake has no default, and nothing is passed over: any
problem here is for whoever runs the site to mend before it serves.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from collections.abc import Mapping as Environment
from functools import partial
from pathlib import Path

from pprnet_feeds.content import characters, dates, fields, people, sitevalues, vocabulary
from pprnet_feeds.content.fields import Faults, Reader, T
from pprnet_feeds.content.model import Cache, Person, Site
from pprnet_feeds.content.problems import Problem, nearest, quoted, shown
from pprnet_feeds.content.yamlvalues import Mapping, Scalar, Sequence, Value

FILE = "feeds/site.yaml"
# fmt: off
_SETTINGS = (
    "title", "subtitle", "short_title", "base_url", "tag_root", "language", "time_zone", "rights", "licence",
    "hubs", "entries",
)
# fmt: on
_GROUPS = {
    "author": ("name", "url", "email", "orcid"),
    "cache": ("max_age", "stale_while_revalidate", "stale_if_error"),
}
_NAMES = {name: name for name in (*_SETTINGS, *_GROUPS)}
_ALL = [*_SETTINGS, *(f"{group}.{key}" for group, keys in _GROUPS.items() for key in keys)]
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
# Kubernetes tells of each service by such variables, and a service may be called pprnet.
_OF_THE_HOST = re.compile(r"PPRNET_(?:\w+_)?(?:SERVICE_(?:HOST|PORT\w*)|PORT(?:_[0-9]\w*)?)")

_Settings = dict[str, tuple[Value, str]]


def variable(name: str) -> str:
    """The environment variable that sets a key, such as ``PPRNET_AUTHOR_NAME`` for ``author.name``."""
    return "PPRNET_" + name.upper().replace(".", "_")


def read_site(
    folder: Path, environ: Environment[str, str], default_base_url: str = ""
) -> tuple[Site | None, list[Problem]]:
    """Read ``feeds/`` below *folder*; the environment wins over ``site.yaml``.

    *default_base_url* stands where neither names a base URL. A site is given
    whenever posts can be read against it, so that every fault is told in one
    run; whoever publishes must stop at any problem all the same. Without a
    site there is always a problem.
    """
    problems: list[Problem] = []
    settings = _settings(folder, environ, problems)
    topics = vocabulary.read_terms(folder, "feeds/topics.yaml", problems, required=True)
    research = vocabulary.read_terms(folder, "feeds/research.yaml", problems, required=False)
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
        told = len(problems)
        result = get(name, read)
        if not result and len(problems) == told:
            problems.append(_missing(name, settings))
        return result

    seconds = partial(fields.number, least=0, most=_YEAR)
    title = need("title", fields.text)
    tag_root = need("tag_root", sitevalues.read_tag_root)
    author = need("author.name", fields.scalar)
    language = need("language", sitevalues.read_language)
    time_zone = need("time_zone", sitevalues.read_time_zone)
    base_url, given = get("base_url", sitevalues.read_base_url), "base_url" in settings
    others = {name: get(name, fields.text) or "" for name in ("subtitle", "short_title", "rights")}
    person = Person(
        name=author or "",
        url=get("author.url", fields.address) or "",
        email=get("author.email", fields.email) or "",
        orcid=get("author.orcid", people.read_orcid) or "",
    )
    licence = get("licence", fields.address) or ""
    hubs = get("hubs", partial(fields.each, read=fields.address)) or ()
    entries = get("entries", partial(fields.number, least=1, most=1000)) or Site.entries
    ages = {key: get(f"cache.{key}", seconds) for key in _GROUPS["cache"]}
    cache = Cache(**{key: age for key, age in ages.items() if age is not None})
    problems.sort()
    if not (title and tag_root and author and language and time_zone and topics):
        return None, problems
    site = Site(
        title=title,
        subtitle=others["subtitle"],
        short_title=others["short_title"] or title,
        rights=others["rights"],
        base_url=base_url or ("" if given else default_base_url.rstrip("/")),
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
    value = vocabulary.read_feeds_file(folder, FILE, problems, required=True)
    if isinstance(value, Mapping):
        for name, [(_, found)] in fields.known(value, _NAMES, faults).items():
            if name not in _GROUPS:
                settings[name] = (found, FILE)
            elif isinstance(found, Mapping):
                keys = {key: key for key in _GROUPS[name]}
                for key, [(_, inner)] in fields.known(found, keys, faults).items():
                    settings[f"{name}.{key}"] = (inner, FILE)
            else:
                keys_told = ", ".join(f"`{key}`" for key in _GROUPS[name])
                faults.add(found, f"`{name}` is not a group of keys", f"Put {keys_told} below it, indented.")
    elif value is not None:
        faults.add(value, "the settings are not made of keys", "Write lines like `title: …`.")
    problems += faults.found
    variables = {variable(name): name for name in _ALL}
    for file, name in variables.items():
        text = environ.get(file, "")
        typed, lost = characters.clean(text)
        if lost:
            problems.append(characters.dropped(characters.first_forbidden(text)[0], file, 0))
        if typed.strip():
            settings[name] = (_typed(name, typed.strip()), file)
    problems += [_unread(name, variables) for name in environ if _resembles_ours(name, variables)]
    return settings


def _resembles_ours(name: str, variables: Collection[str]) -> bool:
    is_ours = name in variables or name in _OTHERS
    return name.startswith("PPRNET_") and not is_ours and not _OF_THE_HOST.fullmatch(name)


def _unread(name: str, variables: Collection[str]) -> Problem:
    """A variable that nothing reads: half a name of ours, or a mistyped one."""
    meant = [ours for ours in variables if ours.startswith(f"{name}_")]
    if not meant:
        # Without what all begin with, which would make any two alike.
        ends = [ours.removeprefix("PPRNET_") for ours in (*variables, *_OTHERS)]
        meant = [f"PPRNET_{end}" for end in [nearest(name.removeprefix("PPRNET_"), ends)] if end]
    mend = f"Did you mean {' or '.join(meant)}?" if meant else "Take it out of the environment."
    return Problem(shown(name), 0, 0, "no setting is read from this variable", mend)


def _typed(name: str, typed: str) -> Value:
    if name != "hubs":
        return Scalar(typed, 0, 0)
    return Sequence(tuple(Scalar(part.strip(), 0, 0) for part in typed.split(",") if part.strip()), 0, 0)


def _missing(name: str, settings: _Settings) -> Problem:
    """A required key that is not there, or has no value."""
    value, file = settings.get(name, (Scalar("", 0, 0), FILE))
    mend = f"Add it, such as {_REQUIRED[name]}, or set {variable(name)}."
    return Problem(file, value.line, 0, f"`{name}` is missing", mend)


def _issues(folder: Path, problems: list[Problem]) -> dict[str, str]:
    """The sentence of each month."""
    file = "feeds/issues.yaml"
    value = vocabulary.read_feeds_file(folder, file, problems, required=False)
    faults = Faults(file)
    issues: dict[str, str] = {}
    if value is not None and not isinstance(value, Mapping):
        faults.add(value, "the issues are not made of months", "Write lines like `2022-01: This month…`.")
    elif value is not None:
        for key, sentence in value.entries.values():
            if not dates.is_month(key.text):
                faults.add(key, f"this is not a month: {quoted(key.text)}", "Write it like 2022-01.")
            elif typed := fields.text(sentence, key.text, faults):
                issues[key.text] = typed
    problems += faults.found
    return issues
