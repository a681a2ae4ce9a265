"""The commands of docs/operator/installing.md, on a site that is served."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from copied import edit, make_site
from service import ROOT, serving

TEXT = (ROOT / "docs/operator/installing.md").read_text("utf-8")
POST = "posts/2021-03-trust-grows-slowly.md"

pytestmark = pytest.mark.slow


def shown(beginning: str) -> str:
    """The command of the document, in a block or within a line, that begins like this."""
    return re.search(rf"^{re.escape(beginning)}[^\n]*|(?<=`){re.escape(beginning)}[^`]*", TEXT, re.M)[0]  # type: ignore[index]


def run(line: str, cwd: Path, **environ: str) -> str:
    done = subprocess.run(
        ["bash", "-c", line], cwd=cwd, env={**os.environ, **environ}, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_shell_completes_the_names_of_commands(tmp_path: Path):
    program = tmp_path / "pprnet-feeds"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}/src" exec "{sys.executable}" -m pprnet_feeds "$@"\n')
    program.chmod(0o755)
    ask = (
        "COMP_WORDS=(pprnet-feeds publ) COMP_CWORD=1; _pprnet_feeds_completion pprnet-feeds; echo $COMPREPLY"
    )
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    assert run(f"{shown('eval ')}\n{ask}", tmp_path, PATH=path) == "publish\n"


@pytest.mark.skipif(not shutil.which("sqlite3"), reason="sqlite3 is not installed")
def test_a_state_that_is_restored_from_its_copy_knows_the_moments_of_changes(tmp_path: Path):
    site, state = make_site(tmp_path / "blog"), tmp_path / "state.sqlite3"
    with serving(site, PPRNET_STATE=str(state)) as service:
        before = service.ask("/feed.atom").headers
        edit(site / POST, "\n\n", "\n\nOne more sentence.\n\n")
        deadline = time.monotonic() + 10
        while (changed := service.ask("/feed.atom").headers)["etag"] == before["etag"]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert changed["last-modified"] != before["last-modified"]
        run(shown("sqlite3 ").replace("/var/lib/pprnet-feeds/state.sqlite3", str(state)), tmp_path)
        assert service.stop() == 0
    for file in tmp_path.glob("state.sqlite3*"):
        file.unlink()
    (tmp_path / "state-backup.sqlite3").rename(state)
    with serving(site, PPRNET_STATE=str(state)) as service:
        restored = service.ask("/feed.atom").headers
    assert (restored["etag"], restored["last-modified"]) == (changed["etag"], changed["last-modified"])


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_a_site_on_another_host_and_domain_has_the_same_ids(tmp_path: Path):
    site = make_site(tmp_path / "blog")
    printed = []
    for base in ("https://old.example.org", "https://new.example.org/feeds"):
        with serving(site, PPRNET_BASE_URL=base) as service:
            assert base in service.ask("/feed.json").body.decode()
            printed.append(run(shown("curl -s NEW").replace("NEW", service.base), tmp_path))
    assert printed[0] == printed[1]
    assert printed[0].count("tag:") > 1


def test_the_steps_of_ci_are_those_of_the_script():
    steps = re.findall(r"deploy/ci\.sh (\w+)", shown("sh deploy/ci.sh"))
    assert [f"\n    {step})\n" in (ROOT / "deploy/ci.sh").read_text() for step in steps] == [True] * 3
