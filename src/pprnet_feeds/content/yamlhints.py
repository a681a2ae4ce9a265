"""What to tell an editor whose YAML cannot be read.

A parser tells where it gave up and which rule of YAML it was following; an
editor needs to know which character to type. Each hint quotes the line and
shows it mended where that is safe to guess.
"""

from __future__ import annotations

from pprnet_feeds.content.problems import Problem, quoted

MEND = (
    "Write each key on a line of its own, like `key: value`, and put quotation marks around a value "
    "that begins with one of [ ] { } & * ! | > % @ ` or holds a colon or a #."
)

PLAIN = "Write the value itself, and put quotation marks around it when it begins with that sign."
FLAT = "Write one list of a few plain values, like `topics: [alliance, empathy]`."

Place = tuple[int, int]  # row and column, counted from 0


def unopened(file: str, text: str, opened: bool) -> Problem:
    """There is no front matter, or its end is missing."""
    if opened:
        return Problem(
            file, 1, 0, "the front matter is not closed", "Put a line with only --- under its last key."
        )
    if text.startswith("+++"):
        what = "the front matter is TOML, between lines of +++"
    else:
        what = "there is no front matter"
    mend = "Begin the file with a line ---, then `title: …`, `date: …`, `topics: […]`, then a line --- again."
    return Problem(file, 1, 0, what, mend)


def not_a_mapping(file: str, line: int) -> Problem:
    """The header is a list or a word."""
    what, mend = "the front matter is not made of keys", "Write lines like `title: …` and `date: 2026-03`."
    return Problem(file, line, 0, what, mend)


def twice(file: str, line: int, column: int, key: str, first: int) -> Problem:
    """A key is there a second time."""
    what = f"the key {quoted(key)} is here a second time; it is already on line {first}"
    return Problem(file, line, column, what, "Keep one of the two lines.")


def not_yaml(
    file: str, first_line: int, lines: list[str], told: str, context: str, at: Place, since: Place
) -> Problem:
    """The parser gave up *at* one place, on something that began *since* another.

    *told* and *context* are its words for what it met and what it was reading.
    """
    row, column = min(at[0], len(lines) - 1), at[1]
    line = lines[row]
    if context == "while scanning a quoted scalar":
        row, column = since
        what = f"a quotation mark is opened and never closed: {quoted(lines[row].strip())}"
        mend = "Close it at the end of the value, or take it away."
    elif told.startswith("did not find expected ',' or"):
        row, column = since
        sign = lines[row][column : column + 1]
        what = f"a bracket {sign} is opened and never closed: {quoted(lines[row].strip())}"
        mend = "Close it at the end of the list, or put quotation marks around the whole value."
    elif "\t" in line[: column + 1] and "cannot start any token" in told:
        what = "a tab where YAML wants spaces"
        mend = "Indent with two spaces and never with a tab."
    elif told.startswith("mapping values are not allowed") and ": " in line[:column]:
        what = f"a colon in a value without quotation marks: {quoted(line.strip())}"
        mend = f"Put quotation marks around the value: {_in_quotes(line)}"
    elif line[column : column + 1] in tuple("@`%") or _begins_with_a_sign(told, context):
        what = f"a value that begins with a sign of YAML: {quoted(line.strip())}"
        mend = f"Put quotation marks around the value: {_in_quotes(line)}"
    elif told == "did not find expected key" and ": " in line[:column]:
        what = f"something stands after the end of the value: {quoted(line.strip())}"
        mend = "Put quotation marks around the whole value, and double those of their kind inside it."
    else:
        what = f"this is not YAML ({told or 'it cannot be read'}): {quoted(line.strip())}"
        mend = MEND
    return Problem(file, row + first_line, column + 1, what, mend)


def _begins_with_a_sign(told: str, context: str) -> bool:
    return context == "while scanning an alias" or told == "did not find expected node content"


def _in_quotes(line: str) -> str:
    key, _, value = line.strip().partition(": ")
    value = value.strip().replace("\\", "\\\\").replace('"', '\\"')
    return f'{key}: "{value[:80]}{"…" if len(value) > 80 else ""}"'
