"""What ``feeds/`` says of the whole site, and what the environment says instead.

These files are written once and then believed for years, so a value that
could be published by mistake has no default, and nothing is passed over: any
problem here is for whoever runs the site to mend before it serves.
"""

from __future__ import annotations

from collections.abc import Mapping as Environment
from functools import partial
from pathlib import Path

from pprnet_feeds.content import dates, fields, sitevalues, vocabulary
from pprnet_feeds.content.fields import Faults, Reader, T
from pprnet_feeds.content.frontmatter import Mapping, Scalar, Sequence, Value
from pprnet_feeds.content.model import Cache, Person, Site
from pprnet_feeds.content.problems import Problem, quoted

FILE = "feeds/site.yaml"
# fmt: off
_SETTINGS = (
    "title", "subtitle", "short_title", "base_url", "tag_root", "language", "time_zone", "rights", "licence",
    "hubs", "entries",
)
# fmt: on
_GROUPS = {
    "author": ("name", "url", "email"),
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

_Settings = dict[str, tuple[Value, Faults]]


def variable(name: str) -> str:
    """The environment variable that sets a key, such as ``PPRNET_AUTHOR_NAME`` for ``author.name``."""
    return "PPRNET_" + name.upper().replace(".", "_")


def read_site(
    folder: Path, environ: Environment[str, str], default_base_url: str = ""
) -> tuple[Site | None, list[Problem]]:
    """Read ``feeds/`` below *folder*; the environment wins over ``site.yaml``.

    *default_base_url* stands where neither names a base URL. A site is given
    whenever posts can be read against it, so that every fault is told in one
    run; whoever publishes must stop at any problem all the same.
    """
    problems: list[Problem] = []
    settings = _settings(folder, environ, problems)
    topics = vocabulary.read_terms(folder, "feeds/topics.yaml", problems, required=True)
    research = vocabulary.read_terms(folder, "feeds/research.yaml", problems, required=False)
    issues = _issues(folder, problems)

    def get(name: str, read: Reader[T]) -> T | None:
        value, faults = settings.get(name, (None, None))
        if value is None or faults is None:
            return None
        before = len(faults.found)
        result = read(value, name, faults)
        problems.extend(faults.found[before:])
        return result

    seconds = partial(fields.number, least=0, most=_YEAR)
    title = get("title", fields.text)
    tag_root = get("tag_root", sitevalues.read_tag_root)
    author = get("author.name", fields.scalar)
    language = get("language", sitevalues.read_language)
    time_zone = get("time_zone", sitevalues.read_time_zone)
    base_url, given = get("base_url", sitevalues.read_base_url), "base_url" in settings
    others = {name: get(name, fields.text) or "" for name in ("subtitle", "short_title", "rights")}
    person = Person(
        author or "", get("author.url", fields.address) or "", get("author.email", fields.email) or ""
    )
    licence = get("licence", fields.address) or ""
    hubs = get("hubs", partial(fields.each, read=fields.address)) or ()
    entries = get("entries", partial(fields.number, least=1, most=1000)) or Site.entries
    ages = {key: get(f"cache.{key}", seconds) for key in _GROUPS["cache"]}
    cache = Cache(**{key: age for key, age in ages.items() if age is not None})
    problems += _missing(settings)
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
        for name, ((_, found),) in _known(value, _NAMES, faults):
            if name not in _GROUPS:
                settings[name] = (found, faults)
            elif isinstance(found, Mapping):
                keys = {key: key for key in _GROUPS[name]}
                for key, ((_, inner),) in _known(found, keys, faults):
                    settings[f"{name}.{key}"] = (inner, faults)
            else:
                keys_told = ", ".join(f"`{key}`" for key in _GROUPS[name])
                faults.add(found, f"`{name}` is not a group of keys", f"Put {keys_told} below it, indented.")
    elif value is not None:
        faults.add(value, "the settings are not made of keys", "Write lines like `title: …`.")
    problems += faults.found
    for name in _ALL:
        if typed := environ.get(variable(name), "").strip():
            settings[name] = (_typed(name, typed), Faults(variable(name)))
    return settings


def _known(
    mapping: Mapping, names: dict[str, str], faults: Faults
) -> list[tuple[str, list[tuple[str, Value]]]]:
    return list(fields.known(mapping, names, faults).items())


def _typed(name: str, typed: str) -> Value:
    if name != "hubs":
        return Scalar(typed, 0, 0)
    return Sequence(tuple(Scalar(part.strip(), 0, 0) for part in typed.split(",") if part.strip()), 0, 0)


def _missing(settings: _Settings) -> list[Problem]:
    return [
        Problem(FILE, 0, 0, f"`{name}` is missing", f"Add it, such as {example}, or set {variable(name)}.")
        for name, example in _REQUIRED.items()
        if name not in settings
    ]


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
