"""How small the best coding is that the service keeps, beside gzip at its best.

The service compresses quickly first and better when it has nothing else to do, so it is asked
once for everything, left alone until it rests, and asked again. It serves real text: invented
sentences do not compress as sentences do.

    ./run bench size              writes the section "Size" of bench/RESULTS.md
"""

from __future__ import annotations

import contextlib
import gzip
import time

import results
from asking import Connection
from start import PATHS

from pprnet_feeds.serving.builder import QUIET
from processes import ROOT, ours


def main() -> None:
    options = results.arguments(rounds=1)
    with ours(ROOT) as tree, contextlib.closing(Connection(tree.port)) as connection:
        at_once = [len(connection.ask(path, {"Accept-Encoding": "br"}).body) for path in PATHS]
        time.sleep(2 * QUIET)  # compressing with care begins when nothing has been asked for a while
        rested = tree.settle()
        plain = [connection.ask(path).body for path in PATHS]
        later = [len(connection.ask(path, {"Accept-Encoding": "br"}).body) for path in PATHS]
        zipped = [len(connection.ask(path, {"Accept-Encoding": "gzip"}).body) for path in PATHS]
    best = [len(gzip.compress(body, 9)) for body in plain]
    sizes = {"identity": sum(map(len, plain)), "gzip 9": sum(best), "gzip, as kept": sum(zipped)}
    sizes |= {"Brotli, at the first request": sum(at_once), "Brotli, as kept": sum(later)}
    rows = [[name, f"{size:,}", f"{size / sum(best):.3f}"] for name, size in sizes.items()]
    text = (
        f"The main and all topic feeds of the repository's own posts in three formats, {len(PATHS)} documents together"
        f"{'' if rested else ' (the service did not come to rest in time)'}.\n\n"
        + results.markdown(["coding", "bytes", "of gzip 9"], rows)
    )
    results.write(options, "Size", text, {"size": sum(later) / sum(best)})


if __name__ == "__main__":
    main()
