"""Find every fault before a reader does.

First the files, as an editor wrote them: every fault in one run, drafts and
scheduled posts included. Then every document, as a reader would get it, held
against the rules of its format. A fault of the second kind is ours and not the
editor's, and is told all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from pprnet_feeds.content.ledger import read_ledger
from pprnet_feeds.content.library import read_library
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.content.site import read_site
from pprnet_feeds.syndication.catalogue import Catalogue
from pprnet_feeds.syndication.channel import FORMATS
from pprnet_feeds.syndication.conformance import Format, faults

# What `check` draws with when the site has no address of its own yet.
ADDRESS = "https://check.invalid"

_FORMS: dict[str, Format] = {media_type: form for form, media_type in FORMATS.items()} | {
    "text/x-opml": "opml"
}


def check_site(
    folder: Path, environ: Mapping[str, str], now: datetime, step: Callable[[], None] = lambda: None
) -> tuple[list[Problem], int]:
    """All problems of the site in *folder*, in order, and how many documents were drawn.

    *step* is called after each document, for a progress bar.
    """
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
    catalogue = Catalogue(library)
    paths = list(catalogue.paths())
    for path in paths:
        problems += _problems(catalogue, path)
        step()
    return sorted(problems), len(paths)


def _problems(catalogue: Catalogue, path: str) -> list[Problem]:
    document = catalogue.document(path)
    form = _FORMS.get(document.media_type) if document else None
    if document is None or form is None:
        return []
    return [
        Problem(path, 0, 0, f"{fault.where}: {fault.what}", f"{fault.rule} {fault.mend}")
        for fault in faults(document.body, form)
    ]
