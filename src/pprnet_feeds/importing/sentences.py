"""What a page says besides its posts: the month's sentence, and the lists of topics and types.

The sentence is added to ``feeds/issues.yaml``, below an editor's own lines. The lists are only compared: a
topic's slug is an address, and only an editor may make one.
"""

from __future__ import annotations

from pathlib import Path

from pprnet_feeds.content import files
from pprnet_feeds.content.model import Site, by_name, normal
from pprnet_feeds.content.problems import Problem, quoted
from pprnet_feeds.content.yaml import Mapping, Scalar, read_yaml
from pprnet_feeds.importing.source_post import Source
from pprnet_feeds.publishing.postfile import quote, write_new, write_over

FILE = "feeds/issues.yaml"
_NAMED = 3
_COMMENT = """\
# The page does not date this sentence. It stands above a newest post of {newest}, so it is entered
# under the month after; move it if that is wrong.
"""


def enter_sentence(source: Source, folder: Path, name: str) -> str | Problem:
    """Add the sentence of a page under the month after its newest post, where none is yet.

    Gives words for the editor, empty without a sentence, or a problem when it was not entered.

    Raises:
        OSError: the disk does not take it; the file is as it was.
    """
    newest = max((post.date[:7] for post in source.posts), default="")
    if not (source.sentence and newest):
        return ""
    year, number = int(newest[:4]), int(newest[5:7])
    month = f"{year + number // 12:04}-{number % 12 + 1:02}"
    line = f"{month}: {quote(source.sentence)}\n"

    def refused(why: str, mend: str = f"Add this line to {FILE} yourself, if it belongs there:") -> Problem:
        return Problem(name, source.sentence_line, 0, why, f"{mend}\n    {line.rstrip()}")

    path = folder / FILE
    before = files.read_text(path, FILE) if path.exists() or path.is_symlink() else ""
    if isinstance(before, Problem):
        return refused(f"the month's sentence was not entered: {before.what}")
    sentences = _sentences(before)
    if sentences is None:
        return refused(f"the month's sentence was not entered: {FILE} cannot be read")
    if normal(source.sentence) in map(normal, sentences.values()):
        return f"{FILE}: the month's sentence is already there"
    if month in sentences:
        what = f"{FILE} has another sentence for {month}: {quoted(sentences[month])}"
        return refused(what, "It was left as it is. The page's is:")
    gap = "" if not before else "\n" if before.endswith("\n") else "\n\n"
    after = f"{before}{gap}{_COMMENT.format(newest=newest)}{line}"
    if _sentences(after) != sentences | {month: source.sentence}:
        what = f"the month's sentence was not entered: {FILE} is not made of lines to which one can be added"
        return refused(what)
    (write_over if before else write_new)(path, after)
    return f"{FILE}: entered the sentence of {month}; the page does not date it, see the comment"


def compare_lists(source: Source, site: Site, name: str) -> list[Problem]:
    """How the lists of a page differ from those in ``feeds/``."""
    problems = []
    for labels, known, noun, file in (
        (source.topics, site.topics, "topic", "feeds/topics.yaml"),
        (source.research, site.research, "research type", "feeds/research.yaml"),
    ):
        index = by_name(known)
        for label in labels:
            if normal(label.name) not in index:
                what = f"no {noun} is called {quoted(label.name)}"
                mend = f"Add it to {file}, if readers should have its feed."
                problems.append(Problem(name, label.line, 0, what, mend))
        listed = {index.get(normal(label.name)) for label in labels}
        missing = [quoted(term.label) for place, term in enumerate(known) if place not in listed]
        if labels and missing:
            others = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
            what = f"the page does not list {', '.join(missing[:_NAMED])}{others}"
            mend = f"Nothing is to be done, unless it was renamed: see {file}."
            problems.append(Problem(name, labels[0].line, 0, what, mend))
    return problems


def _sentences(text: str) -> dict[str, str] | None:
    """The sentences in a file, by month; None when it is not made of them."""
    value, problems = read_yaml(text, FILE)
    if value is None and not problems:
        return {}
    if problems or not isinstance(value, Mapping):
        return None
    return {key: typed.text for key, (_, typed) in value.entries.items() if isinstance(typed, Scalar)}
