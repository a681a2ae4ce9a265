"""The service on a machine whose clock is wrong: it never says so to readers, nor keeps it for good.

`faketime` gives a process and those that it starts another clock; files keep their real times.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from many import make_site, write_post
from service import Service, command, serving

LIBRARY = next(map(str, Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), "")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not LIBRARY and not os.environ.get("CI"), reason="faketime is not installed"),
]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site whose ledger has recorded a change just now."""
    site = make_site(tmp_path / "site", 12)
    assert command("publish", "--site", str(site)).returncode == 0
    return site


class Clock:
    """The clock of processes that are started with its variables: the real one and so many seconds."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.variables = {
            "LD_PRELOAD": LIBRARY,
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
        self.set(0)

    def set(self, seconds: float) -> None:
        """Put the clock ahead by so many seconds, or back."""
        new = self.file.with_suffix(".new")
        new.write_text(f"{seconds:+.0f}s")
        new.replace(self.file)


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock")


@contextlib.contextmanager
def started_in_1970(site: Path, clock: Clock) -> Iterator[Service]:
    clock.set(-(time.time() - 86_400))
    with serving(site, **clock.variables) as service:
        yield service


def soon(happened: Callable[[], object], seconds: float = 8) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)


def moment(service: Service, name: str, path: str = "/feed.atom") -> datetime:
    return parsedate_to_datetime(service.ask(path).headers[name])


def test_the_service_really_has_another_clock(site, clock):
    with started_in_1970(site, clock) as service:
        told = service.ask("/healthz").headers["date"]
    assert parsedate_to_datetime(told).year == 1970


def test_it_is_not_ready_while_the_clock_is_before_the_newest_change_of_the_ledger(site, clock):
    with started_in_1970(site, clock) as service:
        assert service.ask("/readyz").status == 503


def test_it_never_serves_an_empty_feed_as_the_whole_blog(site, clock):
    with started_in_1970(site, clock) as service:
        answer = service.ask("/feed.json")
        assert answer.status == 503 or len(json.loads(answer.body)["items"]) == 12


@pytest.mark.parametrize("name", ["check", "plan", "publish", "build copy"])
def test_no_command_records_or_builds_what_a_clock_before_the_last_publication_says(site, clock, name):
    write_post(site, 5, title="New")
    ledger = (site / "feeds/ledger.json").read_bytes()
    clock.set(-40 * 86_400)
    done = command(*name.split(), "--site", ".", cwd=site, **clock.variables)
    assert done.returncode == 1
    assert re.match(
        r"feeds/ledger.json: the clock says \d{4}-\d\d-\d\d \d\d:\d\d, which is before the last publication\n"
        r"    Set the clock of this machine.\n",
        done.stdout,
    )
    assert (site / "feeds/ledger.json").read_bytes() == ledger
    assert not (site / "copy").exists()


def test_it_becomes_ready_once_the_clock_is_right(site, clock):
    with started_in_1970(site, clock) as service:
        assert service.ask("/readyz").status == 503
        clock.set(0)
        soon(lambda: service.ask("/readyz").status == 200, 70)
        assert len(json.loads(service.ask("/feed.json").body)["items"]) == 12


def test_a_right_clock_is_ready_at_once(site, clock):
    with serving(site, **clock.variables) as service:
        assert service.ask("/readyz").status == 200
        assert len(json.loads(service.ask("/feed.json").body)["items"]) == 12


@pytest.mark.parametrize("restart", [False, True])
def test_an_edit_while_the_clock_is_ahead_leaves_no_last_modified_in_the_future(
    site, clock, tmp_path, restart
):
    state = {"PPRNET_STATE": str(tmp_path / "state.sqlite3")}
    with contextlib.ExitStack() as running:
        service = running.enter_context(serving(site, **clock.variables, **state))
        clock.set(30 * 86_400)
        write_post(site, 0, title="Edited ahead")
        soon(lambda: b"Edited ahead" in service.ask("/feed.atom").body)
        clock.set(0)
        assert moment(service, "last-modified") <= moment(service, "date")
        if restart:
            assert service.stop() == 0
            service = running.enter_context(serving(site, **clock.variables, **state))
        write_post(site, 1, title="Edited in time")
        soon(lambda: b"Edited in time" in service.ask("/feed.atom").body)
        assert moment(service, "last-modified") <= moment(service, "date")
        assert moment(service, "date") < datetime.now(UTC) + timedelta(minutes=1)


def test_an_if_modified_since_of_the_future_is_ignored(site, clock):
    with serving(site, **clock.variables) as service:
        later = "Fri, 31 Dec 2077 23:59:59 GMT"
        assert service.ask("/feed.atom", If_Modified_Since=later).status == 200
