"""What is known of changes: what a start tells without the store is what it would tell with it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

import pprnet_feeds
from pprnet_feeds.serving.changes import Known, record, things
from pprnet_feeds.serving.database import MIGRATIONS
from pprnet_feeds.serving.glance import look
from pprnet_feeds.serving.knowledge import Knowledge
from pprnet_feeds.serving.statefile import SCHEMA, mark
from pprnet_feeds.serving.store import Store
from test_changes import FIRST, LATER, MUCH_LATER, NAPS, NOW, SLEEP, VOWS, library
from test_store import BETTER


def see(known: Knowledge | Store, now, *posts) -> Known:
    seen = things(library(*posts), "first edition")
    return known.update(lambda was: record(was, seen, now))


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "state" / "site.sqlite3"


def test_the_first_start_tells_what_a_store_would_and_writes_it_once_it_has_answered(path):
    known = Knowledge(str(path))
    assert see(known, NOW, NAPS, VOWS) == FIRST
    assert not path.exists()
    known.settle()
    assert Store(str(path)).load() == look(str(path)) == FIRST


def test_a_start_that_finds_nothing_new_leaves_the_store_alone(path):
    see(Store(str(path)), NOW, NAPS, VOWS)
    before = mark(str(path)), path.stat().st_mtime_ns
    assert see(Knowledge(str(path)), LATER, NAPS, VOWS) == FIRST
    assert (mark(str(path)), path.stat().st_mtime_ns) == before


def test_a_start_that_finds_something_new_has_written_it_when_it_tells(path):
    see(Store(str(path)), NOW, NAPS, VOWS)
    known = see(Knowledge(str(path)), LATER, BETTER, VOWS)
    assert known.last_modified(SLEEP.holds) == LATER
    assert Store(str(path)).load() == known


def test_an_edit_before_the_store_is_open_counts_from_when_it_was_seen(path):
    known = Knowledge(str(path))
    see(known, NOW, NAPS, VOWS)
    assert see(known, LATER, BETTER, VOWS).last_modified(SLEEP.holds) == LATER
    known.settle()
    assert Store(str(path)).load() == known.load()


def test_what_others_wrote_meanwhile_is_known_after_settling(path):
    known = Knowledge(str(path))
    see(known, NOW, NAPS, VOWS)
    other = see(Store(str(path)), NOW, NAPS, VOWS)
    later = see(Store(str(path)), MUCH_LATER, BETTER, VOWS)
    known.settle()
    assert known.load() == later != other


def test_without_an_address_all_is_known_for_as_long_as_it_lives():
    known = Knowledge()
    assert see(known, NOW, NAPS, VOWS) == FIRST
    assert see(known, LATER, BETTER, VOWS).last_modified(SLEEP.holds) == LATER
    known.settle()
    assert known.load().last_modified(SLEEP.holds) == LATER


@pytest.mark.parametrize("damage", [b"certainly not a database\n" * 400, b""])
def test_a_file_that_is_no_state_is_left_to_the_store(path, damage, caplog):
    caplog.set_level(logging.WARNING)
    path.parent.mkdir()
    path.write_bytes(damage)
    assert look(str(path)) is None
    assert mark(str(path)) == ""
    see(Knowledge(str(path)), LATER, NAPS, VOWS)
    assert Path(f"{path}.corrupt").exists() == bool(damage) == bool(caplog.records)


def test_an_address_is_left_to_the_store():
    assert look("postgresql://db/feeds") is None
    assert mark("postgresql://db/feeds") == ""


def test_a_look_understands_the_newest_schema():
    assert len(MIGRATIONS) == SCHEMA


def test_a_builder_is_there_before_the_libraries_that_no_first_answer_needs():
    late = {"sqlalchemy", "watchfiles", "prometheus_client", "jinja2", "httpx2"}
    code = f"import sys, pprnet_feeds.serving.building; print(sorted(sys.modules.keys() & {late!r}))"
    environ = os.environ | {"PYTHONPATH": str(Path(pprnet_feeds.__file__).parents[1])}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environ)
    assert run.stdout == b"[]\n"
