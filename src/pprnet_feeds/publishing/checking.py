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
from pprnet_feeds.pages.fixed import FIXED
from pprnet_feeds.pages.static_site import RESERVED
from pprnet_feeds.publishing import waiting
from pprnet_feeds.publishing.deadlinks import DeadLinks
from pprnet_feeds.serving.snapshot import QUERIED, Snapshot
from pprnet_feeds.state.last_modified import Timestamps
from pprnet_feeds.syndication.addresses import GUESSED
from pprnet_feeds.syndication.catalogue import BESIDE, Catalogue
from pprnet_feeds.syndication.channel import VIEWS
from pprnet_feeds.syndication.entries import post_entries

# What `check` renders with when the site has no address of its own yet.
ADDRESS = "https://check.invalid"


def check_site(
    folder: Path, environ: Mapping[str, str], now: datetime
) -> tuple[list[Problem], Library | None]:
    """All problems and warnings of the site in *folder*, in order, and its posts; None without a site."""
    library, problems = read_checked(folder, environ, now, ADDRESS)
    if library is None:
        return problems, None
    problems += DeadLinks(Snapshot(library, Timestamps()), folder, now).warnings()
    if not blocking(problems):
        for post in library.posts:
            for view in VIEWS:
                post_entries(post, view, library.site)
    return sorted(problems), library


def read_checked(
    folder: Path, environ: Mapping[str, str], now: datetime, base_url: str = ""
) -> tuple[Library | None, list[Problem]]:
    """The site in *folder*, drafts included, and all problems of its files; None for faulty settings.

    *base_url* is for a site that has none of its own.
    """
    site, problems = read_site(folder, environ, base_url)
    if site is None:
        return None, problems
    kept = read_ledger(folder)
    # Posts can be read without a ledger, and all faults are told in one run.
    ledger, told = (None, kept) if isinstance(kept, list) else (kept, [])
    library = read_library(folder, site, now, drafts=True, bodies=True, ledger=ledger)
    problems += [*told, *library.problems, *own_addresses_as_aliases(library)]
    return library, problems + waiting.warnings(library, ledger or Ledger(), now)


def own_addresses_as_aliases(library: Library) -> list[Problem]:
    """The former paths of posts at which something of ours is: no copy in files could hold both."""
    former = [(post, alias) for post in (*library.posts, *library.withdrawn) for alias in post.aliases]
    if not former:
        return []
    from pprnet_feeds.pages.pages import Pages  # templates take long to load

    catalogue = Catalogue(library)
    documents = set(catalogue.paths())
    own = (*documents, *Pages(catalogue).paths(), *FIXED, *QUERIED, *(f"/{name}" for name in GUESSED))
    tops = {path.split("/")[1].lower() for path in own} - {"", "posts"}
    tops |= RESERVED | {f"{top}.html" for top in tops if "." not in top}

    def is_own(alias: str) -> bool:
        forms = [alias.rstrip("/") + end for end in ("", *(f".{form}" for form in BESIDE))]
        return any(form in documents or form.split("/")[1].lower() in tops for form in forms)

    mend = "Take it away: readers get what we have there already."
    return [
        Problem(post.file, 0, 0, f"the path {quoted(alias)} in `aliases` is one of our own addresses", mend)
        for post, alias in former
        if is_own(alias)
    ]
