"""What readers do not see yet, and what an editor should know before anything is published.

A forgotten `draft: true` or a wrong year fails silently: nothing appears, and nothing is wrong.
So everything that waits is listed with its moment, and what is probably a slip is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from pprnet_feeds.content.ledger import Ledger
from pprnet_feeds.content.library import Library
from pprnet_feeds.content.problems import Problem, quoted
from pprnet_feeds.syndication.channel import rfc3339

UNRECORDED = "the ledger does not know this post, and readers can see it"
_FAR_AHEAD = timedelta(days=366)


def waiting(library: Library, now: datetime) -> Iterator[tuple[str, str, datetime | None]]:
    """The file of each post that waits, `draft`, `scheduled` or `update`, and until when; by file."""
    for post in sorted(library.waiting, key=lambda post: post.file):
        if post.draft:
            yield post.file, "draft", None
        else:
            moment = post.published if post.published > now else post.updated
            yield post.file, "scheduled" if moment == post.published else "update", moment


def waiting_lines(library: Library, now: datetime) -> list[str]:
    """What waits as an editor reads it, a line each after a heading; no lines when nothing waits."""
    words = {"draft": "a draft", "scheduled": "appears on {}", "update": "its `updated` counts from {}"}
    zone = library.site.time_zone
    found = [
        f"  {file}: " + words[kind].format(f"{moment.astimezone(zone):%Y-%m-%d at %H:%M}" if moment else "")
        for file, kind, moment in waiting(library, now)
    ]
    return [f"Readers do not see these yet (times of {zone.key}):", *found] if found else []


def warnings(library: Library, ledger: Ledger, now: datetime) -> list[Problem]:
    """Dates more than a year ahead and, where the site has a ledger, live posts that it does not know."""
    found = []
    for post in library.waiting:
        is_date = post.published - now > _FAR_AHEAD
        key, typed = ("date", post.date) if is_date else ("updated", rfc3339(post.updated))
        if post.updated - now > _FAR_AHEAD:
            what = f"`{key}` is more than a year ahead: {quoted(typed)}"
            mend = "Is the year right? Until then no reader sees it."
            found.append(Problem(post.file, 0, 0, what, mend, warning=True))
    for post in (*library.posts, *library.withdrawn) if ledger.records else ():
        if post.id not in ledger.records and not post.draft and post.published <= now:
            mend = "Run `publish` before it goes live, or its date changes under readers."
            found.append(Problem(post.file, 0, 0, UNRECORDED, mend, warning=True))
    return found
