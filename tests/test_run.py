"""The commands of the repository and the locks they install from."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
REQUIREMENT = re.compile(
    r"^([a-z0-9-]+)==(\S+)(?: ; [^\\]+)? \\\n"  # name, version, marker
    r"(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+",
    re.M,
)


def test_run_is_posix_shell_without_a_fault():
    assert subprocess.run(["sh", "-n", ROOT / "run"], check=False).returncode == 0


def test_ci_is_shell_without_a_fault():
    assert subprocess.run(["bash", "-n", ROOT / ".ci" / "run"], check=False).returncode == 0


def test_help_names_every_target_of_the_makefile():
    told = subprocess.run([ROOT / "run", "help"], capture_output=True, text=True, check=True).stdout
    (targets,) = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.M)
    assert set(targets.split()) <= set(re.findall(r"^  (\w+) ", told, re.M))


@pytest.fixture(params=["requirements.txt", "requirements-dev.txt"])
def lock(request) -> str:
    return (ROOT / request.param).read_text()


def test_every_line_of_a_lock_is_exact_and_has_its_hashes(lock):
    rest = REQUIREMENT.sub("", lock)
    assert [line for line in rest.splitlines() if not line.lstrip().startswith("#")] == []


def test_a_lock_names_no_address_and_no_folder(lock):
    assert re.findall(r".*(?:://|find-links|index-url|trusted-host| /).*", lock) == []


def test_the_lock_holds_all_that_the_project_asks_for():
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.match(r"[A-Za-z0-9-]+", line)[0].lower() for line in asked}
    assert names <= pins("requirements.txt").keys()


def test_tests_run_with_the_versions_that_serve():
    assert pins("requirements.txt").items() <= pins("requirements-dev.txt").items()


def pins(name: str) -> dict[str, str]:
    return {match[1]: match[2] for match in REQUIREMENT.finditer((ROOT / name).read_text())}
