"""A month of an editor: three letters from Word become posts in live feeds, by git and in two ways."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from proxies import directives, exec_start, found
from service import ROOT, Service, serving
from wordfile import REFERENCE, note, paragraph, run, table, word_file

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs/editor/your-first-post.md").read_text("utf-8")
DAY = f"{datetime.now(UTC) - timedelta(days=2):%Y-%m-%d}"
MONTH = DAY[:7]
ATOM = "{http://www.w3.org/2005/Atom}"
# Words that an editor would have to ask a programmer about.
JARGON = re.compile(
    r"Traceback|[Ee]rror|errno|[Ee]xception|YAML|UTF-8|\bbytes?\b|None|decode|JSON|stdin|exit code"
)
LETTERS = {
    "letters.docx": word_file(
        paragraph("How Many Letters Are “Enough”?", style="Title"),
        paragraph(REFERENCE),
        paragraph("Lund and Rubin’s ", run("long", "i"), " count ended after 21 letters", note(1), "."),
        paragraph("letters – long ones", list_number=1),
        paragraph("postcards", list_number=1),
        table(("kind", "number"), ("letters", "21"), ("postcards", "3")),
        paragraph(run("Practice Implications", "b")),
        paragraph("Write often."),
        notes=("Stamps were not counted.",),
    ),
    "silence.docx": word_file(
        paragraph("What Silence Says", style="Title"),
        paragraph("Therapists who waited “a little longer” heard more."),
        paragraph("Practice Implications"),
        paragraph("Wait a little longer."),
    ),
    "essay.docx": word_file(
        paragraph("An Essay on Doors", style="Title"),
        paragraph("Doors are opened from both sides, and that isn’t news."),
    ),
}


class Editor:
    """Somebody at a keyboard: every command that is typed counts, and every word of an answer is read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.commands: list[str] = []
        self.messages: list[str] = []

    def types(self, line: str) -> str:
        self.commands.append(line)
        real = line.replace("pprnet-feeds", f"{sys.executable} -m pprnet_feeds")
        done = subprocess.run(
            ["/bin/sh", "-c", real], cwd=self.folder, capture_output=True, text=True, timeout=60, check=False,
            env={"PYTHONPATH": str(ROOT / "src"), "PATH": "/usr/bin:/bin", "HOME": str(self.folder.parent)},
        )  # fmt: skip
        said = done.stdout + done.stderr
        assert done.returncode == 0, f"$ {line}\n{said}"
        if line.startswith("pprnet-feeds"):
            self.messages += said.splitlines()
        return said


@pytest.fixture
def editor(tmp_path: Path) -> Editor:
    """An editor whose clone of the site has its three letters beside it, and a published past."""
    found("git", "git")
    (tmp_path / ".gitconfig").write_text(
        "[user]\nname = Ada\nemail = ada@example.org\n[init]\ndefaultBranch = main\n"
    )
    folder = tmp_path / "blog"
    for name in ("posts", "feeds"):
        shutil.copytree(ROOT / name, folder / name)
    settings = folder / "feeds/site.yaml"
    settings.write_text(settings.read_text().replace("# base_url:", "base_url:"))
    for name, data in LETTERS.items():
        (tmp_path / name).write_bytes(data)
    editor = Editor(folder)
    git(tmp_path, "init", "--quiet", "--initial-branch=main", "--bare", "origin.git")
    git(tmp_path, "init", "--quiet", "--initial-branch=main", "blog")
    git(folder, "remote", "add", "origin", str(tmp_path / "origin.git"))
    editor.types(
        "pprnet-feeds publish && git add -A && git commit -qm 'What there is' && git push -qu origin main"
    )
    editor.commands.clear()
    editor.messages.clear()
    return editor


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": "/usr/bin:/bin", "GIT_CONFIG_GLOBAL": os.devnull},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def write_the_month(editor: Editor) -> None:
    """The month as `Your first post` shows it."""
    editor.types(f"pprnet-feeds import ../letters.docx --date {DAY} --topic 'Treatment Length and Frequency'")
    editor.types(f"pprnet-feeds import ../silence.docx --date {DAY} --topic 'Therapist Factors' --draft")
    editor.types(f"pprnet-feeds import ../essay.docx --date {DAY} --topic Miscellaneous")
    with serving(editor.folder, "--preview") as preview:
        page = preview.ask(f"/posts/{MONTH}-what-silence-says/").body.decode()
        assert "<strong>Draft</strong>" in page
        assert "“a little longer”" in page
        draft = editor.folder / f"posts/{MONTH}-what-silence-says.md"
        draft.write_text(draft.read_text("utf-8").replace("draft: true\n", ""), "utf-8")
        wait(lambda: b"<strong>Draft</strong>" not in preview.ask(f"/posts/{MONTH}-what-silence-says/").body)
    issues = editor.folder / "feeds/issues.yaml"
    issues.write_text(
        issues.read_text("utf-8") + f'{MONTH}: "…I blog about letters, silence and doors"\n', "utf-8"
    )
    editor.types("pprnet-feeds check")
    plan = editor.types("pprnet-feeds plan")
    assert plan.startswith("3 new. Each of them: readers show it as a new post.\n")
    for title in (
        "How Many Letters Are “Enough”?, 20",
        "What Silence Says, 20",
        "An Essay on Doors, 20",
    ):
        assert title in plan
    said = editor.types("pprnet-feeds publish")
    editor.types(said.rpartition("Commit these:\n    ")[2].strip())
    editor.types("git add feeds/issues.yaml && git commit -qm 'November'")


def wait(is_so: Callable[[], bool]) -> None:
    for _ in range(100):
        if is_so():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen within ten seconds")


def titles(service: Service, path: str) -> list[str]:
    feed = ElementTree.fromstring(service.ask(path).body)
    return [entry.findtext(f"{ATOM}title", "") for entry in feed.iter(f"{ATOM}entry")]


def judge_the_feeds(service: Service) -> None:
    """What subscribers have once the month is live."""
    month = ["How Many Letters Are “Enough”?", "What Silence Says", "An Essay on Doors"]
    wait(lambda: set(month) <= set(titles(service, "/feed.atom")))
    assert {*month[:2]} == set(month) & set(titles(service, "/practice.atom"))
    text = service.ask("/feed.json").body.decode()
    for part in ("10.5555/jis.2021.4", "<table>", "<li>postcards</li>", "Stamps were not counted."):
        assert part in text
    assert "letters, silence and doors" in service.ask("/issues/feed.atom").body.decode()


def test_a_month_from_word_to_a_server_that_pulls_needs_no_programmer(editor: Editor, tmp_path: Path):
    git(tmp_path, "clone", "--quiet", "origin.git", "server")
    (pull,) = [exec_start("systemd/pprnet-feeds-pull.service")]
    assert ("OnUnitInactiveSec", "1min") in directives("systemd/pprnet-feeds-pull.timer")
    with serving(tmp_path / "server") as service:
        before = titles(service, "/feed.atom")
        write_the_month(editor)
        editor.types("git push -q")
        git(tmp_path, *[word.replace("/srv/blog", str(tmp_path / "server")) for word in pull[1:]])
        judge_the_feeds(service)
        assert set(before) < set(titles(service, "/feed.atom"))
    assert len(editor.commands) == 9
    assert [line for line in editor.messages if JARGON.search(line)] == []
    warnings = [line for line in editor.messages if "warning: " in line and "the ledger" not in line]
    assert warnings == [
        "../essay.docx: warning: no line says Practice Implications, so the post is in no feed of "
        "practice implications"
    ]


def test_a_month_is_deployed_by_ci_as_the_page_shows_it(editor: Editor, tmp_path: Path):
    git(tmp_path, "init", "--quiet", "--initial-branch=main", "--bare", "server.git")
    git(tmp_path / "server.git", "config", "blog.folder", str(tmp_path / "live"))
    shutil.copy(ROOT / "deploy/git/post-receive", tmp_path / "server.git/hooks/post-receive")
    (workflow,) = re.findall(r"```yaml\n(name: Deploy.*?)```", PAGE, re.DOTALL)
    steps = [step["run"] for step in yaml.safe_load(workflow)["jobs"]["deploy"]["steps"] if "run" in step]

    def deploy() -> None:
        shutil.rmtree(tmp_path / "ci", ignore_errors=True)
        git(tmp_path, "clone", "--quiet", "origin.git", "ci")
        for step in steps:
            if "pip install" not in step:
                address = re.sub(r"\S+/srv/blog\.git", shlex.quote(str(tmp_path / "server.git")), step)
                Editor(tmp_path / "ci").types(address)

    deploy()
    with serving(tmp_path / "live") as service:
        write_the_month(editor)
        editor.types("git push -q")
        deploy()
        judge_the_feeds(service)
        gone = editor.folder / f"posts/{MONTH}-an-essay-on-doors.md"
        gone.write_text(
            gone.read_text("utf-8").replace("\n---\n", "\nstatus: withdrawn\nnote: Too short.\n---\n", 1)
        )
        editor.types("pprnet-feeds publish && git add -A && git commit -qm Withdraw && git push -q")
        deploy()
        wait(lambda: service.ask(f"/posts/{MONTH}-an-essay-on-doors/").status == 410)


def test_systemd_understands_the_timer_and_what_it_starts():
    units = [str(ROOT / f"deploy/systemd/pprnet-feeds-pull.{kind}") for kind in ("service", "timer")]
    analyze = found("systemd-analyze", "systemd")
    verified = subprocess.run(
        [analyze, "verify", *units], capture_output=True, text=True, timeout=30, check=False
    )
    assert [line for line in verified.stderr.splitlines() if "pprnet-feeds-pull" in line] == []


def test_ci_deploys_nothing_that_was_not_published(editor: Editor, tmp_path: Path):
    editor.types(f"pprnet-feeds import ../essay.docx --date {DAY} --topic Miscellaneous")
    with pytest.raises(AssertionError, match="the ledger does not know this post"):
        editor.types("pprnet-feeds check --strict")
