"""A saved page of the blog: what is read from it, and what is left to an editor."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from many import make_site
from pprnet_feeds.content.model import Site
from pprnet_feeds.content.site import read_site
from pprnet_feeds.importing import detect
from pprnet_feeds.importing.source_post import Source

IMPORTS = Path(__file__).parent / "imports"
PAGE = (IMPORTS / "page.txt").read_text("utf-8")
HTML = (IMPORTS / "page.html").read_text("utf-8")
TITLES = [
    ("2021-12", "How Many Letters Are Enough?"),
    ("2021-12", "Ten Gardens"),
    ("2021-10", "When a Correspondent Stops Writing"),
    ("2021-02", "Causes and Consequences of Ink Stains"),
    ("2020-12", "How Do Postcards Harm?"),
    ("2020-11", "Letters by Telephone"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Site:
    found, _ = read_site(make_site(tmp_path_factory.mktemp("site"), 0), {})
    assert found
    return found


def read(text: str, site: Site) -> Source:
    return detect.read_text(text, "page", site)


def told(source: Source) -> list[str]:
    return [f"{problem.line}: {problem.what}" for problem in source.problems]


def titles(source: Source) -> list[tuple[str, str]]:
    return [(post.date, post.title) for post in source.posts]


WITHOUT_HEADINGS = re.sub(r"<(/?)h[1-6]>", r"<\1p>", HTML)
PAGES = [PAGE, HTML, PAGE.replace("\n", "\n\n"), HTML.replace("\n", "\r\n"), WITHOUT_HEADINGS]
both = pytest.mark.parametrize("page", PAGES)


@both
def test_a_page_gives_its_posts_with_title_and_month(page, site):
    assert titles(read(page, site)) == TITLES


@both
def test_nothing_of_a_whole_page_is_left(page, site):
    assert told(read(page, site)) == []


@both
def test_every_post_has_its_own_reference_and_the_one_without_has_none(page, site):
    cited = [[cite.text.split(",")[0] for cite in post.cites] for post in read(page, site).posts]
    assert cited == [["Lund"], ["Furu"], ["Sand"], [], ["Curr"], ["Simp"]]


def test_a_reference_is_taken_apart_as_far_as_it_is_certain(site):
    cite = read(PAGE, site).posts[4].cites[0]
    assert (cite.authors[0], cite.year, cite.container, cite.volume, cite.pages, cite.doi) == (
        "Curr, J.", "2019", "Frontiers in Post", "10", "347", "10.5555/fpost.2019.00347",
    )  # fmt: skip


@both
def test_every_post_has_its_account_and_its_practice_implications(page, site):
    for post in read(page, site).posts:
        account, _, practice = post.body.partition("\n\n## Practice Implications\n\n")
        assert account
        assert practice.endswith(".\n")


def test_the_text_of_a_post_is_whole(site):
    assert read(HTML, site).posts[1].body == (
        "Groups that met in gardens kept meeting. Furu and *colleagues* planted 81 plots with over 900 beans "
        "and looked at them for 12 months (OR: 1.9, 95% CI: 1.2, 3.1). The advantage of beans over peas was "
        "about a third.\n\n"
        "It rained in May. Nobody minded, since beans like rain and groups like beans.\n\n"
        "## Practice Implications\n\n"
        "This shows that beans endure. Guidelines should be updated to say “beans”.\n"
    )


@both
def test_the_months_sentence_is_read(page, site):
    source = read(page, site)
    assert source.sentence == "…I write about therapy by letter, gardens & groups, and what silence does"


@pytest.mark.parametrize(
    "text", ["Once upon a time\nthere was a page.\n", "<html><p>Hello</p></html>", "x" * 300]
)
def test_what_is_no_page_of_the_blog_is_told_so(text, site):
    source = read(text, site)
    assert (source.kind, source.posts) == ("", ())
    assert told(source) == [
        "0: this is not a page of the blog: it has no month, such as December 2021, on a line of its own"
    ]


def test_a_page_cut_off_within_a_text_loses_its_last_post_and_says_so(site):
    source = read(PAGE[: PAGE.index("and no reference is printed")], site)
    assert titles(source) == TITLES[:3]
    assert told(source) == [
        "36: the page is cut off within 'Causes and Consequences of Ink Stains': "
        "'Ink stains have three parts: the spot, the ring around it, and the reproach. Ya…'"
    ]


def test_a_page_cut_off_within_its_last_line_loses_its_last_post(site):
    source = read(PAGE[: PAGE.index("Speak slowly") + 20], site)
    assert titles(source) == TITLES[:-1]
    assert told(source) == [
        "49: nothing is under the “Practice Implications” of 'Letters by Telephone'",
        "50: a short line that is neither a title nor a sentence: "
        "'Research lags behind practice. Speak slowly, and le'",
    ]


def test_a_page_cut_off_before_the_practice_implications_loses_its_last_post(site):
    source = read(PAGE[: PAGE.rindex("Practice Implications")], site)
    assert titles(source) == TITLES[:-1]
    assert told(source)[0].startswith(
        "48: the page ends before the “Practice Implications” of 'Letters by Telephone'"
    )


@pytest.mark.parametrize("length", range(0, len(PAGE), 97))
def test_wherever_a_page_is_cut_off_every_post_read_is_one_of_the_whole_page_down_to_its_last_sentence(
    length, site
):
    whole = {post.title: post for post in read(PAGE, site).posts}
    for post in read(PAGE[:length], site).posts:
        assert whole[post.title].body.startswith(post.body.rstrip("\n"))
        assert "## Practice Implications\n\n" in post.body
        assert post.cites == whole[post.title].cites


def test_parts_in_the_wrong_order_are_left_out_and_told(site):
    lines = PAGE.splitlines()
    start = lines.index("October 2021")
    title, reference, account, heading, practice = lines[start + 1 : start + 6]
    lines[start + 1 : start + 6] = [title, heading, practice, reference, account]
    source = read("\n".join(lines) + "\n", site)
    assert titles(source) == [each for each in TITLES if each[1] != title]
    assert told(source)[0] == f"{start + 3}: “Practice Implications” before the text of '{title}'"


def test_a_reference_within_a_text_is_left_out_and_told(site):
    lines = PAGE.splitlines()
    place = lines.index("Ten Gardens") + 1
    lines[place], lines[place + 1] = lines[place + 1], lines[place]
    source = read("\n".join(lines), site)
    assert [what for what in told(source) if "Ten Gardens" in what] == [
        f"{place + 2}: a reference within 'Ten Gardens' and not under its title: "
        "'Furu, T.A., Shino, K., Saker, E., ….Kuyper, P. (2021). Gardens and groups: A ne…'"
    ]
    assert source.posts[1].cites == ()


@pytest.mark.parametrize("page", [HTML, WITHOUT_HEADINGS])
def test_what_a_page_shows_below_its_posts_is_left_out_and_told(page, site):
    html = page.replace("</div></main>", "</div><h2>Contact us</h2>\n<p>We like letters.</p></main>")
    source = read(html, site)
    assert titles(source) == TITLES
    assert source.posts[-1].body == read(page, site).posts[-1].body
    assert [what.partition(": ")[2] for what in told(source)] == [
        "a heading that is neither a month nor a title: 'Contact us'",
        "a line that is under no title: 'We like letters.'",
    ]


def test_a_line_of_a_post_that_begins_with_a_dash_is_kept(site):
    start = "Ink stains have three parts"
    source = read(PAGE.replace(start, f"- {start}"), site)
    assert (titles(source), start in source.posts[3].body) == (TITLES, True)


def test_months_out_of_order_are_told(site):
    source = read(PAGE.replace("February 2021", "February 2022"), site)
    assert told(source) == ["34: 2022-02 is below 2021-10: parts of the page may be out of order"]


def test_a_title_without_a_text_is_left_out(site):
    source = read(PAGE.replace("October 2021\n", "October 2021\nLost\nOctober 2021\n"), site)
    assert "29: 'Lost' has no text below it" in told(source)
    assert titles(source) == TITLES


@given(
    text=st.text()
    | st.lists(st.sampled_from([*PAGE.splitlines(), "", "<p>", "</p>", "Topics", "{", "<?xml ?>"])).map(
        "\n".join
    )
)
def test_any_text_at_all_is_read_or_told(text, site):
    source = read(text, site)
    assert source.posts or source.problems
    assert all(post.title and post.body for post in source.posts)
