"""The quick reader of plain YAML says of every text what the library says, or nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pprnet_feeds.content import frontmatter, plainyaml
from pprnet_feeds.content.yamlvalues import Mapping, Value

SITES = Path(__file__).parent / "sites"

POST = """\
title: "How much: what works — “now”"
date: 2014-01-01T05:14:53Z
topics: [alliance, therapist-factors , a b]
research: []
cites:
  - text: "Ekström, A. (2013). May model. https://doi.org/10.5555/bench.722"
    doi: 10.5555/bench.722
    title: 'A model'
    authors:
      - "Simpson, S."
      - Castelnuovo
    year: 2020
  - A plain reference: not.
aliases:
- /blog/old.html
summary: ""
"""


def by_library(source: str) -> tuple[Value | None, list[object]]:
    composer = frontmatter._Composer(source, "posts/a.md", 2)
    return composer.document(), [*composer.problems, *composer.notices]


def agree(source: str) -> Mapping | None:
    """What the quick reader says, which is what the library says, without a fault."""
    found = plainyaml.read(source, 2)
    if found is not None:
        assert (found, []) == by_library(source)
    return found


def test_a_post_as_posts_are_is_read_with_every_place():
    source = POST.replace("reference: not.", "reference.").replace("  - A plain", "  - A plain")
    assert agree(source) is not None


def test_every_post_of_the_tests_is_read_as_the_library_does():
    read = []
    for path in sorted(path for path in SITES.rglob("*.md") if path.is_file()):
        text = path.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")
        if found := re.match(r"---\n(.*?\n)---\n", text, re.DOTALL):
            read.append(agree(found[1]) is not None)
    assert any(read)
    assert not all(read)


@pytest.mark.parametrize(
    "source",
    [
        *(
            "",
            "\n",
            "a\n",
            "a:\n",
            "a: b",
            "a: b\n\n",
            "- a\n",
            "a: b: c\n",
            "a: b:\n",
            "a: b \n",
            "a: b # c\n",
        ),
        *(
            "a: b # c\n",
            "# a\na: b\n",
            "a: b\n  c\n",
            "a:\n  b: c\n",
            "a: b\na: c\n",
            "a: &x b\n",
            "a: *x\n",
        ),
        *(
            "a: !x b\n",
            "a: |\n  b\n",
            "a: >\n  b\n",
            'a: "b\n',
            "a: 'b\n",
            'a: "b" c\n',
            "a: 'it''s'\n",
            'a: "\\n"\n',
        ),
        *("a: [b\n", "a: [b, [c]]\n", "a: [b,, c]\n", "a: [,]\n", "a: [ ]\n", "a: [b, ]\n", "a: [b: c]\n"),
        *(
            "a: {b: c}\n",
            "a: @b\n",
            "a: `b\n",
            "a: %b\n",
            "a: - b\n",
            "a: ? b\n",
            "? a\n",
            "a: ~\n",
            "<<: b\n",
        ),
        *(
            "a:\tb\n",
            "a: b\tc\n",
            "\ta: b\n",
            " a: b\n",
            "a:  b\n",
            "a : b\n",
            '"a": b\n',
            "a-b: c\n",
            "é: b\n",
        ),
        *(
            "a:\n- b\n c: d\n",
            "a:\n - b\n- c\n",
            "a:\n- b: c\n   d: e\n",
            "a:\n- b: c\n d: e\n",
            "a:\n-  b\n",
        ),
        *(
            "a:\n-\n",
            "a:\n- b:\n- c\n",
            "---\na: b\n",
            "a: b\n---\n",
            "a: b\n...\n",
            "%YAML 1.1\n",
            "a: \x85\n",
        ),
        *(
            "a: \u2028b\n",
            "a: \ufeffb\n",
            "a: \x7f\n",
            "a: \\ud83d\\ude00\n",
            "a: b\r\n",
            "a: <b\n",
            "a: =\n",
        ),
    ],
)
def test_what_is_not_plain_is_left_to_the_library(source):
    assert plainyaml.read(source, 2) is None


def test_more_lines_than_a_post_has_are_left_to_the_library():
    assert plainyaml.read("".join(f"a{number}: b\n" for number in range(301)), 2) is None
    assert plainyaml.read(f"a: [{'b,' * 300} b]\n", 2) is None


_SIGNS = "ab:-,[]{}#&*!|>'\"%@`?=~<.\\/( \n"
_PARTS = (
    *("  ", ": ", "- ", "\n- ", "\n  - ", "\n  ", "\na: ", "\nb:", "title: ", '"x"', "'y'", "[p, q]"),
    *("é", "“", "\u00a0", "2014-01-01T05:14:53Z", "\t", "...", "---", "🙂", "yes", "\\u"),
)
WORDS = st.sampled_from([*_SIGNS, *_PARTS])


@given(st.lists(WORDS, max_size=24).map("".join).map(lambda text: f"a: {text}\n"))
@example("a: [b , c]\nd:\n  - e: f\n    g: [h]\n  - i\n")
@example("a:\n- b: c\n  d:\n  - e\n- f: g\n")
def test_of_any_text_it_says_what_the_library_says(source):
    agree(source)


LINES = st.sampled_from(
    [
        *("a: b", "b: 'c'", 'c: "d"', "d: [e, f g ]", "e:", "- a", "- a: b", "  - a", "  - b: c", "    c: d"),
        *("    d:", "  e: f", "      - g", "    - h", "- i:", "  j:", "  - k", "   - l", "f: g: h", "g: h:"),
        *("- 'm'", "- [n]"),
    ]
)


@given(st.lists(LINES, max_size=10).map(lambda lines: "".join(f"{line}\n" for line in lines)))
def test_of_any_lines_it_says_what_the_library_says(source):
    agree(source)
