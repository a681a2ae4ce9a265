"""The letter of a month: one draft of a mail, the same at every run, that any mail program shows."""

from __future__ import annotations

import email
import email.policy
import html
import re
from email.message import EmailMessage
from pathlib import Path

import html5lib
import pytest

from browser import axe, chromium
from service import command, invoke, serving
from works import make_site

POST = """\
---
title: "{title}"
date: {date}
topics: [{topic}]
{keys}---
They asked *many* people, see [the table](#t){{.x}}.

Nobody reads this in a letter.

## Practice Implications

- Ask, and then wait for as long as it takes until somebody has something to say about it.
- Listen.

| a | b |
| --- | --- |
| 1 | ![The curve](/curve.png) |
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    site = make_site(tmp_path / "site")
    keys = (
        'cites:\n  - text: "Ek, A. (2019). Calm. Talk, 20, 3-9. https://doi.org/10.5555/calm.20"\n'
        "    notice: {kind: retraction, date: 2024-03-09, doi: 10.5555/calm.20.r}\n"
        "    open_access: {url: https://repo.example.org/c.pdf, version: acceptedVersion, licence: cc-by}\n"
    )
    post(site, "2022-02-calm", "Calm & “difficult” hours", "2022-02", "alliance", keys)
    post(site, "2022-02-tea", "Tea", "2022-02-20", "sleep", "")
    old = site / "posts/2021-02-corrected.md"
    edit = "date: 2021-02\nupdated: 2022-02-10\nstatus: corrected\nnote: The sums were wrong."
    old.write_text(old.read_text().replace("date: 2021-02", edit))
    return site


def post(site: Path, name: str, title: str, date: str, topic: str, keys: str) -> None:
    text = POST.format(title=title, date=date, topic=topic, keys=keys)
    (site / f"posts/{name}.md").write_text(text)


def letter(site: Path, *arguments: str) -> str:
    done = invoke("letter", *arguments, "--site", str(site))
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


TEXT = """\
Studies and What Became of Them, February 2022
------------------------------------------------------------------------

Tea
------------------------------------------------------------------------

They asked many people, see the table
<https://studies.example.org/posts/2022-02-tea/#2022-02-tea-t>{.x}.

Practice Implications

- Ask, and then wait for as long as it takes until somebody has
  something to say about it.

- Listen.

a | b

1 | The curve

Read “Tea” on the web <https://studies.example.org/posts/2022-02-tea/>

Calm & “difficult” hours
------------------------------------------------------------------------

The study summarised here was retracted on 9 March 2024. Read the notice
<https://doi.org/10.5555/calm.20.r>

They asked many people, see the table
<https://studies.example.org/posts/2022-02-calm/#2022-02-calm-t>{.x}.

Practice Implications

- Ask, and then wait for as long as it takes until somebody has
  something to say about it.

- Listen.

a | b

1 | The curve

Ek, A. (2019). Calm. Talk, 20, 3-9. https://doi.org/10.5555/calm.20 Free
to read <https://repo.example.org/c.pdf> (accepted manuscript, CC BY)

Read “Calm & “difficult” hours” on the web
<https://studies.example.org/posts/2022-02-calm/>

Corrections
------------------------------------------------------------------------

A corrected study <https://studies.example.org/posts/2021-02-corrected/>

Corrected. The sums were wrong.

------------------------------------------------------------------------
On the web: https://studies.example.org/issues/2022-02/
Subscribe: https://list.example.org/join
Unsubscribe: https://list.example.org/leave?list=month
"""


def test_the_text_reads_well_in_72_columns(site: Path):
    assert letter(site, "2022-02", "--text") == TEXT


def test_the_letter_is_a_draft_with_both_parts_and_the_same_bytes_at_each_run(site: Path, tmp_path: Path):
    files = [tmp_path / "one.eml", tmp_path / "two.eml"]
    for file, zone in zip(files, ("Asia/Tokyo", "America/Toronto"), strict=True):
        done = command("letter", "2022-02", "--site", str(site), "--output", str(file), TZ=zone, LC_ALL="C")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    sent = files[0].read_bytes()
    assert sent == files[1].read_bytes()
    message = email.message_from_bytes(sent, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert message.defects == []
    assert {name: message[name] for name in message if name != "Content-Type"} == {
        "Subject": "Studies and What Became of Them, February 2022",
        "X-Unsent": "1",
        "List-Unsubscribe": "<https://list.example.org/leave?list=month>",
        "MIME-Version": "1.0",
    }
    assert message.get_content_type() == "multipart/alternative"
    text, page = message.iter_parts()
    assert [part.get_content_type() for part in (text, page)] == ["text/plain", "text/html"]
    assert text.get_content().replace("\r", "") == TEXT
    assert page.get_content().replace("\r", "") == letter(site, "2022-02", "--html")
    assert sent.isascii()
    assert b"\n" not in sent.replace(b"\r\n", b"")


def test_the_page_of_a_letter_needs_no_picture_and_no_other_file_and_every_link_is_absolute(site: Path):
    page = letter(site, "2022-02", "--html")
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    elements = list(parser.parse(page).iter())
    assert parser.errors == []
    assert {element.tag for element in elements}.isdisjoint({"img", "script", "link", "iframe", "form"})
    links = [element.get("href") for element in elements if element.tag == "a"]
    assert links
    assert [link for link in links if not link.startswith("https://")] == []
    assert "https://list.example.org/leave?list=month" in links
    assert all(
        "style" in element.attrib for element in elements if element.tag in ("h1", "h2", "h3", "p", "td")
    )
    assert "prefers-color-scheme: dark" in page


def test_the_feed_of_issues_has_the_same_body(site: Path):
    page = letter(site, "2022-02", "--html")
    with serving(site) as service:
        items = service.ask("/issues/feed.rss").body.decode()
    (body,) = re.findall(
        r"<title>February 2022</title>.*?<content:encoded>(.*?)</content:encoded>", items, re.S
    )
    plain = re.sub(r' style="[^"]*"', "", page)
    words = [re.sub(r"\s+", " ", text) for text in (html.unescape(html.unescape(body)), html.unescape(plain))]
    assert words[0].strip() in words[1]


def test_a_post_in_another_language_is_marked_and_numbers_stand_below_each_other(site: Path):
    post(site, "2022-02-tamas", "تماس", "2022-02-21", "sleep", "language: fa\n")
    path = site / "posts/2022-02-tamas.md"
    path.write_text(path.read_text().replace("| --- | --- |", "| --- | --: |"))
    page = letter(site, "2022-02", "--html")
    (marked,) = re.findall(r'<div lang="fa" dir="auto"[^<>]*>(.*?)</div>', page, re.S)
    assert "تماس</a></h2>" in marked
    heads = re.findall(r"<th\b[^<>]*>", marked)
    assert ["start" in head for head in heads] == [True, False]
    assert 'align="right"' in heads[1]
    entry = serve_issue(site)
    assert '<div lang="fa" dir="auto">' in entry


def serve_issue(site: Path) -> str:
    with serving(site) as service:
        return html.unescape(service.ask("/issues/feed.rss").body.decode())


def test_a_letter_of_one_topic_has_its_posts_and_corrections_only(site: Path):
    text = letter(site, "2022-02", "--text", "--topic", "Sleep")
    assert text.startswith("Studies: Sleep, February 2022\n")
    assert "Calm" not in text
    assert "Corrections" not in text


def test_a_correction_after_a_letter_is_in_the_next_one_only(site: Path):
    post(site, "2022-03-later", "Later", "2022-03", "sleep", "")
    assert "The sums were wrong." in letter(site, "2022-02", "--text")
    assert "Corrections" not in letter(site, "2022-03", "--text")
    old = site / "posts/2021-02-corrected.md"
    old.write_text(old.read_text().replace("updated: 2022-02-10", "updated: 2022-02-25"))
    assert "Corrections" not in letter(site, "2022-02", "--text")
    assert "The sums were wrong." in letter(site, "2022-03", "--text")
    (site / "posts/2022-03-later.md").unlink()
    assert "The sums were wrong." in letter(site, "2022-02", "--text")


@pytest.mark.parametrize("word", ["Word ", "Слово ", "<i>x</i>"])
def test_a_letter_of_a_large_month_is_under_100_kb(site: Path, word: str):
    for number in range(60):
        post(site, f"2022-02-{number}", f"Post {number}", f"2022-02-{number % 20 + 1:02}", "sleep", "")
        with (site / f"posts/2022-02-{number}.md").open("a") as file:
            file.write("\n" + word * (20_000 if number == 3 else 200) + "\n")
    sent = letter(site, "2022-02")
    assert len(sent.encode()) < 100_000
    text = letter(site, "2022-02", "--text")
    (left,) = re.findall(r"^([0-9]+) more: the page of this month$", text, re.M)
    assert text.count("on the web") + int(left) >= 62


ERRORS = {
    ("2022-13",): (2, "this is not a month: '2022-13'. Write it like 2026-03."),
    ("2022-04",): (1, "2022-04 has no posts. Nothing was written."),
    ("2021-02", "--topic", "sleep"): (1, "2021-02 has no posts on this topic. Nothing was written."),
    ("2022-02", "--topic", "slep"): (2, "--topic: nothing is called 'slep'. Did you mean 'Sleep' (sleep)?"),
}


@pytest.mark.parametrize(("arguments", "outcome"), ERRORS.items())
def test_a_letter_that_cannot_be_written_says_why(
    site: Path, arguments: tuple[str, ...], outcome: tuple[int, str]
):
    done = invoke("letter", *arguments, "--site", str(site))
    assert (done.returncode, done.stdout) == (outcome[0], "")
    assert done.stderr.splitlines()[-1] == f"Error: {outcome[1]}"


def test_a_letter_wants_a_base_url(site: Path):
    settings = site / "feeds/site.yaml"
    settings.write_text(settings.read_text().replace("base_url", "#base_url"))
    done = invoke("letter", "2022-02", "--site", str(site))
    assert done.returncode == 1
    assert "no base_url is set" in done.stdout


@pytest.mark.slow
def test_the_page_of_a_letter_is_accessible_and_fits_in_light_and_in_dark(site: Path, tmp_path: Path):
    file = tmp_path / "letter.html"
    file.write_text(letter(site, "2022-02", "--html"))
    with chromium() as browser:
        for width in (600, 320):
            for scheme in ("light", "dark"):
                page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
                page.goto(file.as_uri())
                assert axe(page) == []
                assert page.evaluate("document.documentElement.scrollWidth") == width
                page.close()


@pytest.mark.parametrize("title", ["Plain", "日本語 " * 40])
def test_no_line_of_an_encoded_part_is_longer_than_the_standard_allows(site: Path, title: str):
    post(site, "2022-02-long", title, "2022-02", "alliance", "")
    _, *parts = letter(site, "2022-02").split("\n\n--")  # RFC 2045 §6.7 and §6.8
    assert {len(line) <= 76 for part in parts for line in part.splitlines()} == {True}
