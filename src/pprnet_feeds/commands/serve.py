"""``pprnet-feeds serve``: the one command that starts a server."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pprnet_feeds.commands import options
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.serving import child, logs, metrics
from pprnet_feeds.settings import Settings

if TYPE_CHECKING:
    from pprnet_feeds.serving.app import Application

_LOOPBACK, _EVERYWHERE = "127.0.0.1", "0.0.0.0"
CONSEQUENCE = "The feeds were not started."


@click.command()
@options.site
@click.option("--host", help="The address to listen on.", metavar="ADDRESS")
@click.option("--port", type=click.IntRange(1, 65535), help="The port to listen on; it wins over $PORT.")
@click.option("--drafts", is_flag=True, help="Show drafts and scheduled posts too, for a preview.")
def serve(folder: Path, host: str | None, port: int | None, drafts: bool) -> None:
    """Serve the feeds and pages of the site.

    Listens on 127.0.0.1:8000; with $PORT and no --host on every address, with --drafts
    always on 127.0.0.1. $WEB_CONCURRENCY is the number of worker processes. Changed files are
    live within two seconds. A faulty post is reported and stays as it was; the others go on.

    \b
    Examples:
        pprnet-feeds serve
        PORT=8080 PPRNET_BASE_URL=https://feeds.example.org pprnet-feeds serve --site /srv/blog
    """
    given = _number("PORT", "a port number", 65535)
    if drafts and host not in (None, _LOOPBACK):
        raise click.UsageError(f"With --drafts the service listens on {_LOOPBACK} only: leave out --host.")
    host = host or (_EVERYWHERE if given and not port and not drafts else _LOOPBACK)
    port = port or given or 8000
    workers = _number("WEB_CONCURRENCY", "a number of worker processes", 1000) or 1
    near = "localhost" if host in (_EVERYWHERE, "::") else f"[{host}]" if ":" in host else host
    address = f"http://{near}:{port}"
    # A link may come to lead elsewhere.
    settings = Settings(folder.absolute(), address, drafts, _switch("PPRNET_STATS"))
    _check_state(os.environ.get("PPRNET_STATE", ""))
    os.environ.update(settings.environ())
    # uvicorn finishes running requests and then raises the signal again; stopping is no failure.
    signal.signal(signal.SIGTERM, _stop)
    logs.configure(sys.stderr)
    with metrics.shared(os.environ), _application(workers, host, port) as application:
        _check_site(settings)
        import uvicorn  # while the builder reads the site

        how: dict[str, Any] = {
            "factory": isinstance(application, str),
            "host": host,
            "port": port,
            "workers": workers,
            "http": "pprnet_feeds.serving.protocol:Protocol",
            "ws": "none",
            "loop": "uvloop",
            "log_config": None,
            "log_level": "error",  # its warnings are about requests: a stranger could fill the log
            "access_log": False,
            "proxy_headers": False,
            "server_header": False,
            "timeout_graceful_shutdown": 8,
        }
        if workers > 1:
            _supervise(uvicorn.Config(application, **how))
        else:
            uvicorn.run(application, **how)


def _supervise(config: Any) -> None:
    """Serve with several workers, until a signal; exit with 1 when none of them can start.

    uvicorn's own supervisor ends everything, and successfully, as soon as one
    worker does not start. The others may go on with what they hold: a worker
    that is replaced while the site is faulty is tried again.
    """
    from uvicorn.config import STARTUP_FAILURE
    from uvicorn.supervisors.multiprocess import Multiprocess, Process

    class Workers(Multiprocess):
        def keep_subprocess_alive(self) -> None:
            if self.should_exit.is_set():  # somebody asks us to stop
                return
            super().keep_subprocess_alive()
            if not self.should_exit.is_set() or not any(map(_answers, self.processes)):
                return
            self.should_exit.clear()
            for number, process in enumerate(self.processes):
                if process.exitcode == STARTUP_FAILURE:
                    self.processes[number] = Process(self.config, self.sockets)
                    self.processes[number].start()

    def _answers(process: Process) -> bool:
        return process.process.is_alive() and process.is_ready(config.timeout_worker_healthcheck)

    supervisor = Workers(config, [config.bind_socket()])
    supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        sys.exit(1)


@contextlib.contextmanager
def _application(workers: int, host: str, port: int) -> Iterator[Application | str]:
    """The application of one worker, whose builder reads already; of several, how each makes its own.

    All that it needs is loaded meanwhile; *host* and *port* must be free.
    """
    if workers > 1:
        _check_free(host, port)
        yield "pprnet_feeds.serving.app:create"
        return
    line, builder = child.start(os.environ)
    with contextlib.ExitStack() as ending:
        ending.callback(builder.wait)
        ending.callback(builder.kill)
        _check_free(host, port)
        from pprnet_feeds.serving.app import create

        application = create((line, builder))
        ending.callback(application.link.kill)  # which may have another builder by then
        yield application


def _check_site(settings: Settings) -> None:
    """Tell what will be served, or stop with every fault that keeps it from being served."""
    from pprnet_feeds.content.ledger import read_ledger
    from pprnet_feeds.content.site import read_site
    from pprnet_feeds.serving.disk import unreadable_folders

    site, problems = read_site(settings.folder, os.environ)
    ledger = read_ledger(settings.folder)
    problems = problems or (ledger if isinstance(ledger, list) else unreadable_folders(settings.folder))
    if site is None or problems:
        options.fail(problems, CONSEQUENCE)
    click.echo(f"{site.title}: {site.base_url or settings.base_url}/", err=True)
    if not site.base_url:
        click.echo(
            f"No base_url is set: the addresses in the feeds begin with {settings.base_url}. "
            "Set it in feeds/site.yaml, or PPRNET_BASE_URL, before anybody subscribes.",
            err=True,
        )


def _check_state(address: str) -> None:
    """Stop when the state cannot be kept at *address*; a path is always good."""
    if "://" in address:
        from pprnet_feeds.serving.store import Store  # its library takes long to load

        try:
            Store(address)
        except ValueError as error:
            raise click.UsageError(f"PPRNET_STATE: {error}") from error


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


def _switch(name: str) -> bool:
    """Whether the variable *name* is on; off when it is not set."""
    text = os.environ.get(name, "")
    if text not in ("", "on", "off"):
        raise click.UsageError(f"{name} is neither on nor off: {text!r}. Set it to on or off.")
    return text == "on"


def _check_free(host: str, port: int) -> None:
    """Stop with how to mend it when we could not listen there."""
    import asyncio

    async def bind() -> None:
        server = await asyncio.get_running_loop().create_server(
            asyncio.Protocol, host, port, start_serving=False
        )
        server.close()

    try:
        asyncio.run(bind())
    except (OSError, UnicodeError) as error:  # the latter of a name that cannot be one of a host
        taken = getattr(error, "errno", 0) == errno.EADDRINUSE
        reason = "another program listens there" if taken else getattr(error, "strerror", "") or str(error)
        what = f"cannot listen on {host}:{port}: {reason}"
        mend = "Choose another --host or --port (or PORT), such as --port 8080, or stop what uses it."
        options.fail([Problem("serve", 0, 0, what, mend)], CONSEQUENCE)
