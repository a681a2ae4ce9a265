"""The service's processes: who is killed is replaced, who is asked to stop finishes and leaves nobody."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from many import make_site, write_post
from processes import words, workers
from service import Service, serving

pytestmark = pytest.mark.slow

STOP = [signal.SIGTERM, signal.SIGINT]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return make_site(tmp_path / "site", 40)


@pytest.fixture(params=[1, 2], ids=["one worker", "two workers"])
def service(site: Path, request: pytest.FixtureRequest) -> Iterator[Service]:
    with serving(site, WEB_CONCURRENCY=str(request.param)) as running:
        all_serve(running, request.param)
        yield running


def soon(happened: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until something is so."""
    latest = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < latest, "it did not happen"
        time.sleep(0.02)


def all_serve(service: Service, number: int) -> None:
    """Wait until that many workers answer."""
    told = f'pprnet_processes{{process="worker"}} {number}.0'
    soon(lambda: told in service.ask("/metrics").body.decode().splitlines())


def everybody(service: Service) -> set[int]:
    return {service.process.pid, *workers(service)}


def stopped(service: Service, number: signal.Signals) -> int:
    """Signal the whole group, as systemd, Heroku and a terminal do; the exit code."""
    for one in {service.process.pid, *workers(service)}:
        os.kill(one, number)
    return service.process.wait(timeout=15)


def log_of(service: Service) -> str:
    assert service.process.stderr is not None
    return service.process.stderr.read()


def test_a_killed_worker_is_replaced_and_answers_again(site: Path):
    with serving(site, WEB_CONCURRENCY="2") as running:
        all_serve(running, 2)
        before = running.ask("/feed.atom").body
        for number in workers(running):
            os.kill(number, signal.SIGKILL)
        assert running.ask("/feed.atom").body == before  # waits in the queue of the socket
        soon(lambda: len(workers(running)) == 2)
        assert {running.ask("/feed.atom").body for _ in range(20)} == {before}
        assert running.stop() == 0


@pytest.mark.parametrize("number", STOP)
def test_running_requests_are_finished_and_no_process_is_left(service: Service, number: signal.Signals):
    before, answers = everybody(service), []
    paths = [f"/topics/{one}/{view}.rss" for one in ("alpha", "beta") for view in ("feed", "summary")]
    lines = [socket.create_connection(("127.0.0.1", service.port), timeout=10) for _ in paths]
    for path, line in zip(paths, lines, strict=True):
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    time.sleep(0.01)
    reading = [threading.Thread(target=lambda line=line: answers.append(whole(line))) for line in lines]
    for thread in reading:
        thread.start()
    assert stopped(service, number) == 0
    for thread in reading:
        thread.join()
    assert [answer[:15] for answer in answers] == [b"HTTP/1.1 200 OK"] * len(paths)
    assert all(answer.endswith(b"</rss>\n") or answer.endswith(b"</rss>") for answer in answers)
    soon(lambda: not any(map(words, before)))
    assert "Traceback" not in log_of(service)


@pytest.mark.parametrize("number", STOP)
def test_stopping_in_the_middle_of_a_build_is_no_failure_and_leaves_nobody(
    service: Service, site: Path, number: signal.Signals
):
    before = everybody(service)
    for post in range(40, 1500):
        write_post(site, post)
    time.sleep(1.4)  # all has been at rest for a moment: it is being read
    assert stopped(service, number) == 0
    soon(lambda: not any(map(words, before)))
    assert "Traceback" not in log_of(service)


@pytest.mark.parametrize("number", STOP)
def test_stopping_while_the_workers_start_leaves_nobody(site: Path, number: signal.Signals):
    with serving(site, WEB_CONCURRENCY="2") as running:
        before = everybody(running)
        for worker in workers(running):
            os.kill(worker, signal.SIGKILL)
        soon(lambda: len(before & set(workers(running))) == 0 and len(workers(running)) == 2)
        after = everybody(running)
        assert stopped(running, number) == 0
        soon(lambda: not any(map(words, before | after)))


def test_a_worker_that_is_replaced_while_the_settings_are_faulty_takes_nobody_with_it(site: Path):
    with serving(site, WEB_CONCURRENCY="2") as running:
        all_serve(running, 2)
        before = running.ask("/feed.atom").body
        settings = site / "feeds/site.yaml"
        sound = settings.read_text()
        settings.write_text("title: X\ntime_zone: Mars/Olympus\n")
        soon(lambda: not json.loads(running.ask("/readyz").body)["current"])
        os.kill(workers(running)[0], signal.SIGKILL)
        for _ in range(20):  # the other one goes on with what was read last
            assert running.ask("/feed.atom").body == before
            time.sleep(0.2)
        settings.write_text(sound)
        soon(lambda: len(workers(running)) == 2, 20)
        assert running.ask("/feed.atom").body == before


def test_a_worker_that_cannot_start_says_why_in_one_line(site: Path):
    with serving(site, WEB_CONCURRENCY="2") as running:
        all_serve(running, 2)
        (site / "feeds/site.yaml").write_text("title: X\ntime_zone: Mars/Olympus\n")
        os.kill(workers(running)[0], signal.SIGKILL)
        time.sleep(3)
        running.stop()  # with a failure, when the new worker has just ended
        log = log_of(running)
    assert "the feeds were not started: feeds/site.yaml" in log
    assert "Traceback" not in log


def test_workers_that_cannot_start_end_the_service_with_a_failure(site: Path):
    with serving(site, WEB_CONCURRENCY="2") as running:
        all_serve(running, 2)
        shutil.rmtree(site / "feeds")
        for worker in workers(running):
            os.kill(worker, signal.SIGKILL)
        assert running.process.wait(timeout=30) != 0


def whole(line: socket.socket) -> bytes:
    """What comes until the service closes the connection."""
    with line:
        found = b""
        while part := line.recv(65536):
            found += part
        return found
