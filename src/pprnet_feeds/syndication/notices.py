"""What became of cited works after their publication, in the words of entries, files and pages."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from pprnet_feeds.content.model import NOTICES, Citation, Notice, NoticeKind
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


@dataclass(frozen=True, slots=True)
class StudyWarning:
    """A sentence for the head of a post about a study; *url* is the address of the notice, or empty."""

    kind: NoticeKind
    sentence: str
    url: str


def study_warnings(cites: Sequence[Citation]) -> list[StudyWarning]:
    """The warnings about the works that a post is about, the gravest first."""
    found = []
    for cite in cites:
        if notice := cite.notice:
            subject, which = "The study summarised here", ""
            if len(cites) > 1:
                subject, which = "A study summarised here", f": {(cite.title or cite.text).rstrip('.')}"
            found.append(StudyWarning(notice.kind, f"{subject} {became(notice)}{which}.", notice_url(notice)))
    return sorted(found, key=lambda warning: NOTICES.index(warning.kind))


def became(notice: Notice) -> str:
    """What a work became, after its name: ``was retracted on 9 March 2026``."""
    *_, day = parts = notice.date.split("-")
    when = month_name(notice.date[:7])
    when = f" on {int(day)} {when}" if len(parts) == 3 else f" in {when}" if when else ""
    return _VERBS[notice.kind] + when


def notice_url(notice: Notice) -> str:
    """The address of the notice itself, or empty."""
    return f"https://doi.org/{notice.doi}" if notice.doi else ""


def warnings_html(cites: Sequence[Citation]) -> str:
    """The warnings as paragraphs."""
    return "".join(
        f"<p><strong>{html.escape(warning.sentence)}</strong>"
        + (f' <a href="{html.escape(warning.url)}">Read the notice</a>' if warning.url else "")
        + "</p>\n"
        for warning in study_warnings(cites)
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
