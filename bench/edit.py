"""From a saved file to its new bytes over HTTP, beside the settle time and the cold start.

The newest post, which stands in the main feed, is saved with another title, by rename as editors do;
a reader that holds the main feed asks every few milliseconds until its bytes are new.

    ./run bench edit              writes the section "An edit" of bench/RESULTS.md
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import results
from asking import Connection
from start import PATHS, start

from pprnet_feeds.serving.reload import SETTLE
from processes import Tree, ours
from sites import Post, as_file, make_site, path_of, posts

FEED = "/feed.atom"


def save(site: Path, post: Post) -> float:
    """Save a post as an editor does, and give the moment."""
    path = path_of(site, post)
    aside = path.with_name(f".{path.name}.new")
    aside.write_text(as_file(post))
    begun = time.perf_counter()
    aside.rename(path)
    return begun


def until_new(connection: Connection, etag: str, mark: str, longest: float = 120) -> float:
    """The moment at which the feed holds *mark*."""
    end = time.perf_counter() + longest
    while time.perf_counter() < end:
        answer = connection.ask(FEED, {"If-None-Match": etag})
        if answer.status == 200 and mark.encode() in answer.body:
            return time.perf_counter()
        time.sleep(0.005)
    raise TimeoutError(f"{mark} did not come")


def edits(tree: Tree, site: Path, post: Post, rounds: int) -> Iterator[tuple[float, float, float]]:
    """Seconds to the new bytes, and the tree's CPU until then and until it rests again."""
    with contextlib.closing(Connection(tree.port)) as connection:
        for path in PATHS:
            connection.ask(path)
        for turn in range(rounds):
            tree.settle()
            etag, was, mark = connection.ask(FEED).headers["etag"], tree.cpu(), f"Edit number {turn}"
            begun = save(site, replace(post, title=mark))
            new = until_new(connection, etag, mark) - begun
            cpu = tree.cpu() - was
            tree.settle()
            yield new, cpu, tree.cpu() - was


def main() -> None:
    options = results.arguments(rounds=5, quick=2)
    rows, figures = [], {}
    for size in (350,) if options.quick else (350, 10_000):
        with tempfile.TemporaryDirectory() as folder:
            site = make_site(Path(folder) / "site", size)
            cold = [start(site, Path(folder) / f"home{turn}") for turn in range(options.rounds)]
            *_, newest = posts(size)
            with ours(site) as tree:
                found = list(edits(tree, site, newest, options.rounds))
        new, cpu, rested = ([one[place] for one in found] for place in range(3))
        beyond = results.median(new) - SETTLE
        wall = results.median([one.wall for one in cold])
        cells = [
            results.spread(new, "{:.3f} s"),
            f"{beyond:.3f} s",
            f"{wall:.2f} s",
            f"{100 * beyond / wall:.1f} %",
        ]
        rows.append(
            [
                f"{size:,}",
                *cells,
                results.spread(cpu, "{:.2f} s"),
                results.spread(rested, "{:.2f} s"),
                f"{results.median([one.cpu for one in cold]):.2f} s",
            ]
        )
        if size == 10_000:
            figures["edit"] = 100 * beyond / wall
    text = (
        f"Medians of {options.rounds} edits of the newest post, and of as many cold starts, in brackets the least and the greatest. Files must be still for {SETTLE} s "
        "before they are read (the settle time). *Beyond* is what is left without it; CPU is that of the whole tree, that of the reader's polls included, "
        "until the new bytes were there and until all was quiet again, compressed anew.\n\n"
        + results.markdown(
            [
                "posts",
                "file to new bytes",
                "beyond",
                "cold start",
                "of it",
                "CPU",
                "CPU until quiet",
                "CPU, cold start",
            ],
            rows,
        )
    )
    results.write(options, "An edit", text, figures)


if __name__ == "__main__":
    main()
