"""Numbers for a monitor, in Prometheus' text format (prometheus.io/docs/instrumenting/exposition_formats).

One process holds them in memory. Several share a folder: each writes its numbers to a file of its own, and
whichever is asked adds up those of all. No label holds what a client can choose.
"""

import json
import logging
import os
import time
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path

from pprnet_feeds import __version__
from pprnet_feeds.stats.counting import Key

log = logging.getLogger("pprnet_feeds")

# The folder that processes share; the name is that of Prometheus' own library for Python.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
ANSWERS = ("full", "gzip", "br", "304", "301", "404", "410", "2xx", "3xx", "4xx", "5xx")
_BY_ANSWER = tuple(f'{{answer="{answer}"}}' for answer in ANSWERS)
_WORKER = '{process="worker"}'
_VERSION = f'{{version="{__version__}"}}'
_BEHIND = "When what is served was made, as Unix time; of the process most behind."
# Name, type, help, how the number of all processes is made of theirs, and labels.
_FAMILIES = (
    ("requests_total", "counter", "Requests, by kind of answer.", sum, _BY_ANSWER),
    ("response_bytes_total", "counter", "Bytes of content sent, without headers.", sum, _BY_ANSWER),
    ("builds_total", "counter", "How often the site was read and made ready.", sum, ("",)),
    ("build_seconds_total", "counter", "Time that all builds took.", sum, ("",)),
    ("cpu_seconds_total", "counter", "Processor time used, by kind of process.", sum, (_WORKER,)),
    ("snapshot_timestamp_seconds", "gauge", _BEHIND, min, ("",)),
    ("posts", "gauge", "Posts that are served.", max, ("",)),
    ("problems", "gauge", "Problems in posts and settings, as /readyz lists them.", max, ("",)),
    ("ping_queue_length", "gauge", "Pings that wait to be sent to hubs.", max, ("",)),
    ("resident_memory_bytes", "gauge", "Memory in use, by kind of process.", sum, (_WORKER,)),
    ("processes", "gauge", "Processes, by kind.", sum, (_WORKER,)),
    ("build_info", "gauge", "The version of the program.", max, (_VERSION,)),
)


def share(environ: MutableMapping[str, str], folder: Path | None) -> None:
    """Let processes started from now on count together in *folder*, which is emptied; None for one process.

    A folder that the operator has named wins. Where there can be none, each process counts for itself.
    """
    named = environ.pop(FOLDER, "")
    if folder is None:
        return
    folder = Path(named or folder)
    try:
        for each in (folder.parent, folder):  # a new parent is as private
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in folder.glob("pprnet-*.json"):
            file.unlink()
        environ[FOLDER] = str(folder)
    except OSError as fault:
        log.warning("each process counts for itself, and /metrics shows one of them: %s", fault)


def mark_dead(process: int) -> None:
    """Let only the counters of a *process* that has ended remain. For the process that has started it."""
    if folder := os.environ.get(FOLDER):
        number = len(list(Path(folder).glob("pprnet-dead-*")))
        with suppress(OSError):
            Path(folder, f"pprnet-{process}.json").rename(Path(folder, f"pprnet-dead-{number}.json"))


class Metrics:
    """The numbers of this process, and those of all when they are asked for."""

    def __init__(self) -> None:
        folder = os.environ.get(FOLDER)
        self._file = Path(folder, f"pprnet-{os.getpid()}.json") if folder else None
        self._numbers = {name + label: 0.0 for name, *_, labels in _FAMILIES for label in labels}
        self._numbers |= {f"processes{_WORKER}": 1, f"build_info{_VERSION}": 1}
        self._failing = False

    def add(self, requests: Mapping[Key, int]) -> None:
        """Count responses."""
        for (_, status, coding, size), number in requests.items():
            label = f'{{answer="{answer_of(status, coding)}"}}'
            self._numbers[f"requests_total{label}"] += number
            self._numbers[f"response_bytes_total{label}"] += number * size

    def built(self, seconds: float, timestamp: float, posts: int, problems: int) -> None:
        """Count a snapshot that took *seconds* to build and is served since *timestamp*."""
        self._numbers["builds_total"] += 1
        self._numbers["build_seconds_total"] += seconds
        self._numbers |= {"snapshot_timestamp_seconds": timestamp, "posts": posts, "problems": problems}

    def write(self, pings: int) -> None:
        """Set how many *pings* wait, and the memory (on Linux) and time used; show all to other processes."""
        self._numbers |= {"ping_queue_length": pings, f"cpu_seconds_total{_WORKER}": time.process_time()}
        with suppress(OSError):
            pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
            self._numbers[f"resident_memory_bytes{_WORKER}"] = pages * os.sysconf("SC_PAGE_SIZE")
        if self._file is None:
            return
        try:
            new = self._file.with_suffix(".new")
            new.write_text(json.dumps(self._numbers), "ascii")
            new.replace(self._file)
            self._failing = False
        except OSError as fault:
            if not self._failing:
                log.warning("this process counts for itself, and /metrics may not include it: %s", fault)
            self._failing = True

    def text(self) -> str:
        """The numbers of all processes."""
        alive, dead = [self._numbers], list[dict[str, float]]()
        for file in self._file.parent.glob("pprnet-*.json") if self._file else ():
            with suppress(FileNotFoundError):  # the process has just ended
                if file != self._file:
                    numbers = json.loads(file.read_text("ascii"))
                    (dead if file.name.startswith("pprnet-dead-") else alive).append(numbers)
        text = ""
        for name, kind, meaning, of_all, labels in _FAMILIES:
            text += f"# HELP pprnet_{name} {meaning}\n# TYPE pprnet_{name} {kind}\n"
            processes = alive + dead if kind == "counter" else alive
            for sample in (name + label for label in labels):
                text += f"pprnet_{sample} {float(of_all(each[sample] for each in processes))}\n"
        return text


def answer_of(status: int, coding: str) -> str:
    """The label of a response: one of `ANSWERS`."""
    if status == 200:
        return coding or "full"
    status = 400 if status == 501 else status  # a client's mistake must not raise an alarm
    return str(status) if str(status) in ANSWERS else f"{status // 100}xx"
