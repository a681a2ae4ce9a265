"""Write imported posts as post files that `check` accepts, and never over a file that is there.

A second run over the same source changes nothing, also after an editor has changed what the first one
wrote: a post is recognised by its id, by its title and month, or by the name its file was given.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from pprnet_feeds.content import dates, files, terms
from pprnet_feeds.content.model import Person, Site, Term, by_name, normal
from pprnet_feeds.content.post import read_post
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.content.yaml import Scalar, read_front_matter
from pprnet_feeds.importing.source_post import SourcePost
from pprnet_feeds.publishing.postfile import citation_lines, list_lines, quote, stems, write_new

_LEFTOVER = re.compile(r"\..+\.(?:md|yaml)\.([0-9]{1,10})")
_NO_TOPIC = (
    "# To do: name a topic of feeds/topics.yaml here, like [{example}]. Until then the post is kept out."
)
_NO_STUDY = "# The source shows no reference above the text. If the post is about a study, add it as `cites`."


@dataclass(frozen=True, slots=True)
class ImportedPost:
    """The file of a post, relative to the site; *what*: written now, or there with the same or other text."""

    file: str
    what: Literal["written", "same", "other"]
    has_topic: bool = True


class PostFolder:
    """The posts of a site, found by id, by month and title, or by name; `begin_source` before each source."""

    def __init__(self, folder: Path, site: Site) -> None:
        self._folder, self._site = folder, site
        self._bodies: dict[str, str] = {}
        self._by_id: dict[str, str] = {}
        self._by_text: dict[tuple[str, str], str] = {}
        self._by_stem: dict[str, str] = {}
        self._by_title: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        self.begin_source()
        for path, name in sorted(each for each in files.post_files(folder) if not isinstance(each, Problem)):
            text = files.read_text(path, name)
            self._add(name, "" if isinstance(text, Problem) else text)

    def begin_source(self) -> None:
        """Forget which posts the last source held."""
        self._seen: Counter[tuple[str, str]] = Counter()
        self._claimed: set[str] = set()

    def add_post(self, post: SourcePost) -> ImportedPost | Problem:
        """Write one post, unless it is there; a problem, whose file is empty, says why it cannot be written.

        Raises:
            OSError: the disk does not take it; nothing is half-written.
        """
        month = dates.month_of(dates.parse_moment(post.date, self._site.time_zone), self._site.time_zone)
        names = self._names(post, month)
        first = next(names)
        if there := self._existing(post, month, first):
            self._claimed.add(there)
            same = "".join(self._bodies[there].split()) == "".join(post.body.split())
            return ImportedPost(there, "same" if same else "other")
        free = itertools.chain([first], names)
        stem = next(each for each in free if each not in self._by_stem and each not in self._by_id)
        if fault := post_fault(post, stem, self._site):
            what = f"the post '{post.title[:60]}' cannot be a file: {fault[0]}"
            return Problem("", post.line, 0, what, fault[1])
        text, name = post_text(post, stem, self._site), f"posts/{stem}.md"
        (self._folder / "posts").mkdir(exist_ok=True)
        write_new(self._folder / name, text)
        self._add(name, text)
        self._claimed.add(name)
        return ImportedPost(name, "written", bool(terms_of(post.labels, self._site)[0]))

    def _existing(self, post: SourcePost, month: str, first_name: str) -> str | None:
        """The file that holds this post already."""
        if post.id and (holder := self._by_id.get(post.id) or self._by_stem.get(post.id)):
            return holder
        title = normal(post.title)
        # The month may be that of the import, as of a Word file; then the text says that it is the same post.
        by_text = self._by_text.get((title, "".join(post.body.split())))
        candidates = [*self._by_title[month, title], self._by_stem.get(first_name), by_text]
        return next((name for name in candidates if name and name not in self._claimed), None)

    def _names(self, post: SourcePost, month: str) -> Iterator[str]:
        """Names for the file, from the one that this post had in an earlier run."""
        if post.id:
            yield post.id
        title = post.name.removeprefix(f"{month}-") or post.title
        self._seen[month, title] += 1
        yield from itertools.islice(stems(month, title), self._seen[month, title] - 1, None)

    def _add(self, name: str, text: str) -> None:
        parts = read_front_matter(text, name)
        stem, zone = PurePosixPath(name).stem, self._site.time_zone
        entries = parts.header.entries if parts.header else {}
        typed = {key: value.text for key, (_, value) in entries.items() if isinstance(value, Scalar)}
        self._bodies[name] = parts.body
        self._by_text[normal(typed.get("title", "")), "".join(parts.body.split())] = name
        self._by_stem.setdefault(stem, name)
        self._by_id.setdefault(typed.get("id", stem), name)
        with contextlib.suppress(ValueError):
            month = dates.month_of(dates.parse_moment(typed.get("date", ""), zone), zone)
            self._by_title[month, normal(typed.get("title", ""))].append(name)


def post_text(post: SourcePost, stem: str, site: Site) -> str:
    """The text of the file *stem*.md."""
    topics, research, _ = terms_of(post.labels, site)
    lines = [f"title: {quote(post.title)}", f"date: {post.date}"]
    lines += [f"updated: {post.updated}"] if post.updated else []
    if post.id and (post.id, post.slug or post.id) != (stem, stem):
        lines += [f"id: {post.id}", f"slug: {post.slug or post.id}"]
    if topics:
        lines += list_lines("topics", topics)
    else:
        near = terms.suggest(post.title, site.topics)[:2] or site.topics[:1]
        lines += [_NO_TOPIC.format(example=", ".join(term.slug for term in near)), "topics: []"]
    lines += list_lines("research", research)
    lines += citation_lines(post.cites) or ([] if post.id else [_NO_STUDY])
    lines += [f"summary: {quote(post.summary)}"] if post.summary else []
    lines += list_lines("authors", map(_person, post.authors))
    if image := post.image:
        alt = f", alt: {quote(image.alt)}" if image.alt else ""
        sizes = f", width: {image.width}, height: {image.height}" if image.width and image.height else ""
        lines.append(f"image: {{url: {quote(image.url)}{alt}{sizes}}}")
    lines += list_lines("aliases", map(quote, post.aliases))
    lines += ["draft: true"] if post.restricted else []
    lines += [f"status: {post.status}"] if post.status != "published" else []
    lines += [f"note: {quote(post.note)}"] if post.note else []
    return "\n".join(["---", *lines, "---", "", post.body])


def terms_of(labels: tuple[str, ...], site: Site) -> tuple[list[str], list[str], list[str]]:
    """The topics and research types among *labels*, as slugs, and the labels that are neither."""
    known = {*by_name(site.topics), *by_name(site.research)}
    unknown = [label for label in dict.fromkeys(labels) if label and normal(label) not in known]
    return _slugs(labels, site.topics), _slugs(labels, site.research), unknown


def _slugs(labels: tuple[str, ...], known: tuple[Term, ...]) -> list[str]:
    index = by_name(known)
    names = map(normal, labels)
    return [known[place].slug for place in sorted({index[name] for name in names if name in index})]


def post_fault(post: SourcePost, stem: str, site: Site) -> tuple[str, str] | None:
    """What `check` would find in the file, except a missing topic, and how to mend it."""
    with_topic = replace(post, labels=(*post.labels, site.topics[0].slug))
    text = post_text(with_topic, stem, site)
    if len(text.encode()) > files.SIZE_LIMIT:
        return "it is longer than the 1 MB that a post may have", "Divide it, and write the parts by hand."
    _, problems = read_post(text, f"posts/{stem}.md", site)
    return (problems[0].what, problems[0].mend) if problems else None


def _person(person: Person) -> str:
    given = {name: quote(value) for name, value in asdict(person).items() if value}
    return given["name"] if len(given) == 1 else f"{{{', '.join(map(': '.join, given.items()))}}}"


def remove_leftovers(folder: Path) -> None:
    """Remove what a run that was killed had begun to write, unless the process of that number still runs."""
    for path in itertools.chain(folder.glob("posts/.*"), folder.glob("feeds/.*")):
        found = _LEFTOVER.fullmatch(path.name)
        if found and path.is_file() and not path.is_symlink() and not _is_running(int(found[1])):
            path.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    if os.name != "posix":  # there, os.kill would end the process
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True
