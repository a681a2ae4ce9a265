"""How a feed's entries are spread over its documents (RFC 5005).

A subscription document holds what a subscriber may have missed; archive
documents, one a year, hold the rest, linked back to the first post. Every
entry is in the archive of its year or in the subscription document or, when it
was changed lately, in both: a reader that follows the links finds each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo


class Dated(Protocol):
    """What is spread."""

    @property
    def updated(self) -> datetime:
        """The last change subscribers are told of."""


Item = TypeVar("Item", bound=Dated)


def subscription(newest: Iterable[Item], at_least: int, zone: ZoneInfo) -> tuple[list[Item], bool]:
    """The items of the subscription document, the last changed first, and whether these are all.

    *newest* gives all items in that order: by `updated`, so that a correction of
    an old one reaches readers that look no further. Held are the first
    *at_least* and in any case all of the newest year. The year is that of the
    newest item and not of the clock: the first of January must not change a byte.
    """
    shown: list[Item] = []
    year = 0
    for place, item in enumerate(newest):
        if place >= at_least:
            year = year or year_of(shown[0].updated, zone)
            if year_of(item.updated, zone) != year:
                return shown, False
        shown.append(item)
    return shown, True


def year_of(moment: datetime, zone: ZoneInfo) -> int:
    """The year as the editor counts it: December is over at midnight in the site's zone.

    *moment* is in UTC.
    """
    # No zone is a month away from UTC, and asking one is dear.
    return moment.year if 1 < moment.month < 12 else moment.astimezone(zone).year


def neighbours(years: Sequence[int], year: int) -> tuple[int, int]:
    """The archive years before and after *year*. 0 is the subscription document, and 0 is none."""
    if not year:
        return (years[-1] if years else 0), 0
    around = [0, *years, 0]
    place = around.index(year)
    return around[place - 1], around[place + 1]
