"""``pprnet-feeds import`` as an editor meets it, in the folder of the site: on real files."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from many import make_site
from pprnet_feeds.cli import main
from pprnet_feeds.content.site import read_site
from pprnet_feeds.importing import detect
from pprnet_feeds.publishing.postfile import remove_leftovers
from service import ROOT

IMPORTS = Path(__file__).parent / "imports"
PAGE = (IMPORTS / "page.txt").read_text("utf-8")


@pytest.fixture
def site(tmp_path, monkeypatch) -> Path:
    """An empty site; the tests stand in its folder."""
    monkeypatch.chdir(made := make_site(tmp_path / "site", 0))
    return made


def command(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_a_page_is_imported_and_told_line_by_line(site):
    shutil.copy(IMPORTS / "page.txt", site)
    done = command("import", "page.txt")
    assert (done.exit_code, done.stderr) == (0, "")
    assert (
        done.stdout
        == """\
page.txt: a page of the blog
posts/2021-12-how-many-letters-are-enough.md: written
posts/2021-12-ten-gardens.md: written
posts/2021-10-when-a-correspondent-stops-writing.md: written
posts/2021-02-causes-and-consequences-of-ink-stains.md: written
posts/2020-12-how-do-postcards-harm.md: written
posts/2020-11-letters-by-telephone.md: written
feeds/issues.yaml: entered the sentence of 2022-01; the page does not date it, see the comment

6 written, 0 already there.

 posts  drafts
     6       0  page.txt
Now run `check`: it names each post that still needs a topic.
"""
    )


def test_a_post_is_written_with_what_is_known_and_a_note_of_what_is_not(site):
    command("import", str(IMPORTS / "page.txt"))
    assert (
        (site / "posts/2020-12-how-do-postcards-harm.md").read_text("utf-8")
        == """\
---
title: "How Do Postcards Harm?"
date: 2020-12
# To do: name a topic of feeds/topics.yaml here, like [alpha]. Until then the post is kept out.
topics: []
cites:
  - text: "Curr, J., Parr, G.D., Hard, G.E., Mason, A-M. (2019). How do postcards harm? A model from \
travellers’ experience. Frontiers in Post, 10:347. doi: 10.5555/fpost.2019.00347"
    doi: "10.5555/fpost.2019.00347"
    title: "How do postcards harm? A model from travellers’ experience"
    authors:
      - "Curr, J."
      - "Parr, G.D."
      - "Hard, G.E."
      - "Mason, A-M."
    container: "Frontiers in Post"
    year: 2019
    volume: "10"
    pages: "347"
    type: article-journal
---

About 5% of postcards make things worse. Curr and colleagues noted eight ways in which they do: \
first the weather, and last the view.

## Practice Implications

Send a letter instead. If there is no time for a letter, then wait until there is.
"""
    )


def test_check_finds_nothing_but_the_missing_topics_and_nothing_once_they_are_there(site):
    command("import", str(IMPORTS / "page.html"))
    checked = command("check").stdout
    assert [line.partition(": ")[2] for line in checked.splitlines() if line.startswith("posts/")] == [
        "`topics` is missing"
    ] * 6
    for path in (site / "posts").iterdir():
        path.write_text(path.read_text("utf-8").replace("topics: []", "topics: [alpha]"), "utf-8")
    assert command("check").stdout.endswith(", no problems\n")


def test_a_second_run_changes_nothing_and_leaves_an_editors_work_alone(site):
    command("import", str(IMPORTS / "page.txt"))
    edited = site / "posts/2021-12-ten-gardens.md"
    edited.write_text(edited.read_text("utf-8").replace("[]", "[alpha]").replace("beans", "peas"), "utf-8")
    before = tree(site)
    done = command("import", str(IMPORTS / "page.txt"), str(IMPORTS / "page.html"))
    assert tree(site) == before
    assert (
        done.stdout.count("posts/2021-12-ten-gardens.md: already there, with another text: left as it is")
        == 2
    )
    assert done.stdout.count("0 written, 6 already there.") == 2


def test_a_title_that_comes_twice_in_a_month_gets_a_number(site):
    twice = PAGE.replace("Ten Gardens", "How Many Letters Are Enough?")
    (site / "page.txt").write_text(twice, "utf-8")
    for _ in range(2):
        command("import", "page.txt")
    assert sorted(path.name for path in (site / "posts").glob("2021-12*")) == [
        "2021-12-how-many-letters-are-enough-2.md",
        "2021-12-how-many-letters-are-enough.md",
    ]


def test_a_sentence_is_added_below_an_editors_lines_and_never_over_one(site):
    issues = site / "feeds/issues.yaml"
    issues.write_text("# mine\n2013-01: I begin\n", "utf-8")
    command("import", str(IMPORTS / "page.txt"))
    assert issues.read_text("utf-8") == (
        "# mine\n2013-01: I begin\n\n"
        "# The page does not date this sentence. It is above a newest post of 2021-12, so it is entered\n"
        "# under the month after; move it if that is wrong.\n"
        '2022-01: "…I write about therapy by letter, gardens & groups, and what silence does"\n'
    )


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        ("2022-01: Mine\n", "feeds/issues.yaml has another sentence for 2022-01: 'Mine'"),
        (
            "{2013-01: Flowing}\n",
            "the month's sentence was not entered: feeds/issues.yaml is not made of lines",
        ),
    ],
)
def test_a_sentence_that_has_no_place_is_told(before, reason, site):
    issues = site / "feeds/issues.yaml"
    issues.write_text(before, "utf-8")
    done = command("import", str(IMPORTS / "page.txt"))
    assert issues.read_text("utf-8") == before
    assert reason in done.stdout
    assert '    2022-01: "…I write about therapy by letter' in done.stdout


def test_what_is_no_page_is_told_and_nothing_is_written(site):
    (site / "note.txt").write_text("Milk\nBread\n", "utf-8")
    before = tree(site)
    done = command("import", "note.txt")
    assert (done.exit_code, tree(site)) == (1, before)
    assert (
        done.stdout
        == """\
note.txt: this is not a page of the blog: it has no month, such as December 2021, on a line of its own
    Save the whole page from a browser.

1 problem in 1 file. Nothing was written.
"""
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xff\xfeB\x00", "the file is not UTF-8 text: UTF-16"),
        (b"caf\xe9", "the file is not UTF-8 text: byte E9 on line 1"),
        (b"", "the file is empty"),
        (PAGE[:900].encode(), "there is no whole post below the months of this page"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_and_nothing_is_written(data, reason, site):
    (site / "page.txt").write_bytes(data)
    before = tree(site)
    done = command("import", "page.txt")
    assert (done.exit_code, tree(site)) == (1, before)
    assert reason in done.stdout


def test_a_file_that_is_missing_or_is_a_folder_is_told(site):
    done = command("import", "nowhere.txt", "posts")
    assert done.exit_code == 1
    assert [line for line in done.stdout.splitlines() if not line.startswith((" ", "1")) and line] == [
        "nowhere.txt: the file cannot be opened: No such file or directory",
        "posts: the folder has no post in Markdown (.md, .markdown, .qmd)",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["txt", "html"])
def test_a_page_of_ten_megabytes_is_read_in_bounded_time(ending, site):
    text = (IMPORTS / f"page.{ending}").read_text("utf-8")
    start, end = text.index("Ink stains have three parts"), text.index("Keep blotting paper")
    end = text.rindex("\n", 0, end)
    paragraph = text[text.rindex("\n", 0, start) + 1 : text.index("\n", start)] + "\n"
    long = text[:start] + paragraph * (10_000_000 // len(paragraph)) + text[start:]
    (site / "long").write_text(long, "utf-8")
    began = time.monotonic()
    done = command("import", "long")
    assert time.monotonic() - began < 30
    assert done.exit_code == 0
    assert "cannot be a file: it is longer than the 1 MB that a post may have" in done.stdout
    assert len(list((site / "posts").iterdir())) == 5


def started(site: Path, **streams: int) -> subprocess.Popen[bytes]:
    running = [sys.executable, "-m", "pprnet_feeds", "import", "page.txt"]
    return subprocess.Popen(running, cwd=site, env=os.environ | {"PYTHONPATH": str(ROOT / "src")}, **streams)


def many_posts(number: int) -> str:
    """A page with *number* posts, all different."""
    start = PAGE.index("February 2021")
    post = PAGE[start : PAGE.index("December 2020")]
    posts = (
        post.replace("Ink Stains", f"Ink Stains, Part {place}").replace("spot", f"spot {place}")
        for place in range(number)
    )
    return PAGE[:start] + "".join(posts)


@pytest.mark.slow
def test_kill_9_at_any_moment_leaves_whole_files_and_a_later_run_does_the_rest(site, tmp_path):
    (site / "page.txt").write_text(many_posts(150), "utf-8")
    whole = make_site(tmp_path / "whole", 0)
    shutil.copy(site / "page.txt", whole)
    assert "153 written" in command("import", "page.txt", "--site", str(whole)).stdout
    wanted, first = tree(whole), tree(site)
    for _ in range(6):
        before = len(list((site / "posts").iterdir()))
        process = started(site, stdout=subprocess.DEVNULL)
        while process.poll() is None and len(list((site / "posts").iterdir())) < before + 12:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for name, data in tree(site).items():
            assert "/." in name or data in (wanted[name], first.get(name))
    remains = site / "posts/.2021-02-x.md.999999999"
    remains.write_text("---\ntit")
    assert command("import", "page.txt").exit_code == 0
    assert tree(site) == wanted


def test_what_somebody_is_writing_now_is_not_taken_away(site):
    ours = site / f"posts/.x.md.{os.getpid()}"
    ours.write_text("---\ntit")
    remove_leftovers(site)
    assert ours.exists()


def test_on_a_terminal_long_work_shows_how_far_it_is(site):
    (site / "page.txt").write_text(many_posts(30), "utf-8")
    ours, theirs = pty.openpty()
    process = started(site, stderr=theirs, stdout=subprocess.PIPE)
    told, _ = process.communicate(timeout=60)
    os.close(theirs)
    assert b"100%" in os.read(ours, 100_000)
    os.close(ours)
    assert b"\x1b" not in told
    assert b"100%" not in told


def test_more_than_can_be_worked_through_is_refused(site, monkeypatch):
    monkeypatch.setattr(detect, "SIZE_LIMIT", 100)
    found, _ = read_site(site, {})
    assert found
    source = detect.read_source(IMPORTS / "page.txt", "page.txt", found, "", "2026-01")
    assert [problem.what for problem in source.problems] == ["the file is larger than 50 MB"]
