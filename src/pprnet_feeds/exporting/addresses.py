"""The addresses that a static copy answers, and the files at which it does.

Besides the address of each document these are the guessed ones of its feeds (``/feed``, ``/rss.xml``), and
the former ones of posts, topics and research types. What depends on a query has no file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import chain
from typing import NamedTuple

from pprnet_feeds.content.model import Post
from pprnet_feeds.serving.snapshot import Snapshot
from pprnet_feeds.syndication.urls import GUESSED, POST_FORMATS

# A folder that has feeds, as the pattern of a path or of a rule; archives are not guessed.
FEED_FOLDER = "/(?:(?!archive/)[a-z0-9:-]+/)*"
_FEED = re.compile(rf"({FEED_FOLDER})feed\.(atom|rss)")


class Move(NamedTuple):
    """A former address and the present one; *whole*: so did everything below, and both end with a slash."""

    former: str
    now: str
    whole: bool = False


def file_name(path: str) -> str:
    """The file of an address in a folder: hosts find ``embed.html`` for ``embed``."""
    return f"{path[1:]}.html" if "." not in path and not path.endswith("/") else object_key(path)


def object_key(path: str) -> str:
    """The key of an address in object storage, where each object has its own type."""
    return f"{path[1:]}index.html" if path.endswith("/") else path[1:]


def guessed(path: str) -> dict[str, bool]:
    """The addresses at which the feed at *path* is guessed; true where a file hides no folder."""
    match = _FEED.fullmatch(path)
    names = [name for name, form in GUESSED.items() if match and form == match[2]]
    return {match[1] + name: "." in name for name in names} if match else {}


def moves(snapshot: Snapshot) -> list[Move]:
    """The former addresses of posts, topics and research types, each once."""
    found = []
    for post in snapshot.library.posts:
        for former in _former(post):
            found.append(Move(former, f"/posts/{post.slug}/"))
            found += [Move(f"{former}.{form}", f"/posts/{post.slug}.{form}") for form in POST_FORMATS]
    for folder, terms in (("topics", snapshot.site.topics), ("research", snapshot.site.research)):
        for term in terms:
            found += [Move(f"/{folder}/{old}/", f"/{folder}/{term.slug}/", True) for old in term.former]
    return [*{move.former: move for move in found}.values()]


def withdrawn(snapshot: Snapshot) -> list[str]:
    """The addresses of withdrawn posts, former ones included, without a slash at the end."""
    found = (path for post in snapshot.library.withdrawn for path in (f"/posts/{post.slug}", *_former(post)))
    return [*dict.fromkeys(found)]


def names(path: str, moved: Mapping[str, list[Move]], *, has_rules: bool) -> list[str]:
    """The files of a document. Where no rules redirect, guessed and former addresses all have files.

    *moved* has the former addresses by the present one.
    """
    if has_rules:
        return [*map(file_name, (path, *(other for other, is_file in guessed(path).items() if is_file)))]
    found = [path, *guessed(path)]
    for address in tuple(found):
        folder = "/".join(address.split("/")[:3]) + "/"  # of a topic or a type of research
        for former, now, whole in chain.from_iterable(moved.get(one, ()) for one in {address, folder}):
            if whole:
                found.append(former + address.removeprefix(now))
            elif address == now:
                is_page = now.endswith("/") and "." not in former.rpartition("/")[2]
                found.append(f"{former}/" if is_page else former)
    return [*dict.fromkeys(map(object_key, found))]


def _former(post: Post) -> list[str]:
    return [alias.rstrip("/") for alias in post.aliases]
