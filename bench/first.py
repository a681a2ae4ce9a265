"""The first answer to a combination of topics that nobody has asked for, beside plain feedgen drawing that document.

./run bench first             writes the section "A combination never asked for" of bench/RESULTS.md
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from itertools import combinations
from pathlib import Path

import results
from asking import Connection
from draw import child

from processes import ours
from sites import TOPICS, TYPES, make_site

_SLUGS = [slug for slug, _ in TOPICS]
# Any of two, any of three, both of two with a type of research: small documents and large ones.
ADDRESSES = [
    *(f"/topics/{a},{b}/feed.atom" for a, b in list(combinations(_SLUGS, 2))[::40]),
    *(f"/topics/{a},{b},{c}/feed.rss" for a, b, c in list(combinations(_SLUGS, 3))[::700]),
    *(f"/topics/{a}+{b}/research/{TYPES[0][0]}/feed.atom" for a, b in list(combinations(_SLUGS, 2))[7::60]),
]


def main() -> None:
    options = results.arguments(rounds=12, quick=3)
    size = 350 if options.quick else 10_000
    step = max(1, len(ADDRESSES) // options.rounds)
    rows, ratios, costs = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        site = make_site(Path(folder) / "site", size)
        with ours(site) as tree, contextlib.closing(Connection(tree.port)) as connection:
            connection.ask("/feed.atom")
            tree.settle()
            for path in ADDRESSES[::step]:
                was, begun = tree.cpu(), time.perf_counter()
                answer = connection.ask(path)
                spent = time.perf_counter() - begun
                cpu = tree.cpu() - was
                assert answer.status == 200, path
                again = time.perf_counter()
                connection.ask(path)
                again = time.perf_counter() - again
                plain = child("combination", str(site), path)
                ratios.append(spent / plain["wall"])
                costs.append(cpu / plain["seconds"])
                cells = [
                    f"{len(answer.body) / 1000:,.0f}",
                    *(f"{1000 * value:.1f}" for value in (spent, plain["wall"], again)),
                ]
                rows.append([f"`{path}`", *cells, f"{ratios[-1]:.2f}"])
    text = (
        f"{size:,} posts, main feed asked for, no other. Milliseconds of wall time over a connection that is open, beside feedgen drawing the same document in memory. "
        f"Median {results.spread(ratios)}, by CPU {results.spread(costs)}.\n\n"
        + results.markdown(
            ["address", "kB", "first request, ms", "plain feedgen, ms", "asked again, ms", "times"], rows
        )
    )
    results.write(options, "A combination never asked for", text, {"first": results.median(ratios)})


if __name__ == "__main__":
    main()
