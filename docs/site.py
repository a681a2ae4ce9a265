"""Adds to the docs site README.md, as its first page, and the files outside docs/ that pages link to."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from mkdocs.structure.files import File

DOCS = Path(__file__).parent
ROOT = DOCS.parent
_LINK = re.compile(r"\[([^\]]+)\]\((?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?\)")


def address(path: Path) -> str:
    """Where a file of the repository is in the site."""
    if path == ROOT / "README.md":
        return "index.md"
    below = path.relative_to(DOCS if path.is_relative_to(DOCS) else ROOT).as_posix()
    return below if path.is_relative_to(DOCS) else f"project/{below}"


def linked(page: Path) -> list[Path]:
    """The files that a page links to."""
    return [(page.parent / unquote(link)).resolve() for _, link, _ in _LINK.findall(page.read_text("utf-8"))]


def on_files(files: Any, *, config: Any) -> Any:
    """Add README.md, and every file outside docs/ that a page leads to."""
    waiting, seen = [ROOT / "README.md", *DOCS.rglob("*.md")], set()
    while waiting:
        path = waiting.pop()
        if path in seen or not path.is_file() or not path.is_relative_to(ROOT):
            continue
        seen.add(path)
        if not path.is_relative_to(DOCS):
            files.append(File.generated(config, address(path), abs_src_path=str(path)))
        if path.suffix == ".md" and ROOT / "posts" not in path.parents:
            waiting += linked(path)
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Turn links within the repository into links within the site; a link to a folder becomes text."""
    source = Path(page.file.abs_src_path).resolve()
    here = str(Path(address(source)).parent)

    def link(match: re.Match[str]) -> str:
        words, target, anchor = match[1], (source.parent / unquote(match[2])).resolve(), match[3] or ""
        if not target.is_file():
            return f"`{words.strip('`')}`"
        return f"[{words}]({os.path.relpath(address(target), here)}{anchor})"

    return _LINK.sub(link, markdown)
