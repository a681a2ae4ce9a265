"""``pprnet-feeds import``: what was published elsewhere, as post files."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

import click

from pprnet_feeds.commands import options
from pprnet_feeds.content.files import name_of
from pprnet_feeds.content.model import Site
from pprnet_feeds.content.problems import Problem, report, some
from pprnet_feeds.content.site import read_site
from pprnet_feeds.content.terms import did_you_mean
from pprnet_feeds.publishing.importing import announcements, filing, postfiles
from pprnet_feeds.publishing.importing.filing import Filed, Shelf
from pprnet_feeds.publishing.importing.readings import Found, Reading
from pprnet_feeds.publishing.importing.sources import read_source

_BAR_FROM = 20


@click.command("import")
@click.argument("sources", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.site
def importing(sources: tuple[Path, ...], folder: Path) -> None:
    """Make post files of a saved blog page, a feed or a WordPress export.

    FILE is a page saved as text or HTML, an RSS, Atom or JSON feed, or a WXR
    export. Never overwrites a file; a second run changes nothing. What cannot
    be placed is told with its line. Exits with 1 when a FILE could not be read.

    \b
    Examples:
        pprnet-feeds import blog-page.txt
        pprnet-feeds import wordpress.xml --site /srv/blog
    """
    site, problems = read_site(folder, os.environ)
    if site is None or problems:
        options.fail(problems, "Nothing was written.")
    with options.writing(folder, "Nothing was written."):
        filing.remove_leftovers(folder)
    shelf = Shelf(folder, site)
    outcomes = [_import(path, folder, site, shelf) for path in sources]
    if not all(outcomes):
        raise SystemExit(1)


def _import(path: Path, folder: Path, site: Site, shelf: Shelf) -> bool:
    """Import one file and tell of it; whether anything could be read."""
    name = name_of(str(path))
    reading = read_source(path, name, site)
    if not (reading.kind and reading.posts):
        told = reading.left or (Problem(name, 0, 0, "it holds no post", "Give a file that does."),)
        click.echo(report(told, "text", "Nothing was written."), nl=False)
        return False
    shelf.begin()
    left = [*reading.left, *announcements.compare_lists(reading, site, name), *_strange(reading, site, name)]
    filed: list[Filed] = []
    with options.writing(folder, "What was written stays; import again to finish."):
        for outcome, line in _filed(reading, shelf):
            if isinstance(outcome, Problem):
                left.append(Problem(name, line, 0, outcome.what, outcome.mend))
            else:
                filed.append(outcome)
        announced = announcements.enter_sentence(reading, folder, name)
    left += [announced.problem] if announced.problem else []
    _tell(reading, name, filed, announced.told, sorted(left))
    return True


def _filed(reading: Reading, shelf: Shelf) -> list[tuple[Filed | Problem, int]]:
    def file(found: Found) -> tuple[Filed | Problem, int]:
        return shelf.file(found), found.line

    if len(reading.posts) < _BAR_FROM or not sys.stderr.isatty():
        return list(map(file, reading.posts))
    with click.progressbar(reading.posts, label="Writing", file=sys.stderr) as posts:
        return list(map(file, posts))


def _strange(reading: Reading, site: Site, name: str) -> list[Problem]:
    """The names that posts are filed under and that are no topic here, each once."""
    counted: Counter[str] = Counter()
    first: dict[str, int] = {}
    for post in reading.posts:
        for label in postfiles.filed(post.labels, site)[2]:
            counted[label] += 1
            first.setdefault(label, post.line)
    return [
        Problem(
            name, first[label], 0, f"no topic or research type is called '{label}' ({some(number, 'post')})",
            f"{did_you_mean(label, site.topics)} Add it to feeds/topics.yaml before you import, "
            "or name a topic in the posts themselves.".strip(),
        )
        for label, number in counted.items()
    ]  # fmt: skip


def _tell(reading: Reading, name: str, filed: list[Filed], announced: str, left: list[Problem]) -> None:
    click.echo(f"{name}: {reading.kind}")
    words = {"written": "written", "other": "already there, with another text: left as it is"}
    for each in filed:
        if each.what in words:
            click.echo(f"{each.file}: {words[each.what]}")
    if announced:
        click.echo(announced)
    counted = Counter("written" if each.what == "written" else "there" for each in filed)
    summary = f"{counted['written']} written, {counted['there']} already there."
    click.echo(f"\n{report(left, 'text', summary)}", nl=False)
    if not all(each.has_topic for each in filed):
        click.echo("Now run `check`: it names each post that still needs a topic.")
