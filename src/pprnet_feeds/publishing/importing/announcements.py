"""What a page says beside its posts: the month's sentence, and the lists of topics and types.

The sentence is added to ``feeds/issues.yaml``, where an editor's own lines stay
as they are, down to the last comment. The lists are only compared: a topic's
slug is an address, and nobody but an editor may make one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pprnet_feeds.content import files
from pprnet_feeds.content.model import Site, Term, by_name, normal
from pprnet_feeds.content.problems import Problem, quoted
from pprnet_feeds.content.yaml import Mapping, Scalar, read_yaml
from pprnet_feeds.publishing.importing.readings import Label, Reading
from pprnet_feeds.publishing.postfile import quote, write_new, write_over

FILE = "feeds/issues.yaml"
_NAMED = 3
_COMMENT = """\
# The page does not date this sentence. It stands above a newest post of {newest}, so it is entered
# under the month after; move it if that is wrong.
"""


@dataclass(frozen=True, slots=True)
class Announced:
    """What became of a sentence: words for the editor, and a problem when it was not entered."""

    told: str = ""
    problem: Problem | None = None


def enter_sentence(reading: Reading, folder: Path, source: str) -> Announced:
    """Add the sentence of a page under the month after its newest post, where none stands yet.

    Raises:
        OSError: the disk does not take it; the file is as it was.
    """
    months = [post.date[:7] for post in reading.posts]
    if not (reading.sentence and months):
        return Announced()
    newest = max(months)
    month = _after(newest)
    line = f"{month}: {quote(reading.sentence)}\n"
    path = folder / FILE
    before = files.read_text(path, FILE) if path.exists() or path.is_symlink() else ""
    told_by_hand = f"Add this line to {FILE} yourself, if it belongs there:\n    {line.rstrip()}"
    if isinstance(before, Problem):
        what = f"the month's sentence was not entered: {before.what}"
        return Announced(problem=Problem(source, reading.sentence_line, 0, what, told_by_hand))
    sentences = _sentences(before)
    if sentences is None:
        what = f"the month's sentence was not entered: {FILE} cannot be read"
        return Announced(problem=Problem(source, reading.sentence_line, 0, what, told_by_hand))
    if normal(reading.sentence) in map(normal, sentences.values()):
        return Announced(f"{FILE}: the month's sentence is already there")
    if month in sentences:
        what = f"{FILE} has another sentence for {month}: {quoted(sentences[month])}"
        mend = f"It was left as it is. The page's is:\n    {line.rstrip()}"
        return Announced(problem=Problem(source, reading.sentence_line, 0, what, mend))
    gap = "" if not before else "\n" if before.endswith("\n") else "\n\n"
    after = f"{before}{gap}{_COMMENT.format(newest=newest)}{line}"
    if _sentences(after) != sentences | {month: reading.sentence}:
        what = f"the month's sentence was not entered: {FILE} is not made of lines to which one can be added"
        return Announced(problem=Problem(source, reading.sentence_line, 0, what, told_by_hand))
    (write_over if before else write_new)(path, after)
    return Announced(f"{FILE}: entered the sentence of {month}; the page does not date it, see the comment")


def compare_lists(reading: Reading, site: Site, source: str) -> list[Problem]:
    """How the lists of a page differ from those in ``feeds/``."""
    return [
        *_compare(reading.topics, site.topics, "topic", "feeds/topics.yaml", source),
        *_compare(reading.research, site.research, "research type", "feeds/research.yaml", source),
    ]


def _compare(
    labels: tuple[Label, ...], known: tuple[Term, ...], noun: str, file: str, source: str
) -> list[Problem]:
    index = by_name(known)
    told = [
        Problem(
            source,
            label.line,
            0,
            f"no {noun} is called {quoted(label.name)}",
            f"Add it to {file}, if readers should have its feed.",
        )
        for label in labels
        if normal(label.name) not in index
    ]
    named = {index.get(normal(label.name)) for label in labels}
    missing = [term.label for place, term in enumerate(known) if place not in named] if labels else []
    if missing:
        others = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        what = f"the page does not list {', '.join(map(quoted, missing[:_NAMED]))}{others}"
        told.append(
            Problem(
                source, labels[0].line, 0, what, f"Nothing is to be done, unless it was renamed: see {file}."
            )
        )
    return told


def _sentences(text: str) -> dict[str, str] | None:
    """The sentences in a file, by month; None when it is not made of them."""
    value, problems = read_yaml(text, FILE)
    if value is None and not problems:
        return {}
    if problems or not isinstance(value, Mapping):
        return None
    return {key: typed.text for key, (_, typed) in value.entries.items() if isinstance(typed, Scalar)}


def _after(month: str) -> str:
    year, number = int(month[:4]), int(month[5:7])
    return f"{year + number // 12:04}-{number % 12 + 1:02}"
