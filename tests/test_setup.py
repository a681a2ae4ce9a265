"""Setting up, as a stranger meets it: ./run in a folder of its own, with little on the PATH.

Here uv is a stand-in that makes an environment and installs nothing into it
(or fails, where a test says so), so that a set-up takes a tenth of a second.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # each sets up an environment

ROOT = Path(__file__).parents[1]
TOOLS = ("sh", "dirname", "cat", "cksum", "mkdir", "mv", "rm", "find", "sleep", "ls")
UV = """#!/bin/sh
case "$1" in
    venv) for folder; do :; done; exec python3 -m venv --without-pip "$folder" ;;
    pip) {install} ;;
esac
"""


@dataclass(frozen=True)
class Clone:
    """A fresh clone of the parts that set-up reads, and a PATH with nothing else on it."""

    folder: Path
    path: Path

    def program(self, name: str, text: str) -> None:
        (self.path / name).write_text(text)
        (self.path / name).chmod(0o755)

    def install_does(self, command: str) -> None:
        self.program("uv", UV.format(install=command))

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.folder / "run", *arguments],
            cwd=self.path,
            env={"PATH": str(self.path), "PIP_NO_INDEX": "1"} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        with self.start(*arguments, **environment) as process:
            out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    @property
    def environments(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob(".venv*") if path.is_dir())


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    folder, path = tmp_path / "a fresh clone", tmp_path / "bin"
    package = folder / "src" / "pprnet_feeds"
    package.mkdir(parents=True)
    path.mkdir()
    shutil.copy(ROOT / "run", folder)
    (folder / "requirements.txt").write_text("# nothing\n")
    (folder / "requirements-dev.txt").write_text("# nothing, and more of it\n")
    (package / "__main__.py").write_text("import os, sys\nprint(os.getpid(), os.getcwd(), *sys.argv[1:])\n")
    for tool in TOOLS:
        (path / tool).symlink_to(shutil.which(tool) or pytest.fail(f"no {tool}"))
    made = Clone(folder, path)
    made.program("python3", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    made.install_does("exit 0")
    return made


SET_UP = "run: setting up .venv from requirements-dev.txt, this once ...\n"


def test_an_unknown_command_is_answered_with_the_known_ones(clone):
    code, out, err = clone.run("srve")
    assert (code, out, err.splitlines()[-1]) == (1, "", "run: no command is called 'srve'")


def test_the_second_set_up_has_nothing_to_do(clone):
    assert [clone.run("setup"), clone.run("setup")] == [(0, "", SET_UP), (0, "", "")]
    assert clone.environments == [".venv"]


def test_a_changed_lock_makes_the_environment_anew(clone):
    clone.run("setup")
    (clone.folder / "requirements-dev.txt").write_text("# something else\n")
    assert clone.run("setup") == (0, "", SET_UP)


def test_an_environment_whose_python_is_gone_is_made_anew(clone):
    clone.run("setup")
    (clone.folder / ".venv" / "bin" / "python").unlink()
    assert clone.run("setup") == (0, "", SET_UP)


def test_what_serves_to_test_serves_to_serve(clone):
    clone.run("setup")
    assert clone.run("setup", "serve") == (0, "", "")


def test_what_serves_to_serve_is_too_little_to_test(clone):
    clone.run("setup", "serve")
    assert clone.run("setup") == (0, "", SET_UP)


def test_leftovers_of_an_interrupted_set_up_are_cleared_away(clone):
    for name in (".venv", ".venv-new", ".venv-old"):
        (clone.folder / name / "bin").mkdir(parents=True)
    assert clone.run("setup") == (0, "", SET_UP)
    assert clone.environments == [".venv"]


def test_a_set_up_that_fails_leaves_nothing_behind(clone):
    clone.install_does("echo no network >&2; exit 2")
    assert clone.run("setup") == (2, "", SET_UP + "no network\n")
    assert clone.environments == []


def test_a_set_up_that_fails_keeps_the_environment_there_is(clone):
    clone.run("setup", "serve")
    clone.install_does("exit 2")
    clone.run("setup")
    assert clone.run("setup", "serve") == (0, "", "")


@pytest.mark.parametrize("blow", [signal.SIGTERM, signal.SIGKILL])
def test_a_set_up_that_is_killed_heals_the_next_time(clone, blow):
    clone.install_does(f": >'{clone.path}/begun'; sleep 60")
    process = clone.start("setup")
    while not (clone.path / "begun").exists():
        time.sleep(0.01)
    assert clone.environments == [".venv-new"]
    os.killpg(process.pid, blow)
    process.communicate(timeout=10)
    clone.install_does("exit 0")
    assert clone.run("setup") == (0, "", SET_UP)
    assert clone.environments == [".venv"]


def test_two_set_ups_at_once_make_one_environment(clone):
    clone.install_does(f"sleep 1; echo installed >>'{clone.path}/log'")
    both = [clone.start("setup"), clone.start("setup")]
    told = sorted(process.communicate(timeout=60)[1] for process in both)
    assert told == [SET_UP, "run: waiting for another set-up to end\n"]
    assert (clone.path / "log").read_text() == "installed\n"


def test_serve_becomes_the_server_so_that_signals_arrive(clone):
    with clone.start("serve", "--port", "1") as process:
        out, _ = process.communicate(timeout=60)
    assert out == f"{process.pid} {clone.folder} serve --port 1\n"


def test_feeds_works_in_the_folder_one_stands_in(clone):
    with clone.start("feeds", "check") as process:
        out, _ = process.communicate(timeout=60)
    assert out == f"{process.pid} {clone.path} check\n"


def test_a_missing_venv_is_named_in_one_line_with_its_cure(clone):
    (clone.path / "uv").unlink()
    python = clone.path / "python3"
    clone.program("python3", f'#!/bin/sh\ncase $2 in *ensurepip*) exit 1;; *) echo "{python}";; esac\n')
    told = f"run: {python} cannot make environments (ensurepip is missing): "
    assert clone.run("setup") == (1, "", told + "sudo apt-get install python3-venv\n")
    assert clone.environments == []


def test_an_old_python_is_named_in_one_line_with_its_cure(clone):
    clone.program("python3", "#!/bin/sh\n[ $1 != --version ] || echo Python 3.9.18\n")
    assert clone.run("setup") == (
        1,
        "",
        "run: needs Python 3.11 or newer and found Python 3.9.18; "
        "install one, on Debian or Ubuntu: sudo apt-get install python3 python3-venv\n",
    )
    assert clone.environments == []


def test_a_missing_python_is_named_in_one_line_with_its_cure(clone):
    (clone.path / "python3").unlink()
    assert clone.run("setup")[2].startswith(
        "run: needs Python 3.11 or newer and found no python3; install one"
    )


def test_a_python_by_its_full_name_will_do(clone):
    (clone.path / "python3").rename(clone.path / "python3.12")
    clone.install_does("exit 0")
    clone.program("uv", UV.format(install="exit 0").replace("python3", "python3.12"))
    assert clone.run("setup") == (0, "", SET_UP)


def test_without_uv_the_environment_is_made_by_venv_and_pip(clone):
    (clone.path / "uv").unlink()
    code, out, err = clone.run("setup")
    assert (code, out, err.startswith(SET_UP), clone.environments) == (0, "", True, [".venv"])
