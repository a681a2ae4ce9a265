"""All sound posts of a site, and the faults that are seen only side by side.

What is not public at a moment, being a draft or still to come, is in nothing
here: no list, no count, no date. Whoever draws feeds from a library cannot
leak it. A faulty post is left out and told, and never touches another one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from pprnet_feeds.content import files
from pprnet_feeds.content.model import Post, Site
from pprnet_feeds.content.posts import read_post
from pprnet_feeds.content.problems import Problem, quoted


@dataclass(frozen=True, slots=True)
class Library:
    """Everything a site says at one moment.

    Attributes:
        posts: those that readers may see, the newest first: by `published`, then by id.
        withdrawn: those taken back, in the same order.
        problems: in the order of files and lines.
        next_release: the next moment at which any of this changes by itself.
    """

    site: Site
    posts: tuple[Post, ...]
    withdrawn: tuple[Post, ...]
    problems: tuple[Problem, ...]
    next_release: datetime | None


def read_library(folder: Path, site: Site, now: datetime, *, drafts: bool = False) -> Library:
    """Read every post below *folder*, as it stands at *now*.

    *drafts* lets drafts and posts of the future in, for a preview.
    """
    posts: list[Post] = []
    problems: list[Problem] = []
    for found in files.post_files(folder):
        if isinstance(found, Problem):
            problems.append(found)
            continue
        path, name = found
        text = files.read_text(path, name)
        if isinstance(text, Problem):
            problems.append(text)
            continue
        post, told = read_post(text, name, site)
        problems += told
        if post:
            posts.append(post)
    single, doubles = _without_doubles(posts, now)
    return _library(site, single, sorted([*problems, *doubles]), now, drafts)


def _library(
    site: Site, posts: Iterable[Post], problems: list[Problem], now: datetime, drafts: bool
) -> Library:
    public: list[Post] = []
    changes: list[datetime] = []
    for post in posts:
        if not post.draft:
            changes += [moment for moment in (post.published, post.updated) if moment > now]
        if drafts or _is_public(post, now):
            public.append(post if drafts else _at(post, now))
    public.sort(key=lambda post: post.id)
    public.sort(key=lambda post: post.published, reverse=True)
    return Library(
        site=site,
        posts=tuple(post for post in public if post.status != "withdrawn"),
        withdrawn=tuple(post for post in public if post.status == "withdrawn"),
        problems=tuple(problems),
        next_release=min(changes, default=None),
    )


def _is_public(post: Post, now: datetime) -> bool:
    return not post.draft and post.published <= now


def _at(post: Post, now: datetime) -> Post:
    """The post as readers may see it: a change of the future has not happened yet."""
    return post if post.updated <= now else replace(post, updated=post.published)


def _without_doubles(posts: list[Post], now: datetime) -> tuple[list[Post], list[Problem]]:
    """Posts of which no two share an id, a slug or a former path.

    The older one stays, because readers hold it already; what is not public
    never pushes out what is.
    """
    taken: dict[tuple[str, str], Post] = {}
    single: list[Post] = []
    problems: list[Problem] = []
    for post in sorted(posts, key=lambda post: (not _is_public(post, now), post.published, post.file)):
        claims = {
            ("id", post.id): f"`id` {quoted(post.id)}",
            ("slug", post.slug): f"`slug` {quoted(post.slug)}",
        }
        claims |= {_address(alias): f"path {quoted(alias)} in `aliases`" for alias in post.aliases}
        clashes = [(told, taken[claim].file) for claim, told in claims.items() if claim in taken]
        for told, other in clashes:
            mend = f"Change it here; until then this post is left out, and {other} stays."
            problems.append(Problem(post.file, 0, 0, f"the {told} is taken by {other}", mend))
        if not clashes:
            taken.update(dict.fromkeys(claims, post))
            single.append(post)
    return single, problems


def _address(alias: str) -> tuple[str, str]:
    """What an alias claims: a permalink of ours, or a path of its own."""
    path = alias.rstrip("/")
    folder, _, last = path.rpartition("/")
    return ("slug", last) if folder == "/posts" else ("alias", path)
