"""The commands of docs/operator/scale.md, as they are there: each is started, and answers."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import postgres
import s3
from copied import make_site
from processes import workers
from service import ROOT, Service, free_port, wait

DOCUMENT = (ROOT / "docs/operator/scale.md").read_text("utf-8")
COMMANDS = dict(re.findall(r"^## ([^\n]+)\n(?:(?!## ).*\n)*?```sh\n(.+)\n```$", DOCUMENT, re.MULTILINE))
BASE = "https://feeds.example.org"

pytestmark = pytest.mark.slow


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return make_site(tmp_path / "blog")


def words(step: str, site: Path, **instead: str) -> list[str]:
    """A command of the document, with what exists here for what stands there as an example."""
    line = COMMANDS[step]
    for shown, real in {"/srv/blog": str(site), **instead}.items():
        assert shown in line, f"{step}: {shown}"
        line = line.replace(shown, real)
    return shlex.split(line)


def environ(home: Path, words: list[str]) -> tuple[dict[str, str], list[str]]:
    """The variables and the command of a line; ``pprnet-feeds`` is the program of this environment."""
    place = words.index("pprnet-feeds")
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("PPRNET_", "PORT", "WEB_"))
    }
    kept |= {"PYTHONPATH": str(ROOT / "src"), "XDG_STATE_HOME": str(home), "HOME": str(home)}
    kept |= dict(word.split("=", 1) for word in words[:place])
    return kept, [sys.executable, "-m", "pprnet_feeds", *words[place + 1 :]]


@contextlib.contextmanager
def started(step: str, site: Path, home: Path, **instead: str) -> Iterator[Service]:
    port = free_port()
    variables, line = environ(home, words(step, site, **{"8080": str(port)}, **instead))
    process = subprocess.Popen(line, env=variables, cwd=home, stderr=subprocess.PIPE, text=True)
    service = Service(process, port)
    try:
        wait(service)
        yield service
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=15) == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def told(service: Service) -> tuple[bytes, str, str]:
    answer = service.ask("/feed.atom")
    assert answer.status == 200
    assert f'<link href="{BASE}/feed.atom" rel="self"'.encode() in answer.body
    return answer.body, answer.headers["etag"], answer.headers["last-modified"]


def test_every_command_of_the_document_is_tried_here():
    assert list(COMMANDS) == [
        "One process", "Workers", "Replicas with PostgreSQL", "Files behind a CDN",
    ]  # fmt: skip
    assert len(COMMANDS) == DOCUMENT.count("```sh")


def test_one_process_answers(site: Path, tmp_path: Path):
    with started("One process", site, tmp_path) as service:
        told(service)
        assert workers(service) == [service.process.pid]


def test_two_workers_answer_alike(site: Path, tmp_path: Path):
    with started("Workers", site, tmp_path) as service:
        assert len(workers(service)) == 2
        assert len({told(service) for _ in range(20)}) == 1


def test_replicas_tell_the_same_although_one_saw_the_change_alone(site: Path, tmp_path: Path):
    with postgres.running() as server:
        state = {"postgresql://feeds@db.example.org/feeds": server.database()}
        homes = [tmp_path / "one", tmp_path / "other"]
        for home in homes:
            home.mkdir()
        step = "Replicas with PostgreSQL"
        with started(step, site, homes[0], **state) as one:
            before = told(one)
            post = site / "posts/2021-03-trust-grows-slowly.md"
            post.write_text(post.read_text("utf-8") + "\nOne more sentence.\n", "utf-8")
            for _ in range(100):
                if told(one)[1] != before[1]:
                    break
                time.sleep(0.05)
            after = told(one)
            assert after[2] != before[2]
            with started(step, site, homes[1], **state) as other:
                assert told(other) == after


def test_what_stands_in_object_storage_is_what_the_service_answers(site: Path, tmp_path: Path):
    with s3.running() as storage, started("One process", site, tmp_path) as service:
        bucket = storage.bucket("feeds-of-ours")
        variables, line = environ(
            tmp_path, words("Files behind a CDN", site, **{"s3://feeds": f"s3://{bucket}"})
        )
        done = subprocess.run(
            line, env=variables | storage.environ, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert storage.ask(f"/{bucket}/feed.atom")[1] == told(service)[0]
