"""Write imported posts as post files that `check` accepts, and never over a file that is there.

A second run over the same source changes nothing, also after an editor has changed what the first one
wrote: a post is recognised by its id, by its title and month, or by the name its file was given.
"""

import contextlib
import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pprnet_feeds.content import dates, fields, files, slugs, terms
from pprnet_feeds.content.model import Image, Site, Term, by_name, normal
from pprnet_feeds.content.post import read_post
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.content.yaml import Scalar, read_front_matter
from pprnet_feeds.importing.source_post import SourcePost
from pprnet_feeds.publishing.postfile import citation_lines, list_lines, quote, stems, write_file

_NO_TOPIC = (
    "# To do: name a topic of feeds/topics.yaml here, like [{example}]. Until then the post is kept out."
)
_PICTURES = "relative pictures were left as they are (see --pictures)"
# A picture or a link, and its address when that is relative.
_RELATIVE = re.compile(
    r"(!?\[(?:[^\[\]\\\n]|\\.|!\[[^\[\]\n]{0,200}\]\([^()\n]{0,500}\)){0,300}\]\(<?|<img\s(?:[^<>]*\s)?src=[\"']?)"
    r"(?![a-z][a-z0-9+.-]*:|//|#)([^)\s\"'<>]+)",
    re.IGNORECASE,
)
# What a post may do without, with its empty value.
_OPTIONAL: dict[str, Any] = {"image": None, "aliases": (), "authors": (), "updated": ""}
_OPTIONAL |= {"summary": "", "cites": (), "slug": "", "note": ""}
_NO_STUDY = "# The source shows no reference above the text. If the post is about a study, add it as `cites`."


@dataclass(frozen=True, slots=True)
class ImportedPost:
    """The file of a post, relative to the site; *what*: written, or there with the same or another text."""

    file: str
    what: Literal["written", "same", "other"]
    has_topic: bool = True
    is_draft: bool = False
    losses: Mapping[str, int] = field(default_factory=dict)


class PostFolder:
    """The posts of a site, found by id, by month and title, or by name; `begin_source` before each source."""

    def __init__(self, folder: Path, site: Site, pictures: str = "") -> None:
        self._folder, self._site, self._pictures = folder, site, pictures
        self._texts: dict[str, str] = {}  # without white space
        self._by_id: dict[str, str] = {}
        self._by_stem: dict[str, str] = {}
        self._by_title: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)  # with their months
        self.begin_source()
        found = (each for each in files.entries(folder) if not isinstance(each, Problem))
        for path, name in sorted((Path(entry.path), name) for entry, name in found):
            text = files.read_text(path, name)
            self._add(name, "" if isinstance(text, Problem) else text)

    def begin_source(self) -> None:
        """Forget which posts the last source held."""
        self._seen: Counter[tuple[str, str]] = Counter()
        self._claimed: set[str] = set()

    def add_post(self, post: SourcePost) -> ImportedPost | Problem:
        """Write one post, unless it is there; a problem, whose file is empty, says why it cannot be written.

        Raises OSError where the disk does not take it; nothing is half-written.
        """
        month = dates.month_of(dates.parse_moment(post.date, self._site.time_zone), self._site.time_zone)
        names = self._names(post, month)
        first = next(names)
        post = with_pictures(post, self._pictures)
        what: Literal["written", "same", "other"] = "written"
        if name := self._existing(post, month, first):
            what = "same" if self._texts[name] == "".join(post.body.split()) else "other"
        else:
            free = itertools.chain([first], names)
            stem = next(each for each in free if each not in self._by_stem and each not in self._by_id)
            post, fault = fitted(post, stem, self._site)
            if fault:
                why = f"the post '{post.title[:60]}' cannot be a file: {fault.what}"
                return Problem(post.file, post.line, 0, why, fault.mend)
            text, name = post_text(post, stem, self._site), f"posts/{stem}.md"
            (self._folder / "posts").mkdir(exist_ok=True)
            write_file(self._folder / name, text)
            self._add(name, text)
        self._claimed.add(name)
        has_topic = bool(slugs_among(post.labels, self._site.topics))
        return ImportedPost(name, what, has_topic, bool(post.restricted), dict(+Counter(post.losses)))

    def _existing(self, post: SourcePost, month: str, first_name: str) -> str:
        """The file that holds this post already, if one does."""
        if post.id and (holder := self._by_id.get(post.id) or self._by_stem.get(post.id)):
            return holder
        alike, text = self._by_title[normal(post.title)], "".join(post.body.split())
        candidates = [name for its_month, name in alike if its_month == month]
        candidates.sort(key=lambda name: self._texts[name] != text)  # two may have the same title
        candidates += [self._by_stem.get(first_name, "")]
        # The month may be that of the import, as of a Word file; then the text says that it is the same post.
        candidates += [name for _, name in alike if self._texts[name] == text]
        return next((name for name in candidates if name and name not in self._claimed), "")

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
        self._texts[name] = "".join(parts.body.split())
        self._by_stem.setdefault(stem, name)
        self._by_id.setdefault(typed.get("id", stem), name)
        month = ""
        with contextlib.suppress(ValueError):
            month = dates.month_of(dates.parse_moment(typed.get("date", ""), zone), zone)
        self._by_title[normal(typed.get("title", ""))].append((month, name))


def post_text(post: SourcePost, stem: str, site: Site) -> str:
    """The text of the file *stem*.md."""
    topics = slugs_among(post.labels, site.topics)
    lines = [f"title: {quote(post.title)}", f"date: {post.date}"]
    lines += [f"updated: {post.updated}"] if post.updated else []
    if post.id and (post.id, post.slug or post.id) != (stem, stem):
        lines += [f"id: {post.id}", f"slug: {post.slug or post.id}"]
    if topics:
        lines += list_lines("topics", topics)
    else:
        near = terms.suggest(post.title, site.topics)[:2] or site.topics[:1]
        lines += [_NO_TOPIC.format(example=", ".join(term.slug for term in near)), "topics: []"]
    lines += list_lines("research", slugs_among(post.labels, site.research))
    lines += citation_lines(post.cites) or ([] if post.id else [_NO_STUDY])
    lines += [f"summary: {quote(post.summary)}"] if post.summary else []
    lines += list_lines("authors", (_in_braces(asdict(each)) for each in post.authors))
    if image := post.image:
        sized = image if image.width and image.height else Image(image.url, image.alt)
        lines.append(f"image: {_in_braces(asdict(sized))}")
    aliases = (each for each in post.aliases if each.rstrip("/") != f"/posts/{stem}")
    lines += list_lines("aliases", map(quote, aliases))
    lines += ["draft: true"] if post.restricted else []
    lines += [f"status: {post.status}"] if post.status != "published" else []
    lines += [f"note: {quote(post.note)}"] if post.note else []
    return "\n".join(["---", *lines, "---", "", post.body])


def slugs_among(labels: tuple[str, ...], known: tuple[Term, ...]) -> list[str]:
    """The slugs of the *known* topics or research types that are among *labels*."""
    index = by_name(known)
    places = {index[name] for name in map(normal, labels) if name in index}
    return [known[place].slug for place in sorted(places)]


def with_pictures(post: SourcePost, base: str) -> SourcePost:
    """A post with *base* and a slash before each relative picture; without *base* they are counted."""
    losses = Counter(post.losses)

    def placed(found: re.Match[str]) -> str:
        if base and found[1][0] in "!<":
            return f"{found[1]}{base}/{found[2].lstrip('./')}"
        losses[_PICTURES if found[1][0] in "!<" else "relative links were left as they are"] += 1
        return found[0]

    body, image = _RELATIVE.sub(placed, post.body), post.image
    if image and not fields.is_address(image.url):
        losses[_PICTURES] += not base
        at = f"{base}/{image.url.lstrip('./')}" if base else image.url
        image = replace(image, url=at) if base or slugs.is_path(at) else None
    return replace(post, body=body, image=image, losses=losses)


def fitted(post: SourcePost, stem: str, site: Site) -> tuple[SourcePost, Problem | None]:
    """A post without those of its optional parts that `check` would refuse, and what is wrong with the rest.

    What `check` warns of in its text is counted among its losses.
    """
    losses = Counter(post.losses)
    faults, warnings = _faults(post, stem, site)
    for name, empty in _OPTIONAL.items():
        trial = replace(post, **{name: empty})
        fewer = _faults(trial, stem, site)[0] if faults and trial != post else faults
        if len(fewer) < len(faults):
            losses[f"`{name}` was left out: {faults[0].what.partition(':')[0].replace('`', '')}"] += 1
            post, faults = trial, fewer
    losses.update(warning.what for warning in warnings)
    return replace(post, losses=+losses), faults[0] if faults else None


def _faults(post: SourcePost, stem: str, site: Site) -> tuple[list[Problem], list[Problem]]:
    """What `check` would find in the file, except a missing topic: problems, and warnings."""
    with_topic = replace(post, labels=(*post.labels, site.topics[0].slug))
    text = post_text(with_topic, stem, site)
    if len(text.encode()) > files.SIZE_LIMIT:
        mend = "Divide it, and write the parts by hand."
        return [Problem("", 0, 0, "it is longer than the 1 MB that a post may have", mend)], []
    _, found = read_post(text, f"posts/{stem}.md", site, bodies=True)
    return [each for each in found if not each.warning], [each for each in found if each.warning]


def _in_braces(values: dict[str, Any]) -> str:
    given = {name: quote(value) for name, value in values.items() if value}
    lines = (f"{name}: {value}" for name, value in given.items())
    return given["name"] if [*given] == ["name"] else f"{{{', '.join(lines)}}}"
