from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pprnet_feeds
from pprnet_feeds.content.model import CacheTimes, Person, Site, Term
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.content.site import FILE, read_site, variable
from pprnet_feeds.content.text import clean

LEAST = """title: T
tag_root: example.org,2013:t
author: {name: Ann}
language: en-CA
time_zone: America/Toronto
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "feeds").mkdir()
    write(tmp_path, "site", LEAST)
    write(tmp_path, "topics", "- {slug: alliance, label: Alliance}\n")
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    (folder / "feeds" / f"{name}.yaml").write_text(text, encoding="utf-8")


def test_five_settings_and_a_topic_make_a_site(folder):
    assert read_site(folder, {}, "http://127.0.0.1:8000/") == (
        Site(
            title="T",
            subtitle="",
            short_title="T",
            base_url="http://127.0.0.1:8000",
            tag_root="example.org,2013:t",
            author=Person("Ann"),
            language="en-CA",
            time_zone=ZoneInfo("America/Toronto"),
            topics=(Term("alliance", "Alliance"),),
        ),
        [],
    )


def test_everything_can_be_set(folder):
    more = """subtitle: S
short_title: PPRNet
base_url: https://example.org/blog/
rights: "© us"
licence: https://example.org/licence
hubs: [https://hub.example.org/]
entries: 50
cache: {max_age: 60, stale_while_revalidate: 0, stale_if_error: 9}
"""
    write(
        folder,
        "site",
        LEAST.replace(
            "{name: Ann}", "{name: Ann, url: 'https://a.org', email: a@a.org, orcid: 0000-0002-1825-0097}"
        )
        + more,
    )
    write(folder, "topics", "- {slug: b, label: B, description: D, former: [old-b]}\n")
    write(folder, "research", "- {slug: reviews, label: Reviews}\n")
    write(folder, "issues", "2022-01: This month…\n")
    assert read_site(folder, {}, "http://127.0.0.1:8000") == (
        Site(
            title="T",
            subtitle="S",
            short_title="PPRNet",
            base_url="https://example.org/blog",
            tag_root="example.org,2013:t",
            author=Person("Ann", "https://a.org", "a@a.org", "0000-0002-1825-0097"),
            language="en-CA",
            time_zone=ZoneInfo("America/Toronto"),
            rights="© us",
            licence="https://example.org/licence",
            hubs=("https://hub.example.org/",),
            entries=50,
            cache=CacheTimes(60, 0, 9),
            topics=(Term("b", "B", "D", ("old-b",)),),
            research=(Term("reviews", "Reviews"),),
            issues={"2022-01": "This month…"},
        ),
        [],
    )


@pytest.mark.parametrize(
    ("name", "typed", "attribute", "value"),
    [
        ("title", "Other", "title", "Other"),
        ("base_url", "https://example.org/", "base_url", "https://example.org"),
        ("hubs", "https://a.org/, https://b.org/", "hubs", ("https://a.org/", "https://b.org/")),
        ("author.name", "Bob", "author", Person("Bob")),
        ("cache.max_age", "5", "cache", CacheTimes(max_age=5)),
        ("entries", "7", "entries", 7),
        ("language", "fr", "language", "fr"),
        ("title", "  ", "title", "T"),
    ],
)
def test_the_environment_wins(folder, name, typed, attribute, value):
    site, problems = read_site(folder, {variable(name): typed})
    assert problems == []
    assert getattr(site, attribute) == value


def test_a_fault_in_the_environment_names_the_variable(folder):
    site, problems = read_site(folder, {"PPRNET_AUTHOR_URL": "nowhere"})
    assert site is not None
    assert problems == [
        Problem(
            "PPRNET_AUTHOR_URL",
            0,
            0,
            "`author.url` is not a web address: 'nowhere'",
            "Set it like PPRNET_AUTHOR_URL=https://example.org/tasca.",
        )
    ]


@pytest.mark.parametrize("name", ["title", "tag_root", "author.name", "language", "time_zone"])
def test_what_could_be_published_by_mistake_has_no_default(folder, name):
    key = name.partition(".")[0]
    write(folder, "site", "\n".join(line for line in LEAST.splitlines() if not line.startswith(key)))
    site, problems = read_site(folder, {})
    assert site is None
    assert [(problem.file, problem.what) for problem in problems] == [(FILE, f"`{name}` is missing")]


@pytest.mark.parametrize("typed", ['""', "", '" "', '"\\0"', "[]", "{}"])
@pytest.mark.parametrize("name", ["title", "tag_root", "author.name", "language", "time_zone"])
def test_an_empty_value_that_is_required_is_told(folder, name, typed):
    key, _, inner = name.partition(".")
    lines = [line for line in LEAST.splitlines() if not line.startswith(key)]
    value = f"{{{inner}: {typed}}}" if inner else typed
    write(folder, "site", "\n".join([f"{key}: {value}", *lines]))
    site, problems = read_site(folder, {})
    assert site is None
    assert FILE in {problem.file for problem in problems}


def test_an_empty_title_is_told_at_its_line(folder):
    write(folder, "site", LEAST.replace("title: T", 'title: ""'))
    _, problems = read_site(folder, {})
    assert problems == [
        Problem(
            FILE,
            1,
            0,
            "`title` is missing",
            "Add it, such as Psychotherapy Practice Research Network, or set PPRNET_TITLE.",
        )
    ]


@given(
    st.dictionaries(
        st.sampled_from(["title", "tag_root", "author", "language", "time_zone", "hubs", "cache"]),
        st.one_of(st.text(max_size=9), st.lists(st.text(max_size=3)), st.dictionaries(st.text(), st.text())),
    )
)
def test_without_a_site_there_is_a_problem_whatever_was_typed(typed):
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "feeds").mkdir()
        write(Path(name), "topics", "- {slug: alliance, label: Alliance}\n")
        write(Path(name), "site", json.dumps(typed))
        site, problems = read_site(Path(name), {})
        assert site is not None or problems


@given(
    st.dictionaries(
        st.sampled_from([variable(name) for name in ("title", "author.name", "hubs", "rights", "time_zone")]),
        st.text(st.characters(exclude_characters="\0"), max_size=20),
    )
)
def test_no_variable_brings_in_what_no_document_may_hold(environ):
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "feeds").mkdir()
        write(Path(name), "topics", "- {slug: alliance, label: Alliance}\n")
        write(Path(name), "site", LEAST)
        site, problems = read_site(Path(name), environ)
        assert site is not None or problems
        if site:
            assert not clean(site.title + site.author.name + site.rights)[1]


def test_a_character_that_was_left_out_of_a_variable_is_told(folder):
    site, problems = read_site(folder, {"PPRNET_AUTHOR_NAME": "Bob\x07 \udce9"})
    assert (site and site.author, problems) == (
        Person("Bob"),
        [
            Problem(
                "PPRNET_AUTHOR_NAME",
                0,
                0,
                "a character that no feed may hold was left out: U+0007",
                "Type the words around it again; such characters come with text copied from a PDF.",
            )
        ],
    )


@pytest.mark.parametrize(
    ("name", "mend"),
    [
        ("PPRNET_BASEURL", "Did you mean PPRNET_BASE_URL?"),
        ("PPRNET_HUB", "Did you mean PPRNET_HUBS?"),
        ("PPRNET_STATEE", "Did you mean PPRNET_STATE?"),
        (
            "PPRNET_AUTHOR",
            "Did you mean PPRNET_AUTHOR_NAME or PPRNET_AUTHOR_URL or PPRNET_AUTHOR_EMAIL "
            "or PPRNET_AUTHOR_ORCID?",
        ),
        (
            "PPRNET_CACHE",
            "Did you mean PPRNET_CACHE_MAX_AGE or PPRNET_CACHE_STALE_WHILE_REVALIDATE "
            "or PPRNET_CACHE_STALE_IF_ERROR?",
        ),
        ("PPRNET_COLOUR", "Take it out of the environment."),
    ],
)
def test_a_variable_that_nothing_reads_is_told(folder, name, mend):
    _, problems = read_site(folder, {name: "x"})
    assert problems == [Problem(name, 0, 0, "no setting is read from this variable", mend)]


@pytest.mark.parametrize(
    "name",
    [
        "PPRNET_STATE",
        "PPRNET_FEEDS_SERVICE_HOST",
        "PPRNET_SERVICE_PORT_HTTP",
        "PPRNET_FEEDS_PORT_80_TCP_ADDR",
        "PPRNETWORK",
    ],
)
def test_the_variables_of_others_are_left_alone(folder, name):
    assert read_site(folder, {name: "tcp://10.0.0.1"})[1] == []


def test_every_variable_that_the_program_reads_is_known(folder):
    source = Path(pprnet_feeds.__file__).parent
    read = {
        name for file in source.rglob("*.py") for name in re.findall(r"\bPPRNET_[A-Z_]+\b", file.read_text())
    }
    read -= {variable("author.name"), "PPRNET_"}
    assert read_site(folder, dict.fromkeys(read, ""))[1] == []


@pytest.mark.parametrize(
    ("key", "typed"),
    [
        ("base_url", "ftp://example.org"),
        ("base_url", "https://"),
        ("base_url", "https://example.org/?x=1"),
        ("base_url", "https://example.org/#x"),
        ("base_url", "https://user@example.org/"),
        ("base_url", "https://example.org:99999/"),
        ("base_url", "https://exämple.org/"),
        ("base_url", "https://[::1/"),
        ("base_url", "example.org"),
        ("tag_root", "tag:example.org,2013:t"),
        ("tag_root", "example.org:t"),
        ("tag_root", "example.org,13:t"),
        ("tag_root", "example.org,2013-13:t"),
        ("tag_root", "example.org,2013:"),
        ("tag_root", "Example.org,2013:t"),
        ("language", "English"),
        ("language", "en_CA"),
        ("time_zone", "Toronto"),
        ("time_zone", "../../etc/passwd"),
        ("time_zone", "America"),
        ("time_zone", "localtime"),
        ("time_zone", "posixrules"),
        ("time_zone", "posix/America/Toronto"),
        ("time_zone", "right/UTC"),
        ("time_zone", "Factory"),
        ("time_zone", "/usr/share/zoneinfo/UTC"),
        ("time_zone", "America/../UTC"),
        ("entries", "0"),
        ("entries", "9" * 5000),
        ("cache", "fast"),
        ("hubs", "[hub]"),
    ],
)
def test_a_faulty_setting_is_told(folder, key, typed):
    lines = [line for line in LEAST.splitlines() if not line.startswith(key)]
    write(folder, "site", "\n".join([f"{key}: {typed!r}" if "[" not in typed else f"{key}: {typed}", *lines]))
    _, problems = read_site(folder, {})
    assert [(problem.file, problem.line) for problem in problems] == [(FILE, 1)]


@pytest.mark.parametrize(
    "root", ["uottawa.ca,2013:pprnet", "ann@example.org,2013-05-01:a/b?c", "a,2000-12:x"]
)
def test_the_roots_of_rfc_4151_are_good(folder, root):
    site, problems = read_site(folder, {"PPRNET_TAG_ROOT": root})
    assert (site and site.tag_root, problems) == (root, [])


@pytest.mark.parametrize(
    "tag", ["en", "en-CA", "fr-CA", "zh-Hant-TW", "de-1996", "sl-rozaj-biske", "en-x-us"]
)
def test_the_tags_of_bcp_47_are_good(folder, tag):
    site, problems = read_site(folder, {"PPRNET_LANGUAGE": tag})
    assert (site and site.language, problems) == (tag, [])


@pytest.mark.parametrize("zone", ["UTC", "Etc/GMT+5", "America/Argentina/Buenos_Aires", "EST5EDT"])
def test_the_zones_of_iana_are_good(folder, zone):
    site, problems = read_site(folder, {"PPRNET_TIME_ZONE": zone})
    assert (site and site.time_zone, problems) == (ZoneInfo(zone), [])


@pytest.mark.parametrize(
    "text", ["", "- slug: Not A Slug\n  label: X\n", "alliance\n", "[]\n", "- slug: feed\n"]
)
def test_without_topics_there_is_no_site(folder, text):
    write(folder, "topics", text)
    site, problems = read_site(folder, {})
    assert (site, {problem.file for problem in problems}) == (None, {"feeds/topics.yaml"})


def test_a_folder_without_feeds_is_told_file_by_file(tmp_path):
    site, problems = read_site(tmp_path, {})
    assert site is None
    assert [problem.file for problem in problems if problem.what == "the file is missing"] == [
        "feeds/site.yaml",
        "feeds/topics.yaml",
    ]


def test_two_topics_cannot_answer_to_one_name(folder):
    write(folder, "topics", "- {slug: a, label: A, former: [b]}\n- {slug: b, label: Other}\n")
    _, problems = read_site(folder, {})
    assert [problem.what for problem in problems] == ["'b' and 'a' are both called 'b'"]


@pytest.mark.parametrize("text", ["title: [x", "", "# nothing", "- a", "{}"])
def test_of_a_file_of_which_nothing_is_read_no_key_is_missing_besides(folder, text):
    write(folder, "site", text)
    [problem, *more] = read_site(folder, {})[1]
    assert (problem.file, [one for one in more if "is missing" in one.what and text != "{}"]) == (FILE, [])
