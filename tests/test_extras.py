"""A command that needs optional libraries says how to install them; everything else works without them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from many import make_site
from service import ROOT, command


def without(libraries: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command where the *libraries* cannot be imported."""
    lines = [f"sys.modules[{library!r}] = None" for library in libraries.split()]
    (folder / "sitecustomize.py").write_text("\n".join(["import sys", *lines]) + "\n")
    return command(*arguments, PYTHONPATH=f"{folder}:{ROOT / 'src'}")


def test_a_bucket_without_its_library_says_in_one_line_how_to_install_it(tmp_path):
    site = make_site(tmp_path / "site", 2)
    done = without("obstore", tmp_path, "build", "s3://my-bucket", "--site", str(site))
    assert (done.returncode, done.stdout, done.stderr) == (
        1, "", "Error: obstore is not installed. Install it: pip install 'pprnet-feeds[s3]'\n",
    )  # fmt: skip


def test_a_folder_needs_no_library_of_buckets(tmp_path):
    site = make_site(tmp_path / "site", 2)
    done = without("obstore", tmp_path, "build", str(tmp_path / "copy"), "--site", str(site))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_build_into_a_folder_does_not_even_load_it(tmp_path):
    loaded = "import sys, pprnet_feeds.commands.build; print('obstore' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", loaded], env={"PYTHONPATH": str(ROOT / "src")},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "False\n"
