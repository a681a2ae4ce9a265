"""What an import adds to ``feeds/``: the month's sentence of a page, and topics that posts name."""

from collections import Counter
from collections.abc import Iterable
from itertools import chain, count
from pathlib import Path

from pprnet_feeds.content import files
from pprnet_feeds.content.model import Site, by_name, normal
from pprnet_feeds.content.problems import Problem, quoted, some
from pprnet_feeds.content.yaml import Mapping, Scalar, Sequence, read_yaml
from pprnet_feeds.importing.source_post import Source
from pprnet_feeds.publishing.postfile import quote, slug_of, write_file

FILE = "feeds/issues.yaml"
_TOPICS = "feeds/topics.yaml"
_LONGEST_LABEL = 200
_COMMENT = """\
# The page does not date this sentence. It is above a newest post of {newest}, so it is entered
# under the month after; move it if that is wrong.
"""


def enter_sentence(source: Source, folder: Path, name: str) -> str | Problem:
    """Add the sentence of a page under the month after its newest post, where none is yet.

    Gives words for the editor, empty without a sentence, or a problem when it was not entered. Raises
    OSError where the disk does not take it; the file is as it was.
    """
    newest = max((post.date[:7] for post in source.posts), default="")
    if not (source.sentence and newest):
        return ""
    year, number = int(newest[:4]), int(newest[5:7])
    month = f"{year + number // 12:04}-{number % 12 + 1:02}"
    line = f"{month}: {quote(source.sentence)}\n"

    path = folder / FILE
    before = files.read_text(path, FILE) if path.exists() or path.is_symlink() else ""
    text = before if isinstance(before, str) else ""
    there = _sentences(text) if text == before else None
    if there and normal(source.sentence) in map(normal, there.values()):
        return f"{FILE}: the month's sentence is already there"
    gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
    after = f"{text}{gap}{_COMMENT.format(newest=newest)}{line}"
    why = f"{FILE} is not made of lines to which one can be added"
    if there and month in there:
        why = f"{FILE} has another sentence for {month}: {quoted(there[month])}"
    elif there is not None and _sentences(after) == there | {month: source.sentence}:
        write_file(path, after, over=bool(before))
        return f"{FILE}: entered the sentence of {month}; the page does not date it, see the comment"
    mend = f"Add this line to {FILE} yourself, if it belongs there:\n    {line.rstrip()}"
    return Problem(name, source.sentence_line, 0, f"the month's sentence was not entered: {why}", mend)


def unknown_topics(sources: Iterable[Source], site: Site) -> Counter[str]:
    """The labels that are no topic or research type here, with the number of their posts; the most first."""
    known = {*by_name(site.topics), *by_name(site.research)}
    found: Counter[str] = Counter()
    spelled: dict[str, str] = {}  # one topic however it is written
    for post in (post for source in sources for post in source.posts):
        for name, label in {normal(each): each for each in post.labels}.items():
            if name and name not in known and len(label) <= _LONGEST_LABEL:
                found[spelled.setdefault(name, label)] += 1
    return Counter(dict(sorted(found.items(), key=lambda each: (-each[1], each[0]))))


def topic_lines(counts: Counter[str], site: Site) -> str:
    """Topics as lines of ``feeds/topics.yaml``, each with the number of its posts."""
    taken = set(by_name((*site.topics, *site.research))) | {normal(label) for label in counts}
    used: Counter[str] = Counter()
    lines = []
    for label, number in counts.items():
        base = slug_of(label, 90)
        names = chain([base], (f"{base}-{at}" for at in count(max(used[base] + 1, 2))))
        used[base] += 1
        slug = next(each for each in names if normal(each) == normal(label) or normal(each) not in taken)
        taken.add(normal(slug))
        lines.append(f"- slug: {slug}  # {some(number, 'post')}\n  label: {quote(label)}\n")
    return "".join(lines)


def add_topics(counts: Counter[str], folder: Path, site: Site) -> str:
    """Add unknown topics to ``feeds/topics.yaml``, below an editor's lines; gives words for the editor.

    Raises OSError where the disk does not take it, or lines cannot be added; the file is as it was.
    """
    before = files.read_text(folder / _TOPICS, _TOPICS)
    text = "" if isinstance(before, Problem) else before.rstrip("\n") + "\n\n" + topic_lines(counts, site)
    value, problems = read_yaml(text, _TOPICS)
    if problems or not isinstance(value, Sequence) or len(value.items) != len(site.topics) + len(counts):
        raise OSError(0, f"{_TOPICS} is not made of lines to which topics can be added")
    write_file(folder / _TOPICS, text, over=True)
    return f"{_TOPICS}: {some(len(counts), 'topic')} added"


def _sentences(text: str) -> dict[str, str] | None:
    """The sentences in a file, by month; None when it is not made of them."""
    value, problems = read_yaml(text, FILE)
    if value is None and not problems:
        return {}
    if problems or not isinstance(value, Mapping):
        return None
    return {key: typed.text for key, (_, typed) in value.entries.items() if isinstance(typed, Scalar)}
