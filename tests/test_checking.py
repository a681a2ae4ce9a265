"""Very many documents are judged by several processes: with the same result, whatever becomes of these."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import pprnet_feeds
from many import make_site
from pprnet_feeds.content.together import cores

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(cores() == 1, reason="one process does it all here"),
]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return make_site(tmp_path / "site", 900)


def check(site: Path, *before: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*before, sys.executable, "-m", "pprnet_feeds", "check", "--site", str(site)],
        env=os.environ | {"PYTHONPATH": str(Path(pprnet_feeds.__file__).parents[1])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def copies(process: subprocess.Popen[str]) -> list[int]:
    """The processes that share the work, once there are any."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    latest = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < latest:
        found = [int(number) for number in children.read_text().split()]
        if len(found) == cores() - 1:
            return found
        time.sleep(0.01)
    return []


def test_several_processes_find_what_one_finds_also_when_one_of_them_is_killed(site):
    killed = check(site)
    os.kill(copies(killed)[0], signal.SIGKILL)
    alone, whole = check(site, "taskset", "--cpu-list", str(min(os.sched_getaffinity(0)))), check(site)
    told = [process.communicate(timeout=120) for process in (alone, whole, killed)]
    assert told[0] == told[1] == told[2]
    assert "\n900 posts (" in told[0][0]
    assert {process.returncode for process in (alone, whole, killed)} == {0}


def test_an_interrupt_ends_all_of_them_without_a_traceback(site):
    process = check(site)
    left = copies(process)
    assert left
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors.strip()) == (1, "Aborted!")
    assert [number for number in left if Path(f"/proc/{number}").exists()] == []
