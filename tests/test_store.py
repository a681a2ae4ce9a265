"""The state store: kept across restarts and between processes, and never in anybody's way."""

from __future__ import annotations

import logging
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pprnet_feeds.content.model import Post
from pprnet_feeds.state.database import VERSION, Database, state_address
from pprnet_feeds.state.last_modified import Timestamps, TimestampStore, resources
from test_last_modified import FIRST, LATER, MUCH_LATER, NAPS, NOW, SLEEP, VOWS, library

TESTS = Path(__file__).parent
BETTER = replace(NAPS, body="Better words.")
BEST = replace(NAPS, body="The best words.")


def see(store: TimestampStore, now, *posts: Post) -> Timestamps:
    return store.record(resources(library(*posts), "first edition"), now)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "state" / "site.sqlite3"


def kept_in(path: Path) -> Timestamps:
    return TimestampStore(str(path)).load()


def warnings(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


# -- what it is for


def test_a_store_without_an_address_keeps_what_it_knows_as_long_as_it_lives(caplog):
    store = TimestampStore()
    assert see(store, NOW, NAPS, VOWS) == FIRST
    assert see(store, LATER, BETTER, VOWS).last_modified(SLEEP.holds) == LATER
    assert store.load().last_modified(SLEEP.holds) == LATER
    assert warnings(caplog) == []


def test_after_a_restart_everything_is_known_again(path):
    see(TimestampStore(str(path)), NOW, NAPS, VOWS)
    edited = see(TimestampStore(str(path)), LATER, BETTER)
    assert see(TimestampStore(str(path)), MUCH_LATER, BETTER) == edited == kept_in(path)


def test_a_change_while_the_service_was_down_counts_from_the_next_start(path):
    see(TimestampStore(str(path)), NOW, NAPS, VOWS)
    assert see(TimestampStore(str(path)), LATER, BETTER, VOWS).last_modified(SLEEP.holds) == LATER


def test_what_does_not_change_stays_the_same_object(path):
    store = TimestampStore(str(path))
    known = see(store, NOW, NAPS, VOWS)
    assert see(store, LATER, NAPS, VOWS) is known


def test_posts_that_move_come_back_and_vanish_are_kept_as_they_are_known(path):
    store = TimestampStore(str(path))
    moved = replace(NAPS, topics=("trust", "sleep"), research=("reviews",))
    for step, posts in enumerate([(NAPS,), (moved,), (), (NAPS, VOWS), (moved, VOWS), (VOWS,)]):
        known = see(store, NOW + timedelta(days=step), *posts)
        assert kept_in(path) == known


def test_the_second_process_tells_what_the_first_has_recorded(path):
    one, other = TimestampStore(str(path)), TimestampStore(str(path))
    see(one, NOW, NAPS, VOWS)
    see(other, NOW, NAPS, VOWS)
    first = see(one, LATER, BETTER)
    assert see(other, LATER + timedelta(seconds=7), BETTER) == first


PROCESS = """
import sys, time
from test_store import *
store = TimestampStore(sys.argv[1])
number = int(sys.argv[2])
time.sleep(max(0, float(sys.argv[3]) - time.time()))
for step in range(20):
    now = NOW + timedelta(minutes=step, seconds=number)
    known = see(store, now, replace(NAPS, body=f"Edition {step // 5}."), VOWS)
print(known.last_modified(SLEEP.holds).isoformat())
"""


def run(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        env={"PYTHONPATH": f"{TESTS.parent / 'src'}:{TESTS}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_processes_that_begin_one_file_at_once_and_record_at_once_lose_nothing(path):
    start = str(time.time() + 1.5)
    running = [run(PROCESS, str(path), str(number), start) for number in range(3)]
    told = [process.communicate(timeout=60) for process in running]
    assert [errors for _, errors in told] == ["", "", ""]
    known = kept_in(path)
    assert set(known.seen) == set(FIRST.seen)
    # Whoever recorded last, all its moments are in the file; nobody tells a later one.
    assert max(moment for moment, _ in told).strip() == known.last_modified(SLEEP.holds).isoformat()


SAME = """
import sys, time
from test_store import *
store = TimestampStore(sys.argv[1])
number = int(sys.argv[2])
time.sleep(max(0, float(sys.argv[3]) - time.time()))
known = see(store, LATER + timedelta(seconds=number), BETTER, VOWS)
print(sorted((name, seen.timestamp.isoformat()) for name, seen in known.seen.items()))
"""


@pytest.mark.slow
def test_processes_that_see_one_change_at_once_tell_one_moment(path):
    see(TimestampStore(str(path)), NOW, NAPS, VOWS)
    start = str(time.time() + 1.5)
    running = [run(SAME, str(path), str(number), start) for number in range(4)]
    told = [process.communicate(timeout=60) for process in running]
    assert {errors for _, errors in told} == {""}
    assert len({moments for moments, _ in told}) == 1


# -- what can befall it


def failing(store: TimestampStore, caplog) -> str:
    """Use *store* for three builds, of which it keeps none, and give the one line it tells."""
    see(store, NOW, NAPS, VOWS)
    assert see(store, LATER, BETTER, VOWS).last_modified(SLEEP.holds) == LATER
    assert see(store, MUCH_LATER, BETTER, VOWS).last_modified(SLEEP.holds) == LATER
    (line,) = warnings(caplog)
    return line


def told(path: Path, why: str) -> str:
    return (
        f"the state cannot be kept in {path} ({why}); it is kept in memory until it can: readers that ask by "
        "date alone may miss what changes while the service is down, and other processes may give other dates"
    )


def test_a_path_below_a_file_is_told_once(tmp_path, caplog):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "site.sqlite3"
    why = f"[Errno 17] File exists: '{tmp_path / 'file'}'"
    assert failing(TimestampStore(str(path)), caplog) == told(path, why)


def test_a_directory_in_its_place_is_told_once_and_left_alone(path, caplog):
    path.mkdir(parents=True)
    assert failing(TimestampStore(str(path)), caplog) == told(path, "unable to open database file")
    assert list(path.iterdir()) == []


def test_what_was_told_meanwhile_is_kept_as_soon_as_it_can_be(path, caplog):
    caplog.set_level(logging.INFO)
    path.mkdir(parents=True)
    store = TimestampStore(str(path))
    failing(store, caplog)
    path.rmdir()
    known = see(store, MUCH_LATER, BETTER, VOWS)
    assert known.last_modified(SLEEP.holds) == LATER
    assert kept_in(path) == known
    assert caplog.records[-1].getMessage() == f"the state is kept in {path} again"


def test_a_vanished_file_is_written_anew_from_memory(path, caplog):
    store = TimestampStore(str(path))
    see(store, NOW, NAPS, VOWS)
    known = see(store, LATER, BETTER, VOWS)
    for file in path.parent.iterdir():
        file.unlink()
    path.parent.rmdir()
    assert see(store, MUCH_LATER, BETTER, VOWS) is known
    assert kept_in(path) == known
    assert warnings(caplog) == []


def test_an_older_copy_in_its_place_takes_nothing_back(path):
    store = TimestampStore(str(path))
    see(store, NOW, NAPS, VOWS)
    older = path.read_bytes()
    known = see(store, LATER, BETTER, VOWS)
    path.write_bytes(older)
    assert see(store, MUCH_LATER, BETTER, VOWS) == known == kept_in(path)


def test_a_file_that_is_no_database_is_put_aside_and_all_counts_as_changed(path, caplog):
    path.parent.mkdir()
    path.write_bytes(b"certainly not a database\n" * 400)
    known = see(TimestampStore(str(path)), LATER, NAPS, VOWS)
    assert {seen.timestamp for seen in known.seen.values()} == {LATER}
    assert kept_in(path) == known
    assert Path(f"{path}.corrupt").read_bytes() == b"certainly not a database\n" * 400
    assert warnings(caplog) == [
        f"the state in {path} cannot be read (file is not a database); it was renamed to {path}.corrupt "
        "and replaced: what this process does not remember counts as changed now"
    ]


def test_a_broken_file_loses_nothing_that_the_process_remembers(path, caplog):
    store = TimestampStore(str(path))
    see(store, NOW, NAPS, VOWS)
    known = see(store, LATER, BETTER, VOWS)
    good = path.read_bytes()
    path.write_bytes(good[:4096] + b"\xff" * (len(good) - 4096))
    assert see(store, MUCH_LATER, BETTER, VOWS) is known
    assert kept_in(path) == known
    assert len(warnings(caplog)) == 1


@pytest.mark.parametrize("moment", ["'noon'", "99999999999999999", "253402300799", "NULL"])
def test_a_row_that_is_none_of_ours_is_a_broken_file(path, caplog, moment):
    see(TimestampStore(str(path)), NOW, NAPS, VOWS)
    with sqlite3.connect(path) as connection:
        connection.executescript(
            "CREATE TABLE other AS SELECT * FROM seen; DROP TABLE seen; ALTER TABLE other RENAME TO seen;"
            f"UPDATE seen SET moment = {moment} WHERE name = 'post:naps'"
        )
    connection.close()
    assert see(TimestampStore(str(path)), LATER, NAPS, VOWS).last_modified(SLEEP.holds) == LATER
    assert len(warnings(caplog)) == 1


def test_a_schema_of_the_future_is_neither_used_nor_changed(path, caplog):
    see(TimestampStore(str(path)), NOW, NAPS, VOWS)
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO schema_version VALUES (99)")
    connection.close()
    before = path.read_bytes()
    why = f"it is of schema 99, written by a newer program; this one knows {VERSION}"
    assert failing(TimestampStore(str(path)), caplog) == told(path, why)
    assert path.read_bytes() == before


def test_an_old_schema_is_brought_up_step_by_step(path):
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.executescript("CREATE TABLE schema_version (number INTEGER NOT NULL)")
    connection.close()
    see(TimestampStore(str(path)), NOW, NAPS, VOWS)
    with sqlite3.connect(path) as connection:
        numbers = [number for (number,) in connection.execute("SELECT number FROM schema_version")]
    connection.close()
    assert numbers == [VERSION]


FULL = """
import resource, sys, logging
from test_store import *
store = TimestampStore(sys.argv[1])
see(store, NOW, NAPS, VOWS)
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))
logging.basicConfig(format="%(message)s", stream=sys.stdout)
many = [replace(NAPS, id=f"naps-{number}") for number in range(2000)]
for step in range(3):
    known = see(store, LATER + timedelta(days=step), *many, VOWS)
print(known.last_modified(SLEEP.holds) == LATER)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(see(store, MUCH_LATER, *many, VOWS) == TimestampStore(sys.argv[1]).load() == known)
"""


def test_a_full_disk_is_told_once_and_forgotten_when_there_is_room(path):
    output, errors = run(FULL, str(path)).communicate(timeout=60)
    assert errors == ""
    assert output.splitlines()[1:] == ["True", "True"]
    assert output.splitlines()[0] in {
        told(path, "disk I/O error"),
        told(path, "database or disk is full"),
    }


READ_ONLY = """
import os, sys
from test_store import *
see(TimestampStore(sys.argv[1]), MUCH_LATER, BETTER, VOWS)
Path(sys.argv[1]).chmod(0o444)
Path(sys.argv[1]).parent.chmod(0o555)
if os.getuid() == 0:
    os.setuid(65534)
for posts in (BETTER, VOWS), (BEST, VOWS):
    known = see(TimestampStore(sys.argv[1]), MUCH_LATER, *posts)
    print(known.last_modified(SLEEP.holds) - LATER)
"""


def test_a_file_in_a_read_only_folder_is_read_all_the_same():
    with tempfile.TemporaryDirectory() as folder:  # its parents are open to a user without rights
        path = Path(folder) / "site.sqlite3"
        see(TimestampStore(str(path)), NOW, NAPS, VOWS)
        see(TimestampStore(str(path)), LATER, BETTER, VOWS)
        output, errors = run(READ_ONLY, str(path)).communicate(timeout=60)
        Path(folder).chmod(0o755)
        assert output.splitlines() == ["0:00:00", str(MUCH_LATER - LATER)]
        assert errors.splitlines() == [told(path, "attempt to write a readonly database")] * 2


@pytest.mark.slow
def test_a_file_that_another_process_holds_for_long_is_read_and_not_waited_for(path, caplog):
    see(TimestampStore(str(path)), NOW, NAPS, VOWS)
    see(TimestampStore(str(path)), LATER, BETTER, VOWS)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    began = time.monotonic()
    known = see(TimestampStore(str(path)), MUCH_LATER, BETTER, VOWS)
    holder.close()
    assert time.monotonic() - began < 6
    assert known.last_modified(SLEEP.holds) == LATER
    assert warnings(caplog) == [told(path, "database is locked")]


# -- where it is


def test_the_operator_says_where(tmp_path):
    environ = {"PPRNET_STATE": "postgresql://db/feeds", "XDG_STATE_HOME": "/var/states", "HOME": "/home/ada"}
    assert state_address(tmp_path, environ) == "postgresql://db/feeds"


def test_else_it_is_in_the_states_folder_of_the_user(tmp_path):
    one = state_address(tmp_path, {"XDG_STATE_HOME": "/var/states", "HOME": "/home/ada"})
    assert Path(one).parent == Path("/var/states/pprnet-feeds")
    assert Path(one).suffix == ".sqlite3"


@pytest.mark.parametrize("states", ["", "relative/states"])
def test_else_it_is_in_the_home_of_the_user(tmp_path, states):
    found = state_address(tmp_path, {"XDG_STATE_HOME": states, "HOME": "/home/ada", "PPRNET_STATE": ""})
    assert Path(found).parent == Path("/home/ada/.local/state/pprnet-feeds")


def test_a_user_without_a_home_keeps_no_state(tmp_path):
    assert state_address(tmp_path, {}) == ""


def test_each_site_has_a_state_of_its_own_by_whatever_way_it_is_reached(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "way").symlink_to("one")
    environ = {"HOME": "/home/ada"}
    one = state_address(tmp_path / "one", environ)
    assert state_address(tmp_path / "way", environ) == one
    assert state_address(tmp_path / "other", environ) != one


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("mysql://db/feeds", "the state cannot be kept in 'mysql': give a path or a postgresql address"),
        ("://", "the address of the state cannot be read"),
        (
            "postgresql+nothing://db/feeds",
            "the state cannot be kept in 'postgresql+nothing': give a path or a postgresql address",
        ),
    ],
)
def test_an_address_of_no_database_of_ours_is_refused_with_words(address, words):
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        Database(address)


def test_a_relative_path_means_the_folder_where_the_service_was_started(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = TimestampStore("site.sqlite3")
    monkeypatch.chdir("/")
    see(store, NOW, NAPS, VOWS)
    assert kept_in(tmp_path / "site.sqlite3") == FIRST
