"""Real browsers, as a visitor has them: Debian's own, a new profile, no network but this machine's.

Chromium is driven by Playwright, which needs no download when it is told where
the browser is; Firefox has a module of its own. Whatever a page asks of another
machine is written down, and cannot be reached.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from types import FrameType
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

PATIENCE = 10_000  # milliseconds for any one thing
_AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_QUIET = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-features=Translate,OptimizationHints,MediaRouter",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]


@dataclass
class Seen:
    """What happened while pages were open.

    Attributes:
        asked: every address that was asked for.
        active: dialogs, downloads and new windows, none of which we ever open.
        errors: what the console complained of, and uncaught exceptions.
    """

    asked: list[str] = field(default_factory=list)
    active: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def heard(self, kind: str, text: str, address: str) -> None:
        """Keep what the console says, if it is a complaint."""
        if kind == "error":
            self.errors.append(f"{text} {address}")

    def foreign(self, *ours: str) -> list[str]:
        """What was asked of anybody but *ours*, the beginnings of addresses."""
        own = (*ours, "data:", "blob:", "about:")
        return [address for address in self.asked if not address.startswith(own)]


def found(*names: str) -> str:
    """The path of the first of these programs; the test is skipped without, but never on a build machine."""
    for name in names:
        if path := shutil.which(name):
            return path
    if os.environ.get("CI"):
        pytest.fail(f"{names[0]} is not installed")
    pytest.skip(f"{names[0]} is not installed")


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, for as long as the block lasts."""
    program = found("chromium", "chromium-browser", "google-chrome")
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*_QUIET, *root])
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def visit(browser: Browser, **options: Any) -> Iterator[tuple[Page, Seen]]:
    """A visitor who was never here before; *options* are those of a Playwright context."""
    seen = Seen()
    context: BrowserContext = browser.new_context(**{"color_scheme": "light", "locale": "en-CA"} | options)
    context.set_default_timeout(PATIENCE)
    context.on("request", lambda request: seen.asked.append(request.url))
    context.on("dialog", lambda dialog: (seen.active.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    context.on("console", lambda said: seen.heard(said.type, said.text, said.location["url"]))
    context.on("weberror", lambda error: seen.errors.append(str(error.error)))
    page = context.new_page()
    page.on("download", lambda download: seen.active.append(f"download: {download.url}"))
    page.on("popup", lambda popup: seen.active.append(f"window: {popup.url}"))
    try:
        yield page, seen
    finally:
        context.close()


def axe(page: Page) -> list[str]:
    """What axe-core finds wrong with the page as it is shown: rule, and the elements concerned."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(_axe())
    result = page.evaluate(
        "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})",
        _AXE_TAGS,
    )
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in result["violations"]
        for node in violation["nodes"]
    ]


@functools.cache
def _axe() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


@contextlib.contextmanager
def guard(seconds: int) -> Iterator[None]:
    """Give up after that long by the clock on the wall: a browser that hangs must not hold up everything."""

    def give_up(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"not done within {seconds} seconds")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def stranger(body: str) -> Iterator[str]:
    """Another site of one page, at another origin; its address."""

    class OnePage(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/" else 204)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            if self.path == "/":
                self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), OnePage) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
