"""Pages with what is hard to show: long words, numbers in columns, other scripts, much zoom."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, expect

from browser import axe, chromium, guard, visit
from many import make_site, name_of, write_post
from service import Service, command, free_port, serving

pytestmark = pytest.mark.slow  # each needs a browser

LONG = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz"
TABLE = f"""\
| Treatment | Patients | {" | ".join(f"Weeks{week}" for week in range(40))} |
|---|--:|{"---|" * 40}
| One | 7 | {" | ".join("12" for _ in range(40))} |
"""
ARABIC = "ملخص (مع أرقام 12–14)."


@pytest.fixture(autouse=True)
def _guarded() -> Iterator[None]:
    with guard(60):
        yield


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_site(tmp_path_factory.mktemp("hard") / "site", 8)
    settings = folder / "feeds/site.yaml"
    text = re.sub(r"(?m)^base_url:.*\n", "", settings.read_text())
    settings.write_text(f'{text}accent: "#c05000"\n')
    write_post(folder, 4, title=f'"What the {LONG} says"', status="corrected")
    write_post(folder, 5, text=f"{TABLE}\n## Practice Implications\n\n{TABLE}")
    write_post(
        folder, 6, title="ملخص", language="ar", text=f"{ARABIC}\n\n## Practice Implications\n\n{ARABIC}\n"
    )
    write_post(
        folder, 7, language="fr", title="Une étude", text="Une étude.\n\n## Practice Implications\n\nAllez.\n"
    )
    return folder


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[Service]:
    with serving(folder) as running:
        yield running


def post(number: int) -> str:
    return f"/posts/{name_of(number)}/"


PAGES = (
    "/",
    "/archive/",
    "/topics/alpha/",
    "/issues/2013-02/",
    post(4),
    post(5),
    "/search/?q=says",
    "/embed",
)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_long_word_widens_no_page_and_every_colour_can_be_read(
    browser: Browser, service: Service, path: str, scheme: str
):
    with visit(browser, color_scheme=scheme, viewport={"width": 320, "height": 800}) as (page, _):
        page.goto(service.base + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        assert axe(page) == []


def test_numbers_stand_below_each_other_as_the_table_says(browser: Browser, service: Service):
    with visit(browser) as (page, _):
        page.goto(service.base + post(5))
        for kind in ("th", "td"):
            cells = page.locator(kind).evaluate_all("all => all.map(one => getComputedStyle(one).textAlign)")
            assert [cell.removeprefix("-webkit-") for cell in cells[:3]] == ["start", "right", "start"]


def test_a_text_from_right_to_left_ends_with_its_full_stop_on_the_left(browser: Browser, service: Service):
    with visit(browser) as (page, _):
        for path, words in (
            (post(6), ".body p, .practice p, h1"),
            ("/archive/", "p[lang=ar]"),
            ("/embed", "p[lang=ar]"),
        ):
            page.goto(service.base + path)
            shown = page.locator(words)
            assert shown.count() > 0, path
            for one in shown.all():
                assert one.evaluate("one => getComputedStyle(one).direction") == "rtl", path
        page.goto(service.base + post(6))
        for words in (".byline", ".cite", ".study p"):
            assert page.locator(words).first.evaluate("one => getComputedStyle(one).direction") == "ltr"


# What a focused element has above it, if it is covered.
_COVERED = """() => {
    const one = document.activeElement, box = one.getBoundingClientRect();
    const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return top !== one && !one.contains(top) && top ? top.outerHTML.slice(0, 80) : "";
}"""


def test_at_400_percent_the_bar_covers_nothing_that_has_the_focus(browser: Browser, service: Service):
    with visit(browser, viewport={"width": 320, "height": 256}, reduced_motion="reduce") as (page, _):
        page.goto(service.base)
        page.get_by_role("checkbox").first.focus()
        page.keyboard.press("Space")
        expect(page.get_by_role("group", name="Your feed")).to_be_visible()
        covered = []
        for _ in range(12):
            page.keyboard.press("Tab")
            covered.append(page.evaluate(_COVERED))
        assert covered == [""] * 12


def test_the_month_of_a_figure_stands_in_one_line(browser: Browser, folder: Path, tmp_path: Path):
    settings = {"PPRNET_STATS": "on", "PPRNET_STATE": str(tmp_path / "state.sqlite3")}
    reader = "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 462 subscribers; )"
    with serving(folder, **settings) as running:
        running.ask("/feed.atom", User_Agent=reader)
        assert running.stop() == 0  # which stores what was counted
    with (
        serving(folder, **settings) as running,
        visit(browser, viewport={"width": 320, "height": 800}) as (page, _),
    ):
        page.goto(f"{running.base}/stats")
        box = page.get_by_role("region", name="By month").get_by_role("rowheader").first.bounding_box()
        assert box is not None
        assert box["height"] < 60
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        assert axe(page) == []


def test_a_copy_in_files_offers_no_feed_that_it_does_not_have(browser: Browser, folder: Path, tmp_path: Path):
    base = f"http://localhost:{(port := free_port())}"
    done = command("build", str(tmp_path / "copy"), "--site", str(folder), PPRNET_BASE_URL=base)
    assert done.returncode == 0, done.stderr
    with files_at(tmp_path / "copy", port), visit(browser) as (page, _):
        page.goto(f"{base}/")
        copy = page.get_by_role("button", name="Copy the address")
        page.get_by_role("checkbox", name="Alpha").check()
        expect(page.get_by_text(re.compile("Newest: "))).to_be_visible()
        expect(copy.first).to_be_visible()
        page.get_by_role("checkbox", name="Beta").check()
        expect(page.get_by_text("There is no such feed here.")).to_be_visible()
        for one in (*copy.all(), page.get_by_role("link", name="See these posts")):
            expect(one).to_be_hidden()
        page.get_by_role("checkbox", name="Alpha").uncheck()
        expect(page.get_by_label("Address of the feed").first).to_have_value(f"{base}/topics/beta/feed.atom")
        expect(copy.first).to_be_visible()
        for path in ("/", "/topics/alpha/", post(4)):
            page.goto(base + path)
            assert page.locator("link[type='application/json+oembed']").count() == 0


@contextmanager
def files_at(folder: Path, port: int) -> Iterator[None]:
    """Answer with the files of *folder*, as the simplest host does."""
    handler = partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass
