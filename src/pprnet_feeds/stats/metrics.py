"""Numbers for a monitor, in Prometheus' text format.

One process holds them in memory. Several processes use the library's multiprocess
mode (prometheus.github.io/client_python/multiprocess): each adds to files of its
own in one folder, and whichever is asked answers for all of them. No label holds
what a client can choose.

The library is imported when the first `Metrics` is made: that takes longer than
most of a start, and the folder has to be in the environment by then.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pprnet_feeds import __version__
from pprnet_feeds.stats.counting import Key

if TYPE_CHECKING:
    from prometheus_client import Gauge

log = logging.getLogger("pprnet_feeds")

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
ANSWERS = ("full", "gzip", "br", "304", "301", "404", "410", "2xx", "3xx", "4xx", "5xx")
# Name -> help and label.
_COUNTERS = {
    "requests_total": ("Requests, by kind of answer.", "answer"),
    "response_bytes_total": ("Bytes of content sent, without headers.", "answer"),
    "builds_total": ("How often the site was read and made ready.",),
    "build_seconds_total": ("Time that all builds took.",),
    "cpu_seconds_total": ("Processor time used, by kind of process.", "process"),
}
# Name -> which number of all processes counts, help and label.
_GAUGES: dict[str, tuple[str, ...]] = {
    "snapshot_timestamp_seconds": (
        "livemin",
        "When what is served was made, as Unix time; of the process most behind.",
    ),
    "posts": ("livemax", "Posts that are served."),
    "problems": ("livemax", "Problems in posts and settings, as /readyz lists them."),
    "ping_queue_length": ("livemax", "Pings that wait to be sent to hubs."),
    "resident_memory_bytes": ("livesum", "Memory in use, by kind of process.", "process"),
    "processes": ("livesum", "Processes, by kind.", "process"),
    "build_info": ("livemax", "The version of the program.", "version"),
}
# The library maps its files into memory, where a full disk would end the process: it must have room for them.
_ROOM = 1 << 20


def share(environ: MutableMapping[str, str], folder: Path | None) -> None:
    """Let processes started from now on count together in *folder*, which is emptied; None for one process.

    A folder that the operator has named wins. Where there can be none, each process counts for itself.
    """
    named = environ.pop(FOLDER, "")
    if folder is None:
        return
    folder = Path(named or folder)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in folder.glob("*.db"):
            file.unlink()
        environ[FOLDER] = str(folder)
    except OSError as fault:
        log.warning("each process counts for itself, and /metrics tells of one of them: %s", fault)


def mark_dead(process: int) -> None:
    """Remove the gauges of a *process* that has ended. For the process that has started it."""
    if os.environ.get(FOLDER):
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(process)  # type: ignore[no-untyped-call]


class Metrics:
    """The numbers of this process, and those of all when they are asked for. For one thread at a time."""

    def __init__(self) -> None:
        self._folder = os.environ.get(FOLDER, "")
        try:
            if self._folder:
                room = Path(self._folder, f"{os.getpid()}.room")
                room.write_bytes(bytes(_ROOM))
                room.unlink()
        except OSError as fault:
            log.warning("this process counts for itself, and /metrics may not tell of it: %s", fault)
            os.environ.pop(FOLDER)
            self._folder = ""
        import prometheus_client as client  # after the environment is as it should be

        client.disable_created_metrics()  # type: ignore[no-untyped-call]  # the multiprocess mode has none
        self._registry = client.CollectorRegistry()
        self._counters = {
            name: client.Counter(f"pprnet_{name}", text, labels, registry=self._registry)
            for name, (text, *labels) in _COUNTERS.items()
        }

        def gauge(name: str, of_all: Any, text: str, *labels: str) -> Gauge:
            how = {"registry": self._registry, "multiprocess_mode": of_all}
            return client.Gauge(f"pprnet_{name}", text, labels, **how)

        self._gauges = {name: gauge(name, *rest) for name, rest in _GAUGES.items()}
        self._gauges["processes"].labels("worker").set(1)
        self._gauges["build_info"].labels(__version__).set(1)
        for answer in ANSWERS:  # from the start, so that the first of each is a rise
            self._counters["requests_total"].labels(answer)
            self._counters["response_bytes_total"].labels(answer)
        self._used = 0.0
        for file in Path(self._folder).glob(f"*_{os.getpid()}.db") if self._folder else ():
            with file.open("r+b") as opened, suppress(OSError):
                os.posix_fallocate(opened.fileno(), 0, file.stat().st_size)

    def add(self, batch: Mapping[Key, int]) -> None:
        """Count the responses of *batch*."""
        for (_, status, coding, size, _), requests in batch.items():
            answer = answer_of(status, coding)
            self._counters["requests_total"].labels(answer).inc(requests)
            self._counters["response_bytes_total"].labels(answer).inc(requests * size)

    def built(self, seconds: float, timestamp: float, posts: int, problems: int) -> None:
        """Count a snapshot that took *seconds* to build and is served since *timestamp*."""
        self._counters["builds_total"].inc()
        self._counters["build_seconds_total"].inc(seconds)
        self._gauges["snapshot_timestamp_seconds"].set(timestamp)
        self._gauges["posts"].set(posts)
        self._gauges["problems"].set(problems)

    def measure(self, pings: int) -> None:
        """Set how many *pings* wait, and the memory (on Linux) and time of this process."""
        self._gauges["ping_queue_length"].set(pings)
        used, self._used = self._used, time.process_time()
        self._counters["cpu_seconds_total"].labels("worker").inc(self._used - used)
        with suppress(OSError):
            pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
            self._gauges["resident_memory_bytes"].labels("worker").set(pages * os.sysconf("SC_PAGE_SIZE"))

    def text(self) -> tuple[bytes, str]:
        """The numbers of all processes, and the media type of that text."""
        from prometheus_client import CollectorRegistry, exposition
        from prometheus_client.multiprocess import MultiProcessCollector

        registry = self._registry
        if self._folder:
            registry = CollectorRegistry()
            MultiProcessCollector(registry, self._folder)  # type: ignore[no-untyped-call]
        return exposition.generate_latest(registry), exposition.CONTENT_TYPE_PLAIN_0_0_4


def answer_of(status: int, coding: str) -> str:
    """The label of a response: one of `ANSWERS`."""
    if status == 200:
        return coding or "full"
    if status == 501:  # a client asked for what we do not offer; 5xx would wake somebody
        return "4xx"
    return str(status) if str(status) in ANSWERS else f"{status // 100}xx"
