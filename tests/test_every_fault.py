"""The awful site: every fault we know to name, in one run, as an editor reads it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pprnet_feeds.content.library import read_library
from pprnet_feeds.content.problems import report
from pprnet_feeds.content.site import read_site

SITE = Path(__file__).parent / "sites" / "every-fault"
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def test_every_fault_is_told_in_one_run_in_the_order_of_the_files():
    environ = {
        "PPRNET_HUBS": "https://hub.example.org/, hub",
        "PPRNET_AUTHOR_NAME": "Ann\x07 Author",
        "PPRNET_BASEURL": "https://example.org",
        "PPRNET_CACHE": "60",
        "PPRNET_COLOUR": "blue",
    }
    site, problems = read_site(SITE, environ)
    assert site is not None
    library = read_library(SITE, site, NOW, bodies=True)
    told = report(sorted([*problems, *library.problems]), consequence="Nothing was published.")
    assert told == (SITE / "report.txt").read_text(encoding="utf-8")


def test_the_sound_posts_beside_all_faults_are_published():
    site, _ = read_site(SITE, {})
    assert site is not None
    library = read_library(SITE, site, NOW)
    assert [post.file for post in library.posts] == [
        "posts/old-address-of-another.md",
        "posts/control.md",
        "posts/2026/plain-and-sound.md",
        "posts/double-first.md",
    ]
