"""What a monitor asks for at /metrics, in Prometheus' text format.

Each process adds to numbers of its own, in small files that all workers can
read, so that whichever worker is asked answers for all of them. The numbers
grow by whole batches, away from the requests. No label ever holds what a
stranger can choose: addresses, programs and clients are not here.

The library is imported when the first `Metrics` is made, and not before: it
costs more than all else that a worker does to be ready. A full disk must not
stop anything: then each process counts for itself.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pprnet_feeds import __version__
from pprnet_feeds.serving.response import Sent as Kind
from pprnet_feeds.serving.tally import Batch

if TYPE_CHECKING:
    from prometheus_client import Counter, Gauge

log = logging.getLogger("pprnet_feeds")

# Where the processes share their numbers; the library looks at it when it is imported.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
ANSWERS = ("full", "gzip", "br", "304", "301", "404", "410", "2xx", "3xx", "4xx", "5xx")
# What the library keeps in one file of a process each, and the size that it gives them.
_FILES = ("counter", "gauge_livemin", "gauge_livemax", "gauge_livesum")
_FILE_SIZE = 65_536


@contextmanager
def shared(environ: MutableMapping[str, str], state: str) -> Iterator[None]:
    """Let the processes that are started in this block count together, in a folder beside the *state*.

    A folder that the operator has named is used instead. Either is emptied of what an earlier run
    has left. Without a place each process counts for itself, as a single one does.
    """
    beside = f"{state}.metrics" if state and "://" not in state else ""
    named = environ.get(FOLDER, "") or beside
    environ.pop(FOLDER, None)
    if not named:
        yield
        return
    try:
        folder = Path(named)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in [*folder.glob("*.db"), *folder.glob("*.dead")]:
            file.unlink()
    except OSError as fault:
        log.warning("each process counts for itself, and /metrics tells of one of them: %s", fault)
        yield
        return
    environ[FOLDER] = str(folder)
    try:
        yield
    finally:
        if named == beside:
            shutil.rmtree(folder, ignore_errors=True)


class Metrics:
    """The numbers of this process, and those of all when they are asked for. One in a process."""

    def __init__(self) -> None:
        self._folder = _reserved(os.environ)
        import prometheus_client as client  # after the folder is known to be there

        client.disable_created_metrics()  # type: ignore[no-untyped-call]  # no process that shares has them
        self._counters: dict[str, Counter] = {}
        self._registry = None if self._folder else client.CollectorRegistry()

        def counter(name: str, words: str, *labels: str) -> Counter:
            made = self._counters[name] = client.Counter(name, words, labels, registry=self._registry)
            return made

        def gauge(name: str, words: str, *labels: str, of_all: str = "livemax") -> Gauge:
            mode = of_all if self._folder else "all"
            return client.Gauge(name, words, labels, registry=self._registry, multiprocess_mode=mode)  # type: ignore[arg-type]

        self._requests = counter("pprnet_requests_total", "Requests, by kind of answer.", "answer")
        self._bytes = counter(
            "pprnet_response_bytes_total", "Bytes of content sent, without headers.", "answer"
        )
        self._builds = counter("pprnet_builds_total", "How often the site was read and made ready.")
        self._building = counter("pprnet_build_seconds_total", "Time that all builds took.")
        self._cpu = counter("pprnet_cpu_seconds_total", "Processor time used, by kind of process.", "process")
        self._current = gauge(
            "pprnet_snapshot_timestamp_seconds",
            "When what is served was made, as Unix time; of the worker that is most behind.",
            of_all="livemin",
        )
        self._posts = gauge("pprnet_posts", "Posts that are served.")
        self._problems = gauge("pprnet_problems", "Faults in posts and settings, as /readyz tells them.")
        self._pings = gauge("pprnet_ping_queue_length", "Pings that wait to be sent to hubs.")
        self._memory = gauge(
            *("pprnet_resident_memory_bytes", "Memory in use, by kind of process.", "process"),
            of_all="livesum",
        )
        self._processes = gauge("pprnet_processes", "Processes, by kind.", "process", of_all="livesum")
        gauge("pprnet_build_info", "The version of the program.", "version").labels(__version__).set(1)
        for answer in ANSWERS:
            self._requests.labels(answer)
            self._bytes.labels(answer)
        self._used: dict[int, float] = {}
        self._bury()

    def add(self, batch: Batch) -> None:
        """Count the requests of *batch*."""
        for (_, kind, _, _), requests in batch.items():
            answer = answer_of(kind)
            self._requests.labels(answer).inc(requests)
            self._bytes.labels(answer).inc(requests * kind.size)

    def built(self, seconds: float, now: datetime, posts: int) -> None:
        """Take note that since *now* another snapshot of *posts* is served, which took *seconds* to make."""
        self._builds.inc()
        self._building.inc(seconds)
        self._current.set(now.timestamp())
        self._posts.set(posts)

    def found(self, problems: int) -> None:
        """Take note of how many problems there are now."""
        self._problems.set(problems)

    def waiting(self, pings: int) -> None:
        """Take note of how many pings wait."""
        self._pings.set(pings)

    def measure(self, processes: Mapping[str, int]) -> None:
        """Measure *processes*, kind -> process id: memory and processor time, where the system tells them."""
        for kind, number in processes.items():
            with suppress(OSError, ValueError, IndexError):
                folder = Path(f"/proc/{number}")
                pages = int((folder / "statm").read_text("ascii").split()[1])
                # Its name stands in brackets, and may hold anything.
                fields = (folder / "stat").read_bytes().rpartition(b")")[2].split()
                used = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
                self._memory.labels(kind).set(pages * os.sysconf("SC_PAGE_SIZE"))
                self._processes.labels(kind).set(1)
                # What another process has used before may have been counted by one that has ended.
                before = self._used.get(number, 0.0 if number == os.getpid() else used)
                self._cpu.labels(kind).inc(max(0.0, used - before))
                self._used[number] = used

    def text(self) -> tuple[bytes, str]:
        """The numbers of all processes, and the media type of that text."""
        from prometheus_client import CollectorRegistry, exposition
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = self._registry
        if registry is None:
            self._bury()
            registry = CollectorRegistry()
            MultiProcessCollector(registry, self._folder)  # type: ignore[no-untyped-call]
        return exposition.generate_latest(registry), exposition.CONTENT_TYPE_PLAIN_0_0_4

    def close(self) -> None:
        """Let go of the files; nothing is counted after that."""
        if self._folder:
            from prometheus_client.values import close_all_multiprocess_files

            close_all_multiprocess_files()  # type: ignore[no-untyped-call]

    def _bury(self) -> None:
        """Take over the counters of processes that have ended, and forget their gauges."""
        from prometheus_client.multiprocess import MultiProcessCollector

        if not self._folder:
            return
        for file in Path(self._folder).glob("*_*.db"):
            if _lives(file.stem.rpartition("_")[2]):
                continue
            with suppress(FileNotFoundError):  # another worker was quicker
                if not file.name.startswith("counter"):
                    file.unlink()
                    continue
                mine = file.rename(file.with_suffix(".dead"))
                for family in MultiProcessCollector.merge([str(mine)], accumulate=False):  # type: ignore[no-untyped-call]
                    for sample in family.samples:
                        counter = self._counters[sample.name]
                        (counter.labels(**sample.labels) if sample.labels else counter).inc(sample.value)
                mine.unlink()


def answer_of(kind: Kind) -> str:
    """The label of an answer: one of `ANSWERS`."""
    if kind.status == 200:
        return kind.coding or "full"
    exact = str(kind.status)
    if kind.status == 501:  # what was asked for is no fault of ours, and 5xx wakes somebody
        return "4xx"
    return exact if exact in ANSWERS else f"{kind.status // 100}xx"


def _lives(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, ValueError):
        pass
    return True


def _reserved(environ: MutableMapping[str, str]) -> str:
    """The folder that the processes share, with room for this one's numbers; empty when there is none.

    The library maps its files into memory: on a full disk, writing there would
    be the end of the process. So every byte is on the disk before.
    """
    folder = environ.get(FOLDER, "")
    try:
        for name in _FILES if folder else ():
            file = Path(folder, f"{name}_{os.getpid()}.db")
            begun = file.with_suffix(".new")
            begun.write_bytes(bytes(_FILE_SIZE))
            begun.replace(file)
    except OSError as fault:
        log.warning("this process counts for itself, and /metrics may not tell of it: %s", fault)
        environ.pop(FOLDER)
        return ""
    return folder
