"""What readers notice while the whole site is drawn and compressed again, over and over, on the core that serves them.

The rights, which stand in every document, are edited in feeds/site.yaml as soon as the last edit is
live. Service and builder share one core, the clients have another. Rest and rebuilding take turns.

    ./run bench rebuild           writes the section "Rebuilding under load" of bench/RESULTS.md
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
from pathlib import Path

import results
from asking import Connection
from load import Load, together
from start import PATHS

from processes import CORE, Tree, ours
from sites import SITE, TOPICS, make_site

FEED = f"/topics/{TOPICS[0][0]}/feed.atom"
CODED = {"Accept-Encoding": "br"}


class Editor:
    """Somebody who edits the settings without rest; a context that ends when the last edit is live."""

    def __init__(self, site: Path, tree: Tree) -> None:
        self.site, self.tree = site, tree
        self.live = 0
        self._begun = 0
        self._stop = threading.Event()

    def __enter__(self) -> Editor:
        """Begin to edit."""
        self._stop.clear()
        self.live = 0
        self._thread = threading.Thread(target=self._edit)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop editing."""
        self._stop.set()
        self._thread.join()

    def _edit(self) -> None:
        file = self.site / "feeds/site.yaml"
        with contextlib.closing(Connection(self.tree.port)) as connection:
            while not self._stop.is_set():
                self._begun += 1
                aside = file.with_suffix(".new")
                aside.write_text(SITE.replace("© The authors", f"© The authors, {self._begun}"))
                etag = connection.ask(FEED).headers["etag"]
                aside.rename(file)
                for _ in range(300):
                    if self._stop.wait(0.2) or connection.ask(FEED, method="HEAD").headers["etag"] != etag:
                        break
                else:
                    raise TimeoutError("an edit was not live after a minute")
                self.live += not self._stop.is_set()


def main() -> None:
    options = results.arguments(rounds=3)
    results.need("wrk", "taskset")
    size, seconds = (350, 4) if options.quick else (10_000, 12)
    rest: list[Load] = []
    busy: list[Load] = []
    with tempfile.TemporaryDirectory() as folder:
        site = make_site(Path(folder) / "site", size)
        with ours(site, core=CORE) as tree:
            with contextlib.closing(Connection(tree.port)) as connection:
                for path in PATHS:
                    connection.ask(path, CODED)
            lived = 0
            for _ in range(options.rounds):
                tree.settle()
                rest += together([(tree, tree.port, FEED)], CODED, seconds)
                with Editor(site, tree) as editor:
                    busy += together([(tree, tree.port, FEED)], CODED, seconds)
                    lived += editor.live
    rate = results.median([load.rate for load in busy]) / results.median([load.rate for load in rest])
    worst = results.median([load.worst for load in busy]) / results.median([load.worst for load in rest])
    rows = [
        [
            name,
            results.spread([load.rate for load in loads], "{:,.0f}"),
            results.spread([load.middle for load in loads], "{:.2f} ms"),
            results.spread([load.worst for load in loads], "{:.2f} ms"),
        ]
        for name, loads in (("at rest", rest), ("rebuilding", busy))
    ]
    text = (
        f"{size:,} posts; a topic's feed in br, 16 readers, keep-alive; medians of {options.rounds} rounds of {seconds} s, in brackets the least and the greatest. "
        f"{lived} rebuilds went live meanwhile. Rate {rate:.2f} of that at rest, p99 {worst:.1f} times.\n\n"
        + results.markdown(["", "requests/s", "p50", "p99"], rows)
    )
    results.write(options, "Rebuilding under load", text, {"rebuild.rate": rate, "rebuild.p99": worst})


if __name__ == "__main__":
    main()
