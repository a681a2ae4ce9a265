from __future__ import annotations

import json

import pytest

from pprnet_feeds.content.problems import Problem, nearest, quoted, report

TWO = [
    Problem("posts/a,b.md", 3, 7, "`date` is not a date: '100%'", "Write a month."),
    Problem("posts/a,b.md", 0, 0, "the file is larger than 1 MB", "Shorten it."),
]


def test_an_editor_reads_the_place_the_fault_the_cure_and_what_it_means():
    assert report(TWO, consequence="Nothing was published.") == (
        "posts/a,b.md:3: `date` is not a date: '100%'\n"
        "    Write a month.\n"
        "posts/a,b.md: the file is larger than 1 MB\n"
        "    Shorten it.\n"
        "\n"
        "2 problems in 1 file. Nothing was published.\n"
    )


def test_a_place_is_the_file_and_the_line_when_it_is_known():
    assert [problem.place for problem in TWO] == ["posts/a,b.md:3", "posts/a,b.md"]


def test_one_problem_is_counted_as_one():
    assert report(TWO[:1]).endswith("\n1 problem in 1 file.\n")


def test_without_problems_only_the_consequence_is_said():
    assert (report([]), report([], consequence="All is well.")) == ("", "All is well.\n")


def test_programs_get_every_part_by_its_name():
    assert json.loads(report(TWO[:1], "json", "Nothing was published.")) == {
        "problems": [
            {
                "file": "posts/a,b.md",
                "line": 3,
                "column": 7,
                "what": "`date` is not a date: '100%'",
                "mend": "Write a month.",
                "warning": False,
            }
        ],
        "consequence": "Nothing was published.",
    }


def test_a_workflow_gets_annotations_with_its_signs_escaped():
    assert report(TWO, "github") == (
        "::error file=posts/a%2Cb.md,line=3,col=7::`date` is not a date: '100%25'. Write a month.\n"
        "::error file=posts/a%2Cb.md::the file is larger than 1 MB. Shorten it.\n"
    )


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("a\nb\x1b[31m", "'a\\nb\\x1b[31m'"),
        ("\ud83d\u202ex", "'\\ud83d\\u202ex'"),
        ("é👍", "'é👍'"),
        ("x" * 81, f"'{'x' * 79}…'"),
    ],
)
def test_what_was_typed_cannot_garble_a_terminal(typed, shown):
    assert quoted(typed) == shown


def test_a_name_that_resembles_none_is_nobody_s():
    assert (nearest("drfat", ["draft", "date"]), nearest("zzz", ["draft"]), nearest("d" * 99, ["draft"])) == (
        "draft",
        "",
        "",
    )
