"""How a feed's entries are spread over its documents (RFC 5005).

A subscription document holds what a subscriber may have missed; archive documents, one for each
year, hold the rest. Every entry is in the archive of its year or in the subscription document or,
when it was changed lately, in both: a reader that follows the links finds each.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from pprnet_feeds.content.model import Post


@dataclass(frozen=True, slots=True)
class Month:
    """One month's posts, in the library's order: an item of the feed of issues."""

    id: str
    published: datetime
    updated: datetime
    posts: tuple[Post, ...]

    @property
    def year(self) -> int:
        """The year of its archive."""
        return int(self.id[:4])


Item = Post | Month


@dataclass(frozen=True, slots=True)
class FeedItems:
    """What one feed document shows."""

    items: list[Item]
    withdrawn: list[Post]  # reported as deleted
    complete: bool  # whether these are all that its feed has

    @property
    def updated(self) -> datetime | None:
        """The newest change; None when there is nothing."""
        return max((item.updated for item in (*self.items, *self.withdrawn)), default=None)


def subscription(newest: Iterable[Item], at_least: int, zone: ZoneInfo) -> tuple[list[Item], bool]:
    """The items of the subscription document, the last changed first, and whether these are all.

    *newest* yields all items in that order, so that a correction of an old one reaches readers that
    look no further. The document holds the first *at_least* and all of the year of the newest item;
    not of the year by the clock: the first of January must not change a byte.
    """
    shown: list[Item] = []
    for item in newest:
        if len(shown) >= at_least and year_of(item.updated, zone) != year_of(shown[0].updated, zone):
            return shown, False
        shown.append(item)
    return shown, True


def year_of(timestamp: datetime, zone: ZoneInfo) -> int:
    """The year of a UTC *timestamp* in the site's zone, where the editor's December ends."""
    # No zone is a month away from UTC, and asking one is slow.
    return timestamp.year if 1 < timestamp.month < 12 else timestamp.astimezone(zone).year
