"""The whole life of a post, through the commands, with a reader polling at each step."""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import feedparser
import pytest
from click.testing import CliRunner

from many import make_site
from pprnet_feeds.cli import main
from service import ROOT, Service, command, serving

pytestmark = pytest.mark.slow  # each of them starts processes, or waits for files to rest

ID = "tag:many.example.org,2013:blog/post/2014-06-the-life-of-a-post"


class Subscriber:
    """A reader that polls one feed by its validators and keeps what it is told."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.held: dict[str, tuple[str, str]] = {}
        self.told: list[str] = []
        self._etag = ""

    def poll(self, *, changes: bool = True) -> list[str]:
        """Ask until the feed has changed (or, without changes, once); the ids that are news."""
        since = time.monotonic()
        while True:
            answer = self.service.ask("/feed.atom", **({"If_None_Match": self._etag} if self._etag else {}))
            if answer.status == 200 or not changes:
                break
            assert time.monotonic() - since < 4
            time.sleep(0.03)
        if answer.status == 304:
            return []
        self._etag = answer.headers["etag"]
        parsed = feedparser.parse(answer.body)
        news = [e.id for e in parsed.entries if self.held.get(e.id, ("", ""))[0] != e.updated]
        self.held |= {e.id: (e.updated, e.title) for e in parsed.entries}
        for gone in re.findall(rb'deleted-entry ref="([^"]+)"', answer.body):
            self.held.pop(gone.decode(), None)
        return news


def ran(site: Path, *arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(main, [*arguments, "--site", str(site)], catch_exceptions=False)
    assert (done.exit_code, done.stderr) == (code, ""), done.output
    return done.stdout


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return make_site(tmp_path / "site", 8)


def test_a_post_from_its_draft_to_its_withdrawal(site: Path, tmp_path: Path):
    assert "8 new." in ran(site, "publish")
    with serving(site, PPRNET_STATE=str(tmp_path / "state.sqlite3")) as service:
        reader = Subscriber(service)
        assert len(reader.poll()) == 8

        said = ran(site, "new", "The life of a post", "--date", "2014-06", "--topic", "alpha")
        path = site / "posts/2014-06-the-life-of-a-post.md"
        assert "posts/2014-06-the-life-of-a-post.md" in said
        assert ran(site, "plan") == (
            "Subscribers will notice nothing.\n\nReaders do not see these yet (times of UTC):\n"
            "  posts/2014-06-the-life-of-a-post.md: a draft\n"
        )
        assert reader.poll(changes=False) == []

        text = path.read_text().replace("draft: true", "draft: false")
        path.write_text(text + "\nThe first text of the post.\n")
        planned = ran(site, "plan")
        assert planned.startswith("1 new. Readers show it as a new post.\n")
        assert "The life of a post, 2014-06-01" in planned
        assert "in 3 feeds: Many Posts; Many: Alpha; Many, month by month\n" in planned
        assert "add feeds/ledger.json posts/2014-06-the-life-of-a-post.md" in ran(site, "publish")
        assert reader.poll() == [ID]

        path.write_text(path.read_text().replace("The first text", "The very first text"))
        assert ran(site, "plan").startswith("1 silently edited. Readers get the new text and no notice.\n")
        ran(site, "publish")
        assert reader.poll() == []

        edited = re.sub(r"^date: .*$", "date: 2014-06\nupdated: 2014-07-01", path.read_text(), flags=re.M)
        path.write_text(re.sub(r"^# updated.*\n|^updated:\n", "", edited, flags=re.M))
        assert ran(site, "plan").startswith("1 re-notified. Readers show it again, as changed.\n")
        ran(site, "publish")
        assert reader.poll() == [ID]

        renamed = path.rename(site / "posts/2014-06-a-renamed-post.md")
        assert ran(site, "plan").startswith(
            "1 moved. Readers notice nothing; the former address leads to the new one.\n"
        )
        ran(site, "publish")
        assert reader.poll() == []
        assert ID in reader.held
        moved = service.ask("/posts/2014-06-the-life-of-a-post/")
        assert (moved.status, moved.headers["location"]) == (
            301, "https://many.example.org/posts/2014-06-a-renamed-post/")  # fmt: skip
        assert service.ask("/posts/2014-06-a-renamed-post/").status == 200

        text = renamed.read_text().replace("updated: 2014-07-01", "updated: 2014-08-01")
        text = re.sub(r"^#? ?status:.*$|^#? ?note:.*$", "", text, flags=re.M)
        withdrawn = "date: 2014-06\nstatus: withdrawn\nnote: Wrong.\n"
        renamed.write_text(text.replace("date: 2014-06\n", withdrawn))
        assert ran(site, "plan").startswith("1 withdrawn. Readers are asked to remove it")
        ran(site, "publish")
        assert reader.poll() == []
        assert ID not in reader.held
        assert service.ask("/posts/2014-06-a-renamed-post/").status == 410
        assert service.ask("/posts/2014-06-the-life-of-a-post/").status == 410

        renamed.unlink()
        assert ran(site, "plan") == "Subscribers will notice nothing.\n"
        assert service.ask("/posts/2014-06-a-renamed-post/").status == 410


def test_a_file_that_vanished_is_refused_until_the_editor_says_so(site: Path):
    ran(site, "publish")
    before = (site / "feeds/ledger.json").read_text()
    (site / "posts/2013-01-03-post-2.md").unlink()
    planned = ran(site, "plan", code=1)
    assert planned.startswith("1 vanished. Readers keep what they have, and get no notice that it is gone.\n")
    assert "Nothing was published." in ran(site, "publish", code=1)
    assert (site / "feeds/ledger.json").read_text() == before
    ran(site, "publish", "--forget", "2013-01-03-post-2")
    assert "2013-01-03-post-2" not in (site / "feeds/ledger.json").read_text()


def test_an_id_that_changed_is_refused(site: Path):
    ran(site, "publish")
    path = site / "posts/2013-01-03-post-2.md"
    path.write_text(path.read_text().replace("---\ntitle", "---\nid: another\ntitle", 1))
    planned = ran(site, "plan", code=1)
    assert planned.startswith("1 id changed. Readers would show it a second time, as a new post.\n")
    assert "Take `id` out of the file, or write `id: 2013-01-03-post-2`." in planned


def test_a_published_post_that_becomes_a_draft_has_vanished(site: Path):
    ran(site, "publish")
    path = site / "posts/2013-01-03-post-2.md"
    path.write_text(path.read_text().replace("---\ntitle", "---\ndraft: true\ntitle", 1))
    assert "1 vanished." in ran(site, "plan", code=1)


def test_a_first_publication_never_moves(site: Path):
    ran(site, "publish")
    path = site / "posts/2013-01-03-post-2.md"
    path.write_text(path.read_text().replace("date: 2013-01-03", "date: 2013-01-20"))
    with serving(site) as service:
        entries = feedparser.parse(service.ask("/feed.atom").body).entries
        entry = next(entry for entry in entries if entry.title == "Post 2")
    assert (entry.published, entry.updated) == ("2013-01-03T12:00:00Z", "2013-01-03T12:00:00Z")


def test_a_new_file_under_the_old_name_of_a_renamed_one_is_another_post(site: Path):
    ran(site, "publish")
    old = site / "posts/2013-01-03-post-2.md"
    old.rename(site / "posts/2013-01-03-moved.md")
    ran(site, "publish")
    old.write_text("---\ntitle: Another\ndate: 2013-03\ntopics: [beta]\n---\nText.\n")
    told = ran(site, "check", code=1)
    assert "2013-01-03-post-2.md" in told
    assert "is taken by posts/2013-01-03-moved.md" in told


def test_the_ledger_is_one_line_a_post_and_the_same_when_nothing_changed(site: Path):
    ran(site, "publish")
    ledger = site / "feeds/ledger.json"
    text = ledger.read_text()
    assert len(text.splitlines()) == 8 + 2
    assert "Nothing to publish" in ran(site, "publish")
    assert ledger.read_text() == text


def test_a_merge_that_was_not_finished_is_told_with_its_line(site: Path):
    ran(site, "publish")
    ledger = site / "feeds/ledger.json"
    lines = ledger.read_text().splitlines()
    ledger.write_text("\n".join([lines[0], "<<<<<<< HEAD", *lines[1:]]))
    assert ran(site, "plan", code=1).startswith("feeds/ledger.json:2: a merge that was not finished\n")


def test_of_many_published_files_only_their_folder_is_named(tmp_path: Path):
    many = make_site(tmp_path / "many", 21)
    assert ran(many, "publish").endswith(f"Commit these:\n    git -C {many} add feeds/ledger.json posts\n")


def git(site: Path, *arguments: str, code: int = 0) -> str:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
    line = ["git", "-C", str(site), *who, *arguments]
    done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("moves", ["in the folder", "in git"])
def test_the_line_that_publish_tells_commits_a_renamed_file_whole(site: Path, moves: str):
    git(site, "init", "-q")
    ran(site, "publish")
    git(site, "add", "-A")
    git(site, "commit", "-qm", "All")
    old, new = "posts/2013-01-03-post-2.md", "posts/2013-01-a-better-name.md"
    if moves == "in git":
        git(site, "mv", old, new)
    else:
        (site / old).rename(site / new)
    words = shlex.split(ran(site, "publish").splitlines()[-1])
    subprocess.run(words, check=True, timeout=60)
    git(site, "commit", "-qm", "A better name")
    assert git(site, "status", "--porcelain") == ""
    assert not (site / old).exists()


def test_two_branches_that_both_published_are_merged_as_the_mend_says(site: Path):
    git(site, "init", "-q", "-b", "main")
    ran(site, "publish")
    git(site, "add", "-A")
    git(site, "commit", "-qm", "All")
    for name in ("2026-01-one", "2026-01-two"):
        git(site, "checkout", "-qb", name, "main")
        (site / f"posts/{name}.md").write_text(
            f"---\ntitle: {name}\ndate: 2025-01\ntopics: [beta]\n---\nText.\n"
        )
        ran(site, "publish")
        git(site, "add", "-A")
        git(site, "commit", "-qm", name)
    git(site, "merge", "2026-01-one", code=1)
    told = ran(site, "plan", code=1)
    (words,) = re.findall(r"\(git (.+)\)", told)
    git(site, *words.split())
    assert ran(site, "publish").startswith(
        "1 new. Readers show it as a new post.\n\n  posts/2026-01-two.md\n"
    )
    assert ran(site, "plan") == "Subscribers will notice nothing.\n"


def test_publishing_without_a_base_url_is_refused(site: Path):
    settings = site / "feeds/site.yaml"
    settings.write_text(settings.read_text().replace("base_url: https://many.example.org\n", ""))
    assert "no base_url is set" in ran(site, "publish", code=1)
    assert not (site / "feeds/ledger.json").exists()


def test_two_branches_that_add_posts_merge_line_by_line(site: Path):
    ran(site, "publish")
    (first, second) = (site / "posts/2015-01-b-one.md", site / "posts/2016-01-another.md")
    ledger = site / "feeds/ledger.json"
    base = ledger.read_text().splitlines()
    lines = []
    for path in (first, second):
        path.write_text("---\ntitle: T\ndate: 2015-01\ntopics: [beta]\n---\nText.\n")
        ran(site, "publish")
        lines += [line for line in ledger.read_text().splitlines() if path.stem in line]
        path.unlink()
        ledger.write_text("\n".join(base) + "\n")
    assert len(lines) == 2
    assert [line.rstrip(",") in {old.rstrip(",") for old in base} for line in lines] == [False, False]


def test_a_withdrawal_without_a_date_of_its_own_is_dated_by_its_publication(site: Path):
    ran(site, "publish")
    path = site / "posts/2013-01-03-post-2.md"
    path.write_text(path.read_text().replace("---\ntitle", "---\nstatus: withdrawn\nnote: No.\ntitle", 1))
    ran(site, "publish")
    assert ran(site, "plan") == "Subscribers will notice nothing.\n"
    with serving(site) as service:
        body = service.ask("/feed.atom").body.decode()
    when = re.findall(r'deleted-entry ref="[^"]+" when="([^"]+)"', body)[0]
    assert when > "2026"
    assert f"<updated>{when}</updated>" in body


def test_an_edited_date_leaves_a_post_in_its_month(site: Path):
    ran(site, "publish")
    path = site / "posts/2013-01-03-post-2.md"
    path.write_text(path.read_text().replace("date: 2013-01-03", "date: 2013-05-03"))
    with serving(site) as service:
        assert b"Post 2" in service.ask("/issues/2013-01/").body
        assert service.ask("/issues/2013-05/").status == 404


def test_of_two_people_who_publish_at_once_the_later_one_is_told_and_takes_nothing_back(site: Path):
    publish = [sys.executable, "-m", "pprnet_feeds", "publish", "--site", str(site)]
    reader, writer = os.pipe()
    # The first one has read everything, and waits for room to say what it found.
    filled = os.write(writer, b" " * fcntl.fcntl(writer, fcntl.F_GETPIPE_SZ))
    environ = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    slow = subprocess.Popen(publish, env=environ, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    time.sleep(4)
    assert slow.poll() is None
    assert command("publish", "--site", str(site)).returncode == 0
    ledger = (site / "feeds/ledger.json").read_text()
    with os.fdopen(reader, "rb") as output:
        assert output.read()[filled:].startswith(b"8 new.")
    told = "was changed while this ran. Nothing was published. Publish again."
    assert slow.communicate(timeout=10)[1] == f"Error: {site}/feeds/ledger.json {told}\n"
    assert slow.returncode == 1
    assert (site / "feeds/ledger.json").read_text() == ledger
    assert "up to date" in ran(site, "publish")
