"""The image, the composition and the CI of a site, as far as they can be tried without a container tool."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from service import ROOT, SITES

LINES = (ROOT / "Containerfile").read_text().replace("\\\n", " ").splitlines()


def instructions(name: str) -> list[str]:
    return [line.partition(" ")[2].strip() for line in LINES if line.startswith(f"{name} ")]


def test_what_the_image_needs_is_sent_to_its_builder_and_nothing_else():
    ignored = (ROOT / ".containerignore").read_text().splitlines()
    copied = {
        name for line in instructions("COPY") if not line.startswith("--") for name in line.split()[:-1]
    }
    assert {line.removeprefix("!") for line in ignored if line.startswith("!")} == copied
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_the_image_runs_as_nobody_special_and_says_how_it_is():
    assert instructions("USER") == ["10001:10001"]
    assert "healthz" in instructions("HEALTHCHECK")[0]


def test_the_composition_takes_every_right_away_that_is_not_needed():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    feeds = services["feeds"]
    assert (feeds["read_only"], feeds["cap_drop"]) == (True, ["ALL"])
    assert "ports" not in feeds  # only the proxy is reached from outside
    assert services["postgres"]["profiles"] == ["postgres"]
    # The proxy's command replaces this very line of the shipped configuration.
    pattern = re.search(r"s/(.*?)/", services["proxy"]["command"][2])
    assert pattern is not None
    assert pattern[1] in (ROOT / "deploy/nginx/pprnet-feeds.conf").read_text()


@pytest.mark.slow
def test_the_commands_of_the_image_make_a_program_that_serves_a_site(tmp_path: Path):
    if uv := shutil.which("uv"):
        make, install = [uv, "venv", "--quiet"], [uv, "pip", "install", "--quiet", "--python"]
    else:
        make, install = [sys.executable, "-m", "venv"], []
    environment = tmp_path / "environment"
    subprocess.run([*make, environment], check=True)
    python = environment / "bin/python"
    build = tmp_path / "build"  # what the builder gets, and no more
    build.mkdir()
    for line in instructions("COPY"):
        for name in line.split()[:-1] if not line.startswith("--") else ():
            source = ROOT / name
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, build / name)
    for line in instructions("RUN"):
        words = shlex.split(line)
        if words[1:2] == ["install"]:
            arguments = [word for word in words[2:] if not (uv and word == "--no-cache-dir")]
            command = [*install, python, *arguments] if uv else [python, "-m", "pip", "install", *arguments]
            subprocess.run(command, check=True, cwd=build)
    shutil.rmtree(build)
    command = [str(environment / "bin/pprnet-feeds"), "check", "--site", str(SITES / "small")]
    bare = {"PATH": os.defpath, "HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=bare)
    assert (done.returncode, done.stderr) == (0, "")
    begun = subprocess.run([command[0], "init", str(tmp_path / "blog")], capture_output=True, env=bare)
    assert begun.returncode == 0
    checked = subprocess.run([command[0], "check", "--site", str(tmp_path / "blog")], env=bare)
    assert checked.returncode == 0


# --- the CI of a site ---


def git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    who = ("-c", "user.name=An Editor", "-c", "user.email=editor@example.org", "-c", "commit.gpgsign=false")
    environ = {**os.environ, "PATH": path_with_program(folder.parent)}
    return subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, env=environ)


def path_with_program(folder: Path) -> str:
    program = folder / "bin/pprnet-feeds"
    if not program.exists():
        program.parent.mkdir(exist_ok=True)
        program.write_text(
            f'#!/bin/sh\nPYTHONPATH="{ROOT / "src"}" exec "{sys.executable}" -m pprnet_feeds "$@"\n'
        )
        program.chmod(0o755)
    return f"{program.parent}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "blog"
    shutil.copytree(SITES / "small", folder)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", ".")
    assert git(folder, "commit", "--quiet", "-m", "A site").returncode == 0
    return folder


def ci(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PATH": path_with_program(folder.parent), "GITHUB_ACTIONS": "", **environ}
    command = ["sh", str(ROOT / "deploy/ci.sh"), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environ)


@pytest.mark.slow
def test_a_pull_request_is_checked_planned_and_built(repository: Path):
    git(repository, "switch", "--quiet", "-c", "a-new-post")
    post = "---\ntitle: New\ndate: 2021-04\ntopics: [{topic}]\n---\n\nText.\n"
    path = repository / "posts/2021-04-new.md"
    topic = re.findall(r"slug: \"?([\w-]+)", (repository / "feeds/topics.yaml").read_text())[0]
    path.write_text(post.format(topic="Nothing Of The Kind"))
    assert ci(repository, "check").returncode == 1
    annotated = ci(repository, "check", GITHUB_ACTIONS="true")
    assert annotated.stdout.startswith("::")
    assert "::error file=posts/2021-04-new.md,line=4" in annotated.stdout
    path.write_text(post.format(topic=topic))
    assert ci(repository, "check").returncode == 0
    assert ci(repository, "plan", ".", "comment.md").returncode == 0
    comment = (repository / "comment.md").read_text()
    assert comment.startswith("### What subscribers will notice\n\n````text\n")
    assert "New" in comment
    assert ci(repository, "build", ".", "../public").returncode == 0
    assert (repository.parent / "public/feed.atom").is_file()
    assert ci(repository, "deploy").returncode == 2


@pytest.mark.slow
def test_a_faulty_post_is_not_committed(repository: Path):
    [hook] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert re.match(hook["files"], "posts/2021-04-new.md")
    script = repository / ".git/hooks/pre-commit"
    script.write_text(f"#!/bin/sh\nexec {hook['entry']}\n")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    (repository / "posts/2021-04-new.md").write_text("no front matter\n")
    git(repository, "add", ".")
    refused = git(repository, "commit", "-m", "A faulty post")
    assert refused.returncode == 1
    assert "posts/2021-04-new.md" in refused.stdout + refused.stderr
    git(repository, "rm", "--quiet", "--force", "posts/2021-04-new.md")
    assert git(repository, "commit", "--allow-empty", "-m", "Nothing faulty").returncode == 0


def test_the_action_runs_the_script_that_is_shipped():
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    runs = "\n".join(step.get("run", "") for step in action["runs"]["steps"])
    assert set(re.findall(r'CI_SCRIPT" (\w+)', runs)) == {"check", "plan", "build"}
    for step in action["runs"]["steps"]:  # an expression in a script would let a branch's name run
        assert "${{" not in step.get("run", "")
