"""What a batch says: which feed, by whom, and never who."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprnet_feeds.serving import counts
from pprnet_feeds.serving.counts import Counts, admitted, count, joined, poller
from pprnet_feeds.serving.tally import Key, Kind

DAY = "2026-03-09"
SALT = bytes(range(16))
FULL = Kind(200, "gzip", 4096)
SAME = Kind(304)
FEEDLY = b"Feedly/1.0 (+http://www.feedly.com/fetcher.html; 462 subscribers; )"


def kinds(path: bytes, kind: Kind) -> list[tuple[str, str]]:
    return [
        (address, name)
        for _, address, name in count({Key(path, kind, b"x", "192.0.2.7"): 1}, DAY, SALT).polls
    ]


@pytest.mark.parametrize(
    ("path", "kind", "told"),
    [
        (b"/feed.atom", FULL, [("/feed.atom", "full")]),
        (b"/feed.json", SAME, [("/feed.json", "unchanged")]),
        (
            b"/topics/a,b/research/c/practice.rss",
            SAME,
            [("/topics/a,b/research/c/practice.rss", "unchanged")],
        ),
        (b"/topics/a/archive/2021/feed.atom", FULL, [("/topics/a/archive/2021/feed.atom", "full")]),
        (b"/issues/2021-12/citations.csl.json", FULL, [("/issues/2021-12/citations.csl.json", "full")]),
        (b"/issues/feed.rss", FULL, [("/issues/feed.rss", "full")]),
        (b"/corrections/feed.json", FULL, [("/corrections/feed.json", "full")]),
        (b"/feed.xml", FULL, [("/feed.xml", "guessed")]),
        (b"/rss/", SAME, [("/rss/", "guessed")]),
        (b"/topics/a/rss/feed.xml", SAME, [("/topics/a/rss/feed.xml", "guessed")]),
        (b"/topics/old-name/feed.atom", Kind(301), [("/topics/old-name/feed.atom", "moved")]),
        (b"/posts/withdrawn/", Kind(410), [("/posts/withdrawn/", "gone")]),
        (b"/%66eed.atom", Kind(301), [("", "moved")]),
        (b"", Kind(404), [("", "missing")]),
        (b"/feed.atom", Kind(404), [("", "missing")]),
        # Pages, files beside posts, probes and refusals are no polls.
        (b"/", FULL, []),
        (b"/topics/", FULL, []),
        (b"/posts/feed/", FULL, []),
        (b"/posts/a.json", FULL, []),
        (b"/feeds.opml", FULL, []),
        (b"/feed.atom", Kind(405), []),
        (b"/feed.atom", Kind(500), []),
    ],
)
def test_a_request_counts_for_the_feed_it_asked_for(path, kind, told):
    assert kinds(path, kind) == told


def test_requests_and_bytes_are_added_up_over_clients_and_codings():
    batch = {
        Key(b"/feed.atom", FULL, b"a", "192.0.2.7"): 2,
        Key(b"/feed.atom", Kind(200, "br", 4000), b"b", "192.0.2.8"): 1,
        Key(b"/feed.atom", SAME, b"a", "192.0.2.7"): 5,
    }
    assert count(batch, DAY, SALT).polls == {
        (DAY, "/feed.atom", "full"): (3, 12192),
        (DAY, "/feed.atom", "unchanged"): (5, 0),
    }


def test_what_a_reader_reports_counts_once_for_each_feed_and_each_of_its_own_names_for_it():
    feedbin = b"Feedbin feed-id:%d - %d subscribers"
    batch = {
        Key(b"/feed.atom", SAME, FEEDLY, "192.0.2.7"): 9,
        Key(b"/feed.rss", SAME, FEEDLY, "192.0.2.7"): 9,
        Key(b"/feed.atom", SAME, feedbin % (1, 10), "192.0.2.8"): 1,
        Key(b"/feed.atom", FULL, feedbin % (1, 11), "192.0.2.8"): 1,
        Key(b"/feed.atom", FULL, feedbin % (2, 5), "192.0.2.8"): 1,
    }
    assert count(batch, DAY, SALT).reports == {
        (DAY, "/feed.atom", "Feedly", ""): 462,
        (DAY, "/feed.rss", "Feedly", ""): 462,
        (DAY, "/feed.atom", "Feedbin", "1"): 11,
        (DAY, "/feed.atom", "Feedbin", "2"): 5,
    }


def test_programs_are_counted_by_name():
    batch = {
        Key(b"/feed.atom", SAME, FEEDLY, None): 9,
        Key(b"/feed.rss", SAME, b"Newsboat/2.36", None): 2,
        Key(b"/feed.rss", FULL, b"Newsboat/2.37", None): 1,
        Key(b"/feed.rss", FULL, None, None): 4,
    }
    assert count(batch, DAY, SALT).programs == {(DAY, "Feedly"): 9, (DAY, "Newsboat"): 3, (DAY, ""): 4}


def test_a_poller_is_a_client_and_its_program_and_counts_for_the_feed_and_for_all():
    batch = {
        Key(b"/feed.atom", SAME, b"a", "192.0.2.7"): 3,
        Key(b"/feed.atom", FULL, b"a", "192.0.2.7"): 1,
        Key(b"/feed.rss", FULL, b"a", "192.0.2.7"): 1,
        Key(b"/feed.atom", FULL, b"b", "192.0.2.7"): 1,
        Key(b"/feed.atom", FULL, b"c", None): 1,
    }
    a, b = (poller(SALT, "192.0.2.7", agent) for agent in (b"a", b"b"))
    assert count(batch, DAY, SALT).pollers == {
        *((DAY, "/feed.atom", a), (DAY, "/feed.rss", a), (DAY, "/feed.atom", b)),
        *((DAY, "", a), (DAY, "", b)),
    }


def test_with_another_salt_the_same_poller_is_another_number():
    assert poller(SALT, "192.0.2.7", b"a") != poller(bytes(16), "192.0.2.7", b"a")


def test_later_counts_are_added_and_later_reports_win():
    one = count({Key(b"/feed.atom", SAME, FEEDLY, None): 1}, DAY, SALT)
    two = count({Key(b"/feed.atom", SAME, FEEDLY.replace(b"462", b"463"), None): 2}, DAY, SALT)
    assert joined(one, two) == Counts(
        {(DAY, "/feed.atom", "unchanged"): (3, 0)},
        {(DAY, "/feed.atom", "Feedly", ""): 463},
        {(DAY, "Feedly"): 3},
        set(),
    )


def test_what_waits_for_long_is_bounded_and_no_request_is_lost(monkeypatch):
    for name in ("MOST_ADDRESSES", "MOST_REPORTS", "MOST_PROGRAMS", "MOST_POLLERS"):
        monkeypatch.setattr(counts, name, 10)
    waiting = Counts()
    for number in range(100):
        key = Key(b"/topics/t%d/feed.atom" % number, SAME, b"R%s 5 users" % bytes([97 + number % 26]), "::1")
        waiting = joined(waiting, count({key: 1}, DAY, SALT))
    assert len(waiting.polls) == 21
    assert sum(requests for requests, _ in waiting.polls.values()) == 100
    assert sum(waiting.programs.values()) == 100
    assert len(waiting.reports) == 10
    assert len(waiting.programs) <= 11
    assert len(waiting.pollers) <= 12


def flood(number: int) -> Counts:
    """Counts of as many made-up combinations, reports and programs, and of one honest poll."""
    made_up = Counts()
    for n in range(number):
        address = f"/topics/a,{n}/feed.atom"
        made_up.polls[DAY, address, "full"] = (1, 10)
        made_up.reports[DAY, address, f"Strange {n}", ""] = 9
        made_up.programs[DAY, f"Strange {n}"] = 1
        made_up.pollers.add((DAY, address, n))
    honest = Counts(
        {(DAY, "/topics/a/feed.atom", "full"): (1, 10)},
        {(DAY, "/topics/a/feed.atom", "Feedly", ""): 462},
        {(DAY, "Feedly"): 1},
        {(DAY, "/topics/a/feed.atom", 7), (DAY, "", 7)},
    )
    return joined(made_up, honest)


def test_a_flood_of_inventions_fills_a_bounded_number_of_rows_and_no_honest_one_is_lost(monkeypatch):
    for name in ("MOST_LOOSE", "MOST_STRANGE_REPORTS", "MOST_STRANGE_PROGRAMS"):
        monkeypatch.setattr(counts, name, 10)
    kept = admitted(flood(100), [], [], [])
    assert len(kept.polls) == 12
    assert kept.polls[DAY, "", "full"] == (90, 900)
    assert kept.polls[DAY, "/topics/a/feed.atom", "full"] == (1, 10)
    assert len(kept.reports) == 11
    assert kept.reports[DAY, "/topics/a/feed.atom", "Feedly", ""] == 462
    assert (len(kept.programs), kept.programs[DAY, ""], kept.programs[DAY, "Feedly"]) == (12, 90, 1)
    assert len(kept.pollers) == 12


def test_what_a_day_has_already_goes_on_counting_when_there_is_no_room_for_more(monkeypatch):
    for name in ("MOST_LOOSE", "MOST_STRANGE_REPORTS", "MOST_STRANGE_PROGRAMS"):
        monkeypatch.setattr(counts, name, 10)
    first = admitted(flood(100), [], [], [])
    again = admitted(flood(100), list(first.polls), list(first.reports), list(first.programs))
    assert again == first


@given(
    st.dictionaries(
        st.builds(
            Key,
            st.binary(max_size=40) | st.sampled_from([b"/feed.atom", b"/feed.xml", b"/topics/a,b/feed.rss"]),
            st.builds(
                Kind, st.sampled_from([200, 301, 304, 404, 405, 410, 500]), st.just(""), st.integers(0, 99)
            ),
            st.none() | st.binary(max_size=60),
            st.none() | st.text(max_size=20),
        ),
        st.integers(1, 9),
        max_size=20,
    )
)
def test_any_batch_at_all_can_be_counted(batch):
    counted = count(batch, DAY, SALT)
    kept = admitted(counted, [], [], [])
    polls = sum(requests for requests, _ in kept.polls.values())
    assert polls == sum(requests for requests, _ in counted.polls.values()) <= sum(batch.values())
    assert all(address == "" or address.isascii() for _, address, _ in kept.polls)
