"""Problems of YAML that cannot be read, with the fix that an editor can type.

A parser says where it stopped and which rule of YAML it followed. Each problem here quotes the
line, and shows it corrected where that is safe to guess.
"""

from __future__ import annotations

import re

from pprnet_feeds.content.problems import Problem, quoted

MEND = (
    "Write each key on a line of its own, like `key: value`, and put quotation marks around a value "
    "that begins with one of [ ] { } & * ! | > % @ ` or holds a colon or a #."
)

PLAIN = "Write the value itself, and put quotation marks around it when it begins with that sign."
FLAT = "Write one list of a few plain values, like `topics: [alliance, empathy]`."

# Like `title:A`, and also with what looks like a space and is none.
_UNSPACED = re.compile(r"[a-z_]+:(?=[^ \n])")
_FENCE = re.compile(r" {0,3}(?:```|~~~)")

Place = tuple[int, int]  # row and column, counted from 0


def unopened(file: str, text: str, opened: bool) -> Problem:
    """The problem of front matter that is missing or has no end."""
    if opened:
        return Problem(
            file, 1, 0, "the front matter is not closed", "Put a line with only --- under its last key."
        )
    if text.lstrip().startswith("---\n"):
        what = "something empty stands above the front matter"
        return Problem(file, 1, 0, what, "Take it out: the first line of the file is --- and nothing else.")
    if text.startswith("+++"):
        what = "the front matter is TOML, between lines of +++"
    else:
        what = "there is no front matter"
    mend = "Begin the file with a line ---, then `title: …`, `date: …`, `topics: […]`, then a line --- again."
    return Problem(file, 1, 0, what, mend)


def unmerged(file: str, text: str) -> Problem | None:
    """The problem of a file with both sides of a merge in it, but not in a block of code."""
    begun, first, is_second, in_code = 0, "", False, False
    for number, line in enumerate(text.split("\n"), 1):
        in_code ^= bool(_FENCE.match(line))
        if in_code:
            continue
        if line.startswith("<<<<<<< "):
            begun, first, is_second = number, line, False
        elif line == "=======":
            is_second = begun > 0
        elif line.startswith(">>>>>>> ") and is_second:
            mend = "Keep one of the two versions, and take out the lines with <<<<<<<, ======= and >>>>>>>."
            return Problem(file, begun, 0, f"a merge that was not finished: {quoted(first)}", mend)
    return None


def not_a_mapping(file: str, line: int) -> Problem:
    """The problem of a header that is a list or a word."""
    what, mend = "the front matter is not made of keys", "Write lines like `title: …` and `date: 2026-03`."
    return Problem(file, line, 0, what, mend)


def twice(file: str, line: int, column: int, key: str, first: int) -> Problem:
    """The problem of a key that was typed twice."""
    what = f"the key {quoted(key)} is here a second time; it is already on line {first}"
    return Problem(file, line, column, what, "Keep one of the two lines.")


def not_yaml(
    file: str, first_line: int, lines: list[str], message: str, context: str, at: Place, since: Place
) -> Problem:
    """The problem at which the parser stopped: *at* one position, in something that began at *since*.

    *message* and *context* are the parser's words for what it found and what it was reading.
    """
    row, column = min(at[0], len(lines) - 1), at[1]
    line, before = lines[row], lines[max(row - 1, 0)]
    if context == "while scanning a quoted scalar":
        row, column = since
        what = "a quotation mark is opened and never closed"
        mend = "Close it at the end of the value, or take it away."
    elif message.startswith("did not find expected ',' or"):
        row, column = since
        sign = lines[row][column : column + 1]
        what = f"a bracket {sign} is opened and never closed"
        mend = "Close it at the end of the list, or put quotation marks around the whole value."
    elif message.startswith("could not find expected ':'"):
        row, column = since
        what = "a line without a colon"
        mend = "Write `key: value`; what belongs to the value above begins with two spaces."
    elif context == "while parsing a quoted scalar":
        what = "a backslash in a value in double quotation marks"
        mend = "Double it, or put single quotation marks around the value."
    elif line.lstrip().startswith("* "):
        what = "a list item that begins with an asterisk"
        mend = f"Begin it with a hyphen: - {line.strip()[2:].strip()[:80]}"
    elif "\t" in line[: column + 1] and "cannot start any token" in message:
        mend = "Indent with two spaces and never with a tab."
        return Problem(file, row + first_line, column + 1, "a tab where YAML wants spaces", mend)
    elif message.startswith("mapping values are not allowed") and ": " in line[:column]:
        what = "a colon in a value without quotation marks"
        mend = f"Put quotation marks around the value: {_in_quotes(line)}"
    elif message.startswith("mapping values are not allowed") and (key := _UNSPACED.match(before)):
        row, column = row - 1, key.end()
        what = "no space after the colon"
        mend = f"Put one there: {key[0]} {lines[row][key.end() :].strip()[:80]}"
    elif message.startswith("mapping values are not allowed") and line.startswith(" "):
        what = "a key that does not begin its line"
        mend = "Take out the spaces before it."
    elif (
        line[column : column + 1] in tuple("@`%")
        or context == "while scanning an alias"
        or message == "did not find expected node content"
    ):
        what = "a value that begins with a sign of YAML"
        mend = f"Put quotation marks around the value: {_in_quotes(line)}"
    elif message == "did not find expected key" and ": " in line[:column]:
        what = "something stands after the end of the value"
        mend = f"Put quotation marks around the whole value: {_in_quotes(line)}"
    elif message == "did not find expected key" and line.lstrip().startswith("- "):
        what = "a list item that is not below the others"
        mend = "Begin all items of a list with the same number of spaces."
    elif message == "did not find expected '-' indicator":
        what = "something stands after the end of the item"
        mend = f"Put quotation marks around the whole item: {_in_quotes(line)}"
    else:
        what = f"this is not YAML ({message or 'it cannot be read'})"
        mend = MEND
    what = f"{what}: {quoted(lines[row].strip())}"
    return Problem(file, row + first_line, column + 1, what, mend)


def _in_quotes(line: str) -> str:
    key, colon, value = line.strip().partition(": ")
    begin = key + colon
    if not colon:
        begin, value = ("- ", line.strip()[2:]) if line.lstrip().startswith("- ") else ("", line)
    value = value.strip()
    if value[:1] in ("'", '"') and value.endswith(value[0]) and value.count(value[0]) % 2:
        value = value[1:-1]  # with one of their kind inside
    value = f"{value[:80]}{'…' if len(value) > 80 else ''}"
    if '"' in value and "'" not in value:
        return f"{begin}'{value}'"
    value = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{begin}"{value}"'
