"""A small site of which copies in files are made: something of everything, what moved and what left."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from service import SITES

BASE = "https://small.example.org"
MOVED_POST = "2020-12-does-talking-help-people-sleep"
WITHDRAWN = "2020-11-taken-back"


def make_site(folder: Path) -> Path:
    """Write the site into *folder*, which is none yet."""
    shutil.copytree(SITES / "small", folder)
    edit(folder / "posts/2021-03-trust-grows-slowly.md", '<script>alert("never")</script>', "")
    # So that the older year is an archive.
    edit(folder / "feeds/site.yaml", "entries: 30", "entries: 1")
    aliases = 'aliases: ["/2020/12/sleep", "/2020/12/sleep/", "/old/sleep.html"]'
    edit(folder / f"posts/2020/{MOVED_POST}.md", "---\n", f"---\n{aliases}\n")
    return folder


def edit(path: Path, old: str, new: str) -> None:
    """Put *new* in the place of *old*, the first time that it stands in a file."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def as_copied(page: bytes) -> bytes:
    """A page as a static copy has it, where nothing can be searched and no query is answered."""
    of_queries = (
        rb'<link rel="search".*?>\n',
        rb"<search.*?</search>\n",
        rb'<link [^>]*"application/json\+oembed"[^>]*>\n',
        rb" Sites that know oEmbed need only the address of this page\.",
    )
    return re.sub(b"|".join(of_queries), b"", page, flags=re.DOTALL)
