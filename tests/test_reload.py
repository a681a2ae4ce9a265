"""The service beside people, programs and disks that change its files: nothing is lost, nothing is missed."""

from __future__ import annotations

import asyncio
import contextlib
import gc
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
import watchfiles

from many import make_site, name_of, write_post
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.serving import building, reload
from pprnet_feeds.serving.builder import Builder
from pprnet_feeds.serving.knowledge import Knowledge
from pprnet_feeds.serving.messages import News
from pprnet_feeds.serving.pinging import Pinging
from pprnet_feeds.serving.recording import Recording
from pprnet_feeds.serving.snapshot import Snapshot, build
from pprnet_feeds.serving.store import Store
from pprnet_feeds.settings import Settings
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


def test_a_folder_that_goes_and_comes_back_is_watched_again(site: Path):
    with serving(site) as running:
        before = body(running)
        (site / "posts").rename(site / "aside")
        soon(lambda: ready(running)["problems"])
        assert body(running) == before
        state = ready(running)
        assert (state["current"], state["posts"]) == (False, 3)
        assert state["problems"] == ["posts: the folder of posts is missing"]
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
        "from pprnet_feeds.serving.snapshot import build; from pprnet_feeds.serving.store import Store\n"
        "from pprnet_feeds.settings import Settings\n"
        f"folder = Path({str(site)!r}); now = datetime(2024, 1, 1, tzinfo=UTC); store = Store()\n"
        "first = build(Settings(folder), {}, now, store)\n"
        "(folder / 'posts/sub').chmod(0)\n"
        "for held in (None, first):\n"
        "    for fault in build(Settings(folder), {}, now, store, held):\n"
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


def test_many_quick_saves_are_whole_and_never_ahead_of_the_clock(site: Path):
    with serving(site) as running:
        seen = set()
        for number in range(30):
            write_post(site, 0, 2020, title=f"Save {number}")
            answer = running.ask("/feed.atom")
            seen.add(answer.headers["last-modified"])
            assert parsedate_to_datetime(answer.headers["last-modified"]) <= datetime.now(UTC)
            time.sleep(0.08)
        assert soon(lambda: "Save 29" in body(running)) < 2
        assert parsedate_to_datetime(running.ask("/feed.atom").headers["last-modified"]) <= datetime.now(UTC)


def test_a_post_that_is_still_being_written_is_not_published(site: Path):
    post = site / "posts/2021-09-slow.md"
    with serving(site) as running:
        with post.open("w") as file:
            file.write("---\ntitle: Slow\ndate: 2021-09\ntopics: [alpha]\n---\n")
            for _ in range(5):
                file.write("A paragraph.\n\n")
                file.flush()
                assert "Slow" not in body(running)
                time.sleep(0.12)
            file.write("The end.\n")
        soon(lambda: "Slow" in body(running))
        assert "The end." in body(running)


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


def test_a_post_scheduled_for_years_ahead_shortens_no_lifetime(site: Path):
    release = datetime.now(UTC) + timedelta(days=3650)
    write_post(site, 2, 2020, date=release.replace(microsecond=0).isoformat())
    state = builder(site, Store()).state
    assert state.shorten_from > datetime.now(UTC) + timedelta(days=3600)


def test_lifetimes_are_shortened_before_a_cache_would_outlive_a_release(site: Path):
    release = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=900 + 3600 + 119)
    write_post(site, 2, 2020, date=release.isoformat())
    assert builder(site, Store()).state.shorten_from == release - timedelta(seconds=900 + 3600)


def builder(site: Path, store: Store, tell: Callable[[object], None] = lambda message: None) -> Builder:
    """The builder of one worker, without its process."""
    settings = Settings(site)

    def now() -> datetime:
        return datetime.now(UTC).replace(microsecond=0)

    def rebuild(before, moved):
        return build(settings, {}, now(), store, before, moved=moved)

    first = build(settings, {}, now(), store)
    assert isinstance(first, Snapshot)
    pinging, recording = Pinging("", "", now), Recording("", now, {})
    return Builder(site, first, rebuild, lambda: store.load().newest, now, pinging, recording, tell)


def kept_current(service: Builder, happened: Callable[[], object]) -> None:
    """Keep *service* current until something has happened."""

    async def run() -> None:
        task = asyncio.create_task(reload.keep_current(service))
        try:
            async with asyncio.timeout(6):
                while not happened():
                    await asyncio.sleep(0.02)
        finally:
            task.cancel()
        assert not task.done()

    asyncio.run(run())


def test_an_error_of_our_own_never_ends_reloading(site: Path, caplog: pytest.LogCaptureFixture):
    news: list[News] = []
    service = builder(site, Store(), news.append)
    good, calls = service.rebuild, []

    async def sometimes(moved):
        calls.append(1)
        if len(calls) < 3:
            raise RuntimeError("out of luck")
        return await good(moved)

    service.rebuild = sometimes

    turn = iter(range(1000))

    def happened() -> bool:
        if next(turn) % 50 == 30:  # once it is watched
            write_post(site, 0, 2020, title=f"Written {len(calls)}")
        return any(title.startswith("Written") for title in titles(service))

    kept_current(service, happened)
    what = "the site could not be read: RuntimeError('out of luck')"
    assert {fault for told in news for fault in told.state.faults} == {f".: {what}"}
    assert service.faults == []
    told = [record for record in caplog.records if record.exc_info]
    assert len(told) == 1


def test_what_failed_is_tried_again_without_a_change(site: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reload, "RETRY", 0.3)
    service = builder(site, Store())
    service.faults = [Problem("posts", 0, 0, "the folder cannot be read", "")]
    kept_current(service, lambda: not service.faults)


def test_what_another_process_has_recorded_is_taken_over(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reload, "RETRY", 0.3)
    service = builder(site, Store(str(tmp_path / "state")))
    first = service.snapshot
    other = Store(str(tmp_path / "state"))
    whole = write_post(site, 1, 2020).read_text()
    write_post(site, 1, 2020, title="Seen by the other one only")
    build(Settings(site), {}, datetime.now(UTC).replace(microsecond=0), other)
    write_post(site, 1, 2020).write_text(whole)
    kept_current(service, lambda: service.snapshot is not first and service.snapshot.changed > first.changed)


def test_where_the_system_tells_of_no_changes_the_files_are_asked(
    site: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def limited(*paths, force_polling, **options):
        if not force_polling:
            raise OSError('OS file watch limit reached. about ["posts"]')
        return watch(*paths, force_polling=True, **options)

    watch = watchfiles.awatch
    monkeypatch.setattr(watchfiles, "awatch", limited)
    service = builder(site, Store())
    write = iter(range(1000))

    def happened() -> bool:
        number = next(write)
        if number % 80 == 70:  # once it is watched
            write_post(site, 0, 2020, title=f"Asked for {number}")
        return any(title.startswith("Asked for") for title in titles(service))

    kept_current(service, happened)
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert told == [
        'changes are not told by the system (OS file watch limit reached. about ["posts"]): looking for them'
    ]


def titles(service: Builder) -> list[str]:
    return [post.title for post in service.snapshot.library.posts]


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
        "\n1 problem in 1 file. The feeds were not started.\n"
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
    assert f"left out or mended: posts/{post.name}:4: no topic is called 'unheard'" in log


def test_every_feed_that_is_held_is_compressed_with_care_a_moment_later(site: Path):
    addresses = [
        f"/{folder}feed.{form}" for folder in ("", "topics/alpha/") for form in ("atom", "rss", "json")
    ]
    with serving(site) as running:
        quick = [running.ask(address, accept_encoding="br") for address in addresses]
        soon(lambda: running.ask(addresses[-1], accept_encoding="br").headers["etag"].endswith('-bb"'), 15)
        soon(
            lambda: all(
                running.ask(address, accept_encoding="br").headers["etag"].endswith('-bb"')
                for address in addresses
            ),
            3,
        )
        careful = [running.ask(address, accept_encoding="br") for address in addresses]
        assert all(len(now.body) <= len(was.body) for was, now in zip(quick, careful, strict=True))
        # Whoever holds the quick one holds the document all the same.
        held = quick[0].headers["etag"]
        assert running.ask(addresses[0], accept_encoding="br", if_none_match=held).status == 304


def held_open(path: Path) -> int:
    """How many files this process holds open that are or were called *path*."""
    links = []
    for number in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            links.append(str(number.readlink()))
    return sum(link.removesuffix(" (deleted)") == str(path) for link in links)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="it cannot be told which files are open")
@pytest.mark.parametrize(("topics", "settings"), [("[beta]", False), ("[unheard]", False), ("[beta]", True)])
def test_however_many_edits_there_were_few_kept_files_are_open(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, topics: str, settings: bool
):
    monkeypatch.setattr(building, "KEEP_AFTER", 0.01)
    for number in range(3, 9):
        write_post(site, number, 2020)
    service, cache = builder(site, Store()), tmp_path / "state.posts"
    seen: list[int] = []

    async def edited() -> None:
        keeping = asyncio.create_task(building._keep(service, cache, Knowledge(), lambda: None))
        for number in range(9):
            async with asyncio.timeout(6):
                while not (cache.exists() and cache.stat().st_mtime_ns not in seen):
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.2)  # texts are let go after that
            seen.append(cache.stat().st_mtime_ns)
            assert service.snapshot.answer("/posts/" + name_of(number, 2020) + "/")
            written = write_post(site, number, 2020, topics=topics)
            if settings:
                (site / "feeds/issues.yaml").write_text(f"2020-01: I say {number}\n")
            snapshot = await service.rebuild(None if settings else frozenset([f"posts/{written.name}"]))
            assert isinstance(snapshot, Snapshot)
            await service.swap(snapshot)
        keeping.cancel()
        await asyncio.wait([keeping])

    gc.disable()  # it does not come by itself while this lasts
    try:
        asyncio.run(edited())
        assert held_open(cache) <= 3
    finally:
        gc.enable()
