"""``import letter.docx``: what Word writes as a post, and a message for each file that cannot be one."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from many import make_site
from service import invoke
from wordfile import LETTER, PICTURE, REFERENCE, W, link, paragraph, run, word_file

BODY = [paragraph("A Title", style="Title"), paragraph("The text.")]


@pytest.fixture
def site(tmp_path) -> Path:
    return make_site(tmp_path / "site", 0)


def imported(data: bytes, site: Path, *options: str) -> tuple[int, str, str]:
    """The exit code, what the command says, and the text of the only post."""
    (site / "letter.docx").write_bytes(data)
    done = invoke("import", str(site / "letter.docx"), "--site", str(site), *options)
    posts = [path.read_text("utf-8") for path in site.glob("posts/*.md")]
    return done.returncode, done.stdout.replace(f"{site}/", "") + done.stderr, "\n".join(posts)


def body_of(data: bytes, site: Path) -> str:
    return imported(data, site, "--date", "2026-03")[2].partition("\n---\n\n")[2]


def test_a_letter_becomes_a_post_with_all_its_parts(site):
    code, said, post = imported(LETTER, site, "--date", "2026-03", "--topic", "Alpha")
    assert (code, said) == (0, """\
letter.docx: a Word file
posts/2026-03-how-many-letters-are-enough.md: written

letter.docx: a picture was left behind (a heap of letters) below 'kind number letters 21 postcards 3 | 4'
    Save it as a picture, put that on the web, and write ![what it shows](its address).

1 problem in 1 file. 1 written, 0 already there.

 posts  drafts
     1       0  letter.docx
""")  # fmt: skip
    assert (
        post
        == f"""\
---
title: "How Many Letters Are “Enough”?"
date: 2026-03
topics:
  - alpha
cites:
  - text: "{REFERENCE}"
    doi: "10.5555/jis.2021.4"
    title: "Counting letters"
    authors:
      - "Lund, W."
      - "Rubin, J."
    container: "Journal of Invented Studies"
    year: 2021
    volume: "4"
    pages: "7-19"
    type: article-journal
---

Lund and Rubin’s *long* count ended after 21 letters[^1], says [the post](https://example.org/post_office?a=1&b=2).

What they counted:

- letters – **long** ones
  - with stamps
- postcards

| kind | number |
| --- | --- |
| letters | 21 |
| postcards | 3 \\| 4 |

## Practice Implications

Write often.

[^1]: Stamps were not counted, nor were 2 \\* 3 cards.
"""
    )
    checked = invoke("check", "--site", str(site))
    assert (checked.returncode, ", no problems\n" in checked.stdout) == (0, True)


def test_a_draft_is_written_only_when_it_is_asked_for_and_a_second_import_changes_nothing(site):
    assert "\ndraft: true\n" in imported(LETTER, site, "--draft", "--date", "2026-03")[2]
    before = {path: path.read_bytes() for path in site.glob("posts/*")}
    assert "0 written, 1 already there." in imported(LETTER, site, "--date", "2026-04")[1]
    assert {path: path.read_bytes() for path in site.glob("posts/*")} == before


def test_without_practice_implications_and_topics_the_report_says_so(site):
    code, said, post = imported(word_file(*BODY), site)
    assert code == 0
    assert "warning: no line says Practice Implications" in said
    assert said.endswith("Now run `check`: it names each post that still needs a topic.\n")
    assert "topics: []" in post


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ([paragraph("A Title", style="heading 1"), paragraph("One.")], "One.\n"),
        ([paragraph("March 2025"), paragraph("A Title"), paragraph("One.")], "One.\n"),
        ([*BODY, paragraph("Method", style="heading 1"), paragraph("Two.")],
         "The text.\n\n## Method\n\nTwo.\n"),
        ([*BODY, paragraph("•\tone"), paragraph("•\ttwo")], "The text.\n\n- one\n- two\n"),
        ([*BODY, paragraph("one", list_number=2), paragraph("two", list_number=2)],
         "The text.\n\n1. one\n2. two\n"),
        ([*BODY, paragraph("Words of another.", style="Quote")], "The text.\n\n> Words of another.\n"),
        ([*BODY, paragraph(run("a", "strike"), " ", run("b", 'u w:val="single"'))],
         "The text.\n\n<s>a</s> <u>b</u>\n"),
        ([*BODY, paragraph("a", "<w:r><w:br/></w:r>", "b")], "The text.\n\na  \nb\n"),
        ([*BODY, paragraph("References", style="heading 1"), paragraph(REFERENCE)], "The text.\n"),
    ],
)  # fmt: skip
def test_what_word_can_say_is_said_in_markdown(body, wanted, site):
    assert body_of(word_file(*body), site) == wanted


def test_references_at_the_end_become_works_that_are_cited(site):
    body = [
        *BODY,
        paragraph("References"),
        paragraph(REFERENCE),
        paragraph("A talk by A. Ek, never printed."),
    ]
    post = imported(word_file(*body), site, "--date", "2026-03")[2]
    assert (f'text: "{REFERENCE}"' in post, 'text: "A talk by A. Ek, never printed."' in post) == (True, True)


def test_everything_that_is_left_behind_is_reported(site):
    deleted = '<w:del w:author="A"><w:r><w:delText>old</w:delText></w:r></w:del>'
    changed = f'<w:ins w:author="A">{run("new")}</w:ins>{deleted}'
    formula = "<m:oMath><m:r><m:t>x</m:t></m:r></m:oMath>"
    comment = '<w:r><w:commentReference w:id="0"/></w:r>'
    header = f'<w:hdr xmlns:w="{W}">{paragraph("Confidential")}</w:hdr>'
    hidden = run("for the editor", "vanish")
    body = [*BODY, paragraph(hidden), paragraph(changed), paragraph(formula, comment, PICTURE.format(""))]
    _, said, _ = imported(word_file(*body, parts={"word/header1.xml": header}), site)
    for what in (
        "comments were left behind: 1",
        "tracked deletions were left behind: 1",
        "tracked insertions are in the text: 1",
        "words that Word hides are in the text: 1",
        "formulas were left behind: 1",
        "headers and footers of the page were left behind: 1",
        "a picture was left behind below 'new'",
    ):
        assert what in said


def bomb() -> bytes:
    """A Word file of a few kilobytes whose text is 100 MB long."""
    return word_file(*BODY, parts={"word/endnotes.xml": " " * 100_000_000})


def other_zip(name: str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr(name, "x")
    return written.getvalue()


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
ENTITIES = f'<!ENTITY a "{"x" * 50}"><!ENTITY b "{"&a;" * 50}">'
BOMB = f'<!DOCTYPE d [{ENTITIES}]><w:document xmlns:w="{W}">&b;</w:document>'


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (OLE + "WordDocument".encode("utf-16-le"), "this is an Office file of the old kind, such as .doc"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "the Word file is protected by a password"),
        (LETTER[: len(LETTER) // 2], "the Word file is damaged or cut off"),
        (LETTER[:-30], "the Word file is damaged or cut off"),
        (LETTER[:2], "the Word file is damaged or cut off"),
        (b"Dear reader,\n", "the Word file is damaged or cut off"),
        (b"lost" + LETTER, "the Word file is damaged or cut off"),
        (word_file(), "the post has no title and no text that can be read"),
        (word_file(BODY[0]), "the post 'A Title' has no text that can be read"),
        (bomb(), "its text is longer than the 10 MB that can be read"),
        (
            word_file(parts={"word/document.xml": BOMB}),
            "it has a document type (<!DOCTYPE>), which is refused",
        ),
        (word_file("<w:p>" * 300 + "</w:p>" * 300), "elements are nested too deep"),
        (other_zip("xl/workbook.xml"), "this is an Excel file, which cannot be imported"),
        (other_zip("ppt/presentation.xml"), "this is a PowerPoint file, which cannot be imported"),
        (other_zip("content.xml"), "this is an OpenDocument file, which cannot be imported"),
        (other_zip("posts/a.md"), "this is a compressed file, which cannot be imported"),
        (b"%PDF-1.7 \xff", "this is a PDF file, which cannot be imported"),
        (b"{\\rtf1 text}", "this is a file in Rich Text Format (.rtf), which cannot be imported"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_no_whole_word_file_gets_its_own_message(data, what, site):
    code, said, post = imported(data, site)
    assert (code, post, said.splitlines()[0]) == (1, "", f"letter.docx: {what}")


def test_a_topic_or_date_that_there_is_not_stops_the_import(site):
    code, said, post = imported(LETTER, site, "--topic", "Alhpa")
    assert (code, post, "--topic: nothing is called 'Alhpa'. Did you mean 'Alpha' (alpha)?" in said) == (
        2,
        "",
        True,
    )
    code, said, post = imported(LETTER, site, "--date", "2026-13")
    assert (code, post, "--date is not a date: '2026-13'" in said) == (2, "", True)


def test_a_link_within_the_letter_becomes_words_and_is_reported(site):
    body = paragraph(
        '<w:hyperlink w:anchor="there">' + run("below") + "</w:hyperlink>", " is ", link("a page", 1)
    )
    data = word_file(*BODY, body, links=("https://example.org/",))
    _, said, post = imported(data, site)
    assert "in the post 'A Title': links within the post became words (1)" in said
    assert post.endswith("below is [a page](https://example.org/)\n")
