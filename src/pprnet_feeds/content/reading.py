"""What was read of each post file, so that only what changed is read again.

A file whose signature stands still is not opened. A faulty edit takes nothing
away from readers: the last good version of its post stays until the file is
sound again or gone.

What cannot be trusted is remembered without a signature, and looked at again
the next time: a file that could not be read or was written to meanwhile, and
one so young that an edit could hide within the grain of the file system's clock.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from operator import is_
from pathlib import Path

from pprnet_feeds.content import files, terms
from pprnet_feeds.content.dates import month_of
from pprnet_feeds.content.model import Post, Site, Term
from pprnet_feeds.content.moved import post_files
from pprnet_feeds.content.posts import read_post
from pprnet_feeds.content.problems import Problem

_STAYS = "; its last good version stays"

# What of a site decides how its posts are read: the zone, and the names of topics and research types.
Basis = tuple[str, tuple[tuple[str, ...], ...], tuple[tuple[str, ...], ...]]


@dataclass(frozen=True, slots=True)
class FileRead:
    """What one file said when it was last read.

    Attributes:
        signature: that of the file (`files.signature`); empty when it is to be read again.
        digest: stands for its bytes; empty when they could not be read.
        post: as the file has it, or its last good version where the file is faulty.
        problems: those of the file as it is.
    """

    signature: bytes
    digest: bytes
    post: Post | None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What all files said. A file that did not change has the same `FileRead` in the next one.

    Attributes:
        by_file: what was read, by the name of the file.
        problems: those of folders, and of files that are no posts by their names.
    """

    basis: Basis
    by_file: Mapping[str, FileRead]
    problems: tuple[Problem, ...] = ()


def basis_of(site: Site) -> Basis:
    """What decides how posts of the *site* are read."""
    return site.time_zone.key, _names(site.topics), _names(site.research)


def read_files(
    folder: Path,
    site: Site,
    now: datetime,
    held: Reading | None = None,
    *,
    bodies: bool = False,
    moved: Collection[str] | None = None,
) -> Reading:
    """Read the post files below *folder* that are not as they were when *held* was read.

    *now* tells which files are young. With *bodies* every file is read, and
    its text looked into as well. *moved* are the names of all that can have changed since,
    folders among them; without it every file is looked at. *held* itself is the answer when nothing moved.
    """
    basis = basis_of(site)
    before: Mapping[str, FileRead] = held.by_file if held else {}
    is_valid = held is not None and held.basis == basis and not bodies
    if is_valid and held is not None and moved is not None:
        unsure = [name for name, was in before.items() if not was.signature]
        told = {problem.file for problem in held.problems}
        chosen = post_files(folder, {*moved, *unsure}, before.keys(), told)
        if chosen is not None:
            return _read_some(folder, site, now, held, chosen)
    settled = settled_by(now)
    by_file: dict[str, FileRead] = {}
    problems: list[Problem] = []
    is_new = not is_valid
    for found in files.entries(folder, strangers=bodies):
        if isinstance(found, Problem):
            problems.append(found)
            continue
        entry, name = found
        was = before.get(name)
        if is_valid and was is not None:
            try:
                still = files.signature(entry.stat(follow_symlinks=False)) == was.signature
            except OSError:
                still = False
            if still:
                by_file[name] = was
                continue
        is_new = True
        same = was if is_valid else None
        by_file[name] = look(entry.path, name, site, settled, was, same, bodies=bodies)
    if held and not is_new and len(before) == len(by_file) and held.problems == tuple(problems):
        return held
    return Reading(basis, by_file, tuple(problems))


def _read_some(folder: Path, site: Site, now: datetime, held: Reading, names: set[str]) -> Reading:
    """Read the files of some *names*."""
    by_file, settled = dict(held.by_file), settled_by(now)
    for name in names:
        was, path = by_file.get(name), os.fspath(folder / name)
        try:
            signature = files.signature(os.lstat(path))
        except OSError:
            if was is None:
                continue  # made and gone again
            signature = b""
        if was is None or signature != was.signature or not signature:
            by_file[name] = look(path, name, site, settled, was, was)
    same = len(by_file) == len(held.by_file) and all(map(is_, by_file.values(), held.by_file.values()))
    return held if same else Reading(held.basis, by_file, held.problems)


def settled_by(now: datetime) -> int:
    """Whatever was written before this moment, in nanoseconds, can be told from what is written later."""
    return int(now.timestamp()) * 1_000_000_000 - files.GRAIN


def look(
    path: str,
    name: str,
    site: Site,
    settled: int,
    was: FileRead | None,
    same: FileRead | None,
    *,
    bodies: bool = False,
) -> FileRead:
    """Look into a file; *same*, if it is what it *was* and that still counts, when its bytes are the same."""
    data = files.read_bytes(path, name)
    if isinstance(data, Problem):
        return _faulty(b"", b"", was, [data], site)
    status = data[1]
    is_young = max(status.st_mtime_ns, status.st_ctime_ns) >= settled
    signature = b"" if is_young else files.signature(status)
    digest = hashlib.blake2b(data[0], digest_size=16).digest()
    if same is not None and same.digest == digest:
        return replace(same, signature=signature)
    return _read(data[0], name, site, was, signature, digest, bodies=bodies)


def _read(
    data: bytes, name: str, site: Site, was: FileRead | None, signature: bytes, digest: bytes, *, bodies: bool
) -> FileRead:
    text = files.decode(data, name)
    if isinstance(text, Problem):
        return _faulty(signature, digest, was, [text], site)
    post, problems = read_post(text, name, site, bodies=bodies)
    if post is None:
        return _faulty(signature, digest, was, problems, site)
    with contextlib.suppress(OSError):  # the text of the former may be lost
        if was is not None and was.post == post:
            post = was.post
    return FileRead(signature, digest, post, tuple(problems))


def _faulty(
    signature: bytes, digest: bytes, was: FileRead | None, problems: list[Problem], site: Site
) -> FileRead:
    """What is remembered of a file that is no post as it stands."""
    kept = _kept(was.post, site) if was and was.post else None
    if kept is not None:
        problems = [replace(problem, what=problem.what + _STAYS) for problem in problems]
    return FileRead(signature, digest, kept, tuple(problems))


def _kept(post: Post, site: Site) -> Post | None:
    """A post that was read before, in the words of the *site* as it is; None where they are lacking."""
    topics, research = _slugs(post.topics, site.topics), _slugs(post.research, site.research)
    if topics is None or research is None:
        return None
    return post.but(topics=topics, research=research, issue=month_of(post.published, site.time_zone))


def _slugs(slugs: tuple[str, ...], known: tuple[Term, ...]) -> tuple[str, ...] | None:
    """What terms are called by now; None when one of them is unknown."""
    index = terms.by_name(known)
    places = {index.get(terms.normal(slug), -1) for slug in slugs}
    return None if -1 in places else tuple(known[place].slug for place in sorted(places))


def _names(known: tuple[Term, ...]) -> tuple[tuple[str, ...], ...]:
    return tuple((term.slug, term.label, *term.former) for term in known)
