"""Memory over a million requests and a thousand reloads: it must not grow. Takes half an hour.

./run bench flat              writes the section "Memory over time" of bench/RESULTS.md
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import plots
import results
from asking import Connection
from edit import FEED, save, until_new
from first import ADDRESSES
from start import PATHS

from processes import ours
from sites import make_site, posts

CODINGS: tuple[dict[str, str], ...] = ({}, {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "br"})


def main() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--reloads", type=int, default=0)
    mine, rest = parser.parse_known_args()
    sys.argv[1:] = rest
    options = results.arguments(rounds=1)
    reloads = mine.reloads or (20 if options.quick else 1000)
    each = 1000
    chance = random.Random(1)
    points: list[tuple[float, float]] = []
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        site = make_site(Path(folder) / "site", 350)
        every = list(posts(350))
        with ours(site) as tree, contextlib.closing(Connection(tree.port)) as connection:
            etag = connection.ask(FEED).headers["etag"]
            for turn in range(reloads):
                mark = f"Edit {turn}"
                edited = replace(every[-1 - turn % 20], title=mark)
                save(site, edited)
                until_new(connection, etag, mark)
                for _ in range(each):
                    path = chance.choice(ADDRESSES if chance.random() < 0.05 else PATHS)
                    connection.ask(path, chance.choice(CODINGS))
                etag = connection.ask(FEED).headers["etag"]
                if turn % max(1, reloads // 100) == 0 or turn == reloads - 1:
                    points.append((turn * each, tree.memory() / 1e6))
                    print(f"bench: {turn + 1} reloads, {points[-1][1]:.0f} MB", file=sys.stderr)
    quarter = max(1, len(points) // 4)
    early, late = (
        results.median([size for _, size in part])
        for part in (points[quarter : 2 * quarter], points[-quarter:])
    )
    picture = plots.line(
        f"Memory over {reloads:,} reloads, MB (PSS of all processes)", points, "requests", "0"
    )
    text = (
        f"{reloads:,} edits of one of 350 posts, {each:,} requests after each: feeds in every format and coding, one in twenty for a combination. "
        f"{(time.monotonic() - begun) / 60:.0f} minutes. PSS of all processes: median of the second quarter {early:.0f} MB, of the last {late:.0f} MB "
        f"({100 * (late / early - 1):+.1f} %), greatest {max(size for _, size in points):.0f} MB.\n\n![Memory](flat.svg)"
    )
    results.write(options, "Memory over time", text, {"flat": late / early}, {"flat": picture})


if __name__ == "__main__":
    main()
