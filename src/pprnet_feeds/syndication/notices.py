"""What became of cited works after their publication, in the words of entries, files and pages."""

from __future__ import annotations

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


def study_warnings(cites: Sequence[Citation]) -> list[tuple[NoticeKind, str, str]]:
    """The warnings about the studies of a post, the gravest first: kind, sentence, address of the notice."""
    found: list[tuple[NoticeKind, str, str]] = []
    for cite, notice in ((cite, cite.notice) for cite in cites if cite.notice):
        is_only = len(cites) == 1
        subject = "The study summarised here" if is_only else "A study summarised here"
        which = "" if is_only else f": {(cite.title or cite.text).rstrip('.')}"
        found.append((notice.kind, f"{subject} {became(notice)}{which}.", doi_url(notice.doi)))
    return sorted(found, key=lambda warning: NOTICES.index(warning[0]))


def became(notice: Notice) -> str:
    """What a work became, after its name: ``was retracted on 9 March 2026``."""
    month, day = month_name(notice.date[:7]), notice.date[8:]
    when = f" on {int(day)} {month}" if day else f" in {month}" if month else ""
    return _VERBS[notice.kind] + when
