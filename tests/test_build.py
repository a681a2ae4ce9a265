"""``pprnet-feeds build DIR``: the bytes of the service as files, and nobody's files touched."""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import brotli
import pytest
from click.testing import CliRunner

from copied import BASE, MOVED_POST, as_copied, edit, make_site
from pprnet_feeds.commands.build import build as build_command
from pprnet_feeds.exporting.hosts import file_name
from pprnet_feeds.serving.snapshot import Snapshot, build
from pprnet_feeds.settings import Settings
from pprnet_feeds.state.last_modified import TimestampStore
from service import ROOT, command, serving

pytestmark = pytest.mark.slow  # each of them starts processes, or waits for files to rest

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
POST = "posts/2021-03-trust-grows-slowly.md"
NOTE = (
    "Files cannot answer combinations of topics, /oembed and /feeds.opml?topic=…; `serve` does.\n"
    "Files cannot be searched, so these pages have no search box; those of `serve` have one.\n"
)
SCHEDULED = "A scheduled post comes out at 2199-06-01T16:00:00Z: build again then.\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_site(tmp_path_factory.mktemp("build") / "site")


@pytest.fixture(scope="module")
def first(site: Path) -> tuple[Path, str]:
    """A copy that the tests only look at, and what was said of it."""
    folder = site.parent / "copy"
    done = command("build", str(folder), cwd=site)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return folder, done.stdout


@pytest.fixture(scope="module")
def copy(first: tuple[Path, str]) -> Path:
    return first[0]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A site that the test may change."""
    return make_site(tmp_path / "site")


@pytest.fixture
def own_copy(copy: Path, tmp_path: Path) -> Path:
    """A copy of the site as it is before the test changes it; what stands there is known to be ours."""
    return shutil.copytree(copy, tmp_path / "copy")


def run(site: Path, place: Path | str, **environ: str) -> str:
    """Build without a fault, and give what it says."""
    done = CliRunner().invoke(build_command, [str(place), "--site", str(site)], env=environ)
    assert (done.exit_code, done.stderr) == (0, ""), done.output
    return done.stdout


def refused(site: Path, place: Path | str, **environ: str) -> str:
    """Build with a fault, and give what it says."""
    done = CliRunner().invoke(build_command, [str(place), "--site", str(site)], env=environ)
    assert done.exit_code == 1, done.output
    return done.stdout + done.stderr


def files(folder: Path) -> dict[str, bytes]:
    """All files of a copy but the manifest and the lock."""
    ours = ("manifest.json", "lock")
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not (path.parent.name == ".pprnet-feeds" and path.name in ours)
    }


def times(folder: Path) -> dict[str, int]:
    return {str(path): path.lstat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def documents(site: Path) -> list[str]:
    snapshot = build(Settings(site), {}, NOW, TimestampStore())
    assert isinstance(snapshot, Snapshot)
    return list(snapshot.paths())


def test_every_file_holds_what_the_service_answers_but_the_search_box(site, copy):
    with serving(site) as service:
        answers = {path: service.ask(path) for path in documents(site)}
    assert {answer.status for answer in answers.values()} == {200}
    differing = [
        path
        for path, answer in answers.items()
        if (copy / file_name(path)).read_bytes() != as_copied(answer.body)
    ]
    assert differing == []


def test_the_newest_post_is_in_the_files_of_every_feed_that_selects_it(copy):
    for folder in ("", "topics/alliance/", "research/single-studies/", "issues/"):
        for form in ("atom", "rss", "json"):
            assert b"trust-grows-slowly" in (copy / f"{folder}feed.{form}").read_bytes()


def test_a_compressed_sibling_is_the_same_document_and_smaller(copy):
    for decompress, ending in ((brotli.decompress, ".br"), (gzip.decompress, ".gz")):
        siblings = {name: body for name, body in files(copy).items() if name.endswith(ending)}
        assert "feed.atom" + ending in siblings
        for name, body in siblings.items():
            whole = (copy / name.removesuffix(ending)).read_bytes()
            assert decompress(body) == whole
            assert len(body) < len(whole)


def test_a_feed_stands_where_it_is_guessed_and_a_file_can_stand(copy):
    atom, rss = (copy / "topics/alliance/feed.atom", copy / "topics/alliance/feed.rss")
    same = {
        atom: ("feed.xml", "atom.xml", "index.atom"),
        rss: ("rss.xml", "index.xml", "index.rss", "rss/feed.xml"),
    }
    for feed, names in same.items():
        assert {(feed.parent / name).read_bytes() for name in names} == {feed.read_bytes()}


def test_what_is_told_at_the_end_says_what_was_done_and_what_files_cannot_do(first, site):
    copy, said = first
    number = len([name for name in files(copy) if not name.endswith((".br", ".gz"))])
    counted = f"{len(documents(site))} addresses in {number} files"
    told = f"{copy}: {counted}: {number} written, 0 removed, 0 as they were.\n"
    assert said == told + SCHEDULED + NOTE


def test_a_second_build_writes_nothing(site, copy):
    before = times(copy)
    assert ": 0 written, 0 removed, " in run(site, copy)
    assert times(copy) == before


def test_only_what_changed_is_written_and_every_file_of_it_is_later(own, own_copy, tmp_path):
    copy = own_copy
    before, old = times(copy), files(copy)
    edit(own / POST, "Trust <3 grows", "Trust <3 grew")
    run(own, copy)
    after, new = times(copy), files(copy)
    touched = {name for name in new if before[f"{copy}/{name}"] != after[f"{copy}/{name}"]}
    assert {name for name in new if old[name] != new[name]} == touched
    assert "feed.atom.br" in touched
    assert "topics/nothing-yet/feed.atom" not in touched
    # A server makes its validators of whole seconds.
    assert all(after[f"{copy}/{name}"] // 10**9 > before[f"{copy}/{name}"] // 10**9 for name in touched)


def test_two_copies_of_the_same_posts_are_the_same(site, copy, tmp_path):
    run(site, tmp_path / "other")
    assert files(tmp_path / "other") == files(copy)


def test_what_went_from_the_site_goes_from_the_copy_and_nothing_else_does(own, own_copy, tmp_path):
    copy = own_copy
    (copy / "CNAME").write_text("feeds.example.org")
    (copy / "topics/alliance/notes.txt").write_text("mine")
    edit(own / "feeds/topics.yaml", '- {slug: nothing-yet, label: "Nothing yet"}\n', "")
    run(own, copy)
    assert not (copy / "topics/nothing-yet").exists()
    assert ((copy / "CNAME").exists(), (copy / "topics/alliance/notes.txt").exists()) == (True, True)
    run(own, tmp_path / "fresh")
    mine = {"CNAME", "topics/alliance/notes.txt"}
    assert {name: body for name, body in files(copy).items() if name not in mine} == files(tmp_path / "fresh")


def test_a_file_that_somebody_lost_or_changed_is_mended(own, own_copy, tmp_path):
    copy = own_copy
    whole = files(copy)
    (copy / "feed.atom").unlink()
    (copy / "feed.rss.br").write_bytes(b"something else")
    (copy / "topics/alliance/index.html").write_bytes(b"")
    assert ": 3 written, 0 removed, " in run(own, copy)
    assert files(copy) == whole


def test_a_folder_with_somebodys_files_is_refused_and_left_as_it_is(site, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    assert refused(site, tmp_path) == (
        f"Error: {tmp_path}: it holds files that no build made. "
        "Give an empty folder, or empty this one yourself: nothing in it is overwritten.\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_somebodys_file_at_a_name_of_ours_is_not_replaced(own, own_copy, tmp_path):
    copy = own_copy
    (copy / "topics/new-topic").mkdir()
    (copy / "topics/new-topic/feed.atom").write_text("mine")
    with (own / "feeds/topics.yaml").open("a") as topics:
        topics.write("- {slug: new-topic, label: New}\n")
    assert "topics/new-topic/feed.atom is there, and no build made it" in refused(own, copy)
    assert (copy / "topics/new-topic/feed.atom").read_text() == "mine"


@pytest.mark.parametrize("inside", [".", "posts", "feeds", "posts/2020"])
def test_nothing_is_built_among_the_posts(own, inside):
    before = sorted(own.rglob("*"))
    assert "the posts of the site are there" in refused(own, own / inside)
    assert sorted(own.rglob("*")) == before


def test_a_folder_beside_the_posts_will_do(own, copy):
    shutil.copytree(copy, own / "public")
    assert ": 0 written, 0 removed, " in run(own, own / "public")


def test_a_link_in_the_copy_is_not_followed(own, own_copy, tmp_path):
    copy, elsewhere = own_copy, tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "index.html").write_text("mine")
    for name in ("feed.atom", "feed.rss"):
        (copy / name).unlink()
    (copy / "feed.atom").symlink_to(elsewhere / "index.html")
    subprocess.run(["rm", "-r", copy / "topics"], check=True)
    (copy / "topics").symlink_to(elsewhere)
    assert "topics is a symbolic link" in refused(own, copy)
    assert [path.read_text() for path in elsewhere.iterdir()] == ["mine"]
    (copy / "topics").unlink()
    run(own, copy)
    assert not (copy / "feed.atom").is_symlink()
    assert (elsewhere / "index.html").read_text() == "mine"


def test_a_folder_that_is_a_file_is_refused(site, tmp_path):
    (tmp_path / "file").write_text("mine")
    assert "is no folder" in refused(site, tmp_path / "file")


def test_a_folder_that_cannot_be_written_is_told_in_one_line(site):
    said = refused(site, "/proc/copy")
    assert said.startswith("Error: ")
    assert said.count("\n") == 1


def test_without_a_base_url_nothing_is_built(own, tmp_path):
    edit(own / "feeds/site.yaml", f'base_url: "{BASE}"\n', "")
    assert refused(own, tmp_path / "copy") == (
        "feeds/site.yaml: no base_url is set\n"
        "    Set it in feeds/site.yaml, or PPRNET_BASE_URL: where readers will reach the feeds.\n\n"
        "1 problem in 1 file. Nothing was built.\n"
    )
    assert not (tmp_path / "copy").exists()


def test_the_base_url_of_the_environment_will_do(own, own_copy):
    edit(own / "feeds/site.yaml", f'base_url: "{BASE}"\n', "")
    assert ": 0 written, 0 removed, " in run(own, own_copy, PPRNET_BASE_URL=BASE)


def test_a_faulty_post_is_told_as_check_tells_it_and_nothing_is_built(own, tmp_path):
    edit(own / POST, "title: ", "titel: ")
    *fault, _, _ = refused(own, tmp_path / "copy").splitlines()
    assert command("check", cwd=own).stdout.splitlines()[: len(fault)] == fault
    assert not (tmp_path / "copy").exists()


def test_another_storage_is_not_known(site):
    done = command("build", "gs://bucket", cwd=site)
    assert done.returncode == 2
    assert "'gs://bucket' is no folder, and s3:// is the only storage that is known" in done.stderr


def test_two_builds_at_once_do_not_meet(site, own_copy):
    with (own_copy / ".pprnet-feeds/lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "another build is at work there. Wait until it is done." in refused(site, own_copy)
    assert ": 0 written, 0 removed, " in run(site, own_copy)


def start(site: Path, copy: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pprnet_feeds", "build", str(copy)],
        cwd=site, env={**os.environ, "PYTHONPATH": str(ROOT / "src")}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_build_killed_at_any_moment_leaves_whole_files_and_the_next_finishes(own, own_copy, tmp_path):
    copy = own_copy
    old = files(copy)
    edit(own / POST, "Trust <3 grows", "Trust <3 grew")
    edit(
        own / "feeds/topics.yaml",
        'slug: nothing-yet, label: "Nothing yet"',
        "slug: brand-new, label: Brand new",
    )
    run(own, tmp_path / "fresh")
    new = files(tmp_path / "fresh")
    killed = 0
    for wait in range(12):
        process = start(own, copy)
        time.sleep(0.5 + wait / 12)
        process.kill()
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        torn = {
            name
            for name, body in files(copy).items()
            if not name.startswith(".pprnet-feeds/new-") and body not in (old.get(name), new.get(name))
        }
        assert torn == set()
        kept = set(files(copy)) & set(old)
        assert kept == set(old) or new.keys() <= files(copy).keys(), "old files go last"
    run(own, copy)
    assert files(copy) == new
    assert killed > 2


def test_progress_is_shown_on_a_terminal_and_not_in_a_pipe(own, own_copy):
    leader, follower = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "pprnet_feeds", "build", str(own_copy)],
        cwd=own, env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "TERM": "xterm"},
        stdout=subprocess.PIPE, stderr=follower, timeout=60, check=True,
    )  # fmt: skip
    os.close(follower)
    shown = b""
    with contextlib.suppress(OSError):  # what a terminal says when nobody is left to write to it
        while part := os.read(leader, 65536):
            shown += part
    os.close(leader)
    assert b"Building" in shown
    assert b"100%" in shown
    assert done.stdout.decode().endswith(NOTE)


@pytest.mark.parametrize("content", [b"{}", b"\xff\xfe{}", b"\0" * 9], ids=["other", "no text", "zeros"])
def test_a_manifest_that_cannot_be_read_is_told_and_nothing_is_touched(own, own_copy, content):
    copy = own_copy
    before = times(copy)
    manifest = copy / ".pprnet-feeds/manifest.json"
    manifest.write_bytes(content)
    assert "its .pprnet-feeds/manifest.json cannot be read" in refused(own, copy)
    assert {name: at for name, at in times(copy).items() if name != str(manifest)} == {
        name: at for name, at in before.items() if name != str(manifest)
    }


def test_names_in_a_manifest_that_lead_out_of_the_folder_are_never_followed(own, own_copy, tmp_path):
    copy = own_copy
    (tmp_path / "mine.txt").write_text("mine")
    manifest = copy / ".pprnet-feeds/manifest.json"
    told = json.loads(manifest.read_text())
    told["files"]["../mine.txt"] = ["x", {"": "4-1"}]
    manifest.write_text(json.dumps(told))
    run(own, copy)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_post_that_moved_has_no_file_at_its_former_address(copy):
    assert not (copy / "2020").exists()
    assert (copy / f"posts/{MOVED_POST}/index.html").exists()
