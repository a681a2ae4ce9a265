"""Readers of single YAML values: each gives what was typed, or reports a problem with its fix.

Every reader takes the value, the key it was typed under and the faults of its file. It gives None
after reporting a fault, and never guesses what an editor did not type.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

from pprnet_feeds.content import slugs
from pprnet_feeds.content.problems import Problem, nearest, quoted
from pprnet_feeds.content.text import one_line
from pprnet_feeds.content.yaml import Mapping, Scalar, Sequence, Value

T = TypeVar("T")
Reader = Callable[[Value, str, "Faults"], T | None]
# The values under one of our names, each with the key that was typed.
Typed = dict[str, list[tuple[str, Value]]]

_FLAGS = dict.fromkeys(("true", "yes", "on"), True) | dict.fromkeys(("false", "no", "off"), False)
_EMPTY = frozenset({"", "~", "null"})
_TEXT_LENGTH = 20_000
_LIST_LENGTH = 100
_ADDRESS = re.compile(r"https?://[^\s\"<>\\^`{|}]+", re.IGNORECASE)
# Letters beyond ASCII may be escaped.
_LABEL = r"(?:[\w-]|%[89a-f][0-9a-f]){1,63}"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+")

# RFC 5646 §2.1, without the grandfathered tags.
_LANGUAGE = re.compile(
    r"[a-z]{2,3}(?:-[a-z]{3}){0,3}(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"
    r"(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Faults:
    """The problems of one file, in the order they are found."""

    file: str
    found: list[Problem] = field(default_factory=list)

    def add(self, at: Value | None, what: str, mend: str) -> None:
        """Add one problem at the position of a value, or for the file as a whole."""
        line, column = (at.line, at.column) if at else (0, 0)
        self.found.append(Problem(self.file, line, column, what, mend))


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


def parsed(
    value: Value, name: str, faults: Faults, parse: Callable[[str], T | None], wrong: str, mend: str
) -> T | None:
    """What *parse* makes of one value. None of it is a fault, which says what is *wrong* with the key."""
    typed = scalar(value, name, faults)
    if typed is None:
        return None
    result = parse(typed)
    if result is None:
        faults.add(value, f"`{name}` {wrong}: {quoted(typed)}", mend)
    return result


def text(value: Value, name: str, faults: Faults, most: int = _TEXT_LENGTH) -> str | None:
    """Plain text of one line, as typed, at most *most* characters."""
    typed = scalar(value, name, faults)
    if typed is None:
        return None
    if len(typed) > most:
        faults.add(value, f"`{name}` has {len(typed)} characters; the most is {most}", "Shorten it.")
        return None
    if isinstance(value, Scalar) and value.remark:
        what = f"`{name}` ends before the # on its line: {quoted(typed)}"
        faults.add(value, what, "Put quotation marks around the value, or the comment on a line of its own.")
        return None
    return typed


def flag(value: Value, name: str, faults: Faults) -> bool | None:
    """True or false."""
    mend = f"Write `{name}: true` or leave it out."
    return parsed(
        value, name, faults, lambda typed: _FLAGS.get(typed.lower()), "is neither true nor false", mend
    )


def number(value: Value, name: str, faults: Faults, least: int, most: int) -> int | None:
    """A whole number from *least* to *most*."""

    def parse(typed: str) -> int | None:
        # Nine digits: a longer number is no size, and `int` may refuse it.
        return int(typed) if re.fullmatch(r"[0-9]{1,9}", typed) and least <= int(typed) <= most else None

    wrong = f"is not a number from {least} to {most}"
    return parsed(value, name, faults, parse, wrong, f"Write it like `{name}: {least}`.")


def address(value: Value, name: str, faults: Faults) -> str | None:
    """An absolute http or https address, in ASCII as documents need it (RFC 3986)."""
    mend = "Write it like https://example.org/page."
    return parsed(
        value, name, faults, lambda typed: typed if is_address(typed) else None, "is not a web address", mend
    )


def is_address(typed: str) -> bool:
    """Whether *typed* is an absolute http or https address that any reader can follow."""
    if not (typed.isascii() and len(typed) <= 2_000 and _ADDRESS.fullmatch(typed)):
        return False
    return has_host(typed) and "@" not in urlsplit(typed).netloc


def has_host(address: str) -> bool:
    """Whether an absolute address names a possible host and port (RFC 3986 §3.2, RFC 1035 §2.3.4)."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        # A host with a colon is of IPv6, and `urlsplit` has checked it.
        return parts.port != 0 and len(host) < 254 and (":" in host or _HOST.fullmatch(host) is not None)
    except ValueError:
        return False


def email(value: Value, name: str, faults: Faults) -> str | None:
    """An e-mail address, loosely."""
    mend = "Write it like editor@example.org."
    return parsed(value, name, faults, whole(_EMAIL), "is not an e-mail address", mend)


def language(value: Value, name: str, faults: Faults) -> str | None:
    """A language tag (BCP 47)."""

    def parse(typed: str) -> str | None:
        return typed if len(typed) <= 50 and _LANGUAGE.fullmatch(typed) else None

    mend = "Write it like en or en-CA (BCP 47)."
    return parsed(value, name, faults, parse, "is not a language tag", mend)


def whole(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    """A parser that takes what matches *pattern* from end to end, as it is."""
    return lambda typed: typed if pattern.fullmatch(typed) else None


def slug(value: Value, name: str, faults: Faults) -> str | None:
    """A slug that may be part of our addresses."""
    typed = scalar(value, name, faults)
    if typed is None:
        return None
    if not slugs.is_slug(typed):
        like = slugs.slug_like(typed) or "how-much-psychotherapy"
        faults.add(value, f"`{name}` is not a slug: {quoted(typed)}", f"{slugs.GRAMMAR}, such as {like}.")
        return None
    if typed in slugs.RESERVED:
        what = f"`{name}` is a word of our own addresses: {quoted(typed)}"
        faults.add(value, what, f"Choose another, such as about-{typed}.")
        return None
    return typed


def values(value: Value, name: str, faults: Faults) -> tuple[Value, ...] | None:
    """The values of a list; a single value is a list of one."""
    if not isinstance(value, Sequence):
        return (value,)
    if len(value.items) > _LIST_LENGTH:
        what = f"`{name}` has {len(value.items)} values; the most is {_LIST_LENGTH}"
        faults.add(value, what, "Keep those that matter.")
        return None
    return tuple(item for item in value.items if is_given(item))


def each(value: Value, name: str, faults: Faults, read: Reader[T]) -> tuple[T, ...] | None:
    """Every value of a list, read; None when one of them is faulty."""
    items = values(value, name, faults)
    if items is None:
        return None
    results = [read(item, name, faults) for item in items]
    valid = tuple(result for result in results if result is not None)
    return valid if len(valid) == len(results) else None


def known(mapping: Mapping, names: dict[str, str], faults: Faults) -> Typed:
    """The values of *mapping* by our names for their keys.

    *names* gives our name for every key that is understood. Other keys are
    faults; keys without a value are as good as absent.
    """
    found: Typed = {}
    for typed, (key, value) in mapping.entries.items():
        ours = names.get(typed)
        if ours is None:
            meant = nearest(typed.lower(), names)
            keys = ", ".join(f"`{name}`" for name in dict.fromkeys(names.values()))
            mend = f"Did you mean `{meant}`?" if meant else f"Take it away; the keys are {keys}."
            faults.add(key, f"no key is called {quoted(typed)}", mend)
        elif is_given(value) or ours in ("title", "accent"):
            found.setdefault(ours, []).append((typed, value))
    return found


def one(found: Typed, name: str, faults: Faults, read: Reader[T]) -> T | None:
    """The value under our *name*, whichever key was typed for it; None when it is absent or faulty.

    Two keys that mean the same must have the same value.
    """
    results = [(typed, value, read(value, typed, faults)) for typed, value in found.get(name, ())]
    if not results:
        return None
    first, _, wanted = results[0]
    for typed, value, result in results[1:]:
        if result is not None and wanted is not None and result != wanted:
            what = f"`{typed}` and `{first}` mean the same and say different things"
            faults.add(value, what, f"Keep one of them, best as `{name}`.")
    return wanted
