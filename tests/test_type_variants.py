"""A feed that a browser opens: the same bytes as XML, under an entity tag that is never the other type's."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from proxies import before, nginx, varnish
from service import ROOT, Answer, Service, serving

SHOWN = {"Sec_Fetch_Dest": "document"}
CODINGS = ("", "br", "gzip")
# Feeds of every kind of address, and names by which they are guessed.
FEEDS = (
    "/feed.atom",
    "/feed.rss",
    "/summary.atom",
    "/practice.rss",
    "/citations.atom",
    "/topics/therapist-factors/feed.rss",
    "/topics/empathy,therapist-factors/feed.atom",
    "/issues/feed.atom",
    "/corrections/feed.rss",
    "/feed",
    "/feed/",
    "/feed.xml",
    "/atom",
    "/atom.xml",
    "/index.atom",
    "/rss",
    "/rss/",
    "/rss.xml",
    "/index.xml",
    "/index.rss",
    "/rss/feed.xml",
    "/topics/therapist-factors/feed",
    "/topics/therapist-factors/rss.xml",
)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with serving(ROOT) as running:
        yield running


def both(service: Service, path: str, **headers: str) -> tuple[Answer, Answer]:
    """What a reader gets, and what a browser that opens the address gets."""
    return service.ask(path, **headers), service.ask(path, **headers, **SHOWN)


@pytest.mark.parametrize("path", FEEDS)
def test_the_two_types_of_a_feed_have_the_same_bytes_and_different_tags(service: Service, path: str):
    for _ in range(2):  # drawn, and ready
        plain, shown = both(service, path)
        assert (plain.status, shown.status) == (200, 200)
        assert shown.body == plain.body
        assert plain.headers["content-type"].startswith(("application/atom+xml", "application/rss+xml"))
        assert shown.headers["content-type"] == "application/xml; charset=utf-8"
        assert shown.headers["etag"] != plain.headers["etag"]
        assert shown.headers["etag"].startswith('"')
        for answer in (plain, shown):
            assert "sec-fetch-dest" in answer.headers["vary"].lower()


@pytest.mark.parametrize("path", FEEDS)
def test_a_tag_of_one_type_is_no_reason_to_go_on_with_the_other(service: Service, path: str):
    plain, shown = both(service, path)
    for held, (answer, fields) in itertools.product((plain, shown), ((plain, {}), (shown, SHOWN))):
        tag = held.headers["etag"]
        for field in (tag, f"W/{tag}", f'"x", {tag}', tag[:-1] + '-gzip"'):
            asked = service.ask(path, If_None_Match=field, **fields)
            assert asked.status == (304 if held is answer else 200), (field, fields)
            assert asked.headers["etag"] == answer.headers["etag"]
            assert asked.headers["vary"] == answer.headers["vary"]


def test_every_coding_of_each_type_has_a_tag_of_its_own_and_any_of_them_is_enough(service: Service):
    tags: dict[str, list[str]] = {}
    for name, fields in (("plain", {}), ("shown", SHOWN)):
        for coding in CODINGS:
            tags.setdefault(name, []).append(
                service.ask("/feed.atom", Accept_Encoding=coding, **fields).headers["etag"]
            )
    assert len({*tags["plain"], *tags["shown"]}) == 6
    for tag, coding in itertools.product(tags["shown"], CODINGS):
        assert service.ask("/feed.atom", Accept_Encoding=coding, If_None_Match=tag, **SHOWN).status == 304
        assert service.ask("/feed.atom", Accept_Encoding=coding, If_None_Match=tag).status == 200


@pytest.mark.parametrize("value", ["empty", "Document", "iframe", "document, document", "document;x", ""])
def test_any_other_destination_gets_what_a_reader_gets(service: Service, value: str):
    plain, other = service.ask("/feed.rss"), service.ask("/feed.rss", Sec_Fetch_Dest=value)
    assert (other.headers["content-type"], other.headers["etag"]) == (
        plain.headers["content-type"],
        plain.headers["etag"],
    )


@pytest.mark.parametrize("path", ["/feed.json", "/feeds.opml", "/", "/topics/", "/feed.json?x"])
def test_what_has_one_type_has_one_tag(service: Service, path: str):
    plain, shown = both(service, path)
    assert (plain.headers["content-type"], plain.headers["etag"]) == (
        shown.headers["content-type"],
        shown.headers["etag"],
    )


def test_any_tag_means_either_type(service: Service):
    for fields in ({}, SHOWN):
        assert service.ask("/feed.atom", If_None_Match="*", **fields).status == 304


LINES = [
    ("document", "empty"),
    ("empty", "document"),
    ("document", "document"),
    ("document", ""),
    ("", "document"),
    ("image", "empty"),
    ("document", "image", "document"),
]


@pytest.mark.slow
@pytest.mark.parametrize("cache", ["nginx", "varnish"])
def test_no_repeated_line_makes_a_cache_keep_one_type_for_the_other(
    service: Service, cache: str, tmp_path_factory: pytest.TempPathFactory
):
    names = itertools.product(
        ("therapist-factors", "empathy"), ("feed", "summary", "practice", "citations"), ("atom", "rss")
    )
    paths = [f"/topics/{slug}/{view}.{form}" for slug, view, form in names]
    folder = tmp_path_factory.mktemp(cache)
    with (
        before(service) as origin,
        nginx(folder, origin.port) if cache == "nginx" else varnish(origin.port) as proxy,
    ):
        for lines, path in zip(LINES, paths, strict=False):
            fields = "".join(f"Sec-Fetch-Dest: {line}\r\n" for line in lines)
            codings = "Accept-Encoding: gzip\r\nAccept-Encoding: br\r\n"
            proxy.send(
                f"GET {path} HTTP/1.1\r\nHost: x\r\n{fields}{codings}Connection: close\r\n\r\n".encode()
            )
            for headers in ({}, SHOWN, {"Accept_Encoding": "br"}, {"Accept_Encoding": "gzip", **SHOWN}):
                ours, its = service.ask(path, **headers), proxy.ask(path, **headers)
                for name in ("content-type", "etag", "content-encoding"):
                    assert its.headers.get(name) == ours.headers.get(name), (lines, headers, name)
                assert its.body == ours.body
