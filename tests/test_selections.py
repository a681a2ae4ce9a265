"""The grammar of addresses, over a real socket."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from many import make_site, write_post
from service import ROOT, Answer, Service, serving

BASE = "https://many.example.org"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = make_site(tmp_path_factory.mktemp("grammar") / "site", 60)
    write_post(folder, 5, status="withdrawn", note="Made up.")
    with serving(folder) as running:
        yield running


def topics(service: Service) -> list[str]:
    """The slugs of all topics."""
    return re.findall(r'xmlUrl="[^"]+/topics/([^"/]+)/', service.ask("/feeds.opml").body.decode())


def numbers(answer: Answer) -> list[int]:
    return [int(number) for number in re.findall(r"<title>Post (\d+)</title>", answer.body.decode())]


@pytest.mark.parametrize(
    ("path", "holds"),
    [
        ("/topics/alpha,beta/", lambda n: n % 4 in (0, 1) or n % 3 in (0, 1)),
        ("/topics/alpha+beta/", lambda n: {n % 4, n % 3} == {0, 1}),
        ("/topics/alpha/research/trials/", lambda n: (n % 4 == 0 or n % 3 == 0) and n % 2 == 0),
        ("/topics/alpha+beta/research/reviews/", lambda n: {n % 4, n % 3} == {0, 1} and n % 2 == 1),
    ],
)
def test_a_selection_holds_what_its_address_says(service: Service, path: str, holds):
    feed = service.ask(f"{path}feed.atom")
    assert feed.status == 200
    last = max(n for n in range(60) if holds(n) and n != 5)
    found = numbers(feed)
    assert found[0] == last
    assert all(holds(n) for n in found)
    year = 2013 + last // 48
    assert {n for n in range(60) if holds(n) and n != 5 and 2013 + n // 48 == year} <= set(found)


@pytest.mark.parametrize(
    ("path", "now"),
    [
        ("/topics/beta,alpha/feed.atom", "/topics/alpha,beta/feed.atom"),
        ("/topics/beta+alpha/feed.atom", "/topics/alpha+beta/feed.atom"),
        ("/topics/alpha,alpha/feed.rss", "/topics/alpha/feed.rss"),
        ("/topics/alpha+alpha/feed.rss", "/topics/alpha/feed.rss"),
        ("/topics/gamma,beta,alpha,beta/research/trials/summary.json",
         "/topics/alpha,beta,gamma/research/trials/summary.json"),
        ("/topics/beta%2Calpha/feed.atom", "/topics/alpha,beta/feed.atom"),
        ("/topics/alpha%2Cbeta/feed.atom", "/topics/alpha,beta/feed.atom"),
        ("/topics/alpha%2bbeta/feed.atom", "/topics/alpha+beta/feed.atom"),
        ("/topics/beta,alpha", "/topics/alpha,beta/"),
        ("/issues/2013-02", "/issues/2013-02/"),
        ("/issues", "/issues/"),
    ],
)  # fmt: skip
def test_another_spelling_moves_to_the_sorted_one_in_one_hop(service: Service, path: str, now: str):
    answer = service.ask(path)
    assert (answer.status, answer.headers.get("location")) == (301, BASE + now)
    assert service.ask(now).status == 200


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/topics/alpha,beta+gamma/feed.atom", "not by both"),
        ("/topics/alpha,bata/feed.atom", f"{BASE}/topics/beta/"),
        ("/research/trails/feed.atom", f"{BASE}/research/trials/"),
        ("/topics/alpha/research/review/feed.atom", f"{BASE}/research/reviews/"),
        ("/topics/a,b,c,d,e,f/feed.atom", "There is nothing"),
    ],
)
def test_what_is_no_selection_is_a_404_that_helps(service: Service, path: str, words: str):
    answer = service.ask(path)
    assert answer.status == 404
    assert words in answer.body.decode()


def test_more_than_five_topics_are_refused_with_the_reason():
    with serving(ROOT) as running:
        slugs = [feed["id"].split("/")[-2] for feed in json.loads(running.ask("/feeds.json").body)["feeds"]][
            1:7
        ]
        assert running.ask(f"/topics/{','.join(sorted(slugs[:5]))}/feed.atom").status == 200
        answer = running.ask(f"/topics/{','.join(sorted(slugs))}/feed.atom")
    assert answer.status == 404
    assert "at most 5 topics" in answer.body.decode()


@pytest.mark.parametrize(
    "path",
    [
        "/issues/2013-2/feed.atom", "/issues/2012-12/feed.atom", "/issues/2013-13/feed.atom",
        "/issues/feed.csl.json", "/issues/summary.atom", "/corrections/practice.rss", "/feed.bib",
        "/feed.csl.json", "/archive/summary.atom", "/archive/feed.bib", "/archive/2013/citations.bib",
        "/topics/,/feed.atom",
        "/topics/+/feed.atom", "/topics/alpha,/feed.atom", "/topics/alpha/topics/beta/feed.atom",
        "/research/trials/topics/alpha/feed.atom", "/research/trials,reviews/feed.atom",
        "/Topics/alpha/feed.atom",
    ],
)  # fmt: skip
def test_an_address_of_no_form_is_a_404(service: Service, path: str):
    assert service.ask(path).status == 404


def test_each_selection_has_a_title_an_id_and_a_self_link_of_its_own(service: Service):
    text = service.ask("/topics/alpha+beta/research/trials/practice.atom").body.decode()
    assert "<title>Many: Alpha + Beta, trials (practice implications)</title>" in text
    assert "<id>tag:many.example.org,2013:blog/feed/topics/alpha+beta/research/trials/practice</id>" in text
    assert f'href="{BASE}/topics/alpha+beta/research/trials/practice.atom" rel="self"' in text


def test_entries_of_a_combination_name_the_feed_they_come_from(service: Service):
    combined = service.ask("/topics/alpha,beta/feed.atom").body
    assert b"<source>\n      <id>tag:many.example.org,2013:blog/feed/feed</id>" in combined
    assert b"<source>" not in service.ask("/topics/alpha/feed.atom").body


@pytest.mark.parametrize(
    ("form", "media_type"),
    [
        ("bib", "application/x-bibtex"),
        ("ris", "application/x-research-info-systems"),
        ("csl.json", "application/vnd.citationstyles.csl+json"),
    ],
)
@pytest.mark.parametrize(
    "path", ["/citations", "/topics/alpha/citations", "/posts/2013-01-01-post-0.studies"]
)
def test_citations_come_as_files_for_reference_managers(
    service: Service, path: str, form: str, media_type: str
):
    answer = service.ask(f"{path}.{form}")
    assert answer.status == 200
    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert "A study of 0 things" in answer.body.decode()


def test_a_post_is_there_for_programs(service: Service):
    post = json.loads(service.ask("/posts/2013-01-01-post-0.json").body)
    assert post["id"] == "tag:many.example.org,2013:blog/post/2013-01-01-post-0"
    assert post["_citation"]["container-title"] == "Journal of Studies"


@pytest.mark.parametrize("ending", ["/", "", ".json", ".bib"])
def test_a_withdrawn_post_and_its_files_are_410(service: Service, ending: str):
    assert service.ask(f"/posts/2013-02-02-post-5{ending}").status == 410


def test_chosen_topics_come_as_one_list(service: Service):
    def addresses(query: str) -> list[str]:
        return re.findall(r'xmlUrl="[^"]+/topics/([^"/]+)/', service.ask(f"/feeds.opml{query}").body.decode())

    assert addresses("?topic=gamma&topic=alpha&topic=gamma&utm_source=x") == ["alpha", "gamma"]
    assert addresses("?other=alpha") == ["alpha", "beta", "gamma", "delta"]
    assert service.ask("/feeds.opml?topic=bata").status == 404
    assert "/topics/beta/" in service.ask("/feeds.opml?topic=bata").body.decode()


def test_a_meta_analyses_combination_is_304_on_repeat():
    with serving(ROOT) as running:
        path = "/topics/depression-and-depressive-symptoms/research/meta-analyses/feed.atom"
        first = running.ask(path)
        assert b"PPRNet: Depression and Depressive Symptoms, meta-analyses" in first.body
        assert first.body.count(b"<entry>") == 1
        assert running.ask(path, If_None_Match=first.headers["etag"]).status == 304


@pytest.mark.slow
def test_only_a_change_inside_a_selection_changes_its_validators(tmp_path: Path):
    folder = make_site(tmp_path / "site", 24)
    path = "/topics/alpha/research/trials/feed.atom"

    def etag(running: Service) -> tuple[str, str]:
        headers = running.ask(path).headers
        return headers["etag"], headers["last-modified"]

    with serving(folder, PPRNET_STATE=str(tmp_path / "state.sqlite3")) as running:
        before, main = etag(running), running.ask("/feed.atom").headers["etag"]
        write_post(folder, 1, text="An edit outside.\n")
        wait_for(lambda: running.ask("/feed.atom").headers["etag"] != main)
        assert etag(running) == before
        write_post(folder, 0, text="An edit inside.\n")
        wait_for(lambda: etag(running)[0] != before[0])
        assert etag(running)[1] != before[1]


def wait_for(condition) -> None:
    since = time.monotonic()
    while not condition():
        assert time.monotonic() - since < 3
        time.sleep(0.03)


def resident(service: Service) -> int:
    """Kilobytes of memory that the service's processes hold."""
    status = "".join(Path(f"/proc/{pid}/status").read_text() for pid in service.processes())
    return sum(int(kilobytes) for kilobytes in re.findall(r"VmRSS:\s+(\d+)", status))


@pytest.mark.slow
def test_thousands_of_combinations_leave_memory_where_it_was(tmp_path: Path):
    site = tmp_path / "site"
    site.mkdir()
    for name in ("posts", "feeds"):
        shutil.copytree(ROOT / name, site / name)
    with serving(site) as running:
        slugs = [feed["id"].split("/")[-2] for feed in json.loads(running.ask("/feeds.json").body)["feeds"]][
            1:37
        ]
        asked = [f"{a},{b}" for a in slugs for b in slugs if a < b] + [
            f"{a}+{b}" for a in slugs for b in slugs if a < b
        ]

        def ask(document: str) -> None:
            for topics in asked:
                assert running.ask(f"/topics/{topics}/{document}").status == 200

        # What may be kept is kept by then: without a bound the next would be half as much again.
        for document in ("summary.atom", "practice.atom", "feed.atom"):
            ask(document)
        before = resident(running)
        ask("feed.rss")
        ask("feed.json")
        assert resident(running) - before < 20_000


@pytest.mark.slow
def test_last_modified_is_the_same_after_a_restart(tmp_path: Path):
    folder = make_site(tmp_path / "site", 8)
    state = str(tmp_path / "state.sqlite3")
    with serving(folder, PPRNET_STATE=state) as running:
        first = running.ask("/feed.atom").headers
        write_post(folder, 2, text="Silently edited.\n")
        wait_for(lambda: running.ask("/feed.atom").headers["etag"] != first["etag"])
        edited = running.ask("/feed.atom").headers
        other = running.ask("/research/reviews/feed.atom").headers
    with serving(folder, PPRNET_STATE=state) as running:
        assert running.ask("/feed.atom").headers["last-modified"] == edited["last-modified"]
        assert running.ask("/research/reviews/feed.atom").headers["last-modified"] == other["last-modified"]
    assert edited["last-modified"] != first["last-modified"]
