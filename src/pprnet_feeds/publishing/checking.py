"""Find every fault before a reader does.

The files as an editor wrote them: every fault in one run, drafts and scheduled
posts included. Then each post is rendered once for each view. That must never
fail: an exception there is a bug of ours, and better met here than by readers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from pprnet_feeds.content.ledger import Ledger, read_ledger
from pprnet_feeds.content.library import Library, read_library
from pprnet_feeds.content.problems import Problem, blocking, quoted
from pprnet_feeds.content.site import read_site
from pprnet_feeds.pages.pages import Pages
from pprnet_feeds.publishing import waiting
from pprnet_feeds.publishing.deadlinks import DeadLinks
from pprnet_feeds.publishing.exporting.addresses import file_name, guessed
from pprnet_feeds.publishing.exporting.hosts import HEADERS, REDIRECTS
from pprnet_feeds.publishing.exporting.manifest import FOLDER
from pprnet_feeds.publishing.exporting.notices import notices
from pprnet_feeds.serving.snapshot import QUERIED, Snapshot
from pprnet_feeds.state.last_modified import Timestamps
from pprnet_feeds.syndication.catalogue import Catalogue
from pprnet_feeds.syndication.entries import post_entries
from pprnet_feeds.syndication.urls import POST_FORMATS, VIEWS

# What `check` renders with when the site has no address of its own yet.
ADDRESS = "https://check.invalid"


def check_site(
    folder: Path, environ: Mapping[str, str], now: datetime
) -> tuple[list[Problem], Library | None]:
    """All problems and warnings of the site in *folder*, in order, and its posts; None without a site."""
    site, problems = read_site(folder, environ, ADDRESS)
    if site is None:
        return problems, None
    stored = read_ledger(folder)
    # Posts can be read without a ledger, and all faults are reported in one run.
    ledger, faults = (None, stored) if isinstance(stored, list) else (stored, [])
    library = read_library(folder, site, now, drafts=True, bodies=True, ledger=ledger)
    problems += [*faults, *library.problems, *own_addresses_as_aliases(library)]
    problems += waiting.warnings(library, ledger or Ledger(), now)
    problems += DeadLinks(Snapshot(library, Timestamps()), folder, now).warnings()
    if not blocking(problems):
        for post in library.posts:
            for view in VIEWS:
                post_entries(post, view, site)
    return sorted(problems), library


def own_addresses_as_aliases(library: Library) -> list[Problem]:
    """The former paths of posts at which something of ours is: no copy in files could hold both."""
    former = [(post, alias) for post in (*library.posts, *library.withdrawn) for alias in post.aliases]
    if not former:
        return []
    catalogue = Catalogue(library)
    documents = set(catalogue.paths())
    names = (*notices(library.site), HEADERS, REDIRECTS, FOLDER)
    own = {*documents, *Pages(catalogue).paths(), *QUERIED, *(f"/{name}" for name in names)}
    own |= {f"/{file_name(path)}" for path in own} | {guess for path in documents for guess in guessed(path)}
    tops = {path.split("/")[1].lower() for path in own} - {"posts"}

    def is_own(alias: str) -> bool:
        forms = [alias.rstrip("/") + end for end in ("", *(f".{form}" for form in POST_FORMATS))]
        return any(form in documents or form.split("/")[1].lower() in tops for form in forms)

    mend = "Take it away: readers get what we have there already."
    return [
        Problem(post.file, 0, 0, f"the path {quoted(alias)} in `aliases` is one of our own addresses", mend)
        for post, alias in former
        if is_own(alias)
    ]
