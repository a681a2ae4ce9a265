"""YAML with the position of every key and value, and the front matter of post files.

It is read event by event, so nothing in a file can construct an object, grow without bound or change
type: a scalar is the text that was typed. No post needs aliases, anchors, merge keys or tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml
from yaml import events

from pprnet_feeds.content.pasted import DASHES, outside_code
from pprnet_feeds.content.problems import Problem, quoted
from pprnet_feeds.content.text import clean_with_problems, dropped, join_escapes

_HEADER_LIMIT = 65_536
_YAML_LIMIT = 1_048_576
_DEPTH_LIMIT = 10
_ITEMS_LIMIT = 2_000

_OPENING = re.compile(rf"{DASHES}\n")
_CLOSING = re.compile(rf"\n{DASHES}$", re.MULTILINE)  # to search for a letter is quicker than for `^`
_COMMENT = re.compile(r"[ \t]+#")

_MEND = (
    "Write each key on a line of its own, like `key: value`, and put quotation marks around a value "
    "that begins with one of [ ] { } & * ! | > % @ ` or holds a colon or a #."
)
_PLAIN = "Write the value itself, and put quotation marks around it when it begins with that character."
_FLAT = "Write one list of a few plain values, like `topics: [alliance, empathy]`."
# Like `title:A`, and also with what looks like a space and is none.
_UNSPACED = re.compile(r"[a-z_]+:(?=[^ \n])")
# The mark of an item in a list as Word writes it, or without its space.
_ITEM = re.compile(r"^(?:[•·▪*]\s*|-)(?=[^\s\d-])")
# What Word makes of straight quotation marks; a comma between brackets takes the second away.
_CURLY = re.compile(r"[“„][^“”]*[”“]?|‘[^‘’]*’?")
_OF_WORD = frozenset("“„‘•·▪-")
_COLON = "a colon in a value without quotation marks"
_STRAIGHT = 'Write straight ones (") around the whole value; curly ones are a part of it.'


# Not frozen: dozens are made for each post, and frozen ones would take a fifth of all reading.
@dataclass(slots=True)
class Scalar:
    """One value as it was typed; *plain* when it has no quotation marks.

    *remark* says that a comment follows a plain value: `#` after a space ends a value, and
    `The #1 reason` was not meant so.
    """

    text: str
    line: int
    column: int
    plain: bool = False
    remark: bool = False


@dataclass(slots=True)
class Sequence:
    """A list."""

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
    """A post file divided into header and body, which begins on line *body_line*, from 1.

    The header is None when it cannot be read at all, and the body empty when nothing says where it
    begins. *problems* keep the post out; *notices* were corrected, and are only reported.
    """

    header: Mapping | None
    body: str
    body_line: int
    problems: tuple[Problem, ...]
    notices: tuple[Problem, ...]


def read_front_matter(text: str, file: str) -> FrontMatter:
    """Divide a post file: YAML between two lines of `---`, then the body."""
    text, notices = clean_with_problems(text.replace("\x0b", "\u2028"), file)  # a break within a paragraph
    opening = _OPENING.match(text)
    closing = _CLOSING.search(text, opening.end() - 1) if opening else None
    fault = _unmerged(file, text) if "<<<<<<< " in text else None
    if fault or opening is None or closing is None:
        fault = fault or _unopened(file, text, opening is not None)
        return FrontMatter(None, "", 1, (fault,), notices)
    body = text[closing.end() + 1 :]
    body_line = text.count("\n", 0, closing.end()) + 2
    composer = _Composer(text[opening.end() : closing.start() + 1], file, 2)
    header = composer.document(_HEADER_LIMIT)
    if header is None and not composer.problems:
        header = Mapping({}, 1, 1)
    if header is not None and not isinstance(header, Mapping):
        mend = "Write lines like `title: …` and `date: 2026-03`, with a space after the colon."
        composer.problems.append(Problem(file, header.line, 0, "the front matter is not made of keys", mend))
        header = None
    return FrontMatter(header, body, body_line, tuple(composer.problems), (*notices, *composer.notices))


def read_yaml(text: str, file: str) -> tuple[Value | None, list[Problem]]:
    """Read a whole YAML file; None when it is empty or cannot be read."""
    text, notices = clean_with_problems(text, file)
    composer = _Composer(text, file, 1)
    value = composer.document(_YAML_LIMIT)
    faults = [each for each in composer.notices if not each.warning]  # settings have problems only
    return value, [*notices, *faults, *composer.problems]


class _TooLargeError(Exception):
    """Nesting, a list or a mapping is over its limit; the arguments are line, column and what is wrong."""


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
        self._events: Iterator[Any] = yaml.parse(source, Loader=yaml.CBaseLoader)

    def document(self, limit: int) -> Value | None:
        """The one value; None with or without a problem."""
        if len(self._source) > limit:
            what = f"{len(self._source)} characters where at most {limit} can be read"
            self._add(self._first_line, 0, what, "Move the long text into the body.")
            return None
        try:
            next(self._events)
            if isinstance(next(self._events), events.StreamEndEvent):
                return None
            value = self._value(next(self._events), 1)
            for _ in self._events:
                pass
            return value
        except _TooLargeError as error:
            line, column, what = error.args
            self._add(line, column, what, _FLAT)
        except yaml.MarkedYAMLError as error:  # no other: `clean` drops the characters that YAML refuses
            row, column, what, mend = _not_yaml(error, self._lines)
            self._add(row + self._first_line, column + 1, what, mend)
        return None

    def _value(self, event: Any, depth: int) -> Value:
        line, column = event.start_mark.line + self._first_line, event.start_mark.column + 1
        if isinstance(event, events.AliasEvent):
            self._add(line, column, f"a reference to another value: {quoted(f'*{event.anchor}')}")
            return Scalar("", line, column)
        if event.anchor is not None:
            self._add(line, column, f"a name for a value: {quoted(f'&{event.anchor}')}")
        if event.tag is not None:
            self._add(line, column, f"a tag, which says what type a value has: {quoted(event.tag)}")
        if isinstance(event, events.ScalarEvent):
            return self._scalar(event, line, column)
        if depth > _DEPTH_LIMIT:
            raise _TooLargeError(line, column, f"lists or keys more than {_DEPTH_LIMIT} deep")
        if isinstance(event, events.SequenceStartEvent):
            return self._sequence(depth, line, column)
        return self._mapping(depth, line, column)

    def _scalar(self, event: Any, line: int, column: int) -> Scalar:
        text: str = event.value
        if event.style == '"':  # an escape can bring in what the file itself may not hold
            text, notices = clean_with_problems(text, self._file, line)
            self.notices += notices
        plain = not event.style
        if plain and text[:1] in _OF_WORD:
            typed = self._line(line)
            if _CURLY.fullmatch(text):
                self._warn(line, column, f"curly quotation marks around a value: {quoted(text)}", _STRAIGHT)
            elif _ITEM.match(typed):
                self._warn(line, column, *_unmarked(typed))
        remark = plain and self._has_remarks and _COMMENT.match(self._source, event.end_mark.index)
        return Scalar(text, line, column, plain, bool(remark))

    @cached_property
    def _lines(self) -> list[str]:
        return self._source.split("\n")

    def _line(self, number: int) -> str:
        return self._lines[number - self._first_line].strip()

    def _sequence(self, depth: int, line: int, column: int) -> Sequence:
        items: list[Value] = []
        while not isinstance(event := next(self._events), events.SequenceEndEvent):
            item = self._value(event, depth + 1)
            if isinstance(item, Mapping) and " " in (text := next(iter(item.entries), "")):
                # A study's title often has a colon, and no key has a space.
                typed = self._line(item.line)
                mend = f"Put quotation marks around the item: {_in_quotes(typed)}"
                self._add(item.line, item.column, f"{_COLON}: {quoted(typed)}", mend)
                item = Scalar(text, item.line, item.column)
            items.append(item)
            if len(items) > _ITEMS_LIMIT:
                raise _TooLargeError(line, column, f"a list of more than {_ITEMS_LIMIT} values")
        return Sequence(tuple(items), line, column)

    def _mapping(self, depth: int, line: int, column: int) -> Mapping:
        entries: dict[str, tuple[Scalar, Value]] = {}
        while not isinstance(event := next(self._events), events.MappingEndEvent):
            key, value = self._value(event, depth + 1), self._value(next(self._events), depth + 1)
            if not isinstance(key, Scalar):
                self._add(key.line, key.column, "a key that is not a word", _MEND)
            elif key.plain and key.text == "<<":
                self._add(key.line, key.column, "a merge key: '<<'")
            elif key.text in entries:
                first = entries[key.text][0].line
                what = f"the key {quoted(key.text)} is here a second time; it is already on line {first}"
                self._add(key.line, key.column, what, "Keep one of the two lines.")
            else:
                entries[key.text] = (key, value)
            if len(entries) + len(self.problems) > _ITEMS_LIMIT:
                raise _TooLargeError(line, column, f"more than {_ITEMS_LIMIT} keys")
        return Mapping(entries, line, column)

    def _warn(self, line: int, column: int, what: str, mend: str) -> None:
        self.notices.append(Problem(self._file, line, column, what, mend, warning=True))

    def _add(self, line: int, column: int, what: str, mend: str = _PLAIN) -> None:
        self.problems.append(Problem(self._file, line, column, what, mend))


def _unopened(file: str, text: str, opened: bool) -> Problem:
    """The problem of front matter that is missing or has no end."""
    if opened:
        what, mend = "the front matter is not closed", "Put a line with only --- under its last key."
    elif text.lstrip().startswith("---\n"):
        what = "an empty line or a space is above the front matter"
        mend = "Take it out: the first line of the file is --- and nothing else."
    else:
        is_toml = text.startswith("+++")
        what = "the front matter is TOML, between lines of +++" if is_toml else "there is no front matter"
        keys = "`title: …`, `date: …`, `topics: […]`"
        mend = f"Begin the file with a line ---, then {keys}, then a line --- again."
    return Problem(file, 1, 0, what, mend)


def _unmerged(file: str, text: str) -> Problem | None:
    """The problem of a file with both sides of a merge in it, but not in a block of code."""
    begun, first, is_second = 0, "", False
    for number, line in outside_code(text.split("\n")):
        if line.startswith("<<<<<<< "):
            begun, first, is_second = number + 1, line, False
        elif line == "=======":
            is_second = begun > 0
        elif line.startswith(">>>>>>> ") and is_second:
            mend = "Keep one of the two versions, and take out the lines with <<<<<<<, ======= and >>>>>>>."
            return Problem(file, begun, 0, f"a merge that was not finished: {quoted(first)}", mend)
    return None


def _not_yaml(error: yaml.MarkedYAMLError, lines: list[str]) -> tuple[int, int, str, str]:
    """Where in *lines* the parser stopped, as row and column from 0, what is wrong there, and its fix."""
    # The parser's words for what it found, and for what it was reading, which began at *since*.
    message, context = error.problem or "", error.context
    at, since = (
        (min(mark.line, len(lines) - 1), mark.column) if mark else (0, 0)
        for mark in (error.problem_mark, error.context_mark)
    )
    row, column = at
    line, before = lines[row], lines[max(row - 1, 0)]
    if "\t" in line[: column + 1] and "cannot start any token" in message:
        return *at, "a tab where YAML wants spaces", "Indent with two spaces and never with a tab."
    sign, item = lines[since[0]][since[1] : since[1] + 1], lines[since[0]].strip()
    name, _, rest = before.partition(":")
    is_second_colon = message.startswith("mapping values are not allowed")
    is_no_key = message == "did not find expected key"
    quotes, right = "Put quotation marks around the", _in_quotes(line)
    # fmt: off
    cases = (
        (context == "while scanning a quoted scalar", since,
         "a quotation mark is opened and never closed", "Close it at the end of the value, or take it away."),
        (message.startswith("did not find expected ',' or"), since,
         f"a bracket {sign} is opened and never closed",
         "Close it at the end of the list, or put quotation marks around the whole value."),
        (_ITEM.match(item), since, *_unmarked(item)),
        (message.startswith("could not find expected ':'"), since, "a line without a colon",
         "Write `key: value`; what belongs to the value above begins with two spaces."),
        (context == "while parsing a quoted scalar", at, "a backslash in a value in double quotation marks",
         "Double it, or put single quotation marks around the value."),
        (is_second_colon and ": " in line[:column], at, _COLON, f"{quotes} value: {right}"),
        (is_second_colon and _UNSPACED.match(before), (row - 1, len(name) + 1), "no space after the colon",
         f"Put one there: {name}: {rest.strip()[:80]}"),
        (message.endswith("<document start>") and lines[0].startswith(" "), (0, 0),
         "a key that does not begin its line", "Take out the spaces before it."),
        (is_second_colon and line.startswith(" "), at, "a key that does not begin its line",
         "Take out the spaces before it."),
        (line[column : column + 1] in tuple("@`%?") or context == "while scanning an alias"
         or message == "did not find expected node content", at,
         "a value that begins with a special character", f"{quotes} value: {right}"),
        (is_no_key and ": " in line[:column], at, "there is text after the end of the value",
         f"{quotes} whole value: {right}"),
        (is_no_key and line.lstrip().startswith("- "), at, "a list item that is not below the others",
         "Begin all items of a list with the same number of spaces."),
        ((is_no_key or message == "did not find expected '-' indicator") and re.match(r"\s+[a-z_]+: ", line),
         at, "a key that is not below the one above it", "Begin it exactly below that one."),
        (message == "did not find expected '-' indicator", at, "there is text after the end of the item",
         f"{quotes} whole item: {right}"),
        (True, at, f"this is not YAML ({message})", _MEND),
    )
    # fmt: on
    (row, column), what, mend = next(case[1:] for case in cases if case[0])
    return row, column, f"{what}: {quoted(lines[row].strip())}", mend


def _unmarked(item: str) -> tuple[str, str]:
    """What is wrong with an item of a list whose mark is none, and its fix."""
    what = "a list item that does not begin with a hyphen and a space"
    return what, f"Write it like this: {_ITEM.sub('- ', item)[:80]}"


def _in_quotes(line: str) -> str:
    ((begin, value),) = re.findall(r"^((?:- )?(?:[\w-]+: )?)(.*)$", line.strip())
    value, mark = value.strip(), value[:1]
    is_inner = value.count(mark) % 2 or value[value.find(mark, 1) - 1].isspace()
    if (mark in ("'", '"') and value.endswith(mark) and is_inner) or _CURLY.fullmatch(value):
        value = value[1:-1]  # with one of their kind inside
    value = f"{value[:80]}{'…' if len(value) > 80 else ''}"
    if '"' in value and "'" not in value:
        return f"{begin}'{value}'"
    value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{begin}"{value}"'
