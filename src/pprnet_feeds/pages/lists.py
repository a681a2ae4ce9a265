"""Lists of posts on pages: by year, the newest first, and never so long that a page grows heavy."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property
from itertools import accumulate, chain, groupby
from typing import Any, NamedTuple

from pprnet_feeds.content.model import Post, Site, Term
from pprnet_feeds.content.text import doi_in
from pprnet_feeds.syndication.catalogue import Catalogue
from pprnet_feeds.syndication.entries import post_entries
from pprnet_feeds.syndication.search import excerpt, marked, words_in
from pprnet_feeds.syndication.selection import Selection

# How many posts one page shows with their summaries, and how many in all.
WITH_SUMMARY = 15
LISTED = 80
# How many posts the page of a year lists, and in about how many bytes; of the others it names the months.
LISTED_OF_YEAR, BYTES_OF_YEAR = 250, 40_000
# How many posts are named as related to one, or as near to an address where there is nothing.
NAMED = 3
# How many of the posts that a search finds are listed, and how many with an excerpt.
HITS, WITH_EXCERPT = 40, 10
# From how many letters on an unknown word of an address may be a misspelt one, and how many of them count.
MISSPELT, MOST_MISSPELT = 5, 2


def list_posts(posts: Sequence[Post], site: Site) -> dict[str, Any]:
    """What a page lists of *posts*, which are in order: those of each year, the newest first.

    Each has a summary, empty where only the title is listed. Then the number of all, and their `years`.
    """
    lines = [(post, summary(post, site)) for post in posts[:WITH_SUMMARY]]
    lines += [(post, "") for post in posts[WITH_SUMMARY:LISTED]]
    by_year = [(year, list(group)) for year, group in groupby(lines, lambda line: line[0].year)]
    return {"total": len(posts), "by_year": by_year, "years": years(posts)}


def years(posts: Sequence[Post]) -> list[int]:
    """The years of *posts* that have pages of their own, the newest first."""
    return sorted({post.year for post in posts}, reverse=True) if len(posts) > LISTED else []


def list_year(posts: Sequence[Post]) -> tuple[Sequence[Post], list[str]]:
    """The posts of a year that its page lists and, where these are not all, the months, the newest first."""
    sizes = accumulate(60 + len(f"{post.slug}{post.title}".encode()) for post in posts)
    listed = posts[: min(LISTED_OF_YEAR, sum(size < BYTES_OF_YEAR for size in sizes))]
    months = {post.issue for post in posts} if len(listed) < len(posts) else ()
    return listed, sorted(months, reverse=True)


def summary(post: Post, site: Site) -> str:
    """The summary as the feeds show it, with what became of the post."""
    return post_entries(post, "summary", site)[0].summary


class Neighbours:
    """The posts before, after and like each post; made once for all pages, when first needed."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._posts = catalogue.library.posts

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {post.slug: place for place, post in enumerate(self._posts)}

    @cached_property
    def _by_study(self) -> Mapping[str, list[Post]]:
        return _lists_by(_studies, self._posts)

    @cached_property
    def _by_word(self) -> Mapping[str, list[Post]]:
        return _lists_by(lambda post: set(words_in(post.slug)), self._posts)

    def around(self, post: Post) -> tuple[Post | None, Post | None]:
        """The posts before and after *post* in time; None where it is the first or the last."""
        place = self._places[post.slug]
        older = self._posts[place + 1] if place + 1 < len(self._posts) else None
        return older, self._posts[place - 1] if place else None

    def related(self, post: Post) -> list[Post]:
        """The posts on the same study and the same topics; a topic with few posts weighs more."""
        topics = [self._catalogue.posts(Selection(topics=(slug,))) for slug in post.topics]
        groups = [(1 / len(on_topic), on_topic) for on_topic in topics]
        groups += [(1.0, self._by_study[study]) for study in _studies(post)]
        return self._heaviest(groups, post)

    def near(self, path: str) -> list[Post]:
        """The posts whose addresses have words of the last part of *path*; a rare word weighs more."""
        words = words_in(path.rstrip("/").rpartition("/")[2])
        asked = [word for word in words if word in self._by_word]
        others = [word for word in words if len(word) >= MISSPELT and word not in self._by_word]
        for word in others[:MOST_MISSPELT]:
            asked += get_close_matches(word, self._by_word, n=1, cutoff=0.8)
        return self._heaviest((1 / len(self._by_word[word]), self._by_word[word]) for word in asked)

    def _heaviest(
        self, groups: Iterable[tuple[float, Sequence[Post]]], without: Post | None = None
    ) -> list[Post]:
        """The posts with the greatest sum of the weights of their groups."""
        weights: defaultdict[int, float] = defaultdict(float)
        for weight, group in groups:
            for post in group:
                weights[self._places[post.slug]] += weight
        ordered = sorted(weights, key=lambda place: (-weights[place], place))
        return [self._posts[place] for place in ordered if self._posts[place] != without][:NAMED]


def _studies(post: Post) -> set[str]:
    """What identifies each study that a post is about."""
    return {cite.doi or doi_in(cite.text) or cite.text.casefold() for cite in post.cites}


def _lists_by(keys: Callable[[Post], Iterable[str]], posts: Iterable[Post]) -> Mapping[str, list[Post]]:
    lists: dict[str, list[Post]] = {}
    for post in posts:
        for key in keys(post):
            lists.setdefault(key, []).append(post)
    return lists


class SearchQuery(NamedTuple):
    """What somebody searches for: words as typed, and the slugs that narrow the search, or none."""

    words: tuple[str, ...] = ()
    topic: str = ""
    research: str = ""


def search_results(query: SearchQuery, catalogue: Catalogue) -> dict[str, Any]:
    """What the page of a search shows."""
    words, topic, research = query
    ordered = catalogue.search.best_first(tuple(sorted(words))) if words else []
    found = [post for post in ordered if post.status != "withdrawn"]
    on_topic = [post for post in found if not topic or topic in post.topics]
    of_type = [post for post in found if not research or research in post.research]
    hits = [post for post in on_topic if not research or research in post.research]
    lines = [(post, marked(excerpt(post, words), words)) for post in hits[:WITH_EXCERPT]]
    return {
        "hits": lines + [(post, []) for post in hits[WITH_EXCERPT:HITS]],
        "total": len(hits),
        "topics": _facets(catalogue.site.topics, chain.from_iterable(post.topics for post in of_type)),
        "types": _facets(catalogue.site.research, chain.from_iterable(post.research for post in on_topic)),
    }


def _facets(terms: Iterable[Term], slugs: Iterable[str]) -> list[tuple[Term, int]]:
    """The *terms* among *slugs* and how often each is there, the most frequent first."""
    counts = Counter(slugs)
    found = ((term, counts[term.slug]) for term in terms if term.slug in counts)
    return sorted(found, key=lambda pair: -pair[1])
