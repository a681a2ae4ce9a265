"""Make the pictures of the documents again: ``.venv/bin/python tests/pictures.py``.

They show this repository's own posts as a visitor sees them, under an address
that stands for any. Look at them before they are committed.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Route

from browser import chromium, visit
from service import ROOT, Service, serving

PICTURES = ROOT / "docs/pictures"
SHOWN = "https://feeds.example.org"


def draw(browser: Browser, service: Service, folder: Path) -> None:
    """Draw all of them into *folder*."""

    def answer(route: Route) -> None:
        route.fulfill(response=route.fetch(url=route.request.url.replace(SHOWN, service.base)))

    with visit(browser, viewport={"width": 1080, "height": 680}) as (page, _):
        page.context.route(f"{SHOWN}/**", answer)
        page.goto(f"{SHOWN}/")
        page.get_by_role("checkbox", name="Therapist Factors").check()
        page.get_by_role("checkbox", name="Alliance and Therapeutic Relationship").check()
        page.get_by_role("radio", name="Practice implications only").check()
        page.get_by_role("button", name="Copy the address").last.click()
        page.get_by_text("Copied").wait_for()
        page.locator("#picker").evaluate("form => scrollTo(0, form.getBoundingClientRect().top + scrollY)")
        page.screenshot(path=folder / "subscribe.png")

    with visit(browser, viewport={"width": 1080, "height": 760}) as (page, _):
        page.context.route(f"{SHOWN}/**", answer)
        page.goto(f"{SHOWN}/search/?q=suicide")
        page.screenshot(path=folder / "search.png")

    with visit(browser, viewport={"width": 390, "height": 780}) as (page, _):
        page.context.route(f"{SHOWN}/**", answer)
        page.goto(f"{SHOWN}/posts/2021-12-how-much-psychotherapy-is-necessary/")
        page.screenshot(path=folder / "post.png")

    with visit(browser, viewport={"width": 1080, "height": 560}) as (page, _):
        page.context.route(f"{SHOWN}/**", answer)
        page.goto(f"{SHOWN}/topics/therapist-factors/feed.atom")
        page.screenshot(path=folder / "feed-in-a-browser.png")


def draw_preview(browser: Browser, folder: Path) -> None:
    """Draw what an editor sees before anybody else does."""
    with tempfile.TemporaryDirectory() as name:
        site = Path(name)
        for part in ("posts", "feeds"):
            shutil.copytree(ROOT / part, site / part)
        for stem, title, more in (
            ("2022-02-what-silence-says", "What Silence Says", "2022-02-09\ndraft: true"),
            ("2099-03-doors", "An Essay on Doors", "2099-03-09"),
        ):
            text = f"---\ntitle: {title}\ndate: {more}\ntopics: [Therapist Factors]\n---\n\n"
            text += "Therapists who waited a little longer heard more. In thirty sessions nobody minded.\n"
            (site / f"posts/{stem}.md").write_text(text, "utf-8")
        with (
            serving(site, "--preview") as preview,
            visit(browser, viewport={"width": 640, "height": 330}) as (page, _),
        ):
            page.goto(f"{preview.base}/posts/2022-02-what-silence-says/")
            page.screenshot(path=folder / "preview-draft.png")
            page.set_viewport_size({"width": 640, "height": 580})
            page.goto(f"{preview.base}/archive/")
            page.screenshot(path=folder / "preview-list.png")


if __name__ == "__main__":
    PICTURES.mkdir(parents=True, exist_ok=True)
    with serving(ROOT, PPRNET_BASE_URL=SHOWN) as running, chromium() as found:
        draw(found, running, PICTURES)
        draw_preview(found, PICTURES)
