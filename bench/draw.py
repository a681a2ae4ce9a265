"""Drawing documents: ours beside plain feedgen, Django's feedgenerator and Hugo, by CPU time.

Each way runs in a process of its own. Plain feedgen draws a document at a time to the same bytes,
which is checked; at 10,000 posts it draws every 40th document, and the whole is told by the bytes.

    ./run bench draw              writes the section "Drawing" of bench/RESULTS.md
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import results
import rivals

from processes import ROOT, cost
from sites import make_site

Figures = dict[str, float]


def child(*arguments: str, python: str = sys.executable, script: str = "drawing.py") -> Figures:
    """What one way took."""
    command = [python, str(ROOT / "bench" / script), *arguments]
    env = {"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True)
    figures: Figures = json.loads(done.stdout)
    return figures


def main() -> None:
    options = results.arguments(rounds=3)
    rivals.install()
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as folder:
        sizes = (350,) if options.quick else (350, 10_000, 100_000)
        sites = {size: make_site(Path(folder) / str(size), size) for size in sizes}
        whole = [row for size in sizes[:2] for row in all_documents(sites[size], size, options, figures)]
        some = [row for size in sizes for row in from_memory(sites[size], size, options)]
        files = [row for size in sizes[:2] for row in from_files(Path(folder), sites[size], size, options)]
        edited = [edit(sites[size], size, figures) for size in sizes[:2]]
    text = "\n".join(
        [
            "CPU seconds, medians, in brackets the least and the greatest.",
            "",
            "Every Atom and RSS document, archives included, from posts that are in memory. Both make each entry once; the bytes are the same.",
            "",
            results.markdown(["posts", "documents", "MB", "ours", "plain feedgen", "times faster"], whole),
            "Main and topic feeds in Atom and RSS from posts in memory. Django's are simpler (no citation, no links of RFC 5005) and begin with "
            "ready HTML, where ours and plain feedgen begin with Markdown.",
            "",
            results.markdown(
                ["posts", "documents", "MB", "ours", "plain feedgen", "Django's, MB", "Django's"], some
            ),
            "The same and the main feed's archives, in Atom, RSS and JSON, from files: a whole process, its start included.",
            "",
            results.markdown(["posts", "ours: wall", "CPU", "Hugo: wall", "CPU"], files),
            "Every document in every format and every file beside posts; then the listed documents that an edit of the newest post touches.",
            "",
            results.markdown(["posts", "documents", "MB", "all", "touched", "redrawn in", "of all"], edited),
        ]
    )
    results.write(options, "Drawing", text, figures)


def all_documents(site: Path, size: int, options: argparse.Namespace, figures: Figures) -> list[list[str]]:
    rounds = options.rounds if size == 350 else 1
    ours, theirs = [], []
    for _ in range(rounds):
        a, b = child("every", str(site)), child("plain", str(site))
        ours.append(a["seconds"])
        theirs.append(b["making"] + b["seconds"] * a["bytes"] / b["bytes"])
    ratio = results.median(theirs) / results.median(ours)
    figures[f"draw.{size:,} posts"] = ratio
    return [
        [
            f"{size:,}",
            f"{a['documents']:,}",
            f"{a['bytes'] / 1e6:,.0f}",
            results.spread(ours),
            results.spread(theirs),
            f"{ratio:.1f}",
        ]
    ]


def from_memory(site: Path, size: int, options: argparse.Namespace) -> list[list[str]]:
    data = site / "entries.json"
    child("dump", str(site), str(data))
    rounds = options.rounds if size < 100_000 else 1
    runs = []
    for _ in range(rounds):
        django = child(str(data), python=str(rivals.PYTHON), script="for_django.py")
        runs.append((child("memory", str(site)), child("memory_plain", str(site)), django))
    ours, plain, django = runs[0]
    assert ours["bytes"] == plain["bytes"]
    times = [results.spread([run[place]["seconds"] for run in runs]) for place in range(3)]
    row = [
        f"{size:,}",
        f"{ours['documents']}",
        f"{ours['bytes'] / 1e6:.0f}",
        times[0],
        times[1],
        f"{django['bytes'] / 1e6:.0f}",
        times[2],
    ]
    return [row]


def from_files(folder: Path, site: Path, size: int, options: argparse.Namespace) -> list[list[str]]:
    hugo = rivals.Hugo(folder / f"rivals{size}", size)
    script = str(ROOT / "bench" / "drawing.py")
    runs = [
        (cost([sys.executable, script, "files", str(site)]), hugo.build(archives=True))
        for _ in range(options.rounds)
    ]
    cells = [results.spread([run[who][what] for run in runs]) for who in (0, 1) for what in (0, 1)]
    return [[f"{size:,}", *cells]]


def edit(site: Path, size: int, figures: Figures) -> list[str]:
    found = child("redraw", str(site))
    share = 100 * found["seconds"] / found["full"]
    if size == 10_000:
        figures["redraw"] = share
    counts = [
        f"{found['documents']:,}",
        f"{found['bytes'] / 1e6:,.0f}",
        f"{found['full']:.2f}",
        f"{found['touched']:.0f}",
    ]
    return [f"{size:,}", *counts, f"{found['seconds'] * 1000:.0f} ms", f"{share:.2f} %"]


if __name__ == "__main__":
    main()
