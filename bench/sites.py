"""Blogs of any size, the same at every run, for us and for Hugo.

A post is about 2 kB of Markdown with Practice Implications, in two or three topics, with one cited study. Its words
are those of the repository's own posts, so that feeds compress as real ones do.
"""

import json
import random
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parent.parent
# hugo/ repeats the base URL, the tag root, the title and the author.
SITE = """\
title: "A Blog of Many Posts"
short_title: "Many"
subtitle: "Monthly summaries of published research, with what each means for practice."
base_url: "https://feeds.example.org"
tag_root: "bench.example.org,2013:blog"
author: {name: "Ada Writer"}
language: en
time_zone: UTC
rights: "© The authors"
"""
_FIRST, _LAST = datetime(2013, 1, 1, 12, tzinfo=UTC), datetime(2026, 10, 31, 12, tzinfo=UTC)
_NAMES = "Abbott Brière Castonguay Dupuis Ekström Fraser Gómez Hill Ito Jansen Kowalski Møller Okafor".split()
_JOURNALS = ("Psychotherapy Research", "Journal of Counseling Studies", "Clinical Reviews")
_BODIES = [path.read_text("utf-8").split("---", 2)[2] for path in sorted((ROOT / "posts").glob("*.md"))]
_WORDS = re.findall(r"[A-Za-z’-]+", " ".join(_BODIES))


def _terms(name: str) -> list[tuple[str, str]]:
    text = (ROOT / "feeds" / name).read_text("utf-8")
    return re.findall(r'^- slug: (\S+)\n  label: "(.+)"', text, re.MULTILINE)


TOPICS, TYPES = _terms("topics.yaml"), _terms("research.yaml")


@dataclass(frozen=True)
class Post:
    """One post before any format. *name* is that of its file; terms are (slug, label)."""

    name: str
    title: str
    date: datetime
    topics: list[tuple[str, str]]
    research: tuple[str, str]
    summary: str
    body: str
    cited: dict[str, str]


def posts(count: int) -> Iterator[Post]:
    """The posts of a site of *count*, the oldest first."""
    step = (_LAST - _FIRST) / max(1, count - 1)
    for number in range(count):
        yield _post(number, (_FIRST + number * step).replace(microsecond=0))


def _post(number: int, date: datetime) -> Post:
    chance = random.Random(number)

    def phrase(count: int) -> str:
        return " ".join(chance.choices(_WORDS, k=count)).capitalize()

    def paragraph() -> str:
        return " ".join(f"{phrase(chance.randrange(11, 27))}, it’s said." for _ in range(4))

    family, other = chance.sample(_NAMES, 2)
    volume, page = chance.randrange(9, 90), chance.randrange(1, 900)
    cited = {"doi": f"10.5555/bench.{number}", "title": phrase(9), "container": chance.choice(_JOURNALS)}
    cited |= {"year": str(date.year), "volume": str(volume), "pages": f"{page}-{page + 12}"}
    reference = f"{family}, A., & {other}, B. ({date.year}). {cited['title']}. {cited['container']}, {volume}, {cited['pages']}."
    body = [paragraph(), f"{family} and colleagues’ *main* finding: {paragraph()}", paragraph()]
    return Post(
        name=f"{date:%Y-%m}-{number:06}-post",
        title=phrase(6),
        date=date,
        topics=sorted(chance.sample(TOPICS, 2 + number % 2)),
        research=TYPES[number % len(TYPES)],
        summary=f"{phrase(15)}.",
        body="\n\n".join([*body, "## Practice Implications", paragraph()]) + "\n",
        cited={"text": f"{reference} https://doi.org/{cited['doi']}"} | cited,
    )


def make_site(folder: Path, count: int) -> Path:
    """Write a site of *count* posts as we read it."""
    (folder / "feeds").mkdir(parents=True)
    (folder / "feeds/site.yaml").write_text(SITE)
    for name in ("topics.yaml", "research.yaml"):
        shutil.copy(ROOT / "feeds" / name, folder / "feeds")
    (folder / "feeds/issues.yaml").write_text("2013-01: I begin\n")
    (folder / "posts").mkdir()
    for post in posts(count):
        path_of(folder, post).write_text(as_file(post))
    return folder


def path_of(folder: Path, post: Post) -> Path:
    """The post's file, in a folder for each year."""
    path = folder / "posts" / str(post.date.year) / f"{post.name}.md"
    path.parent.mkdir(exist_ok=True)
    return path


def as_file(post: Post) -> str:
    """The post as an editor writes it. JSON is YAML, too."""
    return _file(post, research=[post.research[0]], cites=[post.cited])


def make_hugo_site(folder: Path, count: int) -> Path:
    """Write the same posts for Hugo, with templates for the same feeds."""
    (folder / "layouts").mkdir(parents=True)
    templates = ROOT / "bench" / "hugo"
    shutil.copy(templates / "hugo.toml", folder)
    for kind in ("home", "term"):
        for name in ("atom.atom", "rss2.rss", "json.json"):
            shutil.copy(templates / name, folder / "layouts" / f"{kind}.{name}")
    for post in posts(count):
        path = folder / "content" / "posts" / str(post.date.year) / f"{post.name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        cited = {"cited": post.cited["text"], "study": post.cited["title"], "doi": post.cited["doi"]}
        cited |= {"container": post.cited["container"], "key": post.name}
        labels = [label for _, label in (*post.topics, post.research)]
        path.write_text(_file(post, years=[str(post.date.year)], labels=labels, **cited))
    return folder


def _file(post: Post, **more: object) -> str:
    header: dict[str, object] = {"title": post.title, "date": f"{post.date:%Y-%m-%dT%H:%M:%SZ}"}
    header |= {"topics": [slug for slug, _ in post.topics], "summary": post.summary} | more
    lines = "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in header.items())
    return f"---\n{lines}---\n\n{post.body}"
