"""Sites with many posts, written to real files."""

from __future__ import annotations

from pathlib import Path

SITE = """\
title: Many Posts
short_title: Many
base_url: https://many.example.org
tag_root: "many.example.org,2013:blog"
author: {name: Ada Writer}
language: en
time_zone: UTC
"""
TOPICS = ("alpha", "beta", "gamma", "delta")
TYPES = ("trials", "reviews")


def make_site(folder: Path, posts: int, first_year: int = 2013) -> Path:
    """Make a site with *posts* posts, four a month, on topics and types in turn."""
    (folder / "posts").mkdir(parents=True)
    (folder / "feeds").mkdir()
    (folder / "feeds/site.yaml").write_text(SITE)
    (folder / "feeds/topics.yaml").write_text(
        "".join(f"- {{slug: {t}, label: {t.title()}}}\n" for t in TOPICS)
    )
    (folder / "feeds/research.yaml").write_text(
        "".join(f"- {{slug: {t}, label: {t.title()}}}\n" for t in TYPES)
    )
    (folder / "feeds/issues.yaml").write_text("2013-01: I begin\n")
    for number in range(posts):
        write_post(folder, number, first_year)
    return folder


def name_of(number: int, first_year: int = 2013) -> str:
    """The name of the post of that *number*, without its ending."""
    month = number // 4
    return f"{first_year + month // 12}-{month % 12 + 1:02}-{number % 4 + 1:02}-post-{number}"


def write_post(folder: Path, number: int, first_year: int = 2013, text: str = "", **keys: str) -> Path:
    """Write one post; further front matter as *keys*, which win."""
    name = name_of(number, first_year)
    topics = dict.fromkeys((TOPICS[number % 4], TOPICS[number % 3]))
    year, pages = 2000 + number % 20, f"{number + 1}, 1-9"
    header = {
        "title": f"Post {number}",
        "date": name[:10],
        "topics": f"[{', '.join(topics)}]",
        "research": f"[{TYPES[number % 2]}]",
        "cites": f'["Author, A. ({year}). A study of {number} things. Journal of Studies, {pages}."]',
    } | keys
    lines = "".join(f"{key}: {value}\n" for key, value in header.items())
    body = text or f"What post {number} tells.\n\n## Practice Implications\n\nDo {number}.\n"
    path = folder / "posts" / f"{name}.md"
    path.write_text(f"---\n{lines}---\n{body}")
    return path
