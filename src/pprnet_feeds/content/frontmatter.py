"""YAML with the place of every key and value, and front matter in it.

YAML is read event by event, so that nothing in a file can construct an
object, grow without bound or change type: a scalar is the text that was
typed, and only whoever knows the key says what it means. Aliases, anchors,
merge keys and tags are refused, since no post needs them.

This is the only module that knows the YAML library.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from yaml import MarkedYAMLError, YAMLError, events
from yaml._yaml import CParser
from yaml._yaml import Mark as CMark
from yaml.error import Mark

from pprnet_feeds.content import characters, yamlhints
from pprnet_feeds.content.problems import Problem, quoted
from pprnet_feeds.content.yamlvalues import Mapping, Scalar, Sequence, Value

_HEADER_LIMIT = 65_536
_YAML_LIMIT = 1_048_576
_DEPTH_LIMIT = 10
_ITEMS_LIMIT = 2_000

_OPENING = re.compile(r"---[ \t]*\n")
_CLOSING = re.compile(r"\n---[ \t]*$", re.MULTILINE)  # a search for fixed letters is quicker than one for `^`
_COMMENT = re.compile(r"[ \t]+#")


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """A post file taken apart.

    Attributes:
        header: None when it could not be read at all.
        body: with line feeds at its line ends; empty when nothing says where it begins.
        body_line: the line of the file on which the body begins, from 1.
        problems: faults that keep the post out.
        notices: faults that have been mended here and are only told.
    """

    header: Mapping | None
    body: str
    body_line: int
    problems: tuple[Problem, ...]
    notices: tuple[Problem, ...]


def read(text: str, file: str) -> FrontMatter:
    """Take a post file apart: YAML between two lines of `---`, then the body."""
    text, dropped = characters.clean_or_tell(text, file)
    unmerged = yamlhints.unmerged(file, text) if "<<<<<<< " in text else None
    if unmerged:
        return FrontMatter(None, "", 1, (unmerged,), dropped)
    opening = _OPENING.match(text)
    closing = _CLOSING.search(text, opening.end() - 1) if opening else None
    if opening is None or closing is None:
        return FrontMatter(None, "", 1, (yamlhints.unopened(file, text, opening is not None),), dropped)
    body = text[closing.end() + 1 :]
    body_line = text.count("\n", 0, closing.end()) + 2
    source = text[opening.end() : closing.start() + 1]
    value, problems, notices = _compose(source, file, 2, _HEADER_LIMIT)
    if value is None and not problems:
        value = Mapping({}, 1, 1)
    if value is not None and not isinstance(value, Mapping):
        problems = (*problems, yamlhints.not_a_mapping(file, value.line))
        value = None
    return FrontMatter(value, body, body_line, problems, dropped + notices)


def read_yaml(text: str, file: str) -> tuple[Value | None, list[Problem]]:
    """Read a whole YAML file; None when it is empty or cannot be read."""
    text, dropped = characters.clean_or_tell(text, file)
    value, problems, notices = _compose(text, file, 1, _YAML_LIMIT)
    return value, [*dropped, *notices, *problems]


_Composed = tuple[Value | None, tuple[Problem, ...], tuple[Problem, ...]]


def _compose(source: str, file: str, first_line: int, limit: int) -> _Composed:
    """The value in *source*, the faults that spoil it, and those mended."""
    if len(source) > limit:
        what = f"{len(source)} characters where at most {limit} can be read"
        return None, (Problem(file, first_line, 0, what, "Move the long text into the body."),), ()
    source = source.replace("\u2028", " ").replace("\u2029", " ")  # line ends to YAML, and to nobody else
    composer = _Composer(source, file, first_line)
    value = composer.document()
    return value, tuple(composer.problems), tuple(composer.notices)


class _TooDeepError(Exception):
    """The nesting has no bottom."""


class _Composer:
    """Events of one YAML document become values with places."""

    def __init__(self, source: str, file: str, first_line: int) -> None:
        self.problems: list[Problem] = []
        self.notices: list[Problem] = []
        self._file = file
        self._first_line = first_line
        if "\\u" in source:
            source, lone = characters.join_escapes(source)
            if lone:
                self.notices.append(characters.dropped("half an emoji", file, first_line))
        self._source = source
        self._remarks = " #" in source or "\t#" in source
        self._next: Callable[[], Any] = CParser(source).get_event  # never None before the end of it all

    def document(self) -> Value | None:
        """The one value; None with or without a problem."""
        try:
            self._next()
            if isinstance(self._next(), events.StreamEndEvent):
                return None
            value = self._value(self._next(), 1)
            self._next()
            self._next()
        except _TooDeepError:
            return None
        except MarkedYAMLError as error:
            lines, told, context = self._source.split("\n"), error.problem or "", error.context or ""
            at = _place(error.problem_mark)
            since = _place(error.context_mark)
            self.problems.append(
                yamlhints.not_yaml(self._file, self._first_line, lines, told, context, at, since)
            )
            return None
        except YAMLError as error:
            self.problems.append(
                Problem(self._file, self._first_line, 0, f"this is not YAML: {error}", yamlhints.MEND)
            )
            return None
        return value

    def _value(self, event: Any, depth: int) -> Value:
        mark = event.start_mark
        line, column = mark.line + self._first_line, mark.column + 1
        if type(event) is events.ScalarEvent and event.anchor is None and event.tag is None:
            text, style = event.value, event.style
            if style == '"' or style == "'":  # nothing forbidden is printable
                return Scalar(text, line, column) if text.isprintable() else self._scalar(event, line, column)
            if style == "" and not self._remarks:
                return Scalar(text, line, column, True)
            return self._scalar(event, line, column)
        if isinstance(event, events.AliasEvent):
            self._refuse(line, column, f"a reference to another value: {quoted('*' + (event.anchor or ''))}")
            return Scalar("", line, column)
        if event.anchor is not None:
            self._refuse(line, column, f"a name for a value: {quoted('&' + event.anchor)}")
        if event.tag is not None:
            self._refuse(line, column, f"a tag, which says what type a value has: {quoted(event.tag)}")
        if isinstance(event, events.ScalarEvent):
            return self._scalar(event, line, column)
        if depth > _DEPTH_LIMIT:
            self._refuse(line, column, f"lists or keys more than {_DEPTH_LIMIT} deep", yamlhints.FLAT)
            raise _TooDeepError
        if isinstance(event, events.SequenceStartEvent):
            return self._sequence(depth, line, column)
        return self._mapping(depth, line, column)

    def _scalar(self, event: events.ScalarEvent, line: int, column: int) -> Scalar:
        text: str = event.value
        plain = event.style is None or event.style == ""
        if event.style == '"':  # only here can an escape bring in what the file itself may not hold
            text, lost = characters.clean(text)
            if lost:
                self.notices.append(
                    characters.dropped(characters.first_forbidden(event.value)[0], self._file, line)
                )
        remark = False
        if plain and self._remarks and event.end_mark is not None:
            remark = _COMMENT.match(self._source, event.end_mark.index) is not None
        return Scalar(text, line, column, plain, remark)

    def _sequence(self, depth: int, line: int, column: int) -> Sequence:
        items: list[Value] = []
        while type(event := self._next()) is not events.SequenceEndEvent:
            items.append(self._value(event, depth + 1))
            if len(items) > _ITEMS_LIMIT:
                self._refuse(line, column, f"a list of more than {_ITEMS_LIMIT} values", yamlhints.FLAT)
                raise _TooDeepError
        return Sequence(tuple(items), line, column)

    def _mapping(self, depth: int, line: int, column: int) -> Mapping:
        entries: dict[str, tuple[Scalar, Value]] = {}
        while type(event := self._next()) is not events.MappingEndEvent:
            key, value = self._value(event, depth + 1), self._value(self._next(), depth + 1)
            if not isinstance(key, Scalar):
                self._refuse(key.line, key.column, "a key that is not a word", yamlhints.MEND)
            elif key.plain and key.text == "<<":
                self._refuse(key.line, key.column, "a merge key: '<<'")
            elif key.text in entries:
                first = entries[key.text][0].line
                self.problems.append(yamlhints.twice(self._file, key.line, key.column, key.text, first))
            else:
                entries[key.text] = (key, value)
            if len(entries) + len(self.problems) > _ITEMS_LIMIT:
                self._refuse(line, column, f"more than {_ITEMS_LIMIT} keys", yamlhints.FLAT)
                raise _TooDeepError
        return Mapping(entries, line, column)

    def _refuse(self, line: int, column: int, what: str, mend: str = yamlhints.PLAIN) -> None:
        self.problems.append(Problem(self._file, line, column, what, mend))


def _place(mark: Mark | CMark | None) -> yamlhints.Place:
    return (mark.line, mark.column) if mark is not None else (0, 0)
