"""Find every fault before a reader does.

First the files, as an editor wrote them: every fault in one run, drafts and
scheduled posts included. Then every document, as a reader would get it, held
against the rules of its format. A fault of the second kind is ours and not the
editor's, and is told all the same.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from pprnet_feeds.content.ledger import Ledger, read_ledger
from pprnet_feeds.content.library import Library, read_library
from pprnet_feeds.content.problems import Problem, quoted
from pprnet_feeds.content.site import read_site
from pprnet_feeds.content.together import cores
from pprnet_feeds.pages.fixed import FIXED
from pprnet_feeds.pages.static_site import RESERVED
from pprnet_feeds.publishing import waiting
from pprnet_feeds.serving.messages import ASKED
from pprnet_feeds.syndication.addresses import GUESSED
from pprnet_feeds.syndication.catalogue import BESIDE, Catalogue
from pprnet_feeds.syndication.channel import FORMATS
from pprnet_feeds.syndication.conformance import Format, faults

# What `check` draws with when the site has no address of its own yet.
ADDRESS = "https://check.invalid"

# From how many documents on several processes share the work, and how many each takes at a time.
MANY, CHUNK = 1_000, 48

_FORMS: dict[str, Format] = {media_type: form for form, media_type in FORMATS.items()} | {
    "text/x-opml": "opml"
}


def check_site(
    folder: Path, environ: Mapping[str, str], now: datetime, step: Callable[[], None] = lambda: None
) -> tuple[list[Problem], int]:
    """All problems of the site in *folder*, in order, and how many documents were drawn.

    *step* is called after each document, for a progress bar.
    """
    library, problems = read_checked(folder, environ, now, ADDRESS)
    if library is None or any(not problem.warning for problem in problems):
        return sorted(problems), 0
    catalogue = Catalogue(library)
    paths = list(catalogue.paths())
    for found in _judged(catalogue, paths):
        problems += found
        step()
    return sorted(problems), len(paths)


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
    own = (*documents, *Pages(catalogue).paths(), *FIXED, *ASKED, *(f"/{name}" for name in GUESSED))
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


def _judged(catalogue: Catalogue, paths: list[str]) -> Iterator[list[Problem]]:
    """The problems of the document at each path; those of very many are looked for by several processes."""
    number = cores() if len(paths) >= MANY else 1
    # Views and formats of the same posts come one after another, and have their entries in common.
    chunks = [paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK)]
    with contextlib.ExitStack() as ending:
        copies = [_copy(catalogue, chunks[place::number], ending) for place in range(1, number)]
        for turn, chunk in enumerate(chunks):
            told = _told(copies[turn % number - 1]) if turn % number else None
            yield from told or (_problems(catalogue, path) for path in chunk)


def _copy(catalogue: Catalogue, chunks: list[list[str]], ending: contextlib.ExitStack) -> BinaryIO | None:
    """Where a copy of this process tells the problems of its *chunks*; None when there is no room for one."""
    try:
        end, beginning = os.pipe()
        other = os.fork()
    except OSError:
        return None
    if not other:
        try:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever began it ends it
            with os.fdopen(beginning, "wb") as line:
                for chunk in chunks:
                    pickle.dump([_problems(catalogue, path) for path in chunk], line)
                    line.flush()
        finally:
            os._exit(0)
    os.close(beginning)
    ending.callback(os.waitpid, other, 0)
    ending.callback(os.kill, other, signal.SIGKILL)
    return ending.enter_context(os.fdopen(end, "rb"))


def _told(line: BinaryIO | None) -> list[list[Problem]] | None:
    """What a copy has found next; None when it was killed."""
    try:
        return pickle.load(line) if line else None
    except (EOFError, pickle.UnpicklingError):
        return None


def _problems(catalogue: Catalogue, path: str) -> list[Problem]:
    document = catalogue.document(path)
    form = _FORMS.get(document.media_type) if document else None
    if document is None or form is None:
        return []
    return [
        Problem(path, 0, 0, f"{fault.where}: {fault.what}", f"{fault.rule} {fault.mend}")
        for fault in faults(document.body, form)
    ]
