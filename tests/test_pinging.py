"""The service's own pings: real processes, a real hub, both databases."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import hubs
import postgres
from many import make_site, write_post
from service import ROOT, Service, serving

# A new post of `many` stands in the main feed, its two topics and a type, with four views each, and in the
# feed of issues; in three formats each.
FEEDS = 12 * 4 + 3


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Postgres]:
    with postgres.running() as server:
        yield server


@pytest.fixture
def file(tmp_path) -> str:
    return str(tmp_path / "state.sqlite3")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def state(request, file) -> str:
    if request.param == "sqlite":
        return file
    return request.getfixturevalue("server").database()


@pytest.fixture
def hub() -> Iterator[hubs.Hub]:
    with hubs.running() as hub:
        yield hub


@pytest.fixture
def site(tmp_path) -> Path:
    return make_site(tmp_path / "site", 8)


def replica(
    site: Path, hub: hubs.Hub, state: str, **environ: str
) -> contextlib.AbstractContextManager[Service]:
    return serving(site, PPRNET_HUBS=hub.url, PPRNET_STATE=state, **environ)


def begun(site: Path, hub: hubs.Hub, state: str) -> None:
    """Let a service start for the first time, so that there is something that changes are told from."""
    with replica(site, hub, state):
        time.sleep(1.5)


def only(hub: hubs.Hub, number: int, seconds: float = 90) -> None:
    """Wait until *number* feeds were told, then a while longer, and see that each was told once."""
    hub.wait(number, seconds)
    time.sleep(1.5)
    assert sorted(hub.told) == sorted(set(hub.told))
    assert len(hub.told) == number


@pytest.mark.slow
def test_workers_and_replicas_tell_each_change_once_whatever_hub_and_processes_do(site, hub, state):
    begun(site, hub, state)
    assert hub.asked == []
    with contextlib.ExitStack() as stack:
        one = stack.enter_context(replica(site, hub, state, WEB_CONCURRENCY="2"))
        stack.enter_context(replica(site, hub, state, WEB_CONCURRENCY="2"))
        hub.behaviour = 503
        write_post(site, 8)
        hub.wait(10, asked=True)
        hub.stop()
        kill(one)
        time.sleep(1)
        stack.enter_context(replica(site, hub, state))
        hub.behaviour = 204
        hub.start()
        only(hub, FEEDS)


def kill(service: Service) -> None:
    """End a service and its workers at once, as a machine that dies does."""
    workers = subprocess.run(
        ["ps", "--ppid", str(service.process.pid), "-o", "pid="], capture_output=True, text=True, check=False
    )
    service.process.kill()
    for pid in workers.stdout.split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    service.process.wait()


@pytest.mark.slow
def test_a_service_that_was_killed_while_its_hub_was_silent_tells_each_change_once_later(site, hub, file):
    begun(site, hub, file)
    with replica(site, hub, file) as service:
        hub.behaviour = "stall"
        write_post(site, 8)
        hub.wait(4, asked=True)
        assert service.ask("/feed.atom").status == 200  # readers notice nothing
        kill(service)
    hub.behaviour = 204
    with replica(site, hub, file):
        only(hub, FEEDS)


@pytest.mark.slow
def test_a_service_whose_descriptors_clients_hold_says_so_once_and_pings_later(site, hub, file):
    begun(site, hub, file)
    write_post(site, 8)
    # As in use: a warning is no error. The first round has ended by then, and no ping is due yet.
    with replica(site, hub, file, PYTHONWARNINGS="default") as service:
        time.sleep(1.5)
        assert hub.asked == []
        limit = resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE, (3, limit[1]))
        time.sleep(5)
        assert hub.asked == []
        resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE, limit)
        only(hub, FEEDS)
        assert service.stop() == 0
        log = service.process.stderr.read()
    assert log.count("the hubs are not notified of changes for as long as this lasts") == 1
    assert "never awaited" not in log
    assert "Traceback" not in log


@pytest.mark.slow
def test_changes_while_the_service_was_down_are_told_and_silent_ones_are_not(site, hub, file):
    begun(site, hub, file)
    write_post(site, 8)
    with replica(site, hub, file):
        only(hub, FEEDS)
        write_post(site, 0, title="Another title")
        write_post(site, 9, draft="true")
        time.sleep(4)
        only(hub, FEEDS)
    with replica(site, hub, file):
        time.sleep(4)
        only(hub, FEEDS)


@pytest.mark.slow
def test_a_service_stops_in_time_while_a_hub_is_silent(site, hub, file):
    begun(site, hub, file)
    with replica(site, hub, file) as service:
        hub.behaviour = "stall"
        write_post(site, 8)
        hub.wait(4, asked=True)
        began = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - began < 6


@pytest.mark.slow
def test_a_hub_that_is_configured_while_the_service_runs_is_told_from_then_on(site, hub, file):
    with serving(site, PPRNET_STATE=file):
        with (site / "feeds/site.yaml").open("a") as settings:
            settings.write(f"hubs: [{hub.url}]\n")
        time.sleep(3)
        write_post(site, 8)
        only(hub, FEEDS)


def test_without_a_hub_nothing_is_kept_of_what_hubs_are_told(site, file):
    with serving(site, PPRNET_STATE=file) as service:
        write_post(site, 8)
        while b"Post 8" not in service.ask("/feed.atom").body:
            time.sleep(0.1)
    with contextlib.closing(sqlite3.connect(file)) as connection:
        assert connection.execute(
            "SELECT (SELECT count(*) FROM told) + (SELECT count(*) FROM pings)"
        ).fetchone() == (0,)


@pytest.mark.slow
def test_without_a_base_url_no_hub_is_told_to_fetch_from_localhost(site, hub, file):
    settings = site / "feeds/site.yaml"
    settings.write_text(settings.read_text().replace("base_url", "# base_url"))
    begun(site, hub, file)
    with replica(site, hub, file) as service:
        write_post(site, 8)
        time.sleep(6)
        assert hub.asked == []
        service.stop()
        assert service.process.stderr is not None
        assert "the hubs are not notified of changes: no base_url is set" in service.process.stderr.read()


WITHOUT = """
import asyncio, sys, datetime
from pathlib import Path
from pprnet_feeds.serving.reload import utc_now
from pprnet_feeds.serving.snapshot import build
from pprnet_feeds.settings import Settings
from pprnet_feeds.state.last_modified import TimestampStore
from pprnet_feeds.websub.extension import WebSub

async def main():
    websub = WebSub("state.sqlite3", "", utc_now)
    websub.swapped(build(Settings(Path(sys.argv[1])), {}, utc_now(), TimestampStore()))
    await asyncio.sleep(0.1)
    print(len(asyncio.all_tasks()), "httpx2" in sys.modules)

asyncio.run(main())
"""


def test_without_a_hub_there_is_no_task_and_no_library_for_it(site, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT, str(site)],
        env={"PYTHONPATH": str(ROOT / "src")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "1 False\n"
    assert not (tmp_path / "state.sqlite3").exists()
