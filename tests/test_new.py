"""`pprnet-feeds new`, as an editor meets it: on a terminal, in a script, and beside others."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from pprnet_feeds.cli import main
from pprnet_feeds.content.dates import FORMS
from pprnet_feeds.content.keys import POST
from pprnet_feeds.content.model import Post, Site
from pprnet_feeds.content.post import read_post
from pprnet_feeds.content.site import read_site
from pprnet_feeds.content.text import clean, one_line
from pprnet_feeds.publishing.check import check_site
from registry import registry_running
from service import ROOT, command
from test_doi import ARTICLE, CROSSREF, DOI
from test_postfile import AWKWARD

NOW = datetime(2022, 6, 1, tzinfo=UTC)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "feeds", tmp_path / "feeds")
    (tmp_path / "feeds" / "ledger.json").unlink(missing_ok=True)
    return tmp_path


def new(site: Path, title: str, *options: str) -> Result:
    return CliRunner().invoke(main, ["new", "--site", str(site), *options, "--", title])


def values(site: Path) -> Site:
    found, _ = read_site(site, {})
    assert found is not None
    return found


def read(site: Path, name: str) -> Post:
    post, problems = read_post((site / "posts" / name).read_text("utf-8"), f"posts/{name}", values(site))
    assert problems == []
    assert post is not None
    return post


def test_a_draft_is_written_and_what_comes_next_is_told(site):
    result = new(site, "What Burnout Costs", "--topic", "Therapist Factors", "--date", "2022-04")
    assert result.output == (
        f"{site}/posts/2022-04-what-burnout-costs.md\n"
        "    Write the text, above and below Practice Implications; take `draft: true` away at the end.\n"
        f"    Then type: pprnet-feeds check --site {site}\n"
    )
    assert result.exit_code == 0
    post = read(site, "2022-04-what-burnout-costs.md")
    assert post.draft
    assert (post.title, post.issue, post.topics) == ("What Burnout Costs", "2022-04", ("therapist-factors",))


def test_a_draft_passes_every_check_at_once(site):
    new(site, "What Burnout Costs", "--topic", "training", "--date", "2022-04")
    assert check_site(site, {}, NOW)[0] == []


def test_every_key_stands_in_a_draft_and_is_explained(site):
    new(site, "T", "--topic", "training", "--date", "2022-04")
    text = (site / "posts" / "2022-04-t.md").read_text("utf-8")
    blocks = text.split("---")[1].strip("\n").split("\n\n")
    assert all(block.startswith("# ") for block in blocks)
    assert set(re.findall(r"^#?(\w+):", text, re.MULTILINE)) == {key.name for key in POST.values()}


def test_every_example_in_a_draft_is_valid_without_its_sign(site):
    new(site, "T", "--topic", "training", "--date", "2022-04")
    file = site / "posts" / "2022-04-t.md"
    file.write_text(re.sub(r"^#(?=\w)", "", file.read_text("utf-8"), flags=re.MULTILINE), "utf-8")
    assert check_site(site, {}, NOW)[0] == []


def test_names_of_topics_and_types_are_taken_in_any_form_and_each_once(site):
    options = (
        "--topic",
        "training",
        "--topic",
        "ADHERENCE",
        "--topic",
        "Training",
        "--research",
        "Meta-Analyses",
    )
    new(site, "T", *options, "--date", "2022-04-09", "--summary", 'It "helps": #1.')
    post = read(site, "2022-04-t.md")
    assert (post.topics, post.research) == (("adherance", "training"), ("meta-analyses",))
    assert post.summary == 'It "helps": #1.'
    assert post.published == datetime(2022, 4, 9, 16, tzinfo=UTC)


def test_without_a_date_it_is_for_this_month(site):
    zone = ZoneInfo("America/Toronto")
    before = datetime.now(zone)
    new(site, "T", "--topic", "training")
    months = {f"{moment:%Y-%m}" for moment in (before, datetime.now(zone))}
    (file,) = (site / "posts").iterdir()
    assert file.name[:7] in months


def test_a_taken_name_gets_a_number_and_nothing_is_overwritten(site):
    for _ in range(3):
        new(site, "T", "--topic", "training", "--date", "2022-04")
    (site / "posts" / "2022-04-t.md").write_text("broken", "utf-8")
    new(site, "T", "--topic", "training", "--date", "2022-04")
    names = sorted(path.name for path in (site / "posts").iterdir())
    assert names == ["2022-04-t-2.md", "2022-04-t-3.md", "2022-04-t-4.md", "2022-04-t.md"]
    assert (site / "posts" / "2022-04-t.md").read_text("utf-8") == "broken"


def test_a_slug_or_a_former_address_of_another_post_is_taken_too(site):
    new(site, "Other", "--topic", "training", "--date", "2022-04")
    other = site / "posts" / "2022-04-other.md"
    text = other.read_text("utf-8").replace("#slug: 2022-04-other", "slug: 2022-04-t")
    other.write_text(
        text.replace("/blog/2021/an-older-address/", "/posts/2022-04-t-2/").replace("#aliases", "aliases")
    )
    result = new(site, "T", "--topic", "training", "--date", "2022-04")
    assert "posts/2022-04-t-3.md" in result.output
    assert check_site(site, {}, NOW)[0] == []


@pytest.mark.slow
def test_editors_who_begin_the_same_post_at_once_get_a_file_each(site):
    arguments = [sys.executable, "-m", "pprnet_feeds", "new", "T", "--topic", "training", "--date", "2022-04"]
    environ = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    running = [
        subprocess.Popen(arguments, cwd=site, env=environ, stdout=subprocess.PIPE, text=True)
        for _ in range(5)
    ]
    told = {process.communicate(timeout=60)[0].splitlines()[0] for process in running}
    assert told == {f"posts/2022-04-t{ending}.md" for ending in ("", "-2", "-3", "-4", "-5")}
    assert {path.name for path in (site / "posts").iterdir()} == {Path(name).name for name in told}


TITLES = (
    st.text(max_size=320)
    | st.text(alphabet=AWKWARD, max_size=320)
    | st.text("ab ", min_size=290, max_size=310)
)


def test_any_title_is_read_as_it_was_typed_or_refused(site):
    @given(TITLES)
    def any_title(title: str) -> None:
        result = new(site, title, "--topic", "training", "--date", "2022-04")
        plain, lost = clean(title)
        plain = one_line(plain)
        if lost or not plain or len(plain) > 300:
            assert result.exit_code in {1, 2}
            assert result.output.count("\n") < 6
        else:
            assert result.exit_code == 0, result.output
            assert read(site, Path(result.output.splitlines()[0]).name).title == plain

    any_title()
    assert check_site(site, {}, NOW)[0] == []


REFUSED = [
    ("  ", [], 'TITLE is empty. Write it between quotation marks: new "What Burnout Costs".'),
    ("a\x00b", [], "TITLE holds a character that no feed may hold: U+0000. Type it again."),
    (
        "Burnout and therapists",
        [],
        "a post needs a topic: add --topic NAME. Did you mean 'Therapist Factors' (therapist-factors)?",
    ),
    (
        "T",
        ["--topic", "alliance rupture"],
        "--topic: nothing is called 'alliance rupture'. "
        "Did you mean 'Alliance and Therapeutic Relationship' (alliance-and-therapeutic-relationship)?",
    ),
    (
        "T",
        ["--topic", "xyzzy"],
        "--topic: nothing is called 'xyzzy'. Take one of those in feeds/topics.yaml.",
    ),
    (
        "T",
        ["--research", "meta"],
        "--research: nothing is called 'meta'. Did you mean 'Meta-analyses' (meta-analyses)?",
    ),
    ("T", ["--date", "2022-13"], f"--date is not a date: '2022-13'. {FORMS}"),
    ("T", ["--doi", "slow trust"], "--doi is not a DOI: 'slow trust'. Write it like 10.1002/cpp.2521."),
]


@pytest.mark.parametrize(("title", "options", "told"), REFUSED)
def test_what_cannot_be_meant_is_refused_and_nothing_is_written(site, title, options, told):
    result = new(site, title, *options)
    assert result.stderr.splitlines()[-1] == f"Error: {told}"
    assert result.exit_code == 2
    assert not (site / "posts").exists()


def test_a_title_that_is_too_long_is_told_with_its_length(site):
    result = new(site, "a" * 301, "--topic", "training", "--date", "2022-04")
    assert "`title` has 301 characters; the most is 300" in result.output
    assert result.exit_code == 1
    assert list((site / "posts").iterdir()) == []


def test_faulty_settings_are_told_first(site):
    (site / "feeds" / "topics.yaml").write_text("- slug: A\n", "utf-8")
    result = new(site, "T", "--topic", "a")
    assert "feeds/topics.yaml:1: " in result.output
    assert "Nothing was written." in result.output
    assert result.exit_code == 1


def test_a_folder_that_cannot_be_written_to_is_told(site):
    (site / "posts").write_text("no folder", "utf-8")
    result = new(site, "T", "--topic", "training")
    assert result.stderr == f"Error: {site}/posts cannot be written: File exists. Nothing was written.\n"
    assert result.exit_code == 1


def test_a_doi_fills_the_citation(site, monkeypatch):
    with registry_running() as registry:
        registry.keep(DOI, CROSSREF)
        monkeypatch.setenv("PPRNET_DOI_REGISTRY", registry.base)
        result = new(
            site, "T", "--topic", "training", "--date", "2022-04", "--doi", f"https://doi.org/{DOI.upper()}"
        )
    assert result.exit_code == 0
    assert read(site, "2022-04-t.md").cites == (ARTICLE,)
    assert check_site(site, {}, NOW)[0] == []


def test_a_doi_that_nobody_knows_writes_nothing_and_says_how_to_go_on(site):
    with registry_running() as registry:
        done = command(
            "new", "T", "--topic", "training", "--doi", DOI, cwd=site, PPRNET_DOI_REGISTRY=registry.base
        )
    assert done.stderr == (
        f"Error: {registry.base} knows no DOI {DOI}; compare it with the one printed, "
        "like 10.1002/cpp.2521.\n"
        "Nothing was written. Leave out --doi to begin without it, "
        "and write the reference under `cites` yourself.\n"
    )
    assert done.returncode == 1
    assert not (site / "posts").exists()


def test_a_registry_that_is_no_address_is_told_by_its_variable(site, monkeypatch):
    monkeypatch.setenv("PPRNET_DOI_REGISTRY", "doi.org")
    result = new(site, "T", "--topic", "training", "--doi", DOI)
    assert result.stderr.splitlines()[-1] == (
        "Error: PPRNET_DOI_REGISTRY is not a web address: 'doi.org'. Write it like https://doi.org."
    )


class Terminal:
    """The command on a terminal of its own, and somebody who waits for what it asks."""

    def __init__(self, site: Path) -> None:
        self.mine, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pprnet_feeds", "new", "What Burnout Costs", "--date", "2022-04"],
            cwd=site, env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200"},
            stdin=theirs, stdout=theirs, stderr=theirs, preexec_fn=partial(os.login_tty, 0),
        )  # fmt: skip
        os.close(theirs)
        self.seen = ""
        self.told = 0

    def wait_for(self, words: str) -> None:
        """Read until *words* were printed after what was waited for before."""
        until = time.monotonic() + 30
        while words not in self.seen[self.told :] and time.monotonic() < until and self.read():
            pass
        assert words in self.seen[self.told :], self.seen
        self.told = self.seen.index(words, self.told) + len(words)

    def read(self) -> bool:
        """Read what was printed within a second; False at the end."""
        if not select.select([self.mine], [], [], 1)[0]:
            return True
        try:
            part = os.read(self.mine, 65_536)
        except OSError:  # what Linux says when the other end is closed
            return False
        self.seen += part.decode().replace("\r\n", "\n")
        return bool(part)

    def type(self, line: str) -> None:
        self.wait_for("Topic (a number, or a word to search")
        os.write(self.mine, line.encode())

    def end(self, sign: str = "") -> int:
        """Wait for the end; *sign* is typed again: an interrupt between two looks is not noticed."""
        until = time.monotonic() + 30
        seen = self.seen
        while self.read():
            assert time.monotonic() < until, self.seen
            if self.seen == seen:
                os.write(self.mine, sign.encode())
            seen = self.seen
        return self.process.wait(timeout=30)


@pytest.fixture
def terminal(site: Path) -> Iterator[Terminal]:
    opened = Terminal(site)
    yield opened
    opened.process.kill()
    opened.process.wait()
    os.close(opened.mine)


def test_on_a_terminal_topics_are_asked_for_and_searched(site, terminal):
    terminal.wait_for("What is it about?")
    for line in ("\n", "ther\n", "zzzz\n", "dose\n", "train\n", "1\n", "99\n", "therapist factors\n", "\n"):
        terminal.type(line)
    assert terminal.end() == 0
    assert "At least one is needed. The topics are:" in terminal.seen
    assert "Which of these?\n   2  Alliance and Therapeutic Relationship" in terminal.seen
    assert "No topic is called that. Try another word." in terminal.seen
    assert re.findall(r"^  \+ (.+)$", terminal.seen, re.MULTILINE) == [
        "Training",
        "Adherance",
        "Therapist Factors",
    ]
    assert read(site, "2022-04-what-burnout-costs.md").topics == (
        "adherance",
        "therapist-factors",
        "training",
    )


@pytest.mark.parametrize("sign", ["\x03", "\x04"], ids=["interrupted", "at its end"])
def test_whoever_leaves_the_terminal_leaves_nothing_behind(site, terminal, sign):
    terminal.type("training\n")
    terminal.type(sign)
    assert terminal.end(sign) == 1
    assert terminal.seen.endswith("Aborted!\n")
    assert not (site / "posts").exists()
