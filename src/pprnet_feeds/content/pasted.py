"""Text that was pasted from a word processor: what is certain is repaired, and the rest is named.

Files stay as they are, and so do the numbers of their lines: only what is read changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# What Word's automatic correction makes of `---`.
_DASHES = re.compile(r"(?:---|[—–][—–-]{0,2}|-{1,2}[—–])[ \t\u00a0]*")
_HEADER_LINES = 200
_MAY_NEED = re.compile("[\u2028\u2029\u00a0\uf0a7\uf0b7]|<!\\[|\t|^ {4}|^[ |:-]*[—–]|^[•·▪§]", re.MULTILINE)
_FENCE = re.compile(r" {0,3}(```|~~~)")
_CONDITION = re.compile(r"<!\[(?:if|endif)[^\]>]{0,100}\]>", re.IGNORECASE)
_MARK = re.compile(r"( {0,3}(?:#{1,6}|[-*+>]|\d{1,9}[.)]))\u00a0+")
_BULLET = re.compile("[ \t\u00a0]*([•·▪§o\uf0a7\uf0b7])(?:\t[ \u00a0]*|\u00a0+ *)(?=\\S)")
_RULE = re.compile(r"[ |:-]*[—–][ |:—–-]*")
_IN_LIST = re.compile(r" {0,3}(?:[-*+]|\d{1,9}[.)]|\[\^[^\]]+\]:)(?:\s|$)")
_INDENT = re.compile(r"(?: {0,3}\t| {4})[ \t\u00a0]*(?=\S)")
_CODE = re.compile(r"[{}=<>|\\`;$_]|\(\)|//|--")
_PROSE = re.compile(r"[\"“‘(]?[A-Z].*\s\S+\s.*\S|(?i:practice\s+implications:?)", re.DOTALL)
_SENTENCES = re.compile(r"(?:\S+\s+){4,}\S+[.!?:…][\"”’)]*|(?i:practice\s+implications:?)")


def repaired_header(text: str) -> str:
    """A post file with `---` around its header."""
    text = text.replace("\x0b", "\u2028")  # a break within a paragraph
    lines = text.split("\n", _HEADER_LINES)
    ends = [number for number, line in enumerate(lines) if _DASHES.fullmatch(line)][:2]
    if len(ends) < 2 or ends[0]:
        return text
    lines[0] = lines[ends[1]] = "---"
    return "\n".join(lines)


def repaired(source: str) -> str:
    """A body as its author saw it in the word processor, where that is certain.

    Bullets are lists, indented sentences are paragraphs and not code, a break is a break, an empty
    line is empty.
    """
    if not _MAY_NEED.search(source):
        return source
    lines = source.split("\n")
    for number, line in _outside_code(lines):
        line = _CONDITION.sub("", line).replace("\u2028", "<br>").replace("\u2029", "<br>")
        if line and not line.strip(" \t\u00a0"):
            line = ""
        line = _MARK.sub(r"\1 ", line)
        if bullet := _BULLET.match(line):
            line = ("  - " if bullet[1] == "o" else "- ") + line[bullet.end() :]
        above = lines[number - 1] if number else ""
        if "|" in above and "|" in line and _RULE.fullmatch(line):
            line = re.sub(r"[—–-]+", "---", line)
        elif not above.strip() and _DASHES.fullmatch(line) and len(line.strip()) > 1:
            line = "***"
        lines[number] = line
    for first, last, text in _indented(lines):
        if _SENTENCES.fullmatch(text):
            for number in range(first, last):
                lines[number] = lines[number].lstrip(" \t\u00a0")
    return "\n".join(lines)


def unrepaired(source: str) -> list[tuple[int, str, str]]:
    """What of a `repaired` body only its author can repair: line from 1, what it is, what to write."""
    lines = source.split("\n")
    found = [
        (
            first + 1,
            "an indented line is shown as code",
            text.partition("\n")[0] + " (with no blanks before it)",
        )
        for first, _, text in _indented(lines)
    ]
    last = -2
    for number, line in _outside_code(lines):
        cells, below = line.strip().split("\t"), lines[number + 1 :][:1]
        if "\t" in line.strip() and below and below[0].strip().count("\t") == len(cells) - 1:
            if last != number - 1:
                row = " | ".join(cell.strip() for cell in cells)
                rule = " | ".join(["---"] * len(cells))
                found.append(
                    (number + 1, "a table of tabs is no table", f"| {row} | and below it | {rule} |")
                )
            last = number
    return sorted(found)


def _outside_code(lines: list[str]) -> Iterator[tuple[int, str]]:
    """The lines with their numbers, from 0, without fenced code."""
    fence = ""
    for number, line in enumerate(lines):
        found = _FENCE.match(line)
        if found and fence in ("", found[1]):
            fence = "" if fence else found[1]
        elif not fence:
            yield number, line


def _indented(lines: list[str]) -> list[tuple[int, int, str]]:
    """The paragraphs that are code by their indent alone: first line, from 0, the line after, the text."""
    found, start, is_list = [], 0, False
    open_lines = dict(_outside_code(lines))
    for number in range(len(lines) + 1):
        if number < len(lines) and lines[number].strip():
            is_list = is_list or bool(_IN_LIST.match(lines[number]))
            continue
        block = [open_lines.get(each, "`") for each in range(start, number)]
        if block and not block[0][:1].isspace():
            is_list = any(map(_IN_LIST.match, block))
        text = "\n".join(line.strip(" \t\u00a0") for line in block)
        if (
            block
            and not is_list
            and _INDENT.match(block[0])
            and _PROSE.fullmatch(text)
            and not _CODE.search(text)
        ):
            found.append((start, number, text))
        start = number + 1
    return found
