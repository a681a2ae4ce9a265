"""The state and what lies beside it are for the user who runs the service, whatever the umask."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from service import ROOT, SITES, Service, free_port, wait


def run(state: Path, umask: int, *further: str) -> dict[str, int]:
    """Serve until everything is written; the modes of all files beside the state, and at any moment."""
    port = free_port()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PPRNET_")}
    environ |= {"PYTHONPATH": str(ROOT / "src"), "PORT": str(port), "PPRNET_STATE": str(state)}
    process = subprocess.Popen(
        [sys.executable, "-m", "pprnet_feeds", "serve", "--site", str(SITES / "small"), *further],
        env=environ,
        stderr=subprocess.DEVNULL,
        text=True,
        umask=umask,
    )
    seen: dict[str, int] = {}
    try:
        wait(Service(process, port))
        _look(state.parent, seen)
        process.terminate()
        while process.poll() is None:
            _look(state.parent, seen)
            time.sleep(0.001)
    finally:
        process.kill()
        process.wait()
    _look(state.parent, seen)
    return seen


def _look(folder: Path, seen: dict[str, int]) -> None:
    for path in folder.iterdir():
        try:
            seen[path.name] = seen.get(path.name, 0) | stat.S_IMODE(path.lstat().st_mode)
        except FileNotFoundError:
            continue


@pytest.mark.parametrize(
    "umask", [0o000, *(pytest.param(each, marks=pytest.mark.slow) for each in (0o002, 0o022, 0o077, 0o777))]
)
def test_a_new_state_is_for_its_user_alone(tmp_path: Path, umask: int):
    seen = run(tmp_path / "state.sqlite3", umask)
    assert seen["state.sqlite3"] == 0o600
    assert {name: oct(mode) for name, mode in seen.items() if mode & 0o077} == {}


def test_a_state_that_others_could_read_is_closed_to_them(tmp_path: Path):
    state = tmp_path / "state.sqlite3"
    run(state, 0o022)
    state.chmod(0o664)
    run(state, 0o022)
    assert stat.S_IMODE(state.stat().st_mode) == 0o600


def test_a_state_behind_a_link_is_private_where_it_is(tmp_path: Path):
    (tmp_path / "there").mkdir()
    (tmp_path / "here").mkdir()
    link = tmp_path / "here/state.sqlite3"
    link.symlink_to(tmp_path / "there/real.sqlite3")
    run(link, 0o000)
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "there").iterdir()} == {
        "real.sqlite3": 0o600
    }
