"""What an edit takes: until its new bytes are served, and what readers notice meanwhile.

The newest post is saved under another title, by rename, as editors do. Latencies are those of a client that asks
500 times a second for a topic's feed, at rest, during edits, and while every file is read again.

    ./run bench edit              writes the section "An edit" of RESULTS.md
"""

import re
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import others
import results
from client import Client, first_answer, steady
from start import OLD, PATHS

from processes import CORE, service
from sites import TOPICS, Post, as_file, make_site, path_of, posts

FEED, TOPIC = "/feed.atom", f"/topics/{TOPICS[0][0]}/feed.atom"
SETTLE = 1.2  # a file is read when it has not changed for so many seconds
GZIP = {"Accept-Encoding": "gzip"}


def save(site: Path, post: Post) -> float:
    """Save a post by rename; gives the time of it."""
    path = path_of(site, post)
    draft = path.with_name(f".{path.name}.new")
    draft.write_text(as_file(post))
    begun = time.perf_counter()
    draft.rename(path)
    return begun


def edit(client: Client, site: Path, post: Post, title: str, longest: float = 120) -> float:
    """Save a post with a new title: seconds until the main feed holds it."""
    etag = client.get(FEED).headers["etag"]
    begun = save(site, replace(post, title=title))
    while time.perf_counter() - begun < longest:
        answer = client.get(FEED, {"If-None-Match": etag})
        if answer.status == 200 and title.encode() in answer.body:
            return time.perf_counter() - begun
        time.sleep(0.005)
    raise TimeoutError(f"{title} was not served")


def reread(site: Path, client: Client) -> None:
    """Touch every file, and wait until the rights of site.yaml are served new."""
    for path in (site / "posts").rglob("*.md"):
        path.touch()
    settings = site / "feeds" / "site.yaml"
    etag = client.get(FEED).headers["etag"]
    settings.write_text(re.sub("rights: .*", f"rights: '{time.time_ns()}'", settings.read_text()))
    while client.get(FEED, {"If-None-Match": etag}).status == 304:
        time.sleep(0.1)


def latencies(site: Path, post: Post, edits: int, **version: Any) -> dict[str, float]:
    """The p99 in ms of a topic's feed at 500 requests a second: at rest, during edits, while all is read."""
    found = {}
    with service(site, core=CORE, **version) as tree, Client(tree.port) as client:
        first_answer(tree.port, FEED)
        for path in PATHS:
            client.get(path, GZIP)
        tree.settle(600)
        with steady(tree.port, TOPIC, 500, GZIP) as at_rest:
            time.sleep(edits)
        with steady(tree.port, TOPIC, 500, GZIP) as during:
            for turn in range(edits):
                edit(client, site, post, f"Edit {turn} {time.time_ns()}")
        tree.settle(600)
        with steady(tree.port, TOPIC, 500, GZIP) as rereading:
            reread(site, client)
        for name, values in (("rest", at_rest), ("edits", during), ("reread", rereading)):
            found[name] = results.p99(values)
    return found


def main() -> None:
    options = results.arguments(rounds=5)
    others.install()
    rows, figures = list[list[str]](), dict[str, float]()
    for size in (350,) if options.quick else (350, 10_000):
        with tempfile.TemporaryDirectory() as folder:
            site = make_site(Path(folder) / "site", size)
            *_, newest = posts(size)
            with service(site) as tree, Client(tree.port) as client:
                first_answer(tree.port, FEED)
                tree.settle(600)
                seconds = [edit(client, site, newest, f"Edit {turn}") for turn in range(options.rounds)]
            beyond = median(seconds) - SETTLE
            rounds = range(min(options.rounds, 3))
            runs = [(latencies(site, newest, 5), latencies(site, newest, 5, **OLD)) for _ in rounds]
        for place, who in enumerate(("ours", "commit 8206268")):
            cells = [results.spread([run[place][name] for run in runs]) for name in runs[0][0]]
            first = [results.spread(seconds, "{:.3f} s"), f"{beyond:.3f} s"] if who == "ours" else ["", ""]
            rows.append([f"{size:,}: {who}", *first, *cells])
        if size == 10_000:
            figures["edit.beyond"] = beyond
            for key, name in (("edit.p99", "edits"), ("edit.p99-reread", "reread")):
                ours, old = (median([run[place][name] for run in runs]) for place in (0, 1))
                figures[key] = ours / old
    heads = "posts | file to new bytes | beyond | p99 at rest | during edits | reading all again"
    text = (
        f"Medians, in brackets the least and the greatest. *Beyond* is what is left without the settle time of {SETTLE} s. "
        "p99 in ms of a topic's feed (gzip) at 500 requests a second, one client.\n\n"
        + results.table(heads, rows)
    )
    results.write(options, "An edit", text, figures)


if __name__ == "__main__":
    main()
