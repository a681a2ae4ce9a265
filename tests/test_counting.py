"""What is kept of what was asked for: by the day, together with others, and nothing of anybody."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sql

import postgres
from pprnet_feeds.serving import counting
from pprnet_feeds.serving.counting import KEPT, Counting
from pprnet_feeds.serving.database import Database
from pprnet_feeds.serving.tally import Key, Kind

NOW = datetime(2026, 3, 9, 23, 59, 50, tzinfo=UTC)
SOON = timedelta(seconds=10)
NEXT_DAY = NOW + SOON
FULL = Kind(200, "gzip", 4096)
SAME = Kind(304)
FEEDLY = b"Feedly/1.0 (+http://www.feedly.com/fetcher.html; 462 subscribers; )"
TABLES = ("polls", "subscribers", "pollers", "programs", "salts", "hashes")


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Postgres]:
    with postgres.running() as server:
        yield server


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "state.sqlite3"


@pytest.fixture(params=["sqlite", "postgresql"])
def state(request, file) -> str:
    if request.param == "sqlite":
        return str(file)
    return request.getfixturevalue("server").database()


def rows(state: str, table: str) -> list[tuple[object, ...]]:
    with Database(state).transaction() as connection:
        return sorted(tuple(row) for row in connection.execute(sql.text(f"SELECT * FROM {table}")))


def polled(
    client: str = "192.0.2.7", agent: bytes = b"Newsboat/2.36", path: bytes = b"/feed.atom", kind=SAME
):
    return {Key(path, kind, agent, client): 1}


def waits(file: Path, why: str) -> str:
    return f"what is asked for is counted in memory until the state in {file} can be used ({why})"


def messages(caplog) -> list[tuple[str, str]]:
    return [(record.levelname, record.getMessage()) for record in caplog.records]


# -- what it is for


def test_what_was_asked_for_is_kept_by_the_day(state):
    batch = {
        Key(b"/feed.atom", FULL, b"Newsboat/2.36", "192.0.2.7"): 1,
        Key(b"/feed.atom", SAME, b"Newsboat/2.36", "192.0.2.7"): 4,
        Key(b"/feed.xml", SAME, FEEDLY, "192.0.2.8"): 2,
        Key(b"", Kind(404, "", 99), None, None): 3,
    }
    Counting(Database(state)).fold(batch, NOW)
    assert rows(state, "polls") == [
        ("2026-03-09", "", "missing", 3, 297),
        ("2026-03-09", "/feed.atom", "full", 1, 4096),
        ("2026-03-09", "/feed.atom", "unchanged", 4, 0),
        ("2026-03-09", "/feed.xml", "guessed", 2, 0),
    ]
    assert rows(state, "subscribers") == [("2026-03-09", "/feed.xml", "Feedly", "", 462)]
    assert rows(state, "programs") == [("2026-03-09", "Feedly", 2), ("2026-03-09", "Newsboat", 5)]
    assert rows(state, "pollers") == [
        ("2026-03-09", "", 2),
        ("2026-03-09", "/feed.atom", 1),
        ("2026-03-09", "/feed.xml", 1),
    ]


def test_batches_and_processes_add_up_and_the_latest_report_counts(state):
    one, other = Counting(Database(state)), Counting(Database(state))
    for number, where in enumerate((one, other, one)):
        where.fold(polled(agent=FEEDLY.replace(b"462", b"%d" % (462 + number)), kind=FULL), NOW)
    assert rows(state, "polls") == [("2026-03-09", "/feed.atom", "full", 3, 3 * 4096)]
    assert rows(state, "subscribers") == [("2026-03-09", "/feed.atom", "Feedly", "", 464)]
    assert rows(state, "programs") == [("2026-03-09", "Feedly", 3)]


def test_whoever_comes_again_is_one_poller_for_all_workers(state):
    one, other = Counting(Database(state)), Counting(Database(state))
    for where in (one, other, one):
        for client in ("192.0.2.7", "192.0.2.8"):
            where.fold(polled(client), NOW)
    assert rows(state, "pollers") == [("2026-03-09", "", 2), ("2026-03-09", "/feed.atom", 2)]


def test_at_midnight_the_count_stays_and_salt_and_hashes_are_gone(state):
    where = Counting(Database(state))
    where.fold(polled(), NOW)
    [(_, salt, _)] = rows(state, "salts")
    where.fold({}, NEXT_DAY)
    assert rows(state, "pollers") == [("2026-03-09", "", 1), ("2026-03-09", "/feed.atom", 1)]
    assert rows(state, "hashes") == []
    [(day, other_salt, _)] = rows(state, "salts")
    assert day == "2026-03-10"
    assert other_salt != salt


def test_the_same_poller_is_counted_anew_on_another_day(state):
    where = Counting(Database(state))
    where.fold(polled(), NOW)
    where.fold(polled(), NEXT_DAY)
    assert [number for _, address, number in rows(state, "pollers") if address] == [1, 1]
    assert len(rows(state, "hashes")) == 2


def test_a_replica_whose_clock_is_late_counts_requests_and_no_pollers_of_a_day_that_is_over(state):
    early, late = Counting(Database(state)), Counting(Database(state))
    late.fold(polled("192.0.2.7"), NOW)
    early.fold(polled("192.0.2.8"), NEXT_DAY)
    late.fold(polled("192.0.2.9"), NOW)
    assert rows(state, "polls")[0] == ("2026-03-09", "/feed.atom", "unchanged", 2, 0)
    assert [row for row in rows(state, "pollers") if row[1]] == [
        ("2026-03-09", "/feed.atom", 1),
        ("2026-03-10", "/feed.atom", 1),
    ]
    assert {day for day, _, _ in rows(state, "salts")} == {"2026-03-10"}
    late.fold(polled("192.0.2.8"), NEXT_DAY)
    assert rows(state, "pollers")[-1] == ("2026-03-10", "/feed.atom", 1)


def test_a_clock_that_was_wrong_for_a_while_stops_nothing(state):
    Counting(Database(state)).fold(polled(), NOW + timedelta(days=1000))
    Counting(Database(state)).fold(polled(), NOW)
    assert rows(state, "pollers")[:2] == [("2026-03-09", "", 1), ("2026-03-09", "/feed.atom", 1)]


def test_what_is_older_than_three_years_is_thrown_away(state):
    Counting(Database(state)).fold(polled(agent=FEEDLY), NOW - KEPT - timedelta(days=1))
    Counting(Database(state)).fold(polled(agent=FEEDLY), NOW - KEPT + timedelta(days=1))
    Counting(Database(state)).fold({}, NOW)
    days = {row[0] for table in TABLES[:4] for row in rows(state, table)}
    assert days == {str((NOW - KEPT + timedelta(days=1)).date())}


def test_past_a_number_of_hashes_pollers_are_estimated_and_the_table_grows_no_more(state, monkeypatch):
    monkeypatch.setattr(counting, "MOST_HASHES", 1000)
    where = Counting(Database(state))
    for start in range(0, 4000, 500):
        batch = {}
        for number in range(start, start + 500):
            batch |= polled(f"2001:db8::{number:x}")
        where.fold(batch, NOW)
        assert len(rows(state, "hashes")) <= 1000
    number = {address: number for _, address, number in rows(state, "pollers")}
    assert number[""] == number["/feed.atom"]
    assert 0.75 * 4000 < number[""] < 1.25 * 4000
    where.fold(polled("2001:db8::1"), NOW)
    assert len(rows(state, "hashes")) <= 1000


def test_the_number_of_pings_that_wait_is_known_after_a_fold(state):
    where = Counting(Database(state))
    where.fold({}, NOW)
    assert where.pings == 0
    with Database(state).transaction() as connection:
        connection.execute(sql.text("INSERT INTO pings VALUES ('https://hub', '/feed.atom', 0, 0, 0, 0)"))
    where.fold(polled(), NOW)
    assert where.pings == 1


def test_when_nothing_is_asked_the_state_is_left_alone_for_a_minute(file):
    where = Counting(Database(str(file)))
    where.fold({}, NEXT_DAY)
    file.unlink()
    where.fold({}, NEXT_DAY + timedelta(seconds=59))
    assert not file.exists()
    where.fold({}, NEXT_DAY + timedelta(seconds=60))
    assert file.exists()


# -- nothing of anybody


def test_no_client_and_no_salt_of_another_day_is_anywhere_on_the_disk(file, caplog):
    caplog.set_level(logging.DEBUG)
    where = Counting(Database(str(file)))
    where.fold(polled("203.0.113.77", b"Newsboat/2.36 secret-agent"), NOW)
    [(_, salt, _)] = rows(str(file), "salts")
    where.fold(polled("203.0.113.78"), NEXT_DAY)
    kept = b"".join(path.read_bytes() for path in file.parent.iterdir())
    assert b"203.0.113" not in kept
    assert b"secret-agent" not in kept
    assert str(salt).encode() not in kept
    assert "203.0.113" not in caplog.text


# -- what can befall it


def test_while_the_state_cannot_be_used_counts_wait_and_two_lines_tell_of_it(file, caplog):
    caplog.set_level(logging.INFO)
    file.mkdir()
    where = Counting(Database(str(file)))
    for number in range(3):
        where.fold(polled(f"192.0.2.{number}", FEEDLY), NOW)
    file.rmdir()
    where.fold(polled("192.0.2.0", FEEDLY), NOW)
    assert rows(str(file), "polls") == [("2026-03-09", "/feed.atom", "unchanged", 4, 0)]
    assert rows(str(file), "subscribers") == [("2026-03-09", "/feed.atom", "Feedly", "", 462)]
    assert rows(str(file), "pollers") == [("2026-03-09", "", 3), ("2026-03-09", "/feed.atom", 3)]
    why = waits(file, "unable to open database file")
    assert messages(caplog) == [("WARNING", why), ("INFO", f"what is asked for is kept in {file} again")]


def test_what_waited_over_midnight_counts_for_its_own_day_without_its_pollers(file):
    file.mkdir()
    where = Counting(Database(str(file)))
    where.fold(polled(), NOW)
    file.rmdir()
    where.fold(polled(), NEXT_DAY)
    assert rows(str(file), "polls") == [
        ("2026-03-09", "/feed.atom", "unchanged", 1, 0),
        ("2026-03-10", "/feed.atom", "unchanged", 1, 0),
    ]
    assert [day for day, _, _ in rows(str(file), "pollers")] == ["2026-03-10"] * 2


def test_hashes_of_a_salt_that_nobody_else_has_are_not_mixed_with_the_others(file):
    cut_off, other = Counting(Database(str(file))), Counting(Database(str(file)))
    file.mkdir()
    cut_off.fold(polled(), NOW)
    file.rmdir()
    other.fold(polled(), NOW)
    cut_off.fold(polled(), NOW)
    assert rows(str(file), "polls") == [("2026-03-09", "/feed.atom", "unchanged", 3, 0)]
    assert rows(str(file), "pollers") == [("2026-03-09", "", 1), ("2026-03-09", "/feed.atom", 1)]


def test_a_state_that_vanished_is_begun_anew_with_the_same_salt(file):
    where = Counting(Database(str(file)))
    where.fold(polled(), NOW)
    [(_, salt, _)] = rows(str(file), "salts")
    file.unlink()
    where.fold(polled("192.0.2.8"), NOW)
    assert [row[1] for row in rows(str(file), "salts")] == [salt]
    assert rows(str(file), "polls") == [("2026-03-09", "/feed.atom", "unchanged", 1, 0)]


def test_a_corrupt_state_is_told_once_and_left_to_whoever_mends_it(file, caplog):
    file.write_bytes(b"no database at all" * 500)
    where = Counting(Database(str(file)))
    for _ in range(3):
        where.fold(polled(), NOW)
    assert messages(caplog) == [("WARNING", waits(file, "file is not a database"))]


@pytest.mark.slow
def test_a_locked_state_keeps_nobody_for_more_than_seconds(file, caplog):
    where = Counting(Database(str(file)))
    where.fold(polled(), NOW)
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    where.fold(polled(), NOW)
    holder.rollback()
    holder.close()
    where.fold({}, NOW)
    assert rows(str(file), "polls") == [("2026-03-09", "/feed.atom", "unchanged", 2, 0)]
    assert [level for level, _ in messages(caplog)] == ["WARNING"]


def test_workers_that_fold_at_once_lose_nothing(state):
    failed: list[BaseException] = []

    def work(number: int) -> None:
        try:
            where = Counting(Database(state))
            for step in range(10):
                where.fold(polled(f"192.0.2.{step}", path=b"/topics/%d/feed.atom" % (step % 2)), NOW)
        except BaseException as error:
            failed.append(error)

    workers = [threading.Thread(target=work, args=[number]) for number in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert failed == []
    assert [row[1:4] for row in rows(state, "polls")] == [
        ("/topics/0/feed.atom", "unchanged", 15),
        ("/topics/1/feed.atom", "unchanged", 15),
    ]
    assert rows(state, "pollers")[0] == ("2026-03-09", "", 10)
