"""What is wrong in the text of a post, for `check`.

None of it keeps a post out: what readers must not get is removed whenever a
text is drawn. Finding where it was typed takes as long as drawing the text
again, so a service does not ask.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pprnet_feeds.content import markup
from pprnet_feeds.content.problems import Problem, quoted

_LONGEST_HEADING = 6  # words
_CODE = re.compile(r"^ {0,3}(```|~~~).*?(?:^ {0,3}\1|\Z)|^(?: {4}|\t)[^\n]*", re.MULTILINE | re.DOTALL)
_LIKE_PRACTICE = re.compile(
    r"(?!.*\|)(?=.*\b(?:pra?c?ti[cs]|clinic|therap))(?=.*\bimpl?i?cati?on)", re.IGNORECASE
)
_PRACTICE = re.compile(r"[#*_\s]*practice\s+implications[*_:#\s]*", re.IGNORECASE)
# A blank is missing, so it is no heading.
_UNSPACED = re.compile(r"#+[^#\s]")
# A heading on the line of the text that it is to stand above.
_RUN_IN = re.compile(r"[^\w|]*practi[cs]es? +implications? *(?:[:*_]|</)", re.IGNORECASE)


def faults(body: str, body_line: int, file: str) -> list[Problem]:
    """Active content, footnotes told twice and lost headings, each at its line of *file*.

    *body_line* is the line of the file on which *body* begins, from 1.
    """
    found = [
        (
            line,
            f"the text holds {what}, which is removed",
            "Take it out; say it in words, or with Markdown's own links and images.",
        )
        for line, what in markup.active_content(body)
    ]
    found += [
        (
            line,
            f"the footnote {quoted(f'[^{name}]')} is here a second time",
            "Give it a name of its own; a mark can lead to one footnote only.",
        )
        for line, name in markup.repeated_footnotes(body)
    ]
    found += [
        (
            line,
            f"this only looks like the heading of the practice implications: {quoted(typed)}",
            "Write `## Practice Implications` on a line of its own, with an empty line above and below; "
            "without it the post is not in the feeds of practice implications.",
        )
        for line, typed in _lost_headings(body)
    ]
    return [Problem(file, body_line + line - 1, 0, what, mend, True) for line, what, mend in sorted(found)]


def _lost_headings(body: str) -> Iterator[tuple[int, str]]:
    """The lines, from 1, that look like the heading of the practice section, of a post that has none."""
    lines = ["", *_CODE.sub(lambda code: "\n" * code[0].count("\n"), body).split("\n"), ""]
    alike = [number for number, line in enumerate(lines) if _LIKE_PRACTICE.match(line)]
    if not alike or markup.sections(markup.render(body, base="https://x.invalid/", prefix=""))[1]:
        return
    for number in alike:
        above, typed, below = (line.strip() for line in lines[number - 1 : number + 2])
        right = _PRACTICE.fullmatch(typed)
        if right and not _UNSPACED.match(typed) and (typed.startswith("#") or not (above or below)):
            continue  # its text is not written yet
        short = len(typed.split()) <= _LONGEST_HEADING
        if right or _RUN_IN.match(typed) or (short and (not above or typed[0] in "#*_<>-")):
            yield number, typed
