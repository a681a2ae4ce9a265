"""What is sent is never from the future, and a process that was killed leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from many import make_site, write_post
from processes import words
from service import SITES, serving

# How many posts are edited in turn, how many edits there are, and how often in seconds.
POSTS, EDITS, EVERY = 40, 100, 0.1


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SITES / "small", tmp_path / "site"))


@pytest.mark.slow
def test_last_modified_is_never_later_than_date_however_often_posts_are_edited(tmp_path: Path):
    site = make_site(tmp_path / "site", POSTS)
    (tmp_path / "aside/posts").mkdir(parents=True)
    ended = threading.Event()

    def edit() -> None:
        for number in range(EDITS):  # each file rests long enough to be read before it is edited again
            aside = write_post(tmp_path / "aside", number % POSTS, text=f"Edit number {number}.\n")
            aside.replace(site / "posts" / aside.name)
            time.sleep(EVERY)
        time.sleep(2)
        ended.set()

    with serving(site) as service:
        service.ask("/feed.atom")
        editing = threading.Thread(target=edit)
        editing.start()
        later, tags = [], set()
        while not ended.is_set():
            for path in ("/feed.atom", "/topics/alpha/feed.json", "/"):
                fields = service.ask(path).headers
                date, moment = (parsedate_to_datetime(fields[name]) for name in ("date", "last-modified"))
                tags.add(fields["etag"])
                if moment > date:
                    later.append((path, moment - date))
        editing.join()
    assert len(tags) > 3  # edits became live meanwhile
    assert later == []


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_service_that_is_killed_leaves_nothing_in_the_temporary_folder(
    site: Path, tmp_path: Path, workers: str
):
    folder = tmp_path / "temporary"
    folder.mkdir()
    for _ in range(2):
        with serving(site, TMPDIR=str(folder), WEB_CONCURRENCY=workers) as service:
            for path in ("/feed.atom", "/metrics", "/"):
                service.ask(path)
            family = service.processes()
            os.kill(service.process.pid, signal.SIGKILL)
            service.process.wait()
            end = time.monotonic() + 20
            while any(map(words, family)) and time.monotonic() < end:  # the others notice
                time.sleep(0.1)
    assert [path.name for path in folder.rglob("*")] == []
