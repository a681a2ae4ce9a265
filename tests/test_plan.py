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


def told_after(site: Path, ledger: Ledger) -> list[tuple[str, str, str, str]]:
    library = read(site, ledger)
    assert library.problems == ()
    return [(change.kind, change.id, change.detail, change.mend) for change in changes(library, ledger)]


def test_two_posts_that_exchange_their_ids_have_changed_them(site: Path):
    ledger = ledger_of(site)
    first, second = name_of(0), name_of(1)
    write_post(site, 0, id=second)
    write_post(site, 1, id=first)
    assert told_after(site, ledger) == [
        ("id changed", second, f"it was '{first}'", f"Take `id` out of the file, or write `id: {first}`."),
        ("id changed", first, f"it was '{second}'", f"Take `id` out of the file, or write `id: {second}`."),
    ]


def test_a_post_that_takes_the_id_of_a_deleted_one_has_changed_its_own(site: Path):
    ledger = ledger_of(site)
    first, second = name_of(0), name_of(1)
    write_post(site, 0, id=second)
    (site / f"posts/{second}.md").unlink()
    assert told_after(site, ledger) == [
        ("id changed", second, f"it was '{first}'", f"Take `id` out of the file, or write `id: {first}`.")
    ]


def test_two_files_that_exchange_their_names_keep_the_ids_in_them(site: Path):
    for number in (0, 1):
        write_post(site, number, id=f"own-{number}")
    ledger = ledger_of(site)
    first, second = site / f"posts/{name_of(0)}.md", site / f"posts/{name_of(1)}.md"
    texts = first.read_text(), second.read_text()
    first.write_text(texts[1])
    second.write_text(texts[0])
    assert [told[:2] for told in told_after(site, ledger)] == [("moved", "own-1"), ("moved", "own-0")]


def test_a_post_is_missed_although_another_has_taken_the_name_of_its_file(site: Path):
    for number in (0, 1):
        write_post(site, number, id=f"own-{number}")
    ledger = ledger_of(site)
    (site / f"posts/{name_of(1)}.md").replace(site / f"posts/{name_of(0)}.md")
    vanished, moved = told_after(site, ledger)
    assert vanished == (
        "vanished",
        "own-0",
        "another post has its file",
        "Write it again under another name with `id: own-0`, with `status: withdrawn` if readers should "
        "get a notice that it is gone; or publish with --forget own-0.",
    )
    assert moved[:2] == ("moved", "own-1")
