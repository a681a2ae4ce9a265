"""What the state store promises, on a PostgreSQL server as on a file."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

import pytest

import postgres
from pprnet_feeds.state.last_modified import TimestampStore
from test_last_modified import FIRST, LATER, MUCH_LATER, NAPS, NOW, SLEEP, VOWS
from test_store import BETTER, PROCESS, SAME, run, see

pytestmark = pytest.mark.slow  # each needs a server of PostgreSQL


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Postgres]:
    with postgres.running() as server:
        yield server


@pytest.fixture
def address(server) -> str:
    return server.database()


def test_after_a_restart_everything_is_known_again(address):
    assert see(TimestampStore(address), NOW, NAPS, VOWS) == FIRST
    edited = see(TimestampStore(address), LATER, BETTER)
    assert see(TimestampStore(address), MUCH_LATER, BETTER) == edited == TimestampStore(address).load()


def test_the_second_replica_tells_what_the_first_has_recorded(address):
    one, other = TimestampStore(address), TimestampStore(address)
    see(one, NOW, NAPS, VOWS)
    see(other, NOW, NAPS, VOWS)
    first = see(one, LATER, BETTER)
    assert see(other, MUCH_LATER, BETTER) == first


def test_replicas_that_begin_and_record_at_once_lose_nothing(address):
    start = str(time.time() + 2)
    running = [run(PROCESS, address, str(number), start) for number in range(3)]
    told = [process.communicate(timeout=60) for process in running]
    assert [errors for _, errors in told] == ["", "", ""]
    known = TimestampStore(address).load()
    assert set(known.seen) == set(FIRST.seen)
    assert max(moment for moment, _ in told).strip() == known.last_modified(SLEEP.holds).isoformat()


def test_replicas_that_see_one_change_at_once_tell_one_moment(address):
    see(TimestampStore(address), NOW, NAPS, VOWS)
    start = str(time.time() + 2)
    running = [run(SAME, address, str(number), start) for number in range(3)]
    told = [process.communicate(timeout=60) for process in running]
    assert {errors for _, errors in told} == {""}
    assert len({moments for moments, _ in told}) == 1


def test_a_server_that_is_away_is_told_once_and_never_in_the_way(tmp_path, address, caplog):
    store = TimestampStore(f"postgresql+psycopg://feeds:secret@/state?host={tmp_path}")
    see(store, NOW, NAPS, VOWS)
    assert see(store, LATER, BETTER, VOWS).last_modified(SLEEP.holds) == LATER
    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert line.startswith("the state cannot be kept in postgresql+psycopg://feeds:***@/state?host=")
    assert "secret" not in line
