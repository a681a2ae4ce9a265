"""The draft of a new post: every key there is, each with what it is for.

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

# A line with a space after its `#` explains; one without shows a key that can be put to use by
# taking the `#` away.
_DRAFT = """\
---
# A draft is in no feed and on no page. When the post is ready, take the next line away.
draft: true

# What the post is called: plain text of one line, at most 300 characters.
title: {title}

# When it appears: a month (2026-03), a day (2026-03-09) or a moment (2026-03-09T14:30:00-05:00).
# A post of the future appears by itself when its time has come.
date: {date}

# What it is about: at least one of the topics in feeds/topics.yaml, by name or short form.
{topics}

# Which type of research: none, one or several of those in feeds/research.yaml, by name or short form.
{research}

# The studies it is about. `text`, the reference as printed, is required; the parts (doi, url, pmid, title,
# authors, container, year, volume, issue, pages, publisher, type) help reference managers.
{cites}

# One or two plain sentences for readers that show no more. Without it, the first sentences of the text.
{summary}

# Who wrote the post, when it was not the author in feeds/site.yaml: names, or name with url, email, orcid.
#authors: [{{name: "Karin Lind", url: "https://example.org/lind"}}]

# A picture that is on the web already: its address, what it shows, and its size in pixels.
#image: {{url: "https://example.org/picture.jpg", alt: "What it shows", width: 1200, height: 800}}

# The post's own DOI, if it has one (not the study's), and its language, if it is not the site's.
#doi: 10.5555/blog.2026.3
#language: fr-CA

# For later. A change that subscribers should be told of: set its date here. Typos need no such thing.
#updated: {date}

# For later. `corrected`, `retracted` or `withdrawn`, and a note that says what was wrong.
#status: corrected
#note: "What was corrected, and why."

# The permanent id and the last part of the address: the file's name without .md. When you rename the
# file after it was published, put the old name here.
#id: {stem}
#slug: {stem}

# Paths at which the post could be found before; they lead to it.
#aliases: ["/blog/2021/an-older-address/"]
---

## Practice Implications

"""


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
    return _DRAFT.format(
        title=quote(title),
        date=date,
        topics="\n".join(list_lines("topics", topics)),
        research="\n".join(list_lines("research", research)) or "#research: [single-studies]",
        cites="\n".join(citation_lines(cites))
        or '#cites: ["Lind, K. (2020). Slow trust. Annals of Samples, 4, 7-19."]',
        summary=f"summary: {quote(summary)}" if summary else '#summary: "What the study found."',
        stem=stem,
    )


def taken_names(folder: Path, site: Site, ledger: Ledger, now: datetime) -> frozenset[str]:
    """Every name, id and slug that posts of the site have or had, be they drafts, faulty or gone."""
    names = {
        PurePosixPath(found[1]).stem for found in files.post_files(folder) if not isinstance(found, Problem)
    }
    library = read_library(folder, site, now, drafts=True)
    for post in (*library.posts, *library.withdrawn):
        names |= {post.id, post.slug, *(alias.rstrip("/").rpartition("/")[2] for alias in post.aliases)}
    for record in ledger.records.values():
        names |= {record.id, record.slug, *record.former}
    return frozenset(names)
