"""Subscribers of all kinds over two years of edits: none misses a change."""

from __future__ import annotations

from pathlib import Path

import pytest

from many import make_site
from pprnet_feeds.state.last_modified import TimestampStore
from readers import Reader, fresh, years_of_edits

KINDS = {"both": ("etag", "date"), "etag": ("etag",), "date": ("date",)}


@pytest.mark.slow
def test_a_subscriber_of_two_years_ends_with_what_a_fresh_one_sees(tmp_path: Path):
    folder = make_site(tmp_path / "site", 24, 2014)
    paths = ("/feed.atom", "/topics/alpha,beta/feed.atom", "/research/trials/summary.atom")
    readers = {(kind, path): Reader(path, sends) for kind, sends in KINDS.items() for path in paths}
    naive = {path: Reader(path, (), coded=False) for path in paths}
    store = TimestampStore(str(tmp_path / "state.sqlite3"))
    refiled: set[str] = set()
    for snapshot in years_of_edits(folder, store, refiled):
        for reader in (*readers.values(), *naive.values()):
            reader.poll(snapshot)
    for path in paths:
        wanted = fresh(path, snapshot)
        latest = Reader(path, ())
        latest.poll(snapshot)
        for kind in KINDS:
            held = readers[kind, path].entries
            # Filing an old post elsewhere is neither news nor a withdrawal: nobody is told.
            told = set(wanted) if path == "/feed.atom" else set(wanted) - refiled
            assert {id: held[id][:2] for id in told} == {id: wanted[id][:2] for id in told}
            assert set(held) - set(wanted) <= (refiled if path != "/feed.atom" else set())
            assert {id: held[id] for id in latest.entries} == latest.entries
            assert readers[kind, path].moved < naive[path].moved / 4
    assert len(fresh("/feed.atom", snapshot)) > 80
