"""`schema` and `check` say the same of a post, of settings and of topics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pprnet_feeds.content import keys
from pprnet_feeds.content.post import read_post
from pprnet_feeds.content.site import read_site
from pprnet_feeds.content.yaml import Mapping, Scalar, Sequence, Value, read_front_matter, read_yaml
from service import ROOT, SITES, invoke

SMALL = SITES / "small"


def schema(what: str, site: Path = SMALL) -> Draft202012Validator:
    done = invoke("schema", what, "--site", str(site))
    assert done.returncode == 0, done.stdout
    found = json.loads(done.stdout)
    Draft202012Validator.check_schema(found)
    return Draft202012Validator(found)


POST = schema("post")
SITE, _ = read_site(SMALL, {})


def as_json(value: Value | None) -> Any:
    """What a YAML 1.2 reader makes of a value."""
    if isinstance(value, Mapping):
        return {name: as_json(each) for name, (_, each) in value.entries.items()}
    if isinstance(value, Sequence):
        return [as_json(item) for item in value.items]
    assert isinstance(value, Scalar)
    core = {"": None, "~": None, "null": None, "true": True, "false": False}
    if value.plain and value.text in core:
        return core[value.text]
    return int(value.text) if value.plain and value.text.isdecimal() else value.text


def verdicts(front: str) -> tuple[bool, bool]:
    """Whether the schema and the reader accept a post with this front matter."""
    text = f"---\n{front}\n---\nText.\n"
    post, _ = read_post(text, "posts/a.md", SITE)
    header = read_front_matter(text, "posts/a.md").header
    return POST.is_valid(as_json(header)), post is not None


START = "title: T\ndate: 2021-01\ntopics: [alliance]\n"
SOUND = {
    "title": ["title: 2020", "title: yes", 'title: "A: B"'],
    "date": [
        "date: 2021-01-09",
        "date: 2021-01-09T14:30:00-05:00",
        "publishDate: 2021-01",
        "date: 2021-01-09 14:30:60.5z",
        "date: 2020-02-29",
    ],
    "topics": ["topics: alliance", "topics: [ALLIANCE]", "tags: [alliance]", "topics:\n  - alliance\n  -"],
    "rest": [
        *("draft: true", "draft: no", "draft: ON", "draft:", "summary:", "research: []", "id: 2021-a"),
        *("updated: 2021-02", "lastmod: 2021-02-01", "slug: 2021", "canonical: /posts/a-b/"),
        *(
            "cites: [A reference.]",
            "cites: A reference.",
            "cites: [{text: R, doi: 10.1002/cpp.2521, year: 2020}]",
        ),
        *("cites: [{text: R, type: Chapter, DOI: 'https://doi.org/10.1002/x', pages: 7-19, pmid: 12}]",),
        *("authors: Ada", "authors: [{name: Ada, orcid: 0000-0002-1825-0097, email: a@b.ca}]"),
        *("image: /a.jpg", "image: {url: 'HTTPS://example.org/a.jpg', width: 640, height: '480'}"),
        *("aliases: [/a/, /b]", "status: corrected\nnote: 'Why.'", "status: Retracted", "note:"),
        *("language: no", "language: zh-Hant-TW"),
    ],
}
FAULTY = {
    "title": ["", "title:", f"title: {'x' * 301}", "title: [a]"],
    "date": ["", "date:", "date: 2021", "date: March 2021", "date: 2021/01", "date: [2021-01]",
             "date: 2021-13", "date: 2021-02-30", "date: 2021-04-31", "date: 2021-01-09 14:30"],
    "topics": ["", "topics:", "topics: []", "topics: [no]", "topics: [alliance, no]", "tags: [no]"],
    "rest": [
        *("draft: maybe", "draft: 1", "titel: T", "status: fine", "slug: 'A b'", "id: Ünï", "updated: soon"),
        *("research: [nothing]", "cites: [{doi: 10.1002/x}]", "cites: [{text: R, doi: none}]"),
        *("cites: [{text: R, year: soon}]", "cites: [{text: R, journals: J}]"),
        *("cites: [{text: R, type: paper}]",),
        *("authors: [{url: 'https://a.ca'}]", "authors: [{name: A, orcid: 12}]"),
        *("authors: [{name: A, url: a}]",),
        *("image: {alt: A}", "image: a.jpg", "image: {url: /a.jpg, width: 0}", "aliases: [a]"),
        *("summary: {a: b}", "id: a-", f"id: {'x' * 101}", "updated: 2021-00", "language: plain English"),
    ],
}  # fmt: skip
PARTS = {name: list(START.splitlines())[number] for number, name in enumerate(("title", "date", "topics"))}


@pytest.mark.parametrize("kind", SOUND)
def test_what_check_accepts_the_schema_accepts(kind: str):
    for typed in SOUND[kind]:
        assert verdicts("\n".join((PARTS | {kind: typed}).values())) == (True, True), typed


@pytest.mark.parametrize("kind", FAULTY)
def test_a_fault_of_one_value_is_one_for_both(kind: str):
    for typed in FAULTY[kind]:
        assert verdicts("\n".join((PARTS | {kind: typed}).values())) == (False, False), typed


@settings(max_examples=60)
@given(
    st.fixed_dictionaries(
        {kind: st.sampled_from([PARTS[kind], *SOUND[kind]]) for kind in PARTS},
    ),
    st.lists(st.sampled_from([*SOUND["rest"], *FAULTY["rest"]]), max_size=4),
)
def test_the_schema_never_refuses_what_check_accepts(start: dict[str, str], rest: list[str]):
    by_schema, by_check = verdicts("\n".join([*start.values(), *rest]))
    assert by_schema or not by_check


@pytest.mark.parametrize("site", [ROOT, SMALL, SITES / "first-ledger"], ids=lambda site: site.name)
def test_the_files_of_our_sites_fit_their_schemas(site: Path):
    for what, name in (("site", "site"), ("topics", "topics"), ("topics", "research")):
        value, problems = read_yaml((site / f"feeds/{name}.yaml").read_text("utf-8"), name)
        assert problems == []
        assert [each.message for each in schema(what, site).iter_errors(as_json(value))] == []
    posts = schema("post", site)
    for file in sorted((site / "posts").rglob("*.md")):
        header = read_front_matter(file.read_text("utf-8"), file.name).header
        assert [each.message for each in posts.iter_errors(as_json(header))] == [], file


def test_every_key_is_explained_as_in_the_editors_table():
    properties = POST.schema["properties"]
    assert list(properties) == list(keys.POST)
    table = (ROOT / "docs/editor/a-new-post.md").read_text("utf-8")
    for name, key in keys.POST.items():
        if name == key.name:
            assert key.about[1:] in properties[name]["description"]
            without = "required" if key.default == keys.REQUIRED else key.default
            assert f"| `{name}` | {key.about} | {without} |\n" in table


def test_the_topics_and_research_types_are_those_of_the_site():
    text = json.dumps(POST.schema, ensure_ascii=False)
    for term in (*SITE.topics, *SITE.research):
        assert json.dumps(term.slug) in text
        assert json.dumps(term.label, ensure_ascii=False) in text


def test_settings_that_no_site_can_have_fit_no_schema():
    site = schema("site")
    sound = {
        "title": "T",
        "tag_root": "a.ca,2013:b",
        "author": {"name": "A"},
        "language": "en",
        "time_zone": "UTC",
    }
    assert site.is_valid(sound)
    for fault in (
        {"colour": "red"},
        {"entries": 0},
        {"author": {}},
        {"cache": {"max_age": -1}},
        {"title": None},
        {"accent": "red"},
        {"base_url": "example.org"},
        {"base_url": "https://example.org/?a=b"},
        {"language": "plain English"},
    ):
        assert not site.is_valid(sound | fault), fault
