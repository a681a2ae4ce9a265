"""A new site: the files it begins with, every key in them explained."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

_FILES = Path(__file__).with_name("new_site")


def new_site_files(now: datetime) -> dict[str, str]:
    """The path below the site's folder, and the text, of each file of a site that begins *now*."""
    files = {}
    for path in sorted(path for path in _FILES.rglob("*") if path.is_file()):
        name, text = path.relative_to(_FILES).as_posix(), path.read_text("utf-8")
        for mark, value in (("{month}", f"{now:%Y-%m}"), ("{year}", f"{now:%Y}")):
            name, text = name.replace(mark, value), text.replace(mark, value)
        files[name] = text
    return files
