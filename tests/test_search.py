"""Search, over a real socket: the page for people, and the same search as a feed to subscribe to."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from htmljudge import judge_page
from htmlpage import HtmlPage
from many import make_site, write_post
from pprnet_feeds.content.library import read_library
from pprnet_feeds.content.site import read_site
from pprnet_feeds.serving.snapshot import Snapshot, build
from pprnet_feeds.settings import Settings
from pprnet_feeds.state.last_modified import TimestampStore
from pprnet_feeds.syndication.search import SearchIndex, fold, marked, words_in
from pprnet_feeds.syndication.selection import Refusal, search_words
from service import Answer, Service, command, serving

BASE = "https://many.example.org"
ATOM = "{http://www.w3.org/2005/Atom}"
TOO_LONG = "A search has at most 8 words of at most 40 letters."


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Sixty posts of which some say something else."""
    folder = make_site(tmp_path_factory.mktemp("search") / "site", 60)
    write_post(folder, 1, title="Suicide and its aftermath")
    write_post(folder, 2, text="One patient in ten spoke of suicide.\n\n## Practice Implications\n\nAsk.\n")
    write_post(folder, 3, text="An account.\n\n## Practice Implications\n\nAsk about suicidal plans.\n")
    write_post(
        folder,
        55,
        text="The Caf&eacute; is on a Straße. <!-- a hidden zebra --> [Here](https://giraffe.example)\n",
    )
    write_post(folder, 56, text="In Cafés and cafeterias.\n")
    write_post(folder, 57, text="A caf is no word. Y\u0131ld\u0131z met Ħamrun and Łódź.\n")
    write_post(folder, 58, text="Suicide once more.\n", status="withdrawn", note="Made up.")
    with serving(folder) as running:
        yield running


def found(answer: Answer) -> list[str]:
    """The posts that a page of results lists, in order."""
    assert answer.status == 200, answer.body
    titles = re.findall(r"<h3><a [^>]*>(.*?)</a></h3>", answer.body.decode())
    return [re.sub("</?mark>", "", title) for title in titles]


def titles(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.body
    entries = ElementTree.fromstring(answer.body).iter(f"{ATOM}entry")
    return [entry.findtext(f"{ATOM}title") or "" for entry in entries]


def search(service: Service, query: str) -> Answer:
    return service.ask(f"/search/?q={quote(query)}")


def test_a_title_weighs_more_than_implications_and_these_more_than_the_account(service: Service):
    assert found(search(service, "suicid")) == ["Suicide and its aftermath", "Post 3", "Post 2"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("cafe", ["Post 56", "Post 55"]),
        ("CAFÉ", ["Post 56", "Post 55"]),
        ("cafe strasse", ["Post 55"]),
        ("strasse café", ["Post 55"]),
        ("ca", []),  # under three letters the whole word
        ("is no word caf", ["Post 57"]),
        ("suicide patient", ["Post 2"]),
        ("yildiz hamrun łodz", ["Post 57"]),
        ("YILDIZ", ["Post 57"]),
        ("zebra", []),
        ("giraffe", []),
    ],
)
def test_every_word_must_be_there_or_begin_a_word_whatever_its_case_and_accents(
    service: Service, query: str, expected: list[str]
):
    assert sorted(found(search(service, query))) == sorted(expected)


def test_hits_are_marked_in_the_title_and_in_a_sentence_that_has_one(service: Service):
    body = search(service, "suicid").body.decode()
    assert "<mark>Suicide</mark> and its aftermath</a>" in body
    assert "Ask about <mark>suicidal</mark> plans." in body
    assert "One patient in ten spoke of <mark>suicide</mark>." in body


@pytest.mark.parametrize(
    ("text", "query", "marks"),
    [("日本Café au lait", "caf", ["日本Café"]), ("¾ of all", "3", ["¾"]), ("cafeteria", "ca", [])],
)
def test_a_hit_is_marked_whatever_script_is_around_it(text: str, query: str, marks: list[str]):
    parts = marked(text, words_in(query))
    assert [part for part, is_hit in parts if is_hit] == marks
    assert "".join(part for part, _ in parts) == text


def test_the_page_of_a_search_is_sound_small_and_offers_its_feed(service: Service):
    for query in ("suicide", "post", "zebra", "suicide patient"):
        answer = search(service, query)
        assert judge_page(answer.body) == []
        address = f"{BASE}/search/{'+'.join(sorted(query.split()))}/feed.atom"
        assert f">{address}</textarea>" in answer.body.decode()
        assert service.ask(address.removeprefix(BASE)).status == 200


def test_topics_and_types_narrow_a_search_and_say_how_many_posts_are_left(service: Service):
    shown = HtmlPage(search(service, "what tells").body)
    left = dict(re.findall(r"(Alpha|Beta|Gamma|Delta|Trials|Reviews) \((\d+)\)", shown.words))
    assert {"Alpha", "Beta", "Gamma", "Delta", "Trials", "Reviews"} == set(left)
    links = [held["href"] for held in shown.all("a")]
    assert {"/search/?q=what+tells&topic=alpha", "/search/?q=what+tells&research=trials"} <= set(links)
    narrow = service.ask("/search/?q=what+tells&topic=alpha&research=trials")
    assert 0 < len(found(narrow)) < int(left["Alpha"])
    assert "/search/?q=what+tells&research=trials" in [
        held["href"] for held in HtmlPage(narrow.body).all("a")
    ]
    assert found(service.ask("/search/?q=what+tells&topic=nothing")) == found(search(service, "what tells"))


@pytest.mark.parametrize("view", ["feed", "summary", "practice", "citations"])
@pytest.mark.parametrize("form", ["atom", "rss", "json"])
def test_a_search_is_a_feed_in_every_view_and_format(service: Service, view: str, form: str):
    answer = service.ask(f"/search/suicid/{view}.{form}")
    assert answer.status == 200
    assert answer.headers["link"] == f'<{BASE}/search/suicid/{view}.{form}>; rel="self"'
    assert service.ask(f"/search/suicid/{view}.{form}", If_None_Match=answer.headers["etag"]).status == 304


def test_a_feed_of_a_search_is_newest_first_and_knows_its_page_and_what_was_withdrawn(service: Service):
    answer = service.ask("/search/suicid/feed.atom")
    assert titles(answer) == ["Post 3", "Post 2", "Suicide and its aftermath"]
    feed = ElementTree.fromstring(answer.body)
    assert feed.findtext(f"{ATOM}id") == "tag:many.example.org,2013:blog/feed/search/suicid/feed"
    assert feed.findtext(f"{ATOM}title") == "Many: “suicid”"
    assert feed.find(f"{ATOM}link[@rel='alternate']").attrib["href"] == f"{BASE}/search/?q=suicid"  # type: ignore[union-attr]
    deleted = feed.findall("{http://purl.org/atompub/tombstones/1.0}deleted-entry")
    assert [each.attrib["ref"].rpartition("-")[2] for each in deleted] == ["58"]


def test_archives_lead_to_every_post_of_a_search(service: Service):
    path, seen = "/search/post/feed.json", []
    while path:
        document = json.loads(service.ask(path).body)
        seen += [item["title"] for item in document["items"]]
        path = document.get("next_url", "").removeprefix(BASE)
    assert len(set(seen)) == 59  # all but the withdrawn one
    assert service.ask("/search/post/archive/2013/feed.atom").status == 200
    assert service.ask("/search/post/archive/2099/feed.atom").status == 404


@pytest.mark.parametrize(
    ("path", "now"),
    [
        ("/search/b+a/feed.atom", "/search/a+b/feed.atom"),
        ("/search/a+b+a/practice.rss", "/search/a+b/practice.rss"),
        ("/search/Caf%C3%A9/feed.json", "/search/cafe/feed.json"),
        ("/search/a%20b/feed.atom", "/search/a+b/feed.atom"),
        ("/search/don't%2Fpanic/feed.atom", "/search/don+panic+t/feed.atom"),
        ("/search/a,b/archive/2013/feed.atom", "/search/a+b/archive/2013/feed.atom"),
    ],
)
def test_any_other_spelling_is_redirected_to_the_words_in_order(service: Service, path: str, now: str):
    answer = service.ask(path)
    if "archive" in path:  # no post has both: there is no such archive
        assert answer.status == 404
    else:
        assert (answer.status, answer.headers.get("location")) == (301, BASE + now)


@pytest.mark.parametrize(
    "path",
    [
        "/search/a+b+c+d+e+f+g+h+i/feed.atom",
        f"/search/{'a' * 41}/feed.atom",
        "/search/?q=a+b+c+d+e+f+g+h+i",
        f"/search/?q={'a' * 41}",
    ],
)
def test_more_words_or_letters_than_allowed_are_a_404_that_says_so(service: Service, path: str):
    answer = service.ask(path)
    assert (answer.status, answer.body.decode().partition("\n")[0]) == (404, TOO_LONG)


@pytest.mark.parametrize(
    "path", ["embed", "citations.bib", "citations.ris", "citations.csl.json", "feed.xyz", ""]
)
def test_a_search_has_feeds_only(service: Service, path: str):
    assert service.ask(f"/search/suicide/{path}").status == 404
    assert service.ask(f"/oembed?url={BASE}/search/suicide/").status == 404


@pytest.mark.parametrize(
    "query",
    ['"', "'", "a AND", "NOT a", "NEAR(a b)", "title:post", "post*", "-post", "(post", "^post", "{post}",
     "%00post", "post\0post", "*", "a OR b", "; DROP TABLE found", "<script>alert(1)</script>",
     "post " * 2000],
)  # fmt: skip
def test_a_hostile_query_is_just_words(service: Service, query: str):
    answer = search(service, query)
    assert answer.status == 200
    words = "+".join(sorted(words_in(query)))
    if words:
        assert f">{BASE}/search/{words}/feed.atom</textarea>" in answer.body.decode()
    assert b"<script>alert" not in answer.body


@given(st.text(max_size=60))
def test_the_words_of_any_text_are_letters_and_digits_sorted_and_each_once(text: str):
    words = search_words(text)
    if isinstance(words, Refusal):
        assert not words_in(text) or len(words_in(text)) > 8 or max(map(len, words_in(text))) > 40
    else:
        assert list(words) == sorted(set(words)) == sorted(words_in(fold(text)))
        assert re.fullmatch("[a-z0-9]+", "".join(words))
        assert search_words("+".join(words)) == words


@pytest.mark.parametrize(
    "query", ["q=suicide&q=patient", "q=&q=patient+suicide&q=", "q=patient+suicide&q=%E6"]
)
def test_a_repeated_field_adds_its_words(service: Service, query: str):
    assert found(service.ask(f"/search/?{query}")) == ["Post 2"]


@pytest.mark.parametrize("line", ["", "-", "| |", "    ", "***"])
def test_thousands_of_lines_without_a_word_are_indexed_at_once(tmp_path: Path, line: str):
    folder = make_site(tmp_path / "site", 1)
    write_post(
        folder, 0, text="An account.\n" + f"{line}\n" * 20_000 + "\n## Practice Implications\n\nAsk.\n"
    )
    site, _ = read_site(folder, {})
    assert site is not None
    post = read_library(folder, site, datetime(2026, 1, 1, tzinfo=UTC)).posts[0]
    start = time.process_time()
    assert SearchIndex([post], site).best_first(("account", "ask")) == [post]
    assert time.process_time() - start < 0.5


def test_a_browser_is_offered_the_search(service: Service):
    answer = service.ask("/opensearch.xml")
    assert answer.headers["content-type"] == "application/opensearchdescription+xml; charset=utf-8"
    name = "{http://a9.com/-/spec/opensearch/1.1/}"
    described = ElementTree.fromstring(answer.body)
    assert described.findtext(f"{name}ShortName") == "Many"
    templates = [url.attrib["template"] for url in described.iter(f"{name}Url")]
    assert templates[0] == f"{BASE}/search/?q={{searchTerms}}"
    for path in ("/", "/archive/", "/topics/alpha/", "/search/", "/posts/2013-01-01-post-0/"):
        shown = HtmlPage(service.ask(path).body)
        assert [held["href"] for held in shown.all("link", rel="search")] == [f"{BASE}/opensearch.xml"]
        assert [held["name"] for held in shown.all("input", type="search", id="q")] == ["q"]


def test_the_search_without_its_slash_leads_to_the_search_with_its_words(service: Service):
    answer = service.ask("/search?q=a+b")
    assert (answer.status, answer.headers["location"]) == (301, f"{BASE}/search/?q=a+b")
    assert service.ask(f"/search?q={'a' * 41}").status == 404


def test_a_search_is_as_new_as_the_site_and_has_a_tag_of_its_own(service: Service):
    dates = {
        service.ask(f"/search/{word}/feed.atom").headers["last-modified"] for word in ("suicid", "zebra")
    }
    assert dates == {service.ask("/search/?q=cafe").headers["last-modified"]} == {
        service.ask("/feeds.opml").headers["last-modified"]}  # fmt: skip
    tags = {service.ask(f"/search/{word}/feed.atom").headers["etag"] for word in ("suicid", "zebra")}
    assert len(tags) == 2


# A SQLite as some systems have it.
_WITHOUT_FTS5 = """\
import sqlite3
class Connection(sqlite3.Connection):
    def execute(self, sql, *rest):
        if "fts5" in sql:
            raise sqlite3.OperationalError("no such module: fts5")
        return super().execute(sql, *rest)
connect = sqlite3.connect
sqlite3.connect = lambda *given, **named: connect(*given, **{"factory": Connection} | named)
"""


@pytest.mark.slow
def test_without_fts5_a_search_is_501_and_one_line_is_logged(tmp_path: Path):
    folder = make_site(tmp_path / "site", 4)
    (tmp_path / "sitecustomize.py").write_text(_WITHOUT_FTS5)
    source = Path(__file__).parents[1] / "src"
    with serving(folder, PYTHONPATH=f"{tmp_path}:{source}") as running:
        paths = ("/search/?q=post", "/search/post/feed.atom", "/opensearch.xml", "/search/", "/search")
        answers = [running.ask(path) for path in paths]
        assert b"<search" not in running.ask("/").body
        running.stop()
        assert running.process.stderr is not None
        logged = running.process.stderr.read()
    assert [answer.status for answer in answers] == [501] * 5
    assert len({answer.body for answer in answers}) == 1
    assert logged.count("FTS5") == 1


@pytest.mark.slow
def test_a_static_copy_has_no_search_box_and_says_so(tmp_path: Path):
    folder = make_site(tmp_path / "site", 4)
    done = command("build", str(tmp_path / "copy"), cwd=folder)
    assert "no search box" in done.stdout
    for page in (tmp_path / "copy").rglob("*.html"):
        assert not re.search(rb"<search|[^e]/search|opensearch", page.read_bytes()), page


def test_a_reader_that_polls_a_search_through_a_year_of_edits_sees_each_post_once(tmp_path: Path):
    """Posts come, are edited, corrected, renamed and withdrawn; now and then one begins to match."""
    folder, store = make_site(tmp_path / "site", 0), TimestampStore()
    now = datetime(2026, 1, 5, 12, tzinfo=UTC)
    seen: list[str] = []
    snapshot: Snapshot | None = None
    tag = b""
    for week in range(52):
        month = now.month - 1
        (folder / f"posts/week-{week:02}.md").write_text(
            _post(week, now, "depression" if week % 3 else "sleep")
        )
        if week >= 4:  # a silent edit, a correction, a post that begins to match, and one that no longer does
            (folder / f"posts/week-{week - 4:02}.md").write_text(
                _post(
                    week - 4, now - timedelta(weeks=4), ("depressed", "sleep")[week % 2], f"Edited {month}."
                )
            )
        if week == 30:
            (folder / "posts/week-10.md").unlink()
        built = build(Settings(folder), {}, now, store, snapshot)
        assert isinstance(built, Snapshot), built
        snapshot = built
        response = snapshot.find("/search/depress/feed.atom")
        assert response is not None
        if response.content.tag != tag:
            tag = response.content.tag
            feed = ElementTree.fromstring(response.content.coded["identity"] or b"")
            ids = [entry.findtext(f"{ATOM}id") or "" for entry in feed.iter(f"{ATOM}entry")]
            assert len(ids) == len(set(ids))
            seen += [id for id in ids if id not in seen]
        now += timedelta(weeks=1)
    numbers = [int(id.rpartition("-")[2]) for id in seen]
    assert len(numbers) == len(set(numbers))
    # Those that matched when they came, and those that an edit made match.
    assert set(numbers) == {n for n in range(52) if n % 3 or (n < 48 and n % 2 == 0)}


def _post(number: int, date: datetime, word: str, more: str = "") -> str:
    return (
        f"---\ntitle: Week {number}\ndate: {date:%Y-%m-%dT%H:%M:%SZ}\ntopics: [alpha]\n---\n"
        f"A post on {word}. {more}\n"
    )


@pytest.mark.slow
def test_ten_thousand_posts_are_searched_quickly(tmp_path: Path):
    folder = make_site(tmp_path / "site", 6)
    site, _ = read_site(folder, {})
    assert site is not None
    posts = read_library(folder, site, datetime(2030, 1, 1, tzinfo=UTC)).posts
    text = (
        "Patients who were depressed did better when the alliance was good, and worse when it was not. " * 30
    )
    many = [
        posts[number % 6].but(slug=f"p-{number}", body=f"{text} unique{number}") for number in range(10_000)
    ]
    began = time.process_time()
    index = SearchIndex(many, site)
    assert time.process_time() - began < 5
    for words in (("depress",), ("alliance", "patients"), ("unique77",), ("the",)):
        began = time.process_time()
        index.best_first(words)
        assert time.process_time() - began < 0.05
