"""The few forms of YAML in which nearly all posts are written, read in a quarter of the time.

Keys, lists and values of one line each, in quotation marks or plain: of these
it is certain, character by character, what YAML makes of them and where it
says that they stand. Anything else is none of this module's, not even a fault:
it gives no answer, and the YAML library has the word. `tests/test_plainyaml.py`
holds each answer against that of the library.
"""

from __future__ import annotations

import re

from pprnet_feeds.content.yamlvalues import Mapping, Scalar, Sequence, Value

# More lines, or items in one, are for the library to judge, which has bounds.
_MOST_LINES = 300

# A plain value begins with none of YAML's indicators (YAML 1.1 §5.3), so neither with the signs of other
# kinds of values; what may stand further on is asked of each.
_FIRST = r"[^\s\-?:,\[\]{}#&*!|>'\"%@`=<~]"
_LINE = re.compile(
    r"^( *)(- )?(?:([A-Za-z_][A-Za-z0-9_]{0,99}):(?: (?=\S)|(?=\n)))?"
    rf"(\"[^\"\\\n]*\"|'[^'\n]*'|\[[^\[\]{{}}\"':#&*!|>%@`\n]*\]|{_FIRST}[^\n]*)?\n",
    re.MULTILINE,
)
_ITEM = re.compile(rf" *({_FIRST}[^,]*?) *(?:,|\Z)")


_Line = tuple[str, str, str, str]  # the spaces before it, its dash, its key and its value


class _Unsure(Exception):
    """The library has to be asked."""


def read(source: str, first_line: int) -> Mapping | None:
    """The keys and values of *source*, whose first line is *first_line*; None when it is not certain."""
    # Nothing that YAML forbids, or takes for a line's end, is printable. Comments, and escapes that
    # are half an emoji, are looked into elsewhere.
    if " #" in source or "\\u" in source or not source.replace("\n", "").isprintable():
        return None
    lines: list[_Line] = _LINE.findall(source)
    if not 0 < len(lines) == source.count("\n") <= _MOST_LINES or source[-1] != "\n":
        return None
    try:
        reader = _Reader(lines, first_line)
        found = reader.mapping(0)
    except _Unsure:
        return None
    return found if reader.at == len(lines) else None


class _Reader:
    """Lines become values; *at* is the line to be read next."""

    def __init__(self, lines: list[_Line], first_line: int) -> None:
        self.at = 0
        self._lines = lines
        self._first = first_line

    def mapping(self, column: int) -> Mapping:
        """The keys that begin at *column*, counted from 0; the first of them may stand behind a dash."""
        entries: dict[str, tuple[Scalar, Value]] = {}
        lines, first, begun = self._lines, self._first, self.at
        while self.at < len(lines):
            indent, dash, key, typed = lines[self.at]
            if not key or len(indent) + len(dash) != column or (dash and self.at != begun):
                break
            if key in entries:
                raise _Unsure
            number = first + self.at
            self.at += 1
            value = _value(typed, number, column + len(key) + 3) if typed else self._list(column)
            entries[key] = Scalar(key, number, column + 1, True), value
        if not entries:
            raise _Unsure
        return Mapping(entries, first + begun, column + 1)

    def _list(self, least: int) -> Sequence:
        """The items below a key at column *least*."""
        begun, column, items = self.at, -1, list[Value]()
        while self.at < len(self._lines):
            indent, dash, key, typed = self._lines[self.at]
            if not dash or (items and len(indent) != column):
                break
            column = len(indent)
            if column < least:
                break
            if key:
                items.append(self.mapping(column + 2))
                continue
            if not typed:
                raise _Unsure
            items.append(_value(typed, self._first + self.at, column + 3))
            self.at += 1
        if not items:  # a key without a value, or something else
            raise _Unsure
        return Sequence(tuple(items), self._first + begun, column + 1)


def _value(typed: str, line: int, column: int) -> Value:
    """The value that begins at *column*, counted from 1."""
    sign = typed[0]
    if sign == '"' or sign == "'":
        return Scalar(typed[1:-1], line, column)
    if sign != "[":
        if ": " in typed or typed[-1] in ": ":
            raise _Unsure
        return Scalar(typed, line, column, True)
    items, place, end = list[Value](), 1, len(typed) - 1
    while place < end:
        item = _ITEM.match(typed, place, end)
        if item is None or len(items) == _MOST_LINES:
            raise _Unsure
        items.append(Scalar(item[1], line, column + item.start(1), True))
        place = item.end()
    return Sequence(tuple(items), line, column)
