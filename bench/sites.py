"""Blogs of any size, the same at every run: what the benches read, ours and the rivals' alike.

A post is about 2 kB of Markdown with typographic quotes and Practice Implications, in two or three of
the blog's 36 topics and one of its types of research, with one cited study and its DOI; posts are spread evenly
from 2013 to October 2026. Its words are those of the repository's own posts, as frequent as there and in any
order, so that the feeds compress as real ones do. Chance comes from the number of the post alone.
"""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parent.parent
BASE = "https://feeds.example.org"
TAG = "bench.example.org,2013:blog"
TITLE = "A Blog of Many Posts"
AUTHOR = "Ada Writer"
SITE = f"""\
title: "{TITLE}"
short_title: "Many"
subtitle: "Monthly summaries of published research, with what each means for practice."
base_url: "{BASE}"
tag_root: "{TAG}"
author: {{name: "{AUTHOR}"}}
language: en
time_zone: UTC
rights: "© The authors"
"""
_FIRST, _LAST = datetime(2013, 1, 1, 12, tzinfo=UTC), datetime(2026, 10, 31, 12, tzinfo=UTC)

_NAMES = "Abbott Brière Castonguay Dupuis Ekström Fraser Gómez Hill Ito Jansen Kowalski Lambert Møller Norcross Okafor Piper".split()
_JOURNALS = (
    "Psychotherapy Research",
    "Journal of Counseling Studies",
    "Clinical Reviews",
    "Practice and Evidence",
)


def _words() -> list[str]:
    """The words of the repository's posts, each as often as it stands there."""
    bodies = (path.read_text("utf-8").split("---", 2)[2] for path in sorted((ROOT / "posts").glob("*.md")))
    return [word for body in bodies for word in re.findall(r"[A-Za-z’-]+", body)]


_WORDS = _words()


def _slugs(name: str) -> tuple[tuple[str, str], ...]:
    text = (ROOT / "feeds" / name).read_text("utf-8")
    return tuple(re.findall(r'^- slug: (\S+)\n  label: "(.+)"', text, re.MULTILINE))


TOPICS = _slugs("topics.yaml")
TYPES = _slugs("research.yaml")


@dataclass(frozen=True)
class Post:
    """One post before any format.

    Attributes:
        name: of its file, without the ending; also the last part of its address and id.
        topics: slug and label of each.
        cited: the fields of the cited study, as `cites` has them.
    """

    name: str
    title: str
    date: datetime
    topics: tuple[tuple[str, str], ...]
    research: tuple[str, str]
    summary: str
    body: str
    cited: dict[str, str] = field(default_factory=dict)

    @property
    def moment(self) -> str:
        """When it was published (RFC 3339)."""
        return self.date.strftime("%Y-%m-%dT%H:%M:%SZ")


def posts(count: int) -> Iterator[Post]:
    """The posts of a site of *count*, the oldest first."""
    step = (_LAST - _FIRST) / max(1, count - 1)
    for number in range(count):
        yield _post(number, (_FIRST + number * step).replace(microsecond=0))


def _post(number: int, date: datetime) -> Post:
    chance = random.Random(number)

    def sentence() -> str:
        words = chance.choices(_WORDS, k=chance.randrange(11, 27))
        if chance.random() < 0.2:
            words[3] = f"“{words[3]}”"
        words[0] = words[0].capitalize()
        return " ".join(words) + chance.choice(
            (".", ".", ".", f" (d = 0.{chance.randrange(10, 99)}).", ", it’s said.")
        )

    def phrase(count: int) -> str:
        return " ".join(chance.choices(_WORDS, k=count)).capitalize()

    family, other = chance.sample(_NAMES, 2)
    year, volume, page = date.year - chance.randrange(3), chance.randrange(9, 90), chance.randrange(1, 900)
    journal, title = chance.choice(_JOURNALS), phrase(9)
    doi = f"10.5555/bench.{number}"
    text = f"{family}, A., & {other}, B. ({year}). {title}. {journal}, {volume}, {page}-{page + 12}. https://doi.org/{doi}"
    paragraphs = [" ".join(sentence() for _ in range(4)) for _ in range(3)]
    paragraphs[1] = f"{family} and colleagues’ *main* finding: {paragraphs[1]}"
    advice = " ".join(sentence() for _ in range(4))
    return Post(
        name=f"{date:%Y-%m}-{number:06}-post",
        title=phrase(6),
        date=date,
        topics=tuple(sorted(chance.sample(TOPICS, 2 + number % 2))),
        research=TYPES[number % len(TYPES)],
        summary=sentence(),
        body="\n\n".join([*paragraphs, "## Practice Implications", advice]) + "\n",
        cited={
            "text": text,
            "doi": doi,
            "title": title,
            "container": journal,
            "year": str(year),
            "volume": str(volume),
            "pages": f"{page}-{page + 12}",
        },
    )


def make_site(folder: Path, count: int) -> Path:
    """Write a site of *count* posts as we read it."""
    (folder / "posts").mkdir(parents=True)
    (folder / "feeds").mkdir()
    (folder / "feeds/site.yaml").write_text(SITE)
    for name in ("topics.yaml", "research.yaml"):
        shutil.copy(ROOT / "feeds" / name, folder / "feeds")
    (folder / "feeds/issues.yaml").write_text("2013-01: I begin\n")
    for post in posts(count):
        path_of(folder, post).write_text(as_file(post))
    return folder


def path_of(folder: Path, post: Post) -> Path:
    """The post's file: a folder a year, as a large site would have it."""
    path = folder / "posts" / str(post.date.year) / f"{post.name}.md"
    path.parent.mkdir(exist_ok=True)
    return path


def as_file(post: Post) -> str:
    """The post as an editor writes it."""
    cited = "".join(f'    {key}: "{value}"\n' for key, value in post.cited.items())
    return (
        f'---\ntitle: "{post.title}"\ndate: {post.moment}\ntopics: [{", ".join(slug for slug, _ in post.topics)}]\n'
        f"research: [{post.research[0]}]\ncites:\n  -{cited[3:]}"
        f'summary: "{post.summary}"\n---\n\n{post.body}'
    )
