"""The draft of a new post: every key there is, each with what it is for, as `draft.md` has them.

A draft is valid at once, so `check` reports what an editor did and not what is still missing. It
stays a draft until its editor removes that line. Nothing in it can be published by mistake: the
examples are comments, and no text only fills a space.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath

from pprnet_feeds.content import files
from pprnet_feeds.content.ledger import Ledger
from pprnet_feeds.content.library import read_library
from pprnet_feeds.content.model import Citation, Site
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.publishing.postfile import citation_lines, list_lines, quote

_EXAMPLE = '#cites: ["Lind, K. (2020). Slow trust. Annals of Samples, 4, 7-19."]'


def draft_text(
    *,
    title: str,
    date: str,
    topics: Sequence[str],
    stem: str,
    research: Sequence[str] = (),
    cites: Sequence[Citation] = (),
    summary: str = "",
) -> str:
    """The text of a draft whose file is called *stem*.

    *title* and *summary* are clean and of one line, *date* is of a form that
    front matter takes, *topics* and *research* are slugs.
    """
    # A line of the template with a space after its `#` explains. One without shows a key that can be
    # put to use by taking the `#` away.
    template = Path(__file__).with_name("draft.md").read_text("utf-8")
    return template.format(
        title=quote(title),
        date=date,
        topics="\n".join(list_lines("topics", topics)),
        research="\n".join(list_lines("research", research)) or "#research: [single-studies]",
        cites="\n".join(citation_lines(cites)) or _EXAMPLE,
        summary=f"summary: {quote(summary)}" if summary else '#summary: "What the study found."',
        stem=stem,
    )


def taken_names(folder: Path, site: Site, ledger: Ledger, now: datetime) -> frozenset[str]:
    """Every name, id and slug that posts of the site have or had, be they drafts, faulty or gone."""
    found = files.entries(folder)
    names = {PurePosixPath(each[1]).stem for each in found if not isinstance(each, Problem)}
    library = read_library(folder, site, now, drafts=True)
    for post in (*library.posts, *library.withdrawn):
        names |= {post.id, post.slug, *(alias.rstrip("/").rpartition("/")[2] for alias in post.aliases)}
    for record in ledger.records.values():
        names |= {record.id, record.slug, *record.former}
    return frozenset(names)
