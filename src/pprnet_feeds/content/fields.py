"""Readers of single YAML values: each returns what was typed, or reports a problem with its fix.

A reader takes the value, the key it was typed under and the faults of its file; a fault is None.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from pprnet_feeds.content import slugs
from pprnet_feeds.content.keys import Key, Table
from pprnet_feeds.content.problems import Problem, nearest, quoted
from pprnet_feeds.content.text import one_line
from pprnet_feeds.content.yaml import Mapping, Scalar, Sequence, Value

T = TypeVar("T")
Reader = Callable[[Value, str, "Faults"], T | None]
# The readers of values by the kind of their key.
Kinds = dict[str, Reader[Any]]
# The values under one of our names, each with the key that was typed.
Typed = dict[str, list[tuple[str, Value]]]

_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_EMPTY = frozenset({"", "~", "null"})
_LIST_LENGTH = 100
_ADDRESS = re.compile(r"https?://[^\s\"<>\\^`{|}]+", re.IGNORECASE)
# Letters beyond ASCII may be escaped.
_LABEL = r"(?:[\w-]|%[89a-f][0-9a-f]){1,63}"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?", re.IGNORECASE)
EMAIL = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+")
# RFC 5646 §2.1, without the grandfathered tags.
_LANGUAGE = re.compile(
    r"(?=.{2,50}\Z)[a-z]{2,3}(?:-[a-z]{3}){0,3}(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?",
    re.IGNORECASE,
)
_ORCID = re.compile(r"(?:https?://orcid\.org/)?((?:[0-9]{4}-){3}[0-9]{3}[0-9X])", re.IGNORECASE)


class Wrong(NamedTuple):
    """What is wrong with a value, and its fix, instead of what it means."""

    what: str
    mend: str


@dataclass(slots=True)
class Faults:
    """The problems of one file, in the order they are found."""

    file: str
    found: list[Problem] = field(default_factory=list)

    def add(self, at: Value | None, what: str, mend: str, *, warning: bool = False) -> None:
        """Add one problem or warning at the position of a value, or for the file as a whole."""
        line, column = (at.line, at.column) if at else (0, 0)
        self.found.append(Problem(self.file, line, column, what, mend, warning))


def is_given(value: Value) -> bool:
    """Whether anything was typed after the key."""
    return not (isinstance(value, Scalar) and value.plain and value.text.lower() in _EMPTY)


def scalar(value: Value, name: str, faults: Faults) -> str | None:
    """One value on one line."""
    if isinstance(value, Scalar):
        return one_line(value.text)
    kind = "a list" if isinstance(value, Sequence) else "a group of keys"
    what = f"`{name}` is {kind} where one value is wanted"
    faults.add(value, what, f"Write plain text there, like `{name}: …`.")
    return None


def reader(parse: Callable[[str, str], T | Wrong]) -> Reader[T]:
    """The reader of one value, of which *parse* makes something; it takes the text and the key."""

    def read(value: Value, name: str, faults: Faults) -> T | None:
        typed = scalar(value, name, faults)
        result = None if typed is None else parse(typed, name)
        if not isinstance(result, Wrong):
            return result
        faults.add(value, *result)
        return None

    return read


def form(parse: Callable[[str], T | None], wrong: str, mend: str) -> Reader[T]:
    """The reader of a value of one form: what *parse* gives None for is *wrong*."""

    def parsed(typed: str, name: str) -> T | Wrong:
        if (result := parse(typed)) is None:
            return Wrong(f"`{name}` {wrong}: {quoted(typed)}", mend.format(name=name))
        return result

    return reader(parsed)


def choice(noun: str, names: tuple[str, ...], others: str) -> Reader[str]:
    """The reader of one of *names*, in any case; *others* is the advice when none of them is near."""

    def parse(typed: str, _: str) -> str | Wrong:
        if typed.lower() in names:
            return typed.lower()
        words = set(re.findall(r"\w+", typed.lower()))  # a journal article is no `article`
        same = (name for name in names if set(name.split("-")) == words)
        meant = next(same, "") or nearest(typed.lower(), names)
        return Wrong(f"no {noun} is called {quoted(typed)}", f"Did you mean `{meant}`?" if meant else others)

    return reader(parse)


def text(value: Value, name: str, faults: Faults, most: int = 20_000) -> str | None:
    """Plain text of one line, as typed, at most *most* characters."""
    typed = scalar(value, name, faults)
    if typed and len(typed) > most:
        faults.add(value, f"`{name}` has {len(typed)} characters; the most is {most}", "Shorten it.")
    elif typed is not None and isinstance(value, Scalar) and value.remark:
        mend = "Put quotation marks around the value, or the comment on a line of its own."
        faults.add(value, f"`{name}` ends before the # on its line: {quoted(typed)}", mend)
    else:
        return typed
    return None


def number(least: int, most: int, like: int) -> Reader[int]:
    """The reader of a whole number from *least* to *most*, such as *like*."""

    def parse(typed: str) -> int | None:
        # Nine digits: a longer number is no size, and `int` may refuse it.
        return int(typed) if re.fullmatch(r"[0-9]{1,9}", typed) and least <= int(typed) <= most else None

    return form(parse, f"is not a number from {least} to {most}", f"Write it like `{{name}}: {like}`.")


def is_address(typed: str) -> bool:
    """Whether *typed* is an absolute http or https address that any reader can follow."""
    is_one = typed.isascii() and len(typed) <= 2_000 and _ADDRESS.fullmatch(typed)
    return bool(is_one) and has_host(typed) and "@" not in urlsplit(typed).netloc


def has_host(address: str) -> bool:
    """Whether an absolute address names a possible host and port (RFC 3986 §3.2, RFC 1035 §2.3.4)."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        # A host with a colon is of IPv6, and `urlsplit` has checked it.
        return parts.port != 0 and len(host) < 254 and (":" in host or _HOST.fullmatch(host) is not None)
    except ValueError:
        return False


def matching(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    """A parser that returns the first group of a match, or the whole match without a group; else None."""
    return lambda typed: match[match.lastindex or 0] if (match := pattern.fullmatch(typed)) else None


def _orcid(typed: str) -> str | None:
    match = _ORCID.fullmatch(typed)
    orcid, total = match[1].upper() if match else "", 0
    for digit in orcid[:-1].replace("-", ""):
        total = (total + int(digit)) * 2
    check = "0123456789X"[(12 - total % 11) % 11]  # ISO 7064, mod 11-2
    return orcid if orcid.endswith(check) else None


def parse_slug(typed: str, name: str) -> str | Wrong:
    """A slug that may be part of our addresses."""
    if not slugs.is_slug(typed):
        like = slugs.slug_like(typed) or "how-much-psychotherapy"
        return Wrong(f"`{name}` is not a slug: {quoted(typed)}", f"{slugs.GRAMMAR}, such as {like}.")
    if typed in slugs.RESERVED:
        what = f"`{name}` is a word of our own addresses: {quoted(typed)}"
        return Wrong(what, f"Choose another, such as about-{typed}.")
    return typed


def parse_address(typed: str, name: str) -> str | Wrong:
    """An absolute http or https address, in ASCII as documents need it (RFC 3986)."""
    if is_address(typed):
        return typed
    return Wrong(f"`{name}` is not a web address: {quoted(typed)}", "Write it like https://example.org/page.")


#: The kinds that posts and settings share.
KINDS: Kinds = {
    "text": text,
    "line": scalar,
    "slug": reader(parse_slug),
    "address": reader(parse_address),
    "email": form(matching(EMAIL), "is not an e-mail address", "Write it like editor@example.org."),
    "orcid": form(_orcid, "is not an ORCID", "Write it like 0000-0002-1825-0097."),
    "language": form(matching(_LANGUAGE), "is not a language tag", "Write it like en or en-CA (BCP 47)."),
    "flag": form(
        lambda typed: _FLAGS.get(typed.lower()),
        "is neither true nor false",
        "Write `{name}: true` or leave it out.",
    ),
}


def values(value: Value) -> tuple[Value, ...]:
    """The values of a list that hold something; a single value is a list of one."""
    return tuple(filter(is_given, value.items)) if isinstance(value, Sequence) else (value,)


def each(value: Value, name: str, faults: Faults, read: Reader[T]) -> tuple[T, ...] | None:
    """Every value of a list, read; None when one is faulty. A single value is a list of one."""
    items = values(value)
    if len(items) > _LIST_LENGTH:
        what = f"`{name}` has {len(items)} values; the most is {_LIST_LENGTH}"
        faults.add(value, what, "Keep those that matter.")
        return None
    results = [read(item, name, faults) for item in items]
    valid = tuple(result for result in results if result is not None)
    return valid if len(valid) == len(items) else None


def known(mapping: Mapping, keys: Table, faults: Faults) -> Typed:
    """The values of *mapping* by our names for their keys.

    A key that is not one of *keys* is a fault; one without a value is as good as absent.
    """
    found: Typed = {}
    for typed, (at, value) in mapping.entries.items():
        key = keys.get(typed)
        if key is None:
            meant = nearest(typed.lower(), keys)
            names = ", ".join(f"`{name}`" for name in dict.fromkeys(key.name for key in keys.values()))
            mend = f"Did you mean `{meant}`?" if meant else f"Take it away; the keys are {names}."
            faults.add(at, f"no key is called {quoted(typed)}", mend)
        elif is_given(value) or key.name in ("title", "accent"):
            found.setdefault(key.name, []).append((typed, value))
    return found


def read(value: Value, typed: str, faults: Faults, key: Key, kinds: Kinds) -> Any:
    """The value of *key*, which was *typed* so; None when it is faulty."""
    reader = kinds[key.kind]
    return each(value, typed, faults, reader) if key.many else reader(value, typed, faults)


def read_all(found: Typed, keys: Table, faults: Faults, kinds: Kinds) -> dict[str, Any]:
    """Every value that was *found*, by our names of the *keys*; None where it is faulty or blank.

    Two keys that mean the same must have the same value.
    """
    results: dict[str, Any] = {}
    for name, values in found.items():
        first = values[0][0]
        for typed, value in values:
            result = read(value, typed, faults, keys[name], kinds)
            wanted = results.setdefault(name, result)
            if result is not None and wanted is not None and result != wanted:
                what = f"`{typed}` and `{first}` mean the same and say different things"
                faults.add(value, what, f"Keep one of them, best as `{name}`.")
    return results


def part(keys: Table, make: Callable[..., T], who: str, mend: str, kinds: Kinds) -> Reader[T]:
    """The reader of what *make* gives for a group of *keys*, or for the value of the first key alone.

    Without the first key the problem begins with *who*, and *mend* is its fix.
    """
    first = next(iter(keys))

    def read(value: Value, name: str, faults: Faults) -> T | None:
        if not isinstance(value, Mapping):
            result = kinds[keys[first].kind](value, name, faults)
            return make(**{first: result}) if result else None
        before = len(faults.found)
        results = read_all(known(value, keys, faults), keys, faults, kinds)
        if results.get(first, "") == "":
            faults.add(value, f"{who.format(name=name)} has no `{first}`", mend)
        given = {key: result for key, result in results.items() if result is not None}
        return make(**given) if len(faults.found) == before else None

    return read
