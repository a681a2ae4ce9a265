"""Reads ``feeds/``, which describes the whole site, and the environment variables that override it.

A value that could be published by mistake has no default, and any problem stops a site.
"""

import re
import shlex
import struct
from collections.abc import Callable
from collections.abc import Mapping as Environment
from contextlib import suppress
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pprnet_feeds.content import dates, fields, files, keys, slugs, terms
from pprnet_feeds.content.fields import Faults, Wrong, form, matching, reader
from pprnet_feeds.content.model import CacheTimes, Person, Picture, Publisher, Site
from pprnet_feeds.content.problems import Problem, nearest, quoted, shown
from pprnet_feeds.content.text import clean_with_problems
from pprnet_feeds.content.yaml import Mapping, Scalar, Sequence, Value

FILE = "feeds/site.yaml"
# Every key by its whole name, such as `author.name`.
_KEYS = {
    name if name == whole else f"{whole}.{name}": key
    for whole, outer in keys.SITE.items()
    for name, key in keys.GROUPS.get(whole, {whole: outer}).items()
    if name == key.name
}
_REQUIRED = [name for name, key in _KEYS.items() if key.default == keys.REQUIRED]
# The other variables that the program reads. One that resembles ours and is not read is a mistake.
_OTHERS = (
    *("PPRNET_STATE", "PPRNET_STATS", "PPRNET_FAST_PATH"),
    *("PPRNET_DOI_REGISTRY", "PPRNET_CROSSREF_URL", "PPRNET_UNPAYWALL_URL"),
)
# Kubernetes describes each service by such variables, and a service may be called pprnet.
_OF_THE_HOST = re.compile(r"PPRNET_(?:\w+_)?(?:SERVICE_(?:HOST|PORT\w*)|PORT(?:_[0-9]\w*)?)")
# RFC 4151 §2.1: authority, date, and the first part of what is specific. It is in every permanent id.
_TAG_ROOT = re.compile(
    r"(?:[a-z0-9._-]+@)?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*,"
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]*[A-Za-z0-9]"
)
# Zones have capitals. What else lies in that folder (localtime, posixrules, right/…) differs by machine.
_ZONE = re.compile(r"(?!Factory$)[A-Z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")
_ROR = re.compile(r"(?:https?://)?(?:ror\.org/)?(0[a-hjkmnp-tv-z0-9]{6})([0-9]{2})")
_ROR_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_ISSN = re.compile(r"([0-9]{4})-?([0-9]{3})([0-9X])")
_COLOUR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
_PICTURE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\.png", re.IGNORECASE)
_PIXELS = (16, 2048)
_GROUPS: dict[str, Callable[..., Any]] = {
    "author": Person,
    "publisher": Publisher,
    "cache": CacheTimes,
    "newsletter": lambda url="", unsubscribe="": (url, unsubscribe),
}
_Settings = dict[str, tuple[Value, str]]


def variable(name: str) -> str:
    """The environment variable that sets a key, such as ``PPRNET_AUTHOR_NAME`` for ``author.name``."""
    return "PPRNET_" + name.upper().replace(".", "_")


def read_site(
    folder: Path, environ: Environment[str, str], default_base_url: str = ""
) -> tuple[Site | None, list[Problem]]:
    """Read ``feeds/`` below *folder*; the environment wins over ``site.yaml``.

    *default_base_url* counts where neither names a base URL. A site is given whenever posts can be read
    against it, so that every fault is reported in one run, and always when there is no problem.
    """
    problems: list[Problem] = []
    if not any((folder / name).exists() for name in ("posts", "feeds")):
        what = "there is no site here: this folder has neither posts/ nor feeds/"
        fix = "Go to the folder that has them, name it with --site, or begin one: pprnet-feeds init DIR"
        problems.append(Problem(".", 0, 0, what, fix))
    settings = _settings(folder, environ, problems)
    # Where nothing could be read, every key is missing.
    is_read = not problems or any(file == FILE for _, file in settings.values())
    topics = terms.read_terms(folder, "feeds/topics.yaml", problems, required=True)
    research = terms.read_terms(folder, "feeds/research.yaml", problems)
    issues = _issues(folder, problems)
    values: dict[str, Any] = {}
    groups: dict[str, dict[str, Any]] = {group: {} for group in ("", *keys.GROUPS)}
    kinds = _KINDS | {"png": reader(partial(_picture, folder=folder))}
    for name, key in _KEYS.items():
        value, file = settings.get(name, (Scalar("", 0, 0), FILE))
        faults = Faults(file, problems)
        before = len(problems)
        if name in settings:
            values[name] = fields.read(value, name, faults, key, kinds)
        if is_read and name in _REQUIRED and not values.get(name) and len(problems) == before:
            mend = f"Add it, such as {key.example}, or set {variable(name)}."
            problems.append(Problem(file, value.line, 0, f"`{name}` is missing", mend))
        if file != FILE:
            example = key.example.strip('[]"')
            fix = f"Set it like {file}={shlex.quote(example)}."
            problems[before:] = [replace(fault, mend=fix) for fault in problems[before:]]
        if values.get(name) is not None:
            group, _, part = name.rpartition(".")
            groups[group][part] = values[name]
    # Where readers reach the site, the tag root is part of every permanent id from now on.
    host = urlsplit(values.get("base_url") or "").hostname
    is_reached = host not in (None, "127.0.0.1", "localhost", "::1")
    if is_reached and ".invalid," in (values.get("tag_root") or ""):
        value, file = settings["tag_root"]
        what = "`tag_root` is still the one that a new site begins with"
        mend = "Write a domain you hold, the year and a word, like example.org,2026:blog. Then keep it."
        problems.append(Problem(file, value.line, 0, what, mend))
    problems.sort()
    if not (topics and all(map(values.get, _REQUIRED))):
        return None, problems
    own = groups[""]
    made = {
        "subtitle": own.get("subtitle", ""),
        "short_title": own.get("short_title") or own["title"],
        "base_url": values.get("base_url", default_base_url.rstrip("/")) or "",
        "hubs": tuple(dict.fromkeys(own.get("hubs", ()))),
        **{group: make(**groups[group]) for group, make in _GROUPS.items()},
    }
    return Site(**own | made, topics=topics, research=research, issues=issues), problems


def _settings(folder: Path, environ: Environment[str, str], problems: list[Problem]) -> _Settings:
    """Every value by its dotted name, with the file or variable that it comes from."""
    faults = Faults(FILE, problems)
    settings: _Settings = {}
    wrong = Wrong("the settings are not made of keys", "Write lines like `title: …`.")
    file = terms.read_feeds_file(folder, faults, Mapping, wrong, required=True)
    for name, [(_, value)] in fields.known(file, keys.SITE, faults).items() if file else ():
        group = {part: key for part, key in keys.GROUPS.get(name, {}).items() if part == key.name}
        if not group:
            settings[name] = (value, FILE)
        elif isinstance(value, Mapping):
            for part, [(_, inner)] in fields.known(value, group, faults).items():
                settings[f"{name}.{part}"] = (inner, FILE)
        else:
            names = ", ".join(f"`{part}`" for part in group)
            faults.add(value, f"`{name}` is not a group of keys", f"Put {names} below it, indented.")
    for name, key in _KEYS.items():
        typed, notices = clean_with_problems(environ.get(variable(name), ""), variable(name), 0)
        problems += notices
        if typed := typed.strip():
            parts = tuple(Scalar(part.strip(), 0, 0) for part in typed.split(",") if part.strip())
            settings[name] = (Sequence(parts, 0, 0) if key.many else Scalar(typed, 0, 0), variable(name))
    read = {*map(variable, _KEYS), *_OTHERS}
    for name in environ:
        if name.startswith("PPRNET_") and name not in read and not _OF_THE_HOST.fullmatch(name):
            problems.append(_unread(name))
    return settings


def _unread(name: str) -> Problem:
    """A variable that nothing reads: half a name of ours, or a mistyped one."""
    variables = list(map(variable, _KEYS))
    # Without the common beginning, which would make any two alike.
    ends = [ours.removeprefix("PPRNET_") for ours in (*variables, *_OTHERS)]
    end = nearest(name.removeprefix("PPRNET_"), ends)
    meant = [ours for ours in variables if ours.startswith(f"{name}_")] or [f"PPRNET_{end}"] * bool(end)
    mend = f"Did you mean {' or '.join(meant)}?" if meant else "Take it out of the environment."
    return Problem(shown(name), 0, 0, "no setting is read from this variable", mend)


def _issues(folder: Path, problems: list[Problem]) -> dict[str, str]:
    """The sentence that announces each month."""
    faults = Faults("feeds/issues.yaml", problems)
    wrong = Wrong("the issues are not made of months", "Write lines like `2022-01: This month…`.")
    months = terms.read_feeds_file(folder, faults, Mapping, wrong)
    issues: dict[str, str] = {}
    for key, sentence in months.entries.values() if months else ():
        if not dates.is_month(key.text):
            faults.add(key, f"this is not a month: {quoted(key.text)}", "Write it like 2022-01.")
        elif typed := fields.text(sentence, key.text, faults):
            issues[key.text] = typed
    return issues


def _base_url(typed: str, name: str) -> str | Wrong:
    """Where readers reach the site, without a trailing slash."""
    if isinstance(fault := fields.parse_address(typed, name), Wrong):
        return fault
    if "?" in typed or "#" in typed:
        what = f"`{name}` has a query or a fragment: {quoted(typed)}"
        return Wrong(what, "Write only where the site begins, like https://example.org/blog.")
    path = urlsplit(typed).path.rstrip("/")
    if path and not slugs.is_path(path):
        what = f"the path of `{name}` holds more than letters, digits, dots, hyphens, _ and ~: {quoted(path)}"
        return Wrong(what, "Serve the site below a plain path, like https://example.org/blog.")
    return typed.rstrip("/")


def _unsubscribe(typed: str, name: str) -> str | Wrong:
    """Where people end their subscription: a web address, or ``mailto:`` (RFC 2369 §2)."""
    is_mail = typed.startswith("mailto:") and fields.EMAIL.fullmatch(typed)
    return typed if is_mail else fields.parse_address(typed, name)


def _tag_root(typed: str) -> str | None:
    match = _TAG_ROOT.fullmatch(typed) if len(typed) <= 200 else None
    try:
        day = date(int(match[1]), int(match[2] or 1), int(match[3] or 1)) if match else date.min
    except ValueError:
        return None
    return typed if day.year >= 1985 else None  # the first year with domain names


def _time_zone(typed: str, _: str) -> ZoneInfo | Wrong:
    """A time zone of the IANA database."""
    if _ZONE.fullmatch(typed):
        with suppress(ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo(typed)
    return Wrong(f"no time zone is called {quoted(typed)}", "Write it like America/Toronto.")


def _ror(typed: str) -> str | None:
    """An identifier of the Research Organization Registry, without its address."""
    if not (match := _ROR.fullmatch(typed.lower())):
        return None
    number = 0
    for digit in match[1]:
        number = number * 32 + _ROR_DIGITS.index(digit)
    check = 98 - number * 100 % 97  # ISO 7064, mod 97-10
    return match[1] + match[2] if int(match[2]) == check else None


def _issn(typed: str) -> str | None:
    if not (match := _ISSN.fullmatch(typed.upper())):
        return None
    total = sum(int(digit) * (8 - place) for place, digit in enumerate(match[1] + match[2]))
    check = "0123456789X"[-total % 11]  # ISO 3297, annex B
    return f"{match[1]}-{match[2]}{check}" if match[3] == check else None


def _accent(value: Value, name: str, faults: Faults) -> str | None:
    """A colour. Without quotation marks YAML takes it for a comment, and the key seems to be empty."""
    if not fields.is_given(value) and not (isinstance(value, Scalar) and value.remark):
        return None
    mend = 'Write it in quotation marks, like "#0b5f6f".'
    typed = form(matching(_COLOUR), "is not a colour", mend)(value, name, faults)
    return typed and typed.lower()


def _picture(typed: str, name: str, folder: Path) -> Picture | Wrong:
    """A PNG below ``feeds/``, by the name of its file; an icon is square."""
    mend = f"Save a PNG of 512 by 512 pixels below feeds/ and write its name, like `{name}: {name}.png`."
    if not _PICTURE_NAME.fullmatch(typed):
        return Wrong(f"`{name}` is not the name of a PNG file: {quoted(typed)}", mend)
    found = files.read_bytes(str(folder / "feeds" / typed), f"feeds/{typed}", limit=524_288)
    if isinstance(found, Problem):
        return Wrong(f"`{name}` cannot be read: {found.what}", mend)
    data = found[0]
    begins = data.startswith(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    if not (begins and len(data) >= 45 and b"IEND" in data[-12:]):
        return Wrong(f"`{name}` is not a whole PNG: {quoted(typed)}", mend)
    width, height = struct.unpack(">II", data[16:24])
    if name == "icon" and width != height:
        return Wrong(f"`{name}` is not square: {width} by {height} pixels", mend)
    if not _PIXELS[0] <= min(width, height) <= max(width, height) <= _PIXELS[1]:
        what = f"`{name}` is {width} by {height} pixels; each side must have {_PIXELS[0]} to {_PIXELS[1]}"
        return Wrong(what, mend)
    return Picture(data, width, height)


_KINDS: fields.Kinds = fields.KINDS | {
    "ror": form(_ror, "is no identifier of ROR", "Copy it from ror.org, like https://ror.org/03c4mmv16."),
    "issn": form(_issn, "is not an ISSN", "Write it like 2049-3630."),
    "colour": _accent,
    "base url": reader(_base_url),
    "tag root": form(
        _tag_root,
        "is not the root of a tag",
        "Write a domain you held, the year you held it, and a word, without `tag:`, "
        "like example.org,2013:blog (RFC 4151).",
    ),
    "time zone": reader(_time_zone),
    "unsubscribe": reader(_unsubscribe),
    "entries": fields.number(1, 1000, 30),
    "seconds": fields.number(0, 31_536_000, 900),
}
