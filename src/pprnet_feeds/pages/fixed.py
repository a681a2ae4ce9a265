"""Files that are the same on every site: style sheets, the script, the icon."""

from __future__ import annotations

from importlib.resources import files

# What is served, and as what. A stranger's path is only ever looked up in here.
FIXED = {
    "/site.css": "text/css; charset=utf-8",
    "/feed.css": "text/css; charset=utf-8",
    "/site.js": "text/javascript; charset=utf-8",
    "/favicon.ico": "image/vnd.microsoft.icon",
}


def fixed(path: str) -> bytes | None:
    """The file at *path*, one of `FIXED`; None for any other."""
    if path not in FIXED:
        return None
    return files("pprnet_feeds.pages").joinpath("static", path.strip("/")).read_bytes()
