"""What subscribers of each kind move in two years of polling, beside one without validators.

    ./run bench poll              writes the section "Two years of polling" of bench/RESULTS.md

The site gains a post every ten days and is edited every week; each reader asks once a day.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import results  # noqa: E402

from many import make_site  # noqa: E402  # the simulation is the one the tests run
from pprnet_feeds.state.last_modified import TimestampStore  # noqa: E402
from readers import Reader, years_of_edits  # noqa: E402

KINDS = {
    "both validators": (("etag", "date"), True),
    "ETag only": (("etag",), True),
    "If-Modified-Since only": (("date",), True),
    "no validators, gzip": ((), True),
    "no validators, no coding": ((), False),
}
PATHS = ("/feed.atom", "/topics/alpha/feed.atom", "/topics/alpha+beta/research/trials/summary.atom")


def main() -> None:
    options = results.arguments(rounds=1)
    days = 60 if options.quick else 730
    with tempfile.TemporaryDirectory() as folder:
        site = make_site(Path(folder) / "site", 24, 2014)
        readers = {(kind, path): Reader(path, *how) for kind, how in KINDS.items() for path in PATHS}
        for snapshot in years_of_edits(site, TimestampStore(), set(), days):
            for reader in readers.values():
                reader.poll(snapshot)
    rows = []
    for kind in KINDS:
        moved = [readers[kind, path].moved for path in PATHS]
        naive = [readers["no validators, no coding", path].moved for path in PATHS]
        rows.append([kind, *(f"{a:,} (1 : {b / a:.0f})" for a, b in zip(moved, naive, strict=True))])
    text = (
        f"Bytes of headers and bodies in {days} daily polls of a site that gains a post every ten days and is edited every week; "
        "in brackets the share of the reader without validators and coding.\n\n"
        + results.markdown(["reader", *(f"`{path}`" for path in PATHS)], rows)
    )
    results.write(options, "Two years of polling", text)


if __name__ == "__main__":
    main()
