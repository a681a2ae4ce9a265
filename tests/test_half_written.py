"""A file that is still being written is not read, however slowly, and no other file waits for it."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from many import make_site
from service import Service, serving

pytestmark = pytest.mark.slow

END = "And this is its last sentence."
# About 20 kB.
LINE = "A sentence of a post that somebody copies to the server over a slow line.\n\n"
POST = f"---\ntitle: Slow\ndate: 2013-01\ntopics: [alpha]\n---\n{LINE * 270}{END}\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return make_site(tmp_path / "site", 12)


def text(service: Service, slug: str) -> str:
    """What is served of a post; empty while there is none."""
    answer = service.ask(f"/posts/{slug}/")
    return answer.body.decode() if answer.status == 200 else ""


def write_slowly(path: Path, content: str, service: Service, step: float, lasting: float) -> list[str]:
    """Write a file in steps of so many seconds; what was served of it after each."""
    pieces = max(2, round(lasting / step))
    size = -(-len(content) // pieces)
    served = []
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, len(content), size):
            file.write(content[start : start + size])
            file.flush()
            until = time.monotonic() + step
            while time.monotonic() < until:
                served.append(text(service, path.stem))
                time.sleep(0.05)
    return served


def wait_for(service: Service, slug: str, words: str, seconds: float = 4) -> None:
    until = time.monotonic() + seconds
    while words not in text(service, slug):
        assert time.monotonic() < until, f"{slug} is not served"
        time.sleep(0.05)


@pytest.mark.parametrize("step", [0.1, 0.25, 0.35, 1.0])
def test_half_of_a_new_post_is_never_served(site, step):
    with serving(site) as service:
        time.sleep(1.5)
        served = write_slowly(site / "posts/slow.md", POST, service, step, 4)
        assert [page for page in served if page and END not in page] == []
        wait_for(service, "slow", END)


def test_half_of_an_edit_is_never_served_and_its_last_good_version_stays(site):
    slow = site / "posts/slow.md"
    slow.write_text(POST, "utf-8")
    with serving(site) as service:
        wait_for(service, "slow", END)
        time.sleep(1.5)
        served = write_slowly(slow, POST.replace("Slow", "Slower"), service, 0.35, 4)
        assert [page for page in served if END not in page] == []
        wait_for(service, "slow", "Slower")


def test_a_start_waits_for_a_file_that_is_being_written(site):
    def write() -> None:
        with (site / "posts/slow.md").open("w", encoding="utf-8") as file:
            for start in range(0, len(POST), 1500):
                file.write(POST[start : start + 1500])
                file.flush()
                time.sleep(0.5)

    writing = threading.Thread(target=write)
    writing.start()
    served = []
    time.sleep(0.6)
    with serving(site) as service:
        while writing.is_alive():
            served.append(text(service, "slow"))
            time.sleep(0.05)
        wait_for(service, "slow", END)
    assert [page for page in served if page and END not in page] == []


def test_other_files_are_live_while_one_is_written(site):
    with serving(site) as service:
        time.sleep(1.5)
        with (site / "posts/slow.md").open("w", encoding="utf-8") as file:
            began = None
            for number in range(12):
                file.write(POST[number * 1500 : (number + 1) * 1500])
                file.flush()
                if number == 3:
                    (site / "posts/quick.md").write_text(POST.replace("Slow", "Quick"), "utf-8")
                    began = time.monotonic()
                time.sleep(0.35)
                if began and END in text(service, "quick"):
                    break
            assert began
            wait_for(service, "quick", END, began + 3 - time.monotonic())
