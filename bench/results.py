"""Write what was measured: a section of RESULTS.md for each bench, and the table of floors from figures.json."""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

FOLDER = Path(__file__).parent
RESULTS, FIGURES = FOLDER / "RESULTS.md", FOLDER / "figures.json"
ORDER = "Floors, Machine, Serving, Starting, An edit, Rendering, A fleet of readers, Memory over time".split(
    ", "
)
_KINDS = ("full", "gzip", "br", "304")
# What, against what, at least or at most, floor, aim, unit, figures.
FLOORS = (
    ("CPU for a request", "bare ASGI, same uvicorn options", "≥", 1.5, 2.2, "", [f"bare.{kind}" for kind in _KINDS]),
    ("the same, `PPRNET_FAST_PATH=off`", "the same", "≥", 0.90, 0.97, "", [f"slow.{kind}" for kind in _KINDS]),
    ("requests a second, both busy", "nginx static", "≥", 0.5, 0.8, "", ["nginx.full", "nginx.gzip", "nginx.br"]),
    ("the same, 304", "nginx static", "≥", 0.35, 0.6, "", ["nginx.304"]),
    ("start to main and topic feeds, 350 posts", "commit 8206268", "≤", 1.2, 0.9, "", ["start.350"]),
    ("the same, 10,000 posts: wall", "Hugo, same feeds", "≥", 0.8, 1.0, "", ["start.wall"]),
    ("the same: CPU", "Hugo, same feeds", "≥", 1.2, 1.5, "", ["start.cpu"]),
    ("saved file to new bytes, 10,000 posts, beyond the settle time", "", "≤", 0.35, 0.15, " s", ["edit.beyond"]),
    ("first request of the main feed after an edit, 10,000 posts", "plain feedgen", "≤", 5, 2, "x", ["draw.first"]),
    ("p99 at 500 requests a second, during edits", "commit 8206268", "≤", 4, 2, "x", ["edit.p99"]),
    ("the same, while everything is read again", "commit 8206268", "≤", 4, 2, "x", ["edit.p99-reread"]),
    ("memory at rest, 350 posts", "", "≤", 60, 50, " MB", ["memory.350"]),
    ("memory at rest, 10,000 posts", "", "≤", 150, 110, " MB", ["memory.10000"]),
    ("memory after a million requests and a thousand reloads", "after the first thousand requests", "≤", 1.1, 1.0, "x", ["memory.growth"]),
    ("`pprnet-feeds --help`", '`python -c "import click"`', "≤", 2, 1.3, "x", ["start.help"]),
    ("installed environment for serving", "", "≤", 90, 75, " MB", ["start.environment"]),
)  # fmt: skip


def arguments(rounds: int) -> argparse.Namespace:
    """The options of every bench: `rounds`, `quick`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=0, help="how often each thing is measured")
    parser.add_argument("--quick", action="store_true", help="one round, small sites; nothing is written")
    given = parser.parse_args()
    given.rounds = given.rounds or (1 if given.quick else rounds)
    if not all(map(shutil.which, ("wrk", "nginx", "taskset"))):
        sys.exit("bench: sudo apt-get install wrk nginx libnginx-mod-http-brotli-static util-linux")
    return given


def write(options: argparse.Namespace, title: str, text: str, figures: Mapping[str, float]) -> None:
    """Print a section and, unless only a look was asked for, store it with its figures."""
    command = f"`./run bench {Path(sys.argv[0]).stem}`, {datetime.now(UTC):%Y-%m-%d}."
    section = f"## {title}\n\n{command} {text.strip()}\n"
    print(section, json.dumps(figures), sep="\n")
    if options.quick:
        return
    known: dict[str, float] = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    known |= figures
    FIGURES.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    floors = table("what | against | floor | aim | measured | ", [_row(known, *floor) for floor in FLOORS])
    sections = _sections() | {title: section, "Floors": f"## Floors\n\n{floors}", "Machine": _machine()}
    names = sorted(sections, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))
    RESULTS.write_text("\n".join(["# What was measured\n", *(sections[name] for name in names)]))


def _row(figures: Mapping[str, float], *line: Any) -> list[str]:
    what, against, sign, floor, aim, unit, keys = line
    found = {key: figures[key] for key in keys if key in figures}
    limits = [f"{sign} {limit:g}{unit}" for limit in (floor, aim)]
    shown = ", ".join(f"{key.rpartition('.')[2]} {value:.3g}" for key, value in found.items())
    verdict = "not measured"
    if len(found) == len(keys):
        worst = min(found.values()) if sign == "≥" else max(found.values())
        met = [worst >= limit if sign == "≥" else worst <= limit for limit in (floor, aim)]
        verdict = "aim met" if all(met) else "met" if met[0] else "**not met**"
    return [what, against, *limits, shown, verdict]


def _sections() -> dict[str, str]:
    text = RESULTS.read_text() if RESULTS.exists() else ""
    parts = re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]
    return {part.partition("\n")[0][3:]: part.rstrip("\n") + "\n" for part in parts}


def _machine() -> str:
    cpu = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    names = ("uvicorn", "httptools", "starlette", "feedgen", "lxml", "comrak")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    nginx = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=False).stderr.strip()
    cores = f"{os.cpu_count()} cores of {cpu[1] if cpu else '?'}"
    return f"## Machine\n\n{cores}. Python {platform.python_version()}; {versions}; {nginx}.\n"


def spread(figures: Sequence[float], form: str = "{:.2f}") -> str:
    """The median with the least and the greatest."""
    middle, least, most = (form.format(value) for value in (median(figures), min(figures), max(figures)))
    return middle if len(figures) == 1 else f"{middle} ({least} to {most})"


def p99(latencies: Sequence[float]) -> float:
    """What 99 % of the requests did not exceed."""
    return sorted(latencies)[int(len(latencies) * 0.99)]


def table(heads: str, rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; *heads* are joined by bars, the first column is words."""
    lines = [f"| {heads} |", "| --- |" + " ---: |" * heads.count("|")]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows), ""])
