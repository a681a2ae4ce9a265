"""Small readers of values: what was typed, or a problem that says how to mend it.

Every reader takes the value, the name it was typed under and the faults of
its file. It answers None after telling a fault, and never guesses a value
that an editor did not mean.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

from pprnet_feeds.content import characters, slugs
from pprnet_feeds.content.problems import Problem, nearest, quoted
from pprnet_feeds.content.yamlvalues import Mapping, Scalar, Sequence, Value

T = TypeVar("T")
Reader = Callable[[Value, str, "Faults"], T | None]

_TRUE = frozenset({"true", "yes", "on"})
_FALSE = frozenset({"false", "no", "off"})
_NOTHING = frozenset({"", "~", "null"})
_TEXT_LENGTH = 20_000
_LIST_LENGTH = 100
_ADDRESS = re.compile(r"https?://[^\s\"<>\\^`{|}]+", re.IGNORECASE)
# Letters beyond ASCII may be escaped.
_LABEL = r"(?:[\w-]|%[89a-f][0-9a-f]){1,63}"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+")


@dataclass(slots=True)
class Faults:
    """Gathers the faults of one file, in the order they are met."""

    file: str
    found: list[Problem] = field(default_factory=list)

    def add(self, at: Scalar | Sequence | Mapping | None, what: str, mend: str) -> None:
        """Note one fault at the place of a value, or in the file as a whole."""
        line, column = (at.line, at.column) if at else (0, 0)
        self.found.append(Problem(self.file, line, column, what, mend))


def is_given(value: Value) -> bool:
    """Whether anything was typed: a key may stand there and wait for its value."""
    # The length is the quicker question, and nearly always the answer.
    return not (
        isinstance(value, Scalar) and value.plain and len(value.text) <= 4 and value.text.lower() in _NOTHING
    )


def scalar(value: Value, name: str, faults: Faults) -> str | None:
    """One value on one line."""
    if isinstance(value, Scalar):
        return characters.one_line(value.text)
    kind = "a list" if isinstance(value, Sequence) else "a group of keys"
    what = f"`{name}` is {kind} where one value is wanted"
    faults.add(value, what, f"Write plain text there, like `{name}: …`.")
    return None


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
    typed = scalar(value, name, faults)
    if typed is None:
        return None
    if typed.lower() in _TRUE | _FALSE:
        return typed.lower() in _TRUE
    faults.add(
        value,
        f"`{name}` is neither true nor false: {quoted(typed)}",
        f"Write `{name}: true` or leave it out.",
    )
    return None


def number(value: Value, name: str, faults: Faults, least: int, most: int) -> int | None:
    """A whole number from *least* to *most*."""
    typed = scalar(value, name, faults)
    if typed is None:
        return None
    # Nine digits: a longer number is no size, and `int` may refuse it.
    if re.fullmatch(r"[0-9]{1,9}", typed) and least <= int(typed) <= most:
        return int(typed)
    faults.add(
        value,
        f"`{name}` is not a number from {least} to {most}: {quoted(typed)}",
        f"Write it like `{name}: {least}`.",
    )
    return None


def address(value: Value, name: str, faults: Faults) -> str | None:
    """An absolute http or https address, in ASCII as documents need it (RFC 3986)."""
    typed = scalar(value, name, faults)
    if typed is None:
        return None
    if not is_address(typed):
        faults.add(
            value,
            f"`{name}` is not a web address: {quoted(typed)}",
            "Write it like https://example.org/page.",
        )
        return None
    return typed


def is_address(typed: str) -> bool:
    """Whether *typed* is an absolute http or https address that any reader can follow."""
    if not (typed.isascii() and len(typed) <= 2_000 and _ADDRESS.fullmatch(typed)):
        return False
    return has_host(typed) and "@" not in urlsplit(typed).netloc


def has_host(address: str) -> bool:
    """Whether an absolute address names a host and port that can be (RFC 3986 §3.2, RFC 1035 §2.3.4)."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        # A host with a colon is of IPv6, and was read as that.
        return parts.port != 0 and len(host) < 254 and (":" in host or _HOST.fullmatch(host) is not None)
    except ValueError:
        return False


def email(value: Value, name: str, faults: Faults) -> str | None:
    """An e-mail address, loosely."""
    typed = scalar(value, name, faults)
    if typed is None or _EMAIL.fullmatch(typed):
        return typed
    faults.add(
        value, f"`{name}` is not an e-mail address: {quoted(typed)}", "Write it like editor@example.org."
    )
    return None


def slug(value: Value, name: str, faults: Faults) -> str | None:
    """A slug that may stand in our addresses."""
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
    """The values of a list; a value that stands alone is a list of one."""
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
    sound = tuple(result for result in results if result is not None)
    return sound if len(sound) == len(results) else None


def known(mapping: Mapping, names: dict[str, str], faults: Faults) -> dict[str, list[tuple[str, Value]]]:
    """The values of *mapping* by our names for their keys, each with the key as typed.

    *names* gives our name for every key that is understood. Other keys are
    faults; keys without a value are as good as absent.
    """
    found: dict[str, list[tuple[str, Value]]] = {}
    for typed, (key, value) in mapping.entries.items():
        ours = names.get(typed)
        if ours is None:
            unknown(key, names, faults)
        elif is_given(value) or ours == "title":
            found.setdefault(ours, []).append((typed, value))
    return found


def unknown(key: Scalar, names: dict[str, str], faults: Faults) -> None:
    """Tell of a key that nobody here understands."""
    meant = nearest(key.text.lower(), names)
    mend = f"Did you mean `{meant}`?" if meant else "Take it away; the keys are " + _told(names) + "."
    faults.add(key, f"no key is called {quoted(key.text)}", mend)


def _told(names: dict[str, str]) -> str:
    return ", ".join(f"`{name}`" for name in dict.fromkeys(names.values()))


def one(found: dict[str, list[tuple[str, Value]]], name: str, faults: Faults, read: Reader[T]) -> T | None:
    """The value under our *name*, whichever word was typed for it.

    Two words that mean the same must say the same; otherwise nobody can know
    which of them is meant. None when it is absent or faulty.
    """
    given = found.get(name)
    if not given:
        return None
    if len(given) == 1:
        [(typed, value)] = given
        return read(value, typed, faults)
    results = [(typed, value, read(value, typed, faults)) for typed, value in given]
    first, _, wanted = results[0]
    for typed, value, result in results[1:]:
        if result is not None and wanted is not None and result != wanted:
            what = f"`{typed}` and `{first}` mean the same and say different things"
            faults.add(value, what, f"Keep one of them, best as `{name}`.")
    return wanted
