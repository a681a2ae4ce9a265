"""A new site, as anybody begins one."""

from __future__ import annotations

import re
from pathlib import Path

from click.testing import CliRunner, Result

from pprnet_feeds.cli import main
from pprnet_feeds.content.keys import SITE
from service import ROOT, serving


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def text_of(folder: Path) -> str:
    return "\n".join(path.read_text() for path in sorted(folder.rglob("*")) if path.is_file())


def test_a_new_site_is_without_problems_and_is_served_at_once(tmp_path: Path):
    result = run("init", tmp_path / "blog")
    assert (result.exit_code, "pprnet-feeds serve --preview" in result.output) == (0, True)
    checked = run("check", "--site", tmp_path / "blog", "--strict")
    assert (checked.exit_code, checked.output.splitlines()[-1]) == (0, "1 post (1 draft), no problems")
    with serving(tmp_path / "blog") as running:
        assert running.ask("/feed.atom").status == 200
        assert running.ask("/").status == 200
        assert running.ask("/topics/general/feed.json").status == 200


def test_the_command_to_type_can_be_typed_where_a_folder_has_a_blank(tmp_path: Path):
    assert f'    cd "{tmp_path}/My Blog"\n' in run("init", tmp_path / "My Blog").output


def test_the_preview_of_a_new_site_shows_its_draft_on_this_machine(tmp_path: Path):
    run("init", tmp_path / "blog")
    with serving(tmp_path / "blog", "--preview") as running:
        feed = running.ask("/feed.json").body.decode()
        assert "A First Post" in feed
        assert f'"{running.base}/feed.json"' in feed


def test_nothing_of_one_certain_blog_is_in_a_new_site(tmp_path: Path):
    run("init", tmp_path / "blog")
    pattern = r"(?i)psychotherap|uottawa|tasca|toronto|pprnet(?!-feeds|_)"
    assert re.findall(pattern, text_of(tmp_path)) == []


def test_every_key_of_the_settings_is_explained(tmp_path: Path):
    run("init", tmp_path / "blog")
    text = (tmp_path / "blog/feeds/site.yaml").read_text()
    explained = set(re.findall(r"^#?(\w+):", text, re.MULTILINE))
    assert {key.name for key in SITE.values()} - explained == set()


def test_whatever_is_in_the_way_stays_and_nothing_is_written(tmp_path: Path):
    for taken in ("feeds/site.yaml", "posts/mine.md", ".gitignore"):
        folder = tmp_path / taken.replace("/", "-")
        (folder / taken).parent.mkdir(parents=True)
        (folder / taken).write_text("mine\n")
        result = run("init", folder)
        assert (result.exit_code, "already there. Nothing was written." in result.output) == (1, True)
        assert text_of(folder) == "mine\n"


def test_a_folder_that_holds_something_else_can_become_a_site(tmp_path: Path):
    (tmp_path / "README.md").write_text("ours\n")
    assert run("init", tmp_path).exit_code == 0
    assert (tmp_path / "README.md").read_text() == "ours\n"


def test_the_first_tag_root_cannot_be_published(tmp_path: Path):
    run("init", tmp_path / "blog")
    settings = tmp_path / "blog/feeds/site.yaml"
    settings.write_text(settings.read_text().replace("#base_url", "base_url"))
    for command in ("check", "publish", "build", "serve"):
        arguments = [tmp_path / "public"] if command == "build" else []
        result = run(command, *arguments, "--site", tmp_path / "blog")
        assert result.exit_code == 1
        assert "`tag_root` is still the one that a new site begins with" in result.output
    settings.write_text(settings.read_text().replace("change-this.invalid", "example.org"))
    assert run("check", "--site", tmp_path / "blog").exit_code == 0


def test_the_files_travel_in_the_package():
    files = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "src/pprnet_feeds/publishing/new_site").rglob("*")
        if path.is_file()
    }
    assert len(files) == 7
