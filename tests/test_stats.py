"""What readers tell of themselves: read from a real store, told in a terminal, shown in a real browser."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import pty
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from browser import axe, chromium, guard, visit
from htmljudge import judge_page, texts
from htmlpage import HtmlPage
from many import make_site
from postgres import running
from pprnet_feeds.cli import main
from pprnet_feeds.content.library import Library
from pprnet_feeds.content.model import Site
from pprnet_feeds.content.site import read_site
from pprnet_feeds.pages.pages import Pages, static_file
from pprnet_feeds.state.database import Database
from pprnet_feeds.stats.extension import PATH, page
from pprnet_feeds.stats.report import Former, MonthSums, Polls, ReadFeed, Report, report, size
from pprnet_feeds.syndication.catalogue import Catalogue, Document
from service import ROOT

NOW = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)
HOSTILE = '"><img src=x onerror=alert(1)>\x1b[31m'
NONE_YET = "There are no figures yet. They begin within minutes of the first feed reader that asks.\n"

# Day as days ago, and the columns that follow it.
Rows = Sequence[tuple[Any, ...]]


def day(ago: int, now: datetime = NOW) -> str:
    return str((now - timedelta(days=ago)).date())


def keep(address: str, reports: Rows = (), polls: Rows = (), now: datetime = NOW) -> Database:
    """A store with these rows: ``address, reader, feed, subscribers`` and ``address, kind, requests, bytes``,
    each after how many days ago it was."""
    database = Database(address)
    with database.transaction() as connection:
        for table, rows in (("subscribers", reports), ("polls", polls)):
            for ago, *values in rows:
                row = (ago if isinstance(ago, str) else day(ago, now), *values)
                connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", *row)
    return database


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    found, problems = read_site(make_site(tmp_path_factory.mktemp("many") / "site", 1), {})
    assert found is not None
    assert problems == []
    return found


def pages(site: Site) -> Pages:
    return Pages(Catalogue(Library(site, (), (), (), None)))


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "state.sqlite3")


def figures(database: Database, site: Site) -> Report:
    found = report(database, site, NOW)
    assert found is not None
    return found


def test_the_newest_report_of_a_reader_on_an_address_counts_and_not_the_sum(file: str, site: Site):
    reports = [(ago, "/feed.atom", "Feedly", "", number) for ago, number in ((0, 7), (1, 9), (2, 5))]
    found = figures(keep(file, reports), site)
    assert found.feeds == (ReadFeed("All posts", "", {"Feedly": 7}),)
    assert found.total == ReadFeed("together", None, {"Feedly": 7})
    assert found.months == (MonthSums("2026-11", 7, Polls()),)


def test_feeds_that_a_reader_calls_by_different_names_are_added_up(file: str, site: Site):
    reports = [(0, "/feed.atom", "Feedbin", "1", 4), (0, "/feed.atom", "Feedbin", "2", 3)]
    assert figures(keep(file, reports), site).total.subscribers == 7


def test_a_report_counts_for_fourteen_days_and_in_its_month(file: str, site: Site):
    reports = [(13, "/feed.atom", "Feedly", "", 4), (14, "/feed.rss", "NewsBlur", "", 3)]
    found = figures(keep(file, reports), site)
    assert found.total.readers == {"Feedly": 4}
    assert found.months == (MonthSums("2026-11", 7, Polls()),)


def test_each_month_has_the_newest_number_of_each_reader_in_it(file: str, site: Site):
    reports = [
        (ago, "/feed.atom", "Feedly", "", number) for ago, number in ((0, 9), (22, 8), (23, 6), (52, 5))
    ]
    reports.append((30, "/feed.atom", "NewsBlur", "", 2))
    found = figures(keep(file, reports, [(30, "/feed.atom", "full", 2, 10)]), site)
    assert found.months == (
        MonthSums("2026-11", 9, Polls()),
        MonthSums("2026-10", 10, Polls(full=2, bytes=10)),
    )


def test_views_and_formats_of_the_same_posts_belong_together(file: str, site: Site):
    addresses = {
        "/feed.atom": 1,
        "/rss.xml": 2,
        "/topics/alpha/feed.atom": 3,
        "/topics/alpha/practice.json": 4,
        "/topics/alpha/citations.bib": 5,
        "/topics/alpha,beta/feed.atom": 6,
        "/issues/feed.rss": 7,
        "/issues/2021-12/feed.rss": 8,
        "/corrections/feed.atom": 9,
        "/topics/no-more/feed.atom": 10,
        "/topics/no-more/feed.rss": 11,
    }
    reports = [(0, address, "Feedly", "", number) for address, number in addresses.items()]
    assert [(one.name, one.path, one.subscribers) for one in figures(keep(file, reports), site).feeds] == [
        ("/topics/no-more/", None, 21),
        ("Alpha", "topics/alpha/", 12),
        ("Corrections", None, 9),
        ("December 2021", "issues/2021-12/", 8),
        ("Issues", "issues/", 7),
        ("Alpha or Beta", "topics/alpha,beta/", 6),
        ("All posts", "", 3),
    ]


def test_days_that_are_to_come_are_passed_over(file: str, site: Site):
    reports, polls = (
        [("2026-11-23", "/feed.atom", "Feedly", "", 4)],
        [("2026-11-23", "/feed.atom", "full", 1, 10)],
    )
    assert figures(keep(file, reports, polls), site) == Report(NOW.date())


def test_thirteen_months_are_looked_back_on(file: str, site: Site):
    polls = [(ago, "/feed.atom", "full", 1, 10) for ago in range(0, 900, 5)]
    found = figures(keep(file, (), polls), site)
    assert (len(found.months), found.months[0].name, found.months[-1].name) == (13, "2026-11", "2025-11")
    by_month = Counter(day(ago)[:7] for ago in range(0, 900, 5))
    assert {month.name: month.polls.full for month in found.months}.items() <= by_month.items()
    assert found.recent == Polls(full=6, bytes=60)


def test_polls_are_summed_by_month(file: str, site: Site):
    polls = [
        (1, "/feed.atom", "full", 2, 80_000),
        (1, "/feed.atom", "unchanged", 90, 0),
        (1, "/topics/alpha/feed.rss", "unchanged", 7, 0),
        (1, "/rss.xml", "guessed", 4, 40_000),
        (1, "", "missing", 500, 9_000),
        (1, "/topics/old/feed.atom", "moved", 60, 600),
        (0, "/feed.atom", "full", 1, 40_000),
    ]
    found = figures(keep(file, (), polls), site)
    assert [month.polls for month in found.months] == [
        Polls(full=3, unchanged=97, guessed=4, bytes=160_000),
    ]
    assert (found.recent.requests, found.recent.share) == (104, 97)


def test_former_and_guessed_addresses_are_told_with_their_last_day(file: str, site: Site):
    polls = [
        (3, "/topics/old/feed.atom", "moved", 5, 500),
        (8, "/topics/old/feed.atom", "moved", 6, 600),
        (1, "/rss.xml", "guessed", 40, 0),
        (0, "/posts/withdrawn/", "gone", 2, 20),
        (31, "/feed.xml", "guessed", 1000, 0),
        (0, "", "moved", 1000, 0),
        (0, "/feed.atom", "full", 1000, 0),
    ]
    assert figures(keep(file, (), polls), site).former == (
        Former("/rss.xml", "guessed", 40, day(1)),
        Former("/topics/old/feed.atom", "moved", 11, day(3)),
        Former("/posts/withdrawn/", "gone", 2, day(0)),
    )


def test_nothing_is_made_where_there_is_no_store(tmp_path: Path, site: Site):
    place = tmp_path / "not/there.sqlite3"
    assert report(Database(str(place)), site, NOW) is None
    assert list(tmp_path.iterdir()) == []


def test_a_store_of_another_version_is_not_read(file: str, site: Site):
    database = keep(file, [(0, "/feed.atom", "Feedly", "", 4)])
    with database.transaction() as connection:
        connection.execute("INSERT INTO schema_version VALUES (99)")
    assert report(database, site, NOW) is None


def test_figures_are_read_while_the_service_writes(file: str, site: Site):
    database = keep(file, [(0, "/feed.atom", "Feedly", "", 4)])
    with database.transaction() as connection:
        connection.execute("DELETE FROM subscribers")
        assert figures(Database(file), site).total.subscribers == 4
    assert figures(database, site).total.subscribers == 0


@pytest.mark.slow
def test_postgresql_tells_the_same_figures(file: str, site: Site):
    topics = ("alpha", "beta")
    reports = [(ago, f"/topics/{topic}/rss", "Feedly", "", ago + 1) for topic in topics for ago in (0, 5, 40)]
    polls = [(2, "/feed.atom", "unchanged", 90, 0), (2, "/rss.xml", "guessed", 4, 40_000)]
    with running() as server:
        address = server.database()
        assert report(Database(address), site, NOW) is None  # and makes no table
        told = [figures(keep(where, reports, polls), site) for where in (address, file)]
    assert told[0] == told[1]
    assert [(feed.name, feed.subscribers) for feed in told[0].feeds] == [("Alpha", 1), ("Beta", 1)]


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 bytes"), (999, "999 bytes"), (1000, "1 kB"), (1240, "1.2 kB"), (9940, "9.9 kB"),
        (9960, "10 kB"), (999_499, "999 kB"), (999_600, "1 MB"), (1_250_000_000, "1.2 GB"),
        (5 * 10**15, "5,000 TB"),
    ],
)  # fmt: skip
def test_bytes_are_told_in_the_unit_that_fits(count: int, words: str):
    assert size(count) == words


def year(file: str) -> Database:
    """A store that holds more than a year of many feeds and readers."""
    topics = ("alpha", "beta", "gamma", "delta")
    readers = (
        "Feedly",
        "Inoreader",
        "NewsBlur",
        "Feedbin",
        "The Old Reader",
        "BazQux",
        "Yahoo",
        "Dreamwidth",
        "x",
    )
    reports = [
        (ago, f"/topics/{topic}/feed.{form}", reader, "", 400 + 10 * weight - ago)
        for ago in range(0, 400, 10)
        for weight, topic in enumerate((*topics, *(f"gone-{number}" for number in range(7))))
        for form in ("atom", "rss")
        for reader in (readers if topic == "alpha" else readers[:2])
    ]
    polls = [(ago, "/feed.atom", kind, *sums) for ago in range(400) if ago % 100 < 80
             for kind, sums in (("full", (300, 12_900_000)), ("unchanged", (4000 + ago, 0)))]  # fmt: skip
    former = [(0, f"/topics/formerly-called-by-another-name-{number}/feed.atom", "moved", number, 0)
              for number in range(1, 60)]  # fmt: skip
    return keep(file, reports, [*polls, *former])


@pytest.fixture(scope="module")
def full_page(tmp_path_factory: pytest.TempPathFactory, site: Site) -> Document:
    file = tmp_path_factory.mktemp("year") / "state.sqlite3"
    return page(figures(year(str(file)), site), pages(site))


def test_the_page_is_sound_and_light_however_much_it_shows(full_page: Document):
    assert judge_page(full_page.body) == []
    headings = [name for name, _ in HtmlPage(full_page.body).elements if name in ("h1", "h2", "h3")]
    assert headings == ["h1", "h2", "h2", "h2", "h2", "h2"]
    assert len(full_page.body) < 30_000


def test_each_table_has_a_name(full_page: Document):
    assert [held["aria-label"] for held in HtmlPage(full_page.body).all("div", role="region")] == [
        "Subscriptions by feed",
        "Subscriptions by reader",
        "By month",
        "Former and guessed addresses",
    ]


def test_the_page_is_for_no_cache_and_no_search_engine(full_page: Document):
    headers = dict(full_page.headers)
    assert (headers["cache-control"], headers["x-robots-tag"]) == ("no-store", "noindex")
    assert HtmlPage(full_page.body).contents(name="robots") == ["noindex"]
    assert "script" not in headers["content-security-policy"]


def test_the_page_says_what_the_figures_are_not(full_page: Document):
    said = texts(full_page.body)
    assert "a lower bound" in said
    assert "No address of a person or a machine is stored." in said


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (None, "The figures cannot be read at this moment."),
        (Report(NOW.date()), "There are no figures yet."),
    ],
)
def test_the_page_without_figures_says_why(found: Report | None, says: str, site: Site):
    shown_page = page(found, pages(site))
    assert judge_page(shown_page.body) == []
    assert says in HtmlPage(shown_page.body).words


def test_on_the_first_day_the_page_shows_what_is_known_of_it(file: str, site: Site):
    database = keep(file, [(0, "/feed.atom", "Feedly", "", 4)], [(0, "/feed.atom", "full", 3, 30)])
    shown_page = page(figures(database, site), pages(site))
    assert judge_page(shown_page.body) == []
    cells = ("4", "3", "0%", "30 bytes")
    row = '<tr><th scope="row">2026-11</th>' + "".join(f"<td>{cell}</td>" for cell in cells)
    assert f"{row}</tr>" in shown_page.body.decode()


def test_hostile_names_are_text_on_the_page(file: str, site: Site):
    reports = [(0, f"/topics/{HOSTILE}/feed.atom", HOSTILE, HOSTILE, 4)]
    database = keep(file, reports, [(0, f"/{HOSTILE}", "moved", 1, 1)])
    shown_page = page(figures(database, site), pages(site))
    assert b"<img" not in shown_page.body
    assert HOSTILE[:20] in texts(shown_page.body)


@contextlib.contextmanager
def shown(page: Document) -> Iterator[str]:
    """The page on a real socket, with its headers and its style sheet; its address."""

    class OnePage(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            file = page if self.path == PATH else static_file(self.path)
            body = file.body if file else None
            sheet = (("content-type", "text/css" if self.path.endswith(".css") else "image/x-icon"),)
            self.send_response(200 if body else 404)
            ours = (*page.headers, ("content-type", page.media_type))
            for name, value in ours if self.path == PATH else sheet:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), OnePage) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{PATH}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (1280, "dark")])
def test_a_browser_shows_the_page_without_a_fault(full_page: Document, width: int, scheme: str):
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    with (
        guard(45),
        shown(full_page) as address,
        chromium() as browser,
        visit(browser, **options) as (page, seen),
    ):
        page.goto(address)
        assert axe(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert seen.errors == []


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A site beside its state, with figures of this moment: the command asks the clock."""
    folder = make_site(tmp_path / "site", 4)
    today = datetime.now(UTC)
    reports = [
        (0, "/feed.atom", "Feedly", "", 1234),
        (0, "/feed.atom", "NewsBlur", "", 27),
        (0, "/feed.atom", "Inoreader", "", 90),
        (3, "/topics/alpha/feed.rss", "Feedly", "", 12),
        (1, "/topics/beta/feed.rss", HOSTILE, "", 3),
    ]
    polls = [
        (1, "/feed.atom", "full", 1_000, 43_000_000),
        (1, "/feed.atom", "unchanged", 11_345, 0),
        (1, "/topics/old/feed.atom", "moved", 31, 0),
        (1, "/rss.xml", "guessed", 4, 0),
    ]
    keep(str(tmp_path / "state.sqlite3"), reports, polls, today)
    return folder


def command(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(main, arguments, env=environ, catch_exceptions=False)


def state(site_folder: Path) -> dict[str, str]:
    return {"PPRNET_STATE": str(site_folder.parent / "state.sqlite3")}


def test_the_command_tells_subscribers_by_feed_and_reader(small: Path):
    done = command("stats", "--site", str(small), **state(small))
    today = datetime.now(UTC)
    bad = '"><img src=x onerror=alert(1)>\\x1b[31m'
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == (
        f"Subscriptions that feed readers report, {day(0, today)} (UTC)\n"
        "\n"
        f"             all  Feedly  Inoreader  NewsBlur  {bad}\n"
        f"All posts  1,351   1,234         90        27  {'–':>{len(bad)}}\n"
        f"Alpha         12      12          –         –  {'–':>{len(bad)}}\n"
        f"Beta           3       –          –         –  {'3':>{len(bad)}}\n"
        f"together   1,366   1,246         90        27  {'3':>{len(bad)}}\n"
        "\n"
        "A lower bound: many readers report nothing, and whoever follows two feeds counts twice.\n"
        "\n"
        "Polls in 30 days: 12,349, of which 91% cost nothing (304); 43 MB sent\n"
        "\n"
        "Former and guessed addresses still in use, polls in 30 days:\n"
        "  /topics/old/feed.atom    moved  31\n"
        "  /rss.xml               guessed   4\n"
    )


def in_terminal(columns: int, *arguments: str, **environ: str) -> list[str]:
    """What the program writes to a terminal of that width."""
    ours, theirs = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PPRNET_")}
    kept |= {"PYTHONPATH": str(ROOT / "src"), "COLUMNS": str(columns), "LC_ALL": "C.UTF-8"}
    with open(ours, "rb", closefd=True) as terminal:  # noqa: PTH123  (it has a number and no path)
        done = subprocess.run(
            [sys.executable, "-m", "pprnet_feeds", *arguments],
            env=kept | environ, stdout=theirs, timeout=60, check=True,
        )  # fmt: skip
        os.close(theirs)
        written = b""
        with contextlib.suppress(OSError):  # how Linux tells that nobody writes any more
            while part := terminal.read1():
                written += part
    assert done.returncode == 0
    return written.decode().splitlines()


def test_readers_that_do_not_fit_a_terminal_are_told_together(small: Path):
    lines = in_terminal(50, "stats", "--site", str(small), **state(small))
    assert lines[2:7] == [
        "             all  Feedly  Inoreader  others",
        "All posts  1,351   1,234         90      27",
        "Alpha         12      12          –       –",
        "Beta           3       –          –       3",
        "together   1,366   1,246         90      30",
    ]


def test_the_command_tells_programs_the_same(small: Path):
    done = command("stats", "--site", str(small), "--format", "json", **state(small))
    today = datetime.now(UTC)
    assert json.loads(done.stdout) == {
        "day": day(0, today),
        "subscribers": 1366,
        "feeds": [
            {
                "feed": "All posts", "path": "/", "subscribers": 1351,
                "readers": {"Feedly": 1234, "Inoreader": 90, "NewsBlur": 27},
            },
            {"feed": "Alpha", "path": "/topics/alpha/", "subscribers": 12, "readers": {"Feedly": 12}},
            {"feed": "Beta", "path": "/topics/beta/", "subscribers": 3, "readers": {HOSTILE: 3}},
        ],
        "polls": {"days": 30, "requests": 12_349, "unchanged": 11_345, "bytes": 43_000_000},
        "former": [
            {"address": "/topics/old/feed.atom", "is": "moved", "requests": 31, "newest": day(1, today)},
            {"address": "/rss.xml", "is": "guessed", "requests": 4, "newest": day(1, today)},
        ],
    }  # fmt: skip


def test_without_a_store_the_command_says_when_there_will_be_figures_and_makes_none(tmp_path: Path):
    folder = make_site(tmp_path / "site", 1)
    done = command("stats", "--site", str(folder), PPRNET_STATE=str(tmp_path / "no/state.sqlite3"))
    assert (done.exit_code, done.stdout, done.stderr) == (0, NONE_YET, "")
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_a_store_without_figures_is_told_like_none(tmp_path: Path):
    folder = make_site(tmp_path / "site", 1)
    keep(str(tmp_path / "state.sqlite3"))
    assert command("stats", "--site", str(folder), **state(folder)).stdout == NONE_YET


def test_polls_without_a_report_are_told_all_the_same(tmp_path: Path):
    folder = make_site(tmp_path / "site", 1)
    polls = [(0, "/feed.atom", "full", 3, 30)]
    keep(str(tmp_path / "state.sqlite3"), (), polls, now=datetime.now(UTC))
    lines = command("stats", "--site", str(folder), **state(folder)).stdout.splitlines()
    assert (lines[2], lines[-1]) == (
        "None so far.",
        "Polls in 30 days: 3, of which 0% cost nothing (304); 30 bytes sent",
    )


def test_a_store_that_cannot_be_read_is_a_fault(tmp_path: Path):
    folder = make_site(tmp_path / "site", 1)
    place = tmp_path / "state.sqlite3"
    place.write_text("not a database")
    done = command("stats", "--site", str(folder), **state(folder))
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == f"Error: The figures in {place} cannot be read.\n"
    assert place.read_text() == "not a database"


def test_the_help_has_an_example():
    assert "pprnet-feeds stats --site /srv/blog --format json" in command("stats", "--help").stdout
