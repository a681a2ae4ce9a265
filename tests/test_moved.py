"""A look at what moved only: it finds what a look at everything finds, or leaves it to that."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from many import make_site
from pprnet_feeds.content.moved import post_files
from pprnet_feeds.content.reading import Reading, read_files
from pprnet_feeds.content.site import read_site
from pprnet_feeds.serving.watching import Moves, named

NOW = datetime(2100, 1, 1, tzinfo=UTC)  # every file is old


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = make_site(tmp_path / "site", 4, first_year=2020)
    (folder / "posts/2020").mkdir()
    for path in sorted((folder / "posts").glob("*.md"))[:2]:
        path.rename(folder / "posts/2020" / path.name)
    return folder


def read(folder: Path, held: Reading | None = None, moved: set[str] | None = None) -> Reading:
    site, _ = read_site(folder, {})
    assert site is not None
    return read_files(folder, site, NOW, held, moved=moved)


def first(folder: Path) -> Path:
    return min((folder / "posts").glob("*.md"))


EDITS: dict[str, Callable[[Path], list[str]]] = {}


def edit(make: Callable[[Path], list[str]]) -> Callable[[Path], list[str]]:
    """Keep an edit that tells, by name, what moved."""
    EDITS[make.__name__] = make
    return make


@edit
def written(folder: Path) -> list[str]:
    first(folder).write_text(first(folder).read_text().replace("title: ", "title: Another "))
    return [f"posts/{first(folder).name}"]


@edit
def faulty(folder: Path) -> list[str]:
    first(folder).write_text("no front matter")
    return [f"posts/{first(folder).name}"]


@edit
def made_and_gone_again(folder: Path) -> list[str]:
    return ["posts/2020-01-short-lived.md"]


@edit
def saved_by_vim(folder: Path) -> list[str]:
    path = first(folder)
    path.with_name(f"{path.name}~").write_text("")
    path.write_text(path.read_text() + "More.\n")
    return [f"posts/{path.name}", f"posts/{path.name}~", "posts/4913"]


@edit
def a_link(folder: Path) -> list[str]:
    path = first(folder)
    path.rename(folder / "elsewhere.md")
    path.symlink_to(folder / "elsewhere.md")
    return [f"posts/{path.name}"]


@edit
def a_folder_instead_of_a_post(folder: Path) -> list[str]:
    path = first(folder)
    path.unlink()
    path.mkdir()
    return [f"posts/{path.name}"]


@edit
def a_post_in_a_new_folder(folder: Path) -> list[str]:
    (folder / "posts/2021").mkdir()
    shutil.copy(first(folder), folder / "posts/2021/2021-01-post.md")
    return ["posts/2021/2021-01-post.md"]


@edit
def nothing(folder: Path) -> list[str]:
    return [f"posts/{first(folder).name}"]


@pytest.mark.parametrize("make", EDITS.values(), ids=EDITS)
def test_a_look_at_what_moved_finds_what_a_look_at_everything_finds(
    folder: Path, make: Callable[[Path], list[str]]
):
    held = read(folder)
    moved = set(make(folder))
    assert post_files(folder, moved, held.by_file, ()) is not None
    narrow, whole = read(folder, held, moved), read(folder, held)
    assert narrow == whole
    assert (narrow is held) == (whole is held) == (make in (nothing, made_and_gone_again))
    kept = [name for name, was in held.by_file.items() if name not in moved]
    assert all(narrow.by_file[name] is held.by_file[name] for name in kept)


def a_removed_post(folder: Path) -> str:
    path = first(folder)
    path.unlink()
    return f"posts/{path.name}"


def a_lost_mount(folder: Path) -> str:
    (folder / "posts").rename(folder / "aside")
    return "posts/2020-01-other.md"


def a_moved_folder(folder: Path) -> str:
    (folder / "posts/2020").rename(folder / "posts/2022")
    return "posts/2020"


def a_new_folder(folder: Path) -> str:
    shutil.copytree(folder / "posts/2020", folder / "posts/2022")
    return "posts/2022"


def a_misnamed_post(folder: Path) -> str:
    (folder / "posts/post.markdown").write_text("")
    return "posts/post.markdown"


def a_post_below_a_link(folder: Path) -> str:
    (folder / "posts/link").symlink_to(folder / "posts/2020")
    return "posts/link/2020-01-other.md"


def a_post_below_what_is_named_like_a_post(folder: Path) -> str:
    (folder / "posts/folder.md").mkdir()
    return "posts/folder.md/2020-01-other.md"


@pytest.mark.parametrize(
    "make",
    [
        *(a_removed_post, a_lost_mount),
        *(a_moved_folder, a_new_folder, a_misnamed_post, a_post_below_a_link),
        *(a_post_below_what_is_named_like_a_post, lambda folder: "posts/grün.md"),
        *(lambda folder: "feeds/topics.yaml", lambda folder: "posts", lambda folder: "posts/gone/a.md"),
    ],
)
def test_what_is_not_plainly_a_post_file_is_left_to_a_look_at_everything(
    folder: Path, make: Callable[[Path], str]
):
    held = read(folder)
    moved = {make(folder)}
    assert post_files(folder, moved, held.by_file, ()) is None
    assert read(folder, held, moved) == read(folder, held)


def test_hidden_files_and_what_editors_leave_behind_are_nobodys(folder: Path):
    moved = {"posts/.git/a.md", "posts/.post.md.swp", "posts/#post.md#", "posts/post.md~", "posts/4913"}
    assert post_files(folder, moved, read(folder).by_file, ()) == set()


def test_a_misnamed_file_that_is_gone_is_told_no_longer(folder: Path):
    name = a_misnamed_post(folder)
    held = read(folder)
    assert len(held.problems) == 1
    (folder / name).unlink()
    assert read(folder, held, {name}).problems == ()


def test_a_file_too_young_to_be_told_apart_is_looked_at_whatever_moved(folder: Path):
    site, _ = read_site(folder, {})
    assert site is not None
    held = read_files(folder, site, datetime(2000, 1, 1, tzinfo=UTC))
    path = first(folder)
    path.write_text(path.read_text().replace("title: ", "title: Another "))
    found = read_files(folder, site, NOW, held, moved=set()).by_file[f"posts/{path.name}"]
    assert found.post is not None
    assert found.post.title.startswith("Another ")


def test_everything_is_due_some_time_after_a_look_at_what_moved():
    moves = Moves()
    moves.tell({"posts/a.md"})
    assert moves.take(10, 60) == {"posts/a.md"}
    moves.tell({"posts/b.md"})
    assert moves.take(40, 60) == {"posts/b.md"}
    assert (moves.due, moves.take(70, 60), moves.due) == (70, None, None)
    moves.tell({"posts/c.md"})
    moves.doubt()
    assert moves.take(80, 60) is None
    assert moves.take(90, 60) == set()
    moves.tell(map(str, range(1_000)))  # in such a burst the system may have lost some
    assert moves.take(100, 60) is None


def test_what_the_system_tells_is_named_as_in_the_site():
    folders = {str(Path("/x/release/posts")): "posts", str(Path("/feeds")): "feeds"}
    paths = [str(Path(folder, "2020", "a.md")) for folder in folders]
    assert named(paths, folders) == {"posts/2020/a.md", "feeds/2020/a.md"}
    assert named([*paths, str(Path("/x/release"))], folders) is None
    assert named(folders, folders) is None
