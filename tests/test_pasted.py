"""Text that was pasted from Word into a post: what is certain is repaired, the rest is one warning."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprnet_feeds.content import pasted
from pprnet_feeds.content.body_checks import body_problems
from pprnet_feeds.content.markdown import render
from service import SITES, invoke

PROSE = "Fourteen therapists rated every session of three clients."


def shown(body: str) -> str:
    return render(body, base="https://x.example/", prefix="")


def warned(body: str) -> list[tuple[int, str, str]]:
    return [(problem.line, problem.what, problem.mend) for problem in body_problems(body, 1, "posts/a.md")]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (f"\t{PROSE}\n", f"<p>{PROSE}</p>\n"),
        (f"One.\n\n    {PROSE}\n", f"<p>One.</p>\n<p>{PROSE}</p>\n"),
        (f"\t{PROSE}\n\n\t“{PROSE}”\n", f"<p>{PROSE}</p>\n<p>“{PROSE}”</p>\n"),
        (f"\t{PROSE}\n\tIt took {PROSE}\n", f"<p>{PROSE}\nIt took {PROSE}</p>\n"),
        ("\tPRACTICE IMPLICATIONS\n\nText.\n", "<p>PRACTICE IMPLICATIONS</p>\n<p>Text.</p>\n"),
        ("•\tone\n•\ttwo\n", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n"),
        ("Text:\n·\u00a0\u00a0\u00a0 one\n", "<p>Text:</p>\n<ul>\n<li>one</li>\n</ul>\n"),
        ("\uf0b7\tone\no\ttwo\n", "<ul>\n<li>one\n<ul>\n<li>two</li>\n</ul>\n</li>\n</ul>\n"),
        ("<![if !supportLists]>1.<![endif]> one\n", "<ol>\n<li>one</li>\n</ol>\n"),
        (
            "<![if !supportLists]>·<span style='font:7pt'>&nbsp; </span><![endif]>one<o:p></o:p>\n",
            "<ul>\n<li>one</li>\n</ul>\n",
        ),
        ('In <st1:place w:st="on">Ottawa</st1:place>.<o:p></o:p>\n\n<o:p> </o:p>\n', "<p>In Ottawa.</p>\n"),
        ("1)\tone\n2)\ttwo\n", "<ol>\n<li>one</li>\n<li>two</li>\n</ol>\n"),
        ("<p class=MsoNormal>one<o:p></o:p></p>\n", "<p>one</p>\n"),
        ("one\u2028two\n", "<p>one<br>two</p>\n"),
        ("one\n\u00a0\ntwo\n", "<p>one</p>\n<p>two</p>\n"),
        ("##\u00a0one\n", "<h2>one</h2>\n"),
        ("-\u00a0one\n", "<ul>\n<li>one</li>\n</ul>\n"),
        ("one\n\n—-\n\ntwo\n", "<p>one</p>\n<hr>\n<p>two</p>\n"),
        ("| a | b |\n|—|–-|\n| 1 | 2 |\n", shown("| a | b |\n|---|---|\n| 1 | 2 |\n")),
    ],
)
def test_what_is_certain_is_repaired_and_no_warning(typed: str, expected: str):
    assert shown(typed).replace(' id="one"', "") == expected
    assert [each for each in warned(typed) if "o:p" not in each[1]] == []


@pytest.mark.parametrize(
    "typed",
    [
        "    print('Fourteen therapists rated every session of three clients.')\n",
        "    for each in sessions: rate each of them by hand.\n",
        f"- one\n\n    {PROSE}\n",
        f"1. one\n2. two\n\n    {PROSE}\n\n    {PROSE}\n",
        f"[^a]: one\n\n    {PROSE}\n",
        f"```\n\t{PROSE}\n•\tone\n\u00a0\n—-\n```\n",
        f"~~~\n\n\t{PROSE}\n\n~~~\n",
        "one\n—\ntwo — three\n",
        "• one\n",
        "a—b\n",
        "Word writes `<o:p>` there.\n",
    ],
)
def test_what_is_not_from_word_stays_as_it_was_typed(typed: str):
    assert pasted.repaired(typed) == typed


def test_everything_else_is_one_warning_with_the_line_to_write():
    table = "Group\tMean\nTherapy\t1.5\nWaiting\t0.3\n"
    marked = '<p style="margin:0">a</p>\n<o:p></o:p>\n<st1:place>b</st1:place>\n' * 30
    body = f"{table}\n\tWhat It Means\n\n{marked}\n<script>x</script>\n"
    script, word = sorted(warned(body), reverse=True)
    assert script[1] == "the text holds a <script> element, which is removed"
    assert word == (
        1,
        "the text holds a style attribute and 89 things like it, which are removed; "
        "a table of tabs alone is no table (line 1); an indented line is shown as code (line 5)",
        "Write line 1 like this: | Group | Mean | and below it | --- | --- |",
    )
    assert warned("\n\tWhat It Means\n\n\tWhat It Costs\n") == [
        (
            2,
            "an indented line is shown as code (line 2, and 1 more)",
            "Write line 2 like this: What It Means (with no spaces before it)",
        )
    ]


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("| Group | Mean |\n| Therapy | 1.5 |\n", 1),
        ("Text\n\n| Group | Mean |\n| Therapy | 1.5 |\n| Waiting |\n", 3),
        ("| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 |\n| 4 | 5 |\n| 6 | 7 |\n", 0),
        ("|a|b|\n|:-|-:|\n|1|2|\n", 0),
        ("a | b\n--- | ---\n1 | 2\n", 0),
        ("| one line |\n", 0),
    ],
)
def test_bars_without_the_line_that_makes_a_table_are_a_warning(body: str, line: int):
    what = f"a table of bars alone is no table (line {line})"
    fix = f"Write line {line} like this: | Group | Mean | and below it | --- | --- |"
    assert warned(body) == ([(line, what, fix)] if line else [])


def test_a_warning_counts_lines_from_the_top_of_the_file(tmp_path: Path):
    shutil.copytree(SITES / "small/feeds", tmp_path / "feeds")
    (tmp_path / "posts").mkdir()
    text = "---\ntitle: T\ndate: 2021-01\ntopics: [alliance]\n---\nText:\n\n• one\n• two\n\nA\tB\nc\td\n"
    (tmp_path / "posts/a.md").write_text(text, "utf-8")
    assert invoke("check", "--site", str(tmp_path)).stdout == (
        "posts/a.md:8: warning: a bullet makes no list (line 8, and 1 more); "
        "a table of tabs alone is no table (line 11)\n"
        "    Write line 8 like this: - one\n\n1 post, 1 warning in 1 file.\n"
    )


@pytest.mark.parametrize("dashes", ["—", "–-", "———", "-—", "--–", "--- "])
def test_the_lines_around_the_front_matter_may_be_what_word_makes_of_hyphens(tmp_path: Path, dashes: str):
    shutil.copytree(SITES / "small/feeds", tmp_path / "feeds")
    (tmp_path / "posts").mkdir()
    text = f"{dashes}\ntitle: T\ndate: 2021-01\ntopics: [alliance]\n{dashes}\n\nOne\x0btwo.\n"
    (tmp_path / "posts/a.md").write_text(text, "utf-8")
    assert invoke("check", "--site", str(tmp_path)).stdout == "1 post, no problems\n"


@given(st.text(st.sampled_from("ab .\t\n\u00a0\u2028•o—-|#>`~1<!"), max_size=60))
def test_no_line_is_added_or_lost_and_a_second_repair_changes_nothing(body: str):
    once = pasted.repaired(body)
    assert once.count("\n") == body.count("\n")
    assert pasted.repaired(once) == once
