"""What requests cost to be counted: an addition, and a bounded amount of memory."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from pprnet_feeds.serving.tally import LONGEST_ADDRESS, LONGEST_AGENT, MOST_KEYS, Key, Kind, Tally

FULL = Kind(200, "gzip", 4096)
MISSING = Kind(404, "", 120)


def scope(path: bytes = b"/feed.atom", agent: bytes | None = b"Newsboat/2.3", client=("192.0.2.7", 4711)):
    headers = [(b"host", b"feeds.example.org"), *([(b"user-agent", agent)] if agent is not None else [])]
    return {"type": "http", "raw_path": path, "headers": headers, "client": client}


def test_requests_for_the_same_by_the_same_are_one_key():
    tally = Tally()
    for port in range(3):
        tally.note(scope(client=("192.0.2.7", port)), FULL)
    assert tally.take() == {(b"/feed.atom", FULL, b"Newsboat/2.3", "192.0.2.7"): 3}


def test_the_short_way_counts_under_the_same_key_as_the_long_one():
    tally = Tally()
    tally.note(scope(), FULL)
    tally.counts[(b"/feed.atom", FULL, b"Newsboat/2.3", "192.0.2.7")][0] += 1
    assert list(tally.take().values()) == [2]


def test_a_batch_that_was_taken_stays_as_it_is_and_the_next_begins_anew():
    tally = Tally()
    tally.note(scope(), FULL)
    batch = tally.take()
    tally.note(scope(), MISSING)
    assert list(batch) == [Key(b"/feed.atom", FULL, b"Newsboat/2.3", "192.0.2.7")]
    assert list(tally.take()) == [Key(b"/feed.atom", MISSING, b"Newsboat/2.3", "192.0.2.7")]


def test_where_there_is_nothing_neither_address_nor_client_is_taken_in():
    tally = Tally()
    for number in range(100):
        tally.note(scope(b"/wp-login.php?%d" % number), MISSING, ours=False)
    assert tally.take() == {(b"", MISSING, None, None): 100}


def test_a_request_without_user_agent_or_peer_counts_as_well():
    tally = Tally()
    tally.note(scope(agent=None, client=None), FULL)
    assert tally.take() == {(b"/feed.atom", FULL, None, None): 1}


def test_the_beginning_of_a_long_user_agent_is_kept():
    tally = Tally()
    tally.note(scope(agent=b"a" * 60_000), FULL)
    assert tally.take() == {(b"/feed.atom", FULL, b"a" * LONGEST_AGENT, "192.0.2.7"): 1}


def test_an_address_that_is_longer_than_any_of_ours_is_not_kept():
    tally = Tally()
    tally.note(scope(b"/" + b"a" * LONGEST_ADDRESS), FULL)
    assert tally.take() == {(b"", FULL, None, None): 1}


def test_past_the_bound_new_clients_count_without_a_name_and_the_others_as_before():
    tally = Tally()
    for number in range(MOST_KEYS + 50):
        tally.note(scope(client=(f"2001:db8::{number:x}", 1)), FULL)
    tally.note(scope(client=("2001:db8::0", 1)), FULL)
    batch = tally.take()
    assert len(batch) == MOST_KEYS + 1
    assert batch[Key(b"/feed.atom", FULL, None, None)] == 50
    assert batch[Key(b"/feed.atom", FULL, b"Newsboat/2.3", "2001:db8::0")] == 2


def test_any_flood_costs_a_bounded_amount_of_memory_and_no_request_is_lost():
    tally = Tally()
    tracemalloc.start()
    for number in range(4 * MOST_KEYS):
        path = b"/topics/%d,%s/feed.atom" % (number, b"a" * 200)
        agent = b"%d" % number + b"x" * 4000
        tally.note(scope(path, agent, (f"2001:db8::{number:x}", 1)), Kind(200, "br", number))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    batch = tally.take()
    assert sum(batch.values()) == 4 * MOST_KEYS
    assert len(batch) <= 2 * MOST_KEYS + 1
    assert held < 16_000_000


@given(
    st.lists(
        st.tuples(st.binary(), st.none() | st.binary(), st.none() | st.tuples(st.text(), st.integers())),
        max_size=20,
    )
)
def test_whatever_comes_is_counted(requests):
    tally = Tally()
    for path, agent, client in requests:
        tally.note(scope(path, agent, client), FULL)
    assert sum(tally.take().values()) == len(requests)
