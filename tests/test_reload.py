"""The service beside people, programs and disks that change its files: nothing is lost, nothing is missed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from many import make_site, write_post
from service import ROOT, Service, command, serving

pytestmark = pytest.mark.slow  # real files take real time to settle


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return make_site(tmp_path / "site", 3, first_year=2020)


def ready(service: Service) -> dict:
    return json.loads(service.ask("/readyz").body)


def body(service: Service) -> str:
    return service.ask("/feed.atom").body.decode()


def soon(happened: Callable[[], object], seconds: float = 4.0) -> float:
    """Wait until something is so, and tell how long that took."""
    since = time.monotonic()
    while not happened():
        assert time.monotonic() - since < seconds, "it did not happen"
        time.sleep(0.03)
    return time.monotonic() - since


def log_of(service: Service) -> str:
    assert service.stop() == 0
    assert service.process.stderr is not None
    return service.process.stderr.read()


def test_feeds_that_are_asked_for_all_the_time_change_together_and_without_a_gap(site: Path):
    with serving(site) as running:

        def titles() -> list[bool]:
            answers = [running.ask(path) for path in ("/feed.atom", "/feed.rss", "/summary.json")]
            assert {answer.status for answer in answers} == {200}
            return [b"Written later" in answer.body for answer in answers]

        assert not any(titles())
        write_post(site, 0, 2020, title="Written later")
        seen = [titles()]
        since = time.monotonic()
        while not all(seen[-1]):
            assert time.monotonic() - since < 2
            seen.append(titles())
        # A round that the swap interrupts may begin with former documents, and none follows a new one.
        assert all(each == sorted(each) for each in seen)
        assert all(titles())


def test_a_folder_that_goes_and_comes_back_is_watched_again(site: Path):
    with serving(site) as running:
        before = body(running)
        (site / "posts").rename(site / "aside")
        soon(lambda: not ready(running)["current"])
        assert body(running) == before
        state = ready(running)
        assert state["posts"] == 3
        # The files come second where the folder went between the look at it and their reading.
        assert state["problems"][0] == "posts: the folder of posts is missing"
        (site / "aside").rename(site / "posts")
        soon(lambda: ready(running)["current"])
        write_post(site, 0, 2020, title="Written later")
        assert soon(lambda: "Written later" in body(running)) < 2


def test_a_folder_that_is_replaced_is_watched_in_its_new_place(site: Path):
    with serving(site) as running:
        shutil.copytree(site / "posts", site / "new")
        (site / "posts").rename(site / "old")
        (site / "new").rename(site / "posts")
        time.sleep(1.5)
        write_post(site, 0, 2020, title="Written later")
        assert soon(lambda: "Written later" in body(running)) < 2


def test_a_folder_that_is_removed_and_made_anew_is_watched(site: Path):
    with serving(site) as running:
        shutil.copytree(site / "posts", site / "aside")
        shutil.rmtree(site / "posts")
        shutil.copytree(site / "aside", site / "posts")
        time.sleep(1.5)
        write_post(site, 0, 2020, title="Written later")
        assert soon(lambda: "Written later" in body(running)) < 2


def test_a_link_that_leads_elsewhere_is_followed(site: Path):
    (site / "posts").rename(site / "rel1")
    shutil.copytree(site / "rel1", site / "rel2")
    (site / "posts").symlink_to("rel1")
    with serving(site) as running:
        (site / "posts").rename(site / "aside")
        write_post_in(site / "rel2", "Second release")
        (site / "link").symlink_to("rel2")
        (site / "link").rename(site / "posts")
        soon(lambda: "Second release" in body(running))
        time.sleep(1.2)
        write_post_in(site / "rel2", "Written later")
        assert soon(lambda: "Written later" in body(running)) < 2


def write_post_in(folder: Path, title: str) -> None:
    (folder / "2021-05-more.md").write_text(
        f"---\ntitle: {title}\ndate: 2021-05\ntopics: [alpha]\n---\nText.\n"
    )


def test_a_site_that_is_a_link_to_a_release_is_followed(site: Path):
    shutil.copytree(site, site.with_name("release2"))
    link = site.with_name("current")
    link.symlink_to(site)
    with serving(link) as running:
        write_post_in(site.with_name("release2") / "posts", "Second release")
        site.with_name("next").symlink_to(site.with_name("release2"))
        site.with_name("next").rename(link)
        soon(lambda: "Second release" in body(running))


def test_an_emptied_folder_empties_no_feed(site: Path):
    with serving(site) as running:
        before = body(running)
        for post in (site / "posts").iterdir():
            post.unlink()
        soon(lambda: not ready(running)["current"])
        assert ready(running)["problems"] == ["posts: the folder holds no post any more"]
        assert body(running) == before
        write_post(site, 1, 2020, title="Back again")
        soon(lambda: "Back again" in body(running))
        assert ready(running)["current"]
        assert "what was read last stays: posts: the folder holds no post any more" in log_of(running)


def test_a_start_without_the_posts_says_that_nothing_is_served(site: Path):
    assert command("publish", "--site", str(site), PPRNET_BASE_URL="https://a.example.org").returncode == 0
    for post in (site / "posts").iterdir():
        post.unlink()
    with serving(site) as running:
        assert running.ask("/feed.atom").status == 503
        log = log_of(running)
    assert "nothing is served: posts: the folder holds no post any more" in log
    assert "what was read last" not in log


def test_the_last_post_may_become_a_draft(site: Path):
    for number in (1, 2):
        write_post(site, number, 2020).unlink()
    with serving(site) as running:
        write_post(site, 0, 2020, draft="true")
        soon(lambda: ready(running)["posts"] == 0)
        assert ready(running)["current"]


def test_a_new_site_may_begin_without_posts(tmp_path: Path):
    with serving(make_site(tmp_path / "site", 0)) as running:
        assert ready(running)["posts"] == 0
        write_post(tmp_path / "site", 0)
        soon(lambda: ready(running)["posts"] == 1)


def test_a_folder_that_cannot_be_read_empties_no_feed(site: Path):
    (site / "posts/sub").mkdir()
    write_post_in(site / "posts/sub", "In a folder below")
    # The superuser may read everything; without its capabilities it is like anybody else.
    script = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "from pathlib import Path; from datetime import datetime, UTC\n"
        "from pprnet_feeds.serving.snapshot import build\n"
        "from pprnet_feeds.state.last_modified import TimestampStore\n"
        "from pprnet_feeds.settings import Settings\n"
        f"folder = Path({str(site)!r}); now = datetime(2024, 1, 1, tzinfo=UTC); store = TimestampStore()\n"
        "first = build(Settings(folder), {}, now, store)\n"
        "(folder / 'posts/sub').chmod(0)\n"
        "for held in (None, first):\n"
        "    for fault in build(Settings(folder), {}, now, store, held).problems:\n"
        "        print(f'{fault.place}: {fault.what}')\n"
    )
    drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.getuid() == 0 else []
    if drop and not shutil.which("setpriv"):
        pytest.skip("the superuser may read every folder")
    done = subprocess.run(
        [*drop, sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    (site / "posts/sub").chmod(0o755)
    assert done.stderr == ""
    assert done.stdout == "posts/sub: the folder cannot be read: Permission denied\n" * 2


@pytest.mark.skipif(os.getuid() == 0 and not shutil.which("setpriv"), reason="the superuser may read all")
@pytest.mark.parametrize("closed", ["feeds", "feeds/site.yaml"])
def test_settings_that_cannot_be_read_are_told_without_a_traceback(site: Path, closed: str):
    drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.getuid() == 0 else []
    (site / closed).chmod(0)
    done = subprocess.run(
        [*drop, sys.executable, "-m", "pprnet_feeds", "check", "--site", site],
        capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    (site / closed).chmod(0o755)
    assert (done.returncode, done.stderr) == (1, "")
    assert "feeds/site.yaml: the file cannot be opened: Permission denied" in done.stdout
    assert "`title` is missing" not in done.stdout


def test_many_quick_saves_are_whole_and_never_ahead_of_the_clock(site: Path):
    with serving(site) as running:
        seen = set()
        for number in range(30):
            write_post(site, 0, 2020, title=f"Save {number}")
            answer = running.ask("/feed.atom")
            seen.add(answer.headers["last-modified"])
            told = [parsedate_to_datetime(answer.headers[name]) for name in ("last-modified", "date")]
            assert told[0] <= told[1]
            time.sleep(0.08)
        assert soon(lambda: "Save 29" in body(running)) < 2
        assert parsedate_to_datetime(running.ask("/feed.atom").headers["last-modified"]) <= datetime.now(UTC)


@pytest.mark.parametrize("pause", [0.12, 0.35, 0.9])
def test_a_post_that_is_still_being_written_is_not_published(site: Path, pause: float):
    post = site / "posts/2021-09-slow.md"
    with serving(site) as running:
        with post.open("w") as file:
            file.write("---\ntitle: Slow\ndate: 2021-09\ntopics: [alpha]\n---\n")
            for _ in range(5):
                file.write("A paragraph.\n\n")
                file.flush()
                assert "Slow" not in body(running)
                time.sleep(pause)
            file.write("The end.\n")
        assert soon(lambda: "Slow" in body(running)) < 2
        assert "The end." in body(running)


def test_a_post_does_not_wait_for_another_one_that_is_still_being_written(site: Path):
    with serving(site) as running, (site / "posts/2021-09-slow.md").open("w") as file:
        file.write("---\ntitle: Slow\ndate: 2021-09\ntopics: [alpha]\n---\n")
        file.flush()
        write_post(site, 0, 2020, title="Meanwhile")
        until = time.monotonic() + 1.9
        while time.monotonic() < until and "Meanwhile" not in body(running):
            file.write("More.\n")
            file.flush()
            time.sleep(0.1)
        assert "Meanwhile" in body(running)
        assert "Slow" not in body(running)


def test_an_edited_post_stays_as_it_was_while_it_is_written(site: Path):
    with serving(site) as running:
        before = body(running)
        with write_post(site, 0, 2020).open("a") as file:
            for _ in range(8):
                file.write("Another paragraph.\n\n")
                file.flush()
                time.sleep(0.25)
                assert body(running) == before
        soon(lambda: "Another paragraph" in body(running))


def test_while_settings_are_written_nothing_is_read(site: Path):
    with serving(site) as running, (site / "feeds/issues.yaml").open("a") as file:
        write_post(site, 0, 2020, title="With the settings")
        for month in range(2, 8):
            file.write(f"2020-{month:02}: I go on\n")
            file.flush()
            time.sleep(0.3)
            assert "With the settings" not in body(running)
        assert soon(lambda: "With the settings" in body(running)) < 2


def test_a_renamed_post_is_never_missing(site: Path):
    with serving(site) as running:
        post = write_post(site, 0, 2020)
        time.sleep(1.6)
        post.rename(post.with_name("2020-01-01-renamed.md"))
        until = time.monotonic() + 2.5
        while time.monotonic() < until:
            assert "Post 0" in body(running)
            time.sleep(0.02)
        assert "/posts/2020-01-01-renamed/" in body(running)


def test_a_start_waits_for_a_post_that_is_still_being_written(site: Path):
    post = write_post(site, 0, 2020, title="Half")
    whole = post.read_text()
    post.write_text(whole[:-20])
    with serving(site) as running:
        text = body(running)
    assert text.count("<entry>") == 3
    assert time.time() - post.stat().st_mtime > 1.2


def test_an_empty_folder_beside_a_ledger_is_a_lost_mount(site: Path):
    done = command("publish", "--site", str(site))
    assert done.returncode == 0, done
    (site / "posts").rename(site / "aside")
    (site / "posts").mkdir()
    with serving(site) as running:
        assert running.ask("/healthz").status == 200
        state = running.ask("/readyz")
        assert (state.status, json.loads(state.body)["ready"]) == (503, False)
        assert running.ask("/feed.atom").status == 503
        (site / "posts").rmdir()
        (site / "aside").rename(site / "posts")
        soon(lambda: running.ask("/readyz").status == 200)
        assert running.ask("/feed.atom").status == 200


@pytest.mark.parametrize("how", ["removed", "emptied"])
def test_a_ledger_that_is_gone_takes_no_date_back(site: Path, how: str):
    write_post(site, 3, 2020, date=f"{datetime.now(UTC):%Y-%m}")
    assert command("publish", "--site", str(site)).returncode == 0
    ledger = site / "feeds/ledger.json"
    text = ledger.read_text()
    with serving(site) as running:
        before = body(running)
        ledger.unlink() if how == "removed" else ledger.write_text('{"version": 1, "posts": []}')
        soon(lambda: not ready(running)["current"])
        assert ready(running)["ready"]
        assert ready(running)["problems"] == ["feeds/ledger.json: the ledger holds no post any more"]
        write_post(site, 0, 2020, title="Edited meanwhile")
        time.sleep(2)
        assert body(running) == before
        ledger.write_text(text)
        soon(lambda: "Edited meanwhile" in body(running))
        assert ready(running)["current"]
        assert log_of(running).count("the ledger holds no post any more") == 1


def test_a_service_is_not_ready_while_the_clock_is_before_the_last_publication(site: Path):
    assert command("publish", "--site", str(site)).returncode == 0
    ledger = site / "feeds/ledger.json"
    year = f'"changed": "{datetime.now(UTC).year}'
    text = ledger.read_text()
    assert year in text
    ledger.write_text(text.replace(year, f'"changed": "{datetime.now(UTC).year + 20}'))
    with serving(site) as running:
        state = running.ask("/readyz")
        assert (state.status, json.loads(state.body)["ready"]) == (503, False)
        assert running.ask("/feed.atom").status == 503
        ledger.write_text(text)
        soon(lambda: running.ask("/readyz").status == 200)


def test_a_killed_service_leaves_nothing_in_the_temporary_folder(site: Path, tmp_path: Path):
    (tmp_path / "temporary").mkdir()
    with serving(site, TMPDIR=str(tmp_path / "temporary")) as running:
        running.ask("/metrics")
        running.process.kill()
        running.process.wait()
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.alone  # each file rests by itself: a busy machine sees the first at rest before the last
def test_many_files_at_once_are_read_once(site: Path):
    with serving(site) as running:
        staged = make_site(site.with_name("other"), 200, first_year=2021) / "posts"
        for path in staged.iterdir():
            path.rename(site / "posts" / path.name)
        assert soon(lambda: ready(running)["posts"] == 203) < 2
        assert log_of(running).count("serving ") == 2


def test_a_save_by_rename_is_read_once_and_soon(site: Path):
    with serving(site) as running:
        post = write_post(site, 0, 2020)
        time.sleep(1.5)
        draft = post.with_name(".save.tmp")
        draft.write_text(post.read_text().replace("Post 0", "Renamed in"))
        draft.rename(post)
        assert soon(lambda: "Renamed in" in body(running)) < 2


def test_faulty_settings_at_a_release_are_told_once_and_cost_nothing(site: Path):
    release = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
    write_post(site, 2, 2020, title="Released", date=release.isoformat())
    with serving(site) as running:
        settings = site / "feeds/site.yaml"
        good = settings.read_text()
        settings.write_text(good + "time_zone: Mars/Olympus\n")
        soon(lambda: not ready(running)["current"])
        time.sleep(max(0.0, (release - datetime.now(UTC)).total_seconds()) + 0.5)
        before = cpu(running)
        time.sleep(1.5)
        assert cpu(running) - before < 0.3
        settings.write_text(good)
        soon(lambda: "Released" in body(running))
        assert log_of(running).count("what was read last stays") == 1


def cpu(service: Service) -> float:
    """Seconds of CPU that the service and its builder have used."""
    stats = [
        Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split() for number in service.processes()
    ]
    return sum(int(fields[11]) + int(fields[12]) for fields in stats) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("value", ["abc", "0", "-1", "1.5", "70000", "9" * 5000])
@pytest.mark.parametrize("name", ["PORT", "WEB_CONCURRENCY"])
def test_a_number_that_is_none_stops_the_start_with_how_to_mend_it(site: Path, name: str, value: str):
    done = command("serve", "--site", str(site), **{name: value})
    meaning, most = {
        "WEB_CONCURRENCY": ("a number of worker processes", 1000),
        "PORT": ("a port number", 65535),
    }[name]
    assert done.returncode == 2
    assert f"{name} is not {meaning}: '{value}'. Set it to one from 1 to {most}." in done.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
def test_without_a_folder_of_posts_the_service_does_not_start(site: Path, workers: str):
    shutil.rmtree(site / "posts")
    done = command("serve", "--site", str(site), WEB_CONCURRENCY=workers)
    assert done.returncode == 1
    assert done.stdout == (
        "posts: the folder of posts is missing\n    Create it, and put one .md file a post in it.\n"
        "\n1 problem. The feeds were not started.\n"
    )


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_that_is_taken_is_told_with_the_way_out(site: Path, workers: str):
    with serving(site) as running:
        done = command("serve", "--site", str(site), PORT=str(running.port), WEB_CONCURRENCY=workers)
    assert done.returncode == 1
    assert f"cannot listen on 0.0.0.0:{running.port}: another program listens there" in done.stdout
    assert "Choose another --host or --port" in done.stdout
    assert "Errno" not in done.stdout + done.stderr


def test_a_faulty_post_is_told_in_the_log(site: Path):
    post = write_post(site, 0, 2020, topics="[unheard]")
    with serving(site) as running:
        log = log_of(running)
    assert f"faulty: posts/{post.name}:4: no topic is called 'unheard'" in log


def test_a_post_that_stays_faulty_is_told_once_however_often_others_change(site: Path):
    write_post(site, 0, 2020, topics="[unheard]")
    with serving(site) as running:
        for title in ("Edited once", "Edited twice"):
            write_post(site, 1, 2020, title=title)
            soon(lambda title=title: title in body(running))
        write_post(site, 2, 2020, topics="[unknown]")
        soon(lambda: len(ready(running)["problems"]) == 2)
        log = log_of(running)
    assert (log.count("no topic is called 'unheard'"), log.count("no topic is called 'unknown'")) == (1, 1)
