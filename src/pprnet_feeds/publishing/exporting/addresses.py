"""Which addresses a copy in files answers, and by which names the files go.

A file can stand at most addresses, and a host can be told of some of the rest.
A combination of topics, and whatever depends on a query, is made only when
somebody asks: of that a copy in files has nothing.

Names never leave the folder: they come from addresses of our own grammar.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pprnet_feeds.content.model import Post, Term
from pprnet_feeds.serving.snapshot import Snapshot
from pprnet_feeds.syndication.urls import GUESSED, POST_FORMATS

_FEED = re.compile(r"(/(?:(?!archive/)[a-z0-9-]+/)*)feed\.(atom|rss)")
# Where people and programs are told that guessing works; elsewhere only a host's rules answer.
_GUESSABLE = re.compile(r"/(?:(?:topics|research)/[a-z0-9-]+/)?")


@dataclass(frozen=True, slots=True)
class Moved:
    """A former address and the present one, below the base.

    Attributes:
        whole: whether everything below the former address has moved, too; both then end with a slash.
    """

    former: str
    now: str
    whole: bool = False


def file_name(path: str) -> str:
    """The file that stands for an address in a folder."""
    if path.endswith("/"):
        return f"{path[1:]}index.html"
    # Hosts take a name without an ending for no page, and find `embed` in `embed.html`.
    return path[1:] if "." in path.rpartition("/")[2] else f"{path[1:]}.html"


def key(path: str) -> str:
    """The key that stands for an address in object storage, where every object tells its own type."""
    return f"{path[1:]}index.html" if path.endswith("/") else path[1:]


def guessed(path: str) -> list[str]:
    """The addresses at which the feed at *path* is guessed; none for any other document."""
    match = _FEED.fullmatch(path)
    return [match[1] + name for name, form in GUESSED.items() if form == match[2]] if match else []


def guessed_files(path: str) -> list[str]:
    """The same, but only those that a file can stand at without shadowing a folder."""
    match = _FEED.fullmatch(path)
    return (
        [other for other in guessed(path) if "." in other] if match and _GUESSABLE.fullmatch(match[1]) else []
    )


def moved(snapshot: Snapshot) -> list[Moved]:
    """Every former address that leads somewhere: of posts, and of topics and research types."""
    site = snapshot.site
    return [*_posts(snapshot), *_terms("topics", site.topics), *_terms("research", site.research)]


def gone(snapshot: Snapshot) -> list[str]:
    """The permalinks of withdrawn posts, former ones included, each without its slash."""
    found = (path for post in snapshot.library.withdrawn for path in (f"/posts/{post.slug}", *_former(post)))
    return list(dict.fromkeys(found))


def copies(path: str, moves: list[Moved]) -> list[str]:
    """The former addresses of what stands at *path*: a host that cannot redirect shows it there, too."""
    found = []
    for move in moves:
        if move.whole and path.startswith(move.now):
            found.append(move.former + path.removeprefix(move.now))
        elif path == move.now:
            page = path.endswith("/") and "." not in move.former.rpartition("/")[2]
            found.append(f"{move.former}/" if page else move.former)
    return found


def _posts(snapshot: Snapshot) -> Iterator[Moved]:
    for post in snapshot.library.posts:
        for former in _former(post):
            yield Moved(former, f"/posts/{post.slug}/")
            yield from (Moved(f"{former}.{form}", f"/posts/{post.slug}.{form}") for form in POST_FORMATS)


def _former(post: Post) -> list[str]:
    return [alias.rstrip("/") for alias in post.aliases]


def _terms(folder: str, terms: tuple[Term, ...]) -> Iterator[Moved]:
    for term in terms:
        for slug in term.former:
            yield Moved(f"/{folder}/{slug}/", f"/{folder}/{term.slug}/", whole=True)
