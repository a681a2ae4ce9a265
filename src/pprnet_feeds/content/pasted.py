"""Text that was pasted from a word processor: what is certain is repaired, and the rest is named.

Files and the numbers of their lines stay as they are: only what is read changes.
"""

import re
from collections.abc import Iterator

# What Word's automatic correction makes of `---`.
DASHES = r"(?:---|[—–][—–-]{0,2}|-{1,2}[—–])[ \t\u00a0]*"
# What may need a repair, after a line feed. One pattern for all takes three times as long.
_MAY_NEED = (
    re.compile("[\u2028\u2029\u00a0\uf0a7\uf0b7\t]"),
    re.compile(r"<(?:!\[|/?(?:[movw]|st1):)", re.IGNORECASE),
    re.compile("\n(?: {4}|[•·▪§—–]|[ |:-]+[—–])"),
)
_FENCE = re.compile(r" {0,3}(```|~~~)")
# The mark of an item in a list, as Word copies it.
_LIST_MARK = re.compile(r"^ {0,3}<!\[if !supportLists\]>(.*?)<!\[endif\]>(?:\s|&nbsp;)*(?=\S)", re.I)
_TAG_OR_BLANK = re.compile("<[^<>]*>|&nbsp;|[ \t\u00a0]")
# Markdown shows it to readers, but for lines of HTML.
_OFFICE_TAG = re.compile(r"</?(?:[movw]|st1):\w+(?:[ \t][^<>]*)?/?>", re.IGNORECASE)
_HTML_LINE = re.compile(r" {0,3}</?(?:p|div|table|t[rdh]|[uo]l|li|h[1-6]|blockquote|style)\b", re.IGNORECASE)
_CONDITION = re.compile(r"<!\[(?:if|endif)[^\]>]{0,100}\]>", re.IGNORECASE)
_MARK = re.compile(r"( {0,3}(?:#{1,6}|[-*+>]|\d{1,9}[.)]))\u00a0+")
_BULLET = re.compile("[ \t\u00a0]*([•·▪§o\uf0a7\uf0b7])(?:\t[ \u00a0]*|\u00a0+ *)(?=\\S)")
_NO_LIST = re.compile("[ \t]{0,3}[•·▪][ \t\u00a0]+(?=\\S)")
_RULE = re.compile(r"[ |:-]*[—–][ |:—–-]*")
_IN_LIST = re.compile(r" {0,3}(?:[-*+]|\d{1,9}[.)]|\[\^[^\]]+\]:)(?:\s|$)")
_INDENT = re.compile(r" {0,3}\t| {4}")
_CODE = re.compile(r"[{}=<>|\\`;$_]|\(\)|//|--")
_PROSE = re.compile(r"[\"“‘(]?[A-Z].*\s\S+\s.*\S|(?i:practice\s+implications:?)", re.DOTALL)
_SENTENCES = re.compile(r"(?:\S+\s+){4,}\S+[.!?:…][\"”’)]*|(?i:practice\s+implications:?)")


def repaired(source: str) -> str:
    """A body as its author saw it in the word processor, where that is certain.

    Bullets are lists, indented sentences are paragraphs and not code, and a break is a break.
    """
    if not any(each.search(f"\n{source}") for each in _MAY_NEED):
        return source
    lines, is_html = source.split("\n"), False
    for number, line in outside_code(lines):
        above = lines[number - 1] if number else ""
        is_html = bool(line.strip()) and (is_html or _HTML_LINE.match(line) is not None)
        if not (is_html or "`" in line):
            line = _LIST_MARK.sub(lambda mark: _TAG_OR_BLANK.sub("", mark[1]) + "\t", line, count=1)
            line = _OFFICE_TAG.sub("", line)
        line = _MARK.sub(r"\1 ", re.sub("[\u2028\u2029]", "<br>", _CONDITION.sub("", line)))
        if bullet := _BULLET.match(line):
            line = ("  - " if bullet[1] == "o" else "- ") + line[bullet.end() :]
        elif "|" in above and "|" in line and _RULE.fullmatch(line):
            line = re.sub(r"[—–-]+", "---", line)
        elif not above.strip() and re.fullmatch(DASHES, line) and len(line.strip()) > 1:
            line = "***"
        lines[number] = line if line.strip() else ""
    for first, last, text in _indented(lines):
        if _SENTENCES.fullmatch(text):
            lines[first:last] = text.split("\n")
    return "\n".join(lines)


def unrepaired(source: str) -> list[tuple[int, str, str]]:
    """What of a `repaired` body only its author can repair: line from 1, what it is, what to write."""
    lines, last = [*source.split("\n"), ""], -2
    found = []
    for first, _, _ in _indented(lines):
        fix = f"{lines[first].strip()} (with no spaces before it)"
        found.append((first + 1, "an indented line is shown as code", fix))
    for number, line in outside_code(lines[:-1]):
        if bullet := _NO_LIST.match(line):
            found.append((number + 1, "a bullet makes no list", f"- {line[bullet.end() :]}"))
        sign, kind = ("|", "bars") if line.lstrip().startswith("|") else ("\t", "tabs")
        cells = [] if _IN_LIST.match(line) else line.strip("| \t").split(sign)
        below = lines[number + 1].strip("| \t")
        if len(cells) > 1 and below.count(sign) == len(cells) - 1:
            if last != number - 1 and not set(below) <= set("|:- "):
                row, rule = (" | ".join(each) for each in (map(str.strip, cells), ["---"] * len(cells)))
                fix = f"| {row} | and below it | {rule} |"
                found.append((number + 1, f"a table of {kind} alone is no table", fix))
            last = number
        elif sign == "|" and last == number - 1:
            last = number  # a row with fewer cells
    return sorted(found)


def outside_code(lines: list[str]) -> Iterator[tuple[int, str]]:
    """The lines with their numbers, from 0, without fenced code."""
    fence = ""
    for number, line in enumerate(lines):
        found = _FENCE.match(line)
        if found and fence in ("", found[1]):
            fence = "" if fence else found[1]
        elif not fence:
            yield number, line


def _indented(lines: list[str]) -> list[tuple[int, int, str]]:
    """The prose that is code by its indent alone: first line, from 0, the line after, text without blanks."""
    found, start, is_list, outside = [], 0, False, dict(outside_code(lines))
    for number, line in enumerate([*lines, ""]):
        if line.strip():
            is_list = is_list or bool(_IN_LIST.match(line))
            continue
        block = [outside.get(each, "`") for each in range(start, number)]
        if block and not block[0][0].isspace():
            is_list = any(map(_IN_LIST.match, block))
        text = "\n".join(line.strip() for line in block)
        if not is_list and _INDENT.match(block[0] if block else "") and _PROSE.fullmatch(text):
            found += [] if _CODE.search(text) else [(start, number, text)]
        start = number + 1
    return found
