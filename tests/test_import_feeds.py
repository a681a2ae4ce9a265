"""Feeds and WordPress exports as post files: ours come back as they were, others as far as they say."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from many import make_site
from pprnet_feeds.content.library import read_library
from pprnet_feeds.content.model import Site
from pprnet_feeds.content.site import read_site
from pprnet_feeds.importing import detect, write
from pprnet_feeds.importing.source_post import Source
from pprnet_feeds.importing.write import ImportedPost, PostFolder
from pprnet_feeds.syndication.catalogue import Catalogue

TESTS = Path(__file__).parent
NOW = datetime(2026, 1, 1, tzinfo=UTC)
WORDPRESS = (TESTS / "imports/wordpress.xml").read_text("utf-8")
ATOM = (TESTS / "golden/small.feed.atom").read_text("utf-8")
JSON = (TESTS / "golden/small.feed.json").read_text("utf-8")


def the_site(folder: Path) -> Site:
    site, problems = read_site(folder, {})
    assert site
    assert not problems
    return site


@pytest.fixture
def small(tmp_path) -> Path:
    """The small site without its posts."""
    shutil.copytree(TESTS / "sites/small/feeds", tmp_path / "feeds")
    (tmp_path / "posts").mkdir()
    return tmp_path


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Site:
    return the_site(make_site(tmp_path_factory.mktemp("site"), 0))


def read(text: str, site: Site) -> Source:
    return detect.read_text(text, "feed", site)


def told(source: Source) -> list[str]:
    return [f"{problem.line}: {problem.what}" for problem in source.problems]


def file_all(text: str, folder: Path) -> list[str]:
    site = the_site(folder)
    posts = PostFolder(folder, site)
    outcomes = [posts.add_post(found) for found in read(text, site).posts]
    return [f"{each.file}: {each.what}" if isinstance(each, ImportedPost) else each.what for each in outcomes]


def drawn(folder: Path, path: str) -> str:
    library = read_library(folder, the_site(folder), NOW)
    document = Catalogue(library).document(path)
    assert document
    return document.body.decode()


def without_withdrawn(atom: str) -> str:
    start, end = (
        atom.index("  <at:deleted-entry"),
        atom.index("</at:deleted-entry>\n") + len("</at:deleted-entry>\n"),
    )
    return atom[:start] + atom[end:]


def same_text(document: str) -> str:
    """A document but for the line ends within paragraphs, which HTML does not tell from spaces."""
    return " ".join(document.split())


@pytest.mark.parametrize("form", ["atom", "json", "rss"])
def test_our_own_feed_comes_back_under_the_same_names(form, small):
    assert file_all((TESTS / f"golden/small.feed.{form}").read_text("utf-8"), small) == [
        "posts/2021-03-trust-grows-slowly.md: written",
        "posts/2021-01-an-essay-without-a-study.md: written",
        "posts/2020-12-does-talking-help-people-sleep.md: written",
    ]


def test_our_own_feed_comes_back_as_it_was(small):
    file_all(ATOM, small)
    wanted = without_withdrawn(ATOM).replace("table&lt;/a&gt;\nand", "table&lt;/a&gt; and")
    assert same_text(drawn(small, "/feed.atom")) == same_text(wanted)


@pytest.mark.parametrize("form", ["atom", "json", "rss"])
def test_a_reference_that_nobody_can_read_comes_back_from_our_own_feed_as_a_reference(form, small):
    unreadable = "A talk by A. Ek & friends, never printed"
    (small / "posts/talk.md").write_text(
        f'---\ntitle: A talk\ndate: 2021-09\ntopics: [alliance]\ncites: ["{unreadable}"]\n---\nThe account.\n'
    )
    (found,) = [
        post for post in read(drawn(small, f"/feed.{form}"), the_site(small)).posts if post.id == "talk"
    ]
    assert [cite.text for cite in found.cites] == [unreadable]
    assert found.body == "The account.\n"


@pytest.mark.parametrize("form", ["atom", "json", "rss"])
def test_a_change_that_subscribers_saw_comes_back_from_every_format(form, small):
    posts = read((TESTS / f"golden/small.feed.{form}").read_text("utf-8"), the_site(small)).posts
    assert [post.updated for post in posts] == ["2021-04-02", "", ""]


def test_an_id_that_is_not_the_name_of_the_file_is_kept(small):
    (small / "posts/moved.md").write_text(
        '---\ntitle: "Other"\ndate: 2020-01\nid: 2021-01-an-essay-without-a-study\n---\n'
    )
    assert "posts/moved.md: other" in file_all(ATOM, small)


def test_a_second_run_changes_nothing(small):
    file_all(ATOM, small)
    before = {path: path.read_bytes() for path in small.rglob("*.*")}
    assert {line.rpartition(": ")[2] for line in file_all(ATOM, small)} == {"same"}
    assert {path: path.read_bytes() for path in small.rglob("*.*")} == before


@pytest.mark.parametrize(
    "name", ["citations.atom", "citations.json", "practice.atom", "summary.rss", "issues.feed.rss"]
)
def test_a_feed_of_ours_that_shows_something_else_is_refused(name, small):
    source = read((TESTS / f"golden/small.{name}").read_text("utf-8"), the_site(small))
    assert told(source) == ["0: this feed of the site does not hold its posts as they are"]


def test_a_withdrawn_post_is_told_with_its_line(small):
    assert told(read(ATOM, the_site(small))) == [
        "23: a post was withdrawn, and its text is not in the feed: "
        "'tag:small.example.org,2013:blog/post/2020-11-taken-back'"
    ]


def test_somebody_elses_feed_gives_posts_with_former_paths_and_without_its_ids(site):
    source = read((TESTS / "imports/foreign.rss").read_text("utf-8"), site)
    (post,) = source.posts
    assert (post.title, post.date, post.id, post.aliases, post.body) == (
        "Ink & paper", "2022-02-09T14:30:00-05:00", "", ("/blog/ink/",),
        "Ink is *blue*, really.\n\nPaper is white.\n",
    )  # fmt: skip
    assert told(source) == ["13: the post 'Without a date' has no date that can be read"]


def test_xhtml_in_atom_is_read(site):
    feed = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry>'
        '<title type="html">A &amp;amp; &lt;b>B&lt;/b></title>'
        '<updated>2021-05-06T12:00:00Z</updated><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">'
        "<p>One <em>two</em>.</p></div></content></entry></feed>"
    )
    (post,) = read(feed, site).posts
    assert (post.title, post.date, post.body) == ("A & B", "2021-05-06", "One *two*.\n")


def test_a_wordpress_export_gives_posts_with_dates_slugs_and_states(site):
    first, second = read(WORDPRESS, site).posts
    assert (first.title, first.date, first.name, first.labels, first.aliases, first.restricted) == (
        'Beans & "Peas"', "2021-12-06T09:30:00-05:00", "beans-and-peas", ("Alpha", "Reviews", "Beans"),
        ("/2021/12/beans-and-peas/",), "",
    )  # fmt: skip
    assert (second.title, second.date, second.summary, second.restricted, second.body) == (
        "A Draft About Ink", "2022-01-02T18:00:00Z", "All about ink.", "'draft'",
        "Ink is blue.  \nIt is wet.\n\nPaper is white.\n",
    )  # fmt: skip
    assert [each.authors for each in (first, second)] == [(), second.authors]
    assert second.authors[0].name == "Bea Guest"


def test_a_wordpress_post_has_its_reference_and_its_practice_implications(site):
    post = read(WORDPRESS, site).posts[0]
    assert post.cites[0].container == "World Gardening"
    assert post.body == (
        "Beans **endure**; see [the peas](https://old.example.org/2021/11/peas/).\n\n- one\n- two\n\n"
        "## Practice Implications\n\nPlant them.\n"
    )


def test_what_is_no_post_in_an_export_is_counted(site):
    assert told(read(WORDPRESS, site)) == [
        "49: the post 'A Draft About Ink' becomes a draft: it is not public there, but 'draft'",
        "66: 1 of type 'page': not a post",
        "73: 1 of type 'attachment': not a post",
        "78: the post 'Nothing in It' has no text that can be read",
    ]


def test_categories_become_topics_and_research_types(site):
    labels = ("Alpha", "REVIEWS", "Beans")
    assert write.slugs_among(labels, site.topics) == ["alpha"]
    assert write.slugs_among(labels, site.research) == ["reviews"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "0: the file is empty"),
        ("{", "1: it begins like JSON and is none: Expecting property name enclosed in double quotes"),
        ("[" * 100_000, "0: it begins like JSON and is none: too deep"),
        ('{"items": 1}', "0: this is JSON, but no JSON feed: it has no list of `items`"),
        ("<?xml version='1.0'?>\n<rss>", "2: it is not well-formed XML: no element found"),
        ("\n\n<rss>&nbsp;</rss>\n<x", "4: it is not well-formed XML: junk after document element"),
        ("<?xml version='1.0'?><book/>",
         "0: this is XML, but neither a feed nor a WordPress export: it begins with <book>"),
        (
            '<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY a "b">]>\n<rss>&a;</rss>',
            "2: it has a document type (<!DOCTYPE>), which is refused",
        ),
        ("<rss>" + "<a>" * 100_000, "1: elements are nested too deep"),
        (WORDPRESS[:3000], "63: it is not well-formed XML: no element found"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_and_gives_no_posts(text, what, site):
    source = read(text, site)
    assert (source.posts, told(source)) == ((), [what])


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from("id title content_html date_published tags authors name _citation issued".split()),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(items=st.lists(junk, max_size=3))
def test_any_json_at_all_is_read_or_told(items, site):
    source = read(json.dumps({"items": items}), site)
    assert len(source.posts) + len(source.problems) == len(items)


@given(start=st.integers(0, len(WORDPRESS)), length=st.integers(1, 200), what=st.text(max_size=5))
def test_any_damage_to_an_export_is_told_or_does_not_matter(start, length, what, site):
    source = read(WORDPRESS[:start] + what + WORDPRESS[start + length :], site)
    assert source.posts or source.problems
    for post in source.posts:
        assert write.fitted(post, "2020-01-x", site)[1] is None or post.title


@given(date=st.text(st.sampled_from("0123456789-: TZ+JanFebMon,"), max_size=30))
def test_any_date_at_all_is_taken_or_told(date, site):
    text = WORDPRESS.replace("2021-12-06 09:30:00", date).replace("2021-12-06 14:30:00", date[::-1])
    assert len(read(text, site).posts) in (1, 2)
