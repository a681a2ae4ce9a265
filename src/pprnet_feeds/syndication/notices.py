"""What became of cited works after their publication, in the words of entries, files and pages."""

from __future__ import annotations

import html
from collections.abc import Sequence

from pprnet_feeds.content.model import NOTICES, Citation, Notice, NoticeKind, doi_url
from pprnet_feeds.syndication.selection import month_name

LABELS: dict[NoticeKind, str] = {
    "retraction": "Study retracted",
    "concern": "Expression of concern",
    "correction": "Study corrected",
}
_VERBS: dict[NoticeKind, str] = {
    "retraction": "was retracted",
    "concern": "received an expression of concern",
    "correction": "was corrected",
}
# Unpaywall's words for the versions of a work.
_VERSIONS = {
    "publishedVersion": "published version",
    "acceptedVersion": "accepted manuscript",
    "submittedVersion": "preprint",
}


def study_warnings(cites: Sequence[Citation]) -> list[tuple[NoticeKind, str, str]]:
    """The warnings about the studies of a post, the gravest first: kind, sentence, address of the notice."""
    found: list[tuple[NoticeKind, str, str]] = []
    for cite, notice in ((cite, cite.notice) for cite in cites if cite.notice):
        is_only = len(cites) == 1
        subject = "The study summarised here" if is_only else "A study summarised here"
        which = "" if is_only else f": {(cite.title or cite.text).rstrip('.')}"
        found.append((notice.kind, f"{subject} {became(notice)}{which}.", notice_url(notice)))
    return sorted(found, key=lambda warning: NOTICES.index(warning[0]))


def became(notice: Notice) -> str:
    """What a work became, after its name: ``was retracted on 9 March 2026``."""
    *_, day = parts = notice.date.split("-")
    when = month_name(notice.date[:7])
    when = f" on {int(day)} {when}" if len(parts) == 3 else f" in {when}" if when else ""
    return _VERBS[notice.kind] + when


def notice_url(notice: Notice) -> str:
    """The address of the notice itself, or empty."""
    return doi_url(notice.doi)


def warnings_html(cites: Sequence[Citation]) -> str:
    """The warnings as paragraphs."""
    return "".join(
        f"<p><strong>{html.escape(sentence)}</strong>"
        + (f' <a href="{html.escape(url)}">Read the notice</a></p>\n' if url else "</p>\n")
        for _, sentence, url in study_warnings(cites)
    )


def free_copy_html(cite: Citation) -> str:
    """A link to the copy that is free to read, with its version and licence; empty without one."""
    copy = cite.open_access
    if copy is None:
        return ""
    licence = copy.licence.upper().replace("-", " ", 1) if copy.licence.startswith("cc") else copy.licence
    about = ", ".join(filter(None, (_VERSIONS.get(copy.version, copy.version), licence)))
    link = f' <a href="{html.escape(copy.url)}">Free to read</a>'
    return link + (f" ({html.escape(about)})" if about else "")
