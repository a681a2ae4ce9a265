"""What /metrics tells: of all processes, whichever is asked, and of nobody in particular."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pprnet_feeds import __version__
from pprnet_feeds.serving.metrics import ANSWERS, FOLDER, answer_of, shared
from pprnet_feeds.serving.tally import Kind

SRC = Path(__file__).parent.parent / "src"

# A process that counts: it does what each line of its input says, and answers with a line.
WORKER = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from pprnet_feeds.serving.metrics import Metrics
from pprnet_feeds.serving.tally import Key, Kind

metrics = Metrics()
batch = {
    Key(b"/feed.atom", Kind(200, "gzip", 1000), b"secret-agent/1", "203.0.113.77"): 3,
    Key(b"/feed.atom", Kind(304), b"secret-agent/1", "203.0.113.77"): 9,
}
print("begun", flush=True)
for line in sys.stdin:
    print(eval(line), flush=True)
"""


class Worker:
    """One of the processes that count."""

    def __init__(self, folder: Path | None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", WORKER],
            env={"PYTHONPATH": str(SRC)} | ({FOLDER: str(folder)} if folder else {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._answer() == "begun"

    def do(self, line: str) -> Worker:
        self._tell(line)
        assert self._answer() == "None"
        return self

    def tells(self) -> dict[str, float]:
        """What /metrics would tell: sample, with its labels -> value."""
        self._tell("metrics.text()")
        text, _ = eval(self._answer())
        return {
            sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text.decode())
            for sample in family.samples
        }

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()

    def _tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@pytest.fixture
def start() -> Iterator[Callable[[Path | None], Worker]]:
    running: list[Worker] = []

    def begin(folder: Path | None) -> Worker:
        running.append(Worker(folder))
        return running[-1]

    yield begin
    for worker in running:
        worker.end()


BUILT = "metrics.built(1.5, datetime.fromtimestamp({moment}, UTC), {posts})"
MEASURE = "metrics.measure({'worker': os.getpid()})"


def test_one_process_tells_what_it_has_counted(start):
    worker = (
        start(None).do("metrics.add(batch)").do(BUILT.format(moment=1000, posts=6)).do("metrics.waiting(4)")
    )
    counted = {name: value for name, value in worker.tells().items() if value}
    assert counted == {
        "pprnet_requests_total gzip": 3,
        "pprnet_requests_total 304": 9,
        "pprnet_response_bytes_total gzip": 3000,
        "pprnet_builds_total": 1,
        "pprnet_build_seconds_total": 1.5,
        "pprnet_snapshot_timestamp_seconds": 1000,
        "pprnet_posts": 6,
        "pprnet_ping_queue_length": 4,
        f"pprnet_build_info {__version__}": 1,
    }


def test_every_kind_of_answer_is_told_from_the_start_so_that_its_first_is_a_rise(start):
    assert {name for name in start(None).tells() if name.startswith("pprnet_requests")} == {
        f"pprnet_requests_total {answer}" for answer in ANSWERS
    }


def test_whichever_worker_is_asked_answers_for_all(start, tmp_path):
    one, other = start(tmp_path), start(tmp_path)
    one.do("metrics.add(batch)").do(BUILT.format(moment=1000, posts=6)).do("metrics.waiting(4)").do(MEASURE)
    other.do("metrics.add(batch)").do(BUILT.format(moment=2000, posts=7)).do("metrics.waiting(4)").do(MEASURE)
    told = one.tells()
    assert other.tells() == told
    memory = told.pop("pprnet_resident_memory_bytes worker")
    assert 10_000_000 < memory < 1_000_000_000
    assert 0 < told.pop("pprnet_cpu_seconds_total worker") < 60
    assert {name: value for name, value in told.items() if value} == {
        "pprnet_requests_total gzip": 6,
        "pprnet_requests_total 304": 18,
        "pprnet_response_bytes_total gzip": 6000,
        "pprnet_builds_total": 2,
        "pprnet_build_seconds_total": 3,
        "pprnet_snapshot_timestamp_seconds": 1000,  # of the one that is most behind
        "pprnet_posts": 7,
        "pprnet_ping_queue_length": 4,
        "pprnet_processes worker": 2,
        f"pprnet_build_info {__version__}": 1,
    }


def test_what_a_dead_worker_has_counted_stays_and_what_it_was_does_not(start, tmp_path):
    dead, alive = start(tmp_path), start(tmp_path)
    dead.do("metrics.add(batch)").do(BUILT.format(moment=1000, posts=6)).do(MEASURE)
    alive.do("metrics.add(batch)").do(BUILT.format(moment=2000, posts=6)).do(MEASURE)
    dead.end()
    for _ in range(2):
        told = alive.tells()
        assert told["pprnet_requests_total 304"] == 18
        assert told["pprnet_snapshot_timestamp_seconds"] == 2000
        assert told["pprnet_processes worker"] == 1


def test_workers_that_are_replaced_over_and_over_leave_no_files_behind(start, tmp_path):
    for _ in range(3):
        start(tmp_path).do("metrics.add(batch)").end()
    alive = start(tmp_path)
    assert alive.tells()["pprnet_requests_total 304"] == 27
    assert {file.stem.rpartition("_")[2] for file in tmp_path.iterdir()} == {str(alive.process.pid)}


def test_where_nothing_can_be_shared_a_process_counts_for_itself(start, tmp_path):
    worker = start(tmp_path / "missing").do("metrics.add(batch)")
    assert worker.tells()["pprnet_requests_total 304"] == 9


FULL_DISK = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
"""


def test_a_full_disk_ends_no_process(tmp_path):
    code = FULL_DISK + WORKER.partition("print")[0] + "metrics.add(batch)\nprint(len(metrics.text()[0]) > 99)"
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={"PYTHONPATH": str(SRC), FOLDER: str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert ran.stdout == "True\n"
    assert "this process counts for itself, and /metrics may not tell of it" in ran.stderr


def test_nothing_of_a_reader_is_among_the_numbers(start, tmp_path):
    worker = start(tmp_path).do("metrics.add(batch)")
    worker.tells()
    files = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"pprnet_requests_total" in files
    for stranger in (b"203.0.113.77", b"secret-agent", b"/feed.atom"):
        assert stranger not in files


def test_names_and_units_are_as_prometheus_wants_them(start):
    worker = start(None)
    worker._tell("metrics.text()")
    text, media_type = eval(worker._answer())
    assert media_type == "text/plain; version=0.0.4; charset=utf-8"
    for family in text_string_to_metric_families(text.decode()):
        assert re.fullmatch(r"pprnet_[a-z_]+", family.name)
        assert family.documentation.endswith(".")
        ending = "_total" if family.type == "counter" else ""
        assert {sample.name for sample in family.samples} <= {family.name + ending}


def test_the_library_is_not_imported_before_it_is_needed():
    code = (
        "import sys, pprnet_feeds.serving.metrics\n"
        "print([name for name in sys.modules if name.startswith('prometheus')])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(SRC)}, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        (Kind(200), "full"),
        (Kind(200, "br"), "br"),
        (Kind(304), "304"),
        (Kind(204), "2xx"),
        (Kind(303), "3xx"),
        (Kind(405), "4xx"),
        (Kind(500), "5xx"),
        (Kind(501), "4xx"),
    ],
)
def test_each_answer_has_one_label(kind, answer):
    assert answer_of(kind) == answer


# -- the folder


def test_the_processes_of_a_run_share_a_folder_beside_the_state_that_is_gone_afterwards(tmp_path):
    environ: dict[str, str] = {}
    with shared(environ, str(tmp_path / "state")):
        assert Path(environ[FOLDER]).parent == tmp_path
        folder = Path(environ[FOLDER])
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "counter_1.db").touch()
    assert not folder.exists()


def test_a_folder_that_the_operator_names_is_emptied_and_stays(tmp_path):
    (tmp_path / "counter_1.db").touch()
    with shared({FOLDER: str(tmp_path)}, ""):
        assert list(tmp_path.iterdir()) == []
    assert tmp_path.exists()


def test_where_there_can_be_no_folder_it_is_told_and_everything_goes_on(tmp_path, caplog):
    (tmp_path / "file").touch()
    environ = {FOLDER: str(tmp_path / "file")}
    with shared(environ, ""):
        assert environ == {}
    (line,) = (record.getMessage() for record in caplog.records)
    assert line.startswith("each process counts for itself, and /metrics tells of one of them: [Errno 17]")
