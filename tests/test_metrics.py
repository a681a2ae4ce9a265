"""What /metrics tells: of all processes, whichever is asked, and of nobody in particular."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from many import make_site
from pprnet_feeds import __version__
from pprnet_feeds.stats.metrics import ANSWERS, FOLDER, MEDIA_TYPE, answer_of, share
from processes import workers
from service import serving

SRC = Path(__file__).parent.parent / "src"

# A process that counts: it does what each line of its input says, and answers with a line.
WORKER = """
import os, sys
from pprnet_feeds.stats.metrics import Metrics, mark_dead

metrics = Metrics()
batch = {
    (b"/feed.atom", 200, "gzip", 1000): 3,
    (b"/feed.atom", 304, "", 0): 9,
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
        self._tell("repr(metrics.text())")
        text = eval(self._answer())
        return {
            sample.name + "".join(f" {value}" for value in sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text)
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


BUILT = "metrics.built(1.5, {moment}, {posts}, 2)"
MEASURE = "metrics.write(4)"


def test_one_process_tells_what_it_has_counted(start):
    worker = start(None).do("metrics.add(batch)").do(BUILT.format(moment=1000, posts=6)).do(MEASURE)
    counted = {name: value for name, value in worker.tells().items() if value}
    assert 10_000_000 < counted.pop("pprnet_resident_memory_bytes worker") < 1_000_000_000
    assert 0 < counted.pop("pprnet_cpu_seconds_total worker") < 60
    assert counted == {
        "pprnet_requests_total gzip": 3,
        "pprnet_requests_total 304": 9,
        "pprnet_response_bytes_total gzip": 3000,
        "pprnet_builds_total": 1,
        "pprnet_build_seconds_total": 1.5,
        "pprnet_snapshot_timestamp_seconds": 1000,
        "pprnet_posts": 6,
        "pprnet_problems": 2,
        "pprnet_ping_queue_length": 4,
        "pprnet_processes worker": 1,
        f"pprnet_build_info {__version__}": 1,
    }


def test_every_kind_of_answer_is_told_from_the_start_so_that_its_first_is_a_rise(start):
    assert {name for name in start(None).tells() if name.startswith("pprnet_requests")} == {
        f"pprnet_requests_total {answer}" for answer in ANSWERS
    }


def test_whichever_worker_is_asked_answers_for_all(start, tmp_path):
    one, other = start(tmp_path), start(tmp_path)
    one.do("metrics.add(batch)").do(BUILT.format(moment=1000, posts=6)).do(MEASURE)
    other.do("metrics.add(batch)").do(BUILT.format(moment=2000, posts=7)).do(MEASURE)
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
        "pprnet_problems": 2,
        "pprnet_ping_queue_length": 4,
        "pprnet_processes worker": 2,
        f"pprnet_build_info {__version__}": 1,
    }


def test_what_a_dead_worker_has_counted_stays_and_what_it_was_does_not(start, tmp_path):
    dead, alive = start(tmp_path), start(tmp_path)
    dead.do("metrics.add(batch)").do(BUILT.format(moment=1000, posts=6)).do(MEASURE)
    alive.do("metrics.add(batch)").do(BUILT.format(moment=2000, posts=6)).do(MEASURE)
    dead.end()
    alive.do(f"mark_dead({dead.process.pid})")
    for _ in range(2):
        told = alive.tells()
        assert told["pprnet_requests_total 304"] == 18
        assert told["pprnet_snapshot_timestamp_seconds"] == 2000
        assert told["pprnet_processes worker"] == 1


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
    code = (
        FULL_DISK
        + WORKER.partition("print")[0]
        + "metrics.add(batch)\nmetrics.write(0)\nprint(len(metrics.text()) > 99)"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={"PYTHONPATH": str(SRC), FOLDER: str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert ran.stdout == "True\n"
    assert "this process counts for itself, and /metrics may not include it" in ran.stderr


def test_nothing_of_a_reader_is_among_the_numbers(start, tmp_path):
    start(tmp_path).do("metrics.add(batch)").do("metrics.write(0)")
    files = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"requests_total" in files
    for stranger in (b"203.0.113.77", b"secret-agent", b"/feed.atom"):
        assert stranger not in files


def test_names_and_units_are_as_prometheus_wants_them(start):
    worker = start(None)
    worker._tell("repr(metrics.text())")
    text = eval(worker._answer())
    assert MEDIA_TYPE == "text/plain; version=0.0.4; charset=utf-8"
    for family in text_string_to_metric_families(text):
        assert re.fullmatch(r"pprnet_[a-z_]+", family.name)
        assert family.documentation.endswith(".")
        ending = "_total" if family.type == "counter" else ""
        assert {sample.name for sample in family.samples} <= {family.name + ending}


@pytest.mark.parametrize(
    ("status", "coding", "answer"),
    [
        (200, "", "full"),
        (200, "br", "br"),
        (304, "", "304"),
        (204, "", "2xx"),
        (303, "", "3xx"),
        (405, "", "4xx"),
        (500, "", "5xx"),
        (501, "", "4xx"),
    ],
)
def test_each_answer_has_one_label(status, coding, answer):
    assert answer_of(status, coding) == answer


# -- the folder


def test_several_processes_share_a_folder_that_is_emptied_at_the_start(tmp_path):
    environ: dict[str, str] = {}
    share(environ, tmp_path / "beside" / "numbers")
    folder = Path(environ[FOLDER])
    assert folder == tmp_path / "beside" / "numbers"
    assert folder.stat().st_mode & 0o777 == 0o700
    (folder / "pprnet-1.json").touch()
    share(environ := {}, folder)
    assert list(folder.iterdir()) == []
    assert environ == {FOLDER: str(folder)}


def test_a_folder_that_the_operator_names_wins(tmp_path):
    (tmp_path / "pprnet-1.json").touch()
    share(environ := {FOLDER: str(tmp_path)}, tmp_path / "other")
    assert list(tmp_path.iterdir()) == []
    assert environ == {FOLDER: str(tmp_path)}


def test_one_process_shares_nothing(tmp_path):
    share(environ := {FOLDER: str(tmp_path)}, None)
    assert environ == {}


def test_where_there_can_be_no_folder_one_line_says_so_and_everything_goes_on(tmp_path, caplog):
    (tmp_path / "file").touch()
    share(environ := {}, tmp_path / "file")
    assert environ == {}
    (line,) = (record.getMessage() for record in caplog.records)
    assert line.startswith("each process counts for itself, and /metrics shows one of them: [Errno 17]")


# -- the running service


@pytest.mark.slow
def test_a_worker_that_is_replaced_loses_no_request_and_is_counted_once(tmp_path):
    state = tmp_path / "state.sqlite3"
    environ = {"PPRNET_STATE": str(state), "WEB_CONCURRENCY": "2"}
    with serving(make_site(tmp_path / "site", 4), **environ) as service:

        def shown(name: str) -> float:
            lines = service.ask("/metrics").body.decode().splitlines()
            return next((float(line.split()[-1]) for line in lines if line.startswith(name)), 0.0)

        def soon(name: str, value: float) -> None:
            latest = time.monotonic() + 30
            while shown(name) != value:
                assert time.monotonic() < latest, (name, shown(name))
                time.sleep(0.2)

        soon("pprnet_processes{", 2)
        for _ in range(40):
            service.ask("/feed.atom")
        soon('pprnet_requests_total{answer="full"}', 40)
        os.kill(workers(service)[0], signal.SIGKILL)
        time.sleep(1)
        soon("pprnet_processes{", 2)
        assert shown('pprnet_requests_total{answer="full"}') == 40
        folder = Path(f"{state}.metrics-{service.port}")
        assert folder.stat().st_mode & 0o777 == 0o700
        assert service.stop() == 0
