"""Where each post goes, and never over a file that is there.

A second run over the same source must change nothing, also after an editor
has worked on what the first one wrote: a post is known again by its id, by its
title and month, or by the name its file was given.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import Literal

from pprnet_feeds.content import dates, files
from pprnet_feeds.content.model import Site, normal
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.content.yaml import Scalar, read_front_matter
from pprnet_feeds.publishing.importing import postfiles
from pprnet_feeds.publishing.importing.readings import Found
from pprnet_feeds.publishing.newpost import stems
from pprnet_feeds.publishing.postfile import write_new

_LEFTOVER = re.compile(r"\..+\.(?:md|yaml)\.([0-9]{1,10})")


@dataclass(frozen=True, slots=True)
class Filed:
    """What became of one post.

    Attributes:
        file: path relative to the site.
        what: ``other`` means: there already, with another text, which was left alone.
    """

    file: str
    what: Literal["written", "same", "other"]
    has_topic: bool = True


@dataclass(slots=True)
class Shelf:
    """The posts of a site as they are found again: by id, by month and title, by name.

    One shelf goes through all sources of a run; `begin` before each.
    """

    folder: Path
    site: Site
    bodies: dict[str, str] = field(default_factory=dict)
    _by_id: dict[str, str] = field(default_factory=dict)
    _by_stem: dict[str, str] = field(default_factory=dict)
    _by_title: defaultdict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    _seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    _claimed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Look at every post that is there, also at faulty ones."""
        for found in sorted(files.post_files(self.folder), key=str):
            if isinstance(found, Problem):
                continue
            text = files.read_text(*found)
            if not isinstance(text, Problem):
                self._put(found[1], text)
            self._by_stem.setdefault(PurePosixPath(found[1]).stem, found[1])

    def begin(self) -> None:
        """Forget which posts the last source spoke of."""
        self._seen.clear()
        self._claimed.clear()

    def file(self, found: Found) -> Filed | Problem:
        """Write one post, unless it is there; a problem, whose file is empty, tells why it cannot be.

        Raises:
            OSError: the disk does not take it; nothing is half-written.
        """
        month = dates.month_of(dates.parse_moment(found.date, self.site.time_zone), self.site.time_zone)
        key = (month, normal(found.title))
        names = self._names(found, month)
        first = next(names)
        there = self._there(found, key, first)
        if there is None:
            free = (name for name in chain([first], names) if self._is_free(name))
            stem = next(free)
            if fault := postfiles.fault(found, stem, self.site):
                what = f"the post '{found.title[:60]}' cannot be a file: {fault[0]}"
                return Problem("", found.line, 0, what, fault[1])
            text, name = postfiles.text_of(found, stem, self.site), f"posts/{stem}.md"
            (self.folder / "posts").mkdir(exist_ok=True)
            write_new(self.folder / name, text)
            self._put(name, text)
            self._claimed.add(name)
            return Filed(name, "written", bool(postfiles.filed(found.labels, self.site)[0]))
        self._claimed.add(there)
        same = _letters(self.bodies.get(there, "")) == _letters(found.body)
        return Filed(there, "same" if same else "other")

    def _is_free(self, name: str) -> bool:
        return name not in self._by_stem and name not in self._by_id

    def _there(self, found: Found, key: tuple[str, str], first_name: str) -> str | None:
        """The file that holds this post already."""
        if found.id and (holder := self._by_id.get(found.id) or self._by_stem.get(found.id)):
            return holder
        same_title = (name for name in self._by_title[key] if name not in self._claimed)
        if title := next(same_title, None):
            return title
        named = self._by_stem.get(first_name)
        return named if named not in self._claimed else None

    def _names(self, found: Found, month: str) -> Iterator[str]:
        """Names for the file, from the one that this post had in an earlier run."""
        if found.id:
            yield found.id
        title = found.name.removeprefix(f"{month}-") or found.title
        before = self._seen[month, title]
        self._seen[month, title] += 1
        yield from islice(stems(month, title), before, None)

    def _put(self, name: str, text: str) -> None:
        parts = read_front_matter(text, name)
        stem = PurePosixPath(name).stem
        values = parts.header.entries if parts.header else {}
        typed = {key: value.text for key, (_, value) in values.items() if isinstance(value, Scalar)}
        self.bodies[name] = parts.body
        self._by_stem.setdefault(stem, name)
        self._by_id.setdefault(typed.get("id", stem), name)
        try:
            published = dates.parse_moment(typed.get("date", ""), self.site.time_zone)
        except ValueError:
            return
        month = dates.month_of(published, self.site.time_zone)
        self._by_title[month, normal(typed.get("title", ""))].append(name)


def remove_leftovers(folder: Path) -> None:
    """Take away what a run that was killed had begun to write and nobody else is writing now."""
    for place in (folder / "posts", folder / "feeds"):
        for path in place.glob(".*") if place.is_dir() else ():
            found = _LEFTOVER.fullmatch(path.name)
            if found and path.is_file() and not path.is_symlink() and not _is_running(int(found[1])):
                path.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    if os.name != "posix":  # elsewhere this question would end the process
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _letters(text: str) -> str:
    return "".join(text.split())
