"""More than one process: two workers, a cache in front, and readers who close the connection after each poll.

nginx and Varnish stand before the service with the configurations of deploy/. Readers of feeds
poll with `Connection: close`, where a proxy that keeps its own connections saves the most.

    ./run bench front             writes the section "In front, and more workers" of bench/RESULTS.md
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import results
from load import Load, together
from serve import OPTIONS, bare, nginx, nginx_etag, record

from processes import CORE, ROOT, Tree, ours

sys.path.insert(0, str(ROOT / "tests"))
import proxies  # the shipped configurations, started as the tests start them

KINDS = ("full", "br", "304")


@contextlib.contextmanager
def pinned(core: str) -> Iterator[None]:
    """Start programs on one core."""
    was = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {int(core)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, was)


def main() -> None:
    options = results.arguments(rounds=3)
    results.need("wrk", "nginx", "taskset", "varnishd")
    seconds = 1 if options.quick else 3
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        service = stack.enter_context(ours(ROOT, core=CORE))
        cases = record(service.port, folder)
        service.settle(20)
        (folder / "proxy").mkdir()
        with pinned(CORE):
            cache = stack.enter_context(proxies.nginx(folder / "proxy", service.port))
            varnish = stack.enter_context(proxies.varnish(service.port))
        # Their trees and the service's: what stands in front is no saving if it costs more than it keeps away.
        chains: dict[str, tuple[list[Tree], int]] = {
            "ours alone": ([service], service.port),
            "nginx of deploy/ before it": ([service, Tree(cache.process)], cache.port),
            "Varnish of deploy/ before it": ([service, Tree(varnish.process)], varnish.port),
        }
        kept = {name: cases[name] for name in KINDS}
        closed = {name: {**cases[name], "Connection": "close"} for name in ("br", "304")}
        before = table(chains, kept, options.rounds, seconds)
        closing = table(chains, closed, options.rounds, seconds)
    workers = two_workers(options.rounds, seconds)
    text = (
        f"Requests a second, and µs of CPU a request of everything in the chain: medians of {options.rounds} rounds of {seconds} s; 16 readers, the chain on one core.\n\n"
        + results.markdown(["keep-alive", *KINDS], before)
        + "\nReaders that close the connection after each poll, as most do:\n\n"
        + results.markdown(["closing", "br", "304"], closing)
        + "\nTwo workers, on both cores together with the clients, who take a part of them:\n\n"
        + results.markdown(["workers", "full", "304"], workers)
    )
    results.write(options, "In front, and more workers", text)


def table(
    chains: dict[str, tuple[list[Tree], int]], cases: dict[str, dict[str, str]], rounds: int, seconds: int
) -> list[list[str]]:
    """A line for each chain, a cell for each answer; in turns."""
    found: dict[str, dict[str, list[Load]]] = {name: {case: [] for case in cases} for name in chains}
    for _ in range(rounds):
        for case, headers in cases.items():
            for name, (trees, port) in chains.items():
                found[name][case] += together([(_Chain(trees), port, "/feed.atom")], headers, seconds)
    return [[name, *(cell(loads) for loads in by_case.values())] for name, by_case in found.items()]


def cell(loads: list[Load]) -> str:
    return f"{results.spread([load.rate for load in loads], '{:,.0f}')}, {results.median([load.cpu for load in loads]):.0f} µs"


class _Chain(Tree):
    """Several programs that answer together."""

    def __init__(self, trees: list[Tree]) -> None:
        self.trees = trees

    def cpu(self) -> float:
        return sum(tree.cpu() for tree in self.trees)


def two_workers(rounds: int, seconds: int) -> list[list[str]]:
    """Ours, bare ASGI and nginx with one worker and with two."""
    rows = []
    for workers in (1, 2):
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            service = stack.enter_context(ours(ROOT, workers=workers))
            cases = record(service.port, folder)
            service.settle(20)
            other = stack.enter_context(bare(folder, *OPTIONS, "--workers", str(workers), core=""))
            static = stack.enter_context(nginx(folder, workers=workers, core=""))
            held = {"If-None-Match": nginx_etag(static.port)}
            who: dict[str, tuple[Tree, Callable[[str], str], dict[str, str]]] = {
                "ours": (service, lambda _: "/feed.atom", cases["304"]),
                "bare ASGI": (other, lambda case: f"/{case}", cases["304"]),
                "nginx static": (static, lambda _: "/feed.atom", held),
            }
            for name, (tree, path, etag) in who.items():
                cells = []
                for case, headers in (("full", {}), ("304", etag)):
                    loads = [
                        together([(tree, tree.port, path(case))], headers, seconds, clients=32, core="")[0]
                        for _ in range(rounds)
                    ]
                    cells.append(cell(loads))
                rows.append([f"{workers}: {name}", *cells])
    return rows


if __name__ == "__main__":
    main()
