"""Posts that have let go of their texts: they tell the same, whatever becomes of the file that has them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from many import make_site, write_post
from pprnet_feeds.content import cachefile
from pprnet_feeds.content.digests import appearance
from pprnet_feeds.content.library import Library, read_library
from pprnet_feeds.content.model import _LONG, Post, Site
from pprnet_feeds.content.reading import Reading
from pprnet_feeds.content.site import read_site

NOW = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_site(tmp_path / "site", 30)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "posts.cache"


def site_of(folder: Path) -> Site:
    site, _ = read_site(folder, {})
    assert site is not None
    return site


def read(folder: Path, held: Reading | None = None) -> Library:
    library = read_library(folder, site_of(folder), NOW, held=held)
    for post in library.posts:
        appearance(post)
    return library


def kept(folder: Path, cache: Path, library: Library) -> str:
    assert library.reading is not None
    return cachefile.write(cache, site_of(folder), library.reading, folder)


def has_let_go(post: Post) -> bool:
    parts = {name: long.slot.__get__(post, Post) is None for name, long in _LONG.items()}
    assert len(set(parts.values())) == 1
    return parts["body"]


def texts(library: Library) -> list[tuple[object, ...]]:
    return [(post.cites, post.summary, post.body) for post in library.posts]


def test_a_post_that_has_let_go_of_its_text_tells_the_same(folder: Path, cache: Path):
    library = read(folder)
    assert not any(map(has_let_go, library.posts))
    assert kept(folder, cache, library) == ""
    assert all(map(has_let_go, library.posts))
    assert texts(library) == texts(read(folder))
    again = read(folder, cachefile.load(cache, site_of(folder), folder))
    assert all(map(has_let_go, again.posts))
    assert again.posts == read(folder).posts


def test_what_is_kept_again_from_what_was_kept_is_the_same(folder: Path, cache: Path):
    library = read(folder)
    kept(folder, cache, library)
    first = cache.read_bytes()
    kept(folder, cache, library)
    assert cache.read_bytes() == first
    kept(folder, cache, read(folder, cachefile.load(cache, site_of(folder), folder)))
    assert cache.read_bytes() == first


@pytest.mark.parametrize("fate", ["removed", "replaced by another's"])
def test_the_file_may_go_once_it_is_open(folder: Path, cache: Path, fate: str):
    library = read(folder)
    kept(folder, cache, library)
    cache.unlink()
    if fate != "removed":
        cache.write_bytes(b"another's")
    assert texts(library) == texts(read(folder))
    assert kept(folder, cache, library) == ""
    assert texts(read(folder, cachefile.load(cache, site_of(folder), folder))) == texts(read(folder))


@pytest.mark.parametrize("damage", [b"", b"damaged"])
def test_where_the_file_is_damaged_the_posts_own_file_is_read(folder: Path, cache: Path, damage: bytes):
    library = read(folder)
    kept(folder, cache, library)
    cache.write_bytes(damage)  # the very file that is open
    assert texts(library) == texts(read(folder))
    assert kept(folder, cache, library) == ""
    assert cachefile.load(cache, site_of(folder)) == read(folder).reading


def test_a_text_that_nobody_has_any_more_is_never_another_text(folder: Path, cache: Path):
    library = read(folder)
    kept(folder, cache, library)
    cache.write_bytes(b"damaged")
    for path in (folder / "posts").glob("*.md"):
        path.write_text(path.read_text() + "Another end.\n")
    with pytest.raises(OSError, match=r"the text of posts/.*\.md is lost until it is read again"):
        texts(library)
    assert [post.body.endswith("Another end.\n") for post in read(folder, library.reading).posts] == [
        True
    ] * 30


def test_what_could_not_be_written_is_not_let_go(folder: Path):
    (folder / "taken").write_text("a file, and no folder")
    library = read(folder)
    assert kept(folder, folder / "taken/posts.cache", library) != ""
    assert not any(map(has_let_go, library.posts))


def test_the_last_good_version_of_a_faulty_post_is_not_let_go(folder: Path, cache: Path):
    first = read(folder)
    path = write_post(folder, 3, topics="[unheard]")
    second = read(folder, first.reading)
    assert len(second.problems) == 1
    kept(folder, cache, second)
    assert [post.file for post in second.posts if not has_let_go(post)] == [f"posts/{path.name}"]
    cache.write_bytes(b"damaged")
    assert texts(second) == texts(first)


def test_a_faulty_edit_of_a_post_that_has_let_go_takes_nothing_away(folder: Path, cache: Path):
    first = read(folder)
    told = texts(first)
    kept(folder, cache, first)
    write_post(folder, 3, topics="[unheard]")
    second = read(folder, first.reading)
    assert (len(second.problems), texts(second)) == (1, told)
    kept(folder, cache, second)
    third = read(folder, cachefile.load(cache, site_of(folder), folder))
    assert (third.problems, texts(third)) == (second.problems, told)


def test_a_library_without_a_cache_holds_its_texts(folder: Path):
    library = read(folder)
    again = read(folder, library.reading)
    assert not any(map(has_let_go, again.posts))
