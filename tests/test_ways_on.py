"""Where a page leads next: before, after and what is alike; and errors as a person is shown them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from copied import make_site as make_copied_site
from htmljudge import LARGEST_PAGE, judge_page
from htmlpage import HtmlPage
from many import SITE, make_site, write_post
from pprnet_feeds.serving.snapshot import Snapshot, build
from pprnet_feeds.settings import Settings
from pprnet_feeds.state.last_modified import TimestampStore
from service import Answer, Service, command, serving

BASE = "https://many.example.org"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Twelve posts in French; a topic is rare, two posts cite one study, one was withdrawn."""
    folder = make_site(tmp_path_factory.mktemp("ways") / "site", 12)
    study = '[{text: "Author, A. (2001). One study. Journal, 1, 2-3.", doi: 10.5555/one}]'
    write_post(folder, 0, topics="[alpha]", cites=study)
    write_post(folder, 1, topics="[alpha, delta]")
    write_post(folder, 2, topics="[alpha]")
    write_post(folder, 3, topics="[beta]", cites=study)
    write_post(folder, 5, topics="[gamma, delta]")
    write_post(folder, 7, status="withdrawn", note="The study was made up.")
    for number in (4, 6, 8, 9, 10, 11):
        write_post(folder, number, topics="[alpha, beta, gamma]")
    (folder / "feeds/issues.yaml").write_text("2013-05: … I write on sleep\n2013-02: A month\n")
    (folder / "feeds/site.yaml").write_text(SITE.replace("language: en", "language: fr"))
    with serving(folder) as running:
        yield running


def as_person(service: Service, path: str) -> Answer:
    return service.ask(path, Sec_Fetch_Dest="document")


def section(service: Service, path: str, id: str) -> list[str]:
    """The addresses within the part of a page that the element *id* names."""
    body = service.ask(path).body.decode()
    match = re.search(rf'<(section|nav)[^>]*(?:aria-labelledby|class)="{id}".*?</\1>', body, re.S)
    assert match, path
    return re.findall(r'<a [^>]*?href="([^"]+)"', match[0])


def post(number: int) -> str:
    return f"/posts/2013-{number // 4 + 1:02}-{number % 4 + 1:02}-post-{number}/"


def test_a_post_leads_to_the_one_before_and_the_one_after(service: Service):
    assert section(service, post(1), "around") == [post(0), post(2)]
    assert section(service, post(0), "around") == [post(1)]
    assert section(service, post(11), "around") == [post(10)]
    assert section(service, post(6), "around") == [post(5), post(8)]  # the one between was withdrawn


def test_a_post_leads_to_three_that_are_alike_and_to_its_issue(service: Service):
    # The same study weighs most, then a rare topic, then one that many posts have; newer ones first.
    assert section(service, post(0), "related") == [post(3), post(11), post(10), "/issues/2013-01/"]
    assert section(service, post(1), "related") == [post(5), post(11), post(10), "/issues/2013-01/"]


def test_a_month_leads_to_the_months_around_it_and_to_the_feed_of_months(service: Service):
    assert section(service, "/issues/2013-02/", "around") == ["/issues/2013-01/", "/issues/2013-03/"]
    assert section(service, "/issues/2013-01/", "around") == ["/issues/2013-02/"]
    links = [held["href"] for held in HtmlPage(service.ask("/issues/2013-02/").body).all("a")]
    assert f"{BASE}/issues/feed.atom" in links


def test_the_first_page_shows_the_newest_issue_with_posts_and_then_what_is_coming(service: Service):
    body = service.ask("/").body.decode()
    part = re.search(r'<section class="newest.*?</section>', body, re.S)
    assert part
    words = HtmlPage(part[0].encode()).words
    assert words.index("March 2013") < words.index("Post 11") < words.index("Coming, May 2013")
    assert "This month I write on sleep" in words
    assert body.index("Copy the address") < body.index('class="newest')


def test_topics_without_posts_are_folded_after_the_others(service: Service, tmp_path: Path):
    folder = make_site(tmp_path / "site", 4)
    for number in range(4):
        write_post(folder, number, topics="[gamma]")
    with serving(folder) as running:
        body = running.ask("/").body.decode()
    folded = body[body.index("<details>") : body.index("</details>")]
    assert re.findall(r'name="topic" value="(\w+)"', body) == ["gamma", "alpha", "beta", "delta"]
    assert re.findall(r'name="topic" value="(\w+)"', folded) == ["alpha", "beta", "delta"]
    assert "3 topics without posts yet" in folded
    assert "(0)" not in body


def test_the_words_around_posts_are_english_and_posts_have_their_own_language(service: Service):
    for path in ("/", "/topics/alpha/", post(0), "/search/?q=tells", "/embed", "/archive/"):
        body = service.ask(path).body.decode()
        assert re.search(r"<html[^>]*>", body)[0] == '<html lang="en">', path  # type: ignore[index]
        assert 'lang="fr"' in body, path
        assert judge_page(body.encode()) == [], path


@pytest.mark.parametrize(
    ("path", "status", "words", "links"),
    [
        (
            "/posts/2013-01-04-post-3-of-long-ago/",
            404,
            "There is nothing at this address.",
            [f"{BASE}{post(3)}"],
        ),
        ("/topics/alpa/", 404, "There is nothing at this address.", [f"{BASE}/topics/alpha/"]),
        ("/topics/alpha,beta+gamma/feed.atom", 404, "not by both", []),
        (post(7), 410, "This post was withdrawn. The study was made up.", []),
        ("/issues/2013-01/feed.atom", 410, "January 2013 is a page", [f"{BASE}/issues/2013-01/"]),
        ("/search/?q=a+b+c+d+e+f+g+h+i", 404, "at most 8 words", []),
    ],
)
def test_a_person_is_shown_an_error_as_a_page_and_a_program_as_text(
    service: Service, path: str, status: int, words: str, links: list[str]
):
    shown, plain = as_person(service, path), service.ask(path)
    assert (shown.status, plain.status) == (status, status)
    assert plain.headers["content-type"] == "text/plain; charset=utf-8"
    assert shown.headers["content-type"] == "text/html; charset=utf-8"
    assert shown.headers["cache-control"] == plain.headers["cache-control"] == "no-store"
    assert judge_page(shown.body) == []
    page = HtmlPage(shown.body)
    assert words in page.words
    assert words in plain.body.decode()
    hrefs = [held["href"] for held in page.all("a")]
    assert set(links) <= set(hrefs)
    assert {"/", "/topics/", "/archive/"} <= set(hrefs)
    assert [held["name"] for held in page.all("input")] == ["q"]


@pytest.mark.slow
def test_while_the_posts_are_missing_a_person_is_shown_a_page(tmp_path: Path):
    folder = make_site(tmp_path / "site", 2)
    done = command("publish", cwd=folder)
    assert done.returncode == 0, done.stdout
    shutil.rmtree(folder / "posts")
    (folder / "posts").mkdir()
    with serving(folder) as running:
        shown = as_person(running, "/")
    assert (shown.status, shown.headers["retry-after"]) == (503, "60")
    assert judge_page(shown.body) == []
    assert "The posts cannot be read just now; ask again in a minute." in HtmlPage(shown.body).words


@pytest.mark.slow
def test_a_static_copy_shows_the_same_page_where_there_is_nothing(tmp_path: Path):
    folder = make_copied_site(tmp_path / "site")
    done = command("build", str(tmp_path / "copy"), cwd=folder)
    assert done.returncode == 0, done.stdout
    with serving(folder) as running:
        shown = as_person(running, "/nothing-like-it/").body
    file = (tmp_path / "copy/404.html").read_bytes()
    assert judge_page(file) == []
    assert b"<main" in file
    served = re.search(rb"<main.*</main>", shown.replace(b"Search above, or see", b"See"), re.S)
    built = re.search(rb"<main.*</main>", file, re.S)
    assert (served and served[0]) == (built and built[0])


def test_the_list_of_a_year_with_three_hundred_long_titles_is_small(tmp_path: Path):
    folder = make_site(tmp_path / "site", 0)
    for number in range(300):
        title = f"Post {number} has a title as long as those of research summaries are, which is long indeed"
        path = write_post(folder, number % 48, title=title)
        path.rename(path.with_name(f"2013-{number % 12 + 1:02}-a-name-as-long-as-others-are-{number}.md"))
    with serving(folder) as running:
        for path in ("/archive/2013/", "/topics/alpha/archive/2013/", "/archive/"):
            answer = running.ask(path)
            assert (answer.status, len(answer.body) < LARGEST_PAGE, judge_page(answer.body)) == (
                200,
                True,
                [],
            )
        months = re.findall(r'href="(/issues/2013-\d\d/)"', running.ask("/archive/2013/").body.decode())
        assert len(months) == 12


def test_the_page_of_a_month_is_newer_when_another_month_comes(tmp_path: Path):
    folder, store = make_site(tmp_path / "site", 4), TimestampStore()
    now = datetime(2026, 1, 5, 12, tzinfo=UTC)
    before = build(Settings(folder), {}, now, store)
    write_post(folder, 4)
    after = build(Settings(folder), {}, now + timedelta(hours=1), store)
    assert isinstance(before, Snapshot)
    assert isinstance(after, Snapshot)
    old, new = (snapshot.find("/issues/2013-01/") for snapshot in (before, after))
    assert old is not None
    assert new is not None
    assert b"/issues/2013-02/" in (new.content.coded["identity"] or b"")
    assert new.last_modified > old.last_modified
