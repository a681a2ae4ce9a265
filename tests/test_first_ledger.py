"""The ledger that the first version wrote, for a site with every feature it had: it stays as it is.

It was written by the commands of commit 8206268, which published three times: between them two posts
were withdrawn, the file of one of them was removed, another was renamed, and a date was edited. Only
the time of those runs was moved into the past. Scheduled posts were in no ledger then.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from service import SITES, command

FIRST = SITES / "first-ledger"
SCHEDULED = "posts/2190-06-scheduled.md"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return shutil.copytree(FIRST, tmp_path / "site")


def test_plan_reports_no_change_to_a_site_that_the_first_version_published(site: Path):
    done = command("plan", "--site", str(site))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Subscribers will notice nothing")


def test_publish_leaves_the_first_ledger_as_it_is_byte_for_byte(site: Path):
    (site / SCHEDULED).unlink()
    done = command("publish", "--site", str(site))
    assert (done.returncode, done.stderr) == (0, "")
    assert "Nothing to publish" in done.stdout
    assert (site / "feeds/ledger.json").read_bytes() == (FIRST / "feeds/ledger.json").read_bytes()


def test_publish_changes_no_record_of_the_first_ledger_where_a_scheduled_post_is_new(site: Path):
    done = command("publish", "--site", str(site))
    assert (done.returncode, done.stderr) == (0, "")
    records = {line.rstrip(",") for line in (site / "feeds/ledger.json").read_text().splitlines()}
    first = {line.rstrip(",") for line in (FIRST / "feeds/ledger.json").read_text().splitlines()}
    assert first <= records
    (added,) = records - first
    assert added.startswith('{"id": "2190-06-scheduled", ')


def test_an_edit_of_a_post_of_the_first_ledger_changes_only_what_was_edited(site: Path):
    post = site / "posts/2021-02-10-a-day.md"
    post.write_text(post.read_text() + "One more sentence.\n")
    done = command("plan", "--site", str(site))
    assert done.stdout.startswith("1 silently edited.")
    assert command("publish", "--site", str(site)).returncode == 0
    assert (
        '"published": "2021-02-10T17:00:00Z", "updated": "2021-02-10T17:00:00Z"'
        in (site / "feeds/ledger.json").read_text()
    )


def test_a_renamed_file_is_known_by_a_record_of_the_first_ledger(site: Path):
    post = site / "posts/2021-03-updated.md"
    post.write_text(post.read_text() + "One more sentence.\n")
    post.rename(site / "posts/2021-03-renamed.md")
    done = command("plan", "--site", str(site))
    assert done.returncode == 0
    assert "1 moved." in done.stdout
    assert "new." not in done.stdout
