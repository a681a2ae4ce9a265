"""Two processes read what one reads."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

import pprnet_feeds
from many import make_site
from pprnet_feeds.content import rows, together
from pprnet_feeds.content.reading import read_files
from pprnet_feeds.content.site import read_site
from service import SITES

# In a process of its own: a test runner has threads, beside which no process is copied.
READ = """
import os, resource, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from pprnet_feeds.content import reading, together
from pprnet_feeds.content.site import read_site

folder, aside, room = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
now = datetime(2100, 1, 1, tzinfo=UTC)
site, _ = read_site(folder, {})
lines = []
fork = os.fork
os.fork = lambda: lines.append("copied") or fork()
if room:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
many = together.read(folder, site, now, 2, aside)
print(*lines)
if many:
    posts = [read.post for read in many.by_file.values() if read.post and not read.problems]
    print("texts put aside:", {hasattr(post, "kept") for post in posts})
    alone = reading.read_files(folder, site, now)
    print(many == alone, list(many.by_file) == list(alone.by_file), together.read(folder, site, now))
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    print("nobody is left")
"""


def run(folder: Path, aside: Path, room: int = 0) -> list[str]:
    environ = os.environ | {"PYTHONPATH": str(Path(pprnet_feeds.__file__).parents[1])}
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", READ, str(folder), str(aside), str(room)],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stderr == ""
    return ran.stdout.splitlines()


@pytest.fixture
def many(tmp_path) -> Path:
    return make_site(tmp_path / "site", 9)


pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork") or (os.cpu_count() or 1) < 2, reason="there is one process only"
)
SAME = ["True True None", "nobody is left"]


@pytest.mark.parametrize("faulty", [False, True])
def test_two_processes_read_what_one_reads_and_one_is_left(many, tmp_path, faulty):
    if faulty:
        for path in sorted((SITES / "every-fault/posts").iterdir())[:40]:
            if path.is_file() and not path.is_symlink():
                (many / "posts" / path.name).write_bytes(path.read_bytes())
    assert run(many, tmp_path / "aside") == ["copied", "texts put aside: {True}", *SAME]
    assert list((tmp_path / "aside").iterdir()) == []


def test_without_room_for_texts_they_stay_where_they_are(many, tmp_path):
    assert run(many, tmp_path / "aside", 500) == ["copied", "texts put aside: {False}", *SAME]


def test_where_nothing_can_be_put_aside_one_process_reads(many, tmp_path):
    (tmp_path / "file").touch()
    assert run(many, tmp_path / "file") == ["", "nobody is left"]


def test_of_what_was_told_only_whole_blocks_count(many, tmp_path):
    site, _ = read_site(many, {})
    assert site is not None
    every = list(read_files(many, site, datetime(2100, 1, 1, tzinfo=UTC)).by_file.items())
    with (tmp_path / "told").open("w+b") as file:
        rows.put(file, every[:4])
        first = file.tell()
        rows.put(file, every[4:])
        whole = file.tell()
        for size in range(whole, 0, -1):
            file.truncate(size)
            whole_blocks = every if size == whole else every[:4] if size >= first else []
            assert list(together._told(file, many, site).items()) == whole_blocks
