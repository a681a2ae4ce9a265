"""``pprnet-feeds serve``: the one command that starts a server."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import re
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from pprnet_feeds.commands import options
from pprnet_feeds.content import files
from pprnet_feeds.content.ledger import read_ledger
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.serving import logs
from pprnet_feeds.serving.preview import Preview
from pprnet_feeds.settings import Settings
from pprnet_feeds.state.database import Database, state_address
from pprnet_feeds.stats import metrics

if TYPE_CHECKING:
    from pprnet_feeds.serving.app import Application

log = logging.getLogger("pprnet_feeds")

_LOOPBACK, _EVERYWHERE = "127.0.0.1", "0.0.0.0"
CONSEQUENCE = "The feeds were not started."
_PREVIEW = "For editors: show drafts and scheduled posts too, and reload an open page after an edit."


@click.command()
@options.site
@click.option("--host", help="The address to listen on.", metavar="ADDRESS")
@click.option("--port", type=click.IntRange(1, 65535), help="The port to listen on; it wins over $PORT.")
@click.option("--preview", "--drafts", "preview", is_flag=True, help=_PREVIEW)
def serve(folder: Path, host: str | None, port: int | None, preview: bool) -> None:
    """Serve the feeds and pages of the site.

    Listens on 127.0.0.1:8000; with $PORT and no --host on every address, with --preview
    always on 127.0.0.1. $WEB_CONCURRENCY is the number of worker processes. Changed files are
    live within two seconds. A faulty post is reported, and its last good version stays.

    \b
    Examples:
        pprnet-feeds serve --preview
        PORT=8080 PPRNET_BASE_URL=https://feeds.example.org pprnet-feeds serve --site /srv/blog
    """
    given = _number("PORT", "a port number", 65535)
    if preview and host not in (None, _LOOPBACK):
        raise click.UsageError(f"With --preview the service listens on {_LOOPBACK} only: leave out --host.")
    host = host or (_EVERYWHERE if given and not port and not preview else _LOOPBACK)
    port = port or given or 8000
    workers = _number("WEB_CONCURRENCY", "a number of worker processes", 1000)
    workers = 1 if preview else workers or 1
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    address = f"http://localhost:{port}" if host in (_EVERYWHERE, "::") else f"http://{place}"
    with_stats, fast_path = _switch("PPRNET_STATS"), _switch("PPRNET_FAST_PATH", default=True)
    # Not resolved: a symbolic link may be changed to another release of the site.
    settings = Settings(folder.absolute(), address, preview, with_stats, fast_path)
    options.database_at(os.environ.get("PPRNET_STATE", ""))
    # uvicorn finishes running requests and then raises the signal again; stopping is no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    logs.configure(sys.stderr)
    metrics.share(os.environ, _metrics_folder(settings.folder, port) if workers > 1 else None)
    _check_free(host, port)
    public = _check_site(settings, place)
    import uvicorn

    from pprnet_feeds.serving import protocol
    from pprnet_feeds.syndication.search import is_available

    if not is_available():
        log.warning("the SQLite of this machine lacks FTS5: posts cannot be searched")

    missing = protocol.missing()
    if missing:
        log.warning(
            "this uvicorn lacks %s: heads are limited to 64 kB, but not in time; clients that do not "
            "read are not closed; a target with a # is answered; prepared responses take longer",
            ", ".join(missing),
        )
    how: dict[str, Any] = {
        "factory": True,
        "host": host,
        "port": port,
        "workers": workers,
        "http": "h11" if missing else "pprnet_feeds.serving.protocol:Protocol",
        "date_header": bool(missing),
        "ws": "none",
        "lifespan": "on",
        "log_config": None,
        "log_level": "error",  # its warnings are about requests: a client could fill the log
        "access_log": False,
        "proxy_headers": False,
        "server_header": False,
        "timeout_graceful_shutdown": 8,
    }
    if workers > 1:
        _supervise(uvicorn.Config(partial(application, settings), **how))
    elif preview:
        # Also below the path of the base URL, so that links stay on this machine.
        local = os.environ["PPRNET_BASE_URL"] = address + urlsplit(public).path
        open_pages = Preview(local, public, lambda: server.should_exit)
        served = partial(application, settings, open_pages)
        server = uvicorn.Server(uvicorn.Config(lambda: open_pages.around(served()), **how))
        with contextlib.suppress(KeyboardInterrupt):  # an editor's way to stop, as for `uvicorn.run`
            server.run()
    else:
        uvicorn.run(partial(application, settings), **how)


def application(settings: Settings, *extensions: Preview) -> Application:
    """The application of one process, with further *extensions*."""
    from pprnet_feeds.serving.app import Application
    from pprnet_feeds.serving.reload import utc_now
    from pprnet_feeds.state.last_modified import TimestampStore
    from pprnet_feeds.stats.extension import Statistics
    from pprnet_feeds.websub.extension import WebSub

    logs.configure(sys.stderr)
    # A preview shows what is not published: that must not be recorded.
    address = "" if settings.drafts else state_address(settings.folder, os.environ)
    if not address and not settings.drafts:
        log.info("no state is stored: after a restart Last-Modified falls back to the dates of the posts")
    websub = WebSub(address, settings.base_url, utc_now)
    statistics = Statistics(address, utc_now, page=settings.stats)
    return Application(settings, [websub, statistics, *extensions], TimestampStore(address))


def _metrics_folder(folder: Path, port: int) -> Path:
    """Where several processes count together: beside the state, and apart from services on other ports."""
    for environ in (os.environ, {**os.environ, "PPRNET_STATE": ""}):  # PostgreSQL has no folder
        address = state_address(folder, environ)
        if address and (file := Database(address).file):
            return Path(f"{file}.metrics-{port}")
    return Path(tempfile.mkdtemp(prefix="pprnet-feeds-"))


def _supervise(config: Any) -> None:
    """Serve with several workers, until a signal; exit with 1 when none of them can start.

    uvicorn's own supervisor stops all workers, with exit code 0, as soon as one does not start. Here
    the others continue to serve, and the one that did not start (the site may be faulty) is tried again.
    """
    from uvicorn.config import STARTUP_FAILURE
    from uvicorn.supervisors.multiprocess import Multiprocess, Process

    class Workers(Multiprocess):
        def keep_subprocess_alive(self) -> None:
            if self.should_exit.is_set():  # a signal came
                return
            before = {process.pid for process in self.processes}
            super().keep_subprocess_alive()
            for number in before - {process.pid for process in self.processes}:
                metrics.mark_dead(number or 0)
            limit = config.timeout_worker_healthcheck
            others = (each for each in self.processes if each.process.is_alive() and each.is_ready(limit))
            if self.should_exit.is_set() and any(others):
                self.should_exit.clear()
                for number, process in enumerate(self.processes):
                    if process.exitcode == STARTUP_FAILURE:
                        self.processes[number] = Process(self.config, self.sockets)
                        self.processes[number].start()

    supervisor = Workers(config, [config.bind_socket()])
    supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        sys.exit(1)


def _check_site(settings: Settings, place: str) -> str:
    """Print what will be served and at which *place*, and return the base URL; stop with all faults."""
    site = options.settings_of(settings.folder, CONSEQUENCE)
    ledger = read_ledger(settings.folder)
    in_posts = [each for each in files.entries(settings.folder) if isinstance(each, Problem)]
    in_posts = [problem for problem in in_posts if problem.what.startswith("the folder ")]
    faults = ledger if isinstance(ledger, list) else in_posts
    if faults:
        options.fail(faults, CONSEQUENCE)
    if settings.drafts:
        where = f"{site.base_url}/" if site.base_url else "no base_url is set yet"
        click.echo(f"{settings.base_url}/  (a preview; for readers: {where})", err=True)
        return site.base_url
    click.echo(f"{site.title}: {site.base_url or settings.base_url}/", err=True)
    click.echo(f"Listening on {place}.", err=True)
    if not site.base_url:
        click.echo(
            f"No base_url is set: the addresses in the feeds begin with {settings.base_url}. "
            "Set it in feeds/site.yaml, or PPRNET_BASE_URL, before anybody subscribes.",
            err=True,
        )
    return site.base_url


def _number(name: str, meaning: str, most: int) -> int:
    """The variable *name*, from 1 to *most*; 0 when it is not set."""
    text = os.environ.get(name, "")
    if text and not (re.fullmatch("[0-9]{1,9}", text) and 0 < int(text) <= most):
        raise click.UsageError(f"{name} is not {meaning}: {text!r}. Set it to one from 1 to {most}.")
    return int(text or 0)


def _switch(name: str, *, default: bool = False) -> bool:
    """Whether the variable *name* is on; the *default* when it is not set."""
    text = os.environ.get(name, "")
    if text not in ("", "on", "off"):
        raise click.UsageError(f"{name} is neither on nor off: {text!r}. Set it to on or off.")
    return text == "on" if text else default


def _check_free(host: str, port: int) -> None:
    """Stop with what to do when we could not listen there."""

    async def bind() -> None:
        loop = asyncio.get_running_loop()
        (await loop.create_server(asyncio.Protocol, host, port, start_serving=False)).close()

    try:
        asyncio.run(bind())
    except (OSError, UnicodeError) as error:  # the latter of a name that cannot be one of a host
        taken = getattr(error, "errno", 0) == errno.EADDRINUSE
        reason = "another program listens there" if taken else getattr(error, "strerror", "") or str(error)
        what = f"cannot listen on {host}:{port}: {reason}"
        fix = "Choose another --host or --port (or PORT), such as --port 8080, or stop what uses it."
        options.fail([Problem("serve", 0, 0, what, fix)], CONSEQUENCE)
