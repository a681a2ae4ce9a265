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

from pprnet_feeds.content.ledger import read_ledger
from pprnet_feeds.content.library import Library, read_library
from pprnet_feeds.content.problems import Problem, blocking
from pprnet_feeds.content.site import read_site
from pprnet_feeds.content.together import cores
from pprnet_feeds.publishing.deadlinks import DeadLinks
from pprnet_feeds.serving.changes import Known
from pprnet_feeds.serving.snapshot import Snapshot
from pprnet_feeds.syndication.catalogue import Catalogue
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
) -> tuple[list[Problem], Library | None]:
    """All problems and warnings of the site in *folder*, in order, and its library, drafts included.

    *step* is called after each document, for a progress bar.
    """
    site, problems = read_site(folder, environ, ADDRESS)
    if site is None:
        return problems, None
    kept = read_ledger(folder)
    # Posts can be read without a ledger, and all faults are told in one run.
    ledger, told = (None, kept) if isinstance(kept, list) else (kept, [])
    library = read_library(folder, site, now, drafts=True, bodies=True, ledger=ledger)
    snapshot = Snapshot(library, Known(), ledger=ledger)
    problems += [*told, *library.problems, *DeadLinks(snapshot, folder, now).warnings()]
    if not blocking(problems):
        for found in _judged(snapshot.catalogue, list(snapshot.catalogue.paths())):
            problems += found
            step()
    return sorted(problems), library


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
