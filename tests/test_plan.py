"""Which feeds are named when a change is told, before anybody publishes it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from many import make_site, name_of, write_post
from pprnet_feeds.content.ledger import Ledger
from pprnet_feeds.content.library import Library, read_library
from pprnet_feeds.content.site import read_site
from pprnet_feeds.publishing.plan import changes, published

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EVERY = "Many Posts"
MONTHS = "Many, month by month"
CORRECTIONS = "Many: corrections"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return make_site(tmp_path / "site", 4)


def read(site: Path, ledger: Ledger | None = None) -> Library:
    settings, problems = read_site(site, {})
    assert settings is not None, problems
    return read_library(site, settings, NOW, ledger=ledger)


def feeds_after(site: Path, ledger: Ledger, **keys: str) -> tuple[str, ...]:
    """The feeds of the one change that follows when the post of number 1 gets these keys."""
    write_post(site, 1, **keys)
    library = read(site, ledger)
    assert library.problems == ()
    (change,) = changes(library, ledger)
    return change.feeds


def ledger_of(site: Path) -> Ledger:
    return published(read(site), Ledger(), NOW, frozenset())


def test_a_new_post_is_in_the_feed_of_its_month_and_not_among_the_corrections(site: Path):
    found = changes(read(site), Ledger())
    assert [change.feeds for change in found] == [
        (EVERY, "Many: Alpha", "Many: Trials", MONTHS),
        (EVERY, "Many: Beta", "Many: Reviews", MONTHS),
        (EVERY, "Many: Gamma", "Many: Trials", MONTHS),
        (EVERY, "Many: Alpha", "Many: Delta", "Many: Reviews", MONTHS),
    ]


def test_a_correction_is_in_the_feed_of_corrections(site: Path):
    ledger = ledger_of(site)
    told = feeds_after(site, ledger, status="corrected", note="Wrong.", updated="2013-02")
    assert told == (EVERY, "Many: Beta", "Many: Reviews", MONTHS, CORRECTIONS)


def test_a_correction_that_is_taken_back_leaves_the_feed_of_corrections(site: Path):
    write_post(site, 1, status="corrected", note="Wrong.")
    told = feeds_after(site, ledger_of(site))
    assert told == (EVERY, "Many: Beta", "Many: Reviews", MONTHS, CORRECTIONS)


def test_a_withdrawal_takes_a_post_out_of_its_month(site: Path):
    ledger = ledger_of(site)
    told = feeds_after(site, ledger, status="withdrawn", note="Wrong.")
    assert told == (EVERY, "Many: Beta", "Many: Reviews", MONTHS, CORRECTIONS)


def test_what_was_withdrawn_before_is_in_no_month(site: Path):
    write_post(site, 1, status="withdrawn", note="Wrong.")
    told = feeds_after(site, ledger_of(site), status="withdrawn", note="Quite wrong.")
    assert told == (EVERY, "Many: Beta", "Many: Reviews", CORRECTIONS)


def test_a_post_that_changes_its_topic_is_told_where_it_was_and_where_it_is(site: Path):
    told = feeds_after(site, ledger_of(site), topics="[delta]")
    assert told == (EVERY, "Many: Beta", "Many: Delta", "Many: Reviews", MONTHS)


def test_a_corrected_post_that_vanished_was_among_the_corrections(site: Path):
    write_post(site, 1, status="corrected", note="Wrong.")
    ledger = ledger_of(site)
    (site / f"posts/{name_of(1)}.md").unlink()
    (change,) = changes(read(site, ledger), ledger)
    assert (change.kind, change.feeds) == (
        "vanished",
        (EVERY, "Many: Beta", "Many: Reviews", MONTHS, CORRECTIONS),
    )
