"""Which posts a feed holds, and the one way to write it in an address.

A selection is the part of an address before the view: nothing for every post, ``topics/…/``,
``research/…/``, both, ``issues/…/`` or ``search/…/``. It has one spelling.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote

from pprnet_feeds.content.dates import is_month
from pprnet_feeds.content.model import Post, Site, Term
from pprnet_feeds.syndication.search import LONGEST_WORD, MOST_WORDS, words_in

MOST_TOPICS = 5
MONTHS = "January February March April May June July August September October November December".split()


class Membership(NamedTuple):
    """What a selection asks of a post; its attributes are those of a post."""

    topics: tuple[str, ...] = ()
    research: tuple[str, ...] = ()
    issue: str = ""


@dataclass(frozen=True, slots=True)
class Selection:
    """The posts on some topics, of a research type, on both, of a month, with some words, or every post.

    Attributes:
        topics: slugs, sorted, at most `MOST_TOPICS`; empty for any.
        every: whether a post must be on all of them, and not just on one.
        research: a research type's slug, or empty for any.
        issue: a month such as ``2021-12``, or empty for any.
        words: what a search is for, sorted; empty for any.
    """

    topics: tuple[str, ...] = ()
    every: bool = False
    research: str = ""
    issue: str = ""
    words: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """The selection as the beginning of an address: empty, or ending with a slash."""
        topics = f"topics/{('+' if self.every else ',').join(self.topics)}/" if self.topics else ""
        research = f"research/{self.research}/" if self.research else ""
        search = f"search/{'+'.join(self.words)}/" if self.words else ""
        return topics + research + search + (f"issues/{self.issue}/" if self.issue else "")

    @property
    def combines(self) -> bool:
        """Whether a reader put it together: it is none of the listed feeds."""
        return len(self.topics) > 1 or bool((self.topics and self.research) or self.words)

    @property
    def page(self) -> str:
        """The address of the page for people below the base, without the leading slash."""
        return f"search/?q={'+'.join(self.words)}" if self.words else self.path

    def holds(self, post: Post | Membership) -> bool:
        """Whether *post* belongs to the selection, as far as it is not a search for words."""
        quantifier = all if self.every else any
        return (
            (not self.topics or quantifier(topic in post.topics for topic in self.topics))
            and (not self.research or self.research in post.research)
            and (not self.issue or self.issue == post.issue)
        )

    def title(self, site: Site) -> str:
        """The name that a reader shows for the feed."""
        topics = (" + " if self.every else " or ").join(site.topic[slug].label for slug in self.topics)
        research = site.research_type[self.research].label if self.research else ""
        if topics and research:
            research = research[0].lower() + research[1:]
        search = f"“{' '.join(self.words)}”" if self.words else ""
        parts = [part for part in (topics, research, search, month_name(self.issue)) if part]
        return f"{site.short_title}: {', '.join(parts)}" if parts else site.title

    def subtitle(self, site: Site) -> str:
        """One sentence on what the feed holds."""
        if sentence := site.issues.get(self.issue):
            return lead(sentence)
        terms = [site.topic[slug] for slug in self.topics]
        terms += [site.research_type[self.research]] if self.research else []
        description = terms[0].description if len(terms) == 1 else ""
        return description or site.subtitle or site.title


EVERYTHING = Selection()


def selections(site: Site) -> Iterator[Selection]:
    """Every selection that is listed for people: all posts, each topic, each research type."""
    yield EVERYTHING
    yield from (Selection(topics=(topic.slug,)) for topic in site.topics)
    yield from (Selection(research=kind.slug) for kind in site.research)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an address is no selection: a sentence for the person who typed it.

    Attributes:
        asked: the name that is unknown, if that is why.
        folder: ``topics`` or ``research``, where it was looked for.
        status: the HTTP status code; 410 where there was something, and never will be again.
    """

    what: str
    asked: str = ""
    folder: str = ""
    status: int = 404


def parse_selection(path: str, site: Site) -> tuple[Selection, str] | Refusal:
    """Read the selection at the beginning of an address, and return the rest of the address with it.

    *path* has no leading slash. Former slugs and unsorted or repeated topics are understood.
    """
    month = re.match("issues/([^/]+)/", path)
    if month and is_month(month[1]):
        return Selection(issue=month[1]), path[month.end() :]
    if match := re.match("search/([^/]+)/", path):
        words = search_words(unquote(match[1]))
        return words if isinstance(words, Refusal) else (Selection(words=words), path[match.end() :])
    topics: tuple[str, ...] = ()
    every, research = False, ""
    if match := re.match("topics/([^/]+)/", path):
        if "," in match[1] and "+" in match[1]:
            what = "Topics are joined by commas (any of them) or by plus signs (all of them), not by both."
            return Refusal(what)
        found = _slugs(re.split("[,+]", match[1]), site.topic, "topics")
        if isinstance(found, Refusal):
            return found
        if len(found) > MOST_TOPICS:
            return Refusal(f"A feed combines at most {MOST_TOPICS} topics.")
        topics, every, path = found, "+" in match[1] and len(found) > 1, path[match.end() :]
    if match := re.match("research/([^/]+)/", path):
        found = _slugs([match[1]], site.research_type, "research")
        if isinstance(found, Refusal):
            return found
        research, path = found[0], path[match.end() :]
    return Selection(topics, every, research), path


def search_words(query: str) -> tuple[str, ...] | Refusal:
    """The words of a search in their order; whatever else a *query* holds separates them."""
    words = words_in(query)
    if not words:
        return Refusal("A search needs a word, made of the letters a to z or of digits.")
    if len(words) > MOST_WORDS or max(map(len, words)) > LONGEST_WORD:
        return Refusal(f"A search has at most {MOST_WORDS} words of at most {LONGEST_WORD} letters.")
    return tuple(sorted(words))


def chosen_slugs(values: Iterable[str], folder: str, site: Site) -> set[str] | Refusal:
    """The present slugs that the fields of a form name in *folder*; empty fields are ignored."""
    slugs: set[str] = set()
    # The plus signs of a combination arrive as spaces.
    for value in sorted({"+".join(value.split()) for value in values} - {""}):
        found = parse_selection(f"{folder}/{value}/", site)
        if isinstance(found, Refusal):
            return found
        if "/" in value:
            return Refusal("There is nothing at this address.", value, folder)
        slugs.update(found[0].topics or (found[0].research,))
    return slugs


def _slugs(names: list[str], terms: Mapping[str, Term], folder: str) -> tuple[str, ...] | Refusal:
    """The present slugs of the terms with these present or former slugs, sorted, each once."""
    # The list of a client may be as long as an address can be.
    known = {former: term.slug for term in terms.values() for former in term.former}
    known |= {slug: slug for slug in terms}
    for name in names:
        if name not in known:
            return Refusal("There is nothing at this address.", name, folder)
    return tuple(sorted({known[name] for name in names}))


def month_name(issue: str) -> str:
    """The month as people write it: ``2021-12`` is December 2021; empty for an empty one."""
    # calendar's own names follow the locale; English ones are wanted on every machine.
    return f"{MONTHS[int(issue[5:]) - 1]} {issue[:4]}" if issue else ""


def lead(sentence: str) -> str:
    """The sentence that announces a month; an ellipsis at its beginning becomes "This month"."""
    return f"This month {sentence.lstrip('… .')}" if sentence.startswith(("…", "...")) else sentence
