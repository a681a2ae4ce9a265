from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprnet_feeds.content.keys import CITATION, IMAGE, PERSON, POST
from pprnet_feeds.content.model import Citation, Image, Person, Post, Site, Term
from pprnet_feeds.content.post import read_post
from pprnet_feeds.content.problems import report

SITE = Site(
    title="T",
    subtitle="",
    short_title="T",
    base_url="https://example.org",
    tag_root="example.org,2013:t",
    author=Person("Ann"),
    language="en",
    time_zone=ZoneInfo("America/Toronto"),
    topics=(
        Term("alliance", "Alliance"),
        Term("therapist-factors", "Therapist Factors"),
        Term("adherance", "Adherance", former=("adherence",)),
        Term("medications-pharmacotherapy", "Medications/Pharmacotherapy"),
    ),
    research=(Term("reviews", "Reviews"), Term("meta-analyses", "Meta-analyses")),
)
SOUND = "title: T\ndate: 2026-03\ntopics: [alliance]\n"


def read(header: str, file: str = "posts/a-post.md", body: str = "") -> Post:
    post, problems = read_post(f"---\n{header}\n---\n{body}", file, SITE)
    assert problems == []
    assert post is not None
    return post


def told(header: str, file: str = "posts/a-post.md") -> str:
    post, problems = read_post(f"---\n{header}\n---\n", file, SITE)
    assert post is None
    return report(problems)


def fault(extra: str) -> tuple[str, str]:
    """What is told of one key after three sound ones, and how to correct it."""
    lines = told(SOUND + extra).splitlines()
    place, _, what = lines[0].partition(": ")
    assert (place, lines[2:]) == ("posts/a-post.md:5", ["", "1 problem in 1 file."])
    return what, lines[1].strip()


def test_three_keys_make_a_post():
    moment = datetime(2026, 3, 1, 17, tzinfo=UTC)
    assert read(SOUND, body="Text.\n") == Post(
        file="posts/a-post.md",
        id="a-post",
        slug="a-post",
        title="T",
        published=moment,
        updated=moment,
        issue="2026-03",
        topics=("alliance",),
        body="Text.\n",
        body_line=7,
        date="2026-03",
    )


def test_every_key_is_read():
    post = read(
        """title: "Therapy: what works"
date: 2026-03-09
updated: 2026-03-10T00:00:00Z
id: an-id
slug: a-slug
topics: [Therapist Factors, alliance]
research: [Meta-analyses]
cites:
  - A plain reference. doi:10.1002/CPP.2521.
  - text: Another
    doi: https://doi.org/10.3389/fpsyg.2019.00347
    url: https://example.org/study
    pmid: 33336836
    title: A Study
    authors: ["Lutz, W.", "de Jong, K."]
    container: A Journal
    year: 2021
    volume: 3
    issue: 4
    pages: 5-6
    publisher: Wiley
    type: article-journal
summary: In short.
authors: [Ann, {name: Bob, url: https://example.org/bob, email: b@example.org, orcid: 0000-0002-1825-0097}]
image: {url: /images/a.jpg, alt: A chart, width: 800, height: 600}
aliases: [/blog/old.html, /posts/older/]
draft: true
status: corrected
note: A figure was wrong.""",
        file="posts/2026/whatever.md",
    )
    assert post == Post(
        file="posts/2026/whatever.md",
        id="an-id",
        slug="a-slug",
        title="Therapy: what works",
        published=datetime(2026, 3, 9, 16, tzinfo=UTC),
        updated=datetime(2026, 3, 10, tzinfo=UTC),
        issue="2026-03",
        topics=("alliance", "therapist-factors"),
        research=("meta-analyses",),
        cites=(
            Citation("A plain reference. doi:10.1002/CPP.2521.", doi="10.1002/cpp.2521"),
            Citation(
                text="Another",
                doi="10.3389/fpsyg.2019.00347",
                url="https://example.org/study",
                pmid="33336836",
                title="A Study",
                authors=("Lutz, W.", "de Jong, K."),
                container="A Journal",
                year="2021",
                volume="3",
                issue="4",
                pages="5-6",
                publisher="Wiley",
                type="article-journal",
            ),
        ),
        summary="In short.",
        authors=(
            Person("Ann"),
            Person("Bob", "https://example.org/bob", "b@example.org", "0000-0002-1825-0097"),
        ),
        image=Image("/images/a.jpg", "A chart", 800, 600),
        aliases=("/blog/old.html", "/posts/older/"),
        draft=True,
        status="corrected",
        note="A figure was wrong.",
        body_line=32,
        date="2026-03-09",
    )


def test_the_messages_are_those_that_editors_were_promised():
    assert told("title: Burnout\ndate: 2026-13\nid: b\ntopics: [Therapist Factor]", "posts/b.md") == (
        "posts/b.md:3: `date` is not a date: '2026-13'\n"
        "    Write a month like 2026-03, a day like 2026-03-09, "
        "or a date and time like 2026-03-09T14:30:00-05:00.\n"
        "posts/b.md:5: no topic is called 'Therapist Factor'\n"
        "    Did you mean 'Therapist Factors' (therapist-factors)?\n"
        "\n2 problems in 1 file.\n"
    )


@pytest.mark.parametrize(
    "title", ["yes", "null", "~", "2024-01-01", ".nan", "0", "false", "<3", "a ]]>", "C#"]
)
def test_a_title_is_the_text_as_typed(title):
    assert read(f"title: {title}\ndate: 2026-03\ntopics: alliance").title == title


def test_a_newline_in_a_title_is_a_space():
    assert read('title: "One\\n two"\ndate: 2026-03\ntopics: alliance').title == "One two"


@pytest.mark.parametrize("title", ["{}", "[]", "", '"  "', "The #1 reason", "x" * 301])
def test_a_title_that_is_no_text_keeps_the_post_out(title):
    assert "`title`" in told(f"title: {title}\ndate: 2026-03\ntopics: alliance")


@pytest.mark.parametrize(
    ("typed", "slugs"),
    [
        ("Adherence", ("adherance",)),
        ("ADHERANCE", ("adherance",)),
        ("medications/pharmacotherapy", ("medications-pharmacotherapy",)),
        ("[adherance, alliance, Alliance, adherence]", ("alliance", "adherance")),
    ],
)
def test_topics_go_by_any_of_their_names_in_the_order_of_the_list(typed, slugs):
    assert read(f"title: T\ndate: 2026-03\ntopics: {typed}").topics == slugs


def test_five_thousand_topics_are_one_problem():
    what = "a list of more than 2000 values"
    assert what in told("title: T\ndate: 2026-03\ntopics: [" + "x," * 5000 + "]")


def test_five_thousand_keys_are_one_problem():
    keys = "".join(f"k{number}: 1\n" for number in range(5000))
    post, problems = read_post(f"---\n{keys}---\n", "posts/a.md", SITE)
    assert (post, [problem.what for problem in problems]) == (None, ["more than 2000 keys"])


@pytest.mark.parametrize("topic", ["a/b", "'..'", "'\"'", "javascript:alert(1)"])
def test_a_topic_that_is_none_is_told(topic):
    assert "no topic is called" in told(f"title: T\ndate: 2026-03\ntopics: {topic}")


@pytest.mark.parametrize(
    ("typed", "key", "value"),
    [
        ("lastmod: 2026-03-01T18:00:00Z", "updated", datetime(2026, 3, 1, 18, tzinfo=UTC)),
        ("modified: 2026-03-01T18:00:00Z", "updated", datetime(2026, 3, 1, 18, tzinfo=UTC)),
        ("publishDate: 2026-03-01", "published", datetime(2026, 3, 1, 17, tzinfo=UTC)),
        ("tags: [Alliance]", "topics", ("alliance",)),
        ("categories: alliance", "topics", ("alliance",)),
        ("description: In short", "summary", "In short"),
        ("canonical: https://example.org/posts/here/", "slug", "here"),
        ("permalink: /posts/here", "slug", "here"),
        ("redirect_from: /old", "aliases", ("/old",)),
        ("author: Ann", "authors", (Person("Ann"),)),
        ("draft: yes", "draft", True),
        ("draft: ~", "draft", False),
        ("summary:", "summary", ""),
        ("author: ''", "authors", ()),
        ("status: Retracted", "status", "retracted"),
    ],
)
def test_the_words_of_other_tools_are_understood(typed, key, value):
    assert getattr(read(SOUND + typed), key) == value


def test_the_example_of_every_key_is_valid():
    examples = {key.name: key.example for key in POST.values()}
    examples |= {"topics": "[alliance]", "research": "[reviews]"}  # those of this site
    assert read("\n".join(f"{name}: {example}" for name, example in examples.items())).status == "corrected"
    for name, table in (("cites", CITATION), ("authors", PERSON), ("image", IMAGE)):
        lines = "\n  ".join(f"{key.name}: {key.example}" for key in dict.fromkeys(table.values()))
        read(f"{SOUND}{name}:\n  {lines}")


def test_the_same_thing_said_differently_is_a_fault():
    assert fault("tags: [adherance]") == (
        "`tags` and `topics` mean the same and say different things",
        "Keep one of them, best as `topics`.",
    )


@pytest.mark.parametrize(
    "slug",
    [
        "../../etc/passwd", "/absolute", "'a\\b'", "'a%2eb'", '"a\\r\\nb"', "'.'", "..", "a b", "'\"'",
        "a" * 101, "A", "a--b", "-a", "a_b", "'javascript:'", "//evil", "é",
    ],
)  # fmt: skip
def test_a_slug_is_small_letters_digits_and_hyphens(slug):
    assert fault(f"slug: {slug}")[0].startswith("`slug` is not a slug: ")


def test_a_dropped_nul_leaves_the_slug_and_is_told():
    post, problems = read_post(f'---\n{SOUND}slug: "a\\0b"\n---\n', "posts/a.md", SITE)
    assert (post and post.slug, len(problems)) == ("ab", 1)


@pytest.mark.parametrize("slug", ["feed", "archive", "embed", "topics"])
def test_words_of_our_own_addresses_are_refused_as_slugs(slug):
    assert fault(f"slug: {slug}") == (
        f"`slug` is a word of our own addresses: '{slug}'",
        f"Choose another, such as about-{slug}.",
    )


@pytest.mark.parametrize("slug", ["2021", "a", "a" * 100])
def test_numbers_and_long_words_are_slugs(slug):
    assert read(f"{SOUND}slug: {slug}").slug == slug


def test_a_file_name_that_is_no_slug_says_how_to_rename_it():
    assert told(SOUND, "posts/L'été à deux.md") == (
        "posts/L'été à deux.md: the file's name is not a slug: 'L'été à deux'\n"
        "    Rename it to lete-a-deux.md, or type `slug` and `id` in the front matter.\n"
        "\n1 problem in 1 file.\n"
    )


def test_a_typed_id_and_slug_make_any_file_name_good():
    assert read(SOUND + "id: a\nslug: b", "posts/Über.md").file == "posts/Über.md"


@pytest.mark.parametrize(
    "alias",
    [
        "javascript:alert(1)",
        "//evil",
        "/a/../b",
        "/./a",
        "/%2e",
        "'/a b'",
        "relative",
        "https://e.org/x",
        "'/a?b'",
        '"/a\\r\\nX: y"',
        "/",
        "/feed.atom",
        "/topics/alliance/",
        "/posts",
        "/" + "a" * 200,
    ],
)
def test_an_alias_is_a_plain_path_that_is_not_ours(alias):
    assert "`aliases`" in fault(f"aliases: [{alias}]")[0]


def test_an_alias_that_leads_to_itself_is_refused():
    assert fault("aliases: [/posts/a-post]") == (
        "`aliases` holds the post's own permalink, which would lead to itself for ever",
        "Take /posts/a-post/ away.",
    )


@pytest.mark.parametrize(
    ("typed", "doi"),
    [
        ("{text: T, doi: 'DOI: 10.1002/CPP.2521'}", "10.1002/cpp.2521"),
        ("{text: T, doi: 'http://dx.doi.org/10.1002/cpp.2521'}", "10.1002/cpp.2521"),
        ("{text: T, doi: 'https://doi.org/10.1002/cpp.2521?utm_source=x#y'}", "10.1002/cpp.2521"),
        (
            "{text: T, DOI: 'https://doi.org/10.1016%2FS0140-6736(20)30367-6'}",
            "10.1016/s0140-6736(20)30367-6",
        ),
        ("'T. https://doi.org/10.1002/cpp.2521'", "10.1002/cpp.2521"),
        ("'T (doi: 10.1016/S0140-6736(20)30367-6).'", "10.1016/s0140-6736(20)30367-6"),
        ("'T. 10.1002/a, and 10.1002/b'", ""),
        ("'Frontiers in Psychology, 10:347.'", ""),
        ("{text: 'T doi:10.1002/a', doi: 10.1002/b}", "10.1002/b"),
    ],
)
def test_a_doi_is_bare_and_small_wherever_it_stands(typed, doi):
    (cite,) = read(f"{SOUND}cites: [{typed}]").cites
    assert cite.doi == doi


def test_a_reference_may_stand_alone():
    assert read(f"{SOUND}cites: A reference").cites == (Citation("A reference"),)


@pytest.mark.parametrize(
    "cite", ["{doi: 10.1/x, text: T}", "{doi: 10.1002/a}", "{text: T, url: 'javascript:x'}", "[[T]]"]
)
def test_a_faulty_work_keeps_the_post_out(cite):
    assert fault(f"cites: [{cite}]")


def test_a_change_before_the_first_publication_is_told():
    assert fault("updated: 2026-02")[0] == "`updated` is before `date`: '2026-02'"


@pytest.mark.parametrize("status", ["corrected", "retracted", "withdrawn"])
def test_a_note_goes_with_a_changed_status(status):
    assert read(f"{SOUND}status: {status}\nnote: Why").note == "Why"


def test_a_note_on_a_plain_post_is_told():
    assert fault("note: Why")[0] == "`note` is there, and `status` says published"


def test_an_unknown_key_says_what_was_meant():
    assert fault("drfat: true") == ("no key is called 'drfat'", "Did you mean `draft`?")


ANY = st.text(st.characters(exclude_categories=()), max_size=40)


@given(ANY, ANY, ANY)
def test_any_text_in_any_field_gives_a_clean_post_or_a_problem(title, topic, date):
    def typed(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    header = f"title: {typed(title)}\ndate: {typed(date)}\ntopics: [{typed(topic)}]\ncites: [{typed(title)}]"
    for text in (header, f"title: {typed(title)}\ndate: 2026-03\ntopics: alliance\nsummary: {typed(topic)}"):
        post, problems = read_post(f"---\n{text}\n---\n{title}", "posts/a.md", SITE)
        assert post or problems
        report(problems).encode("utf-8")
        if post:
            repr(post).encode("utf-8")
            assert "\n" not in post.title + post.summary


def test_a_key_without_a_value_is_told_at_its_own_line_with_a_topic_of_this_site():
    own = replace(SITE, topics=(Term("sleep", "Sleep"),))
    post, problems = read_post("---\ntitle: T\ndate: 2026-03\ntags:\n---\n", "posts/a-post.md", own)
    assert (post, report(problems)) == (
        None,
        "posts/a-post.md:4: `topics` is missing\n"
        "    Write it like `topics: [sleep]`, with at least one topic of feeds/topics.yaml.\n"
        "\n1 problem in 1 file.\n",
    )
