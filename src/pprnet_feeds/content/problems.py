"""Faults in content, as data: one run reports all of them, each with its place and its fix."""

import difflib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

Form = Literal["text", "json", "github"]

# Control characters, line breaks, surrogates and the marks that turn a line around would
# garble a terminal or a log: they are shown by their number.
_UNSHOWABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
_SHOWN_LENGTH = 80


@dataclass(frozen=True, order=True, slots=True)
class Problem:
    """One fault at one place, with its fix.

    Attributes:
        file: path relative to the site, with forward slashes.
        line, column: counted from 1; 0 means the whole file or the whole line.
        what: what is wrong, quoting what was typed. Lower case, no full stop.
        mend: what to type instead, in the imperative, with an example.
        warning: whether it keeps nothing out, and is only reported.
    """

    file: str
    line: int
    column: int
    what: str
    mend: str
    warning: bool = False

    @property
    def place(self) -> str:
        """The file, and the line when it is known: ``posts/a.md:3``."""
        return f"{self.file}:{self.line}" if self.line else self.file


def shown(text: str) -> str:
    """*text* made fit for one line of a terminal or a log."""
    return _UNSHOWABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def quoted(text: str) -> str:
    """What was typed, between quotation marks, cut when it is long."""
    cut = text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 1] + "…"
    return f"'{shown(cut)}'"


def nearest(text: str, names: Iterable[str]) -> str:
    """The one of *names* that was probably meant by *text*, or nothing."""
    if len(text) > _SHOWN_LENGTH:
        return ""
    return next(iter(difflib.get_close_matches(text, list(names), n=1, cutoff=0.6)), "")


def report(
    problems: Sequence[Problem], form: Form = "text", consequence: str = "", listed: Sequence[str] = ()
) -> str:
    """All *problems* in their order: for people, for programs, or as annotations of a GitHub workflow.

    *consequence* is a sentence that says what this means for readers; the *listed* lines are for people.
    """
    if form == "json":
        found = {"problems": list(map(asdict, problems)), "consequence": consequence}
        return json.dumps(found, ensure_ascii=False, indent=2) + "\n"
    if form == "github":
        return "".join(_annotation(problem) for problem in problems)
    last = f"{count(problems)} {consequence}".rstrip() if problems else consequence
    parts = [in_words(problems), "".join(f"{line}\n" for line in listed), last and f"{last}\n"]
    return "\n".join(filter(None, parts))


def in_words(problems: Iterable[Problem]) -> str:
    """Two lines for each of *problems*: where and what, and how to correct it."""
    return "".join(
        f"{problem.place}: {'warning: ' if problem.warning else ''}{problem.what}\n    {problem.mend}\n"
        for problem in problems
    )


def count(problems: Sequence[Problem]) -> str:
    """How many there are: ``2 problems and 1 warning in 2 files.``"""
    places = {problem.file for problem in problems}
    variables = {place for place in places if place.startswith("PPRNET_")}
    files = [place for place in places - variables if "/" in place or "." in place[1:]]
    warnings = sum(problem.warning for problem in problems)
    counts = (len(problems) - warnings, "problem"), (warnings, "warning")
    where = (len(files), "file"), (len(variables), "environment variable")
    parts = (" and ".join(some(*each) for each in group if each[0]) for group in (counts, where))
    return f"{' in '.join(filter(None, parts))}."


def blocking(problems: Iterable[Problem]) -> bool:
    """Whether one of *problems* is more than a warning."""
    return any(not problem.warning for problem in problems)


def some(number: int, noun: str) -> str:
    """A number with its noun: ``1 post``, ``2 posts``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _annotation(problem: Problem) -> str:
    """One workflow command; its escapes are those of GitHub's own toolkit."""

    def escaped(text: str, signs: str = "%\r\n") -> str:
        return re.sub(f"[{signs}]", lambda sign: f"%{ord(sign[0]):02X}", text)

    place = {"file": problem.file, "line": problem.line, "col": problem.column}
    values = {name: escaped(str(value), "%\r\n:,") for name, value in place.items() if value}
    where = ",".join(f"{name}={value}" for name, value in values.items())
    level = "warning" if problem.warning else "error"
    return f"::{level} {where}::{escaped(f'{problem.what}. {problem.mend}')}\n"
