"""When a post was first published: what `publish` records, and what readers get from it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from many import make_site
from pprnet_feeds.commands.plan import planned
from pprnet_feeds.content import ledger as ledgers
from pprnet_feeds.content.library import read_library
from pprnet_feeds.content.site import read_site
from pprnet_feeds.publishing.plan import published
from pprnet_feeds.syndication.catalogue import Catalogue
from service import invoke, serving

NOW = datetime(2026, 3, 29, 15, 0, 0, tzinfo=UTC)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return make_site(tmp_path / "site", 0)


def write(site: Path, name: str, date: str, **keys: str) -> Path:
    path = site / f"posts/{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    header = {"title": name.title(), "date": date, "topics": "[alpha]"} | keys
    lines = "".join(f"{key}: {value}\n" for key, value in header.items())
    path.write_text(f"---\n{lines}---\nWhat {name} tells.\n")
    return path


def publish(site: Path, now: datetime = NOW) -> dict[str, dict[str, Any]]:
    """Publish at a given time, as the command does; the records by id."""
    library, found, _ = planned(site, now)
    assert not [change for change in found if change.mend]
    text = ledgers.write(published(library, library.ledger, now, frozenset()))
    (site / ledgers.FILE).write_text(text)
    return records(site)


def records(site: Path) -> dict[str, dict[str, Any]]:
    document = json.loads((site / ledgers.FILE).read_text())
    return {record["id"]: record for record in document["posts"]}


def moments(site: Path, now: datetime = NOW) -> dict[str, str]:
    return {id: record["published"] for id, record in publish(site, now).items()}


def catalogue(site: Path, now: datetime = NOW) -> Catalogue:
    settings, problems = read_site(site, {})
    assert settings is not None
    assert problems == []
    ledger = ledgers.read_ledger(site)
    assert isinstance(ledger, ledgers.Ledger)
    return Catalogue(read_library(site, settings, now, ledger=ledger))


def items(site: Path, path: str, now: datetime = NOW) -> list[str]:
    document = catalogue(site, now).document(path)
    return [] if document is None else [item["title"] for item in json.loads(document.body)["items"]]


@contextmanager
def minute() -> Iterator[list[datetime]]:
    """The time before and after a block; a test that begins a second before midnight is still right."""
    span = [datetime.now(UTC).replace(microsecond=0)]
    yield span
    span.append(datetime.now(UTC))


# By commands and over a socket.


def test_a_post_of_this_month_is_dated_by_the_day_it_is_published_on(site: Path):
    assert invoke("new", "A Post", "--topic", "alpha", "--site", str(site)).returncode == 0
    (path,) = (site / "posts").iterdir()
    path.write_text(re.sub(r"(?m)^draft: true.*\n", "", path.read_text()))
    with minute() as span:
        planned = json.loads(invoke("plan", "--site", str(site), "--format", "json").stdout)
        done = invoke("publish", "--site", str(site))
    assert done.returncode == 0, done.stdout
    with serving(site) as service:
        rss = service.ask("/feed.rss").body.decode()
        atom = service.ask("/feed.atom").body.decode()
        post = json.loads(service.ask("/feed.json").body)["items"][0]
    moment = parsedate_to_datetime(re.findall("<pubDate>(.*?)</pubDate>", rss)[-1])
    assert span[0] <= moment <= span[1]
    text = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    assert f"<published>{text}</published>" in atom
    assert (post["date_published"], post["date_modified"]) == (text, text)
    assert planned["changes"][0]["shown"][1] == f"{moment:%Y-%m-%d}"


def test_what_was_published_stays_as_it_is_when_it_is_published_again(site: Path):
    write(site, "one", f"{datetime.now(UTC):%Y-%m}")
    assert invoke("publish", "--site", str(site)).returncode == 0
    before = (site / ledgers.FILE).read_bytes()
    write(site, "two", f"{datetime.now(UTC):%Y-%m}")
    assert invoke("publish", "--site", str(site)).returncode == 0
    assert before.splitlines()[1].rstrip(b",") in (site / ledgers.FILE).read_bytes()
    assert invoke("plan", "--site", str(site)).stdout == "Subscribers will notice nothing.\n"


def test_a_record_updated_before_it_was_published_is_read_as_updated_then(site: Path):
    write(site, "one", "2013-02-03")
    publish(site)
    path = site / ledgers.FILE
    path.write_text(path.read_text().replace('"updated": "2013-02-03', '"updated": "2013-01-03'))
    done = invoke("check", "--site", str(site))
    assert done.returncode == 0, done.stdout
    done = invoke("plan", "--site", str(site))
    assert (done.returncode, done.stdout) == (0, "Subscribers will notice nothing.\n")


def test_a_ledger_whose_date_is_no_date_is_reported(site: Path):
    write(site, "one", "2013-02-03")
    publish(site)
    path = site / ledgers.FILE
    path.write_text(path.read_text().replace('"date": "2013-02-03"', '"date": "soon"'))
    done = invoke("check", "--site", str(site))
    assert done.returncode == 1
    assert done.stdout.startswith("feeds/ledger.json: no ledger of this program")


# With a time that the test gives.


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("2026-03", "2026-03-29T15:00:00Z"),
        ("2026-03-29", "2026-03-29T15:00:00Z"),
        ("2026-03-02", "2026-03-29T15:00:00Z"),
        ("2026-02", "2026-03-29T15:00:00Z"),  # ended 28 days ago
        ("2026-01", "2026-01-01T12:00:00Z"),
        ("2026-02-12", "2026-03-29T15:00:00Z"),  # ended on the 13th, 44 days ago
        ("2026-02-11", "2026-02-11T12:00:00Z"),
        ("2025-12-31", "2025-12-31T12:00:00Z"),
        ("1998-12", "1998-12-01T12:00:00Z"),
        ("2026-03-02T08:00:00Z", "2026-03-02T08:00:00Z"),
        ("2026-03-29T16:59:59+02:00", "2026-03-29T14:59:59Z"),
        ("2026-03-30", "2026-03-30T12:00:00Z"),
        ("2026-04", "2026-04-01T12:00:00Z"),
        ("2026-05-01T09:00:00-05:00", "2026-05-01T14:00:00Z"),
    ],
)
def test_the_first_rule_that_fits_the_date_decides_the_moment(site: Path, date: str, expected: str):
    write(site, "one", date)
    assert moments(site) == {"one": expected}
    assert records(site)["one"]["date"] == date


def test_a_month_ends_in_the_zone_of_the_site(site: Path):
    settings = site / "feeds/site.yaml"
    settings.write_text(settings.read_text().replace("UTC", "Pacific/Auckland"))
    write(site, "one", "2026-02-12")
    # The 12th ended at 11:00 UTC, thirteen hours earlier than in UTC.
    limit = datetime(2026, 2, 12, 11, tzinfo=UTC) + timedelta(days=45)
    assert moments(site, limit - timedelta(seconds=1)) == {"one": "2026-03-29T10:59:59Z"}
    (site / ledgers.FILE).unlink()
    assert moments(site, limit) == {"one": "2026-02-11T23:00:00Z"}


def test_posts_published_together_are_a_second_apart_in_the_order_of_dates_and_names(site: Path):
    write(site, "b", "2026-03")
    write(site, "c", "2026-03-20")
    write(site, "a", "2026-03-25")
    write(site, "d", "2026-03")
    write(site, "timed", "2026-03-01T00:00:00Z")
    write(site, "filled", "2020-03")
    assert moments(site) == {
        "b": "2026-03-29T14:59:57Z",
        "d": "2026-03-29T14:59:58Z",
        "c": "2026-03-29T14:59:59Z",
        "a": "2026-03-29T15:00:00Z",
        "timed": "2026-03-01T00:00:00Z",
        "filled": "2020-03-01T12:00:00Z",
    }
    assert items(site, "/feed.json")[:5] == ["A", "C", "D", "B", "Timed"]


def test_posts_published_in_the_same_second_by_two_runs_share_no_moment(site: Path):
    for name in ("a", "b"):
        write(site, name, "2026-03")
    first = publish(site)
    for name in ("c", "d"):
        write(site, name, "2026-03")
    second = moments(site, NOW + timedelta(seconds=1))
    assert {id: second[id] for id in first} == {id: record["published"] for id, record in first.items()}
    assert len(set(second.values())) == 4


def test_what_plan_says_of_a_new_post_is_what_publish_records(site: Path):
    for name, date in (("a", "2026-03"), ("b", "2020-01"), ("c", "2026-03-28T23:59:59Z")):
        write(site, name, date, updated="2026-03-28T23:59:59Z" if name == "b" else date)
    _, found, _ = planned(site, NOW)
    said = {change.id: change.shown[1] for change in found}
    assert said == {id: moment[:10] for id, moment in moments(site).items()}


def test_updated_is_never_earlier_than_published(site: Path):
    path = write(site, "one", "2026-03", updated="2026-03-10")
    record = publish(site)["one"]
    assert (record["published"], record["updated"]) == ("2026-03-29T15:00:00Z", "2026-03-29T15:00:00Z")
    assert publish(site, NOW + timedelta(days=1))["one"] == record
    path.write_text(path.read_text().replace("updated: 2026-03-10", "updated: 2026-03-30"))
    record = publish(site, NOW + timedelta(days=2))["one"]
    assert (record["published"], record["updated"]) == ("2026-03-29T15:00:00Z", "2026-03-30T12:00:00Z")


def test_month_and_archive_year_go_by_the_date_and_not_by_the_moment(site: Path):
    settings = site / "feeds/site.yaml"
    settings.write_text(settings.read_text() + "entries: 1\n")
    write(site, "early", "2024-05")
    write(site, "december", "2025-12")
    write(site, "january", "2026-01-02T09:00:00Z")
    publish(site, datetime(2026, 1, 5, 12, tzinfo=UTC))
    write(site, "later", "2027-02-01")
    publish(site, datetime(2027, 2, 2, tzinfo=UTC))
    later = datetime(2027, 3, 1, tzinfo=UTC)
    assert records(site)["december"]["published"] == "2026-01-05T12:00:00Z"
    shown = catalogue(site, later)
    assert [post.title for post in shown.months["2025-12"]] == ["December"]
    assert "2026-01" in shown.months
    years = {year: items(site, f"/archive/{year}/feed.json", later) for year in (2024, 2025, 2026, 2027)}
    assert years == {2024: ["Early"], 2025: ["December"], 2026: ["January"], 2027: []}
    assert items(site, "/feed.json", later) == ["Later"]
    assert [post.title for post in shown.library.posts] == ["Later", "January", "December", "Early"]


def test_a_renamed_and_edited_file_is_known_by_its_title_and_date(site: Path):
    path = write(site, "one", "2026-03")
    first = publish(site)["one"]
    path.write_text(path.read_text().replace("tells", "tells now").replace("2026-03", "2026-03-01"))
    path.rename(site / "posts/another.md")
    later = publish(site, NOW + timedelta(days=9))
    assert {id: record["published"] for id, record in later.items()} == {"one": first["published"]}
    assert later["one"]["date"] == "2026-03"


def test_a_published_post_keeps_its_moment_and_month_when_its_date_is_edited(site: Path):
    path = write(site, "one", "2026-03")
    first = publish(site)["one"]
    for date in ("2026-01", "2020-01-01T00:00:00Z", "2190-01"):
        write(site, "one", date)
        (change,) = [*planned(site, NOW + timedelta(days=1))[1], None]
        assert change is None
        assert publish(site, NOW + timedelta(days=1))["one"] == first
        assert list(catalogue(site).months) == ["2026-03", "2013-01"]
    assert path.exists()


def test_an_update_of_the_future_leaves_the_update_before_it_in_place(site: Path):
    write(site, "one", "2020-03", updated="2021-05")
    first = publish(site)["one"]
    write(site, "one", "2020-03", updated="2026-03-30")
    assert planned(site, NOW)[1] == []
    assert publish(site)["one"] == first
    (change,) = planned(site, NOW + timedelta(days=2))[1]
    assert change.kind == "re-notified"


def test_a_live_post_that_the_ledger_does_not_know_keeps_the_moment_its_date_means(site: Path):
    write(site, "known", "2020-03")
    publish(site)
    write(site, "unknown", "2026-03")
    (post, _) = catalogue(site).library.posts
    assert post.published == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_server_whose_clock_is_behind_shows_no_other_date_than_the_recorded_one(site: Path):
    write(site, "known", "2020-03")
    write(site, "one", "2026-03")
    first = publish(site)
    behind = NOW - timedelta(minutes=2)
    assert items(site, "/feed.json", behind) == ["Known"]
    assert publish(site, behind) == first
    assert items(site, "/feed.json") == ["One", "Known"]


# Scheduled posts.


def test_a_scheduled_post_is_recorded_beforehand_and_appears_at_its_moment(site: Path):
    write(site, "known", "2020-03")
    write(site, "coming", "2026-04")
    assert [change.id for change in planned(site, NOW)[1]] == ["known"]
    first = publish(site)
    assert first["coming"]["published"] == "2026-04-01T12:00:00Z"
    assert publish(site, NOW + timedelta(days=1)) == first
    assert items(site, "/feed.json") == ["Known"]
    later = NOW + timedelta(days=30)
    assert items(site, "/feed.json", later) == ["Coming", "Known"]
    assert planned(site, later)[1] == []
    assert publish(site, later) == first


def test_a_scheduled_post_may_be_put_off_brought_forward_made_a_draft_and_removed(site: Path):
    write(site, "known", "2020-03")
    path = write(site, "coming", "2026-04")
    publish(site)
    write(site, "coming", "2026-05")
    # Also when that was not published: the recorded moment passes, and nothing appears.
    assert items(site, "/feed.json", datetime(2026, 4, 2, tzinfo=UTC)) == ["Known"]
    assert publish(site)["coming"]["published"] == "2026-05-01T12:00:00Z"
    write(site, "coming", "2026-05", draft="true")
    assert list(publish(site)) == ["known"]
    write(site, "coming", "2026-04")
    publish(site)
    path.unlink()
    assert planned(site, NOW)[1] == []
    assert list(publish(site)) == ["known"]
    write(site, "coming", "2026-04")
    publish(site)
    write(site, "coming", "2026-03")
    (change,) = planned(site, NOW)[1]
    assert (change.kind, change.shown[1]) == ("new", "2026-03-29")
    assert publish(site)["coming"]["published"] == "2026-03-29T15:00:00Z"


def test_a_scheduled_post_that_appeared_and_is_put_off_has_vanished(site: Path):
    write(site, "coming", "2026-04")
    publish(site)
    write(site, "coming", "2026-06")
    (change,) = planned(site, datetime(2026, 4, 2, tzinfo=UTC))[1]
    assert change.kind == "vanished"


def test_a_scheduled_record_takes_no_id_from_a_post_that_readers_have(site: Path):
    write(site, "coming", "2026-04", id="the-id")
    publish(site)
    write(site, "live", "2020-03", id="the-id", slug="live")
    shown = catalogue(site).library
    assert [post.file for post in shown.posts] == ["posts/live.md"]
    assert [problem.file for problem in shown.problems] == ["posts/coming.md"]
