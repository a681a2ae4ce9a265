"""Writes what was measured: a section of RESULTS.md for each bench, the table of bars, and the figures behind it.

Each bench replaces its own section and figures and leaves the others alone, so that
one can be measured again by itself. `figures.json` holds what the bars are computed from.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bars import table

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "RESULTS.md"
FIGURES = FOLDER / "figures.json"
TITLE = "# What was measured\n"
# In this order they are read; a section that is not named here comes last.
ORDER = (
    *(
        "Bars",
        "Machine",
        "Serving",
        "In front, and more workers",
        "Starting",
        "An edit",
        "Rebuilding under load",
        "Drawing",
    ),
    *(
        "A combination never asked for",
        "Size",
        "A fleet of readers",
        "Two years of polling",
        "Memory over time",
        "Command line",
    ),
)
_PACKAGES = {"wrk": "wrk", "nginx": "nginx", "taskset": "util-linux", "varnishd": "varnish"}


def arguments(rounds: int, quick: int = 1) -> argparse.Namespace:
    """What a bench was asked: `rounds`, `quick`, `print`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=0, help="how often each thing is measured")
    parser.add_argument("--quick", action="store_true", help="few rounds, small sites: a look, not a result")
    parser.add_argument("--print", action="store_true", help="print only, leave RESULTS.md alone")
    given = parser.parse_args()
    given.rounds = given.rounds or (quick if given.quick else rounds)
    return given


def need(*programs: str) -> None:
    """Stop with how to install what is missing."""
    missing = [_PACKAGES[name] for name in programs if not shutil.which(name)]
    if missing:
        sys.exit(f"bench: install what is missing: sudo apt-get install {' '.join(missing)}")


def write(
    options: argparse.Namespace,
    title: str,
    text: str,
    figures: dict[str, float] | None = None,
    pictures: dict[str, str] | None = None,
) -> None:
    """Print a section and, unless only a look was asked for, keep it with its figures and its pictures (name -> SVG)."""
    heading = f"`./run bench {Path(sys.argv[0]).stem}`, {datetime.now(UTC):%Y-%m-%d}. "
    section = f"## {title}\n\n{heading}{text.strip()}\n"
    print(section)
    print(json.dumps(figures or {}))
    if options.print or options.quick:
        return
    for name, picture in (pictures or {}).items():
        (FOLDER / f"{name}.svg").write_text(picture)
    kept: dict[str, float] = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    kept |= figures or {}
    FIGURES.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
    sections = _sections() | {title: section, "Bars": table(kept), "Machine": machine()}
    names = sorted(sections, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))
    RESULTS.write_text("\n".join([TITLE, *(sections[name] for name in names)]))


def _sections() -> dict[str, str]:
    """The sections that stand in the file, by their titles."""
    text = RESULTS.read_text() if RESULTS.exists() else ""
    parts = re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]
    return {part.partition("\n")[0][3:]: part.rstrip("\n") + "\n" for part in parts}


def machine() -> str:
    """The machine and the versions: figures without them mean nothing."""
    cpu = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    ours = [
        f"{name} {version(name)}"
        for name in ("uvicorn", "httptools", "uvloop", "starlette", "feedgen", "lxml", "comrak", "brotli")
    ]
    locked = re.findall(
        r"^(django|hugo|pelican)==(\S+)", (FOLDER / "requirements.txt").read_text(), re.MULTILINE
    )
    rivals = [f"{name} {number}" for name, number in locked]
    for command in (["nginx", "-v"], ["varnishd", "-V"]):
        if shutil.which(command[0]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            found = re.search(r"(nginx/|varnish-)([\d.]+)", done.stderr + done.stdout)
            rivals.append(f"{command[0]} {found[2] if found else '?'}")
    return (
        f"## Machine\n\n{os.cpu_count()} cores of {cpu[1].strip() if cpu else '?'}, {memory:.0f} GiB, Linux {platform.release()}. "
        f"Python {platform.python_version()}; {', '.join(ours)}. Beside: {', '.join(rivals)}.\n"
    )


def median(figures: Sequence[float]) -> float:
    """The middle figure."""
    return statistics.median(figures)


def spread(figures: Sequence[float], form: str = "{:.2f}") -> str:
    """The median, and in brackets the least and the greatest when there are several."""
    middle = form.format(statistics.median(figures))
    if len(figures) < 2:
        return middle
    return f"{middle} ({form.format(min(figures))} to {form.format(max(figures))})"


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table: the first column is words, the others are figures."""
    lines = ["| " + " | ".join(heads) + " |", "| --- |" + " ---: |" * (len(heads) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows), ""])
