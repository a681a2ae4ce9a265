"""The life of a builder process: from the first reading of the site to the end of the line."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable
from functools import partial
from pathlib import Path

from pprnet_feeds.content import cachefile
from pprnet_feeds.content.reading import Reading
from pprnet_feeds.serving import logs
from pprnet_feeds.serving.aside import aside
from pprnet_feeds.serving.builder import Builder
from pprnet_feeds.serving.clock import utc_now
from pprnet_feeds.serving.knowledge import Knowledge
from pprnet_feeds.serving.messages import (
    Ask,
    Counted,
    Forgot,
    Refused,
    Reply,
    Told,
    receive,
    send,
)
from pprnet_feeds.serving.pinging import Pinging
from pprnet_feeds.serving.recording import Recording
from pprnet_feeds.serving.reload import keep_current, tell
from pprnet_feeds.serving.reports import Reports
from pprnet_feeds.serving.snapshot import Snapshot, build
from pprnet_feeds.serving.statefile import cache_path, state_address
from pprnet_feeds.settings import Settings

log = logging.getLogger("pprnet_feeds")

# How long a builder may take to end, in seconds.
LAST = 10.0
# After how many seconds what was read is written down for the next start.
KEEP_AFTER = 3.0


def main() -> None:
    """Build for the worker at the other end of standard input, until that closes."""
    # Whoever stops the service stops the worker, and the builder ends after it: it is never asked alone.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    logs.configure(sys.stderr)
    asyncio.run(_build(socket.socket(fileno=os.dup(sys.stdin.fileno()))))


async def _build(line: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=line)
    with contextlib.closing(writer):
        settings = Settings.from_environ(os.environ)
        # A preview shows what is not published: it must not be remembered as a change.
        address = "" if settings.drafts else state_address(settings.folder, os.environ)
        if not address:
            log.info("nothing is kept: after a restart Last-Modified falls back to the dates of the posts")
        cache = cache_path(settings.folder, os.environ) if address else None
        begun = time.monotonic()
        make = partial(build, settings, os.environ, store=(known := Knowledge(address)), cache=cache)
        first = make(now=utc_now())
        if not isinstance(first, Snapshot):
            send(writer, Refused(tuple(f"{fault.place}: {fault.what}" for fault in first)))
            await writer.drain()
            return
        tell(first)
        pinging = Pinging(address, settings.base_url, utc_now)
        recording = Recording(address, utc_now, {"worker": os.getppid()})
        reports = Reports(recording, address if settings.stats else None, utc_now)
        recording.built(time.monotonic() - begun, len(first.library.posts))
        builder = Builder(
            settings.folder,
            first,
            lambda before: make(now=utc_now(), before=before),
            lambda: known.load().newest,
            utc_now,
            pinging,
            recording,
            partial(send, writer),
        )
        async with (
            pinging,
            recording,
            _running(keep_current(builder)),
            _running(builder.improve()),
            _running(_keep(builder, cache, known)),
        ):
            await _hear(builder, recording, reports, reader, writer)


async def _hear(
    builder: Builder,
    recording: Recording,
    reports: Reports,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Do what the worker tells, until it ends."""
    answering: set[asyncio.Task[None]] = set()
    while (message := await receive(reader)) is not None:
        if isinstance(message, Ask) and reports.offers(message.path):
            task = asyncio.create_task(_report(message, reports, builder, writer))
            answering.add(task)
            task.add_done_callback(answering.discard)
        elif isinstance(message, Ask):
            builder.answer(message)
        elif isinstance(message, Counted):
            recording.counted(message.batch)
        elif isinstance(message, Forgot):
            builder.forgot(message)
    # Nobody is left to end a builder that cannot end itself.
    asyncio.get_running_loop().call_later(LAST, os._exit, 1)


async def _report(ask: Ask, reports: Reports, builder: Builder, writer: asyncio.StreamWriter) -> None:
    try:
        reply = await reports.draw(ask.path, builder.snapshot.site)
    except Exception:
        log.exception("a report could not be drawn")
        reply = Reply(500, "This could not be drawn; the log tells why.")
    send(writer, Told(ask.number, reply))


async def _keep(builder: Builder, cache: Path | None, known: Knowledge) -> None:
    """Keep what was read and told for the next start: when nothing has moved for a while, and at the end."""
    kept: Reading | None = None

    def keep() -> None:
        nonlocal kept
        known.settle()
        library = builder.snapshot.library
        if cache is None or library.reading is None or library.reading is kept:
            return
        kept = library.reading
        fault = cachefile.write(cache, library.site, kept)
        if fault:
            log.info("what was read cannot be kept in %s (%s); the next start reads anew", cache, fault)

    try:
        while True:
            await asyncio.sleep(KEEP_AFTER)
            await aside(keep)
    finally:
        keep()


@contextlib.asynccontextmanager
async def _running(endless: Awaitable[None]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(endless)
    try:
        yield
    finally:
        while not task.done():  # a wait that ends at this very moment swallows it
            task.cancel()
            await asyncio.wait([task], timeout=1)


if __name__ == "__main__":
    main()
