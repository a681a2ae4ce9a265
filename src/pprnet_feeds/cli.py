"""The command ``pprnet-feeds``: arguments in, words and exit codes out.

The only module that prints and the only one that starts servers. Commands import
what they need when they run, so that ``--help`` is there at once.
"""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from pprnet_feeds import __version__

if TYPE_CHECKING:
    from pprnet_feeds.content.problems import Form, Problem

_site = click.option(
    "--site",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=".",
    help="The folder with posts/ and feeds/. The current folder when not given.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pprnet-feeds")
def main() -> None:
    """Turn a folder of posts into feeds that readers trust.

    \b
    Write a post in posts/, then see whether it is sound, then serve it:
        pprnet-feeds check
        pprnet-feeds serve
    """


@main.command()
@_site
@click.option("--drafts", is_flag=True, help="Show drafts and scheduled posts too, for a preview.")
def serve(folder: Path, drafts: bool) -> None:
    """Serve the feeds and pages of the site.

    Listens on 127.0.0.1:8000; with $PORT set, on that port of every address.
    $WEB_CONCURRENCY is the number of worker processes. Changed files are live
    within two seconds. A faulty post is left out and reported; the others go on.

    \b
    Examples:
        pprnet-feeds serve
        PORT=8080 PPRNET_BASE_URL=https://feeds.example.org pprnet-feeds serve --site /srv/blog
    """
    import uvicorn

    from pprnet_feeds.content.site import read_site
    from pprnet_feeds.settings import Settings

    port = _port(os.environ.get("PORT", ""))
    address = f"http://{'localhost' if port else '127.0.0.1'}:{port or 8000}"
    settings = Settings(folder.resolve(), address, drafts)
    site, problems = read_site(settings.folder, os.environ, settings.base_url)
    if site is None or problems:
        _fail(problems, "text", "The feeds were not started.")
    click.echo(f"{site.title}: {site.base_url}/", err=True)
    if site.base_url == address:
        click.echo(
            f"No base_url is set: the addresses in the feeds begin with {address}. "
            "Set it in feeds/site.yaml, or PPRNET_BASE_URL, before anybody subscribes.",
            err=True,
        )
    os.environ.update(settings.environ())
    # uvicorn finishes running requests and then raises the signal again; stopping is no failure.
    signal.signal(signal.SIGTERM, _stop)
    uvicorn.run(
        "pprnet_feeds.serving.app:create",
        factory=True,
        host="0.0.0.0" if port else "127.0.0.1",
        port=port or 8000,
        http="pprnet_feeds.serving.protocol:Protocol",
        loop="uvloop",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=8,
    )


def _stop(number: int, frame: Any) -> None:
    raise SystemExit(0)


def _port(text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise click.UsageError(f"PORT is not a port number: {text!r}. Set it to one from 1 to 65535.")
    return int(text)


@main.command()
@_site
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    help="Plain text, JSON for programs, or annotations for a pull request on GitHub.",
)
def check(folder: Path, form: Form) -> None:
    """Find every fault in posts and feeds, then draw every document and validate it.

    Exits with 1 when there is a fault.

    \b
    Examples:
        pprnet-feeds check
        pprnet-feeds check --site /srv/blog --format github
    """
    from pprnet_feeds.publishing.checking import check_site

    problems, documents = check_site(folder, os.environ, datetime.now(UTC).replace(microsecond=0))
    if problems:
        _fail(problems, form, "Nothing was published.")
    if form == "text":
        click.echo(f"Sound: {documents} documents drawn and validated.")
    else:
        _report([], form, "")


def _report(problems: list[Problem], form: Form, consequence: str) -> None:
    from pprnet_feeds.content.problems import report

    click.echo(report(problems, form, consequence), nl=False)


def _fail(problems: list[Problem], form: Form, consequence: str) -> NoReturn:
    _report(problems, form, consequence)
    raise SystemExit(1)
