"""A catalogue after an edit: what it takes over, what it draws anew, and what it says is touched."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from feedgen.entry import FeedEntry
from hypothesis import example, given, settings
from hypothesis import strategies as st

from many import TOPICS, make_site
from pprnet_feeds.content import markup
from pprnet_feeds.content.characters import clean
from pprnet_feeds.content.library import Library, read_library
from pprnet_feeds.content.model import Citation, Post
from pprnet_feeds.content.site import read_site
from pprnet_feeds.pages.pages import Pages
from pprnet_feeds.syndication import entries, xmlfeed
from pprnet_feeds.syndication.catalogue import Catalogue
from pprnet_feeds.syndication.channel import permalink
from pprnet_feeds.syndication.drawn import Drawn
from pprnet_feeds.syndication.touched import Touched

COMBINED = [
    f"/topics/{topics}/{rest}"
    for topics in ("alpha,beta", "alpha+beta", "alpha,gamma,delta")
    for rest in ("feed.atom", "research/trials/practice.json", "archive/2013/citations.rss", "citations.bib")
]


@cache
def many() -> Library:
    with TemporaryDirectory() as folder:
        site, _ = read_site(make_site(Path(folder) / "site", 70), {})
        assert site is not None
        return read_library(Path(folder) / "site", site, datetime(2030, 1, 1, tzinfo=UTC))


def edited(library: Library, living: dict[str, Post], dead: dict[str, Post]) -> Library:
    """The library with these posts, by id, in its order."""

    def ordered(posts: dict[str, Post]) -> tuple[Post, ...]:
        by_id = sorted(posts.values(), key=lambda post: post.id)
        return tuple(sorted(by_id, key=lambda post: post.published, reverse=True))

    return replace(library, posts=ordered(living), withdrawn=ordered(dead))


@st.composite
def edits(draw: st.DrawFn) -> tuple[Library, Library]:
    """A library, and the same after some edits of any kind; untouched posts are the same objects."""
    living = {post.id: post for post in many().posts}
    dead: dict[str, Post] = {}
    states = [edited(many(), living, dead)]
    for _ in range(draw(st.integers(1, 4))):
        id = draw(st.sampled_from(sorted(living)))
        post = living.pop(id)
        match draw(
            st.sampled_from(["text", "move", "update", "file", "withdraw", "delete", "correct", "same"])
        ):
            case "text":
                living[id] = replace(
                    post, body=draw(st.sampled_from(["Short.", "## Practice Implications\n\nDo.\n"]))
                )
            case "move":
                moved = post.published + timedelta(days=365)
                living[id] = replace(post, published=moved, updated=moved, issue=moved.strftime("%Y-%m"))
            case "update":
                living[id] = replace(post, updated=post.updated + timedelta(days=draw(st.integers(1, 900))))
            case "file":
                slugs = draw(st.sets(st.sampled_from(TOPICS), min_size=1))
                living[id] = replace(post, topics=tuple(sorted(slugs)), cites=())
            case "withdraw":
                dead[id] = replace(post, status="withdrawn", note="Made up.")
            case "correct":
                living[id] = replace(post, status="corrected", note="A figure.")
            case "same":
                living[id] = replace(post)
        if draw(st.booleans()):
            states.append(edited(many(), living, dead))
    return draw(st.sampled_from(states)), edited(many(), living, dead)


def bodies(catalogue: Catalogue) -> dict[str, bytes]:
    documents = {path: catalogue.document(path) for path in (*catalogue.paths(), *COMBINED)}
    return {path: document.body for path, document in documents.items() if document}


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(edits())
def test_after_any_edit_every_document_is_what_it_would_be_from_nothing(states: tuple[Library, Library]):
    before, after = states
    first = Catalogue(before)
    bodies(first)
    taken_over, anew = Catalogue(after, first), Catalogue(after)
    assert list(taken_over.paths()) == list(anew.paths())
    assert bodies(taken_over) == bodies(anew)
    assert list(taken_over.contents.months.items()) == list(anew.contents.months.items())


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(edits())
def test_what_is_said_to_be_untouched_has_the_same_bytes(states: tuple[Library, Library]):
    before, after = map(Catalogue, states)
    touched = Touched(before, after)

    def untouched(catalogue: Catalogue) -> dict[str, bytes]:
        pages = Pages(catalogue)
        drawn = {path: page.body for path in pages.paths() if (page := pages.page(path))}
        return {path: body for path, body in (drawn | bodies(catalogue)).items() if not touched.holds(path)}

    assert untouched(before) == untouched(after)


def test_an_edit_touches_the_selections_of_its_post_and_nothing_else():
    before = many()
    post = next(post for post in before.posts if post.topics == ("alpha",) and post.research == ("trials",))
    posts = tuple(replace(one, body="Edited.") if one is post else one for one in before.posts)
    touched = Touched(Catalogue(before), Catalogue(replace(before, posts=posts)))
    year, month = post.issue[:4], post.issue
    assert [
        path
        for path in [
            "/feed.atom",
            "/feed",
            "/archive/2013/feed.json",
            "/topics/alpha/summary.rss",
            "/topics/alpha/archive/2013/practice.atom",
            "/topics/alpha/citations.bib",
            "/research/trials/feed.atom",
            "/topics/alpha,beta/feed.atom",
            "/topics/alpha/research/trials/feed.atom",
            f"/issues/{month}/feed.atom",
            "/issues/feed.atom",
            "/feeds.opml",
            "/feeds.json",
            f"/posts/{post.slug}.json",
            f"/posts/{post.slug}/",
            "/",
            "/topics/alpha/",
            f"/topics/alpha/archive/{year}/",
            "/topics/alpha/embed",
            "/sitemap.xml",
        ]
        if not touched.holds(path)
    ] == []
    assert [
        path
        for path in [
            "/topics/beta/feed.atom",
            "/topics/beta/archive/2013/feed.atom",
            "/research/reviews/summary.json",
            "/topics/alpha+beta/feed.atom",
            "/topics/alpha/research/reviews/feed.atom",
            "/issues/2014-05/feed.atom",
            "/topics/beta/",
            "/topics/beta/embed",
            "/topics/beta/archive/2013/",
            "/issues/2014-05/citations.ris",
        ]
        if touched.holds(path)
    ] == []


def test_nothing_is_touched_when_posts_were_only_read_again():
    again = replace(many(), posts=tuple(replace(post) for post in many().posts))
    touched = Touched(Catalogue(many()), Catalogue(again))
    assert not touched.holds("/feed.atom")
    assert touched.posts == ()


def test_a_changed_setting_touches_everything():
    other = replace(many(), site=replace(many().site, title="Another"))
    assert Touched(Catalogue(many()), Catalogue(other)).holds("/topics/beta/feed.atom")


def test_entries_of_posts_that_stay_are_not_drawn_again(monkeypatch: pytest.MonkeyPatch):
    before = Catalogue(many())
    before.document("/feed.atom")
    first = many().posts[0]
    after = replace(many(), posts=(replace(first, title="Edited"), *many().posts[1:]))
    drawn: list[str] = []
    make = FeedEntry.atom_entry

    def counted(entry: FeedEntry) -> object:
        drawn.append(entry.title())
        return make(entry)

    monkeypatch.setattr(FeedEntry, "atom_entry", counted)
    catalogue = Catalogue(after, before)
    catalogue.document("/feed.atom")
    catalogue.document(f"/topics/{first.topics[0]}/feed.atom")
    assert drawn[:1] == ["Edited"]
    assert "Edited" not in drawn[1:]
    assert many().posts[1].title not in drawn


def test_what_is_kept_stays_within_its_bytes_and_the_last_used_stays():
    kept: Drawn[bytes] = Drawn(10_000, len)
    owners = [object() for _ in range(20)]
    for owner in owners:
        kept.of([owners[0], owner], "kind", lambda missing: [bytes(600) for _ in missing])
    missing: list[object] = []

    def draw(owners):
        missing.extend(owners)
        return [b"" for _ in owners]

    kept.of(owners, "kind", draw)
    assert missing == owners[1:11]


words = st.sampled_from(
    [
        "## Practice Implications\n",
        "\n",
        "Words.\n",
        "## Method\n",
        "---\n",
        "===\n",
        "practice implications\n",
        "# practice implications #\n",
        "  ## Practice Implications\n",
        "    ## Practice Implications\n",
        "```\n",
        "> ## Practice Implications\n",
        "- item\n",
        "[^1]: note\n",
        "Text[^1]\n",
        "<div>\n",
        "</div>\n",
        "<!--\n",
        "| a | b |\n",
        "|---|---|\n",
        "## *Practice* Implications\n",
        "<h2>Practice Implications</h2>\n",
        "~~~\n",
        "Practice Implications\n",
        "\n## PRACTICE IMPLICATIONS\n\nDo.\n",
        "\n\n",
        "[a]: /b\n",
        "[a]:\n",
        "\t",
        "&nbsp;\n",
    ]
)


@example("[^1]: note\n[^1]: note\n\n## PRACTICE IMPLICATIONS\n\nDo.\n")
@settings(max_examples=400, deadline=None)
@given(st.lists(words, max_size=9).map("".join))
def test_practice_implications_are_known_without_rendering_as_they_are_with_it(body: str):
    site = many().site
    post = replace(many().posts[0], body=body)
    html = markup.render(body, base=permalink(post, site), prefix=f"{post.slug}-")
    expected = "implications" in body.lower() and bool(markup.sections(html)[1])
    assert entries.has_practice(post, site) == expected


texts = st.text(max_size=30) | st.sampled_from(
    ["  <entry>\n", "    <item>\n", "</feed>\n", "]]>", "&lt;", "a\nb"]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(texts, texts, texts), max_size=4), st.sampled_from(["atom", "rss"]))
def test_entries_drawn_together_are_what_feedgen_draws_in_one_piece(
    written: list[tuple[str, str, str]], form: xmlfeed.XmlFormat
):
    site = many().site
    posts = [
        replace(
            many().posts[0],
            title=clean(title)[0].strip() or "-",
            body=clean(body)[0],
            cites=(Citation(cite),),
        )
        for title, body, cite in (
            (title, body, clean(cite)[0].strip() or "-") for title, body, cite in written
        )
    ]
    drawn = [entry for post in posts for entry in entries.post_entries(post, "feed", site)]
    channel = Catalogue(many()).listing(next(Catalogue(many()).listed())).channels["feed"]
    parts = xmlfeed.draw_entries(drawn, form, channel)
    assert len(parts) == len(posts)
    assert xmlfeed.draw(channel, form, parts) == xmlfeed.draw_whole(channel, form, drawn, channel)


def test_what_was_drawn_of_a_post_goes_with_it():
    living = {post.id: post for post in many().posts}
    newest = many().posts[0]
    catalogue = Catalogue(many())
    held = []
    for turn in range(4):
        for path in ("/feed.atom", "/feed.json", "/issues/feed.rss", "/citations.bib"):
            catalogue.document(path)
        held.append([len(catalogue._works), *(len(store._held) for store in catalogue._drawn.values())])
        after = edited(many(), living | {newest.id: replace(newest, body=f"Edited {turn}.")}, {})
        catalogue = Catalogue(after, catalogue)
    assert held == held[:1] * 4


@pytest.mark.parametrize("title", ["1001-01-01T00:00:00Z", "Thu, 01 Jan 1001 00:00:00 +0000"])
@pytest.mark.parametrize("form", ["atom", "rss"])
def test_a_feed_may_be_called_like_the_date_that_stands_for_all_dates(form: xmlfeed.XmlFormat, title: str):
    catalogue = Catalogue(replace(many(), site=replace(many().site, title=title)))
    channel = catalogue.listing(next(catalogue.listed())).channels["feed"]
    assert xmlfeed.draw(channel, form, ()) == xmlfeed.draw_whole(channel, form, ())
