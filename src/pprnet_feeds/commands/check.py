"""``pprnet-feeds check``: every fault, before a reader sees it."""

from __future__ import annotations

import os
from pathlib import Path

import click

from pprnet_feeds.commands import options
from pprnet_feeds.content.problems import Form, report
from pprnet_feeds.publishing.checking import check_site


@click.command()
@options.site
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    help="Plain text, JSON for programs, or annotations for a pull request on GitHub.",
)
def check(folder: Path, form: Form) -> None:
    """Find every fault in posts and feeds, then render every post.

    Exits with 1 when there is a fault.

    \b
    Examples:
        pprnet-feeds check
        pprnet-feeds check --site /srv/blog --format github
    """
    problems, posts = check_site(folder, os.environ, options.now())
    if problems:
        options.fail(problems, "Nothing was published.", form)
    if form == "text":
        click.echo(f"Sound: {posts} posts rendered.")
    else:
        click.echo(report([], form), nl=False)
