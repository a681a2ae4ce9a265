from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprnet_feeds.content.problems import report
from pprnet_feeds.content.yaml import FrontMatter, Mapping, Scalar, Sequence, read_front_matter, read_yaml

MERGE = "a merge that was not finished: '<<<<<<< HEAD'"
KEEP = "Keep one of the two versions, and take out the lines with <<<<<<<, ======= and >>>>>>>."
PLAIN = "Write the value itself, and put quotation marks around it when it begins with that character."


def header(yaml: str) -> str:
    return f"---\n{yaml}\n---\nBody.\n"


def told(text: str) -> str:
    parts = read_front_matter(text, "posts/x.md")
    return report([*parts.notices, *parts.problems])


def value(yaml: str) -> object:
    parts = read_front_matter(header(yaml), "posts/x.md")
    assert (parts.problems, parts.notices) == ((), ())
    assert parts.header is not None
    found = parts.header.entries["a"][1]
    return found.text if isinstance(found, Scalar) else found


def test_every_key_and_value_knows_its_place():
    parts = read_front_matter("---\ntitle: Harm\ntopics:\n  - 'one'\n---\n\nBody.\n", "posts/x.md")
    assert parts == FrontMatter(
        header=Mapping(
            {
                "title": (Scalar("title", 2, 1, plain=True), Scalar("Harm", 2, 8, plain=True)),
                "topics": (
                    Scalar("topics", 3, 1, plain=True),
                    Sequence((Scalar("one", 4, 5),), 4, 3),
                ),
            },
            2,
            1,
        ),
        body="\nBody.\n",
        body_line=6,
        problems=(),
        notices=(),
    )


@pytest.mark.parametrize(
    "typed", ["yes", "null", "~", "2024-01-01", ".nan", "0123", "12:30:45", "1_000", "0x10", "1e3", "no", "="]
)
def test_a_scalar_is_the_text_that_was_typed(typed):
    assert value(f"a: {typed}") == typed


@pytest.mark.parametrize(
    ("yaml", "text"),
    [
        (r'a: "caf\u00e9\n\"x\""', 'café\n"x"'),
        (r'a: "\ud83d\udc4d"', "👍"),
        ("a: 'it''s'", "it's"),
        ("a: |\n  one\n  two", "one\ntwo\n"),
        ("a: >-\n  one\n  two", "one two"),
        ("a: one\u2028two", "one two"),
        ("a: 👍 \u200f", "👍 \u200f"),
    ],
)
def test_quotation_marks_and_blocks_are_undone(yaml, text):
    assert value(yaml) == text


def test_a_hash_after_a_plain_value_is_remembered():
    parts = read_front_matter(header("a: The #1 reason\nb: C#"), "posts/x.md")
    assert parts.header is not None
    assert [value for _, value in parts.header.entries.values()] == [
        Scalar("The", 2, 4, plain=True, remark=True),
        Scalar("C#", 3, 4, plain=True),
    ]


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_other_line_ends_are_fine(newline):
    parts = read_front_matter(header("a: b").replace("\n", newline), "posts/x.md")
    assert (parts.body, parts.body_line, parts.problems) == ("Body.\n", 4, ())


def test_front_matter_may_end_the_file():
    assert read_front_matter("---\na: b\n---", "posts/x.md").body == ""


def test_empty_front_matter_is_a_mapping_without_keys():
    assert read_front_matter("---\n---\n", "posts/x.md").header == Mapping({}, 1, 1)


BEGIN = "Begin the file with a line ---, then `title: …`, `date: …`, `topics: […]`, then a line --- again."
KEYS = "Write lines like `title: …` and `date: 2026-03`, with a space after the colon."
NO_ITEM = "a list item that does not begin with a hyphen and a space"
SPACES = "Take out the spaces before it."
ABOVE = "a key that is not below the one above it: 'doi: 10.5/b'"


@pytest.mark.parametrize(
    ("text", "line", "what", "mend"),
    [
        ("", 1, "there is no front matter", BEGIN),
        ("Text\n---\na: b\n---\n", 1, "there is no front matter", BEGIN),
        ("+++\n+++\n", 1, "the front matter is TOML, between lines of +++", BEGIN),
        ("---\na: b\n", 1, "the front matter is not closed", "Put a line with only --- under its last key."),
        (header("- a"), 2, "the front matter is not made of keys", KEYS),
        (header("a"), 2, "the front matter is not made of keys", KEYS),
        (
            header("a: b\nc: d\na: b"),
            4,
            "the key 'a' is here a second time; it is already on line 2",
            "Keep one of the two lines.",
        ),
        (
            header("title: Therapy: what works"),
            2,
            "a colon in a value without quotation marks: 'title: Therapy: what works'",
            'Put quotation marks around the value: title: "Therapy: what works"',
        ),
        (
            header("a:\n\tb: c"),
            3,
            "a tab where YAML wants spaces",
            "Indent with two spaces and never with a tab.",
        ),
        (
            header('b: c\na: "open\nd: e'),
            3,
            "a quotation mark is opened and never closed: 'a: \"open'",
            "Close it at the end of the value, or take it away.",
        ),
        (
            header("a: [b, c\nd: e"),
            2,
            "a bracket [ is opened and never closed: 'a: [b, c'",
            "Close it at the end of the list, or put quotation marks around the whole value.",
        ),
        (
            header("a: `b` c"),
            2,
            "a value that begins with a special character: 'a: `b` c'",
            'Put quotation marks around the value: a: "`b` c"',
        ),
        (
            header("a: ]]> b"),
            2,
            "a value that begins with a special character: 'a: ]]> b'",
            'Put quotation marks around the value: a: "]]> b"',
        ),
        (
            header('title: "Burnout" and its costs\ndate: 2026-01'),
            2,
            "there is text after the end of the value: 'title: \"Burnout\" and its costs'",
            "Put quotation marks around the whole value: title: '\"Burnout\" and its costs'",
        ),
        (
            header("title: 'It's fine'\ndate: 2026-01"),
            2,
            "there is text after the end of the value: 'title: 'It's fine''",
            'Put quotation marks around the whole value: title: "It\'s fine"',
        ),
        (
            header('cites:\n  - "A" b'),
            3,
            "there is text after the end of the item: '- \"A\" b'",
            "Put quotation marks around the whole item: - '\"A\" b'",
        ),
        (
            header("title: A long\nsecond line\ndate: 2026-01"),
            3,
            "a line without a colon: 'second line'",
            "Write `key: value`; what belongs to the value above begins with two spaces.",
        ),
        (header("title:A\ndate: b"), 2, "no space after the colon: 'title:A'", "Put one there: title: A"),
        (
            header("title:\u00a0A\ndate: b"),
            2,
            "no space after the colon: 'title:\u00a0A'",
            "Put one there: title: A",
        ),
        (
            header("topics:\n  * beta"),
            3,
            f"{NO_ITEM}: '* beta'",
            "Write it like this: - beta",
        ),
        (header("topics:\n-beta\n-gamma"), 3, f"{NO_ITEM}: '-beta'", "Write it like this: - beta"),
        (header("topics:\n• beta\n• gamma"), 3, f"{NO_ITEM}: '• beta'", "Write it like this: - beta"),
        (header('cites:\n  - text: "A"\n  doi: 10.5/b'), 4, ABOVE, "Begin it exactly below that one."),
        (header('cites:\n  - text: "A"\n      doi: 10.5/b'), 4, ABOVE, "Begin it exactly below that one."),
        (header("  title: A\ndate: b"), 2, "a key that does not begin its line: 'title: A'", SPACES),
        (header("title:A\ndate:b"), 2, "the front matter is not made of keys", KEYS),
        (
            header("cites:\n  - Ek, A. (2020). Calm: A review. Talk, 4, 7-19."),
            3,
            "a colon in a value without quotation marks: '- Ek, A. (2020). Calm: A review. Talk, 4, 7-19.'",
            'Put quotation marks around the item: - "Ek, A. (2020). Calm: A review. Talk, 4, 7-19."',
        ),
        (
            header('title: "The "good" therapist"'),
            2,
            'there is text after the end of the value: \'title: "The "good" therapist"\'',
            "Put quotation marks around the whole value: title: 'The \"good\" therapist'",
        ),
        (
            header("2026-10: This month: rest"),
            2,
            "a colon in a value without quotation marks: '2026-10: This month: rest'",
            'Put quotation marks around the value: 2026-10: "This month: rest"',
        ),
        (
            header("title: ? Why"),
            2,
            "a value that begins with a special character: 'title: ? Why'",
            'Put quotation marks around the value: title: "? Why"',
        ),
        (
            header("topics:\n  - a\n - b"),
            4,
            "a list item that is not below the others: '- b'",
            "Begin all items of a list with the same number of spaces.",
        ),
        (
            header("title: A\n   date: b"),
            3,
            "a key that does not begin its line: 'date: b'",
            SPACES,
        ),
        (
            header('a: "C:\\Users"'),
            2,
            "a backslash in a value in double quotation marks: 'a: \"C:\\Users\"'",
            "Double it, or put single quotation marks around the value.",
        ),
        (
            "\n\n---\na: b\n---\n",
            1,
            "an empty line or a space is above the front matter",
            "Take it out: the first line of the file is --- and nothing else.",
        ),
        (header("a: b\n<<<<<<< HEAD\nc: d\n=======\nc: e\n>>>>>>> one"), 3, MERGE, KEEP),
        (header("a: b") + "Text\n<<<<<<< HEAD\nOne\n=======\nTwo\n>>>>>>> one\n", 6, MERGE, KEEP),
        (header("a: &b c"), 2, "a name for a value: '&b'", PLAIN),
        (header("a: *b"), 2, "a reference to another value: '*b'", PLAIN),
        (header("<<: {a: b}"), 2, "a merge key: '<<'", PLAIN),
        (
            header("a: !!python/object/apply:os.system [ls]"),
            2,
            "a tag, which says what type a value has: 'tag:yaml.org,2002:python/object/apply:os.system'",
            PLAIN,
        ),
    ],
)
def test_what_is_no_front_matter_is_told_with_its_cure(text, line, what, mend):
    assert told(text) == f"posts/x.md:{line}: {what}\n    {mend}\n\n1 problem in 1 file.\n"


@pytest.mark.parametrize(
    "body",
    [
        "```\n<<<<<<< HEAD\nOne\n=======\nTwo\n>>>>>>> one\n```\n",
        "A title\n=======\n",
        "<<<<<<< HEAD\nhas no end\n=======\n",
        ">>>>>>> a quotation in a quotation\n",
    ],
)
def test_what_only_looks_like_a_merge_is_text(body):
    assert read_front_matter(header("a: b") + body, "posts/x.md").problems == ()


@pytest.mark.parametrize("typed", ["“Slow Trust”", "‘Slow Trust’", "„Slow Trust“", "[“Ek, A.”]"])
def test_what_word_makes_of_quotation_marks_is_a_warning(typed):
    parts = read_front_matter(header(f"a: {typed}"), "posts/x.md")
    assert parts.problems == ()
    (notice,) = parts.notices
    assert notice.line == 2
    assert notice.warning
    assert notice.what.startswith("curly quotation marks around a value: ")
    assert notice.mend == 'Write straight ones (") around the whole value; curly ones are a part of it.'


@pytest.mark.parametrize(
    "typed", ["“Trust” and more", '"“Trust”"', "It’s “fine”", "–5 degrees", "-5", "‘s’ and ‘t’"]
)
def test_quotation_marks_and_signs_within_a_value_are_text(typed):
    assert value(f"a: {typed}") == typed.strip('"')


def test_straight_quotation_marks_are_offered_for_curly_ones():
    assert told(header("title: “Trust: A Review”")).splitlines()[-3] == (
        '    Put quotation marks around the value: title: "Trust: A Review"'
    )


@pytest.mark.parametrize(
    "line",
    [
        'title: "Burnout" and "costs"',
        "title: 'It's fine'",
        "title: [Review] A thing",
        "title: Therapy: what works",
        'title: 50%: it\'s "half"',
        "title: @home",
        "title:A",
        "title: `a` \\ b",
    ],
)
def test_the_mend_that_is_shown_mends_the_line(line):
    (problem,) = read_front_matter(header(f"{line}\ndate: b"), "posts/x.md").problems
    mended = problem.mend[problem.mend.index("title: ") :]
    again = read_front_matter(header(f"{mended}\ndate: b"), "posts/x.md")
    assert again.problems == ()
    assert again.header is not None
    value = again.header.entries["title"][1].text
    assert [word for word in re.findall(r"\w+", line)[1:] if word not in value] == []


def test_a_header_that_cannot_be_read_gives_no_keys():
    assert read_front_matter(header("a: b: c"), "posts/x.md").header is None


@pytest.mark.parametrize(
    "yaml",
    [
        "a: " + "[" * 10_000,
        "a: " + "[" * 10_000 + "]" * 10_000,
        "a: " + "{a: " * 10_000,
        "- " * 10_000,
        "[\n" * 10_000,
        "? " * 10_000,
        "a: " + "x" * 5_000_000,
        "a: [" + "b, " * 20_000 + "]",
        "a: [" + "[], " * 15_000 + "]",
        "a: " + '"' * 60_000,
        "\n".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 2_000)),
    ],
)
def test_a_bomb_is_refused_within_a_tenth_of_a_second(yaml):
    def once() -> float:
        start = time.process_time()
        assert read_front_matter(header(yaml), "posts/x.md").problems
        return time.process_time() - start

    # The best of three: a collection of other tests' garbage may fall into any one.
    assert min(once() for _ in range(3)) < 0.1


def test_a_dropped_character_is_told_and_the_header_is_read():
    assert told(header('a: "b\\0"\nc: d\x07')) == (
        "posts/x.md:3: a character that no feed may hold was left out: U+0007\n"
        "    Type the words around it again; such characters come with text copied from a PDF.\n"
        "posts/x.md:2: a character that no feed may hold was left out: U+0000\n"
        "    Type the words around it again; such characters come with text copied from a PDF.\n"
        "\n2 problems in 1 file.\n"
    )


def test_a_yaml_file_may_hold_a_list():
    assert read_yaml("- a\n", "feeds/topics.yaml") == (
        Sequence((Scalar("a", 1, 3, plain=True),), 1, 1),
        [],
    )


def test_a_yaml_file_of_comments_holds_nothing():
    assert read_yaml("# nothing\n", "feeds/topics.yaml") == (None, [])


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_is_taken_apart_or_refused_with_a_problem(text):
    for whole in (text, header(text), header(f"title: {text}"), header(f'title: "{text}"')):
        parts = read_front_matter(whole, "posts/x.md")
        assert (parts.header is None) <= bool(parts.problems)


def test_thousands_of_items_with_marks_of_word_in_a_long_file_take_linear_time():
    items = "".join(f"  - “term {number}”\n" for number in range(1_900))
    text = "x\n  " * 200_000
    start = time.process_time()
    _, problems = read_yaml(f"terms:\n{items}text: '{text}'\n", "feeds/topics.yaml")
    assert problems == []
    assert time.process_time() - start < 5  # dividing the text anew for each item takes more than 15
