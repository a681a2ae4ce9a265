"""``pprnet-feeds serve``: the one command that starts a server."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from pathlib import Path
from typing import Any

import click
import uvicorn

from pprnet_feeds.commands import options
from pprnet_feeds.content.ledger import read_ledger
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.content.site import read_site
from pprnet_feeds.serving.database import state_address
from pprnet_feeds.serving.disk import unreadable_folders
from pprnet_feeds.serving.store import Store
from pprnet_feeds.settings import Settings

CONSEQUENCE = "The feeds were not started."


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
    port = _number("PORT", "a port number", 65535)
    workers = _number("WEB_CONCURRENCY", "a number of worker processes", 1000) or 1
    host = "0.0.0.0" if port else "127.0.0.1"
    address = f"http://{'localhost' if port else '127.0.0.1'}:{port or 8000}"
    settings = Settings(folder.absolute(), address, drafts)  # a link may come to lead elsewhere
    site, problems = read_site(settings.folder, os.environ)
    ledger = read_ledger(settings.folder)
    problems = problems or (ledger if isinstance(ledger, list) else unreadable_folders(settings.folder))
    if site is None or problems:
        options.fail(problems, CONSEQUENCE)
    click.echo(f"{site.title}: {site.base_url or address}/", err=True)
    if not site.base_url:
        click.echo(
            f"No base_url is set: the addresses in the feeds begin with {address}. "
            "Set it in feeds/site.yaml, or PPRNET_BASE_URL, before anybody subscribes.",
            err=True,
        )
    try:
        Store(state_address(settings.folder, os.environ))
    except ValueError as error:
        raise click.UsageError(f"PPRNET_STATE: {error}") from error
    _check_free(host, port or 8000)
    os.environ.update(settings.environ())
    # uvicorn finishes running requests and then raises the signal again; stopping is no failure.
    signal.signal(signal.SIGTERM, _stop)
    uvicorn.run(
        "pprnet_feeds.serving.app:create",
        factory=True,
        host=host,
        port=port or 8000,
        workers=workers,
        http="pprnet_feeds.serving.protocol:Protocol",
        ws="none",
        loop="uvloop",
        log_level="error",  # its warnings are about requests: a stranger could fill the log
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=8,
    )


def _stop(number: int, frame: Any) -> None:
    raise SystemExit(0)


def _number(name: str, meaning: str, most: int) -> int:
    """The variable *name*, from 1 to *most*; 0 when it is not set."""
    text = os.environ.get(name, "")
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 0 < int(text) <= most):
        raise click.UsageError(f"{name} is not {meaning}: {text!r}. Set it to one from 1 to {most}.")
    return int(text)


def _check_free(host: str, port: int) -> None:
    """Stop with how to mend it when we could not listen there."""

    async def bind() -> None:
        server = await asyncio.get_running_loop().create_server(
            asyncio.Protocol, host, port, start_serving=False
        )
        server.close()

    try:
        asyncio.run(bind())
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        reason = "another program listens there" if taken else os.strerror(error.errno or 0)
        what = f"cannot listen on {host}:{port}: {reason}"
        mend = "Set PORT to another port, for example PORT=8080, or stop what uses it."
        options.fail([Problem("PORT", 0, 0, what, mend)], CONSEQUENCE)
