"""The import model: the posts that a source holds, and what could not be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pprnet_feeds.content.model import Citation, Image, Person, Status
from pprnet_feeds.content.problems import Problem, quoted


@dataclass(frozen=True, slots=True)
class SourcePost:
    """One post, as the source has it.

    Attributes:
        line: where it begins in the source, from 1.
        date: in one of the forms that front matter takes.
        body: CommonMark.
        id: the last part of the permanent id, when it was one of ours.
        name: the last part of its address in the source.
        restricted: why it is not public in the source; it becomes a draft.
        labels: its categories and tags: topics, research types and others.
        losses: what of it became something else or was left out, and how often.
    """

    line: int
    title: str
    date: str
    body: str
    cites: tuple[Citation, ...] = ()
    id: str = ""
    slug: str = ""
    name: str = ""
    updated: str = ""
    labels: tuple[str, ...] = ()
    summary: str = ""
    authors: tuple[Person, ...] = ()
    image: Image | None = None
    aliases: tuple[str, ...] = ()
    restricted: str = ""
    status: Status = "published"
    note: str = ""
    losses: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Label:
    """A name in a list of the source, and its line."""

    line: int
    name: str


@dataclass(frozen=True, slots=True)
class Source:
    """All that was read from one file.

    Attributes:
        kind: what the file is, such as ``a blog page``; empty when it is not known.
        problems: what could not be read.
        sentence: the sentence that introduces a month.
        topics: the topics that the source lists, whatever the labels of its posts are.
    """

    kind: str
    posts: tuple[SourcePost, ...] = ()
    problems: tuple[Problem, ...] = ()
    sentence: str = ""
    sentence_line: int = 0
    topics: tuple[Label, ...] = ()
    research: tuple[Label, ...] = ()


def unread(file: str, what: str, mend: str, line: int = 0) -> Source:
    """A source that could not be read, and why."""
    return Source("", problems=(Problem(file, line, 0, what, mend),))


def source_of(kind: str, found: Iterable[SourcePost], problems: Iterable[Problem], file: str) -> Source:
    """A source with those of *found* that can become posts, and a problem for each of the others."""
    posts, left = [], list(problems)
    for post in found:
        parts = {"title": post.title, "date": post.date, "text": post.body.strip()}
        name = f" {quoted(post.title)}" if post.title else ""
        if missing := [part for part, value in parts.items() if not value]:
            what = f"the post{name} has no {' and no '.join(missing)} that can be read"
            mend = "Write it by hand, or add what is missing to the file."
        elif post.restricted:
            what = f"the post{name} becomes a draft: it is not public there, but {post.restricted}"
            mend = "Take `draft: true` away once everybody may read it."
        if missing or post.restricted:
            left.append(Problem(file, post.line, 0, what, mend))
        if post.losses and not missing:
            each = ", ".join(f"{kind} ({number})" for kind, number in post.losses.items())
            mend = "Look whether the post says all that readers need."
            left.append(Problem(file, post.line, 0, f"in the post{name}: {each}", mend))
        posts += [] if missing else [post]
    return Source(kind, tuple(posts), tuple(sorted(left)))
