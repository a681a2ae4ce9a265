"""YAML with the position of every key and value, and the front matter of post files.

YAML is read event by event, so nothing in a file can construct an object, grow without bound or
change type: a scalar is the text that was typed. Aliases, anchors, merge keys and tags are errors,
since no post needs them. The only module that knows PyYAML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from yaml import events

from pprnet_feeds.content import yaml_errors
from pprnet_feeds.content.pasted import repaired_header
from pprnet_feeds.content.problems import Problem, quoted
from pprnet_feeds.content.text import clean, clean_with_problems, dropped, first_forbidden, join_escapes

_HEADER_LIMIT = 65_536
_YAML_LIMIT = 1_048_576
_DEPTH_LIMIT = 10
_ITEMS_LIMIT = 2_000

_OPENING = re.compile(r"---[ \t]*\n")
_CLOSING = re.compile(r"\n---[ \t]*$", re.MULTILINE)  # a search for fixed letters is quicker than one for `^`
_COMMENT = re.compile(r"[ \t]+#")


# Not frozen: dozens are made for each post, and frozen ones would take a fifth of all reading.
@dataclass(slots=True)
class Scalar:
    """One value as it was typed; *plain* when it has no quotation marks.

    *remark* says that a comment follows a plain value: `#` after a space ends
    a value, which nobody meant who typed `The #1 reason`.
    """

    text: str
    line: int
    column: int
    plain: bool = False
    remark: bool = False


@dataclass(slots=True)
class Sequence:
    """Values one after another."""

    items: tuple[Value, ...]
    line: int
    column: int


@dataclass(slots=True)
class Mapping:
    """Values by key, in the order of the file; every key knows its position."""

    entries: dict[str, tuple[Scalar, Value]]
    line: int
    column: int


Value = Scalar | Sequence | Mapping


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """A post file divided into header and body.

    Attributes:
        header: None when it could not be read at all.
        body: with line feeds at its line ends; empty when nothing says where it begins.
        body_line: the line of the file on which the body begins, from 1.
        problems: those that keep the post out.
        notices: faults that were corrected, and are only reported.
    """

    header: Mapping | None
    body: str
    body_line: int
    problems: tuple[Problem, ...]
    notices: tuple[Problem, ...]


def read_front_matter(text: str, file: str) -> FrontMatter:
    """Divide a post file: YAML between two lines of `---`, then the body."""
    text, notices = clean_with_problems(repaired_header(text), file)
    unmerged = yaml_errors.unmerged(file, text) if "<<<<<<< " in text else None
    if unmerged:
        return FrontMatter(None, "", 1, (unmerged,), notices)
    opening = _OPENING.match(text)
    closing = _CLOSING.search(text, opening.end() - 1) if opening else None
    if opening is None or closing is None:
        return FrontMatter(None, "", 1, (yaml_errors.unopened(file, text, opening is not None),), notices)
    body = text[closing.end() + 1 :]
    body_line = text.count("\n", 0, closing.end()) + 2
    composer = _Composer(text[opening.end() : closing.start() + 1], file, 2)
    value = composer.document(_HEADER_LIMIT)
    if value is None and not composer.problems:
        value = Mapping({}, 1, 1)
    if value is not None and not isinstance(value, Mapping):
        composer.problems.append(yaml_errors.not_a_mapping(file, value.line))
        value = None
    return FrontMatter(value, body, body_line, tuple(composer.problems), (*notices, *composer.notices))


def read_yaml(text: str, file: str) -> tuple[Value | None, list[Problem]]:
    """Read a whole YAML file; None when it is empty or cannot be read."""
    text, notices = clean_with_problems(text, file)
    composer = _Composer(text, file, 1)
    value = composer.document(_YAML_LIMIT)
    return value, [*notices, *composer.notices, *composer.problems]


class _TooLargeError(Exception):
    """The nesting, a list or a mapping has no end."""


class _Composer:
    """Makes the events of one YAML document into values with positions."""

    def __init__(self, source: str, file: str, first_line: int) -> None:
        self.problems: list[Problem] = []
        self.notices: list[Problem] = []
        self._file = file
        self._first_line = first_line
        source = source.replace("\u2028", " ").replace("\u2029", " ")  # only YAML takes them for line ends
        if "\\u" in source:
            source, halves = join_escapes(source)
            if halves:
                self.notices.append(dropped("half an emoji", file, first_line))
        self._source = source
        self._has_remarks = " #" in source or "\t#" in source
        self._events: Iterator[Any] = iter(())

    def document(self, limit: int) -> Value | None:
        """The one value; None with or without a problem."""
        if len(self._source) > limit:
            what = f"{len(self._source)} characters where at most {limit} can be read"
            self._add(self._first_line, 0, what, "Move the long text into the body.")
            return None
        self._events = yaml.parse(self._source, Loader=yaml.CBaseLoader)
        try:
            next(self._events)
            if isinstance(next(self._events), events.StreamEndEvent):
                return None
            value = self._value(next(self._events), 1)
            for _ in self._events:
                pass
        except _TooLargeError:
            return None
        except yaml.MarkedYAMLError as error:
            at, since = (
                (mark.line, mark.column) if mark else (0, 0)
                for mark in (error.problem_mark, error.context_mark)
            )
            self.problems.append(
                yaml_errors.not_yaml(
                    self._file,
                    self._first_line,
                    self._source.split("\n"),
                    error.problem or "",
                    error.context or "",
                    at,
                    since,
                )
            )
            return None
        except yaml.YAMLError as error:
            self._add(self._first_line, 0, f"this is not YAML: {error}", yaml_errors.MEND)
            return None
        return value

    def _value(self, event: Any, depth: int) -> Value:
        line, column = event.start_mark.line + self._first_line, event.start_mark.column + 1
        if isinstance(event, events.AliasEvent):
            self._add(line, column, f"a reference to another value: {quoted(f'*{event.anchor}')}")
            return Scalar("", line, column)
        if event.anchor is not None:
            self._add(line, column, f"a name for a value: {quoted('&' + event.anchor)}")
        if event.tag is not None:
            self._add(line, column, f"a tag, which says what type a value has: {quoted(event.tag)}")
        if isinstance(event, events.ScalarEvent):
            return self._scalar(event, line, column)
        if depth > _DEPTH_LIMIT:
            self._too_large(line, column, f"lists or keys more than {_DEPTH_LIMIT} deep")
        if isinstance(event, events.SequenceStartEvent):
            return self._sequence(depth, line, column)
        return self._mapping(depth, line, column)

    def _scalar(self, event: Any, line: int, column: int) -> Scalar:
        text: str = event.value
        if event.style == '"':  # an escape can bring in what the file itself may not hold
            text, is_dropped = clean(text)
            if is_dropped:
                self.notices.append(dropped(first_forbidden(event.value)[0], self._file, line))
        plain = not event.style
        remark = plain and self._has_remarks and _COMMENT.match(self._source, event.end_mark.index)
        return Scalar(text, line, column, plain, bool(remark))

    def _sequence(self, depth: int, line: int, column: int) -> Sequence:
        items: list[Value] = []
        while not isinstance(event := next(self._events), events.SequenceEndEvent):
            items.append(self._value(event, depth + 1))
            if len(items) > _ITEMS_LIMIT:
                self._too_large(line, column, f"a list of more than {_ITEMS_LIMIT} values")
        return Sequence(tuple(items), line, column)

    def _mapping(self, depth: int, line: int, column: int) -> Mapping:
        entries: dict[str, tuple[Scalar, Value]] = {}
        while not isinstance(event := next(self._events), events.MappingEndEvent):
            key, value = self._value(event, depth + 1), self._value(next(self._events), depth + 1)
            if not isinstance(key, Scalar):
                self._add(key.line, key.column, "a key that is not a word", yaml_errors.MEND)
            elif key.plain and key.text == "<<":
                self._add(key.line, key.column, "a merge key: '<<'")
            elif key.text in entries:
                first = entries[key.text][0].line
                self.problems.append(yaml_errors.twice(self._file, key.line, key.column, key.text, first))
            else:
                entries[key.text] = (key, value)
            if len(entries) + len(self.problems) > _ITEMS_LIMIT:
                self._too_large(line, column, f"more than {_ITEMS_LIMIT} keys")
        return Mapping(entries, line, column)

    def _add(self, line: int, column: int, what: str, mend: str = yaml_errors.PLAIN) -> None:
        self.problems.append(Problem(self._file, line, column, what, mend))

    def _too_large(self, line: int, column: int, what: str) -> None:
        self._add(line, column, what, yaml_errors.FLAT)
        raise _TooLargeError
