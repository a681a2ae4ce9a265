"""``pprnet-feeds build s3://…`` against a real server with the API of S3."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import brotli
import pytest

import s3
from copied import BASE, MOVED_POST, as_copied, edit, make_site
from pprnet_feeds.exporting.hosts import object_key
from service import ROOT, command, free_port, serving
from test_build import documents

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def storage() -> Iterator[s3.Storage]:
    with s3.running() as server:
        yield server


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_site(tmp_path_factory.mktemp("s3") / "site")


@pytest.fixture(scope="module")
def bucket(storage: s3.Storage, site: Path) -> str:
    """A bucket with a copy that the tests only look at."""
    name = storage.bucket("looked-at")
    run(storage, site, f"s3://{name}")
    return name


def run(storage: s3.Storage, site: Path, place: str) -> str:
    done = command("build", place, cwd=site, **storage.environ)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


def puts(storage: s3.Storage, since: int = 0) -> list[str]:
    """The paths that something was uploaded to, the manifest left out."""
    asked = [line.split(" ") for line in storage.requests()[since:]]
    return [path for method, path in asked if method == "PUT" and not path.endswith(s3.MANIFEST)]


def test_every_object_holds_what_the_service_answers_and_tells_its_type(storage, site, bucket):
    told = ("content-type", "cache-control")
    with serving(site) as service:
        for path in documents(site):
            answer = service.ask(path)
            headers, body = storage.ask(f"/{bucket}/{object_key(path)}")
            assert body == as_copied(answer.body), path
            assert [headers[name] for name in told] == [answer.headers[name] for name in told], path


def test_a_compressed_sibling_tells_its_coding(storage, bucket):
    whole = storage.ask(f"/{bucket}/feed.atom")[1]
    for ending, coding, decompress in ((".br", "br", brotli.decompress), (".gz", "gzip", gzip.decompress)):
        headers, body = storage.ask(f"/{bucket}/feed.atom{ending}")
        assert (headers["content-encoding"], decompress(body)) == (coding, whole)
        assert headers["content-type"] == "application/atom+xml; charset=utf-8"


def test_a_feed_stands_at_every_address_at_which_it_is_guessed(storage, bucket):
    for form, names in (
        ("atom", "feed feed/index.html feed.xml atom atom.xml index.atom"),
        ("rss", "rss rss/index.html rss.xml index.xml index.rss rss/feed.xml"),
    ):
        headers, body = storage.ask(f"/{bucket}/topics/alliance/feed.{form}")
        for name in names.split():
            its, same = storage.ask(f"/{bucket}/topics/alliance/{name}")
            assert (its["content-type"], same) == (headers["content-type"], body)


def test_what_moved_stands_at_its_former_address_too(storage, bucket):
    now = f"/{bucket}/posts/{MOVED_POST}"
    assert storage.ask(f"/{bucket}/2020/12/sleep/index.html")[1] == storage.ask(f"{now}/index.html")[1]
    assert storage.ask(f"/{bucket}/2020/12/sleep.bib")[1] == storage.ask(f"{now}.bib")[1]
    assert storage.ask(f"/{bucket}/old/sleep.html")[1] == storage.ask(f"{now}/index.html")[1]
    assert storage.ask(f"/{bucket}/topics/bond/feed")[1] == storage.ask(f"/{bucket}/topics/alliance/feed")[1]


def test_an_edit_uploads_what_changed_and_nothing_twice(storage, tmp_path):
    site, place = make_site(tmp_path / "site"), f"s3://{storage.bucket('edited')}/feeds/below"
    run(storage, site, place)
    began = len(storage.requests())
    assert ": 0 written, 0 removed, " in run(storage, site, place)
    assert [line for line in storage.requests()[began:] if not line.startswith("GET ")] == []
    edit(site / "feeds/topics.yaml", 'slug: nothing-yet, label: "Nothing yet"', "slug: brand-new, label: New")
    began = len(storage.requests())
    run(storage, site, place)
    uploaded = puts(storage, began)
    assert len(uploaded) == len(set(uploaded))
    assert "/edited/feeds/below/topics/brand-new/feed.atom" in uploaded
    assert not [path for path in uploaded if path.startswith("/edited/feeds/below/topics/alliance/feed.")]
    # What is old goes when all that is new stands, and only then is it written down.
    asked = storage.requests()[began:]
    deleted = [number for number, line in enumerate(asked) if line.startswith("POST ")]
    assert deleted
    assert deleted[0] > max(number for number, line in enumerate(asked) if line[4:] in uploaded)
    assert asked[-1] == f"PUT /edited/feeds/below{s3.MANIFEST}"
    fresh = f"s3://{storage.bucket('fresh')}/feeds/below"
    run(storage, site, fresh)
    assert storage.keys("edited") == storage.keys("fresh")


def test_an_object_that_somebody_replaced_or_removed_is_mended(storage, site, bucket):
    before = storage.keys(bucket)
    for name, body in (("feed.atom", b"something else"), ("feed.rss", None)):
        storage.tamper(f"/{bucket}/{name}", body)
    assert ": 2 written, 0 removed, " in run(storage, site, f"s3://{bucket}")
    assert storage.keys(bucket) == before


def test_a_bucket_with_somebodys_objects_is_refused(storage, site):
    storage.tamper(f"/{storage.bucket('not-ours')}/mine.txt", b"mine")
    assert refused(storage.environ, site, "s3://not-ours") == (
        "Error: s3://not-ours: it holds objects that no build made. "
        "Give another prefix, or empty this one yourself: nothing in it is overwritten.\n"
    )


def refused(environ: dict[str, str], site: Path, place: str) -> str:
    done = command("build", place, cwd=site, **environ)
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr


def test_a_bucket_that_is_not_there_is_told_in_one_line(storage, site):
    assert refused(storage.environ, site, "s3://nobodys-bucket") == (
        "Error: s3://nobodys-bucket: NoSuchBucket: The specified bucket does not exist. "
        "Look at AWS_ENDPOINT_URL, AWS_REGION, the credentials and the name of the bucket.\n"
    )


def test_credentials_that_are_not_taken_are_told_in_one_line(site):
    with s3.running(INITIAL_NO_AUTH_ACTION_COUNT="0") as storage:
        told = refused(storage.environ, site, "s3://some-bucket")
    assert told.startswith("Error: s3://some-bucket: InvalidAccessKeyId: ")
    assert told.count("\n") == 1


def test_a_storage_that_cannot_be_reached_is_told_in_one_line(storage, site):
    told = refused(
        storage.environ | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}, site, "s3://some-bucket"
    )
    assert told.count("\n") == 1
    assert told.endswith(
        "Look at AWS_ENDPOINT_URL, AWS_REGION, the credentials and the name of the bucket.\n"
    )


@pytest.mark.parametrize("place", ["s3://", "s3://Has Spaces", "s3://ab", "s3://bucket?x=1"])
def test_what_is_no_bucket_is_told(storage, site, place):
    assert "it is not the address of a bucket. Write it like s3://my-bucket" in refused(
        storage.environ, site, place
    )


def test_of_two_builds_the_late_one_stops(storage, tmp_path):
    site, place = make_site(tmp_path / "site"), f"s3://{storage.bucket('both')}"
    first = start(storage, site, place)
    for _ in range(500):
        if any(line.startswith("PUT /both/") for line in storage.requests()):
            break
        time.sleep(0.02)
    first.send_signal(signal.SIGSTOP)
    try:
        edit(site / "feeds/site.yaml", BASE, "https://other.example.org")
        run(storage, site, place)
    finally:
        first.send_signal(signal.SIGCONT)
        told = first.communicate(timeout=60)[1]
    assert (first.returncode, "another build is at work there" in told) == (1, True), told
    # What it uploaded too late is noticed and mended.
    run(storage, site, place)
    assert b"other.example.org" in storage.ask("/both/feed.atom")[1]
    run(storage, site, f"s3://{storage.bucket('alone')}")
    assert storage.keys("both") == storage.keys("alone")


def start(storage: s3.Storage, site: Path, place: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pprnet_feeds", "build", place], cwd=site, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **storage.environ},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_a_build_that_was_killed_is_finished_by_the_next(storage, tmp_path):
    site, place = make_site(tmp_path / "site"), f"s3://{storage.bucket('killed')}"
    process = start(storage, site, place)
    for _ in range(500):
        if len([line for line in storage.requests() if line.startswith("PUT /killed/")]) > 20:
            break
        time.sleep(0.02)
    process.kill()
    process.communicate()
    run(storage, site, place)
    run(storage, site, f"s3://{storage.bucket('never-killed')}")
    assert storage.keys("killed") == storage.keys("never-killed")
