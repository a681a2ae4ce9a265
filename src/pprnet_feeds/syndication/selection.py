"""Which posts a feed holds, and the one way to write it in an address.

A selection is the part of an address before the view: nothing for every post,
``topics/…/``, ``research/…/``, both, or ``issues/…/``. Subscribers keep these
addresses for ten years, so a selection has one spelling, and what it holds
depends on the posts alone: never on the moment it is asked, never on the other
selections.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from pprnet_feeds.content.dates import is_month
from pprnet_feeds.content.model import Site, Term

MOST_TOPICS = 5


class Filed(Protocol):
    """What a selection asks of a post."""

    @property
    def topics(self) -> tuple[str, ...]:
        """The slugs of its topics."""

    @property
    def research(self) -> tuple[str, ...]:
        """The slugs of its research types."""

    @property
    def issue(self) -> str:
        """Its month, such as ``2021-12``."""


@dataclass(frozen=True, order=True, slots=True)
class Selection:
    """The posts on some topics, of a research type, on both, of a month, or simply every post.

    Attributes:
        topics: slugs, sorted, at most `MOST_TOPICS`; empty for any.
        every: whether a post must be on all of them, and not just on one.
        research: a research type's slug, or empty for any.
        issue: a month such as ``2021-12``, or empty for any.
    """

    topics: tuple[str, ...] = ()
    every: bool = False
    research: str = ""
    issue: str = ""

    @property
    def path(self) -> str:
        """The selection as the beginning of an address: empty, or ending with a slash."""
        topics = f"topics/{('+' if self.every else ',').join(self.topics)}/" if self.topics else ""
        research = f"research/{self.research}/" if self.research else ""
        return topics + research + (f"issues/{self.issue}/" if self.issue else "")

    @property
    def combines(self) -> bool:
        """Whether it is none of the feeds that are listed, but one that a reader put together."""
        return len(self.topics) > 1 or bool(self.topics and self.research)

    def holds(self, post: Filed) -> bool:
        """Tell whether *post* belongs to the selection."""
        if self.topics:
            found = [topic in post.topics for topic in self.topics]
            if not (all(found) if self.every else any(found)):
                return False
        return (not self.research or self.research in post.research) and (
            not self.issue or self.issue == post.issue
        )

    def title(self, site: Site) -> str:
        """The name a reader shows for the feed."""
        topics = (" + " if self.every else " or ").join(site.topic[slug].label for slug in self.topics)
        research = site.research_type[self.research].label if self.research else ""
        if topics and research:
            research = research[0].lower() + research[1:]
        parts = [part for part in (topics, research, month_name(self.issue)) if part]
        return f"{site.short_title}: {', '.join(parts)}" if parts else site.title

    def subtitle(self, site: Site) -> str:
        """One sentence on what the feed holds."""
        sentence = site.issues.get(self.issue, "")
        if sentence:
            return lead(sentence)
        terms = [site.topic[slug] for slug in self.topics]
        terms += [site.research_type[self.research]] if self.research else []
        told = terms[0].description if len(terms) == 1 else ""
        return told or site.subtitle or site.title


EVERYTHING = Selection()


def selections(site: Site) -> Iterator[Selection]:
    """Every selection that is listed for people: all posts, each topic, each research type."""
    yield EVERYTHING
    for topic in site.topics:
        yield Selection(topics=(topic.slug,))
    for kind in site.research:
        yield Selection(research=kind.slug)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an address is no selection, for the person who typed it.

    Attributes:
        what: a sentence.
        asked: the name that is unknown, if that is why.
        folder: ``topics`` or ``research``, where it was looked for.
        gone: whether there was something at the address, and never will be again.
    """

    what: str
    asked: str = ""
    folder: str = ""
    gone: bool = False


def parse(path: str, site: Site) -> tuple[Selection, str] | Refusal:
    """Read the selection at the beginning of an address, and give the rest of the address.

    *path* has no leading slash. Former slugs, unsorted and repeated topics are
    understood: the caller compares `Selection.path` with what was asked, and
    redirects where they differ.
    """
    if path.startswith("issues/"):
        month, slash, rest = path.removeprefix("issues/").partition("/")
        if slash and is_month(month):
            return Selection(issue=month), rest
        return EVERYTHING, path
    topics: tuple[str, ...] = ()
    every = False
    research = ""
    if path.startswith("topics/"):
        asked, slash, rest = path.removeprefix("topics/").partition("/")
        if not slash or not asked:
            return EVERYTHING, path
        if "," in asked and "+" in asked:
            return Refusal(
                "Topics are joined by commas (any of them) or by plus signs (all of them), not by both."
            )
        found = _terms(asked.replace("+", ",").split(","), site.topic, "topics")
        if isinstance(found, Refusal):
            return found
        topics, every, path = found, "+" in asked and len(found) > 1, rest
        if len(topics) > MOST_TOPICS:
            return Refusal(f"A feed combines at most {MOST_TOPICS} topics.")
    if path.startswith("research/"):
        asked, slash, rest = path.removeprefix("research/").partition("/")
        if slash and asked:
            types = _terms([asked], site.research_type, "research")
            if isinstance(types, Refusal):
                return types
            research, path = types[0], rest
    return Selection(topics, every, research), path


def chosen(values: Iterable[str], folder: str, site: Site) -> set[str] | Refusal:
    """The present slugs of what the fields of a form name in *folder*; empty ones count for nothing."""
    slugs: set[str] = set()
    # The plus signs of a combination arrive as spaces.
    for value in sorted({"+".join(value.split()) for value in values} - {""}):
        found = parse(f"{folder}/{value}/", site)
        if isinstance(found, Refusal):
            return found
        if "/" in value:
            return Refusal("There is nothing at this address.", value, folder)
        slugs.update(found[0].topics or (found[0].research,))
    return slugs


def _terms(asked: list[str], terms: Mapping[str, Term], folder: str) -> tuple[str, ...] | Refusal:
    """The present slugs of what was asked for, sorted, each once."""
    if all(name in terms for name in asked):
        return tuple(sorted(set(asked)))
    # A stranger's list may be as long as an address can be.
    known = {slug: term.slug for term in terms.values() for slug in (*term.former, term.slug)}
    unknown = next((name for name in asked if name not in known), None)
    if unknown is not None:
        return Refusal("There is nothing at this address.", unknown, folder)
    return tuple(sorted({known[name] for name in asked}))


def month_name(issue: str) -> str:
    """Name a month as people write it: ``2021-12`` is December 2021; nothing stays nothing."""
    # calendar's own names follow the locale; English ones are wanted on every machine.
    return f"{_MONTHS[int(issue[5:]) - 1]} {issue[:4]}" if issue else ""


def lead(sentence: str) -> str:
    """The sentence that announces a month; where it begins with an ellipsis its beginning is "This month"."""
    return f"This month {sentence.lstrip('… .')}" if sentence.startswith(("…", "...")) else sentence


_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
