"""``pprnet-feeds serve``: the one command that starts a server."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pprnet_feeds.commands import options
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.serving import child, logs
from pprnet_feeds.serving.clock import utc_now
from pprnet_feeds.settings import Settings
from pprnet_feeds.state.database import Database, state_address
from pprnet_feeds.stats import metrics
from pprnet_feeds.stats.extension import Statistics

if TYPE_CHECKING:
    from pprnet_feeds.serving.app import Application

CONSEQUENCE = "The feeds were not started."


@click.command()
@options.site
@click.option("--drafts", is_flag=True, help="Show drafts and scheduled posts too, for a preview.")
def serve(folder: Path, drafts: bool) -> None:
    """Serve the feeds and pages of the site.

    Listens on 127.0.0.1:8000; with $PORT set, on that port of every address.
    $WEB_CONCURRENCY is the number of worker processes. Changed files are live
    within two seconds. A faulty post is reported and stays as it was; the others go on.

    \b
    Examples:
        pprnet-feeds serve
        PORT=8080 PPRNET_BASE_URL=https://feeds.example.org pprnet-feeds serve --site /srv/blog
    """
    port = _number("PORT", "a port number", 65535)
    workers = _number("WEB_CONCURRENCY", "a number of worker processes", 1000) or 1
    host = "0.0.0.0" if port else "127.0.0.1"
    address = f"http://{'localhost' if port else '127.0.0.1'}:{port or 8000}"
    # A link may come to lead elsewhere.
    settings = Settings(folder.absolute(), address, drafts, _switch("PPRNET_STATS"))
    _check_state(os.environ.get("PPRNET_STATE", ""))
    os.environ.update(settings.environ())
    # uvicorn finishes running requests and then raises the signal again; stopping is no failure.
    signal.signal(signal.SIGTERM, _stop)
    logs.configure(sys.stderr)
    metrics.share(os.environ, _metrics_folder(settings.folder, port or 8000) if workers > 1 else None)
    with _application(workers, host, port or 8000, settings) as application:
        _check_site(settings)
        import uvicorn  # while the builder reads the site

        how: dict[str, Any] = {
            "factory": isinstance(application, str),
            "host": host,
            "port": port or 8000,
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
            before = {process.pid for process in self.processes}
            super().keep_subprocess_alive()
            for number in before - {process.pid for process in self.processes}:
                metrics.mark_dead(number or 0)
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
def _application(workers: int, host: str, port: int, settings: Settings) -> Iterator[Application | str]:
    """The application of one worker, whose builder reads already; of several, how each makes its own.

    All that it needs is loaded meanwhile; *host* and *port* must be free.
    """
    if workers > 1:
        _check_free(host, port)
        yield "pprnet_feeds.commands.serve:application_of_worker"
        return
    line, builder = child.start(os.environ)
    with contextlib.ExitStack() as ending:
        ending.callback(builder.wait)
        ending.callback(builder.kill)
        _check_free(host, port)
        from pprnet_feeds.serving.app import create

        application = create((line, builder), _extensions(settings))
        ending.callback(application.link.kill)  # which may have another builder by then
        yield application


def application_of_worker() -> Application:
    """The application of one of several workers."""
    from pprnet_feeds.serving.app import create

    return create(extensions=_extensions(Settings.from_environ(os.environ)))


def _extensions(settings: Settings) -> list[Statistics]:
    # A preview shows what is not published: nothing of it is stored.
    state = "" if settings.drafts else state_address(settings.folder, os.environ)
    return [Statistics(state, utc_now, page=settings.stats)]


def _metrics_folder(folder: Path, port: int) -> Path:
    """Where several processes count together: beside the state, and apart from services on other ports."""
    elsewhere = {name: value for name, value in os.environ.items() if name != "PPRNET_STATE"}
    for address in (state_address(folder, os.environ), state_address(folder, elsewhere)):
        if address and (file := Database(address).file):
            return Path(f"{file}.metrics-{port}")
    return Path(tempfile.mkdtemp(prefix="pprnet-feeds-"))


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
    try:
        Database(address)
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
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        reason = "another program listens there" if taken else os.strerror(error.errno or 0)
        what = f"cannot listen on {host}:{port}: {reason}"
        mend = "Set PORT to another port, for example PORT=8080, or stop what uses it."
        options.fail([Problem("PORT", 0, 0, what, mend)], CONSEQUENCE)
