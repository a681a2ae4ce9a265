"""What is released: the same bytes each time, and a program that begins in an empty folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest

from pprnet_feeds import __version__
from service import ROOT, free_port

pytestmark = pytest.mark.slow


def copied(folder: Path) -> Path:
    shutil.copytree(
        ROOT,
        folder,
        ignore=shutil.ignore_patterns(".git", ".venv*", "__pycache__", "dist", "build", ".*_cache"),
    )
    return folder


def built(folder: Path, **environ: str) -> dict[str, str]:
    command = [sys.executable, "-m", "hatchling", "build"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env={**os.environ, **environ})
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (folder / "dist").iterdir()}


def test_two_builds_have_the_same_bytes_and_the_wheel_runs_from_an_empty_folder(tmp_path: Path):
    first = built(copied(tmp_path / "first"), TZ="Asia/Tokyo")
    second = built(copied(tmp_path / "second"), LC_ALL="C", PYTHONHASHSEED="7")
    wheel = f"pprnet_feeds-{__version__}-py3-none-any.whl"
    assert sorted(first) == [wheel, f"pprnet_feeds-{__version__}.tar.gz"]
    assert first == second
    with zipfile.ZipFile(tmp_path / "first/dist" / wheel) as archive:
        inside = {name.removeprefix("pprnet_feeds/") for name in archive.namelist()}
    source = ROOT / "src/pprnet_feeds"
    files = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    assert {name for name in files if "__pycache__" not in name} - inside == set()

    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    packages = next((environment / "lib").iterdir()) / "site-packages"
    with zipfile.ZipFile(tmp_path / "first/dist" / wheel) as archive:
        archive.extractall(packages)
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    port = free_port()
    bare = {"PATH": os.defpath, "HOME": str(tmp_path / "home"), "PORT": str(port)}
    program = [environment / "bin/python", "-m", "pprnet_feeds"]
    begun = time.monotonic()
    subprocess.run([*program, "init", "blog"], cwd=tmp_path, check=True, env=bare, capture_output=True)
    preview = subprocess.Popen([*program, "serve", "--preview"], cwd=tmp_path / "blog", env=bare)
    try:
        feed = b""
        while b"A First Post" not in feed:
            assert preview.poll() is None
            assert time.monotonic() < begun + 30
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/feed.atom") as answer:
                    feed = answer.read()
            except urllib.error.URLError:
                time.sleep(0.1)
    finally:
        preview.terminate()
        assert preview.wait(10) == 0


def test_the_notes_of_a_release_are_its_section_of_the_changelog():
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert any(__version__ in line for line in text.splitlines() if line.startswith("## "))
