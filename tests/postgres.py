"""A PostgreSQL server of the tests' own: real, alone on a socket in a folder of its own, gone at the end."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

USER = "feeds"


class Postgres:
    """A running server; each database asked for is new and empty."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._made = 0

    def database(self) -> str:
        """The address of a new database, as `PPRNET_STATE` takes it."""
        self._made += 1
        name = f"state{self._made}"
        place = ["--host", str(self._folder), "--username", USER]
        subprocess.run([self._programs / "createdb", *place, name], check=True, timeout=30)
        return f"postgresql+psycopg://{USER}@/{name}?host={self._folder}"


def programs() -> Path:
    """The folder of the server's programs, as Debian has it; the test is skipped where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    missing = "" if found else "there is no /usr/lib/postgresql (apt-get install postgresql)"
    if importlib.util.find_spec("psycopg") is None:
        missing = "there is no psycopg (pip install 'psycopg[binary]')"
    if missing and os.environ.get("CI"):
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    return found[-1]


@contextlib.contextmanager
def running() -> Iterator[Postgres]:
    """Start a server and stop it at the end of the block."""
    binaries = programs()
    # The path of a socket is short by law; the server refuses to be run by root.
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    user = "postgres" if os.getuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    data = folder / "data"
    with (folder / "log").open("wb") as log:
        output = {"stdout": log, "stderr": log}
        # Without a locale the databases have no encoding either: the hardest case.
        subprocess.run(
            [binaries / "initdb", "-D", data, "-U", USER, "-A", "trust", "--no-sync", "--no-locale"],
            **{"user": user, "cwd": folder, "check": True, "timeout": 60, **output},
        )
        arguments = ["-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"]
        server = subprocess.Popen([binaries / "postgres", *arguments], user=user, cwd=folder, **output)
        try:
            _wait(binaries, folder)
            yield Postgres(binaries, folder)
        finally:
            server.send_signal(signal.SIGINT)  # the fast way: whoever is connected is sent away
            server.wait(timeout=30)
            shutil.rmtree(folder)


def _wait(binaries: Path, folder: Path) -> None:
    for _ in range(200):
        asked = subprocess.run([binaries / "pg_isready", "-q", "-h", folder], check=False, timeout=10)
        if asked.returncode == 0:
            return
        time.sleep(0.05)
    raise AssertionError((folder / "log").read_text("utf-8", "replace"))
