"""``pprnet-feeds ping``: send the pings to the hubs, and print what became of them."""

import asyncio
import os
from pathlib import Path

import click

from pprnet_feeds.commands import options
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.serving.snapshot import Snapshot, build
from pprnet_feeds.settings import Settings
from pprnet_feeds.state.database import UnavailableError
from pprnet_feeds.state.last_modified import TimestampStore
from pprnet_feeds.websub.queue import Queue

NOBODY = "No hub was notified."


@click.command()
@options.site
def ping(folder: Path) -> None:
    """Notify the WebSub hubs of feeds that changed since the last successful ping.

    For feeds that are served as files: run it when they are in place. A running
    service notifies the hubs itself. Both record in $PPRNET_STATE what they sent;
    the first run only records the feeds as they are.

    Exits with 1 when a hub refused or did not answer.

    \b
    Examples:
        pprnet-feeds ping
        PPRNET_BASE_URL=https://feeds.example.org pprnet-feeds ping --site /srv/blog
    """
    built = build(Settings(folder.resolve()), os.environ, options.now(), TimestampStore())
    if not isinstance(built, Snapshot):
        options.fail(built.problems, NOBODY)
    if not built.site.base_url:
        fix = "Add it, such as https://feeds.example.org, or set PPRNET_BASE_URL."
        options.fail([Problem("feeds/site.yaml", 0, 0, "`base_url` is missing", fix)], NOBODY)
    if not built.site.hubs:
        click.echo("No hub is configured, so nothing is sent. Name hubs with `hubs` in feeds/site.yaml.")
        return
    from pprnet_feeds.websub import client  # only where there is a hub

    queue = Queue(options.database(folder, "There is no place to record which pings were sent."))
    try:
        if queue.record(built.catalogue, options.now()) is None:
            click.echo("Recorded the feeds as they are. The hubs are notified of changes from now on.")
            return
        results = asyncio.run(client.send_due(queue, built.site.hubs, options.now))
        waiting = queue.next_due(built.site.hubs)
    except UnavailableError as fault:
        raise click.ClickException(f"The state cannot be used ({fault}). {NOBODY}") from fault
    for _, line in client.report(results):
        click.echo(f"{line[0].upper()}{line[1:]}.")
    if waiting is not None:
        again = f"`pprnet-feeds ping` after {waiting:%H:%M:%S} UTC"
        click.echo(f"The rest is tried again by the service, or by {again}.")
    elif not results:
        click.echo("No feed changed since the last ping.")
    if any(outcome.kind != "accepted" for _, outcome, _ in results):
        raise SystemExit(1)
