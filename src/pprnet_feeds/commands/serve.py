"""``pprnet-feeds serve``: the one command that starts a server."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import click
import uvicorn

from pprnet_feeds.commands import options
from pprnet_feeds.content.site import read_site
from pprnet_feeds.serving.database import state_address
from pprnet_feeds.serving.store import Store
from pprnet_feeds.settings import Settings


@click.command()
@options.site
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
    port = _port(os.environ.get("PORT", ""))
    address = f"http://{'localhost' if port else '127.0.0.1'}:{port or 8000}"
    settings = Settings(folder.resolve(), address, drafts)
    site, problems = read_site(settings.folder, os.environ, settings.base_url)
    if site is None or problems:
        options.fail(problems, "The feeds were not started.")
    click.echo(f"{site.title}: {site.base_url}/", err=True)
    if site.base_url == address:
        click.echo(
            f"No base_url is set: the addresses in the feeds begin with {address}. "
            "Set it in feeds/site.yaml, or PPRNET_BASE_URL, before anybody subscribes.",
            err=True,
        )
    try:
        Store(state_address(settings.folder, os.environ))
    except ValueError as error:
        raise click.UsageError(f"PPRNET_STATE: {error}") from error
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
