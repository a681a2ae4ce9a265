"""What was drawn, shared by threads: a request is answered from one catalogue while the next is drawn."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from many import make_site, write_post
from pprnet_feeds.content.library import read_library
from pprnet_feeds.content.site import read_site
from pprnet_feeds.syndication.addresses import Plan
from pprnet_feeds.syndication.catalogue import Catalogue
from pprnet_feeds.syndication.drawn import Drawn
from pprnet_feeds.syndication.selection import Selection

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def in_turns() -> Iterator[None]:
    """Let threads take turns a thousand times as often as usual."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(usual)


def together(*parts: Callable[[], object], seconds: float = 1.0) -> list[BaseException]:
    """Do each of *parts* again and again, in threads at the same time; what they raised."""
    raised: list[BaseException] = []
    latest = time.monotonic() + seconds

    def run(part: Callable[[], object]) -> None:
        try:
            while time.monotonic() < latest and not raised:
                part()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


@pytest.mark.usefixtures("in_turns")
def test_threads_that_share_a_store_find_what_is_theirs():
    owners = [f"post {number}" for number in range(400)]
    drawn: Drawn[bytes] = Drawn(100_000, len)

    def ask(some: list[str]) -> None:
        found = drawn.of(some, "feed", lambda missing: [one.encode() * 10 for one in missing])
        assert found == [one.encode() * 10 for one in some]

    assert together(lambda: ask(owners), lambda: ask(owners[::-1])) == []


@pytest.mark.usefixtures("in_turns")
def test_a_catalogue_is_taken_over_while_it_answers(tmp_path: Path):
    folder = make_site(tmp_path / "site", 60)
    site, _ = read_site(folder, {})
    assert site is not None
    library = read_library(folder, site, NOW)
    before = Catalogue(library)
    write_post(folder, 3, title="Edited")
    edited = read_library(folder, site, NOW, held=library.reading)
    chosen = [Selection(issue=month) for month in before.contents.months]
    plans = [Plan("posts", selection, "citations", "atom") for selection in chosen]

    def answer() -> None:
        before.contents._spreads.clear()
        for plan in plans:
            before.contents.channel(plan)

    assert together(answer, lambda: Catalogue(edited, before)) == []
