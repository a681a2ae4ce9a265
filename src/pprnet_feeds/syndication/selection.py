"""Which posts a feed holds.

A selection is the part of an address before the view: nothing for every post,
``topics/…/``, ``research/…/``, or both. Subscribers keep these addresses for
ten years, so a selection has one spelling, and what it holds depends on the
posts alone: never on the moment it is asked, never on the other selections.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pprnet_feeds.content.model import Post, Site


@dataclass(frozen=True, order=True, slots=True)
class Selection:
    """The posts on a topic, of a research type, on both, or simply every post.

    Attributes:
        topic: a topic's slug, or empty for any.
        research: a research type's slug, or empty for any.
    """

    topic: str = ""
    research: str = ""

    @property
    def path(self) -> str:
        """The selection as the beginning of an address: empty, or ending with a slash."""
        topics = f"topics/{self.topic}/" if self.topic else ""
        research = f"research/{self.research}/" if self.research else ""
        return topics + research

    def holds(self, post: Post) -> bool:
        """Tell whether *post* belongs to the selection."""
        return (not self.topic or self.topic in post.topics) and (
            not self.research or self.research in post.research
        )

    def select(self, posts: Iterable[Post]) -> tuple[Post, ...]:
        """Keep the posts that belong, in the order they came."""
        return tuple(post for post in posts if self.holds(post))

    def title(self, site: Site) -> str:
        """The name a reader shows for the feed."""
        topic = site.topic[self.topic].label if self.topic else ""
        research = site.research_type[self.research].label if self.research else ""
        if topic and research:
            return f"{site.short_title}: {topic}, {research[0].lower()}{research[1:]}"
        return f"{site.short_title}: {topic or research}" if topic or research else site.title

    def subtitle(self, site: Site) -> str:
        """One sentence on what the feed holds."""
        if self.topic and site.topic[self.topic].description:
            return site.topic[self.topic].description
        if self.research and not self.topic and site.research_type[self.research].description:
            return site.research_type[self.research].description
        return site.subtitle or site.title


EVERYTHING = Selection()


def selections(site: Site) -> Iterator[Selection]:
    """Every selection that is listed for people: all posts, each topic, each research type."""
    yield EVERYTHING
    for topic in site.topics:
        yield Selection(topic=topic.slug)
    for kind in site.research:
        yield Selection(research=kind.slug)
