"""Reads the post files that changed, and keeps the last good version of a faulty post.

A file whose signature is unchanged is not opened, and its post stays the same object. A file that could
not be read, or is so young that its times may not show another edit, is read again the next time.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pprnet_feeds.content import files
from pprnet_feeds.content.dates import month_of
from pprnet_feeds.content.model import Post, Site, Term, by_name, normal
from pprnet_feeds.content.post import read_post
from pprnet_feeds.content.problems import Problem


class Look(NamedTuple):
    """A look at the files: the entries of ``posts/`` just now, and the signatures of the files by name.

    *at_rest* says whether a file of that name may be read at this signature; with an empty one,
    whether its removal counts.
    """

    found: Sequence[files.Found]
    signatures: Mapping[str, bytes]
    at_rest: Callable[[str, bytes], bool]

    def has_feeds(self, signatures: Mapping[str, bytes]) -> bool:
        """Whether *signatures* are those of all files of ``feeds/`` at this look."""
        return signatures == {name: at for name, at in self.signatures.items() if name.startswith("feeds/")}


@dataclass(frozen=True, slots=True)
class FileRead:
    """What was read from one file."""

    signature: bytes  # that of the file (`files.signature`); empty when it is to be read again
    digest: bytes  # of its bytes; empty when they could not be read
    post: Post | None  # as the file has it, or its last good version where the file is faulty
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read from all files, by their names; one that did not change has the same in the next one.

    The *basis* is what of the site decides how they are read. The *problems* are those of folders, and of
    files that are no posts by their names.
    """

    basis: tuple[ZoneInfo, tuple[Term, ...], tuple[Term, ...]] | None = None
    by_file: Mapping[str, FileRead] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def read_files(
    folder: Path, site: Site, now: datetime, before: Reading, *, bodies: bool, look: Look | None
) -> Reading:
    """Read the post files below *folder* that are not as they were in the reading *before*.

    *now* decides which files are young. With *bodies* every file is read, and its text is checked
    as well. A file that is not at rest in this *look* stays as it was *before*, or stays out when it
    is new. The result is *before* itself when nothing changed.
    """
    basis = site.time_zone, site.topics, site.research
    was_read, is_valid = before.by_file, before.basis == basis and not bodies
    by_file: dict[str, FileRead] = {}
    problems: list[Problem] = []
    for found in look.found if look else files.entries(folder, report_others=bodies):
        if isinstance(found, Problem):
            problems.append(found)
            continue
        entry, name = found
        was = was_read.get(name)
        signature = look.signatures.get(name, b"") if look else files.signature_of(entry)
        is_same = was is not None and was.signature == signature != b""
        if not is_same and look and not look.at_rest(name, signature):
            if was is None:
                continue
            is_same = True
        if was is not None and is_same and is_valid:
            by_file[name] = was
        else:
            by_file[name] = _read_file(entry.path, name, site, now, was, is_valid, bodies)
    if look:
        removed = was_read.keys() - by_file.keys()
        by_file |= {name: was_read[name] for name in removed if not look.at_rest(name, b"")}
    reading = Reading(basis, by_file, tuple(problems))
    # Most values are the same objects, which are equal at once.
    return before if is_valid and reading == before else reading


def _read_file(
    path: str, name: str, site: Site, now: datetime, was: FileRead | None, is_valid: bool, bodies: bool
) -> FileRead:
    """Read one file; *is_valid* says whether what it *was* counts when its bytes are the same."""
    post, problems, signature, digest = None, list[Problem](), b"", b""
    data = files.read_bytes(path, name)
    if isinstance(data, Problem):
        problems = [data]
    else:
        content, status = data
        settled = int(now.timestamp()) * 1_000_000_000 - files.GRAIN
        if max(status.st_mtime_ns, status.st_ctime_ns) < settled:  # a younger one is read again
            signature = files.signature(status)
        digest = hashlib.blake2b(content, digest_size=16).digest()
        if is_valid and was is not None and was.digest == digest:
            return replace(was, signature=signature)
        text = files.text_of(content, name)
        if isinstance(text, Problem):
            problems = [text]
        else:
            post, problems = read_post(text, name, site, bodies=bodies, now=now if bodies else None)
    if was is not None and was.post is not None:
        if post is None and (post := _with_present_names(was.post, site)):
            problems = [replace(each, what=f"{each.what}; its last good version stays") for each in problems]
        elif was.post == post:
            post = was.post
    return FileRead(signature, digest, post, tuple(problems))


def _with_present_names(post: Post, site: Site) -> Post | None:
    """A post that was read before, under the present names of its terms; None where one is unknown."""
    terms: list[tuple[str, ...]] = []
    for slugs, known in ((post.topics, site.topics), (post.research, site.research)):
        index = by_name(known)
        places = {index.get(normal(slug), -1) for slug in slugs}
        if -1 in places:
            return None
        terms.append(tuple(known[place].slug for place in sorted(places)))
    return post.but(topics=terms[0], research=terms[1], issue=month_of(post.published, site.time_zone))
