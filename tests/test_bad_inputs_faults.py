"""What befalls a running service: killed, out of room, out of time, out of its mind. The feeds go on.

Seen from outside: processes, files, sockets. `test_reload` and `test_store` look at folders that go away
and at the store by itself; what they say is not said here again.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sqlite3
import time
from collections.abc import Callable
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path

import pytest

from many import make_site, write_post
from service import Answer, Service, serving
from test_bad_requests import family

pytestmark = pytest.mark.slow  # each starts a service, or several

PATHS = ("/feed.atom", "/feed.rss", "/feed.json", "/topics/alpha/feed.atom", "/issues/feed.atom",
         "/citations.bib", "/feeds.opml", "/", "/posts/2013-01-01-post-0/")  # fmt: skip


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return make_site(tmp_path / "site", 12)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    return tmp_path / "state/site.sqlite3"


def soon(happened: Callable[[], object], seconds: float = 8) -> None:
    since = time.monotonic()
    while not happened():
        assert time.monotonic() - since < seconds, "it did not happen"
        time.sleep(0.03)


def held(service: Service) -> list[tuple[bytes, str]]:
    """Every document, and how a reader names it."""
    answers = [service.ask(path) for path in PATHS]
    assert {answer.status for answer in answers} == {200}
    return [(answer.body, answer.headers["etag"]) for answer in answers]


def edit(site: Path, service: Service, title: str) -> Answer:
    """Give the first post a title, and the feed as soon as it says so."""
    write_post(site, 0, title=title)
    soon(lambda: title.encode() in service.ask("/feed.atom").body)
    return service.ask("/feed.atom")


def modified(answer: Answer) -> float:
    return parsedate_to_datetime(answer.headers["last-modified"]).timestamp()


def log_of(service: Service) -> str:
    assert service.stop() == 0
    assert service.process.stderr is not None
    return service.process.stderr.read()


def is_gone(pid: int) -> bool:
    """Whether a process has ended, buried or not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] in "ZX"
    return True


# Killed


def test_eight_kills_in_the_middle_of_reading_leave_the_same_bytes_and_nothing_else(site: Path, state: Path):
    files = sorted(path.relative_to(site) for path in site.rglob("*"))
    for number in range(8):
        with serving(site, PPRNET_STATE=str(state)) as running:
            write_post(site, number, text=f"Edited before kill {number}.\n")
            # Within the settling, the reading, the drawing, the keeping: each time somewhat later.
            time.sleep(0.2 + number * 0.15)
            pids = family(running.process.pid)
            running.process.kill()
            running.process.wait()
            soon(lambda pids=pids: all(map(is_gone, pids)))
    with serving(site, PPRNET_STATE=str(state)) as running:
        survived = held(running)
        dates = [modified(running.ask(path)) for path in PATHS]
        assert json.loads(running.ask("/readyz").body)["problems"] == []
    with serving(site) as fresh:
        assert held(fresh) == survived
    assert max(dates) <= time.time() + 10  # a second a change, at most
    assert sorted(path.relative_to(site) for path in site.rglob("*")) == files
    assert {path.name for path in state.parent.iterdir()} <= {
        state.name + end for end in ("", "-wal", "-shm", "-journal", ".posts", ".answers")
    }


@pytest.mark.parametrize(
    ("number", "workers"),
    [
        (signal.SIGKILL, "1"),
        (signal.SIGTERM, "1"),
        (signal.SIGKILL, "2"),
        (signal.SIGTERM, "2"),
    ],
)
def test_no_process_stays_behind_when_the_service_ends(site: Path, number: signal.Signals, workers: str):
    with serving(site, WEB_CONCURRENCY=workers) as running:
        held(running)
        pids = family(running.process.pid)
        running.process.send_signal(number)
        running.process.wait(timeout=12)
        try:
            soon(lambda: all(map(is_gone, pids)))
        finally:
            for pid in pids:
                if not is_gone(pid):
                    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("pause", [0.0, 0.1, 0.2])
def test_an_edit_in_the_first_moment_of_the_service_is_seen(site: Path, pause: float):
    with serving(site) as running:
        time.sleep(pause)
        write_post(site, 0, title="Edited at once")
        soon(lambda: b"Edited at once" in running.ask("/feed.atom").body, 4)


# No room


def test_a_disk_on_which_every_write_fails_stops_no_edit(site: Path, state: Path):
    with serving(site, PPRNET_STATE=str(state)) as running:
        first = edit(site, running, "Before the disk was full")
        time.sleep(1.1)
        for pid in family(running.process.pid):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, 0))
        full = edit(site, running, "While the disk was full")
        time.sleep(1.1)
        again = edit(site, running, "While it was still full")
        assert modified(first) < modified(full) < modified(again)
        log = log_of(running)
    assert log.count("the state cannot be kept in") == 1


def test_a_state_that_can_be_written_nowhere_is_told_once(site: Path):
    with serving(site, PPRNET_STATE="/proc/none/site.sqlite3") as running:
        first = edit(site, running, "First")
        time.sleep(1.1)
        second = edit(site, running, "Second")
        assert modified(first) < modified(second)
        log = log_of(running)
    assert log.count("the state cannot be kept in") == 1


# A broken or locked state


@pytest.mark.parametrize("content", [b"noise" * 5000, b"SQLite format 3\0" + b"\xff" * 8000])
def test_a_state_that_is_broken_before_the_start_stops_nothing(site: Path, state: Path, content: bytes):
    with serving(site) as sound:
        expected = held(sound)
    state.write_bytes(content)
    with serving(site, PPRNET_STATE=str(state)) as running:
        assert held(running) == expected
        edit(site, running, "Edited all the same")
        assert "Traceback" not in log_of(running)


def test_a_state_that_breaks_while_it_is_used_stops_nothing(site: Path, state: Path):
    with serving(site, PPRNET_STATE=str(state)) as running:
        before = edit(site, running, "Before")
        time.sleep(1.1)
        state.write_bytes(b"noise" * 5000)
        after = edit(site, running, "After")
        assert modified(before) < modified(after)
        assert "Traceback" not in log_of(running)


def test_a_state_that_vanishes_while_it_is_used_stops_nothing(site: Path, state: Path):
    with serving(site, PPRNET_STATE=str(state)) as running:
        before = edit(site, running, "Before")
        time.sleep(1.1)
        for path in state.parent.iterdir():
            path.unlink()
        after = edit(site, running, "After")
        assert modified(before) < modified(after)
        assert "Traceback" not in log_of(running)


def test_a_state_that_another_program_holds_stops_nothing(site: Path, state: Path):
    with serving(site, PPRNET_STATE=str(state)) as running:
        held(running)
    with contextlib.closing(sqlite3.connect(state, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with serving(site, PPRNET_STATE=str(state)) as running:
            since = time.monotonic()
            held(running)
            assert time.monotonic() - since < 2
            write_post(site, 0, title="While it was locked")
            soon(lambda: b"While it was locked" in running.ask("/feed.atom").body, 20)
            log = log_of(running)
    assert log.count("the state cannot be kept in") == 1


# Time


def test_a_clock_that_was_set_back_two_days_hides_no_change_and_sends_no_later_date(site: Path, state: Path):
    with serving(site, PPRNET_STATE=str(state)) as running:
        edit(site, running, "Before the clock was set back")
        expected = held(running)
    # What was told two days from now is what a clock set back two days remembers.
    ahead = 2 * 86_400
    with contextlib.closing(sqlite3.connect(state)) as store:
        store.execute("UPDATE seen SET moment = moment + ?", (ahead,))
        store.commit()
        (newest,) = store.execute("SELECT max(moment) FROM seen").fetchone()
    with serving(site, PPRNET_STATE=str(state)) as running:
        assert held(running) == expected
        assert modified(running.ask("/feed.atom")) <= time.time()
        after = edit(site, running, "After the clock was set back")
        assert modified(after) <= time.time()
        assert running.ask("/feed.atom", If_Modified_Since=formatdate(newest, usegmt=True)).status == 200


def test_touched_and_copied_files_are_the_same_files_after_a_restart(site: Path, state: Path):
    with serving(site, PPRNET_STATE=str(state)) as running:
        edit(site, running, "Edited once")
        expected = [(running.ask(path).headers["etag"], modified(running.ask(path))) for path in PATHS]
    for number, path in enumerate(site.rglob("*.md")):
        os.utime(path, (number, 4_000_000_000 - number))
        path.with_suffix(".tmp").write_bytes(path.read_bytes())
        path.with_suffix(".tmp").rename(path)
    with serving(site, PPRNET_STATE=str(state)) as running:
        assert [
            (running.ask(path).headers["etag"], modified(running.ask(path))) for path in PATHS
        ] == expected


# Together


def test_two_services_on_one_folder_and_one_state_tell_the_same(site: Path, state: Path):
    with (
        serving(site, PPRNET_STATE=str(state), PPRNET_BASE_URL="https://a.example") as one,
        serving(site, PPRNET_STATE=str(state), PPRNET_BASE_URL="https://a.example") as other,
    ):
        assert held(one) == held(other)
        for number in range(3):
            edit(site, one, f"Edit {number}")
            soon(lambda number=number: f"Edit {number}".encode() in other.ask("/feed.atom").body)
            time.sleep(1.1)
        assert held(one) == held(other)
        assert modified(one.ask("/feed.atom")) == modified(other.ask("/feed.atom"))


def test_two_services_of_which_one_has_lost_the_last_good_version_of_a_post_come_to_rest(
    site: Path, state: Path
):
    with serving(site, PPRNET_STATE=str(state)) as one:
        good = write_post(site, 5, topics="[alpha]").read_text()
        soon(lambda: b"alpha" in one.ask("/posts/2013-02-02-post-5/").body)
        faulty = write_post(site, 5, topics="[unheard]")
        soon(lambda: b"unheard" in one.ask("/readyz").body)
        with serving(site, PPRNET_STATE=str(state)) as other:
            assert other.ask("/posts/2013-02-02-post-5/").status == 404
            time.sleep(1.5)
            before = [modified(each.ask("/feed.atom")) for each in (one, other)]
            for number in range(4):  # each wakes both, and neither reads anything new
                (site / f"posts/.hidden-{number}").write_text("")
                time.sleep(1.2)
            assert [modified(each.ask("/feed.atom")) for each in (one, other)] == before
            faulty.write_text(good)
            soon(lambda: other.ask("/posts/2013-02-02-post-5/").status == 200)
            soon(lambda: modified(one.ask("/feed.atom")) == modified(other.ask("/feed.atom")))
            assert held(one) == held(other)
            assert modified(one.ask("/feed.atom")) > max(before)


def test_without_memory_nothing_new_is_rendered_and_one_line_says_so(site: Path):
    paths = [f"/search/?q={number}" for number in range(20)] + ["/issues/2013-01/", "/topics/alpha/", "/"]
    with serving(site, PYTHONWARNINGS="default") as running:
        time.sleep(1.5)
        assert running.ask("/feed.atom").status == 200
        pid = running.process.pid
        words = Path(f"/proc/{pid}/statm").read_text().split()
        size = int(words[0]) * resource.getpagesize()
        limits = resource.prlimit(pid, resource.RLIMIT_AS)
        resource.prlimit(pid, resource.RLIMIT_AS, (size, limits[1]))
        assert {running.ask(path).status for path in paths * 3} <= {200, 503}
        assert running.ask("/issues/feed.atom").status == 503  # it needs a library that is not loaded yet
        assert running.ask("/feed.atom").status == 200
        resource.prlimit(pid, resource.RLIMIT_AS, limits)
        assert {running.ask(path).status for path in (*paths, "/issues/feed.atom")} == {200}
        log = log_of(running)
    assert log.count("nothing new can be rendered for now") == 1
    assert "Traceback" not in log
