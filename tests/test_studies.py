"""`studies` and what it writes: the registries' answers, the posts, and what subscribers get of both."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from pprnet_feeds.content.model import Citation, Notice
from pprnet_feeds.content.site import read_site
from pprnet_feeds.publishing.postfile import with_citation
from service import ROOT, command, invoke, serving
from works import PLAIN, POSTS, Works, copy, make_site, work, works_running

RETRACTED = "The study summarised here was retracted on 9 March 2024."


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return make_site(tmp_path / "site")


@pytest.fixture
def works() -> Iterator[Works]:
    with works_running() as running:
        yield running


def studies(site: Path, works: Works, *arguments: str, **environ: str) -> Any:
    registries = {"PPRNET_CROSSREF_URL": works.base, "PPRNET_UNPAYWALL_URL": works.base}
    cache = {"XDG_CACHE_HOME": str(site.parent / "cache"), "no_proxy": "*"}
    return invoke("studies", "--site", str(site), *arguments, **registries | cache | environ)


REPORT = """\
posts/2021-01-retracted.md:8: the study was retracted on 9 March 2024 (10.5555/calm.20.r)
    Source: Crossref, from Retraction Watch. `--write` writes it.
posts/2021-01-retracted.md:8: the study is free to read: https://repo.example.org/calm.pdf (acceptedVersion, cc-by-nc)
    Source: Unpaywall. `--write` writes it.
posts/2021-02-corrected.md:6: the study was corrected on 6 May 2020 (10.5555/sums.e)
    Source: Crossref, from the publisher. `--write` writes it.
posts/2021-03-of-concern.md:5: the study received an expression of concern on 30 November 2023 (10.5555/rest.e)
    Source: Crossref, from the publisher. `--write` writes it.
posts/2021-04-reinstated.md:6: the study was reinstated on 2021-02-03
    Source: Crossref. `--write` writes it.
posts/2021-05-no-doi.md:5: the study has no `doi`: it is 10.5555/walk
    Source: Crossref, by title, year and first author. `--write` writes it.
posts/2021-06-wrong-doi.md:6: Crossref knows no work with the DOI 10.5555/unknown
    Source: Crossref; compare it with the one printed.
posts/2021-06-wrong-doi.md:7: the DOI 10.5555/sums is of another work: 'Sums of talk'
    Source: Crossref; compare it with the one printed.
8 cited works, 8 findings.
"""  # noqa: E501
WRITTEN = {
    "2021-01-retracted": (
        "    doi: 10.5555/calm.20\n",
        "    doi: 10.5555/calm.20\n"
        '    notice: {kind: retraction, date: 2024-03-09, doi: "10.5555/calm.20.r"}\n'
        '    open_access: {url: "https://repo.example.org/calm.pdf", version: "acceptedVersion", '
        'licence: "cc-by-nc"}\n',
    ),
    "2021-02-corrected": (
        '- "Ott, P. (2018). Sums of talk. World of Talk, 18, 1-9. https://doi.org/10.5555/sums"\n',
        '- text: "Ott, P. (2018). Sums of talk. World of Talk, 18, 1-9. https://doi.org/10.5555/sums"\n'
        '  notice: {kind: correction, date: 2020-05-06, doi: "10.5555/sums.e"}\n',
    ),
    "2021-03-of-concern": (
        "10.5555/rest}]  # one",
        '10.5555/rest, notice: {kind: concern, date: 2023-11-30, doi: "10.5555/rest.e"}}]  # one',
    ),
    "2021-04-reinstated": ("    notice: {kind: retraction, date: 2020-01-05, doi: 10.5555/dreams.r}\n", ""),
    "2021-05-no-doi": (
        'citation: "Falk, I. (2015). Walking in the evening: A trial of many steps. Rest, 3(1), 5-9."\n',
        "cites:\n"
        '  - text: "Falk, I. (2015). Walking in the evening: A trial of many steps. Rest, 3(1), 5-9."\n'
        '    doi: "10.5555/walk"\n',
    ),
    "2021-06-wrong-doi": ("", ""),
}


def test_every_finding_is_reported_with_its_line_and_source_and_then_written(site: Path, works: Works):
    before = {path: path.read_bytes() for path in site.rglob("*.md")}
    done = studies(site, works)
    assert (done.returncode, done.stdout, done.stderr) == (1, REPORT, "")
    assert before == {path: path.read_bytes() for path in site.rglob("*.md")}
    done = studies(site, works, "--write")
    assert (done.returncode, done.stdout) == (1, REPORT.replace("`--write` writes it.", "Written."))
    for name, front in POSTS.items():
        old, new = WRITTEN[name]
        text = f"---\n{front.replace(old, new) if old else front}---\n{PLAIN}"
        assert (site / f"posts/{name}.md").read_text() == text
    done = studies(site, works, "--write")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "8 cited works, 2 findings.")
    assert invoke("check", "--site", str(site)).returncode == 0


@pytest.mark.slow
def test_the_registries_are_told_who_asks_and_asked_once_a_day(site: Path, works: Works):
    studies(site, works)
    assert len(works.asked) == 13
    assert works.asked[:2] == [
        "/works/10.5555/calm.20?mailto=editor%40studies.example.org",
        "/v2/10.5555/calm.20?email=editor%40studies.example.org",
    ]
    assert works.agents == {"pprnet-feeds/0.1.0 (mailto:editor@studies.example.org)"}
    studies(site, works)
    assert len(works.asked) == 13
    for stored in (site.parent / "cache").rglob("*.json"):
        stored.write_text(stored.read_text().replace('{"asked": "20', '{"asked": "19'))
    studies(site, works)
    assert len(works.asked) == 26


def test_findings_are_annotations_of_a_pull_request_or_json_for_programs(site: Path, works: Works):
    done = studies(site, works, "--format", "github")
    assert done.stdout.splitlines()[0] == (
        "::warning file=posts/2021-01-retracted.md,line=8::the study was retracted on 9 March 2024 "
        "(10.5555/calm.20.r). Source: Crossref, from Retraction Watch. `--write` writes it."
    )
    found = json.loads(studies(site, works, "--format", "json").stdout)
    assert [(each["file"][6:13], each["line"]) for each in found["problems"]] == [
        *(("2021-01", 8), ("2021-01", 8), ("2021-02", 6), ("2021-03", 5), ("2021-04", 6), ("2021-05", 5)),
        *(("2021-06", 6), ("2021-06", 7)),
    ]


def test_nobody_is_asked_without_a_contact(site: Path, works: Works):
    settings = site / "feeds/site.yaml"
    settings.write_text(settings.read_text().replace("contact: ", "#contact: "))
    done = studies(site, works)
    line = "The registries want an e-mail address: set `contact` in feeds/site.yaml, or PPRNET_CONTACT.\n"
    assert (done.returncode, done.stdout, done.stderr, works.asked) == (2, "", line, [])
    assert studies(site, works, PPRNET_CONTACT="me@example.org").returncode == 1
    assert works.asked[0].endswith("mailto=me%40example.org")


@pytest.mark.slow
def test_a_registry_that_asks_for_patience_gets_it(site: Path, works: Works):
    works.first = [(429, {"Retry-After": "1"}, b""), (503, {"Retry-After": "1"}, b"")]
    began = time.monotonic()
    done = studies(site, works)
    assert (done.returncode, done.stderr) == (1, "")
    assert time.monotonic() - began > 2


FAULTS = {
    (500, (), b"oops"): "{} answered 500",
    (302, (("Location", "/elsewhere"),), b""): "{} answered 302",
    (200, (), b"endless"): "{} answered with more than 1 MB",
    (200, (), b"<html>"): "{} sent no record of a work",
    (200, (), b'{"message": {"items": 3}}'): "{} sent no record of a work",
    (200, (), b'[[["x"]]]'): "{} sent no record of a work",
    (429, (("Retry-After", "86400"),), b""): "{} answered 429",
}


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "line"), FAULTS.items())
def test_a_registry_that_fails_costs_one_line(site: Path, works: Works, answer: Any, line: str):
    status, headers, body = answer
    works.always = (status, dict(headers), body)
    posts = [path.read_bytes() for path in site.rglob("*.md")]
    done = studies(site, works, "--write")
    assert (done.returncode, done.stdout) == (2, "8 cited works, 0 findings.\n")
    assert done.stderr == f"{line.format(works.base)}: 14 questions without an answer.\n"
    assert posts == [path.read_bytes() for path in site.rglob("*.md")]
    assert len(works.asked) == 2
    # What one registry says is not lost when the other fails.
    works.always = None
    done = studies(site, works, PPRNET_UNPAYWALL_URL="http://127.0.0.1:1")
    assert (done.returncode, done.stdout.count("    Source: Crossref")) == (2, 7)
    assert done.stderr.startswith("http://127.0.0.1:1 cannot be reached")


def test_a_run_that_was_stopped_goes_on_where_it_was(site: Path, works: Works):
    works.first = [(200, {}, json.dumps(works.answers["/works/10.5555/calm.20"]).encode())]
    works.always = (500, {}, b"")
    assert studies(site, works).returncode == 2
    works.always, works.asked[:] = None, []
    assert studies(site, works).returncode == 1
    assert "/works/10.5555/calm.20?mailto=editor%40studies.example.org" not in works.asked


NOTICES = {
    "text: x\n    notice: {date: 2026-03}": "`notice` has no `kind`",
    "text: x\n    notice: {kind: retracted}": "no kind of notice is called 'retracted'",
    "text: x\n    notice: {kind: concern, date: 2021}": "`date` is not a day: '2021'",
    "text: x\n    open_access: {licence: cc-by}": "`open_access` has no `url`",
}


@pytest.mark.parametrize(("typed", "what"), NOTICES.items())
def test_a_faulty_notice_is_a_problem_of_its_line(site: Path, typed: str, what: str):
    post = site / "posts/2021-05-no-doi.md"
    post.write_text(f"---\ntitle: T\ndate: 2021-05\ntopics: [sleep]\ncites:\n  - {typed}\n---\nA.\n")
    done = invoke("check", "--site", str(site))
    assert (done.returncode, done.stdout.splitlines()[0]) == (1, f"posts/2021-05-no-doi.md:7: {what}")


SHAPES = {
    "  - >-\n    Ek, A. (2019). Calm in\n    trials. Talk, 20, 3-9. 10.5555/calm.20\n": "\r\n",
    "  - Ek, A. (2019). Calm in\n    trials. Talk, 20, 3-9. 10.5555/calm.20\n": "\n",
    '  - {doi: 10.5555/calm.20, text: "Ek } 2019 Calm in trials"} # c\n': "\r\n",
    "  text: |-\n    Ek, A. Calm in trials, 2019.\n\n  doi: 10.5555/calm.20 # c\n\n": "\n",
    '  ["Lind", "Ek, A. (2019). Calm in trials. https://doi.org/10.5555/calm.20"]\n': "\r\n",
    "  - text: Ek 2019 Calm in trials\n    doi: 10.5555/calm.20\n    notice: {kind: concern} # d\n": "\n",
    "  - Ek, A. (2019). Calm in trials. Talk, 20, 3-9. 10.5555/calm.20\n": "\r",
}


@pytest.mark.parametrize(("cites", "line_end"), SHAPES.items())
def test_a_notice_is_written_however_the_study_is(site: Path, works: Works, cites: str, line_end: str):
    for path in site.glob("posts/*.md"):
        path.unlink()
    post = site / "posts/2021-01-one.md"
    text = f"---\ntitle: 'T' # a\ncites:\n{cites}# b\ndate: 2021-01\ntopics: [sleep]\n---\nA.\n"
    post.write_bytes(text.replace("\n", line_end).encode())
    done = studies(site, works, "--write")
    assert (done.returncode, " Written." in done.stdout) == (1, True)
    after = post.read_bytes().decode()
    assert "kind: retraction, date: 2024-03-09" in after
    assert after.startswith(f"---{line_end}title: 'T' # a{line_end}cites:{line_end}")
    assert after.endswith("# b\ndate: 2021-01\ntopics: [sleep]\n---\nA.\n".replace("\n", line_end))
    assert {*re.findall("\r\n|\r|\n", after)} == {line_end}
    assert studies(site, works, "--write").returncode == 0


@pytest.mark.slow
def test_a_notice_is_told_to_subscribers_once(tmp_path: Path, site: Path, works: Works):
    assert invoke("publish", "--site", str(site)).returncode == 0

    with serving(site) as service:
        reader = {path: service.ask(path).body for path in ("/feed.atom", "/corrections/feed.atom")}
        old = re.findall(rb"<updated>(.*?)</updated>", reader["/feed.atom"])
        assert studies(site, works, "--write").returncode == 1
        planned = command("plan", "--site", str(site))
        assert planned.stdout.startswith("3 re-notified. Each of them: readers show it again, as changed.\n")
        assert "  posts/2021-01-retracted.md (its study was retracted on 9 March 2024)\n" in planned.stdout
        assert (
            "      in 4 feeds: Studies and What Became of Them; Studies: Alliance; Studies, month by month; "
            "Studies: corrections\n" in planned.stdout
        )
        assert command("publish", "--site", str(site)).returncode == 0
        time.sleep(2.5)
        ledger = (site / "feeds/ledger.json").read_text()
        (moment,) = set(re.findall(r'"updated": "(20[^"]*)", "changed": "\1"', ledger))
        feed = service.ask("/feed.atom").body.decode()
        assert re.findall(r"<updated>(.*?)</updated>", feed)[:4] == [moment] * 4
        assert len(old) == 7
        corrections = service.ask("/corrections/feed.rss").body.decode()
        assert re.findall(r"<title>(.*: .*)</title>", corrections) == [
            *["Studies: corrections"] * 2,  # of the feed and of its image
            "Expression of concern: A study of concern",
            "Study corrected: A corrected study",
            "Study retracted: A retracted study",
        ]
        assert "<category>Study retracted</category>" in corrections
        page = service.ask("/posts/2021-02-corrected/").body.decode()
        assert (
            '<p class="note" role="note"><strong>The study summarised here was corrected on 6 May 2020.'
            in page
        )
        assert '"correction": {"@type": "CorrectionComment"' in page
        embed = service.ask("/embed").body.decode()
        assert "A study summarised here was retracted on 9 March 2024: Calm in trials." in embed
        assert "Free to read</a> (accepted manuscript, CC BY-NC)" in html.unescape(feed)
        for form, said in {
            "bib": "annote = {This work was retracted on 9 March 2024.",
            "ris": "N1  - This work was retracted on 9 March 2024. https://doi.org/10.5555/calm.20.r\r\n",
            "csl.json": '"note": "This work was retracted on 9 March 2024.',
        }.items():
            assert said in service.ask(f"/citations.{form}").body.decode()
    assert command("plan", "--site", str(site)).stdout.startswith("Subscribers will notice nothing")
    assert "Nothing to publish" in command("publish", "--site", str(site)).stdout


def test_faulty_settings_are_no_news(site: Path, works: Works):
    assert studies(site, works, PPRNET_CONTACT="nobody").returncode == 2
    (site / "feeds/topics.yaml").rename(site / "feeds/away.yaml")
    assert (studies(site, works).returncode, works.asked) == (2, [])


def test_annotations_begin_at_the_folder_of_the_repository(site: Path, works: Works):
    (site / "posts/faulty.md").write_text("no front matter\n")
    inside, outside = {"cwd": site.parent}, {"cwd": ROOT}
    for where, begin in ((inside, f"{site.name}/posts/"), (outside, "posts/"), ({"cwd": site}, "posts/")):
        done = invoke("check", "--format", "github", "--site", str(site), **where)
        found = re.findall(r"::\w+ file=([^,:]*)", done.stdout)
        assert f"{begin}faulty.md" in found
        assert [file for file in found if not file.startswith(begin)] == []
    text = invoke("check", "--site", site.name, **inside).stdout
    assert "\nposts/faulty.md:1: " in f"\n{text}"


def test_what_is_known_of_a_study_is_not_written_beside_another(site: Path):
    settings, _ = read_site(site, {})
    assert settings is not None
    file = "posts/2021-02-corrected.md"
    text = (site / file).read_text()
    old = Citation("Ott, P. (2018). Sums. https://doi.org/10.5555/sums", doi="10.5555/sums")
    new = replace(old, notice=Notice("retraction"))
    assert with_citation(text, file, settings, old, new) is None


@pytest.mark.slow
@pytest.mark.parametrize("is_new", [True, False])
def test_the_weekly_job_opens_a_pull_request_when_something_is_new(tmp_path: Path, is_new: bool):
    job = yaml.safe_load((ROOT / "deploy/github/studies.yml").read_text())["jobs"]["studies"]
    scripts = [step["run"] for step in job["steps"] if "name" in step and "if" not in step]
    programs = tmp_path / "bin"
    programs.mkdir()
    ask = "echo '# new' >> posts/a.md; echo found; exit 1" if is_new else "echo none"
    for name, script in {"pprnet-feeds": ask, "gh": f'echo "$@" > {tmp_path}/gh'}.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    origin, folder = tmp_path / "origin", tmp_path / "work"
    environ = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "RUNNER_TEMP": str(tmp_path),
    }
    environ |= {"GITHUB_RUN_ID": "7", "GITHUB_OUTPUT": str(tmp_path / "output")}
    begin = (
        f"git init -q --bare {origin}; git init -q .; git remote add origin {origin}; mkdir posts; "
        "echo a > posts/a.md; git add .; git -c user.name=a -c user.email=a@b commit -qm a"
    )
    folder.mkdir()
    for script in (begin, *scripts):
        subprocess.run(["bash", "-e", "-c", script], cwd=folder, env=environ, check=True, capture_output=True)
    assert (tmp_path / "output").read_text() == f"code={int(is_new)}\n"
    branches = subprocess.run(
        ["git", "branch"], cwd=origin, capture_output=True, text=True, check=True
    ).stdout
    assert branches.split() == (["studies-7"] if is_new else [])
    assert (tmp_path / "gh").exists() == is_new


STATEMENT = "How to report what was found in trials of talk"
APA = f"Ek, A. (2019). {STATEMENT}. Annals of Talk, 6(7), 11-19."
PUBMED = f"Ek A, Lind K. {STATEMENT}. Ann Talk. 2019;6(7):11-19."
CHAPTER = f"Ek, A. (2019). Calm. In A. Ek (Ed.), {STATEMENT} (pp. 3-5). Small Press."
BOOK = f"Ek, A. (2019). {STATEMENT} (2nd ed.). Small Press."
ANNALS = {"container-title": ["Annals of Talk"], "volume": "6", "page": "11-19"}


@pytest.mark.parametrize(
    ("reference", "record", "is_found"),
    [
        (APA, ANNALS, True),
        (PUBMED, ANNALS, True),
        (APA, {"container-title": ["Annals of Talk"]}, True),
        (BOOK, {"type": "monograph"}, True),
        # The same statement in another journal, a preprint, a review of it, a chapter's book.
        (APA, {"container-title": ["Talk"], "volume": "339", "page": "b25"}, False),
        (PUBMED, {"container-title": ["Talk"], "volume": "339", "page": "b25"}, False),
        (APA, {"type": "posted-content"}, False),
        (PUBMED, {"type": "posted-content"}, False),
        (APA, {"type": "peer-review"}, False),
        (APA, {"type": "dissertation"}, False),
        (CHAPTER, {"type": "edited-book"}, False),
        (APA, {"type": "monograph"}, False),
    ],
)
def test_the_doi_of_a_namesake_is_not_found(
    site: Path, works: Works, reference: str, record: dict[str, Any], is_found: bool
):
    for path in (site / "posts").iterdir():
        path.unlink()
    post = site / "posts/2021-05-statement.md"
    post.write_text(f'---\ntitle: A\ndate: 2021-05\ntopics: [sleep]\ncites:\n- "{reference}"\n---\n{PLAIN}')
    found = work("10.5555/found", STATEMENT, "Ek", 2019)
    found["message"] |= record
    works.answers = {"/works": {"message": {"items": [found["message"]]}}, "/works/10.5555/found": found}
    done = studies(site, works, "--write")
    assert ("10.5555/found" in done.stdout, "10.5555/found" in post.read_text()) == (is_found, is_found)


def test_a_copy_of_another_work_is_not_written(site: Path, works: Works):
    works.answers["/v2/10.5555/calm.20"] = copy(
        "10.5555/other", "https://repo.example.org/o.pdf", "publishedVersion", "cc-by"
    )
    assert "free to read" not in studies(site, works, "--write").stdout
