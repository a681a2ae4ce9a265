"""Lists of posts on pages: by year, the newest first, and never so long that a page grows heavy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from pprnet_feeds.content.model import Post, Site
from pprnet_feeds.syndication.catalogue import Catalogue
from pprnet_feeds.syndication.entries import post_entries
from pprnet_feeds.syndication.selection import lead

# How many posts one page shows with their summaries, and how many at all.
WITH_SUMMARY = 15
LISTED = 80
# How many posts the page of a year lists; of the others it names the months.
LISTED_OF_YEAR = 250


# A post with its summary, which is empty where only the title is listed.
Line = tuple[Post, str]


@dataclass(frozen=True, slots=True)
class PostList:
    """The posts of a page.

    Attributes:
        total: how many there are, listed or not.
        by_year: the posts listed, by year, the newest first.
        years: the years that have pages of their own; none when all posts are listed here.
    """

    total: int
    by_year: list[tuple[int, list[Line]]]
    years: list[int]


def list_posts(posts: Sequence[Post], site: Site) -> PostList:
    """The list of *posts*, which are in order."""
    lines = [(post, summary(post, site)) for post in posts[:WITH_SUMMARY]]
    lines += [(post, "") for post in posts[WITH_SUMMARY:LISTED]]
    by_year = [(year, list(group)) for year, group in groupby(lines, lambda line: line[0].year)]
    return PostList(len(posts), by_year, years(posts))


def years(posts: Sequence[Post]) -> list[int]:
    """The years of *posts* that have pages of their own, the newest first."""
    return sorted({post.year for post in posts}, reverse=True) if len(posts) > LISTED else []


def months(posts: Sequence[Post]) -> list[str]:
    """The months of *posts*, the newest first, where they are too many for one page."""
    return sorted({post.issue for post in posts}, reverse=True) if len(posts) > LISTED_OF_YEAR else []


def newest_issues(catalogue: Catalogue) -> Iterable[tuple[str, str, Sequence[Post]]]:
    """Month, sentence and posts of the newest issue that has posts, after those that are only announced."""
    for month, posts in catalogue.months.items():
        yield month, lead(catalogue.site.issues.get(month, "")), posts
        if posts:
            return


def summary(post: Post, site: Site) -> str:
    """The summary as the feeds show it, with what became of the post."""
    return post_entries(post, "summary", site)[0].summary
