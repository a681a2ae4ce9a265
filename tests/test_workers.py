"""The service's processes: who is killed is replaced, who is asked to stop finishes and leaves nobody."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from many import make_site, write_post
from processes import builders, words, workers
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
    """Wait until that many workers answer: their builders exist before they have read the site."""
    told = f'pprnet_processes{{process="worker"}} {number}.0'
    soon(lambda: told in service.ask("/metrics").body.decode().splitlines())


def everybody(service: Service) -> set[int]:
    return {service.process.pid, *workers(service), *builders(service)}


def stopped(service: Service, number: signal.Signals) -> int:
    """Signal the whole group, as systemd, Heroku and a terminal do (builders stand apart); the exit code."""
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
        soon(lambda: len(workers(running)) == len(builders(running)) == 2)
        assert {running.ask("/feed.atom").body for _ in range(20)} == {before}
        assert running.stop() == 0


def test_a_killed_worker_leaves_no_builder_behind(service: Service):
    # Its builder ends by itself; of a single worker nobody is left to start another.
    killed, orphans = workers(service)[0], builders(service)
    os.kill(killed, signal.SIGKILL)
    if killed == service.process.pid:
        service.process.wait()
        soon(lambda: not any(map(words, orphans)))
    else:
        soon(lambda: sum(map(bool, map(words, orphans))) == 1)
        soon(lambda: len(builders(service)) == 2)


def test_a_killed_builder_is_replaced_and_what_is_held_is_answered_meanwhile(site: Path):
    with serving(site) as running:
        held = running.ask("/feed.atom").body
        killed = builders(running)
        for number in killed:
            os.kill(number, signal.SIGKILL)
            os.kill(running.process.pid, signal.SIGCONT)
        since = time.monotonic()
        assert running.ask("/feed.atom").body == held
        assert time.monotonic() - since < 0.3
        missed = running.ask("/topics/alpha,beta/feed.rss")  # waits for the next builder
        assert missed.status == 200
        assert builders(running)
        assert not set(builders(running)) & set(killed)
        assert json.loads(running.ask("/readyz").body)["current"]


def test_what_changed_while_there_was_no_builder_is_told_by_the_next(site: Path):
    with serving(site) as running:
        assert b"Post 7" in running.ask("/topics/delta/feed.atom").body
        os.kill(builders(running)[0], signal.SIGKILL)
        write_post(site, 7, title="Changed meanwhile")
        soon(lambda: b"Changed meanwhile" in running.ask("/topics/delta/feed.atom").body)


def test_a_builder_that_finds_the_settings_faulty_empties_no_feed_and_is_told(site: Path):
    with serving(site) as running:
        before = running.ask("/feed.atom").body
        settings = site / "feeds/site.yaml"
        sound = settings.read_text()
        os.kill(builders(running)[0], signal.SIGKILL)
        settings.write_text(sound.replace("time_zone: ", "time_zone: Mars/"))
        soon(lambda: not json.loads(running.ask("/readyz").body)["current"])
        assert "feeds/site.yaml" in json.loads(running.ask("/readyz").body)["problems"][0]
        assert running.ask("/feed.atom").body == before
        settings.write_text(sound)
        soon(lambda: json.loads(running.ask("/readyz").body)["current"], 20)
        assert running.stop() == 0
        assert log_of(running).count("what was read last stays: feeds/site.yaml") == 1


def test_a_builder_that_finds_an_emptied_folder_empties_no_feed(site: Path):
    with serving(site) as running:
        before = running.ask("/feed.atom")
        (site / "posts").rename(site / "away")
        (site / "posts").mkdir()
        os.kill(builders(running)[0], signal.SIGKILL)
        soon(lambda: not json.loads(running.ask("/readyz").body)["current"])
        assert running.ask("/feed.atom").body == before.body
        (site / "posts").rmdir()
        (site / "away").rename(site / "posts")
        soon(lambda: json.loads(running.ask("/readyz").body)["current"], 20)
        after = running.ask("/feed.atom").headers
        assert (after["etag"], after["last-modified"]) == (
            before.headers["etag"], before.headers["last-modified"])  # fmt: skip


def test_a_builder_that_cannot_be_started_is_tried_again(site: Path):
    with serving(site) as running:
        running.ask("/feed.atom")
        number = running.process.pid
        usual = resource.prlimit(
            number, resource.RLIMIT_NOFILE, (3, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        )
        os.kill(builders(running)[0], signal.SIGKILL)
        soon(lambda: not builders(running))
        time.sleep(1)
        resource.prlimit(number, resource.RLIMIT_NOFILE, usual)
        soon(lambda: builders(running))
        write_post(site, 7, title="Changed meanwhile")
        soon(lambda: b"Changed meanwhile" in running.ask("/topics/delta/feed.atom").body)


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
    time.sleep(0.6)  # all has been still for a moment: it is being read
    assert stopped(service, number) == 0
    soon(lambda: not any(map(words, before)))
    assert "Traceback" not in log_of(service)


@pytest.mark.parametrize("number", STOP)
def test_stopping_while_the_workers_start_leaves_nobody(site: Path, number: signal.Signals):
    with serving(site, WEB_CONCURRENCY="2") as running:
        before = everybody(running)
        for worker in workers(running):
            os.kill(worker, signal.SIGKILL)
        soon(lambda: not before & set(builders(running)) and len(workers(running)) == 2)
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
        soon(lambda: len(builders(running)) == 2, 20)
        assert running.ask("/feed.atom").body == before


def test_a_builder_that_is_killed_while_its_worker_starts_takes_nobody_with_it(site: Path):
    with serving(site, WEB_CONCURRENCY="2") as running:
        all_serve(running, 2)
        before, known = running.ask("/feed.atom").body, set(builders(running))
        os.kill(workers(running)[0], signal.SIGKILL)
        soon(lambda: set(builders(running)) - known)
        for builder in set(builders(running)) - known:
            os.kill(builder, signal.SIGKILL)
        for _ in range(20):
            assert running.ask("/feed.atom").body == before
            time.sleep(0.2)
        soon(lambda: len(builders(running)) == 2)
        assert running.stop() == 0


def test_builders_that_are_killed_before_they_told_anything_end_nobody(site: Path):
    with serving(site, WEB_CONCURRENCY="2") as running:
        all_serve(running, 2)
        before, known = running.ask("/feed.atom").body, set(builders(running))
        for worker in workers(running):
            os.kill(worker, signal.SIGKILL)
        soon(lambda: len(set(builders(running)) - known) == 2)
        for builder in set(builders(running)) - known:
            os.kill(builder, signal.SIGKILL)
        soon(lambda: len(workers(running)) == len(builders(running)) == 2)
        assert running.ask("/feed.atom").body == before
        assert running.stop() == 0
        assert "Traceback" not in log_of(running)


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
