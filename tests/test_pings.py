"""Who is told what, and when: every change once, whatever hubs, workers and disks do."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

import hubs
import postgres
from many import make_site, write_post
from pprnet_feeds.cli import main
from pprnet_feeds.serving.snapshot import Snapshot, build
from pprnet_feeds.settings import Settings
from pprnet_feeds.state.database import Database, UnavailableError
from pprnet_feeds.state.last_modified import TimestampStore
from pprnet_feeds.websub import client
from pprnet_feeds.websub.client import outcome_of
from pprnet_feeds.websub.queue import CLAIM, GIVE_UP, LONGEST_DELAY, Ping, PingOutcome, Queue, retry_delay
from service import ROOT

pytestmark = pytest.mark.slow  # each of them starts processes, or waits for files to rest

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
A = "https://a.example.org/"
B = "https://b.example.org/"
BASE = "https://many.example.org"
FAILED, SILENT, REFUSED, TOLD = (
    PingOutcome("failed"),
    PingOutcome("silent"),
    PingOutcome("refused"),
    PingOutcome("accepted"),
)
TESTS = Path(__file__).parent


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Postgres]:
    with postgres.running() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def state(request, tmp_path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "state.sqlite3")
    return request.getfixturevalue("server").database()


@pytest.fixture
def queue(state) -> Queue:
    return Queue(Database(state))


@pytest.fixture
def site(tmp_path) -> Path:
    return make_site(tmp_path / "site", 8)


def snapshot(site: Path, *hubs: str, now: datetime = NOW, **environ: str) -> Snapshot:
    built = build(Settings(site), {"PPRNET_HUBS": ",".join(hubs), **environ}, now, TimestampStore())
    assert isinstance(built, Snapshot)
    return built


def record(queue: Queue, site: Path, *hubs: str, now: datetime = NOW, **environ: str) -> int | None:
    return queue.record(snapshot(site, *(hubs or (A,)), now=now, **environ).catalogue, now)


def claimed(queue: Queue, *hubs: str, now: datetime = NOW) -> list[str]:
    """The feeds of all pings that can be claimed; they stay claimed."""
    found = []
    while ping := queue.claim(hubs or (A,), now, now):
        found.append(ping.feed.removeprefix(BASE))
    return sorted(found)


def written(views: str, *folders: str) -> list[str]:
    forms = ("atom", "json", "rss")
    return sorted(f"/{folder}{view}.{form}" for folder in folders for view in views.split() for form in forms)


EVERY_VIEW = "feed summary practice citations"


# -- what they are told of


def test_the_first_start_of_all_tells_nothing(queue, site):
    assert record(queue, site) is None
    assert claimed(queue) == []


def test_a_new_post_is_told_once_for_each_feed_and_format_that_holds_it(queue, site):
    record(queue, site)
    write_post(site, 8)
    assert record(queue, site) == 12 * 4 + 3
    folders = ("", "topics/alpha/", "topics/gamma/", "research/trials/")
    assert claimed(queue) == sorted(written(EVERY_VIEW, *folders) + written("feed", "issues/"))


def test_a_site_that_begins_without_posts_tells_the_first(queue, site):
    for path in (site / "posts").iterdir():
        path.unlink()
    assert record(queue, site) is None
    write_post(site, 0)
    assert record(queue, site) == 12 * 3 + 3


def test_each_hub_is_told(queue, site):
    record(queue, site, A, B)
    write_post(site, 8)
    record(queue, site, A, B)
    of_a = claimed(queue, A)
    assert len(of_a) == 51
    assert claimed(queue, B) == of_a


def test_what_was_recorded_is_not_recorded_again_by_another_process(state, queue, site):
    record(queue, site)
    write_post(site, 8)
    record(queue, site)
    other = Queue(Database(state))
    assert record(other, site) == 0


def test_a_change_while_nothing_ran_is_told_at_the_next_start(state, queue, site):
    record(queue, site)
    write_post(site, 0, updated="2026-11-01")
    assert record(Queue(Database(state)), site) == 12 * 3 + 3


@pytest.mark.parametrize(
    "edit",
    [
        {"title": "Post zero"},
        {"topics": "[beta]"},
        {"draft": "true"},
        {"research": "[]"},
        {"slug": "elsewhere"},
        {"updated": "2027-01-01"},
    ],
    ids=str,
)
def test_a_silent_edit_is_not_told(queue, site, edit):
    record(queue, site)
    write_post(site, 0, **edit)
    write_post(site, 1, text="What post 1 really tells.\n\n## Practice Implications\n\nDo 1.\n")
    assert record(queue, site) == 0


@pytest.mark.parametrize("keys", [{"draft": "true"}, {"date": "2026-12-24"}], ids=str)
def test_drafts_and_scheduled_posts_are_not_told(queue, site, keys):
    record(queue, site)
    write_post(site, 8, **keys)
    assert record(queue, site) == 0


def test_a_scheduled_post_is_told_at_its_moment(queue, site):
    record(queue, site)
    write_post(site, 8, date="2026-11-23T00:00:00Z")
    assert record(queue, site) == 0
    assert record(queue, site, now=NOW + timedelta(days=1)) == 51


def test_a_post_that_vanished_and_came_back_is_not_told(queue, site):
    record(queue, site)
    path = write_post(site, 0)
    text = path.read_text()
    path.unlink()
    assert record(queue, site) == 0
    path.write_text(text)
    assert record(queue, site) == 0


def test_a_replica_with_older_files_tells_nothing_and_makes_nobody_tell_twice(state, queue, site):
    record(queue, site)
    write_post(site, 0, updated="2026-11-01")
    record(queue, site)
    write_post(site, 0)
    assert record(Queue(Database(state)), site) == 0
    write_post(site, 0, updated="2026-11-01")
    assert record(queue, site) == 0


def test_a_withdrawal_is_told_to_those_who_hold_the_post_and_to_corrections(queue, site):
    record(queue, site)
    write_post(site, 0, status="withdrawn", note="Wrong.")
    record(queue, site)
    folders = ("", "topics/alpha/", "research/trials/")
    assert claimed(queue) == sorted(written(EVERY_VIEW, *folders) + written("feed", "corrections/"))


def test_a_post_too_old_for_a_subscription_document_is_not_told_there(queue, site):
    record(queue, site, PPRNET_ENTRIES="1")
    write_post(site, 8, date="2010-01-01")
    record(queue, site, PPRNET_ENTRIES="1")
    assert claimed(queue) == []


def test_a_hub_that_is_configured_no_longer_is_forgotten(queue, site):
    record(queue, site, A)
    write_post(site, 8)
    record(queue, site, A)
    record(queue, site, B)
    assert claimed(queue, A) == []


# -- one ping, one sender


@pytest.fixture
def one(queue, site) -> Ping:
    """A claimed ping, of many."""
    record(queue, site)
    write_post(site, 8)
    record(queue, site)
    ping = queue.claim((A,), NOW, NOW)
    assert ping is not None
    return ping


def again(queue: Queue, one: Ping, now: datetime) -> Ping | None:
    """The ping to the same feed, if it can be claimed."""
    while ping := queue.claim((A,), now, now):
        if ping.feed == one.feed:
            return ping
    return None


def test_a_ping_that_is_held_is_nobody_elses(queue, one):
    assert again(queue, one, NOW) is None


def test_the_ping_of_a_holder_that_died_is_taken_over_when_the_hold_has_run_out(queue, one):
    assert again(queue, one, NOW + CLAIM - SECOND) is None
    assert again(queue, one, NOW + CLAIM) == one


def test_a_ping_that_was_told_is_gone(queue, one):
    assert queue.settle(one, TOLD, NOW) is False
    assert again(queue, one, NOW + GIVE_UP) is None


def test_a_ping_that_was_refused_is_gone(queue, one):
    assert queue.settle(one, REFUSED, NOW) is False
    assert again(queue, one, NOW + GIVE_UP) is None


@pytest.mark.parametrize("outcome", [FAILED, SILENT])
def test_a_ping_that_failed_comes_again_when_its_wait_is_over(queue, one, outcome):
    assert queue.settle(one, outcome, NOW) is True
    assert again(queue, one, NOW + 0.8 * SECOND) is None
    assert again(queue, one, NOW + 1.2 * SECOND) == Ping(one.hub, one.feed, one.since, 1)


def test_a_ping_that_failed_for_three_days_is_given_up(queue, one):
    assert queue.settle(one, FAILED, NOW + GIVE_UP) is False
    assert again(queue, one, NOW + 2 * GIVE_UP) is None


def test_a_feed_that_changed_while_its_ping_was_on_its_way_is_told_once_more(queue, site, one):
    write_post(site, 8, updated="2026-11-20")
    record(queue, site)
    assert again(queue, one, NOW) is None
    queue.settle(one, TOLD, NOW)
    second = again(queue, one, NOW)
    assert second is not None
    assert second.since > one.since
    queue.settle(second, TOLD, NOW)
    assert again(queue, one, NOW + GIVE_UP) is None


def test_a_failure_of_the_older_ping_does_not_postpone_the_newer(queue, site, one):
    write_post(site, 8, updated="2026-11-20")
    record(queue, site)
    queue.settle(one, FAILED, NOW)
    assert again(queue, one, NOW) is not None


def test_a_feed_that_changed_twice_while_its_hub_was_down_is_told_once(queue, site, one):
    queue.settle(one, FAILED, NOW)
    write_post(site, 8, updated="2026-11-20")
    record(queue, site)
    ping = again(queue, one, NOW)
    assert ping is not None
    assert ping.tries == 0
    queue.settle(ping, TOLD, NOW)
    assert again(queue, one, NOW + GIVE_UP) is None


def test_a_hub_that_asks_for_peace_gets_it_for_all_feeds(queue, one):
    queue.settle(one, PingOutcome("silent", "HTTP 429", 3600), NOW)
    assert claimed(queue, now=NOW + timedelta(minutes=59)) == []
    assert len(claimed(queue, now=NOW + timedelta(hours=1))) == 51


def test_the_queue_tells_when_there_is_something_to_do(queue, one):
    assert queue.next_due((A,)) == NOW
    while queue.claim((A,), NOW, NOW):
        pass
    assert queue.next_due((A,)) == NOW + CLAIM
    assert queue.next_due((B,)) is None


CLAIM_ALL = """
import sys
from test_pings import *
queue = Queue(Database(sys.argv[1]))
while ping := queue.claim((A,), NOW, NOW):
    queue.settle(ping, TOLD, NOW)
    print(ping.feed)
"""


def test_processes_that_share_the_queue_send_each_ping_once(state, queue, site):
    record(queue, site)
    write_post(site, 8)
    record(queue, site)
    running = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", CLAIM_ALL, state],
            env={"PYTHONPATH": f"{ROOT / 'src'}:{TESTS}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    told = [process.communicate(timeout=60) for process in running]
    assert {errors for _, errors in told} == {""}
    addresses = [line for output, _ in told for line in output.splitlines()]
    assert len(addresses) == len(set(addresses)) == 51


RECORD = """
import sys, time
from test_pings import *
queue = Queue(Database(sys.argv[1]))
built = snapshot(Path(sys.argv[2]), A)
time.sleep(max(0, float(sys.argv[3]) - time.time()))
print(queue.record(built.catalogue, NOW))
"""


def test_of_processes_that_see_a_change_at_once_one_records_it(state, queue, site):
    record(queue, site)
    write_post(site, 8)
    start = str(datetime.now(UTC).timestamp() + 2)
    running = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", RECORD, state, str(site), start],
            env={"PYTHONPATH": f"{ROOT / 'src'}:{TESTS}"},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    assert sorted(process.communicate(timeout=60)[0] for process in running) == ["0\n", "0\n", "51\n"]


# -- how long to wait, and what an answer means


@given(st.integers(0, 10**6), st.text(max_size=50))
def test_waits_double_from_a_second_to_six_hours_give_or_take_a_fifth(tries, address):
    usual = min(2 ** min(tries, 20), LONGEST_DELAY)
    seconds = retry_delay(Ping(A, address, NOW, tries)).total_seconds()
    assert 0.8 * usual <= seconds <= 1.2 * usual


def test_feeds_that_failed_together_do_not_come_back_together():
    waits = {retry_delay(Ping(A, f"{BASE}/{number}", NOW, 5)) for number in range(50)}
    assert len(waits) == 50


@pytest.mark.parametrize(
    ("status", "retry_after", "outcome"),
    [
        *((status, "", PingOutcome("accepted")) for status in (200, 202, 204, 299, 303)),
        *(
            (status, "", PingOutcome("refused", f"HTTP {status}"))
            for status in (400, 401, 403, 404, 410, 422)
        ),
        *((status, "", PingOutcome("failed", f"HTTP {status}")) for status in (100, 304, 408, 500, 502, 503)),
        (429, "", PingOutcome("silent", "HTTP 429")),
        (429, "120", PingOutcome("silent", "HTTP 429", 120)),
        (503, "Sun, 22 Nov 2026 12:01:00 GMT", PingOutcome("silent", "HTTP 503", 60)),
        (503, "Sun, 22 Nov 2026 11:00:00 GMT", PingOutcome("failed", "HTTP 503")),
        (503, "99999999999999999999", PingOutcome("silent", "HTTP 503", LONGEST_DELAY)),
        (500, "120", PingOutcome("failed", "HTTP 500")),
        (503, "soon", PingOutcome("failed", "HTTP 503")),
    ],
)
def test_an_answer_is_success_refusal_or_failure(status, retry_after, outcome):
    assert outcome_of(status, retry_after, NOW) == outcome


@given(st.text(max_size=60))
def test_any_retry_after_at_all_asks_for_no_more_than_the_longest_wait(text):
    assert 0 <= outcome_of(429, text, NOW).pause <= LONGEST_DELAY


# -- on the wire


@pytest.fixture
def hub() -> Iterator[hubs.Hub]:
    with hubs.running() as hub:
        yield hub


@pytest.fixture
def other() -> Iterator[hubs.Hub]:
    with hubs.running() as hub:
        yield hub


@pytest.fixture
def local(tmp_path) -> Queue:
    return Queue(Database(str(tmp_path / "state.sqlite3")))


def change(queue: Queue, site: Path, *urls: str) -> None:
    record(queue, site, *urls)
    write_post(site, 8)
    record(queue, site, *urls)


def tell(queue: Queue, *urls: str, now: datetime = NOW) -> list[str]:
    return [line for _, line in client.report(asyncio.run(client.send_due(queue, urls, lambda: now)))]


def test_a_ping_is_a_form_that_every_hub_takes(local, site, hub):
    change(local, site, hub.url)
    assert tell(local, hub.url) == [f"notified {hub.url} of {BASE}/citations.atom and 50 more"]
    assert hub.forms[0][:2] == ("POST", "application/x-www-form-urlencoded")
    assert sorted(hub.forms[0][2]) == [("hub.mode", "publish"), ("hub.url", hub.told[0])]
    assert len(hub.told) == len(set(hub.told)) == 51


def test_a_hub_that_refuses_is_asked_once(local, site, hub):
    hub.behaviour = 404
    change(local, site, hub.url)
    assert tell(local, hub.url) == [
        f"refused by {hub.url}: {BASE}/citations.atom and 50 more (HTTP 404); it is not asked again"
    ]
    assert tell(local, hub.url, now=NOW + GIVE_UP) == []
    assert len(hub.asked) == 51


@pytest.mark.parametrize(
    "behaviour",
    [
        500,
        429,
        "drop",
        *(pytest.param(each, marks=pytest.mark.slow) for each in (503, "stall", "/hub", "gopher://hub/")),
    ],
    ids=str,
)
def test_a_hub_that_fails_is_told_each_change_once_when_it_recovers(local, site, hub, behaviour, monkeypatch):
    hub.behaviour = behaviour
    change(local, site, hub.url)
    with monkeypatch.context() as impatient:
        if behaviour == "stall":  # the others fail by themselves, and a busy machine is no failure
            impatient.setattr(client, "TIMEOUT", 0.3)
        (line,) = tell(local, hub.url)
    assert line.startswith(f"could not notify {hub.url} of {BASE}/citations.atom and ")
    assert line.endswith("; it is tried again")
    assert hub.told == []
    hub.behaviour = 204
    hub.released.set()
    tell(local, hub.url, now=NOW + timedelta(minutes=1))
    assert len(hub.told) == len(set(hub.told)) == 51
    assert tell(local, hub.url, now=NOW + GIVE_UP) == []


def test_a_hub_that_died_and_came_back_is_told_each_change_once(local, site, hub):
    hub.stop()
    change(local, site, hub.url)
    for minutes in range(3):
        (line,) = tell(local, hub.url, now=NOW + timedelta(minutes=minutes))
        assert line.endswith(" (All connection attempts failed); it is tried again")
    hub.start()
    tell(local, hub.url, now=NOW + timedelta(hours=1))
    assert len(hub.told) == len(set(hub.told)) == 51


def test_a_silent_hub_is_asked_no_more_often_than_pings_are_sent_at_once(local, site, hub, monkeypatch):
    monkeypatch.setattr(client, "TIMEOUT", 1.0)
    hub.behaviour = "stall"
    change(local, site, hub.url)
    tell(local, hub.url)
    assert len(hub.asked) == client.AT_ONCE


def test_a_silent_hub_does_not_keep_another_from_being_told(local, site, hub, other, monkeypatch):
    monkeypatch.setattr(client, "TIMEOUT", 1.0)
    hub.behaviour = "stall"
    change(local, site, hub.url, other.url)
    tell(local, hub.url, other.url)
    assert len(other.told) == len(set(other.told)) == 51


def test_a_hub_that_fails_for_days_is_given_up(local, site, hub):
    hub.behaviour = 500
    change(local, site, hub.url)
    assert tell(local, hub.url, now=NOW + GIVE_UP) == [
        f"could not notify {hub.url} of {BASE}/citations.atom and 50 more (HTTP 500); "
        "it was tried for days and is given up"
    ]
    assert tell(local, hub.url, now=NOW + 2 * GIVE_UP) == []


@pytest.mark.parametrize(
    "status", [301, 308, *(pytest.param(each, marks=pytest.mark.slow) for each in (302, 307))]
)
def test_a_redirected_ping_stays_a_ping(local, site, hub, status):
    hub.behaviour, hub.status = "/moved", status
    change(local, site, hub.url)
    tell(local, hub.url)
    assert len(hub.told) == 51
    assert {(method, len(form)) for method, _, form in hub.forms} == {("POST", 2)}


def test_an_answer_without_an_end_is_not_read(local, site, hub):
    hub.behaviour = "endless"
    change(local, site, hub.url)
    tell(local, hub.url)
    assert len(hub.told) == 51


def test_a_state_that_vanishes_while_pings_are_sent_is_told(local, site, tmp_path):
    change(local, site, A)
    (tmp_path / "state.sqlite3").write_bytes(b"no database\n" * 1000)
    with pytest.raises(UnavailableError):
        tell(local, A)


# -- the command


def run_ping(site: Path, **environ: str) -> Result:
    return CliRunner().invoke(main, ["ping", "--site", str(site)], env=environ, catch_exceptions=False)


@pytest.fixture
def ping(site, hub, tmp_path):
    def run(**environ: str) -> tuple[int, list[str]]:
        usual = {"PPRNET_HUBS": hub.url, "PPRNET_STATE": str(tmp_path / "state.sqlite3")}
        done = run_ping(site, **(usual | environ))
        assert done.stderr == ""
        return done.exit_code, done.stdout.splitlines()

    return run


NOTED = "Recorded the feeds as they are. The hubs are notified of changes from now on."


def test_the_first_run_notes_and_the_next_tells(ping, site, hub):
    assert ping() == (0, [NOTED])
    assert ping() == (0, ["No feed changed since the last ping."])
    write_post(site, 8)
    assert ping() == (0, [f"Notified {hub.url} of {BASE}/citations.atom and 50 more."])
    assert ping() == (0, ["No feed changed since the last ping."])
    assert len(hub.told) == 51


def test_a_refusal_is_a_failure_of_the_command(ping, site, hub):
    ping()
    write_post(site, 8)
    hub.behaviour = 400
    assert ping() == (
        1,
        [f"Refused by {hub.url}: {BASE}/citations.atom and 50 more (HTTP 400); it is not asked again."],
    )


def test_a_hub_that_is_down_is_told_by_a_later_run(ping, site, hub):
    ping()
    write_post(site, 8)
    hub.stop()
    code, lines = ping()
    assert code == 1
    assert lines[0].endswith(" (All connection attempts failed); it is tried again.")
    assert lines[1].startswith("The rest is tried again by the service, or by `pprnet-feeds ping` after ")
    hub.start()
    while len(hub.told) < 51:
        ping()
    assert len(set(hub.told)) == len(hub.told)


def test_without_a_hub_there_is_nobody_to_tell(ping, tmp_path):
    words = "No hub is configured, so nothing is sent. Name hubs with `hubs` in feeds/site.yaml."
    assert ping(PPRNET_HUBS="") == (0, [words])
    assert not (tmp_path / "state.sqlite3").exists()


def test_without_a_base_url_no_hub_is_told(ping, site):
    settings = site / "feeds/site.yaml"
    settings.write_text(settings.read_text().replace(f"base_url: {BASE}\n", ""))
    code, lines = ping()
    assert code == 1
    assert lines[0].startswith("feeds/site.yaml")
    assert "`base_url` is missing" in lines[0]
    assert lines[-1].endswith("No hub was notified.")


def test_a_state_that_cannot_be_used_is_told(site, tmp_path):
    (tmp_path / "state").mkdir()
    done = run_ping(site, PPRNET_HUBS=A, PPRNET_STATE=str(tmp_path / "state"))
    assert (done.exit_code, done.stderr) == (
        1,
        "Error: The state cannot be used (unable to open database file). No hub was notified.\n",
    )
