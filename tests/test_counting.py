"""What is stored of requests: by the day, within bounds, and nothing of anybody."""

from __future__ import annotations

import logging
import sqlite3
import threading
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import postgres
from pprnet_feeds.state.database import Database
from pprnet_feeds.stats.counting import (
    LONGEST_PART,
    MOST_FEED_IDS,
    MOST_KEYS,
    MOST_LOOSE_PATHS,
    MOST_READERS,
    MOST_REPORTS,
    STORED,
    Counts,
    CountStore,
    Key,
    RequestCounter,
    counts_of,
    within_bounds,
)
from pprnet_feeds.stats.user_agents import KNOWN

DAY = "2026-03-09"
NOW = datetime(2026, 3, 9, 23, 59, 50, tzinfo=UTC)
SOON = timedelta(seconds=10)
NEXT_DAY = NOW + SOON
NEWSBOAT = b"Newsboat/2.36"
FEEDLY = b"Feedly/1.0 (+http://www.feedly.com/fetcher.html; 462 subscribers; )"


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Postgres]:
    with postgres.running() as server:
        yield server


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "state.sqlite3"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def state(request, file) -> str:
    if request.param == "sqlite":
        return str(file)
    return request.getfixturevalue("server").database()


def rows(state: str, table: str) -> list[tuple[object, ...]]:
    with Database(state).transaction() as connection:
        return sorted(tuple(row) for row in connection.execute(f"SELECT * FROM {table}"))


Responses = list[tuple[Key, bytes]]


def polled(
    agent: bytes = NEWSBOAT, path: bytes = b"/feed.atom", status: int = 304, size: int = 0
) -> Responses:
    return [((path, status, "", size), agent)]


def batch_of(responses: Responses) -> RequestCounter:
    counter = RequestCounter()
    for key, agent in responses:
        counter.add(key, agent)
    return counter


def messages(caplog) -> list[tuple[str, str]]:
    return [(record.levelname, record.getMessage()) for record in caplog.records]


# -- the counter of a process


def test_requests_for_the_same_are_one_key():
    counter = RequestCounter()
    for _ in range(3):
        counter.add((b"/feed.atom", 200, "gzip", 4096), NEWSBOAT)
    assert counter.requests == {(b"/feed.atom", 200, "gzip", 4096): 3}


def test_a_query_and_the_end_of_a_long_user_agent_are_not_stored():
    counter = RequestCounter()
    for number in range(9):
        agent = b"Feedly/1.0 " + b"a" * 60_000 + b" 5 subscribers"
        counter.add((b"/feed.atom?_=%d" % number, 304, "", 0), agent)
    assert (counter.requests, counter.reports) == ({(b"/feed.atom", 304, "", 0): 9}, {})


@pytest.mark.parametrize("status", [404, 405, 400, 414, 500, 503])
def test_where_there_is_nothing_neither_path_nor_program_is_stored(status):
    counter = RequestCounter()
    for number in range(100):
        counter.add((b"/wp-login.php%d" % number, status, "", 9), FEEDLY)
    assert (counter.requests, counter.reports) == ({(b"", status, "", 9): 100}, {})


def test_a_path_that_is_longer_than_any_of_ours_is_not_stored():
    counter = RequestCounter()
    counter.add((b"/" + b"a" * LONGEST_PART, 200, "", 9), FEEDLY)
    assert (counter.requests, counter.reports) == ({(b"", 200, "", 9): 1}, {})


def test_any_flood_costs_a_bounded_amount_of_memory_and_no_request_is_lost():
    counter = RequestCounter()
    tracemalloc.start()
    for number in range(4 * MOST_KEYS):
        path = b"/topics/%d,%s/feed.atom" % (number, b"a" * 200)
        counter.add(
            (path, 200, "br", number), b"%c%c%c/1.0 (5 readers)" % (*b"%03d" % (number % 999),) + b"x" * 4000
        )
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    requests = counter.requests
    assert sum(requests.values()) == 4 * MOST_KEYS
    assert len(requests) <= MOST_KEYS + 1
    assert used < 16_000_000


@given(st.lists(st.tuples(st.binary(), st.integers(100, 599), st.binary()), max_size=20))
def test_whatever_comes_is_batch_of(requests):
    counter = RequestCounter()
    for path, status, agent in requests:
        counter.add((path, status, "", 1), agent)
    assert sum(counter.requests.values()) == len(requests)
    counts_of(counter, DAY)


# -- what a request counts for


@pytest.mark.parametrize(
    ("path", "status", "counted"),
    [
        (b"/feed.atom", 200, [("/feed.atom", "full")]),
        (b"/feed.json", 304, [("/feed.json", "unchanged")]),
        (b"/topics/a,b/research/c/practice.rss", 304, [("/topics/a,b/research/c/practice.rss", "unchanged")]),
        (b"/topics/a/archive/2021/feed.atom", 200, [("/topics/a/archive/2021/feed.atom", "full")]),
        (b"/archive/feed.json", 200, [("/archive/feed.json", "full")]),
        (b"/search/sleep/feed.atom", 200, [("/search/sleep/feed.atom", "full")]),
        (b"/topics/a/citations.csl.json", 200, [("/topics/a/citations.csl.json", "full")]),
        (b"/issues/feed.rss", 200, [("/issues/feed.rss", "full")]),
        (b"/corrections/feed.json", 200, [("/corrections/feed.json", "full")]),
        (b"/feed.xml", 200, [("/feed.xml", "guessed")]),
        (b"/rss/", 304, [("/rss/", "guessed")]),
        (b"/topics/a/rss/feed.xml", 304, [("/topics/a/rss/feed.xml", "guessed")]),
        (b"/topics/old-name/feed.atom", 301, [("/topics/old-name/feed.atom", "moved")]),
        (b"/posts/withdrawn/", 410, [("/posts/withdrawn/", "gone")]),
        (b"/issues/2021-12/feed.atom", 410, [("/issues/2021-12/feed.atom", "gone")]),
        (b"/%66eed.atom", 301, [("", "moved")]),
        (b"", 404, [("", "missing")]),
        # Pages, files beside posts, and errors are no polls.
        (b"/", 200, []),
        (b"/topics/", 200, []),
        (b"/posts/feed/", 200, []),
        (b"/posts/a.json", 200, []),
        (b"/feeds.opml", 200, []),
        (b"", 405, []),
        (b"", 500, []),
    ],
)
def test_a_request_counts_for_the_feed_it_asked_for(path, status, counted):
    counts = counts_of(batch_of(polled(path=path, status=status)), DAY)
    assert [(path, kind) for _, path, kind in counts.polls] == counted


# -- what is stored of it


def test_requests_are_stored_by_the_day(state):
    batch = [
        ((b"/feed.atom", 200, "gzip", 4096), NEWSBOAT),
        ((b"/feed.atom", 200, "br", 4000), NEWSBOAT),
        *4 * polled(),
        *2 * polled(FEEDLY, path=b"/feed.xml"),
        *3 * polled(path=b"", status=404, size=99),
    ]
    CountStore(Database(state)).store(batch_of(batch), NOW)
    assert rows(state, "polls") == [
        (DAY, "", "missing", 3, 297),
        (DAY, "/feed.atom", "full", 2, 8096),
        (DAY, "/feed.atom", "unchanged", 4, 0),
        (DAY, "/feed.xml", "guessed", 2, 0),
    ]
    assert rows(state, "subscribers") == [(DAY, "/feed.xml", "Feedly", "", 462)]


def test_batches_and_processes_add_up_and_the_latest_report_counts(state):
    one, other = CountStore(Database(state)), CountStore(Database(state))
    for number, where in enumerate((one, other, one)):
        agent = FEEDLY.replace(b"462", b"%d" % (462 + number))
        where.store(batch_of(polled(agent, status=200, size=4096)), NOW)
    assert rows(state, "polls") == [(DAY, "/feed.atom", "full", 3, 3 * 4096)]
    assert rows(state, "subscribers") == [(DAY, "/feed.atom", "Feedly", "", 464)]


def test_what_is_older_than_three_years_is_deleted(state):
    CountStore(Database(state)).store(batch_of(polled(FEEDLY)), NOW - STORED - timedelta(days=1))
    CountStore(Database(state)).store(batch_of(polled(FEEDLY)), NOW - STORED + timedelta(days=1))
    CountStore(Database(state)).store(batch_of([]), NOW)
    days = {row[0] for table in ("polls", "subscribers") for row in rows(state, table)}
    assert days == {str((NOW - STORED + timedelta(days=1)).date())}


def test_the_number_of_pings_that_wait_is_known_after_a_batch(state):
    where = CountStore(Database(state))
    where.store(batch_of([]), NOW)
    assert where.pings == 0
    with Database(state).transaction() as connection:
        connection.execute("INSERT INTO pings VALUES ('https://hub', '/feed.atom', 0, 0, 0, 0)")
    where.store(batch_of(polled()), NOW)
    assert where.pings == 1


def test_when_nothing_is_asked_the_state_is_left_alone_for_a_minute(file):
    where = CountStore(Database(str(file)))
    where.store(batch_of([]), NEXT_DAY)
    file.unlink()
    where.store(batch_of([]), NEXT_DAY + timedelta(seconds=59))
    assert not file.exists()
    where.store(batch_of([]), NEXT_DAY + timedelta(seconds=60))
    assert file.exists()


# -- the bounds


def made_up(reader: bytes, number: int) -> bytes:
    return b"%s/1.0 (1000 subscribers; feed-id=x%d)" % (reader, number)


def test_one_reader_has_at_most_five_feed_ids_for_one_feed_in_a_day(state):
    where = CountStore(Database(state))
    for start in range(0, 30_000, 10_000):
        batch: Responses = []
        for number in range(start, start + 10_000):
            batch += polled(made_up(b"Feedly", number))
        where.store(batch_of(batch + polled(FEEDLY) + polled(b"NewsBlur Feed Fetcher - 27 subscribers")), NOW)
    stored = rows(state, "subscribers")
    assert len([row for row in stored if row[2] == "Feedly" and row[3]]) == MOST_FEED_IDS
    # The number without an id, and those of other readers, have a place of their own.
    assert (DAY, "/feed.atom", "Feedly", "", 462) in stored
    assert (DAY, "/feed.atom", "NewsBlur", "", 27) in stored
    assert sum(requests for *_, requests, _ in rows(state, "polls")) == 30_006


def test_a_day_has_at_most_200_names_of_readers_and_known_ones_always_have_a_place(state):
    where = CountStore(Database(state))
    for start in "abcdef":
        batch: Responses = []
        for number in range(100):
            name = f"Reader {start}{chr(97 + number // 26)}{chr(97 + number % 26)}"
            batch += polled(name.encode() + b" - 5 subscribers")
        where.store(batch_of(batch), NOW)
    where.store(batch_of(polled(FEEDLY)), NOW)
    names = {reader for _, _, reader, _, _ in rows(state, "subscribers")}
    assert len(names - KNOWN) == MOST_READERS - len(KNOWN)
    assert "Feedly" in names


def test_a_number_above_a_hundred_thousand_is_ignored(state):
    where = CountStore(Database(state))
    for number in (100_000, 100_001):
        agent = b"Feedly/1.0 (%d subscribers; feed-id=n%d)" % (number, number)
        where.store(batch_of(polled(agent)), NOW)
    assert rows(state, "subscribers") == [(DAY, "/feed.atom", "Feedly", "n100000", 100_000)]


def test_one_reader_has_a_bounded_number_of_reports_over_all_feeds(state):
    batch: Responses = []
    for number in range(MOST_REPORTS + 50):
        batch += polled(FEEDLY, path=b"/topics/t%d/feed.atom" % number)
    CountStore(Database(state)).store(batch_of(batch), NOW)
    CountStore(Database(state)).store(batch_of(polled(b"Feedbin feed-id:1 - 102 subscribers")), NOW)
    stored = rows(state, "subscribers")
    assert len(stored) == MOST_REPORTS + 1
    assert (DAY, "/feed.atom", "Feedbin", "1", 102) in stored


def test_reports_for_pages_take_no_feeds_place(state):
    batch: Responses = []
    for number in range(2 * MOST_REPORTS):
        batch += polled(FEEDLY, path=b"/posts/p%d/" % number)
    CountStore(Database(state)).store(batch_of(batch + polled(FEEDLY)), NOW)
    assert rows(state, "subscribers") == [(DAY, "/feed.atom", "Feedly", "", 462)]


def test_a_flood_of_made_up_paths_takes_no_listed_feeds_place(state):
    batch: Responses = []
    for number in range(2 * MOST_KEYS):
        batch += polled(path=b"/search/w%d+v/feed.atom" % number, status=301)
    CountStore(Database(state)).store(batch_of(batch + polled(FEEDLY)), NOW)
    assert rows(state, "subscribers") == [(DAY, "/feed.atom", "Feedly", "", 462)]
    assert (DAY, "/feed.atom", "unchanged", 1, 0) in rows(state, "polls")


def test_paths_that_clients_can_make_up_are_bounded_and_push_no_feed_out():
    counts = Counts()
    for number in range(3 * MOST_LOOSE_PATHS):
        counts.add((DAY, f"/topics/a,b{number}/feed.atom", "full"), 1, 10)
        counts.add((DAY, f"/search/w{number}/feed.atom", "full"), 1, 10)
        counts.add((DAY, f"/old/{number}", "gone"), 1, 10)
    counts.add((DAY, "/feed.atom", "full"), 1, 10)
    bounded = within_bounds(counts, (), ())
    assert len(bounded.polls) <= MOST_LOOSE_PATHS + 3
    assert bounded.polls[DAY, "/feed.atom", "full"] == (1, 10)
    assert sum(requests for requests, _ in bounded.polls.values()) == 9 * MOST_LOOSE_PATHS + 1
    again = within_bounds(counts, bounded.polls, ())
    assert again.polls.keys() <= bounded.polls.keys()


# -- nothing of anybody


def test_no_user_agent_and_nothing_made_from_an_address_is_anywhere_on_the_disk(file, caplog):
    caplog.set_level(logging.DEBUG)
    CountStore(Database(str(file))).store(batch_of(polled(b"Newsboat/2.36 secret-agent 203.0.113.77")), NOW)
    stored = b"".join(path.read_bytes() for path in file.parent.iterdir())
    assert b"203.0.113" not in stored
    assert b"secret-agent" not in stored
    assert "203.0.113" not in caplog.text
    for table in ("salts", "hashes", "pollers", "programs"):
        assert rows(str(file), table) == []


# -- what can go wrong


def test_while_the_state_cannot_be_used_counts_wait_and_two_lines_say_so(file, caplog):
    caplog.set_level(logging.INFO)
    file.mkdir()
    where = CountStore(Database(str(file)))
    for _ in range(3):
        where.store(batch_of(polled(FEEDLY)), NOW)
    file.rmdir()
    where.store(batch_of(polled(FEEDLY)), NOW)
    assert rows(str(file), "polls") == [(DAY, "/feed.atom", "unchanged", 4, 0)]
    assert rows(str(file), "subscribers") == [(DAY, "/feed.atom", "Feedly", "", 462)]
    why = f"requests are counted in memory until the state in {file} can be used"
    assert messages(caplog) == [
        ("WARNING", f"{why} (unable to open database file)"),
        ("INFO", f"requests are stored in {file} again"),
    ]


def test_what_waited_over_midnight_counts_for_its_own_day(file):
    file.mkdir()
    where = CountStore(Database(str(file)))
    where.store(batch_of(polled()), NOW)
    file.rmdir()
    where.store(batch_of(polled()), NEXT_DAY)
    assert rows(str(file), "polls") == [
        (DAY, "/feed.atom", "unchanged", 1, 0),
        ("2026-03-10", "/feed.atom", "unchanged", 1, 0),
    ]


def test_what_waits_is_bounded(file):
    file.mkdir()
    where = CountStore(Database(str(file)))
    for start in range(0, 5 * MOST_LOOSE_PATHS, MOST_LOOSE_PATHS):
        batch: Responses = []
        for number in range(start, start + MOST_LOOSE_PATHS):
            batch += polled(made_up(b"Feedly", number), path=b"/search/w%d/feed.atom" % number)
        where.store(batch_of(batch), NOW)
    file.rmdir()
    where.store(batch_of([]), NOW)
    assert len(rows(str(file), "polls")) <= MOST_LOOSE_PATHS + 1
    assert sum(requests for *_, requests, _ in rows(str(file), "polls")) == 5 * MOST_LOOSE_PATHS


def test_a_corrupt_state_is_reported_once_and_left_as_it_is(file, caplog):
    file.write_bytes(b"no database at all" * 500)
    where = CountStore(Database(str(file)))
    for _ in range(3):
        where.store(batch_of(polled()), NOW)
    assert [level for level, _ in messages(caplog)] == ["WARNING"]
    assert messages(caplog)[0][1].endswith("(file is not a database)")


@pytest.mark.slow
def test_a_locked_state_delays_nobody_for_more_than_seconds(file, caplog):
    where = CountStore(Database(str(file)))
    where.store(batch_of(polled()), NOW)
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    where.store(batch_of(polled()), NOW)
    holder.rollback()
    holder.close()
    where.store(batch_of([]), NOW)
    assert rows(str(file), "polls") == [(DAY, "/feed.atom", "unchanged", 2, 0)]
    assert [level for level, _ in messages(caplog)] == ["WARNING"]


@pytest.mark.slow
def test_processes_that_store_at_once_lose_nothing(state):
    failed: list[BaseException] = []

    def work() -> None:
        try:
            where = CountStore(Database(state))
            for step in range(10):
                where.store(batch_of(polled(path=b"/topics/%d/feed.atom" % (step % 2))), NOW)
            where.store(batch_of([]), NOW + timedelta(minutes=2))
        except BaseException as error:
            failed.append(error)

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert failed == []
    assert [row[1:4] for row in rows(state, "polls")] == [
        ("/topics/0/feed.atom", "unchanged", 15),
        ("/topics/1/feed.atom", "unchanged", 15),
    ]
