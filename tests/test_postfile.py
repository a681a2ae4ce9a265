"""A post file comes into being whole and at once, or not at all, and never over another one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pprnet_feeds.content.slugs import RESERVED, is_slug
from pprnet_feeds.content.text import clean, one_line
from pprnet_feeds.content.yaml import Mapping, Scalar, read_yaml
from pprnet_feeds.publishing.postfile import quote, slug_of, write_file
from service import ROOT

AWKWARD = ":#\"'-{}[]&*!|>%@`\\~,? \u00a0\ufeff\u2028\u200fnu0x\N{GRINNING FACE}éa"
TEXTS = st.text(max_size=300) | st.text(alphabet=AWKWARD, max_size=300)


@given(TEXTS)
def test_a_quoted_text_reads_as_exactly_that_text(text: str):
    text = one_line(clean(text)[0])
    value, problems = read_yaml(f"key: {quote(text)}\n", "a.yaml")
    assert problems == []
    assert isinstance(value, Mapping)
    read = value.entries["key"][1]
    assert isinstance(read, Scalar)
    assert read.text == text


@given(TEXTS, st.integers(20, 100))
def test_any_title_gives_a_slug_that_is_none_of_our_addresses(title: str, most: int):
    slug = slug_of(title, most)
    assert is_slug(slug)
    assert len(slug) <= most
    assert slug not in RESERVED


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("How Much Psychotherapy Is Necessary?", "how-much-psychotherapy-is-necessary"),
        ("Therapists’ Costs–Benefits: déjà vu", "therapists-costs-benefits-deja-vu"),
        ("Feed", "about-feed"),
        ("心理療法", "post"),
        ("A title that goes on", "a-title-that-goes"),
    ],
)
def test_a_slug_is_made_of_the_words_of_the_title(title: str, slug: str):
    assert slug_of(title, 18 if slug.startswith("a-title") else 100) == slug


def test_a_new_file_is_written_whole_with_nothing_beside_it(tmp_path: Path):
    write_file(tmp_path / "a.md", "é\n")
    assert [path.name for path in tmp_path.iterdir()] == ["a.md"]
    assert (tmp_path / "a.md").read_bytes() == "é\n".encode()


def test_a_file_that_is_there_stays_as_it_is(tmp_path: Path):
    (tmp_path / "a.md").write_text("mine")
    with pytest.raises(FileExistsError):
        write_file(tmp_path / "a.md", "yours")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.md": "mine"}


def test_a_link_that_leads_nowhere_is_not_followed(tmp_path: Path):
    (tmp_path / "a.md").symlink_to(tmp_path / "b.md")
    with pytest.raises(FileExistsError):
        write_file(tmp_path / "a.md", "yours")
    assert [path.name for path in tmp_path.iterdir()] == ["a.md"]


def no_links(*args: object) -> None:
    raise PermissionError(1, "Operation not permitted")


def test_where_the_disk_knows_no_links_a_file_is_written_all_the_same(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(os, "link", no_links)
    write_file(tmp_path / "a.md", "mine")
    with pytest.raises(FileExistsError):
        write_file(tmp_path / "a.md", "yours")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.md": "mine"}


def test_a_file_that_can_not_be_written_leaves_nothing_behind(tmp_path: Path):
    with pytest.raises(UnicodeEncodeError):
        write_file(tmp_path / "a.md", "whole\n" * 10_000 + "\ud800")
    assert list(tmp_path.iterdir()) == []


WRITER = """
import sys
from pathlib import Path
from pprnet_feeds.publishing.postfile import write_file
for number in range(100_000):
    write_file(Path(sys.argv[1]) / f"{number}.md", "whole\\n" * 50_000)
"""


def test_a_program_that_is_killed_leaves_whole_files_only(tmp_path: Path):
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], env=os.environ | {"PYTHONPATH": str(ROOT / "src")}
    )
    while writer.poll() is None and len(list(tmp_path.glob("[0-9]*.md"))) < 5:
        time.sleep(0.005)
    writer.kill()
    writer.wait()
    found = list(tmp_path.glob("[0-9]*.md"))
    assert len(found) >= 5
    assert {path.read_text() for path in found} == {"whole\n" * 50_000}
