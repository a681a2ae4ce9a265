"""The state as a file: private, and good for the version before and the one after."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import hubs
from many import make_site
from pprnet_feeds.content.site import read_site
from pprnet_feeds.state.database import Database
from pprnet_feeds.state.last_modified import Membership, Timestamps, TimestampStore
from pprnet_feeds.stats.counting import CountStore, RequestCounter
from pprnet_feeds.stats.report import report
from pprnet_feeds.websub import client
from pprnet_feeds.websub.queue import Queue
from service import ROOT, free_port, serving

# What commit 8206268 has written: four posts, one edited and one new, a hub that is down, four polls.
BEFORE = Path(__file__).parent / "states/8206268.sql"
NOW = datetime(2026, 11, 29, 14, tzinfo=UTC)
CLIENTS = ("salts", "hashes", "pollers", "programs")


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "state.sqlite3"


@pytest.fixture
def before(file) -> Path:
    """The state of the version before, on its way to a hub that does not exist."""
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.executescript(BEFORE.read_text("utf-8"))
        connection.execute("PRAGMA journal_mode = WAL")
    return file


def rows(file: Path, statement: str) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return connection.execute(statement).fetchall()


def tables(file: Path) -> dict[str, list[tuple[object, ...]]]:
    names = [name for (name,) in rows(file, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: rows(file, f"SELECT name, type, pk FROM pragma_table_info('{name}')") for name in names}


@contextlib.contextmanager
def umask(mask: int) -> Iterator[None]:
    former = os.umask(mask)
    try:
        yield
    finally:
        os.umask(former)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.glob("state.sqlite3*")}


# -- who may read it


@pytest.mark.parametrize("mask", [0, 0o022, 0o077, 0o277, 0o777], ids=oct)
def test_only_its_owner_may_read_a_new_state_whatever_the_umask(file, mask):
    with umask(mask & 0o077 if mask & 0o700 and os.getuid() else mask), Database(str(file)).transaction():
        assert set(modes(file.parent)) == {"state.sqlite3", "state.sqlite3-wal", "state.sqlite3-shm"}
        assert set(modes(file.parent).values()) == {0o600}


def test_a_state_that_others_can_read_is_made_private(before):
    before.chmod(0o644)
    with Database(str(before)).transaction():
        assert set(modes(before.parent).values()) == {0o600}


def test_a_link_that_leads_to_no_file_yet_makes_a_private_one(file):
    file.symlink_to(file.with_name("elsewhere"))
    with umask(0), Database(str(file)).transaction():
        pass
    assert stat.S_IMODE(file.with_name("elsewhere").stat().st_mode) == 0o600


def test_a_state_that_is_read_only_stays_so(before):
    before.chmod(0o444)
    with contextlib.suppress(Exception), Database(str(before)).transaction():
        pass
    assert stat.S_IMODE(before.stat().st_mode) == 0o400


@pytest.mark.slow
def test_the_service_keeps_its_state_to_its_owner(tmp_path, file):
    site = make_site(tmp_path / "site", 2)
    with umask(0), serving(site, PPRNET_STATE=str(file)) as service:
        service.ask("/feed.atom")
        time.sleep(1.5)
        assert {name: mode for name, mode in modes(tmp_path).items() if mode & 0o077} == {}
        assert "state.sqlite3" in modes(tmp_path)


# -- an upgrade


def test_what_the_version_before_knew_of_changes_is_known(before):
    timestamps = TimestampStore(str(before)).load()
    assert len(timestamps.seen) == len(rows(before, "SELECT * FROM seen")) == 7
    edited = timestamps.seen["post:2013-01-01-post-0"]
    assert edited.membership == Membership(("alpha",), ("trials",), "2013-01")
    assert timestamps.newest == edited.timestamp


def test_the_pings_that_waited_are_sent_once(before):
    queue = Queue(Database(str(before)))
    waiting = rows(before, "SELECT address FROM pings")
    with hubs.running() as hub:
        with contextlib.closing(sqlite3.connect(before)) as connection, connection:
            connection.execute("UPDATE pings SET hub = ?", (hub.url,))
        for _ in range(2):
            asyncio.run(client.send_due(queue, [hub.url], lambda: NOW))
        assert sorted(hub.told) == sorted(address for (address,) in waiting)


def test_the_counts_go_on_and_what_was_made_from_addresses_is_gone(before, tmp_path):
    secret = str(rows(before, "SELECT salt FROM salts")[0][0])
    batch = RequestCounter()
    for _ in range(2):
        batch.add((b"/feed.atom", 304, "", 0), b"Newsboat/2")
    CountStore(Database(str(before))).store(batch, NOW)
    assert rows(before, "SELECT * FROM polls ORDER BY address, kind") == [
        ("2026-11-29", "/feed.atom", "full", 3, 16848),
        ("2026-11-29", "/feed.atom", "unchanged", 2, 0),
        ("2026-11-29", "/rss.xml", "guessed", 1, 5529),
    ]
    assert [rows(before, f"SELECT * FROM {table}") for table in CLIENTS] == [[], [], [], []]
    site, _ = read_site(make_site(tmp_path / "site", 1), {})
    assert site is not None
    found = report(Database(str(before)), site, NOW)
    assert found is not None
    assert (found.total.subscribers, found.recent.requests) == (462, 6)
    assert secret.encode() not in before.read_bytes()


# -- and back


def test_a_new_state_has_all_tables_and_the_version_that_the_version_before_asks_for(before, tmp_path):
    new = tmp_path / "new.sqlite3"
    with Database(str(new)).transaction():
        pass
    assert tables(new) == tables(before)
    assert rows(new, "SELECT max(number) FROM schema_version") == [(4,)]
    assert rows(new, "SELECT count(*) FROM edition") == [(1,)]


def test_the_mark_of_the_timestamps_changes_with_them_so_that_the_version_before_reads_them_again(before):
    [(mark,)] = rows(before, "SELECT mark FROM edition")
    store = TimestampStore(str(before))
    known = store.load()
    assert rows(before, "SELECT mark FROM edition") == [(mark,)]
    assert store.record([], NOW) != known
    assert rows(before, "SELECT mark FROM edition") != [(mark,)]


# -- without PostgreSQL's library


def test_a_command_whose_extra_is_missing_says_in_one_line_how_to_install_it(tmp_path):
    site = make_site(tmp_path / "site", 1)
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from pprnet_feeds.cli import main\n"
        f"main({{!r}} + ['--site', {str(site)!r}])"
    )
    for name in ("serve", "ping", "stats"):
        done = subprocess.run(
            [sys.executable, "-c", code.format([name])],
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT / "src"),
                "PORT": str(free_port()),
                "PPRNET_STATE": "postgresql://db/feeds",
                "PPRNET_HUBS": "http://hub.invalid/",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert done.returncode == 2
        assert done.stderr.splitlines()[-1] == (
            "Error: PPRNET_STATE: PostgreSQL needs a library that is not installed. "
            "Run: pip install 'pprnet-feeds[postgres]'"
        )


def test_the_password_of_an_address_is_shown_nowhere():
    pytest.importorskip("psycopg")
    for address in (
        "postgresql://feeds:secret@db/state",
        "postgresql+psycopg://feeds:secret@/state?host=/tmp",
        "postgres://db/state?user=feeds&password=secret",
    ):
        assert "secret" not in Database(address).place


def test_an_empty_address_of_timestamps_is_memory(tmp_path):
    shutil.rmtree(tmp_path)
    assert TimestampStore().load() == Timestamps()
