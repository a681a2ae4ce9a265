"""Find every fault before a reader does, drafts and scheduled posts included.

First all faults of the files, in one run. Then each post is rendered once for each view, which
must never fail: an exception there is a bug of ours, and better met here than by readers.

A forgotten `draft: true` or a wrong year makes no fault: a post just does not appear. So posts
that readers do not see yet are listed, and what is probably a slip is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from pprnet_feeds.content.ledger import Ledger, read_ledger
from pprnet_feeds.content.library import Library, read_library
from pprnet_feeds.content.problems import Problem, blocking, quoted
from pprnet_feeds.content.site import read_site
from pprnet_feeds.pages.pages import Pages
from pprnet_feeds.pages.static_site import RESERVED
from pprnet_feeds.publishing.dead_links import dead_links
from pprnet_feeds.serving.snapshot import QUERIED, Snapshot
from pprnet_feeds.state.last_modified import Timestamps
from pprnet_feeds.syndication.catalogue import Catalogue
from pprnet_feeds.syndication.channel import rfc3339
from pprnet_feeds.syndication.entries import post_entries
from pprnet_feeds.syndication.urls import GUESSED, POST_FORMATS, VIEWS

# What `check` renders with when the site has no address of its own yet.
ADDRESS = "https://check.invalid"
UNRECORDED = "the ledger does not know this post, and readers can see it"
NO_BASE_URL = Problem(
    file="feeds/site.yaml",
    line=0,
    column=0,
    what="no base_url is set",
    mend="Set it in feeds/site.yaml, or PPRNET_BASE_URL: where readers will reach the feeds.",
)
_FAR_AHEAD = timedelta(days=366)


def check_site(
    folder: Path, environ: Mapping[str, str], now: datetime
) -> tuple[list[Problem], Library | None]:
    """All problems and warnings of the site in *folder*, in order, and its posts; None without a site."""
    library, problems = read_checked(folder, environ, now, ADDRESS)
    if library is not None:
        problems += dead_links(Snapshot(library, Timestamps()), folder, now)
        if not blocking(problems):
            for post in library.posts:
                for view in VIEWS:
                    post_entries(post, view, library.site)
    return sorted(problems), library


def read_checked(
    folder: Path, environ: Mapping[str, str], now: datetime, base_url: str = ""
) -> tuple[Library | None, list[Problem]]:
    """The site in *folder* with its drafts, and all problems of its files; None for faulty settings.

    *base_url* is for a site that has none of its own.
    """
    site, problems = read_site(folder, environ, base_url)
    if site is None:
        return None, problems
    stored = read_ledger(folder)
    # Posts can be read without a ledger, and all faults are reported in one run.
    ledger, faults = (Ledger(), stored) if isinstance(stored, list) else (stored, [])
    library = read_library(folder, site, now, drafts=True, bodies=True, ledger=ledger)
    problems += [*faults, *library.problems, *own_addresses_as_aliases(library)]
    return library, problems + warnings(library, now)


def own_addresses_as_aliases(library: Library) -> list[Problem]:
    """The former paths of posts that are addresses of ours: no static copy could hold both."""
    former = [(post, alias) for post in (*library.posts, *library.withdrawn) for alias in post.aliases]
    if not former:
        return []
    catalogue = Catalogue(library)
    documents = set(catalogue.paths())
    own = (*documents, *Pages(catalogue).paths(), *QUERIED, *(f"/{name}" for name in GUESSED))
    tops = {path.split("/")[1].lower() for path in own} - {"", "posts"}
    tops |= RESERVED | {f"{top}.html" for top in tops if "." not in top}

    def is_own(alias: str) -> bool:
        forms = [alias.rstrip("/") + end for end in ("", *(f".{form}" for form in POST_FORMATS))]
        return any(form in documents or form.split("/")[1].lower() in tops for form in forms)

    fix = "Take it away: readers get what we have there already."
    return [
        Problem(post.file, 0, 0, f"the path {quoted(alias)} in `aliases` is one of our own addresses", fix)
        for post, alias in former
        if is_own(alias)
    ]


def warnings(library: Library, now: datetime) -> list[Problem]:
    """Dates more than a year ahead and, where the site has a ledger, live posts that it does not know."""
    found = []
    for post in library.waiting:
        if post.updated - now > _FAR_AHEAD:  # it is never before `published`
            is_date = post.published - now > _FAR_AHEAD
            key, typed = ("date", post.date) if is_date else ("updated", rfc3339(post.updated))
            what = f"`{key}` is more than a year ahead: {quoted(typed)}"
            fix = "Is the year right? Until then no reader sees it."
            found.append(Problem(post.file, 0, 0, what, fix, warning=True))
    records = library.ledger.records
    for post in (*library.posts, *library.withdrawn) if records else ():
        if post.id not in records and not post.draft and post.published <= now:
            fix = "Run `publish` before it goes live, or its date changes under readers."
            found.append(Problem(post.file, 0, 0, UNRECORDED, fix, warning=True))
    return found


def waiting(library: Library, now: datetime) -> Iterator[tuple[str, str, datetime | None]]:
    """The file of each post that waits, `draft`, `scheduled` or `update`, and until when; by file."""
    for post in sorted(library.waiting, key=lambda post: post.file):
        if post.draft:
            yield post.file, "draft", None
        elif post.published > now:
            yield post.file, "scheduled", post.published
        else:
            yield post.file, "update", post.updated


def waiting_lines(library: Library, now: datetime) -> list[str]:
    """The posts that wait, as lines for an editor below a heading; none when nothing waits."""
    words = {"draft": "a draft", "scheduled": "appears on {}", "update": "its `updated` counts from {}"}
    zone = library.site.time_zone
    found = [
        f"  {file}: " + words[kind].format(f"{time.astimezone(zone):%Y-%m-%d at %H:%M}" if time else "")
        for file, kind, time in waiting(library, now)
    ]
    return [f"Readers do not see these yet (times of {zone.key}):", *found] if found else []
