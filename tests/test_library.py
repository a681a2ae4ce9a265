from __future__ import annotations

import os
import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprnet_feeds.content import files
from pprnet_feeds.content.library import Library, read_library
from test_posts import SITE

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "posts").mkdir()
    return tmp_path


def write(folder: Path, name: str, extra: str = "", date: str = "2026-03") -> Path:
    path = folder / "posts" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"---\ntitle: T\ndate: {date}\ntopics: [alliance]\n{extra}\n---\nText.\n", encoding="utf-8"
    )
    return path


def read(folder: Path, now: datetime = NOW, *, drafts: bool = False) -> Library:
    return read_library(folder, SITE, now, drafts=drafts)


def looked_into(folder: Path) -> Library:
    return read_library(folder, SITE, NOW, bodies=True)


def ids(library: Library) -> list[str]:
    return [post.id for post in library.posts]


def told(library: Library) -> list[tuple[str, str]]:
    return [(problem.file, problem.what) for problem in library.problems]


def test_the_newest_post_comes_first_and_ids_break_ties(folder):
    write(folder, "b.md")
    write(folder, "a.md")
    write(folder, "2026/newest.md", date="2026-04")
    assert ids(read(folder)) == ["newest", "a", "b"]


def test_withdrawn_posts_stand_by_themselves(folder):
    write(folder, "a.md", "status: withdrawn")
    write(folder, "b.md", "status: retracted")
    library = read(folder)
    assert (ids(library), [post.id for post in library.withdrawn]) == (["b"], ["a"])


def test_drafts_and_posts_of_the_future_are_in_nothing(folder):
    write(folder, "draft.md", "draft: true", date="2027-01")
    write(folder, "future.md", date="2026-07-01T00:00:00Z")
    write(folder, "withdrawn.md", "status: withdrawn", date="2026-08")
    assert read(folder) == Library(SITE, (), (), (), datetime(2026, 7, 1, tzinfo=UTC))


def test_a_post_enters_at_its_moment(folder):
    write(folder, "future.md", date="2026-07-01T00:00:00Z")
    moment = datetime(2026, 7, 1, tzinfo=UTC)
    assert ids(read(folder, moment - timedelta(seconds=1))) == []
    assert (ids(read(folder, moment)), read(folder, moment).next_release) == (["future"], None)


def test_a_preview_shows_drafts_and_the_future(folder):
    write(folder, "draft.md", "draft: true")
    write(folder, "future.md", date="2027-01")
    assert ids(read(folder, drafts=True)) == ["future", "draft"]


def test_no_change_of_the_future_is_told_before_its_moment(folder):
    write(folder, "a.md", "updated: 2026-07-01T00:00:00Z")
    library = read(folder)
    assert (library.posts[0].updated, library.next_release) == (
        library.posts[0].published,
        datetime(2026, 7, 1, tzinfo=UTC),
    )


ANNOUNCED = replace(SITE, issues={"2026-05": "…May", "2026-07": "…July", "2026-06": "…June"})


def test_the_sentence_of_a_month_is_said_when_that_month_begins_in_the_zone_of_the_site(folder):
    june, july = datetime(2026, 6, 1, 4, tzinfo=UTC), datetime(2026, 7, 1, 4, tzinfo=UTC)
    seen = {
        now: read_library(folder, ANNOUNCED, now)
        for now in (june - timedelta(seconds=1), june, july - timedelta(seconds=1), july)
    }
    assert [(list(library.site.issues), library.next_release) for library in seen.values()] == [
        (["2026-05"], june),
        (["2026-05", "2026-06"], july),
        (["2026-05", "2026-06"], july),
        (["2026-05", "2026-07", "2026-06"], None),
    ]


def test_a_preview_shows_the_sentences_to_come_and_waits_for_none(folder):
    library = read_library(folder, ANNOUNCED, NOW, drafts=True)
    assert (library.site, library.next_release) == (ANNOUNCED, None)


@given(
    month=st.sampled_from(["0000-01", "0001-01", "1899-12", "2026-06", "9999-12"]),
    zone=st.sampled_from(["Etc/GMT+12", "Etc/GMT-14", "America/Toronto", "Africa/Monrovia", "UTC"]),
    now=st.integers(0, 5_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
)
def test_a_release_is_never_behind_so_that_nobody_waits_for_it_in_vain(month, zone, now):
    site = replace(SITE, issues={month: "…"}, time_zone=ZoneInfo(zone))
    library = read_library(Path("/nowhere"), site, now)
    assert library.next_release is None or library.next_release > now
    assert (month in library.site.issues) == (library.next_release is None)


def test_of_two_posts_with_one_id_the_older_stays(folder):
    write(folder, "a.md", "id: same", date="2026-04")
    write(folder, "z.md", "id: same", date="2026-03")
    library = read(folder)
    assert [post.file for post in library.posts] == ["posts/z.md"]
    assert told(library) == [("posts/a.md", "the `id` 'same' is taken by posts/z.md")]


def test_of_two_posts_of_one_moment_the_first_file_name_stays(folder):
    write(folder, "b/same.md")
    write(folder, "a/same.md")
    assert [post.file for post in read(folder).posts] == ["posts/a/same.md"]


def test_a_draft_never_pushes_a_post_out(folder):
    write(folder, "a.md", "id: same\ndraft: true", date="2020-01")
    write(folder, "b.md", "id: same")
    assert [post.file for post in read(folder).posts] == ["posts/b.md"]


@pytest.mark.parametrize(
    ("alias", "other"),
    [("/old/", "aliases: [/old]"), ("/posts/b/", ""), ("/posts/c", "aliases: [/posts/c/]")],
)
def test_a_former_path_belongs_to_one_post(folder, alias, other):
    write(folder, "a.md", f"aliases: [{alias}]", date="2026-04")
    write(folder, "b.md", other)
    library = read(folder)
    assert (ids(library), told(library)) == (
        ["a", "b"],
        [("posts/a.md", f"the path '{alias}' in `aliases` is taken by posts/b.md")],
    )
    assert library.posts[0].aliases == ()


def test_a_new_alias_never_takes_the_address_of_a_live_post(folder):
    write(folder, "a.md", "aliases: [/posts/b/, /old]", date="2020-01")
    write(folder, "b.md")
    library = read(folder)
    assert [(post.id, post.aliases) for post in library.posts] == [("b", ()), ("a", ("/old",))]
    assert told(library) == [("posts/a.md", "the path '/posts/b/' in `aliases` is taken by posts/b.md")]


def test_a_draft_never_takes_a_former_path(folder):
    write(folder, "a.md", "aliases: [/posts/b/]")
    write(folder, "b.md", "draft: true", date="2020-01")
    library = read(folder)
    assert [(post.id, post.aliases) for post in library.posts] == [("a", ("/posts/b/",))]
    assert told(library) == [("posts/b.md", "the `slug` 'b' is taken by posts/a.md")]


@pytest.mark.parametrize(
    "extra",
    ["", "draft: true", "status: withdrawn", "date: 2026-13", "topics: x: y", "title: [T", "id: same"],
)
def test_every_body_is_looked_into_whatever_its_front_matter(folder, extra):
    write(folder, "a.md", "id: same")
    path = write(folder, "b.md", extra)
    path.write_text(path.read_text() + "\n<script>x()</script>\n")
    what = "the text holds a <script> element, which is removed"
    assert [each.place for each in looked_into(folder).problems if each.what == what] == ["posts/b.md:9"]
    assert what not in [each.what for each in read(folder).problems]


def test_a_footnote_that_is_there_twice_is_told_at_its_line(folder):
    path = write(folder, "a.md")
    path.write_text(path.read_text() + "\nA[^n]\n\n[^n]: one\n\n[^N]: two\n")
    assert [(each.place, each.what) for each in looked_into(folder).problems] == [
        ("posts/a.md:13", "the footnote '[^N]' is here a second time")
    ]


def test_a_missing_folder_is_one_problem(tmp_path):
    assert told(read(tmp_path)) == [("posts", "the folder of posts is missing")]


def test_hidden_files_and_what_editors_leave_are_passed_over(folder):
    for name in [
        ".hidden.md",
        ".#lock.md",
        "#auto.md#",
        "a.md~",
        ".a.md.swp",
        "a.md.tmp",
        "a.jpg",
        ".git/x.md",
    ]:
        write(folder, name)
    assert read(folder) == Library(SITE, (), (), (), None)


def test_links_are_not_followed_wherever_they_lead(folder):
    posts = folder / "posts"
    for name, target in {
        "passwd": "/etc/passwd",
        "loop": "loop.md",
        "none": "nowhere",
        "zero": "/dev/zero",
    }.items():
        (posts / f"{name}.md").symlink_to(target)
    assert told(read(folder)) == [
        (f"posts/{name}.md", "a symbolic link is not followed") for name in ("loop", "none", "passwd", "zero")
    ]


def test_pipes_sockets_and_folders_are_never_opened(folder):
    posts = folder / "posts"
    os.mkfifo(posts / "pipe.md")
    (posts / "folder.md").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(posts / "socket.md"))
        assert told(read(folder)) == [
            (f"posts/{name}.md", "this is not a regular file") for name in ("folder", "pipe", "socket")
        ]


def test_a_sparse_gigabyte_is_not_read(folder):
    with (folder / "posts" / "large.md").open("wb") as file:
        file.truncate(1 << 30)
    assert told(read(folder)) == [("posts/large.md", "the file is larger than 1 MB")]


@pytest.mark.skipif(os.getuid() == 0, reason="nothing is closed to root")
def test_a_file_without_permission_is_told(folder):
    write(folder, "a.md").chmod(0)
    assert told(read(folder)) == [("posts/a.md", "the file cannot be opened: Permission denied")]


def test_names_that_cannot_be_shown_are_told_by_their_bytes(folder):
    posts = os.fsencode(folder / "posts")
    for name in (b"l\xe9.md", b"line\nbreak.md"):
        with Path(os.fsdecode(posts + b"/" + name)).open("wb"):
            pass
    what = "the file's name holds characters that cannot be shown"
    assert told(read(folder)) == [("posts/l\\xe9.md", what), ("posts/line\\nbreak.md", what)]


@pytest.mark.parametrize("data", [b"\xef\xbb\xbf", b""])
def test_a_byte_order_mark_and_windows_line_ends_are_fine(folder, data):
    path = write(folder, "a.md")
    path.write_bytes(data + path.read_bytes().replace(b"\n", b"\r\n"))
    assert (ids(read(folder)), read(folder).posts[0].body) == (["a"], "Text.\n")


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n", "Zoë".encode("latin-1"), "a".encode("utf-16")])
def test_what_is_not_utf_8_is_left_out_and_the_rest_goes_on(folder, data):
    write(folder, "sound.md")
    (folder / "posts" / "a.md").write_bytes(data)
    library = read(folder)
    assert (ids(library), [problem.file for problem in library.problems]) == (["sound"], ["posts/a.md"])


@pytest.mark.parametrize("year", [0, 4102444800])
def test_the_time_of_a_file_means_nothing(folder, year):
    os.utime(write(folder, "a.md"), (year, year))
    assert ids(read(folder)) == ["a"]


def test_a_large_body_is_read_quickly(folder):
    path = write(folder, "a.md")
    path.write_text(path.read_text() + "x" * (files.SIZE_LIMIT - 200))
    assert ids(read(folder)) == ["a"]
