"""From the start of the process until the main and all topic feeds are answered, and the memory after that.

Beside commit 8206268, and Hugo building the same feeds. Also the time of `--help` and the size of the environment.

    ./run bench start             writes the section "Starting" of RESULTS.md
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import others
import results
from client import Client, first_answer

from processes import cost, service
from sites import TOPICS, make_hugo_site, make_site

FORMATS = ("atom", "rss", "json")
FOLDERS = ("", *(f"topics/{slug}/" for slug, _ in TOPICS))
PATHS = [f"/{folder}feed.{form}" for folder in FOLDERS for form in FORMATS]
OLD: dict[str, Any] = {"python": str(others.PYTHON), "src": others.SRC}


def start(site: Path, *, rest: bool = False, **version: Any) -> tuple[float, float, float]:
    """Seconds of wall and CPU time of one cold start; with *rest*, megabytes of memory when the service is idle."""
    begun = time.perf_counter()
    with service(site, **version) as tree:
        first_answer(tree.port, PATHS[0])
        with Client(tree.port) as client:
            for path in PATHS:
                assert client.get(path).status == 200, path
        wall, cpu = time.perf_counter() - begun, tree.cpu()
        if rest:
            tree.settle(600)
        return wall, cpu, tree.memory() if rest else 0.0


def hugo(folder: Path, count: int) -> tuple[float, float]:
    """Seconds of wall and CPU time in which Hugo builds the same feeds."""
    site, output = folder / "hugo", folder / "hugo-output"
    if not site.exists():
        make_hugo_site(site, count)
    shutil.rmtree(output, ignore_errors=True)
    options = ["--source", str(site), "--destination", str(output), "--quiet"]
    return cost([others.hugo(), *options, "--noBuildLock", "--cacheDir", f"{output}-cache"])


def main() -> None:
    options = results.arguments(rounds=5)
    others.install()
    rows: list[list[str]] = []
    figures: dict[str, float] = {}
    for size in (350,) if options.quick else (350, 10_000, 100_000):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            site = make_site(folder / "site", size)
            rounds = 1 if size > 10_000 else options.rounds
            start(site)  # compiles what is not compiled yet
            ours, old, theirs = [], [], []
            for turn in range(rounds):
                ours.append(start(site, rest=turn == 0))
                if size <= 10_000:
                    old.append(start(site, rest=turn == 0, **OLD))
                theirs.append((*hugo(folder, size), 0.0))
        memory = figures[f"memory.{size}"] = ours[0][2]
        runs = {"ours": ours, "commit 8206268": old, "Hugo": theirs}
        wall, cpu = ({who: [run[at] for run in runs[who]] for who in runs if runs[who]} for at in (0, 1))
        for who in wall:
            mine = {"ours": memory, "commit 8206268": old[0][2] if old else 0}.get(who, 0)
            times = [results.spread(column[who], "{:.2f} s") for column in (wall, cpu)]
            rows.append([f"{size:,}: {who}", *times, f"{mine:.0f} MB" if mine else ""])
        if size == 350:
            figures["start.350"] = median(wall["ours"]) / median(wall["commit 8206268"])
        if size == 10_000:
            figures["start.wall"] = median(wall["Hugo"]) / median(wall["ours"])
            figures["start.cpu"] = median(cpu["Hugo"]) / median(cpu["ours"])
    commands = (["-m", "pprnet_feeds", "--help"], ["-c", "import click"])
    times = [[cost([sys.executable, *command])[1] for command in commands] for _ in range(4 * options.rounds)]
    figures["start.help"] = median([a for a, _ in times]) / median([b for _, b in times])
    figures["start.environment"] = others.environment_size()
    text = (
        f"Cold starts, medians of {options.rounds} rounds (one at 100,000 posts), in brackets the least and the greatest. "
        f"Until {len(PATHS)} feeds were answered: main and {len(TOPICS)} topics in {', '.join(FORMATS)}. Memory is that of "
        "all processes (PSS) at rest after that.\n\n"
        + results.table("posts | wall | CPU | memory", rows)
        + f"\n`pprnet-feeds --help` takes {figures['start.help']:.2f} times the CPU of importing click. "
        f"The environment for serving takes {figures['start.environment']:.0f} MB."
    )
    results.write(options, "Starting", text, figures)


if __name__ == "__main__":
    main()
