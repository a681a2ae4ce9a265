"""Find every fault before a reader does.

The files as an editor wrote them: every fault in one run, drafts and scheduled
posts included. Then each post is rendered once for each view. That must never
fail: an exception there is a bug of ours, and better met here than by readers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from pprnet_feeds.content.ledger import read_ledger
from pprnet_feeds.content.library import read_library
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.content.site import read_site
from pprnet_feeds.syndication.channel import VIEWS
from pprnet_feeds.syndication.entries import post_entries

# What `check` renders with when the site has no address of its own yet.
ADDRESS = "https://check.invalid"


def check_site(folder: Path, environ: Mapping[str, str], now: datetime) -> tuple[list[Problem], int]:
    """All problems of the site in *folder*, in order, and how many posts were rendered."""
    site, problems = read_site(folder, environ, ADDRESS)
    if site is None:
        return problems, 0
    kept = read_ledger(folder)
    # Posts can be read without a ledger, and all faults are told in one run.
    ledger, told = (None, kept) if isinstance(kept, list) else (kept, [])
    library = read_library(folder, site, now, drafts=True, bodies=True, ledger=ledger)
    problems += [*told, *library.problems]
    if problems:
        return sorted(problems), 0
    for post in library.posts:
        for view in VIEWS:
            post_entries(post, view, site)
    return [], len(library.posts)
