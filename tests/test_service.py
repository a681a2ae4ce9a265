"""The contract from outside: the real command, over a real socket."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import brotli
import pytest

from pprnet_feeds.syndication.urls import GUESSED
from service import ROOT, SITES, Service, command, serving

TOPIC = "/topics/suicide-and-crisis-intervention"


@pytest.fixture(scope="module", params=["on", "off"])
def fast_path(request: pytest.FixtureRequest) -> str:
    """Whether prepared responses are written past the application: nobody may notice."""
    return request.param


@pytest.fixture(scope="module")
def service(fast_path: str) -> Iterator[Service]:
    with serving(ROOT, WEB_CONCURRENCY="1", PPRNET_FAST_PATH=fast_path) as running:
        yield running


@pytest.fixture(scope="module")
def small(fast_path: str) -> Iterator[Service]:
    with serving(SITES / "small", PPRNET_FAST_PATH=fast_path) as running:
        yield running


def test_the_suicide_topic_gives_the_post_of_may_2021_whole(service: Service):
    answer = service.ask(f"{TOPIC}/feed.atom")
    text = answer.body.decode()
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    assert "<title>The Impact of Patient Suicide on Psychotherapists</title>" in text
    assert "Clinical Psychology and Psychotherapy, 28, 261-294." in text
    assert 'label="Suicide and Crisis Intervention"' in text
    assert 'label="Therapist Factors"' in text
    assert "&lt;h2&gt;Practice Implications&lt;/h2&gt;" in text
    assert text.count("<entry>") == 1


def test_the_second_poll_costs_nothing(service: Service):
    first = service.ask(f"{TOPIC}/feed.atom")
    second = service.ask(f"{TOPIC}/feed.atom", If_None_Match=first.headers["etag"])
    assert (second.status, second.body) == (304, b"")
    kept = ("etag", "cache-control", "vary", "access-control-allow-origin", "link")
    assert {name: second.headers[name] for name in kept} == {name: first.headers[name] for name in kept}


def test_a_refused_gzip_gives_brotli(service: Service):
    plain = service.ask(f"{TOPIC}/feed.atom")
    coded = service.ask(f"{TOPIC}/feed.atom", Accept_Encoding="gzip;q=0, br")
    assert coded.headers["content-encoding"] == "br"
    assert brotli.decompress(coded.body) == plain.body
    assert coded.headers["etag"] != plain.headers["etag"]


def test_gzip_is_sent_to_those_who_ask_for_it_and_to_nobody_else(service: Service):
    plain = service.ask("/feed.rss")
    coded = service.ask("/feed.rss", Accept_Encoding="gzip")
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(coded.body) == plain.body


@pytest.mark.parametrize("below", ["", TOPIC, "/research/meta-analyses"])
@pytest.mark.parametrize(("guess", "form"), GUESSED.items())
def test_guessed_addresses_give_the_bytes_of_the_canonical_one(
    service: Service, below: str, guess: str, form: str
):
    canonical = service.ask(f"{below}/feed.{form}")
    guessed = service.ask(f"{below}/{guess}")
    assert (guessed.status, guessed.body) == (200, canonical.body)
    assert guessed.headers["etag"] == canonical.headers["etag"]
    assert re.search(rf'<[^>]+{below}/feed\.{form}>; rel="canonical"', guessed.headers["link"])


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/feed.atom", "application/atom+xml"),
        ("/feed.rss", "application/rss+xml"),
        ("/feed.json", "application/feed+json"),
        ("/feeds.opml", "text/x-opml"),
        ("/feeds.json", "application/json"),
        ("/", "text/html"),
        ("/topics/", "text/html"),
        ("/topics/alliance/", "text/html"),
        ("/posts/2021-03-trust-grows-slowly/", "text/html"),
        ("/site.css", "text/css"),
    ],
)
def test_every_good_answer_has_the_fields_of_the_contract(small: Service, path: str, media_type: str):
    answer = small.ask(path)
    assert answer.status == 200
    headers = answer.headers
    assert headers["content-type"] == f"{media_type}; charset=utf-8"
    assert headers["x-content-type-options"] == "nosniff"
    assert re.fullmatch(r'"[\w-]+"', headers["etag"])
    assert parsedate_to_datetime(headers["last-modified"]) <= datetime.now(UTC)
    assert headers["cache-control"] == (
        "public, max-age=900, stale-while-revalidate=3600, stale-if-error=604800"
    )
    assert "accept-encoding" in headers["vary"].lower()
    assert headers["access-control-allow-origin"] == "*"
    assert headers["access-control-expose-headers"] == "ETag, Last-Modified, Link"
    assert headers["content-length"] == str(len(answer.body))


def test_self_and_hub_are_told_in_the_link_field(small: Service):
    assert small.ask("/feed.atom").headers["link"] == (
        '<https://small.example.org/feed.atom>; rel="self", <https://hub.example.net/>; rel="hub"'
    )


def test_if_modified_since_alone_gives_304(service: Service):
    first = service.ask("/feed.atom")
    again = service.ask("/feed.atom", If_Modified_Since=first.headers["last-modified"])
    assert (again.status, again.headers["etag"]) == (304, first.headers["etag"])


def test_if_none_match_wins_over_if_modified_since(service: Service):
    date = service.ask("/feed.atom").headers["last-modified"]
    assert service.ask("/feed.atom", If_None_Match='"other"', If_Modified_Since=date).status == 200


def test_a_person_who_opens_a_feed_gets_the_same_bytes_as_xml(service: Service):
    reader = service.ask("/feed.rss")
    browser = service.ask("/feed.rss", Sec_Fetch_Dest="document")
    assert browser.body == reader.body
    assert browser.headers["content-type"] == "application/xml; charset=utf-8"
    assert "sec-fetch-dest" in browser.headers["vary"].lower()


def test_html_is_never_chosen_by_accept(service: Service):
    assert (
        service.ask("/feed.atom", Accept="text/html").headers["content-type"].startswith("application/atom")
    )


def test_head_is_get_without_the_body(service: Service):
    get = service.ask("/feed.json")
    head = service.ask("/feed.json", method="HEAD")
    volatile = {"date"}
    assert head.body == b""
    assert {k: v for k, v in head.headers.items() if k not in volatile} == {
        k: v for k, v in get.headers.items() if k not in volatile
    }


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "FOO"])
def test_other_methods_are_405_with_allow(service: Service, method: str):
    answer = service.ask("/feed.atom", method=method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert answer.headers["cache-control"] == "no-store"


def test_a_preflight_is_allowed(service: Service):
    answer = service.ask("/feed.json", method="OPTIONS", Origin="https://elsewhere.example")
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "If-None-Match" in answer.headers["access-control-allow-headers"]


def test_an_unknown_topic_is_a_404_that_names_the_nearest(service: Service):
    answer = service.ask("/topics/depresion/feed.atom")
    assert answer.status == 404
    assert "/topics/depression-and-depressive-symptoms/" in answer.body.decode()
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/topics", "/topics/"),
        ("/topics/alliance", "/topics/alliance/"),
        ("/topics/bond", "/topics/alliance/"),
        ("/topics/bond/feed.atom", "/topics/alliance/feed.atom"),
        ("/research/metas/rss", "/research/meta-analyses/rss"),
        ("/posts/2021-03-trust-grows-slowly", "/posts/2021-03-trust-grows-slowly/"),
    ],
)
def test_former_and_incomplete_addresses_move_in_one_hop(small: Service, path: str, location: str):
    answer = small.ask(path)
    assert (answer.status, answer.headers["location"]) == (301, f"https://small.example.org{location}")
    assert small.ask(location).status == 200


def test_a_withdrawn_post_is_410(small: Service):
    assert small.ask("/posts/2020-11-taken-back/").status == 410


@pytest.mark.parametrize("path", ["/feed.atom", "/feeds.json", "/feeds.opml", "/", "/topics/alliance/"])
def test_drafts_and_scheduled_posts_are_in_nothing(small: Service, path: str):
    text = small.ask(path).body.decode()
    assert "draft" not in text
    assert "2021-05" not in text
    assert "from the future" not in text.lower()
    assert "2199" not in text


def test_an_empty_topic_is_a_valid_empty_feed(small: Service):
    answer = small.ask("/topics/nothing-yet/feed.atom")
    assert answer.status == 200
    assert b"<updated>2013-01-01T00:00:00Z</updated>" in answer.body
    assert b"<entry>" not in answer.body


@pytest.mark.parametrize(
    "path",
    [
        "/../etc/passwd", "/%2e%2e/etc/passwd", "/..%2f", "/%c0%ae", "/%252e", "/%00", "/%", "/%zz",
        "/feed.atom%0a", "/healthz%0a", "//feed.atom", "/./feed.atom", "/<script>", "/feed.atom%0d%0aX:y",
        "/topics//feed.atom", "/topics/x/../feed.atom", "/" + "a" * 20_000,
        "/topics/" + "a" * 1500 + "/feed.atom",
    ],
)  # fmt: skip
def test_a_hostile_address_is_refused_shortly_and_never_repeated(service: Service, path: str):
    answer = service.send(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    status = int(answer.split(b" ", 2)[1])
    assert status in (400, 404, 414)
    assert len(answer) < 2000
    assert b"<script>" not in answer
    assert b"aaaaaa" not in answer


@pytest.mark.parametrize("query", ["?x", "?_=1234", "?format=rss", "?%ff", "?" + "a" * 3000])
def test_a_query_never_changes_what_a_feed_answers(service: Service, query: str):
    assert service.ask(f"/feed.atom{query}").body == service.ask("/feed.atom").body


def test_no_header_a_stranger_sends_reaches_an_answer(service: Service):
    hostile = {"Host": "evil.example", "X_Forwarded_Host": "evil.example", "X_Forwarded_Proto": "gopher",
               "Forwarded": "host=evil.example", "X_Original_URL": "/evil"}  # fmt: skip
    for path in ("/feed.atom", "/", "/topics", "/nowhere"):
        answer = service.ask(path, **hostile)
        assert b"evil" not in answer.body
        assert "evil" not in str(answer.headers)


@pytest.mark.parametrize("value", ["bytes=0-9", "bytes=5-", "bytes=-5", "items=1", "bytes=9-1", "\xff"])
def test_ranges_are_ignored(service: Service, value: str):
    assert service.ask("/feed.atom", Range=value).status == 200


def test_the_lists_name_every_feed_once(service: Service):
    opml = service.ask("/feeds.opml").body.decode()
    addresses = re.findall(r'xmlUrl="([^"]+)"', opml)
    feeds = json.loads(service.ask("/feeds.json").body)["feeds"]
    assert len(addresses) == len(set(addresses)) == len(feeds) == 1 + 36 + 3
    assert addresses == [feed["addresses"]["feed"]["atom"] for feed in feeds]


def test_the_subscribe_page_announces_the_main_feeds_in_its_head(service: Service):
    head = service.ask("/").body.decode().partition("</head>")[0]
    assert re.findall(r'<link rel="alternate" type="([^"]+)"', head) == [
        "application/atom+xml", "application/rss+xml", "application/feed+json"]  # fmt: skip


def test_a_topic_page_announces_its_own_feed_first(small: Service):
    head = small.ask("/topics/alliance/").body.decode().partition("</head>")[0]
    assert re.findall(r'<link rel="alternate"[^>]+href="([^"]+)"', head)[0] == (
        "https://small.example.org/topics/alliance/feed.atom"
    )


def test_health_and_readiness_are_told(service: Service):
    assert service.ask("/healthz").status == 200
    state = json.loads(service.ask("/readyz").body)
    assert (state["ready"], state["posts"], state["problems"]) == (True, 6, [])


def test_the_service_stops_with_0_when_the_host_asks():
    with serving(SITES / "small") as running:
        assert running.stop() == 0


def test_two_workers_give_the_same_answers_and_stop_with_0():
    with serving(SITES / "small", WEB_CONCURRENCY="2") as running:
        answers = {str(sorted(running.ask("/feed.atom").headers.items())[1:2]) for _ in range(12)}
        bodies = {running.ask("/feed.atom").body for _ in range(12)}
        assert len(answers) == len(bodies) == 1
        assert running.stop() == 0


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    shutil.copytree(SITES / "small", folder)
    return folder


def test_a_faulty_post_is_left_out_and_told_while_the_others_go_on(site: Path):
    (site / "posts/2021-04-faulty.md").write_text(
        "---\ntitle: Faulty\ndate: 2021-13\ntopics: [alliances]\n---\nText <script>x</script>\n"
    )
    (site / "posts/2021-04-scripted.md").write_text(
        "---\ntitle: Scripted\ndate: 2021-04\ntopics: [alliance]\n---\nText <script>x()</script> more\n"
    )
    with serving(site) as running:
        text = running.ask("/feed.atom").body.decode()
        state = json.loads(running.ask("/readyz").body)
    assert "Faulty" not in text
    assert "Scripted" in text
    assert "x()" not in text
    assert "An essay without a study" in text
    assert [problem.split(":")[0] for problem in state["problems"]] == ["posts/2021-04-faulty.md"] * 2


def test_a_changed_file_is_live_within_two_seconds_and_last_modified_rises(site: Path):
    post = site / "posts/2021-01-an-essay-without-a-study.md"
    waits = []
    with serving(site) as running:
        # Twice: on a busy machine one may be late.
        for word in ("at all ", "whatever "):
            before = running.ask("/feed.atom")
            post.write_text(post.read_text().replace("Nothing ", f"Nothing {word}"))
            since = time.monotonic()
            while running.ask("/feed.atom", If_None_Match=before.headers["etag"]).status == 304:
                assert time.monotonic() - since < 6
                time.sleep(0.05)
            waits.append(time.monotonic() - since)
        after = running.ask("/feed.atom", If_Modified_Since=before.headers["last-modified"])
    assert min(waits) < 2
    assert after.status == 200
    assert parsedate_to_datetime(after.headers["last-modified"]) > parsedate_to_datetime(
        before.headers["last-modified"]
    )


def test_a_scheduled_post_enters_at_its_moment_and_no_cache_outlives_it(site: Path):
    release = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=5)
    (site / "posts/2021-07-scheduled.md").write_text(
        f"---\ntitle: Right on time\ndate: {release.isoformat()}\ntopics: [alliance]\n---\nText.\n"
    )
    with serving(site) as running:
        before = running.ask("/topics/alliance/feed.atom")
        assert datetime.now(UTC) < release
        assert b"Right on time" not in before.body
        age = int(re.search(r"max-age=(\d+)", before.headers["cache-control"])[1])
        assert age <= 5
        while datetime.now(UTC) < release + timedelta(seconds=1.5):
            answer = running.ask("/topics/alliance/feed.atom")
            if b"Right on time" in answer.body:
                break
            time.sleep(0.05)
        assert b"Right on time" in answer.body
        assert datetime.now(UTC) >= release
        assert "max-age=900" in answer.headers["cache-control"]


def test_drafts_are_shown_when_asked_for(site: Path):
    with serving(site, "--drafts") as running:
        assert b"A draft nobody may see" in running.ask("/feed.atom").body


def test_faulty_settings_stop_the_service_at_its_start(site: Path):
    (site / "feeds/site.yaml").write_text("title: X\ntime_zone: Mars/Olympus\n")
    done = command("serve", "--site", str(site))
    assert done.returncode == 1
    assert "feeds/site.yaml:2: " in done.stdout
    assert "The feeds were not started." in done.stdout


def test_check_finds_nothing_wrong_with_the_repository():
    done = command("check")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "6 posts, no problems\n"


def test_check_tells_three_problems_with_lines_and_cures(site: Path):
    shutil.rmtree(site / "posts")
    (site / "posts").mkdir()
    (site / "posts/2026-03-burnout.md").write_text(
        "---\ntitle: Burnout\ndate: 2026-13\n\ntopics: [Alliances]\n---\nText.\n\n<script>x()</script>\n"
    )
    done = command("check", "--site", str(site))
    assert done.returncode == 1
    assert done.stdout == (
        "posts/2026-03-burnout.md:3: `date` is not a date: '2026-13'\n"
        "    Write a month like 2026-03, a day like 2026-03-09, "
        "or a date and time like 2026-03-09T14:30:00-05:00.\n"
        "posts/2026-03-burnout.md:5: no topic is called 'Alliances'\n"
        "    Did you mean 'Alliance' (alliance)?\n"
        "posts/2026-03-burnout.md:9: warning: the text holds a <script> element, which is removed\n"
        "    Take it out; say it in words, or with Markdown's own links and images.\n"
        "\n2 problems and 1 warning in 1 file. Nothing was published.\n"
    )


def test_help_teaches_with_an_example_for_each_command():
    for name in ("serve", "check"):
        done = command(name, "--help")
        assert done.returncode == 0
        assert f"pprnet-feeds {name} --site /srv/blog" in done.stdout
