"""``pprnet-feeds check``: every fault, before a reader sees it."""

import os
from datetime import datetime
from pathlib import Path

import click

from pprnet_feeds.commands import options
from pprnet_feeds.content.library import Library, public
from pprnet_feeds.content.problems import Form, Problem, blocking, count, in_words, report, some
from pprnet_feeds.publishing import check as checks
from pprnet_feeds.publishing.check import waiting, waiting_lines

CONSEQUENCE = "Nothing was published."


@click.command()
@options.site
@options.form("text", "json", "github", help="Text, JSON for programs, or annotations for a pull request.")
@click.option("--strict", is_flag=True, help="Exit with 1 also when there are only warnings.")
def check(folder: Path, form: Form, *, strict: bool) -> None:
    """Find every fault in posts and feeds, then render every post.

    Exits with 1 when there is a problem; a warning keeps nothing out. Drafts and scheduled posts are listed.

    \b
    Examples:
        pprnet-feeds check
        pprnet-feeds check --site /srv/blog --format github --strict
    """
    now = options.now()
    problems, library = checked(folder, now, form)
    kinds = [kind for _, kind, _ in waiting(library, now)]
    hidden = [f"{kinds.count(kind)} {kind}" for kind in ("draft", "scheduled") if kind in kinds]
    posts = some(len(library.posts) + len(library.withdrawn) - len(library.remains), "post")
    posts += f" ({', '.join(hidden)})" if hidden else ""
    summary = f"{posts}, {count(problems) if problems else 'no problems'}"
    if form == "text":
        lines = "".join(f"{line}\n" for line in waiting_lines(library, now))
        click.echo("\n".join(filter(None, (in_words(problems), lines, summary))))
    else:
        click.echo(report(problems, form, summary), nl=False)
    if problems and strict:
        raise SystemExit(1)


def checked(folder: Path, now: datetime, form: Form) -> tuple[list[Problem], Library]:
    """The warnings and the posts of the site in *folder*; stops when it has problems."""
    problems, library = checks.check_site(folder, os.environ, now)
    problems = options.placed(problems, folder, form)
    if blocking(problems) or library is None:
        options.fail(problems, CONSEQUENCE, form, waiting_lines(library, now) if library else ())
    return problems, library


def public_library(folder: Path, now: datetime, consequence: str) -> Library:
    """What readers may see of the site in *folder*; stops when any post has problems, or without base_url."""
    problems, library = checks.read_checked(folder, os.environ, now)
    problems += [checks.NO_BASE_URL] if library and library.site.base_url == checks.ADDRESS else []
    faults = sorted(problem for problem in problems if not problem.warning)
    if library is None or faults:
        options.fail(faults, consequence)
    return public(library, now)
