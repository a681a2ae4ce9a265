"""From nothing to answers: our service's start beside Hugo and Pelican building the same feeds.

A start is counted from the process to the main feed answered, and to the main and all topic
feeds answered in Atom, RSS and JSON, over HTTP: cold with a new home, then again with nothing changed.
Time is that of the whole process tree. Hugo and Pelican write files; that ends their count.

    ./run bench start             writes the section "Starting" of bench/RESULTS.md and a plot
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import plots
import results
import rivals
from asking import Connection, answered

from pprnet_feeds.serving.holding import LIGHTEN
from processes import begin, end, free_port, our_command, our_environ
from sites import TOPICS, make_site

# How long it may take to compress everything with care, in seconds.
RESTING = 900
FORMATS = ("atom", "rss", "json")
PATHS = [
    f"/{folder}feed.{form}" for folder in ("", *(f"topics/{slug}/" for slug, _ in TOPICS)) for form in FORMATS
]


@dataclass(frozen=True)
class Start:
    """One start of our service; seconds and bytes, of the whole tree."""

    first: float
    first_cpu: float
    wall: float
    cpu: float
    entries: int
    rested: int = 0


def start(site: Path, home: Path, *, rest: bool = False) -> Start:
    """Start the service, ask for all the feeds, stop it; with *rest*, see how much memory it keeps."""
    port = free_port()
    begun = time.perf_counter()
    tree = begin(our_command(site), port, **our_environ(port, home))
    try:
        answered(port, PATHS[0])
        first, first_cpu = time.perf_counter() - begun, tree.cpu()
        connection, entries = Connection(port), 0
        with contextlib.closing(connection):
            for path in PATHS:
                answer = connection.ask(path)
                assert answer.status == 200, f"{path}: {answer.status}"
                entries += count(answer.body)
        wall, cpu = time.perf_counter() - begun, tree.cpu()
        if rest:
            if not tree.settle(RESTING):
                print(f"bench: {site} did not come to rest")
            time.sleep(LIGHTEN)
        return Start(first, first_cpu, wall, cpu, entries, tree.memory())
    finally:
        end(tree)


def count(body: bytes) -> int:
    """How many entries a feed in any of the formats holds."""
    return body.count(b"<entry") + body.count(b"<item>") + body.count(b'"date_published"')


def entries_in(folder: Path) -> int:
    """How many entries all feeds below *folder* hold."""
    return sum(count(path.read_bytes()) for path in folder.rglob("feed.*"))


def main() -> None:
    options = results.arguments(rounds=3)
    rivals.install()
    sizes = (350,) if options.quick else (350, 10_000, 100_000)
    rows: list[list[str]] = []
    figures: dict[str, float] = {}
    notes: list[str] = []
    memories: list[list[str]] = []
    picture = ""
    with tempfile.TemporaryDirectory() as folder:
        empty = start(make_site(Path(folder) / "empty", 0), Path(folder) / "empty-home", rest=True).rested
    for size in sizes:
        rounds = 1 if size > 10_000 else options.rounds
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            cold, warm, hugo, pelican = measure(place, size, rounds)
        told = (("ours, cold", cold), ("ours, started again", warm), ("Hugo", hugo), ("Pelican", pelican))
        for name, runs in told:
            rows.append(
                [f"{size:,}: {name}", *(results.spread(column, "{:.2f} s") for column in columns(runs))]
            )
        memory = results.median([run.rested for run in cold])
        a_post = (memory - empty) / size / 1000
        memories.append(
            [
                f"{size:,}",
                f"{memory / 1e6:,.0f} MB",
                f"{empty / 1e6:,.0f} MB",
                f"{a_post:.1f} kB",
                f"{hugo[0].rested / 1e6:,.0f} MB",
            ]
        )
        figures |= {f"memory.{size}": a_post}
        if size <= 10_000:
            figures |= ratios(size, cold, warm, hugo, pelican)
            notes.append(
                f"{size:,} posts: {cold[0].entries:,} entries ours, {hugo[0].entries:,} Hugo, {pelican[0].entries:,} Pelican (no JSON, 30 a feed)."
            )
        if size == 10_000:
            bars = [(name, results.median([run.wall for run in runs])) for name, runs in told]
            picture = plots.bars("Start to main and all topic feeds, 10,000 posts, wall time", bars, "s")
    heads = ["posts", "first feed", "CPU", "all feeds", "CPU"]
    text = (
        f"Medians of {options.rounds} rounds (one for 100,000 posts), in brackets the least and the greatest. *All feeds*: main and 36 topics, "
        f"in Atom, RSS and JSON. {' '.join(notes)}\n\n![Start](start.svg)\n\n"
        + results.markdown(heads, rows)
        + "\nMemory of the tree (PSS) when it rests after that, beside a site without posts; for Hugo the greatest while it builds.\n\n"
        + results.markdown(["posts", "ours", "empty site", "a post", "Hugo, peak"], memories)
    )
    results.write(options, "Starting", text, figures, {"start": picture})


def measure(place: Path, size: int, rounds: int) -> tuple[list[Start], ...]:
    """Start ours and the rivals in turns, so that all meet the same minutes."""
    site = make_site(place / "site", size)
    hugo = rivals.Hugo(place, size)
    pelican = rivals.Pelican(place, size) if size <= 10_000 else None
    runs: tuple[list[Start], ...] = ([], [], [], [])
    for turn in range(rounds):
        home = place / f"home{turn}"
        runs[0].append(start(site, home, rest=turn == 0))
        runs[1].append(start(site, home))
        wall, cpu, peak = hugo.build()
        runs[2].append(Start(wall, cpu, wall, cpu, entries_in(hugo.output), peak))
        if pelican and (turn == 0 or size <= 350):  # half a minute of work has little spread
            wall, cpu, peak = pelican.build()
            runs[3].append(Start(wall, cpu, wall, cpu, entries_in(pelican.output), peak))
    return runs


def columns(runs: list[Start]) -> list[list[float]]:
    return (
        [[getattr(run, name) for run in runs] for name in ("first", "first_cpu", "wall", "cpu")]
        if runs
        else []
    )


def ratios(
    size: int, cold: list[Start], warm: list[Start], hugo: list[Start], pelican: list[Start]
) -> dict[str, float]:
    """The figures that the bars ask for."""
    found = {}
    for label, name in (("wall", "wall"), ("CPU", "cpu")):
        ours, again, theirs, slow = (
            results.median([getattr(run, name) for run in runs]) for runs in (cold, warm, hugo, pelican)
        )
        if size == 350:
            found[f"start350.hugo.{label}"] = theirs / ours
        else:
            found |= {f"start.hugo.{label}": theirs / ours, f"start.pelican.{label}": slow / ours}
            found |= {f"warm.cold.{label}": again / ours, f"warm.hugo.{label}": theirs / again}
    return found


if __name__ == "__main__":
    main()
