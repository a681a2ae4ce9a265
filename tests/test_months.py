"""A month is a page and no feed; and combinations have no files for reference managers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service import SITES, Service, serving

BASE = "https://small.example.org"


@pytest.fixture(scope="module", params=["on", "off"])
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    with serving(SITES / "small", PPRNET_BASE_URL=BASE, PPRNET_FAST_PATH=request.param) as running:
        yield running


@pytest.mark.parametrize(
    "rest",
    [
        *("feed.atom", "feed.rss", "feed.json", "summary.atom", "practice.json", "citations.rss"),
        *("citations.bib", "citations.ris", "citations.csl.json", "archive/2021/feed.atom"),
        *("feed", "rss", "feed.xml", "index.xml", "embed"),
    ],
)
def test_what_was_below_the_page_of_a_month_is_gone_and_names_the_page(service: Service, rest: str):
    answer = service.ask(f"/issues/2021-03/{rest}")
    assert answer.status == 410
    assert f"{BASE}/issues/2021-03/".encode() in answer.body
    assert f"{BASE}/issues/feed.atom".encode() in answer.body


def test_a_month_that_never_was_is_no_page_and_nothing_below_it_is_gone(service: Service):
    assert service.ask("/issues/1999-01/").status == 404
    assert service.ask("/issues/1999-01/feed.atom").status == 404
    assert service.ask("/issues/2021-03/nothing").status == 404


def test_the_page_of_a_month_offers_the_feed_of_months(service: Service):
    page = service.ask("/issues/2021-03/").body
    for form in ("atom", "rss", "json"):
        assert f'"{BASE}/issues/feed.{form}"'.encode() in page
    assert b"/issues/2021-03/feed" not in page
    assert b"<iframe" not in page
    assert service.ask(f"/oembed?url={BASE}/issues/2021-03/").status == 404


@pytest.mark.parametrize("form", ["bib", "ris", "csl.json"])
def test_only_listed_selections_have_files_for_reference_managers(service: Service, form: str):
    assert service.ask(f"/topics/alliance/citations.{form}").status == 200
    for combined in ("topics/alliance,sleep-and-rest", "topics/alliance/research/single-studies"):
        assert service.ask(f"/{combined}/citations.atom").status == 200
        assert service.ask(f"/{combined}/citations.{form}").status == 404
        assert f"citations.{form}".encode() not in service.ask(f"/{combined}/").body


def test_a_listed_feed_is_the_same_past_asgi_and_through_it(service: Service):
    first = service.ask("/feed.atom", accept_encoding="gzip")
    second = service.ask("/feed.atom", accept_encoding="gzip")
    assert (first.status, first.body, set(first.headers)) == (200, second.body, set(second.headers))
    held = first.headers["etag"]
    assert service.ask("/feed.atom", accept_encoding="gzip", if_none_match=held).status == 304
