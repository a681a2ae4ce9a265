"""What a clinician does, done in a real browser against a real service."""

from __future__ import annotations

import contextlib
import re
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from browser import Seen, axe, chromium, guard, stranger, visit
from firefox import firefox
from hostile import ACTIVE, make_hostile_site
from judges import judge_feedparser
from many import TOPICS, make_site, write_post
from service import Service, serving

pytestmark = pytest.mark.slow  # each needs a browser

POSTS = 12
# Every kind of page, once; the last is made for other sites' frames.
PAGES = (
    "/",
    "/topics/",
    "/issues/",
    "/archive/",
    "/topics/alpha/",
    "/topics/alpha,beta/",
    "/issues/2013-01/",
    "/posts/2013-01-01-post-0/",
    "/search/?q=suicide",
    "/search/",
    "/topics/alpha/embed",
)
HOSTILE = (
    "/",
    "/topics/",
    "/research/",
    "/issues/",
    "/archive/",
    "/topics/hostile/",
    "/topics/hostile+quiet/",
    "/research/trials/",
    "/issues/2021-03/",
    "/posts/2021-03-one/",
    "/posts/2021-03-two/",
    "/embed",
    "/topics/hostile/embed",
    "/feed.atom",
    "/feed.rss",
    "/citations.atom",
    "/citations.rss",
    "/issues/feed.atom",
    "/corrections/feed.rss",
    "/feeds.opml",
    "/feed.json",
)


@pytest.fixture(autouse=True)
def _guarded() -> Iterator[None]:
    with guard(45):
        yield


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A site of twelve posts on four topics, one of them without Practice Implications."""
    folder = make_site(tmp_path_factory.mktemp("many") / "site", POSTS)
    write_post(folder, 4, text="Nothing for practice yet.\n")
    write_post(
        folder, 7, text="A therapist may lose a patient by suicide.\n\n## Practice Implications\n\nDo 7.\n"
    )
    with _at_home(folder) as running:
        yield running


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with _at_home(make_hostile_site(tmp_path_factory.mktemp("hostile") / "site")) as running:
        yield running


@contextlib.contextmanager
def _at_home(folder: Path) -> Iterator[Service]:
    """Serve a site that calls itself by the address it listens on, so that its links can be followed."""
    settings = folder / "feeds/site.yaml"
    settings.write_text(re.sub(r"(?m)^base_url:.*\n", "", settings.read_text()))
    with serving(folder) as running:
        running.base = f"http://localhost:{running.port}"
        yield running


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, service: Service) -> Iterator[Open]:
    """Open one of our pages as a new visitor; nothing of it may come from elsewhere or make a fuss."""
    with contextlib.ExitStack() as stack:
        visits: list[Seen] = []

        def opened(path: str, **options: object) -> Page:
            page, seen = stack.enter_context(visit(browser, **options))
            visits.append(seen)
            page.goto(service.base + path)
            return page

        yield opened
        for seen in visits:
            assert (seen.foreign(service.base), seen.active, seen.errors) == ([], [], [])


def titles_at(address: str) -> list[str]:
    """The titles of the entries of a feed, as a reader gets them."""
    with urllib.request.urlopen(address, timeout=10) as answer:
        return [entry.title for entry in judge_feedparser(answer.read()).entries]


def on(*topics: str, leave_out: tuple[int, ...] = ()) -> list[str]:
    """The titles of the posts on any of these topics, newest first."""
    numbers = [
        number
        for number in reversed(range(POSTS))
        if {TOPICS[number % 4], TOPICS[number % 3]} & set(topics) and number not in leave_out
    ]
    return [f"Post {number}" for number in numbers]


def choose(page: Page) -> None:
    """Choose two topics and only what they mean for practice."""
    page.get_by_role("checkbox", name=re.compile("^Alpha")).check()
    page.get_by_role("checkbox", name=re.compile("^Beta")).check()
    page.get_by_role("radio", name=re.compile("practice implications", re.I)).check()


def test_two_topics_and_practice_only_become_an_address_that_holds_exactly_those_posts(
    open_page: Open, service: Service
):
    page = open_page("/", permissions=["clipboard-read", "clipboard-write"])
    choose(page)
    page.get_by_role("button", name=re.compile("^Copy")).first.click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"{service.base}/topics/alpha,beta/practice.atom"
    assert titles_at(copied) == on("alpha", "beta", leave_out=(4,))


def test_the_picker_tells_how_many_posts_there_are_and_the_newest(open_page: Open):
    page = open_page("/")
    choose(page)
    expected = on("alpha", "beta", leave_out=(4,))
    expect(page.get_by_role("main")).to_contain_text(re.compile(rf"\b{len(expected)} posts"))
    expect(page.get_by_role("main")).to_contain_text(expected[0])


def test_a_choice_made_without_scripts_is_taken_over_by_them(open_page: Open, service: Service):
    page = open_page("/#practice-rss")
    expect(page.get_by_role("main")).to_contain_text("practice implications only")
    assert page.get_by_label("Address of the feed").first.input_value() == f"{service.base}/practice.rss"


def test_without_scripts_the_same_choice_leads_to_the_same_posts(open_page: Open, service: Service):
    page = open_page("/", java_script_enabled=False)
    choose(page)
    page.locator("form").get_by_role("button").first.click()
    address = f"{service.base}/topics/alpha,beta/practice.atom"
    expect(page.get_by_role("main")).to_contain_text(address)
    assert titles_at(address) == on("alpha", "beta", leave_out=(4,))


def test_without_scripts_all_of_several_topics_lead_to_the_page_that_needs_them_all(open_page: Open):
    page = open_page("/", java_script_enabled=False)
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("radio", name=re.compile("all of them")).check()
    page.locator("form").get_by_role("button").first.click()
    assert page.url.partition("#")[0].endswith("/topics/alpha+beta+delta+gamma/")


def test_the_page_of_a_topic_shows_the_address_of_another_view_without_scripts(
    open_page: Open, service: Service
):
    page = open_page("/topics/alpha/", java_script_enabled=False)
    shown = page.locator("textarea:visible").first
    expect(shown).to_have_value(f"{service.base}/topics/alpha/feed.atom")
    page.get_by_role("main").get_by_role("link", name=re.compile("practice implications", re.I)).first.click()
    expect(shown).to_have_value(f"{service.base}/topics/alpha/practice.atom")


def test_the_page_of_a_topic_copies_the_address_of_its_feed(open_page: Open, service: Service):
    page = open_page("/topics/alpha/", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name=re.compile("^Copy")).first.click()
    expect(page.get_by_role("status").first).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == f"{service.base}/topics/alpha/feed.atom"


def test_the_page_of_a_post_copies_its_citation(open_page: Open, service: Service):
    page = open_page("/posts/2013-01-01-post-0/", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the citation").click()
    expect(page.get_by_role("status")).to_have_text("Copied.")
    url = f"{service.base}/posts/2013-01-01-post-0/"
    cited = f"Writer, A. (2013, January 1). Post 0. Many Posts. {url}"
    assert page.evaluate("navigator.clipboard.readText()") == cited


@pytest.mark.parametrize("path", ["/", "/topics/alpha/"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_button_that_copies_says_so_in_one_line(open_page: Open, path: str, width: int):
    page = open_page(path, viewport={"width": width, "height": 900})
    box = page.get_by_role("button", name=re.compile("^Copy")).first.bounding_box()
    assert box is not None
    assert box["height"] < 50


# What a browser shows of a feed: entries, words before them, where these lead, and the look of the title.
_READ = """(() => {
    const seen = what => [...document.querySelectorAll(what)].filter(one => one.checkVisibility());
    const look = getComputedStyle(document.querySelector('title'));
    return {
        titles: seen('entry > title, item > title').map(one => one.textContent),
        words: seen('div').map(one => one.textContent).join(),
        links: seen('div a').map(one => one.href),
        styled: look.display === 'block' && parseFloat(look.fontSize) > 24
            && getComputedStyle(document.documentElement).fontFamily.includes('system-ui'),
        type: document.contentType,
    };
})()"""


def judge_reading(read: dict[str, object], service: Service) -> None:
    assert read["titles"] == on("alpha")
    assert re.search("feed.*copy.*address", str(read["words"]), re.I | re.S)
    assert f"{service.base}/" in list(read["links"])
    assert (read["styled"], read["type"]) == (True, "application/xml")


@pytest.mark.parametrize("form", ["atom", "rss"])
def test_a_feed_opened_in_chromium_can_be_read(form: str, open_page: Open, service: Service):
    page = open_page(f"/topics/alpha/feed.{form}")
    judge_reading(page.evaluate(_READ), service)


def test_a_feed_opened_in_firefox_can_be_read_and_nothing_is_downloaded(service: Service):
    with firefox() as window:
        for form in ("atom", "rss"):
            window.open(f"{service.base}/topics/alpha/feed.{form}")
            judge_reading(window.value(_READ), service)
        window.open(f"{service.base}/")
        assert "Alpha" in window.value("document.querySelector('main').innerText")
        assert window.events == []


def test_a_selection_can_stand_in_a_page_of_another_site(browser: Browser, service: Service):
    snippet = f'<!doctype html><title>Elsewhere</title><iframe src="{service.base}/topics/alpha/embed">'
    with stranger(snippet) as elsewhere, visit(browser) as (page, seen):
        page.goto(elsewhere)
        frame = page.frame_locator("iframe")
        for title in on("alpha"):
            expect(frame.get_by_text(title, exact=True)).to_be_visible()
        assert (seen.foreign(service.base, elsewhere), seen.active, seen.errors) == ([], [], [])


def test_a_page_that_is_no_embed_cannot_stand_in_a_frame(browser: Browser, service: Service):
    snippet = f'<!doctype html><title>Elsewhere</title><iframe src="{service.base}/topics/alpha/">'
    with stranger(snippet) as elsewhere, visit(browser) as (page, seen):
        page.goto(elsewhere)
        assert page.frame_locator("iframe").get_by_role("heading", name="Alpha").count() == 0
        assert ["frame-ancestors" in error for error in seen.errors] == [True]


def test_the_snippet_of_a_page_is_the_frame_of_its_own_selection(open_page: Open, service: Service):
    page = open_page("/topics/alpha/")
    shown = page.locator("textarea, pre, code, input").evaluate_all(
        "all => all.map(one => one.value || one.textContent)"
    )
    assert any(f'<iframe src="{service.base}/topics/alpha/embed"' in text for text in shown)


def test_the_citation_files_of_a_post_are_one_click_away(open_page: Open, service: Service):
    page = open_page("/posts/2013-01-01-post-0/")
    for ending, title in (("", b"Post 0"), (".studies", b"A study of 0 things")):
        for form in ("bib", "ris", "csl.json"):
            link = page.locator(f'main a[href$="post-0{ending}.{form}"]')
            with urllib.request.urlopen(link.evaluate("link => link.href"), timeout=10) as answer:
                assert title in answer.read()


# What is too small to touch (WCAG 2.2 §2.5.8), but for links within a sentence.
_SMALL = """() => [...document.querySelectorAll('a, button, input, summary, select')]
    .filter(one => one.checkVisibility() && !one.classList.contains('skip'))
    .map(one => one.type === 'checkbox' || one.type === 'radio' ? one.closest('label') : one)
    .filter(one => Math.min(one.getBoundingClientRect().height, one.getBoundingClientRect().width) < 24)
    .filter(one => !one.closest('p, cite')?.textContent.replace(one.textContent, '').trim())
    .map(one => one.outerHTML.slice(0, 100))"""


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_and_nothing_is_too_wide_or_too_small_to_touch(path: str, open_page: Open):
    page = open_page(path)
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(_SMALL) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert axe(page) == []


DARK = ("/", "/posts/2013-01-01-post-0/", "/search/?q=suicide", "/topics/alpha/embed")


@pytest.mark.parametrize("path", DARK)
def test_axe_finds_nothing_in_the_dark(path: str, open_page: Open):
    page = open_page(path, color_scheme="dark")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(map(int, re.findall(r"\d+", ground)[:3])) < 64
    assert axe(page) == []


def test_on_paper_stands_the_post_and_nothing_to_click(open_page: Open):
    page = open_page("/posts/2013-01-01-post-0/")
    page.emulate_media(media="print")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text("What post 0 tells.")).to_be_visible()
    for button in page.get_by_role("button").all():
        expect(button).to_be_hidden()


def test_a_post_on_paper_says_where_it_is(open_page: Open, service: Service):
    page = open_page("/posts/2013-01-01-post-0/")
    address = page.get_by_text(f"{service.base}/posts/2013-01-01-post-0/", exact=True)
    expect(address).to_be_hidden()
    page.emulate_media(media="print")
    expect(address).to_be_visible()
    expect(page.get_by_role("search")).to_be_hidden()


@pytest.mark.parametrize("scripts", [True, False])
def test_somebody_finds_suicide_and_subscribes_to_the_search(
    open_page: Open, service: Service, scripts: bool
):
    page = open_page(
        "/archive/", java_script_enabled=scripts, permissions=["clipboard-read", "clipboard-write"]
    )
    page.get_by_role("searchbox").fill("Suicid")
    page.get_by_role("searchbox").press("Enter")
    page.wait_for_url("**/search/?q=Suicid")
    expect(page.get_by_role("main").get_by_role("link", name="Post 7", exact=True)).to_be_visible()
    expect(page.locator("mark").first).to_have_text("suicide")
    address = page.locator("textarea:visible").first.input_value()
    assert address == f"{service.base}/search/suicid/feed.atom"
    if scripts:
        page.get_by_role("button", name=re.compile("^Copy")).first.click()
        assert page.evaluate("navigator.clipboard.readText()") == address
    assert titles_at(address) == ["Post 7"]


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (390, 844)])
def test_the_address_and_its_button_are_seen_at_once(open_page: Open, width: int, height: int):
    page = open_page("/", viewport={"width": width, "height": height})
    for seen in (
        page.get_by_role("heading", level=1),
        page.get_by_label("Address of the feed").first,
        page.get_by_role("button", name=re.compile("^Copy")).first,
    ):
        box = seen.bounding_box()
        assert box is not None
        assert 0 <= box["y"] < box["y"] + box["height"] <= height


@pytest.mark.parametrize("topic", ["Alpha", "Beta", "Gamma", "Delta"])
def test_from_a_ticked_topic_the_keyboard_is_soon_at_copy(open_page: Open, service: Service, topic: str):
    page = open_page("/", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("checkbox", name=re.compile(topic)).focus()
    page.keyboard.press("Space")
    for _ in range(6):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").startswith("Copy"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_text("Copied. Paste it into your feed reader.")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"{service.base}/topics/{topic.lower()}/feed.atom"


def test_a_choice_survives_a_reload_and_can_be_shared(open_page: Open, service: Service):
    page = open_page("/")
    choose(page)
    shared = page.url.removeprefix(service.base)
    assert {"topic=alpha", "topic=beta", "view=practice"} == set(shared.partition("#")[2].split("&"))
    page.reload()
    for shown in (page, open_page(shared)):
        expect(shown.get_by_role("checkbox", name=re.compile("Beta"))).to_be_checked()
        expect(shown.get_by_label("Address of the feed").first).to_have_value(
            f"{service.base}/topics/alpha,beta/practice.atom"
        )


def test_the_filter_leaves_the_topics_that_fit_and_those_that_are_chosen(open_page: Open):
    page = open_page("/")
    page.get_by_role("checkbox", name=re.compile("Delta")).check()
    page.get_by_label("Find a topic").fill("ALP")
    for name, is_left in (("Alpha", True), ("Beta", False), ("Gamma", False), ("Delta", True)):
        expect(page.get_by_role("checkbox", name=re.compile(name))).to_be_visible(visible=is_left)
    page.get_by_label("Find a topic").fill("nothing")
    expect(page.get_by_text("No topic has such a name.")).to_be_visible()


def test_the_header_stays_where_it_is_from_page_to_page(open_page: Open, service: Service):
    page = open_page("/")
    places = set()
    for path in PAGES[:-1]:
        page.goto(service.base + path)
        page.evaluate("document.fonts.ready")
        boxes = page.locator("header a, header input, header button").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect()).map(box => [box.x, box.y, box.width].join())"
        )
        places.add(tuple(boxes))
    assert len(places) == 1


def test_where_nothing_is_a_person_gets_a_page_with_ways_on(browser: Browser, service: Service):
    with visit(browser) as (page, seen):
        answer = page.goto(f"{service.base}/posts/post-7-of-2013/")
        assert answer is not None
        assert (answer.status, answer.headers["cache-control"]) == (404, "no-store")
        expect(page.get_by_role("main").get_by_role("link", name="Post 7", exact=True)).to_be_visible()
        assert axe(page) == []
        page.goto(f"{service.base}/topics/alpa/")
        page.get_by_role("main").get_by_role("link", name=re.compile("Alpha")).click()
        page.wait_for_url("**/topics/alpha/")
        assert seen.foreign(service.base) == []


_CONTRAST = r"""() => {
    const rgb = text => text.match(/[\d.]+/g).slice(0, 3).map(Number);
    const light = text => rgb(text).map(one => one / 255).map(
        one => one <= .04045 ? one / 12.92 : ((one + .055) / 1.055) ** 2.4
    ).reduce((sum, one, place) => sum + one * [.2126, .7152, .0722][place], 0);
    const ground = one => {
        const colour = getComputedStyle(one).backgroundColor;
        return colour === 'rgba(0, 0, 0, 0)' && one.parentElement ? ground(one.parentElement) : colour;
    };
    return [...document.querySelectorAll('*')].filter(one => one.checkVisibility()).map(one => {
        const both = [light(getComputedStyle(one).color), light(ground(one))].sort((a, b) => b - a);
        return (both[0] + .05) / (both[1] + .05);
    });
}"""


@pytest.mark.parametrize("form", ["atom", "rss"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_feed_in_a_browser_has_dates_contrast_and_a_way_to_its_page(
    form: str, scheme: str, open_page: Open, service: Service
):
    page = open_page(f"/topics/alpha/feed.{form}", color_scheme=scheme)
    assert min(page.evaluate(_CONTRAST)) >= 4.5
    dates = page.evaluate(
        "[...document.querySelectorAll('published, pubDate')].map(one => one.checkVisibility())"
    )
    assert dates == [True] * len(on("alpha"))
    page.goto(f"{service.base}/issues/feed.{form}")
    links = page.evaluate("[...document.querySelectorAll('div a')].map(one => one.href)")
    assert links == [f"{service.base}/issues/", f"{service.base}/"]


_FOCUSED = """() => {
    const one = document.activeElement;
    if (!one || one === document.body) return null;
    const style = getComputedStyle(one), box = one.getBoundingClientRect();
    const all = [...document.querySelectorAll('*')];
    const seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2
        && box.width > 0 && box.height > 0 && box.left >= 0 && box.top >= 0;
    return [all.indexOf(one), seen, one.outerHTML.slice(0, 120)];
}"""
_REACHABLE = """() => [...document.querySelectorAll('a[href], button, input, select, textarea, summary')]
    .filter(one => one.checkVisibility({visibilityProperty: true}) && !one.disabled && one.type !== 'hidden')
    .filter(one => one.type !== 'radio' || one.checked)
    .map(one => [...document.querySelectorAll('*')].indexOf(one))"""


@pytest.mark.parametrize("path", ["/", "/topics/alpha/", "/posts/2013-01-01-post-0/"])
def test_the_keyboard_alone_reaches_everything_and_shows_where_it_is(path: str, open_page: Open):
    page = open_page(path)
    wanted = set(page.evaluate(_REACHABLE))
    reached, unseen = set(), []
    for _ in range(2 * len(wanted) + 10):  # a busy browser may lose a key: go round once more
        page.keyboard.press("Tab")
        focused = page.evaluate(_FOCUSED)
        if wanted <= reached:
            break
        if focused is None:
            continue
        reached.add(focused[0])
        if not focused[1]:
            unseen.append(focused[2])
    assert wanted - reached == set()
    assert unseen == []


def test_the_first_thing_the_keyboard_finds_is_the_way_past_the_header(open_page: Open):
    page = open_page("/topics/alpha/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**#" + page.locator("main").get_attribute("id"))
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_nothing_that_an_editor_types_ever_runs_or_is_asked_for(browser: Browser, hostile: Service):
    found = {}
    with visit(browser) as (page, seen):
        for path in HOSTILE:
            before = len(seen.active)
            page.goto(hostile.base + path)
            state = (
                page.evaluate("window.hacked"),
                page.url.removeprefix(hostile.base),
                seen.active[before:],
            )
            if state != (None, path, []):
                found[path] = state
    assert found == {}
    # The words are text already and nothing reaches the second wall, the policy. Only pictures are missing.
    assert [error for error in seen.errors if not error.endswith("/x")] == []
    assert seen.foreign(hostile.base) == []


# Not in RSS: there a title is text to some readers and HTML to others, and a tag in it is written for both.
@pytest.mark.parametrize("path", ["/", "/topics/hostile/", "/posts/2021-03-one/", "/embed", "/feed.atom"])
def test_hostile_words_are_shown_as_they_were_typed(path: str, browser: Browser, hostile: Service):
    with visit(browser) as (page, _):
        page.goto(hostile.base + path)
        assert f"Post {ACTIVE}" in page.evaluate("document.documentElement.textContent")


def test_the_policy_alone_would_stop_a_script(browser: Browser, hostile: Service):
    with visit(browser) as (page, seen):
        page.goto(hostile.base + "/posts/2021-03-one/")
        page.evaluate(
            "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hacked = 1\">')"
        )
        page.evaluate(
            "document.body.append(Object.assign(document.createElement('script'), {text: 'hacked = 1'}))"
        )
        page.wait_for_timeout(200)
        assert page.evaluate("window.hacked") is None
        assert any("Content Security Policy" in error for error in seen.errors)
        assert seen.active == []
