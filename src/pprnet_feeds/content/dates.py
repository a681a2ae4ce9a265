"""Dates as editors write them, and the timestamps they mean.

A month or a day means noon: the same day nearly everywhere, and never in a change of the clock.
"""

import re
import sys
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

#: For an editor who typed something else.
FORMS = (
    "Write a month like 2026-03, a day like 2026-03-09, or a date and time like 2026-03-09T14:30:00-05:00."
)

# Only these digits count: `int` would take `-1`, `1_0` and Arabic digits.
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2}))?")
# RFC 3339 §5.6, where `T` may be small or a space.
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]((?!24)[0-9]{2}:[0-9]{2}):([0-9]{2})(?:\.[0-9]+)?"
    r"([Zz]|[+-][0-9]{2}:[0-5][0-9])?"
)
_YEARS = range(1900, 2200)


def parse_moment(text: str, zone: ZoneInfo) -> datetime:
    """The moment that *text* means, in UTC and whole seconds.

    ``2021-12`` is the first of the month and ``2021-12-06`` that day, both at 12:00 in *zone*; all
    else is RFC 3339 with its zone. A leap second counts as the second before it. A ValueError says what was
    found instead, such as ``a date and time without its zone``.
    """
    zone_written = ""
    if day := _DAY.fullmatch(text):
        written = f"{day[1]}-{day[2]}-{day[3] or '01'}T12:00:00"
    elif parts := _MOMENT.fullmatch(text):
        if parts[4] is None:
            raise ValueError("a date and time without its zone")
        second = "59" if parts[3] == "60" else parts[3]
        written, zone_written = f"{parts[1]}T{parts[2]}:{second}", parts[4].upper()
    else:
        raise ValueError("not a date")
    outside = f"outside the years {_YEARS[0]} to {_YEARS[-1]}"
    if int(written[:4]) not in _YEARS:  # far from both ends of the calendar no zone can overflow it
        raise ValueError(outside)
    try:
        moment = datetime.fromisoformat(written + zone_written)
    except ValueError:
        raise ValueError("not a date") from None
    moment = (moment if zone_written else moment.replace(tzinfo=zone)).astimezone(UTC)
    if moment.year not in _YEARS:  # the ledger stores it in UTC and must be able to read it again
        raise ValueError(outside)
    return moment


def first_published(date: str, zone: ZoneInfo, now: datetime) -> datetime | None:
    """When a post that is recorded at *now* is first published; None means at *now*.

    *date* is as written, in one of the three forms. A time of day, the future, and what ended
    45 days ago count as written: a recent month or day does not say the time.
    """
    moment = parse_moment(date, zone)
    day = _DAY.fullmatch(date)
    if moment > now or not day:
        return moment
    local = moment.astimezone(zone).date()
    after = local + timedelta(days=1) if day[3] else (local + timedelta(days=31)).replace(day=1)
    ended = datetime.combine(after, time(), zone).astimezone(UTC)
    return moment if now - ended >= timedelta(days=45) else None


def month_of(moment: datetime, zone: ZoneInfo) -> str:
    """The month in which *moment* falls in *zone*, such as ``2021-12``."""
    local = moment.astimezone(zone)
    return sys.intern(f"{local.year:04}-{local.month:02}")


def day(text: str) -> str | None:
    """*text* itself when it is a day such as ``2021-12-06`` or a month; None otherwise."""
    try:
        return text if _DAY.fullmatch(text) and parse_moment(text, ZoneInfo("UTC")) else None
    except ValueError:
        return None


def is_month(text: str) -> bool:
    """Whether *text* is a month such as ``2021-12``."""
    match = _DAY.fullmatch(text)
    return bool(match and match[3] is None and "01" <= match[2] <= "12")
