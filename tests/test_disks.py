"""Commands on a disk that takes nothing more: a plain message, exit 1, and the old files as they were."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from many import make_site, write_post
from service import ROOT, command

IMPORTS = ROOT / "tests/imports"
# Writing fails at this size as it does on a full disk, whoever runs the tests.
FULL = 600


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return make_site(tmp_path / "site", 4)


def run(*arguments: str, size: int = FULL, output: int = subprocess.PIPE) -> tuple[int, str]:
    """Exit code and messages of a command no file of which may be longer than *size*."""
    done = subprocess.run(
        [sys.executable, "-m", "pprnet_feeds", *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("ledger", [False, True], ids=["first", "later"])
def test_publish_says_that_the_disk_is_full_and_the_ledger_stays_as_it_was(site, ledger):
    if ledger:
        assert command("publish", "--site", str(site)).returncode == 0
        write_post(site, 5)
    before = tree(site)
    told = f"Error: {site}/feeds/ledger.json cannot be written: File too large. Nothing was published.\n"
    assert run("publish", "--site", str(site)) == (1, told)
    assert tree(site) == before


def test_new_says_that_the_disk_is_full_and_leaves_nothing_behind(site):
    before = tree(site)
    code, told = run("new", "A Title", "--topic", "alpha", "--date", "2022-01", "--site", str(site))
    path = site / "posts/2022-01-a-title.md"
    assert (code, told) == (
        1,
        f"Error: {path} cannot be written: File too large. Nothing was written.\n",
    )
    assert tree(site) == before


def test_import_says_that_the_disk_is_full_and_leaves_only_whole_posts_behind(site):
    before = tree(site)
    code, told = run("import", str(IMPORTS / "page.txt"), "--site", str(site))
    assert (code, told) == (
        1,
        f"Error: {site} cannot be written: File too large. What was written stays; import again to finish.\n",
    )
    assert not [path for path in tree(site).keys() - before.keys() if "/." in path]


def test_build_says_that_the_disk_is_full(site, tmp_path):
    code, told = run("build", str(tmp_path / "copy"), "--site", str(site))
    assert code == 1
    assert told == (
        f"Error: {tmp_path}/copy cannot be written: File too large. "
        "What was written stays; build again to finish.\n"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="for root no folder is read-only")
def test_publish_says_that_the_folder_is_read_only(site):
    (site / "feeds").chmod(0o555)
    told = f"Error: {site}/feeds/ledger.json cannot be written: Permission denied. Nothing was published.\n"
    assert run("publish", "--site", str(site), size=resource.RLIM_INFINITY) == (1, told)
    (site / "feeds").chmod(0o755)


@pytest.mark.parametrize(
    "arguments",
    [*(f"{name} --site ." for name in ("check", "plan", "publish", "check --format json", "stats")),
     "--help", "--version", "schema post --help"],
)  # fmt: skip
def test_output_that_goes_to_a_full_disk_is_no_traceback(site, arguments, monkeypatch):
    monkeypatch.chdir(site)
    with Path("/dev/full").open("w") as full:
        code, told = run(*arguments.split(), size=resource.RLIM_INFINITY, output=full.fileno())
    assert (code, told) == (1, "Error: the output cannot be written: No space left on device.\n")
