"""Pages for people, over a real socket, read as a browser or a search engine reads them."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit
from xml.etree import ElementTree

import pytest

from htmlpage import HtmlPage
from many import make_site, write_post
from service import ROOT, SITES, Answer, Service, serving

HOSTILE = '"><img src=x onerror=alert(1)>'
LIMIT = 50_000
POSTS = 200


@pytest.fixture(scope="module")
def repository() -> Iterator[Service]:
    with serving(ROOT) as service:
        yield service


@pytest.fixture(scope="module")
def small() -> Iterator[Service]:
    with serving(SITES / "small") as service:
        yield service


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    site = make_site(tmp_path_factory.mktemp("large") / "site", POSTS)
    for number in range(POSTS):
        title = (
            f"Post {number} has a title that is as long as the titles of research summaries are, and longer"
        )
        write_post(site, number, title=title, summary="A sentence of some length on a study. " * 7)
    with serving(site) as service:
        yield service


def page(service: Service, path: str) -> HtmlPage:
    answer = service.ask(path)
    assert answer.status == 200, (path, answer.status)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return HtmlPage(answer.body)


def base_of(service: Service) -> str:
    """The site's own base, which may be another than the address it listens on."""
    return page(service, "/").all("link", rel="canonical")[0]["href"].removesuffix("/")


@cache
def walk(service: Service) -> dict[str, Answer]:
    """Every address that can be reached from the first page by links and pictures of our own."""
    base = base_of(service)
    found: dict[str, Answer] = {}
    left = ["/", "/sitemap.xml", "/robots.txt"]
    while left:
        path = left.pop()
        if path in found:
            continue
        found[path] = answer = service.ask(path)
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        for _, attributes in HtmlPage(answer.body).elements:
            for name in ("href", "src", "action"):
                whole = urljoin(base + path, attributes.get(name, ""))
                if whole.startswith(f"{base}/") and attributes.get(name):
                    left.append(whole.removeprefix(base).partition("#")[0])
    return found


@pytest.mark.parametrize("site", ["repository", "small", pytest.param("large", marks=pytest.mark.slow)])
def test_every_link_leads_somewhere_and_every_page_is_small(site: str, request: pytest.FixtureRequest):
    found = walk(request.getfixturevalue(site))
    # The picture of the small site is only an example of an address.
    bad = {path: answer.status for path, answer in found.items() if answer.status not in (200, 303)}
    assert set(bad) <= {"/ada", "/pictures/trust.png", "/pictures/curve.png"}
    html = {p: a for p, a in found.items() if a.headers["content-type"].startswith("text/html")}
    assert {path for path, answer in html.items() if len(answer.body) > LIMIT} == set()
    assert len(html) > 10
    for path, answer in html.items():
        assert "set-cookie" not in answer.headers, path
        assert "content-security-policy" in answer.headers, path


def test_the_page_of_the_longest_combination_is_small(repository: Service):
    slugs = sorted((held["value"] for held in page(repository, "/").all("input", name="topic")), key=len)[-5:]
    answer = repository.ask(f"/topics/{'+'.join(sorted(slugs))}/research/reviews-and-chapters/")
    assert (answer.status, len(answer.body) < LIMIT) == (200, True)


def test_nothing_is_loaded_from_elsewhere(repository: Service):
    base = base_of(repository)
    for path, answer in walk(repository).items():
        if answer.headers["content-type"].startswith("text/html"):
            shown = HtmlPage(answer.body)
            loaded = [one["href"] for one in shown.all("link", rel="stylesheet")]
            loaded += [held["src"] for _, held in shown.elements if "src" in held]
            assert [one for one in loaded if not one.startswith(("/", base))] == [], path
            assert [name for name, held in shown.elements if "style" in held or "onclick" in held] == []


def test_every_fragment_leads_to_an_element(repository: Service):
    for path in ("/", "/topics/therapist-factors/", "/posts/2021-12-how-much-psychotherapy-is-necessary/"):
        shown = page(repository, path)
        ids = [held["id"] for _, held in shown.elements if "id" in held]
        assert len(ids) == len(set(ids)), path
        named = [held["href"][1:] for held in shown.all("a") if held.get("href", "").startswith("#")]
        named += [held["aria-labelledby"] for _, held in shown.elements if "aria-labelledby" in held]
        named += [held["for"] for held in shown.all("label") if "for" in held]
        assert set(named) <= set(ids), path


ALONE = "base-uri 'none'; frame-ancestors 'none'"
STRICT = "default-src 'none'; style-src 'self'; img-src https: http:; "
POST = "/posts/2021-03-trust-grows-slowly/"


@pytest.mark.parametrize(
    ("path", "rest"),
    [
        ("/", f"script-src 'self'; connect-src 'self'; form-action 'self'; {ALONE}"),
        ("/topics/alliance/", f"script-src 'self'; form-action 'self'; {ALONE}"),
        (POST, f"script-src 'self'; form-action 'self'; {ALONE}"),
        ("/archive/", f"form-action 'self'; {ALONE}"),
        ("/topics/alliance/embed", "form-action 'none'; base-uri 'none'; frame-ancestors *"),
        ("/feed.atom", f"form-action 'none'; {ALONE}"),
        ("/site.js", f"form-action 'none'; {ALONE}"),
    ],
)
def test_a_page_is_allowed_what_it_uses_and_no_more(small: Service, path: str, rest: str):
    assert small.ask(path).headers["content-security-policy"] == STRICT + rest


def test_only_a_page_that_may_run_our_script_names_it(small: Service):
    for path in ("/", "/topics/alliance/", POST, "/archive/", "/embed"):
        answer = small.ask(path)
        scripts = [held for held in HtmlPage(answer.body).all("script") if "type" not in held]
        allowed = "script-src" in answer.headers["content-security-policy"]
        assert scripts == ([{"src": "/site.js", "defer": ""}] if allowed else [])


def test_a_page_tells_nobody_where_its_readers_come_from(small: Service):
    headers = small.ask("/topics/alliance/").headers
    assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
    assert headers["permissions-policy"] == "camera=(), geolocation=(), microphone=(), payment=()"
    assert headers["x-content-type-options"] == "nosniff"


def test_pages_are_compressed_and_revalidated_like_feeds(small: Service):
    first = small.ask("/topics/alliance/embed", Accept_Encoding="br")
    assert first.headers["content-encoding"] == "br"
    again = small.ask("/topics/alliance/embed", If_None_Match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")


def announced(shown: HtmlPage) -> list[str]:
    types = ("application/atom+xml", "application/rss+xml", "application/feed+json", "application/json")
    return [held["href"] for held in shown.all("link", rel="alternate") if held["type"] in types]


@pytest.mark.parametrize(
    ("path", "folder"),
    [("/", "/"), ("/topics/alliance/", "/topics/alliance/"), ("/issues/2021-03/", "/issues/"),
     ("/topics/alliance,sleep-and-rest/", "/topics/alliance,sleep-and-rest/"), ("/issues/", "/issues/"),
     (POST, "/"), ("/topics/", "/"), ("/research/", "/"), ("/archive/", "/"),
     ("/search/?q=trust", "/search/trust/"), ("/search/", "/")],
)  # fmt: skip
def test_a_page_announces_its_own_feed_and_no_other(small: Service, path: str, folder: str):
    feed = f"https://small.example.org{folder}feed"
    assert announced(page(small, path)) == [f"{feed}.atom", f"{feed}.rss", f"{feed}.json"]


def test_a_frame_announces_no_feed(small: Service):
    assert announced(page(small, "/topics/alliance/embed")) == []


def test_the_picker_has_every_topic_and_type_with_its_number_of_posts(repository: Service):
    shown = page(repository, "/")
    assert len(shown.all("input", type="checkbox", name="topic")) == 36
    assert [held["value"] for held in shown.all("input", name="research")] == [
        "", "single-studies", "meta-analyses", "reviews-and-chapters"]  # fmt: skip
    assert "Therapist Factors (3)" in shown.words
    assert shown.all("form", id="picker") == [
        {"id": "picker", "method": "get", "action": "/subscribe", "data-base": base_of(repository),
         "data-most": "5", "data-posts": "6"}]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "location"),
    [
        ("", "/#feed-atom"),
        ("topic=sleep-and-rest&topic=alliance&match=any&research=&view=practice&format=rss",
         "/topics/alliance,sleep-and-rest/#practice-rss"),
        ("topic=sleep-and-rest&topic=alliance&match=all", "/topics/alliance+sleep-and-rest/#feed-atom"),
        ("topic=bond&match=all&view=summary", "/topics/alliance/#summary-atom"),
        ("research=metas", "/research/meta-analyses/#feed-atom"),
        ("topic=alliance&research=single-studies&view=nonsense&format=x&other=1",
         "/topics/alliance/research/single-studies/#feed-atom"),
    ],
)  # fmt: skip
def test_without_a_script_the_form_leads_to_the_address_ready_to_copy(
    small: Service, query: str, location: str
):
    answer = small.ask(f"/subscribe?{query}")
    assert (answer.status, answer.headers["location"]) == (303, f"https://small.example.org{location}")
    assert answer.headers["cache-control"] == "no-store"
    path, _, card = location.partition("#")
    body = small.ask(path).body.decode()
    view, form = card.split("-")
    address = f"https://small.example.org{path}{view}.{form}"
    assert re.search(
        rf'<section[^>]* id="{card}".*?<textarea[^>]*>{re.escape(address)}</textarea>', body, re.S
    )


def test_the_form_leads_to_feeds_that_are_there(small: Service):
    location = small.ask("/subscribe?topic=alliance&topic=sleep-and-rest&view=practice").headers["location"]
    path = location.removeprefix("https://small.example.org").partition("#")[0]
    assert small.ask(f"{path}practice.atom").status == 200


def test_more_topics_than_a_feed_combines_get_help(repository: Service):
    slugs = ["empathy", "attachment", "training", "termination", "adherence", "placebo-effect"]
    shown = page(repository, "/subscribe?" + "&".join(f"topic={slug}" for slug in slugs))
    assert "one feed combines 5 at most" in shown.words
    opml = next(held["href"] for held in shown.all("a") if "feeds.opml?" in held["href"])
    lists = repository.ask(opml.removeprefix(base_of(repository))).body.decode()
    assert lists.count("xmlUrl=") == 6


def test_an_unknown_topic_in_the_form_is_a_404_that_names_the_nearest(repository: Service):
    answer = repository.ask("/subscribe?topic=empaty")
    assert answer.status == 404
    assert "/topics/empathy/" in answer.body.decode()


def test_each_reader_gets_the_address_in_its_own_way(small: Service):
    body = small.ask("/topics/alliance/").body.decode()
    enc = "https%3A%2F%2Fsmall.example.org%2Ftopics%2Falliance%2Ffeed.atom"
    for link in (
        f"https://feedly.com/i/subscription/feed%2F{enc}",
        f"https://www.inoreader.com/?add_feed={enc}",
        f"https://www.newsblur.com/?url={enc}",
        f"https://feedbin.com/?subscribe={enc}",
        f"https://theoldreader.com/feeds/subscribe?url={enc}",
        f"https://bazqux.com/add?url={enc}",
        "feed:https://small.example.org/topics/alliance/feed.atom",
        f"https://blogtrottr.com/?subscribe={enc}",
    ):
        assert f'href="{link}"' in body


def test_a_post_stands_with_its_study_its_implications_and_the_way_on(small: Service):
    shown = page(small, POST)
    words = shown.words
    order = ['Trust <3 grows & "slowly"', "March 2021, by Bea Guest", "Corrected. The first version",
             "after eight sessions", "Practice Implications Wait;", "The studies", "Slow trust",
             "Filed under"]  # fmt: skip
    main = words[words.index("Archive") :]
    places = [main.find(text) for text in order]
    assert places == sorted(places)
    assert -1 not in places
    links = [held["href"] for held in shown.all("a")]
    assert "https://doi.org/10.5555/slow.trust" in links
    assert {f"{POST[:-1]}.bib", f"{POST[:-1]}.ris", "/topics/alliance/", "/issues/2021-03/"} <= set(links)
    assert shown.all("link", rel="license") == [
        {"rel": "license", "href": "https://creativecommons.org/licenses/by/4.0/"}]  # fmt: skip


def test_a_reference_manager_files_the_post_and_not_the_study(small: Service):
    shown = page(small, POST)
    assert shown.contents(name="citation_title") == ['Trust <3 grows & "slowly"']
    assert shown.contents(name="citation_author") == ["Bea Guest", "Ada Writer"]
    assert shown.contents(name="citation_publication_date") == ["2021/03/09"]
    assert shown.contents(name="citation_doi") == shown.contents(name="citation_journal_title") == []
    assert len(shown.contents(name="citation_reference")) == 2
    # The files beside the page are the studies', so they are no other form of the post.
    assert [held["type"] for held in shown.all("link", rel="alternate")][3:] == ["application/json+oembed"]


def test_a_search_engine_is_told_of_the_post_and_what_it_cites(small: Service):
    body = small.ask(POST).body.decode()
    data = json.loads(re.findall(r'<script type="application/ld\+json">(.*?)</script>', body)[0])
    assert (data["@type"], data["headline"]) == ("BlogPosting", 'Trust <3 grows & "slowly"')
    assert (data["datePublished"], data["dateModified"]) == ("2021-03-09T14:30:00Z", "2021-04-02T16:00:00Z")
    assert data["citation"][0]["sameAs"] == "https://doi.org/10.5555/slow.trust"
    shown = HtmlPage(body.encode())
    assert shown.contents(property="og:type") == ["article"]
    assert shown.contents(property="og:image") == ["https://small.example.org/pictures/trust.png"]
    assert [held["href"] for held in shown.all("link", rel="canonical")] == [
        f"https://small.example.org{POST}"
    ]


def test_the_first_page_shows_what_is_new(small: Service):
    words = page(small, "/").words
    assert "March 2021 : This month I write about sleep and about trust" in words.replace("2021:", "2021 :")
    assert 'Trust <3 grows & "slowly"' in words


def test_posts_are_listed_by_year_the_newest_first(small: Service):
    words = page(small, "/archive/").words
    assert words.index("2021 Trust") < words.index("2020 Does talking")


def test_a_long_list_leads_to_every_post_by_its_years(large: Service):
    def linked(path: str, begin: str) -> set[str]:
        return {held["href"] for held in page(large, path).all("a") if held.get("href", "").startswith(begin)}

    years = linked("/archive/", "/archive/2")
    assert "/archive/2013/" in years
    assert "/topics/alpha/archive/2015/" in linked("/topics/alpha/", "/topics/alpha/archive/2")
    assert len(set().union(*(linked(year, "/posts/") for year in years))) == POSTS
    assert large.ask("/archive/1999/").status == 404
    assert (
        large.ask("/topics/beta,alpha/archive/2015")
        .headers["location"]
        .endswith("/topics/alpha,beta/archive/2015/")
    )


def test_a_frame_holds_the_ten_newest_and_opens_links_outside(large: Service):
    shown = page(large, "/topics/alpha/embed")
    assert len(shown.all("h2")) == 10
    assert [
        held for held in shown.all("a") if (held["target"], "noopener" in held["rel"]) != ("_blank", True)
    ] == []
    assert shown.all("script") == shown.all("form") == []


def test_a_frame_under_a_former_or_unsorted_name_is_redirected(small: Service):
    former, unsorted = small.ask("/topics/bond/embed"), small.ask("/topics/sleep-and-rest,alliance/embed")
    assert (former.status, former.headers["location"]) == (
        301, "https://small.example.org/topics/alliance/embed")  # fmt: skip
    assert unsorted.headers["location"] == "https://small.example.org/topics/alliance,sleep-and-rest/embed"


def test_the_snippet_on_a_page_shows_its_frame(small: Service):
    shown = page(small, "/topics/alliance/")
    snippet = HtmlPage(re.search(r"<iframe .*</iframe>", shown.words)[0].encode())
    assert snippet.all("iframe") == [
        {"src": "https://small.example.org/topics/alliance/embed", "title": "Small: Alliance",
         "width": "100%", "height": "480", "loading": "lazy",
         "style": "border:0;max-width:100%"}]  # fmt: skip


def oembed(service: Service, address: str, more: str = "") -> Answer:
    return service.ask(f"/oembed?url={quote(address, safe='')}{more}")


def test_oembed_is_found_from_the_page_and_gives_a_frame(small: Service):
    (link,) = page(small, "/topics/alliance,sleep-and-rest/").all("link", type="application/json+oembed")
    answer = small.ask(link["href"].removeprefix("https://small.example.org"))
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    told = json.loads(answer.body)
    assert {key: told[key] for key in ("version", "type", "width", "height", "provider_name")} == {
        "version": "1.0", "type": "rich", "width": 600, "height": 480,
        "provider_name": "A Small Research Blog"}  # fmt: skip
    assert HtmlPage(told["html"].encode()).all("iframe")[0]["src"] == (
        "https://small.example.org/topics/alliance,sleep-and-rest/embed"
    )


def test_oembed_of_a_post_is_a_card(small: Service):
    told = json.loads(oembed(small, f"https://small.example.org{POST}").body)
    assert (told["type"], told["title"]) == ("rich", 'Trust <3 grows & "slowly"')
    assert told["author_name"] == "Bea Guest, Ada Writer"
    card = HtmlPage(told["html"].encode())
    assert card.all("blockquote") == [{"cite": f"https://small.example.org{POST}"}]
    assert "Trust took eight sessions" in card.words
    # The page around it may be in another language.
    assert card.all("p") == [{"lang": "en-CA", "dir": "auto"}, {"lang": "en-CA", "dir": "auto"}, {}]


@pytest.mark.parametrize(
    ("more", "size"),
    [("&maxwidth=320&maxheight=200", (320, 200)), ("&maxwidth=4000", (600, 480)),
     ("&maxwidth=-1&maxheight=%D9%A3", (600, 480)), ("&maxwidth=&maxheight=0", (600, 480))],
)  # fmt: skip
def test_oembed_honours_the_size_that_is_asked_for(small: Service, more: str, size: tuple[int, int]):
    told = json.loads(oembed(small, "https://small.example.org/", more).body)
    frame = HtmlPage(told["html"].encode()).all("iframe")[0]
    assert (told["width"], told["height"]) == (int(frame["width"]), int(frame["height"])) == size


@pytest.mark.parametrize(
    "address",
    ["", "https://elsewhere.example.org/topics/alliance/", "https://small.example.org.evil.example/",
     "https://small.example.org@evil.example/", "javascript:alert(1)", "https://small.example.org/nothing/",
     "https://small.example.org/topics/nothing/", "/topics/alliance/", "https://small.example.org/\x00"],
)  # fmt: skip
def test_oembed_answers_for_nobody_else(small: Service, address: str):
    assert oembed(small, address).status == 404


@pytest.mark.parametrize(
    "address",
    ["https://small.example.org", "http://small.example.org/topics/alliance", "https://small.example.org/topics/bond/",
     "https://small.example.org/topics/alliance%2Bsleep-and-rest/?utm_source=x#y"],
)  # fmt: skip
def test_oembed_knows_an_address_however_it_was_pasted(small: Service, address: str):
    assert oembed(small, address).status == 200


def test_oembed_in_xml_is_not_offered(small: Service):
    assert oembed(small, "https://small.example.org/", "&format=xml").status == 501


def test_an_oembed_address_with_a_plus_that_nobody_encoded_is_understood(small: Service):
    told = json.loads(small.ask("/oembed?url=https://small.example.org/topics/alliance+sleep-and-rest/").body)
    assert "alliance+sleep-and-rest/embed" in told["html"]


def test_the_sitemap_lists_every_page_with_its_newest_change(small: Service):
    root = ElementTree.fromstring(small.ask("/sitemap.xml").body)
    space = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
    listed = {one.findtext(f"{space}loc"): one.findtext(f"{space}lastmod") for one in root}
    assert listed[f"https://small.example.org{POST}"] == "2021-04-02T16:00:00Z"
    assert listed["https://small.example.org/topics/alliance/"] == "2021-04-02T16:00:00Z"
    for address in listed:
        assert small.ask(urlsplit(address).path).status == 200
    assert {"/", "/topics/", "/research/", "/issues/", "/archive/"} <= {urlsplit(one).path for one in listed}


def test_robots_may_read_everything(small: Service):
    answer = small.ask("/robots.txt")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.body == b"User-agent: *\nDisallow:\n\nSitemap: https://small.example.org/sitemap.xml\n"


def test_the_icon_is_an_icon(small: Service):
    answer = small.ask("/favicon.ico")
    assert answer.headers["content-type"] == "image/vnd.microsoft.icon"
    assert len(answer.body) < 2000
    assert struct.unpack("<HHH", answer.body[:6]) == (0, 1, 2)
    entries = [struct.unpack("<BBBBHHII", answer.body[6 + 16 * n : 22 + 16 * n]) for n in (0, 1)]
    assert [entry[:2] for entry in entries] == [(16, 16), (32, 32)]
    assert entries[1][-2] + entries[1][-1] == len(answer.body)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    site = tmp_path_factory.mktemp("hostile")
    (site / "feeds").mkdir()
    (site / "posts").mkdir()
    text = json.dumps(HOSTILE)
    (site / "feeds/site.yaml").write_text(
        f"title: {text}\nshort_title: {text}\nsubtitle: {text}\nbase_url: https://h.example.org\n"
        f'tag_root: "h.example.org,2013:blog"\nauthor: {{name: {text}}}\nlanguage: en\ntime_zone: UTC\n'
        f"rights: {text}\n"
    )
    (site / "feeds/topics.yaml").write_text(f"- {{slug: one, label: {text}, description: {text}}}\n")
    (site / "feeds/research.yaml").write_text(f"- {{slug: two, label: {text}, description: {text}}}\n")
    (site / "feeds/issues.yaml").write_text(f"2021-03: {text}\n")
    active = "<script>alert(1)</script>\n\n[a](javascript:alert(1))"
    body = f"{HOSTILE}\n\n{active}\n\n## Practice Implications\n\n{HOSTILE}\n"
    (site / "posts/a.md").write_text(
        f"---\ntitle: {text}\ndate: 2021-03\ntopics: [one]\nresearch: [two]\nsummary: {text}\n"
        "aliases: [/former/a.html]\n"
        f"authors: [{{name: {text}}}]\nstatus: corrected\nnote: {text}\n"
        f'image: {{url: "https://h.example.org/a.png?{quote(HOSTILE)}", alt: {text}, width: 9, height: 9}}\n'
        f"cites: [{{text: {text}, title: {text}, container: {text}, authors: [{text}], doi: 10.5555/x}}]\n"
        f"---\n{body}"
    )
    with serving(site) as service:
        assert json.loads(service.ask("/readyz").body)["posts"] == 1, service.ask("/readyz").body
        yield service


def assert_tame(html: bytes) -> HtmlPage:
    shown = HtmlPage(html)
    for tag, attributes in shown.elements:
        assert attributes.get("src") != "x", tag
        assert not [name for name in attributes if name.startswith("on")], tag
        assert not [value for value in attributes.values() if value.startswith("javascript:")], tag
        assert tag != "script" or attributes.get("type") == "application/ld+json" or "src" in attributes
    return shown


def test_hostile_text_is_text_on_every_page(hostile: Service):
    paths = ["/", "/topics/", "/topics/one/", "/topics/one/research/two/", "/research/two/",
             "/research/", "/issues/", "/issues/2021-03/", "/archive/", "/posts/a/", "/embed",
             "/topics/one/embed"]  # fmt: skip
    for path in paths:
        assert HOSTILE in assert_tame(hostile.ask(path).body).words, path


def test_hostile_text_is_text_in_the_data_of_a_page(hostile: Service):
    body = hostile.ask("/posts/a/").body.decode()
    data = re.findall(r'<script type="application/ld\+json">(.*?)</script>', body)
    assert "<" not in data[0]
    assert json.loads(data[0])["headline"] == HOSTILE


@pytest.mark.parametrize("path", ["/", "/topics/one/", "/posts/a/"])
def test_hostile_text_is_text_in_what_another_site_is_given(hostile: Service, path: str):
    told = json.loads(oembed(hostile, f"https://h.example.org{path}").body)
    assert told["title"] == HOSTILE or path == "/topics/one/"
    assert_tame(told["html"].encode())


@pytest.mark.parametrize("former", ["/former/a.html", "/posts/a"])
def test_oembed_knows_a_post_by_its_former_address(hostile: Service, former: str):
    told = json.loads(oembed(hostile, f"https://h.example.org{former}").body)
    assert told["url"] == "https://h.example.org/posts/a/"


def test_hostile_text_is_text_in_lists_and_feeds(hostile: Service):
    outlines = ElementTree.fromstring(hostile.ask("/feeds.opml").body).iter("outline")
    assert f"{HOSTILE}: {HOSTILE}" in [outline.get("title") for outline in outlines]
    feed = json.loads(hostile.ask("/feed.json").body)
    assert feed["items"][0]["title"] == HOSTILE
    assert_tame(feed["items"][0]["content_html"].encode())
    for form in ("atom", "rss"):
        root = ElementTree.fromstring(hostile.ask(f"/feed.{form}").body)
        assert not [one for one in root.iter() if one.tag.endswith("img")]
        assert HOSTILE in "".join(root.itertext())


def test_a_page_is_found_below_a_folder_of_its_host(tmp_path: Path):
    site = make_site(tmp_path / "site", 3)
    with serving(site, PPRNET_BASE_URL="https://many.example.org/blog") as service:
        shown = page(service, "/topics/alpha/")
        assert shown.all("link", rel="stylesheet")[0]["href"] == "/blog/site.css"
        assert "/blog/topics/" in [held["href"] for held in shown.all("a")]
        told = json.loads(oembed(service, "https://many.example.org/blog/topics/alpha/").body)
        assert "https://many.example.org/blog/topics/alpha/embed" in told["html"]
        assert oembed(service, "https://many.example.org/topics/alpha/").status == 404


def test_an_address_in_other_letters_is_known_to_oembed(small: Service):
    asked = "HTTPS%3A%2F%2FSmall.Example.org%2Ftopics%2Falliance%2F"
    assert small.ask(f"/oembed?format=&url={asked}").status == 200


def test_what_was_retracted_or_corrected_says_so_in_lists_of_titles(small: Service):
    assert "(corrected)" in small.ask("/").body.decode()


def test_an_embed_names_the_page_it_stands_for(small: Service):
    answer = small.ask("/topics/alliance/embed")
    assert '<https://small.example.org/topics/alliance/>; rel="canonical"' in answer.headers["link"]
    assert 'rel="canonical" href="https://small.example.org/topics/alliance/"' in answer.body.decode()


@pytest.mark.parametrize("path", ["/topics", "/nowhere", "/oembed", "/subscribe"])
def test_redirects_and_errors_can_do_nothing_in_a_browser(small: Service, path: str):
    assert small.ask(path).headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
