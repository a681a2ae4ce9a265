"""What a source holds, before anybody knows where it goes.

Every reader of a source gives the same values: posts with their texts in
Markdown, and a problem with its line for all it could not place. A reader
never guesses and never writes.
"""

from __future__ import annotations

from dataclasses import dataclass

from pprnet_feeds.content.model import Citation, Image, Person, Status
from pprnet_feeds.content.problems import Problem


@dataclass(frozen=True, slots=True)
class Found:
    """One post, as the source has it.

    Attributes:
        line: where it begins in the source, from 1.
        date: in one of the forms that front matter takes.
        body: CommonMark.
        id: the last part of the permanent id, when it was one of ours.
        name: what its file is best called after the month; empty means after its title.
        labels: what it is filed under: topics, research types and whatever else.
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
    draft: bool = False
    status: Status = "published"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """A name that stands in a list of the source, and its line."""

    line: int
    name: str


@dataclass(frozen=True, slots=True)
class Reading:
    """All that was read from one source.

    Attributes:
        kind: what it is, for people, such as ``a blog page``; empty when nobody knows.
        left: what could not be placed, in the order of the source.
        sentence: the sentence that announces a month; *sentence_line* is its place.
        topics: the topics that the source lists, whatever its posts are filed under.
    """

    kind: str
    posts: tuple[Found, ...] = ()
    left: tuple[Problem, ...] = ()
    sentence: str = ""
    sentence_line: int = 0
    topics: tuple[Label, ...] = ()
    research: tuple[Label, ...] = ()
