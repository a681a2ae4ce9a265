from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprnet_feeds.content import dates

TORONTO = ZoneInfo("America/Toronto")


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("2021-12", datetime(2021, 12, 1, 17, tzinfo=UTC)),
        ("2021-07", datetime(2021, 7, 1, 16, tzinfo=UTC)),
        ("2021-12-06", datetime(2021, 12, 6, 17, tzinfo=UTC)),
        ("2024-02-29", datetime(2024, 2, 29, 17, tzinfo=UTC)),
        ("2026-03-09T14:30:00-05:00", datetime(2026, 3, 9, 19, 30, tzinfo=UTC)),
        ("2026-03-09T14:30:00Z", datetime(2026, 3, 9, 14, 30, tzinfo=UTC)),
        ("2026-03-09 14:30:00.999+05:30", datetime(2026, 3, 9, 9, tzinfo=UTC)),
        ("2026-03-09t14:30:00z", datetime(2026, 3, 9, 14, 30, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("1900-01", datetime(1900, 1, 1, 17, tzinfo=UTC)),
    ],
)
def test_the_three_forms_mean_one_moment_in_utc(typed, moment):
    parsed = dates.parse_moment(typed, TORONTO)
    assert (parsed, parsed.tzinfo) == (moment, UTC)


@pytest.mark.parametrize(
    "typed",
    [
        "2021-02-30", "2026-13", "2026-00", "2026-3", "yesterday", ".inf", ".nan", "10000", "9" * 5000, "",
        "12:30:45", "٢٠٢١-١٢", "2021-12\n", " 2021-12", "-2021-12", "2_21-12", "2021-12-06T25:00:00Z",
        "2021-12-06T12:00:00+24:00", "2021-12-06T12:00:61Z", "2021-12-06T12:00:00 EST", "06/12/2021", "null",
        "2021-12-06T12:00Z",
    ],
)  # fmt: skip
def test_anything_else_is_not_a_date(typed):
    with pytest.raises(ValueError, match=r"^not a date$"):
        dates.parse_moment(typed, TORONTO)


@pytest.mark.parametrize(
    "typed", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "0000-01", "1899-12", "2200-01"]
)
def test_years_at_the_ends_of_the_calendar_are_refused_and_never_overflow(typed):
    with pytest.raises(ValueError, match=r"^outside the years 1900 to 2199$"):
        dates.parse_moment(typed, TORONTO)


def test_a_moment_wants_its_zone():
    with pytest.raises(ValueError, match=r"^a date and time without its zone$"):
        dates.parse_moment("2026-03-09T14:30:00", TORONTO)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "Pacific/Apia"])
def test_a_month_is_that_month_in_every_zone(zone):
    there = ZoneInfo(zone)
    assert dates.month_of(dates.parse_moment("2021-12", there), there) == "2021-12"


def test_the_month_of_a_moment_is_the_local_one():
    assert dates.month_of(datetime(2022, 1, 1, 3, tzinfo=UTC), TORONTO) == "2021-12"


@pytest.mark.parametrize(
    ("text", "answer"), [("2022-01", True), ("2022-13", False), ("2022-01-01", False), ("٢٠٢١-١٢", False)]
)
def test_a_month_is_four_digits_and_two(text, answer):
    assert dates.is_month(text) is answer


@given(st.one_of(st.text(), st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8}[Z+-][0-9:]*")))
def test_any_text_is_a_moment_in_utc_or_a_value_error(text):
    try:
        moment = dates.parse_moment(text, TORONTO)
    except ValueError as reason:
        told = str(reason)
    else:
        told = "" if (moment.tzinfo, moment.microsecond) == (UTC, 0) else "not in UTC"
    assert told in {"", "not a date", "a date and time without its zone", "outside the years 1900 to 2199"}
