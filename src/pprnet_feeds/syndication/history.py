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
    """What is spread: something with two dates and a name."""

    @property
    def id(self) -> str:
        """What breaks a tie between equal dates."""

    @property
    def published(self) -> datetime:
        """The first publication."""

    @property
    def updated(self) -> datetime:
        """The last change subscribers are told of."""


Item = TypeVar("Item", bound=Dated)


def subscription(items: Iterable[Item], at_least: int, zone: ZoneInfo) -> list[Item]:
    """The items of the subscription document, the last changed first.

    The newest *at_least* and in any case all of the newest year. An item counts
    by its `updated`, so that a correction of an old one reaches readers that
    look no further. The year is that of the newest item and not of the clock:
    the first of January must not change a byte.
    """
    newest = sorted(items, key=lambda item: (item.updated, item.published, item.id), reverse=True)
    return [
        item
        for place, item in enumerate(newest)
        if place < at_least or _year(item.updated, zone) == _year(newest[0].updated, zone)
    ]


def archive_years(items: Iterable[Item], zone: ZoneInfo) -> list[int]:
    """The years that have an archive document, the oldest first.

    The year of the newest item is still open: all of it is in the subscription document.
    """
    held = list(items)
    newest = max((_year(item.updated, zone) for item in held), default=0)
    return sorted({_year(item.published, zone) for item in held} - {newest})


def archive(items: Iterable[Item], year: int, zone: ZoneInfo) -> list[Item]:
    """The items of a year's archive document, the newest first."""
    of_year = [item for item in items if _year(item.published, zone) == year]
    return sorted(of_year, key=lambda item: (item.published, item.id), reverse=True)


def _year(moment: datetime, zone: ZoneInfo) -> int:
    """The year as the editor counts it: December is over at midnight in the site's zone."""
    return moment.astimezone(zone).year


def neighbours(years: Sequence[int], year: int) -> tuple[int, int]:
    """The archive years before and after *year*. 0 is the subscription document, and 0 is none."""
    if not year:
        return (years[-1] if years else 0), 0
    around = [0, *years, 0]
    place = around.index(year)
    return around[place - 1], around[place + 1]
