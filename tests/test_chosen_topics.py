"""What a form or a stranger writes into a query: ignored, understood or a 404, and never our fault."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from service import ROOT, Service, serving

ODD = (
    "",
    "/",
    "//",
    ".",
    "..",
    ",",
    "+",
    ",,",
    "%2B",
    "%20",
    "%09",
    "%0a",
    "%00",
    "%ff",
    "%",
    "%zz",
    "empathy/",
    "/empathy",
    "empathy/research/meta-analyses",
    "research/meta-analyses",
    "topics/empathy",
    "issues/2021-12",
    "empathy,",
    ",empathy",
    "empathy,nope",
    "nope",
    "Empathy,nope",
    "empathy%2Btherapist-factors,training",
    "a" * 3000,
    "empathy," * 300,
    quote("Ängste"),
    quote("\U0001f44d"),
    "%ed%a0%80",
    "<script>",
    "feed",
    "archive",
    "-1",
    "0",
    "None",
    "null",
    "[]",
    "{}",
    "'",
    "%22",
    "%5C",
    "=",
    "&",
    ";",
    "?",
    "embed",
    "search/x",
)
QUERIES = (
    "",
    "topic",
    "topic=",
    "topic&topic",
    "&",
    "&&=",
    "=",
    "topic=&research=",
    "view=&format=",
    "match=all",
)
FIELDS = ("topic", "research", "view", "format", "match", "url", "maxwidth", "maxheight", "x")


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with serving(ROOT, PPRNET_BASE_URL="https://feeds.example.org") as running:
        yield running


def feeds(service: Service, query: str) -> tuple[int, list[str]]:
    """The status of the list, and the selections of the feeds in it."""
    answer = service.ask(f"/feeds.opml?{query}")
    found = re.findall(rb'xmlUrl="https://feeds\.example\.org/([^"]*)feed\.[a-z]+"', answer.body)
    return answer.status, [name.decode() for name in found]


@pytest.mark.parametrize(
    "query", ["topic", "topic=", "topic=&topic=", "topic=+", "topic=%20%20", "x=empathy", ""]
)
def test_an_empty_field_asks_for_nothing_so_that_the_list_is_whole(service: Service, query: str):
    status, found = feeds(service, query)
    assert status == 200
    assert found == feeds(service, "x")[1]
    assert len(found) > 30


ONE, OTHER = "topics/empathy/", "topics/training/"


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("topic=empathy", {ONE}),
        ("topic=empathy&topic=", {ONE}),
        ("topic=&topic=empathy", {ONE}),
        ("topic=empathy&topic=empathy", {ONE}),
        ("topic=empathy&topic=training", {ONE, OTHER}),
        ("topic=training,empathy", {ONE, OTHER}),
        ("topic=empathy+training", {ONE, OTHER}),
        ("topic=empathy%2Btraining", {ONE, OTHER}),
        ("topic=empathy%2Ctraining&topic=training", {ONE, OTHER}),
        ("topic=%20empathy%20", {ONE}),
    ],
)
def test_what_a_field_names_is_in_the_list(service: Service, query: str, wanted: set[str]):
    status, found = feeds(service, query)
    assert (status, set(found), len(found)) == (200, wanted, len(wanted))


@pytest.mark.parametrize(
    "query",
    [
        "topic=/",
        "topic=nope",
        "topic=empathy/",
        "topic=empathy&topic=nope",
        "topic=empathy,nope",
        "topic=,",
        "topic=empathy/research/meta-analyses",
        "topic=a,b%2Bc",
        "topic=" + "a" * 3000,
    ],
)
def test_what_is_no_topic_is_not_found(service: Service, query: str):
    for path in ("/feeds.opml", "/subscribe"):
        assert service.ask(f"{path}?{query}").status == 404


@pytest.mark.parametrize("query", ["research=/", "research=nope", "research=meta-analyses/x", "research=a,b"])
def test_what_is_no_type_of_research_is_not_found(service: Service, query: str):
    assert service.ask(f"/subscribe?{query}").status == 404


@pytest.mark.parametrize(
    "path",
    [
        *("/feeds.opml", "/subscribe", "/oembed"),
        *(pytest.param(path, marks=pytest.mark.slow) for path in ("/feed.atom", "/", "/nowhere", "/stats")),
    ],
)
def test_no_query_is_a_fault_of_ours_and_no_list_is_empty(service: Service, path: str):
    made = [f"{field}={value}" for field, value in itertools.product(FIELDS, ODD)]
    made += [f"url={quote('https://feeds.example.org/' + value, safe='%')}" for value in ODD]
    made += [f"url=https://feeds.example.org/topics/{value}/" for value in ODD]
    made += [f"topic=empathy&{query}" for query in (*QUERIES, *made[: len(ODD)])]
    for query in (*QUERIES, *made):
        answer = service.ask(f"{path}?{query.replace('<', '%3C').replace('>', '%3E')}")
        allowed = (200, 303, 404, 501) if path == "/oembed" else (200, 303, 404)
        assert answer.status in allowed, query
        if path == "/feeds.opml" and answer.status == 200:
            assert b"xmlUrl" in answer.body, query
