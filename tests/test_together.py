"""Two processes read what one reads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import pprnet_feeds
from many import make_site
from pprnet_feeds.content import cachefile
from pprnet_feeds.content.reading import FileRead
from service import SITES

# In a process of its own: a test runner has threads, beside which no process is copied.
READ = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from pprnet_feeds.content import reading, together
from pprnet_feeds.content.digests import appearance
from pprnet_feeds.content.site import read_site

folder, now = Path(sys.argv[1]), datetime(2100, 1, 1, tzinfo=UTC)
site, _ = read_site(folder, {})
lines = []
fork = os.fork
os.fork = lambda: lines.append("copied") or fork()
many = together.read(folder, site, now, 2)
alone = reading.read_files(folder, site, now)
print(lines, many == alone, list(many.by_file) == list(alone.by_file), together.read(folder, site, now))
print({name for name, read in many.by_file.items() if hasattr(read.post, "digest")} < set(many.by_file))
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    print("nobody is left")
"""


def run(folder: Path) -> str:
    environ = os.environ | {"PYTHONPATH": str(Path(pprnet_feeds.__file__).parents[1])}
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", READ, str(folder)],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stderr == ""
    return ran.stdout


@pytest.fixture
def many(tmp_path) -> Path:
    return make_site(tmp_path / "site", 9)


@pytest.mark.skipif(not hasattr(os, "fork") or (os.cpu_count() or 1) < 2, reason="there is one process only")
@pytest.mark.parametrize("faulty", [False, True])
def test_two_processes_read_what_one_reads_and_one_is_left(many, faulty):
    if faulty:
        for path in sorted((SITES / "every-fault/posts").iterdir())[:40]:
            if path.is_file() and not path.is_symlink():
                (many / "posts" / path.name).write_bytes(path.read_bytes())
    assert run(many) == "['copied'] True True None\nTrue\nnobody is left\n"


def test_what_is_not_whole_is_as_if_nothing_was_told():
    told = cachefile.pack({"posts/a.md": FileRead(b"s", b"d", None)})
    assert cachefile.unpack(told) == {"posts/a.md": FileRead(b"s", b"d", None)}
    assert [cachefile.unpack(told[:size]) for size in range(len(told))] == [{}] * len(told)
