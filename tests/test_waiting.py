"""Drafts and scheduled posts are listed by the commands that would otherwise say that all is done."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from many import make_site, name_of
from pprnet_feeds.commands.plan import planned
from pprnet_feeds.content.ledger import Ledger, read_ledger
from pprnet_feeds.content.library import read_library
from pprnet_feeds.content.site import read_site
from pprnet_feeds.publishing.check import waiting_lines, warnings
from service import invoke
from test_first_publication import NOW, publish, write


@pytest.fixture
def site(tmp_path: Path) -> Path:
    site = make_site(tmp_path / "site", 1)
    publish(site)
    return site


def warned(site: Path, now: datetime) -> list[tuple[str, str]]:
    settings, _ = read_site(site, {})
    ledger = read_ledger(site)
    assert settings is not None
    assert isinstance(ledger, Ledger)
    library = read_library(site, settings, now, drafts=True, bodies=True, ledger=ledger)
    found = [*library.problems, *warnings(library, now)]
    assert all(problem.warning for problem in found)
    return [(problem.place, problem.what) for problem in sorted(found)]


@pytest.mark.parametrize("name", ["plan", "publish"])
def test_drafts_and_scheduled_posts_are_listed_with_the_moment_they_appear(site: Path, name: str):
    write(site, "b-draft", "2020-01", draft="true")
    write(site, "c-day", "2062-06-01")
    write(site, "2026/a-moment", "2062-06-01T09:30:00-05:00")
    done = invoke(name, "--site", str(site))
    assert done.returncode == 0
    assert done.stdout.startswith(
        "Subscribers will notice nothing.\n\n"
        "Readers do not see these yet (times of UTC):\n"
        "  posts/2026/a-moment.md: appears on 2062-06-01 at 14:30\n"
        "  posts/b-draft.md: a draft\n"
        "  posts/c-day.md: appears on 2062-06-01 at 12:00\n"
    )


def test_moments_are_told_in_the_zone_of_the_site(site: Path):
    settings = site / "feeds/site.yaml"
    settings.write_text(settings.read_text().replace("UTC", "America/Toronto"))
    write(site, "late", "2062-06-01T09:30:00Z")
    assert "(times of America/Toronto):\n  posts/late.md: appears on 2062-06-01 at 05:30\n" in (
        invoke("plan", "--site", str(site)).stdout
    )


def test_todays_date_before_noon_is_listed_as_what_readers_do_not_see_yet(site: Path):
    morning = datetime(2026, 3, 29, 9, tzinfo=UTC)
    write(site, "today", "2026-03-29")
    write(site, name_of(0), "2013-01-01", updated="2026-03-29", topics="[alpha]")
    library, *_ = planned(site, morning)
    assert waiting_lines(library, morning)[1:] == [
        f"  posts/{name_of(0)}.md: its `updated` counts from 2026-03-29 at 12:00",
        "  posts/today.md: appears on 2026-03-29 at 12:00",
    ]
    library, *_ = planned(site, morning + timedelta(hours=3))
    assert waiting_lines(library, morning + timedelta(hours=3)) == []


def test_nothing_is_listed_where_nothing_waits(site: Path):
    assert invoke("plan", "--site", str(site)).stdout == "Subscribers will notice nothing.\n"


def test_programs_get_what_waits_from_plan(site: Path):
    write(site, "a-draft", "2020-01", draft="true")
    write(site, "coming", "2062-06-01")
    found = json.loads(invoke("plan", "--site", str(site), "--format", "json").stdout)
    assert found["waiting"] == [
        {"file": "posts/a-draft.md", "kind": "draft", "moment": None},
        {"file": "posts/coming.md", "kind": "scheduled", "moment": "2062-06-01T12:00:00Z"},
    ]


def test_publish_records_a_scheduled_post_and_names_its_file_to_git(site: Path):
    write(site, "coming", "2062-06-01")
    done = invoke("publish", "--site", str(site))
    assert "Published. Commit these:" in done.stdout
    assert done.stdout.endswith("add feeds/ledger.json posts/coming.md\n")
    done = invoke("publish", "--site", str(site))
    assert "posts/coming.md: appears on 2062-06-01 at 12:00" in done.stdout
    assert "Nothing to publish" in done.stdout


def test_a_date_more_than_a_year_ahead_is_a_warning_for_drafts_too(site: Path):
    write(site, "a", "2062-03")
    write(site, "b", "2062-03-29", draft="true")
    write(site, "c", "2027-03")
    write(site, "d", "2020-01-01", updated="2062-03-29")
    write(site, "e", "2020-01-01", lastmod='"2062-03-29T12:00:00+02:00"')
    publish(site)
    assert warned(site, NOW) == [
        ("posts/a.md:3", "`date` is more than a year ahead: '2062-03'"),
        ("posts/b.md:3", "`date` is more than a year ahead: '2062-03-29'"),
        ("posts/d.md:5", "`updated` is more than a year ahead: '2062-03-29'"),
        ("posts/e.md:5", "`lastmod` is more than a year ahead: '2062-03-29T12:00:00+02:00'"),
    ]


def test_a_live_post_that_the_ledger_does_not_know_is_a_warning(site: Path):
    write(site, "live", "2026-03")
    write(site, "coming", "2026-04")
    write(site, "draft", "2026-03", draft="true")
    expected = [("posts/live.md", "the ledger does not know this post, and readers can see it")]
    assert warned(site, NOW) == expected
    publish(site)
    assert warned(site, NOW) == []


def test_without_a_ledger_no_post_is_warned_of(tmp_path: Path):
    assert warned(make_site(tmp_path / "site", 2), NOW) == []


def test_a_warning_keeps_nothing_out(site: Path):
    write(site, "live", "2026-03")
    write(site, "far", "2062-03")
    for name in ("check", "plan", "publish"):
        assert invoke(name, "--site", str(site)).returncode == 0
