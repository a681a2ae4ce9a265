"""What is read again, what stays the same object, and what a faulty edit leaves standing."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprnet_feeds.content import files
from pprnet_feeds.content.ledger import Ledger, read_ledger, record_of, write
from pprnet_feeds.content.library import Library, read_library
from pprnet_feeds.content.model import Site, Term
from pprnet_feeds.content.problems import Problem
from test_posts import SITE

# The files of these tests are old when they are read: an hour lies between any of them and now.
NOW = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
OLD = 1_600_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "posts").mkdir()
    for name in ("a", "b", "c"):
        write_post(tmp_path, name)
    return tmp_path


def write_post(folder: Path, name: str, extra: str = "", date: str = "2020-03", body: str = "Text.") -> Path:
    path = folder / "posts" / f"{name}.md"
    path.write_text(
        f"---\ntitle: T\ndate: {date}\ntopics: [alliance]\n{extra}\n---\n{body}\n", encoding="utf-8"
    )
    return path


def read(folder: Path, before: Library | None = None, site: Site = SITE, **how: object) -> Library:
    now = how.pop("now", NOW)
    return read_library(folder, site, now, before=before, **how)  # type: ignore[arg-type]


def ids(library: Library) -> list[str]:
    return [post.id for post in library.posts]


def told(library: Library) -> list[tuple[str, str]]:
    return [(problem.place, problem.what) for problem in library.problems]


def same(one: Library, other: Library) -> list[str]:
    """The ids of the posts that are one object in both."""
    objects = {id(post) for post in one.posts}
    return [post.id for post in other.posts if id(post) in objects]


def swap_in(path: Path, text: str) -> None:
    """Put other bytes of the same length into a file without moving anything but its ctime."""
    status = path.stat()
    assert len(text.encode()) == status.st_size
    path.write_text(text)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_only_the_edited_post_is_another_object(folder):
    first = read(folder)
    write_post(folder, "b", body="Better.")
    second = read(folder, first)
    assert (same(first, second), second.posts[1].body) == (["a", "c"], "Better.\n")


def test_a_touched_or_moved_in_file_is_no_other_post(folder):
    first = read(folder)
    os.utime(folder / "posts/a.md", (OLD, OLD))
    copy = folder / "copy"
    copy.write_bytes((folder / "posts/b.md").read_bytes())
    copy.rename(folder / "posts/b.md")
    path = folder / "posts/c.md"
    path.write_text(path.read_text().replace("title: T", "title:   T"))
    assert same(first, read(folder, first)) == ["a", "b", "c"]


def test_what_did_not_change_is_not_opened(folder, monkeypatch):
    first = read(folder)
    opened = []
    monkeypatch.setattr(files.os, "open", lambda *asked: opened.append(asked))
    assert (read(folder, first).posts, opened) == (first.posts, [])


def test_a_young_file_is_compared_by_what_is_in_it(folder):
    now = datetime.now(UTC)
    first = read(folder, now=now)
    assert first.reading is not None
    assert [each.signature for each in first.reading.by_file.values()] == [b""] * 3
    path = folder / "posts/a.md"
    swap_in(path, path.read_text().replace("Text.", "Else."))
    second = read(folder, first, now=now)
    assert (second.posts[0].body, same(first, second)) == ("Else.\n", ["b", "c"])


def test_a_file_that_has_become_old_is_not_read_again(folder):
    young = read(folder, now=datetime.now(UTC))
    old = read(folder, young)
    assert young.reading is not None
    assert old.reading is not None
    assert [bool(each.signature) for each in young.reading.by_file.values()] == [False] * 3
    assert [bool(each.signature) for each in old.reading.by_file.values()] == [True] * 3


def test_an_edit_that_keeps_size_and_time_is_seen_by_the_time_of_its_inode(folder):
    first = read(folder)
    path = folder / "posts/a.md"
    swap_in(path, path.read_text().replace("Text.", "Else."))
    assert read(folder, first).posts[0].body == "Else.\n"


@pytest.mark.parametrize(
    ("data", "place", "what"),
    [
        (b"", "posts/b.md:1", "there is no front matter"),
        (b"---\ntitle: T\n", "posts/b.md:1", "the front matter is not closed"),
        (b"---\ntitle: T\ntopics: [alliance]\n---\n", "posts/b.md:1", "`date` is missing"),
        (b"Zo\xeb", "posts/b.md", "the file is not UTF-8 text: byte EB on line 1"),
        (b"x" * (files.SIZE_LIMIT + 1), "posts/b.md", "the file is larger than 1 MB"),
    ],
)
def test_a_faulty_edit_takes_nothing_away(folder, data, place, what):
    first = read(folder)
    (folder / "posts/b.md").write_bytes(data)
    second = read(folder, first)
    third = read(folder, second)
    assert (second.posts, same(first, second), third) == (first.posts, ["a", "b", "c"], second)
    assert told(second) == [(place, f"{what}; its last good version stays")]


def test_what_takes_the_place_of_a_file_takes_nothing_away(folder):
    first = read(folder)
    for name in ("a", "b", "c"):
        (folder / f"posts/{name}.md").unlink()
    (folder / "posts/a.md").symlink_to("/etc/passwd")
    os.mkfifo(folder / "posts/b.md")
    (folder / "posts/c.md").mkdir()
    second = read(folder, first)
    assert same(first, second) == ["a", "b", "c"]
    assert told(second) == [
        ("posts/a.md", "a symbolic link is not followed; its last good version stays"),
        ("posts/b.md", "this is not a regular file; its last good version stays"),
        ("posts/c.md", "this is not a regular file; its last good version stays"),
    ]


@pytest.mark.skipif(os.getuid() == 0, reason="nothing is closed to root")
def test_a_file_that_may_not_be_read_any_more_keeps_its_post(folder):
    first = read(folder)
    (folder / "posts/b.md").chmod(0)
    assert same(first, read(folder, first)) == ["a", "b", "c"]


def test_a_mended_post_is_read_and_nothing_is_told_any_more(folder):
    first = read(folder)
    path = write_post(folder, "b", "date: 2026-13")
    second = read(folder, first)
    write_post(folder, "b", body="Mended.")
    third = read(folder, second)
    assert (third.posts[1].body, third.problems, path.exists()) == ("Mended.\n", (), True)


def test_a_new_faulty_file_is_left_out(folder):
    first = read(folder)
    (folder / "posts/d.md").write_text("nothing")
    second = read(folder, first)
    assert (ids(second), told(second)) == (["a", "b", "c"], [("posts/d.md:1", "there is no front matter")])


def test_a_deleted_file_is_gone(folder):
    first = read(folder)
    (folder / "posts/b.md").write_text("")
    second = read(folder, first)
    (folder / "posts/b.md").unlink()
    third = read(folder, second)
    assert (ids(second), ids(third), third.problems) == (["a", "b", "c"], ["a", "c"], ())


def test_a_post_that_becomes_a_draft_goes(folder):
    first = read(folder)
    write_post(folder, "b", "draft: true")
    assert ids(read(folder, first)) == ["a", "c"]


def test_a_draft_that_becomes_faulty_stays_a_draft(folder):
    write_post(folder, "b", "draft: true")
    first = read(folder)
    write_post(folder, "b", "draft: perhaps")
    assert ids(read(folder, first)) == ["a", "c"]


def with_topics(*topics: Term) -> Site:
    return replace(SITE, topics=topics)


def test_other_topics_have_every_post_read_anew(folder):
    write_post(folder, "b", "research: [Reviews]")
    first = read(folder)
    renamed = with_topics(Term("bond", "Alliance", former=("alliance",)))
    second = read(folder, first, renamed)
    assert [post.topics for post in second.posts] == [("bond",)] * 3
    assert read(folder, second).posts == first.posts


def test_a_last_good_version_goes_by_the_new_name_of_its_topic(folder):
    first = read(folder)
    (folder / "posts/b.md").write_text("")
    second = read(folder, first, with_topics(Term("bond", "Bond", former=("alliance",))))
    assert [(post.id, post.topics) for post in second.posts if post.id == "b"] == [("b", ("bond",))]


def test_a_last_good_version_without_a_topic_of_the_site_is_left_out(folder):
    first = read(folder)
    (folder / "posts/b.md").write_text("")
    second = read(folder, first, with_topics(Term("other", "Other")))
    assert ids(second) == []
    assert ("posts/b.md:1", "there is no front matter") in told(second)


def test_posts_are_equal_whatever_the_ledger_and_the_moment_make_of_them(folder):
    write_post(folder, "a", "updated: 2099-01-01T00:00:00Z")
    write_post(folder, "b", "aliases: [/old, /posts/c/]")
    first = read(folder)
    told_before = [replace(post, published=datetime(2019, 1, 1, tzinfo=UTC)) for post in first.posts]
    records = [record_of(post, None, NOW) for post in told_before]
    ledger = Ledger({record.id: record for record in records})
    second = read(folder, first, ledger=ledger)
    assert [post.published.year for post in second.posts] == [2019] * 3
    assert second.posts[0].updated == ledger.records["a"].updated
    assert [post.aliases for post in second.posts] == [(), ("/old",), ()]
    assert read(folder, second, ledger=ledger) == second


def test_a_ledger_that_says_what_the_posts_say_leaves_them_the_same_objects(folder):
    first = read(folder)
    ledger = Ledger({post.id: record_of(post, None, NOW) for post in first.posts})
    second = read(folder, first, ledger=ledger)
    assert (same(first, second), second.unrecorded) == (["a", "b", "c"], 0)


def test_a_ledger_that_did_not_change_is_the_same_object(folder):
    (folder / "feeds").mkdir()
    path = folder / "feeds/ledger.json"
    path.write_text(write(Ledger()))
    held = read_ledger(folder)
    assert isinstance(held, Ledger)
    assert read_ledger(folder, held) is held
    post = read(folder).posts[0]
    path.write_text(write(Ledger({post.id: record_of(post, None, NOW)})))
    other = read_ledger(folder, held)
    assert isinstance(other, Ledger)
    assert list(other.records) == ["a"]


def test_a_file_that_is_written_to_while_it_is_read_is_not_trusted(folder, monkeypatch):
    first = read(folder)
    path = write_post(folder, "b", body="First half,")
    reading = files.os.read

    def slow(descriptor: int, size: int) -> bytes:
        data: bytes = reading(descriptor, size)
        with path.open("a") as file:
            file.write(" second half.\n")
        return data

    with monkeypatch.context() as patched:
        patched.setattr(files.os, "read", slow)
        second = read(folder, first)
    third = read(folder, second)
    assert same(first, second) == ["a", "b", "c"]
    assert told(second) == [
        ("posts/b.md", "the file was changed while it was read; its last good version stays")
    ]
    assert (third.posts[1].body, third.problems) == ("First half,\n second half.\n", ())


def test_while_files_are_written_every_reading_holds_whole_posts(folder):
    """A writer that truncates and writes again, as editors do, never shows half a body."""
    bodies = {f"{letter * 40_000}\n" for letter in "xyz"} | {"Text.\n"}
    end = threading.Event()

    def rewrite() -> None:
        for _ in range(15):
            for letter in "xyz":
                write_post(folder, "a", body=letter * 40_000)
        end.set()

    writer = threading.Thread(target=rewrite)
    library = read(folder)
    writer.start()
    while not end.is_set():
        library = read(folder, library)
        assert {post.id for post in library.posts} == {"a", "b", "c"}
        assert {post.body for post in library.posts} <= bodies
    writer.join()
    assert not read(folder, library).problems


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c", "d"]),
        st.sampled_from(["sound", "other", "faulty", "empty", "draft", "gone", "touched", "taken"]),
    ),
    max_size=12,
)


@given(EDITS)
def test_whatever_was_edited_a_sound_site_reads_as_from_scratch(tmp_path_factory, edits):
    folder = tmp_path_factory.mktemp("site")
    (folder / "posts").mkdir()
    library = None
    for name, edit in edits:
        path = folder / "posts" / f"{name}.md"
        if edit in ("gone", "touched"):
            if path.exists():
                path.unlink() if edit == "gone" else os.utime(path, (OLD, OLD))
        elif edit == "empty":
            path.write_text("")
        else:
            extra = {"faulty": "date: x", "draft": "draft: true", "taken": "slug: b", "other": "note:"}
            write_post(folder, name, extra.get(edit, ""), body=edit)
        library = read(folder, library)
    for path in (folder / "posts").glob("*.md"):
        write_post(folder, path.stem)
    assert read(folder, library) == read(folder)


def test_problems_stay_in_the_order_of_files(folder):
    first = read(folder)
    for name in ("c", "a", "b"):
        (folder / f"posts/{name}.md").write_text("")
    second = read(folder, first)
    assert list(second.problems) == sorted(second.problems)
    assert all(isinstance(problem, Problem) for problem in second.problems)
