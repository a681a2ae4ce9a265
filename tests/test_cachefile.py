"""What was read is kept and read back exactly, and nothing that is wrong with the file does any harm."""

from __future__ import annotations

import os
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pprnet_feeds.content import cachefile, files, keptfile
from pprnet_feeds.content.digests import appearance
from pprnet_feeds.content.library import Library, read_library
from pprnet_feeds.content.model import Post
from pprnet_feeds.content.reading import Reading
from test_posts import SITE

# An hour after the files of these tests were written.
NOW = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)

EVERY_KEY = """---
title: "Therapy: what works — “now”"
date: 2026-03-09
updated: 2026-03-10T00:00:00Z
id: an-id
slug: a-slug
topics: [Therapist Factors, alliance]
research: [Meta-analyses]
cites:
  - A plain reference. doi:10.1002/CPP.2521.
  - {text: Another, url: https://example.org/study, pmid: 33336836, title: A Study, authors: ["Lutz, W.", B],
     container: A Journal, year: 2021, volume: 3, issue: 4, pages: 5-6, publisher: Wiley, type: chapter}
summary: In short.
authors: [Ann, {name: Bob, url: https://example.org/bob, email: b@example.org, orcid: 0000-0002-1825-0097}]
image: {url: /images/a.jpg, alt: A chart, width: 800, height: 600}
aliases: [/blog/old.html, /posts/older/]
draft: true
status: corrected
note: A figure was wrong.
---
“Text” – 🙂.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    posts = tmp_path / "posts"
    posts.mkdir()
    (posts / "every-key.md").write_text(EVERY_KEY, "utf-8")
    (posts / "plain.md").write_text("---\ntitle: T\ndate: 2020-03\ntopics: [alliance]\n---\nText.\n")
    (posts / "faulty.md").write_text("---\ntitle: T\n---\n")
    return tmp_path


def read(folder: Path, held: Reading | None = None) -> Library:
    return read_library(folder, SITE, NOW, drafts=True, held=held)


def reading(folder: Path) -> Reading:
    found = read(folder).reading
    assert found is not None
    return found


def test_every_value_comes_back_as_it_was(folder):
    before = reading(folder)
    assert cachefile.write(folder / "state/posts.cache", SITE, before) == ""
    after = cachefile.load(folder / "state/posts.cache", SITE)
    assert after == before
    assert after is not None
    post, again = (which.by_file["posts/every-key.md"].post for which in (before, after))
    assert isinstance(post, Post)
    assert isinstance(again, Post)
    for field in fields(Post):
        value, read_back = getattr(post, field.name), getattr(again, field.name)
        assert (read_back, type(read_back)) == (value, type(value)), field.name
        assert value, field.name
    assert again.published.tzinfo is UTC


def test_a_restart_opens_no_post(folder, monkeypatch):
    library = read(folder)
    cachefile.write(folder / "posts.cache", SITE, reading(folder))
    held = cachefile.load(folder / "posts.cache", SITE)
    opened = []
    monkeypatch.setattr(files.os, "open", lambda *asked: opened.append(asked))
    again = read(folder, held)
    assert (again, opened) == (library, [])
    assert again.reading is held


def test_the_last_good_version_outlives_a_restart(folder):
    first = read(folder)
    (folder / "posts/plain.md").write_text("")
    second = read(folder, first.reading)
    assert second.reading is not None
    cachefile.write(folder / "posts.cache", SITE, second.reading)
    third = read(folder, cachefile.load(folder / "posts.cache", SITE))
    assert (third.posts, third.problems) == (first.posts, second.problems)


def test_what_was_worked_out_of_a_post_is_kept_with_it(folder):
    library = read(folder)
    digests = [appearance(post) for post in library.posts]
    assert library.reading is not None
    cachefile.write(folder / "posts.cache", SITE, library.reading)
    held = cachefile.load(folder / "posts.cache", SITE)
    assert [getattr(post, "digest", "") for post in read(folder, held).posts] == digests


def test_another_blog_and_other_topics_take_nothing_from_it(folder):
    path = folder / "posts.cache"
    cachefile.write(path, SITE, reading(folder))
    assert cachefile.load(path, replace(SITE, tag_root="example.org,2014:other")) is None
    elsewhere = replace(SITE, time_zone=ZoneInfo("Asia/Tokyo"))
    held = cachefile.load(path, elsewhere)
    moments = [post.published.hour for post in read_library(folder, elsewhere, NOW, held=held).posts]
    assert moments == [3]


def test_another_program_takes_nothing_from_it(folder, monkeypatch):
    cachefile.write(folder / "posts.cache", SITE, reading(folder))
    monkeypatch.setattr(cachefile, "_program", lambda: "another")
    assert cachefile.load(folder / "posts.cache", SITE) is None


def test_only_this_user_may_read_the_file_and_its_folder(folder):
    path = folder / "deep/state/posts.cache"
    cachefile.write(path, SITE, reading(folder))
    assert [oct(each.stat().st_mode & 0o777) for each in (path, path.parent)] == ["0o600", "0o700"]
    assert [each.name for each in path.parent.iterdir()] == ["posts.cache"]


def test_no_link_is_followed(folder):
    path, victim = folder / "posts.cache", folder / "victim"
    cachefile.write(victim, SITE, reading(folder))
    held = victim.read_bytes()
    for link in (path, path.with_name("posts.cache.new")):
        link.symlink_to(victim)
    assert cachefile.load(path, SITE) is None
    assert cachefile.write(path, SITE, reading(folder)) == ""
    assert (victim.read_bytes(), path.is_symlink()) == (held, False)


def test_a_file_that_others_may_write_is_not_believed(folder):
    path = folder / "posts.cache"
    cachefile.write(path, SITE, reading(folder))
    path.chmod(0o666)
    assert cachefile.load(path, SITE) is None


def test_what_is_no_file_is_as_if_there_were_none(folder):
    os.mkfifo(folder / "pipe")
    (folder / "folder").mkdir()
    for name in ("pipe", "folder", "nothing", "nothing/at/all"):
        assert cachefile.load(folder / name, SITE) is None


def test_what_cannot_be_written_is_told_and_survived(folder):
    (folder / "a-file").write_text("")
    (folder / "folder").mkdir()
    assert cachefile.write(folder / "a-file/posts.cache", SITE, reading(folder)) == "File exists"
    assert cachefile.write(folder / "folder", SITE, reading(folder)) == "Is a directory"
    assert not (folder / "folder.new").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full disk to try")
def test_a_full_disk_leaves_what_was_there(folder, monkeypatch):
    path = folder / "posts.cache"
    cachefile.write(path, SITE, reading(folder))
    held, opening = path.read_bytes(), os.open
    monkeypatch.setattr(keptfile.os, "open", lambda path, flags, mode=0: opening("/dev/full", os.O_WRONLY))
    assert cachefile.write(path, SITE, reading(folder)) == "No space left on device"
    assert path.read_bytes() == held


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, Reading]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "posts").mkdir()
    (folder / "posts/every-key.md").write_text(EVERY_KEY, "utf-8")
    found = reading(folder)
    cachefile.write(folder / "posts.cache", SITE, found)
    return folder / "posts.cache", (folder / "posts.cache").read_bytes(), found


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_file_is_as_if_there_were_none(kept, data):
    path, whole, found = kept
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(start + 8, len(whole))))
    damaged = whole[:start] + data.draw(st.binary(max_size=8)) + whole[end:]
    if data.draw(st.booleans()):
        damaged = damaged[:start]
    path.write_bytes(damaged)
    assert cachefile.load(path, SITE) in ([None, found] if damaged.startswith(whole) else [None])


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_at_all_are_survived_behind_a_true_beginning(kept, noise):
    path, whole, _ = kept
    path.write_bytes(whole[:64] + noise)
    assert cachefile.load(path, SITE) is None


def test_what_a_killed_process_left_goes_with_the_next_writing(folder: Path):
    names = ("posts.cache.123", "posts.cache.124", "posts.cache.old", "other.cache.123")
    for name in names:
        (folder / name).touch()
        if not name.endswith("124"):
            os.utime(folder / name, (0, 0))
    assert cachefile.write(folder / "posts.cache", SITE, reading(folder)) == ""
    assert {name for name in names if (folder / name).exists()} == set(names[1:])
