"""Every fix fits its problem: what an editor does after reading it makes things better, and never worse."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from service import ROOT, invoke

HARM = "posts/2020-12-how-does-therapy-harm.md"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name in ("posts", "feeds"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def said(site: Path, *arguments: str, code: int = 0, **environ: str) -> str:
    done = invoke(*arguments, "--site", str(site), **environ)
    assert (done.returncode, done.stderr) == (code, ""), done
    return done.stdout


def published(site: Path) -> None:
    said(site, "publish", PPRNET_BASE_URL="https://feeds.example.org")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (
            b"PK\x03\x04\x14\x00\x06\x00" + bytes(range(256)),
            "a document of Word or of another word processor",
        ),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "a document of an old Word (.doc)"),
        (b"{\\rtf1\\ansi Text.}", "a document of a word processor (.rtf)"),
        (b"%PDF-1.7\n", "a PDF"),
    ],
)
def test_a_document_saved_under_the_name_of_a_post_is_called_that(site: Path, data: bytes, kind: str):
    (site / "posts/2022-02-silence.md").write_bytes(data)
    assert said(site, "check", code=1) == (
        f"posts/2022-02-silence.md: this is {kind}, whatever its name says\n"
        "    Save it in that program as a .docx file, outside posts/, and type: "
        "pprnet-feeds import FILE.docx; then take this file away.\n\n"
        "1 problem in 1 file. Nothing was published.\n"
    )


def test_a_word_file_among_the_posts_is_to_be_imported(site: Path):
    (site / "posts/2022").mkdir()
    (site / "posts/2022/Letter.docx").write_bytes(b"PK")
    assert (
        "    Make a post of it: pprnet-feeds import posts/2022/Letter.docx; then move it out of posts/.\n"
        in (said(site, "check"))
    )


@pytest.mark.parametrize(
    "name",
    [
        *("2020-12-how-does-therapy-harm - Copy.md", "2020-12-how-does-therapy-harm (1).md"),
        *("2020-12-how-does-therapy-harm copy 2.md", "Copy of 2020-12-how-does-therapy-harm.md"),
        *("2022-02-another-name.md", "Another Name.md", "2020-12-how-does-therapy-harm - Copy (2).md"),
    ],
)
def test_a_copied_file_is_called_a_copy_and_is_not_to_be_renamed(site: Path, name: str):
    if " " not in name:  # published or not
        published(site)
    shutil.copy(site / HARM, site / "posts" / name)
    assert said(site, "check", code=1) == (
        f"posts/{name}: this is a copy of {HARM}\n"
        "    Take it out of posts/; or make another post of it, with a name, a title and a text "
        "of its own.\n\n1 problem in 1 file. Nothing was published.\n"
    )


def test_a_copy_is_known_by_its_name_when_somebody_has_edited_it(site: Path):
    copy = site / "posts/2020-12-how-does-therapy-harm (1).md"
    copy.write_text((site / HARM).read_text("utf-8") + "\nMore.\n", "utf-8")
    assert f"(1).md: this is a copy of {HARM}\n" in said(site, "check", code=1)


def test_a_copy_with_the_same_id_is_a_copy_and_gets_no_other_id(site: Path):
    text = (site / HARM).read_text("utf-8").replace("---\n", "---\nid: harm\n", 1)
    (site / HARM).write_text(text, "utf-8")
    (site / "posts/2022-02-b.md").write_text(text, "utf-8")
    assert said(site, "check", code=1).startswith(f"posts/2022-02-b.md: this is a copy of {HARM}\n")


def test_two_short_notes_and_two_fresh_drafts_may_be_alike(site: Path):
    for number in (1, 2):
        text = "---\ntitle: Closed\ndate: 2022-02\ntopics: [Training]\n---\nNo post this month.\n"
        (site / f"posts/2022-02-closed-{number}.md").write_text(text)
        said(site, "new", "A Draft", "--topic", "Training", "--date", "2022-03")
    assert said(site, "check").endswith("10 posts (2 draft), no problems\n")


def test_a_post_renamed_and_edited_at_once_is_recognised_before_anything_else_is_offered(site: Path):
    published(site)
    text = (site / HARM).read_text("utf-8").replace("How Does Therapy Harm?", "When Therapy Harms")
    (site / HARM).unlink()
    new = site / "posts/2020-12-when-therapy-harms.md"
    new.write_text(text.replace("Practice Implications", "Practice Implications\n\nBe careful.\n"), "utf-8")
    plan = said(site, "plan", code=1)
    fix = re.search(r"\n +(If .*)\n", plan)[1]
    assert fix.startswith(
        f"If posts/{new.name} is that post, write `id: 2020-12-how-does-therapy-harm` into it. If it is not: "
    )
    assert fix.index("write `id:") < fix.index("--forget")
    new.write_text(
        new.read_text("utf-8").replace("---\n", "---\nid: 2020-12-how-does-therapy-harm\n", 1), "utf-8"
    )
    plan = said(site, "plan")
    assert "new." not in plan
    assert "/posts/2020-12-how-does-therapy-harm/ leads to /posts/2020-12-when-therapy-harms/" in plan


@pytest.mark.parametrize(
    ("change", "kind", "code"),
    [
        (lambda text: text.replace("date: 2020-12", "date: 2019-03"), "nothing", 0),
        (lambda text: text.replace("---\n", "---\nslug: harm\n", 1), "moved", 0),
        (lambda text: text.replace("---\n", "---\nid: harm\n", 1), "id changed", 1),
        (lambda text: text.replace('title: "', 'title: "Again: '), "silently edited", 0),
        (lambda text: text.replace("---\n", "---\nupdated: 2021-02\n", 1), "re-notified", 0),
    ],
)
def test_what_the_pages_say_of_a_change_is_what_plan_does(site: Path, change, kind: str, code: int):
    published(site)
    (site / HARM).write_text(change((site / HARM).read_text("utf-8")), "utf-8")
    words = "Subscribers will notice nothing." if kind == "nothing" else f"1 {kind}. "
    assert said(site, "plan", code=code).startswith(words)


def test_a_renamed_file_is_only_moved(site: Path):
    published(site)
    (site / HARM).rename(site / "posts/2020-12-harm.md")
    assert said(site, "plan").startswith("1 moved. ")


def test_an_unrelated_new_post_is_not_taken_for_a_lost_one(site: Path):
    published(site)
    (site / HARM).unlink()
    text = "---\ntitle: Doors\ndate: 2022-02\ntopics: [Training]\n---\nDoors open.\n"
    (site / "posts/2022-02-doors.md").write_text(text)
    assert "If posts/" not in said(site, "plan", code=1)


@pytest.mark.parametrize("command", ["check", "plan", "publish", "serve"])
def test_an_empty_folder_is_first_of_all_no_site(tmp_path: Path, command: str):
    first, second = said(tmp_path, command, code=1).splitlines()[:2]
    assert first == ".: there is no site here: this folder has neither posts/ nor feeds/"
    assert second == (
        "    Go to the folder that has them, name it with --site, or begin one: pprnet-feeds init DIR"
    )


@pytest.mark.parametrize(
    ("name", "value", "fix"),
    [
        ("PPRNET_BASE_URL", "feeds.example.org", "PPRNET_BASE_URL=https://example.org/blog"),
        ("PPRNET_ENTRIES", "all", "PPRNET_ENTRIES=30"),
        ("PPRNET_HUBS", "https://a.example/,hub", "PPRNET_HUBS=https://hub.example/"),
        ("PPRNET_TIME_ZONE", "Toronto", "PPRNET_TIME_ZONE=America/Toronto"),
        ("PPRNET_CACHE_MAX_AGE", "-1", "PPRNET_CACHE_MAX_AGE=900"),
        ("PPRNET_AUTHOR_ORCID", "1", "PPRNET_AUTHOR_ORCID=0000-0002-1825-0097"),
    ],
)
def test_a_fault_in_a_variable_is_mended_in_the_form_of_a_variable(
    site: Path, name: str, value: str, fix: str
):
    _, second, _, last = said(site, "check", code=1, **{name: value}).splitlines()
    assert (second, last) == (
        f"    Set it like {fix}.",
        "1 problem in 1 environment variable. Nothing was published.",
    )


def test_numbers_agree_with_their_nouns(site: Path):
    published(site)
    text = "---\ntitle: Doors\ndate: 2022-02\ntopics: [Training]\n---\nDoors open.\n"
    (site / "posts/2022-02-doors.md").write_text(text)
    assert "1 new. Readers show it as a new post.\n" in said(site, "plan")
    (site / "posts/2022-02-gates.md").write_text(text.replace("Doors", "Gates"))
    assert "2 new. Each of them: readers show it as a new post.\n" in said(site, "plan")
    (site / "posts/2022-02-gates.md").write_text("")
    said_once = said(site, "check", code=1, PPRNET_ENTRIES="x", PPRNET_HUBS="x")
    assert said_once.endswith(
        "3 problems and 1 warning in 2 files and 2 environment variables. Nothing was published.\n"
    )
    for line in invoke("plan", "--site", str(site), "--format", "text").stdout.splitlines():
        assert not re.search(r"\b1 (?:feeds|files|posts|problems|warnings)\b", line)


@pytest.mark.parametrize("command", ["check", "plan", "publish"])
def test_drafts_and_scheduled_posts_are_listed_also_beside_a_problem(site: Path, command: str):
    said(site, "new", "A Draft", "--topic", "Training", "--date", "2022-03")
    text = "---\ntitle: Later\ndate: {}\ntopics: [Training]\n---\nText.\n"
    (site / "posts/later.md").write_text(text.format("2199-01-01"))
    (site / "posts/wrong.md").write_text(text.format("soon"))
    lines = said(site, command, code=1).splitlines()
    assert lines[-5:] == [
        "Readers do not see these yet (times of America/Toronto):",
        "  posts/2022-03-a-draft.md: a draft",
        "  posts/later.md: appears on 2199-01-01 at 12:00",
        "",
        "1 problem and 1 warning in 2 files. Nothing was published.",
    ]
    if command == "plan":
        found = json.loads(invoke("plan", "--site", str(site), "--format", "json").stdout)
        assert [each["file"] for each in found["problems"]] == ["posts/later.md", "posts/wrong.md"]


def test_a_published_post_that_is_a_draft_again_is_called_that(site: Path):
    published(site)
    text = (site / HARM).read_text("utf-8").replace("---\n", "---\ndraft: true\n", 1)
    (site / HARM).write_text(text, "utf-8")
    plan = said(site, "plan", code=1)
    assert f"\n  {HARM} (it is a draft)\n" in plan
    fix = f"Take `draft: true` out of {HARM}; or publish with --forget 2020-12-how-does-therapy-harm."
    assert f"\n      {fix}\n" in plan


def test_two_files_that_cannot_be_read_are_no_copies(site: Path):
    for name in ("2022-02-a", "2022-02-b"):
        (site / f"posts/{name}.md").mkdir()
    assert said(site, "check", code=1).startswith(
        "posts/2022-02-a.md: this is not a regular file\n    Take it out of this folder.\n"
        "posts/2022-02-b.md: this is not a regular file\n"
    )


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "cites:\n  - text: A\n    type: journal article",
            "posts/a.md:7: no type of work is called 'journal article'\n"
            "    Did you mean `article-journal`?\n",
        ),
        ("Title: B", "posts/a.md:4: no key is called 'Title'\n    Did you mean `title`?\n"),
    ],
)
def test_what_is_said_of_a_slip_is_true_and_said_once(site: Path, line: str, told: str):
    title = "" if line.startswith("Title") else "title: A\n"
    text = f"---\n{title}date: 2022-01\ntopics: [training]\n{line}\n---\nText.\n"
    (site / "posts/a.md").write_text(text)
    assert said(site, "check", code=1) == f"{told}\n1 problem in 1 file. Nothing was published.\n"


def test_a_retracted_study_that_gets_a_doi_is_not_announced_again(site: Path):
    path = site / "posts/a.md"
    study = 'cites:\n  - text: "{} (2020). Calm. Talk, 4, 7-19."\n    notice: {{kind: retraction}}\n'
    front = f"---\ntitle: A\ndate: 2022-01\ntopics: [training]\n{study.format('Ek, A.')}"
    path.write_text(f"{front}---\nText.\n")
    published(site)
    path.write_text(f"{front}    doi: 10.5555/calm\n---\nText.\n")
    assert said(site, "plan").startswith("1 silently edited.")
    published(site)
    path.write_text(f"{front}    doi: 10.5555/calm\n{study.format('Lind, K.')[7:]}---\nText.\n")
    assert said(site, "plan").startswith("1 re-notified.")
    path.write_text(f"{front}    doi: 10.5555/calm\n---\nText.\n".replace("retraction", "concern"))
    assert said(site, "plan").startswith("1 re-notified.")


def test_a_post_that_comes_back_from_a_withdrawal_is_called_that(site: Path):
    published(site)
    path, text = site / HARM, (site / HARM).read_text("utf-8")
    path.write_text(text.replace("\ndate:", "\nstatus: withdrawn\ndate:", 1), "utf-8")
    published(site)
    path.write_text(text, "utf-8")
    assert f"  {HARM} (its status; programs that removed it show it as new)\n" in said(site, "plan")


def test_a_post_that_was_shown_and_is_put_off_is_to_get_its_date_again(site: Path):
    path, text = site / "posts/a.md", "---\ntitle: A\ndate: 2061-05-04\ntopics: [training]\n---\nText.\n"
    path.write_text(text)
    published(site)
    ledger = site / "feeds/ledger.json"
    record = re.compile(r'("id": "a".*?"published": ")2061-05(-04.*?"updated": ")2061-05')
    seen = record.sub(r"\g<1>2022-01\g<2>2022-01", ledger.read_text("utf-8"))
    ledger.write_text(re.sub(r'("id": "a".*?"changed": ")2...', r"\g<1>2021", seen), "utf-8")
    told = said(site, "plan", code=1)
    assert "  posts/a.md (it is scheduled)\n" in told
    assert "      Write `date: 2022-01-04` into posts/a.md; or publish with --forget a.\n" in told
