"""The files of citations: put together from what was drawn of each post, month by month."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from many import make_site
from pprnet_feeds.content.library import Library, read_library
from pprnet_feeds.content.model import Citation, Post
from pprnet_feeds.content.site import read_site
from pprnet_feeds.syndication import bibliography
from pprnet_feeds.syndication.catalogue import Catalogue
from pprnet_feeds.syndication.works import FORMS, Works


@cache
def many() -> Library:
    """A site whose every other post cites one or two works."""
    with TemporaryDirectory() as folder:
        site, _ = read_site(make_site(Path(folder) / "site", 70), {})
        assert site is not None
        library = read_library(Path(folder) / "site", site, datetime(2030, 1, 1, tzinfo=UTC))
    posts = [
        replace(
            post, cites=tuple(Citation(f"Work {place}.{each}") for each in range(place % 4 // 2 + place % 2))
        )
        for place, post in enumerate(library.posts)
    ]
    return replace(library, posts=tuple(posts))


def in_one_piece(posts: tuple[Post, ...], form: str) -> bytes:
    parts = bibliography.draw_parts([*bibliography.works_of(posts, many().site)])
    return bibliography.join(filter(None, [parts[FORMS.index(form)]]), form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("limit", [1 << 20, 2_000, 0])
def test_a_file_put_together_by_months_is_what_is_drawn_in_one_piece(form: str, limit: int):
    contents, works = Catalogue(many()).contents, Works(many().site, limit)
    months = [contents.issues[month] for month in sorted(contents.issues, reverse=True)]
    for _ in range(2):
        assert works.of_months(months, form) == in_one_piece(many().posts, form)
        assert works.of_posts(many().posts[::3], form) == in_one_piece(many().posts[::3], form)
    assert works._size <= limit


def test_after_an_edit_only_the_works_of_the_edited_post_are_drawn(monkeypatch: pytest.MonkeyPatch):
    before = Catalogue(many())
    before.document("/citations.bib")
    edited = replace(many().posts[0], cites=(Citation("Another work"),))
    after = Catalogue(replace(many(), posts=(edited, *many().posts[1:])), before)
    drawn: list[str] = []
    draw = Works._draw

    def counted(works: Works, post: Post) -> tuple[bytes, ...]:
        drawn.append(post.id)
        return draw(works, post)

    paths = ("/citations.bib", "/citations.ris", f"/topics/{edited.topics[0]}/citations.csl.json")
    expected = [Catalogue(after.library).document(path) for path in paths]
    monkeypatch.setattr(Works, "_draw", counted)
    assert [after.document(path) for path in paths] == expected
    assert drawn == [edited.id]
