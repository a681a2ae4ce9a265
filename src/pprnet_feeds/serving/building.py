"""The life of a builder process: from the first reading of the site to the end of the line."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from importlib import import_module
from pathlib import Path

from pprnet_feeds.content import cachefile
from pprnet_feeds.content.reading import Reading
from pprnet_feeds.serving.aside import aside
from pprnet_feeds.serving.builder import Builder, state_of
from pprnet_feeds.serving.clock import utc_now
from pprnet_feeds.serving.ending import keep_answers
from pprnet_feeds.serving.memory import give_back, in_one_place
from pprnet_feeds.serving.messages import (
    Ask,
    Forgot,
    Refused,
    receive,
    send,
)
from pprnet_feeds.serving.reload import keep_current, tell
from pprnet_feeds.serving.snapshot import Snapshot, build
from pprnet_feeds.serving.standing import Standing, stamp_of
from pprnet_feeds.serving.statefile import answers_path, cache_path
from pprnet_feeds.settings import Settings
from pprnet_feeds.state.last_modified import TimestampStore

log = logging.getLogger("pprnet_feeds")

# How long a builder may take to end, in seconds.
LAST = 10.0
# After how many seconds what was read is written down for the next start.
KEEP_AFTER = 3.0


async def build_for(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    settings: Settings,
    address: str,
    told: Standing | None,
) -> None:
    """Build for the worker at the other end of the line, until it ends.

    *address* is that of the state, and *told* are the answers that the worker has already.
    """
    in_one_place()
    if not address:
        log.info("nothing is kept: after a restart Last-Modified falls back to the dates of the posts")
    cache = cache_path(settings.folder, os.environ) if address else None
    make = partial(build, settings, os.environ, store=(known := TimestampStore(address)), cache=cache)
    gc.disable()  # hardly anything that is made of the posts is ever garbage: nobody need look for it there
    first = make(now=utc_now())
    gc.freeze()
    gc.enable()
    if not isinstance(first, Snapshot):
        send(writer, Refused(tuple(f"{fault.place}: {fault.what}" for fault in first)))
        await writer.drain()
        return
    tell(first)
    held = told.identities if told and _is_same(told, first, settings, address) else None
    # Until there is one process, the extension that sends pings lives here.
    websub = import_module("pprnet_feeds.websub.extension").WebSub(address, settings.base_url, utc_now)
    builder = Builder(
        settings.folder,
        first,
        lambda before, moved: make(now=utc_now(), before=before, moved=moved),
        lambda: known.load().newest,
        utc_now,
        websub.swapped,
        partial(send, writer),
        held,
    )

    def end() -> None:
        listed = [path for path, identity in builder.held.items() if identity is not None]
        path = answers_path(settings.folder, os.environ) if address else None
        if path is None:
            return
        try:
            ending = partial(make, now=utc_now(), before=builder.snapshot)
            keep_answers(path, settings, os.environ, address, ending, listed)
        except Exception:
            log.exception("what was answered could not be kept; the next start draws anew")

    async with (
        _running(keep_current(builder)),
        _running(builder.improve()),
        _running(_keep(builder, cache, end)),
    ):
        await _hear(builder, reader)


def _is_same(told: Standing, first: Snapshot, settings: Settings, address: str) -> bool:
    """Whether what was told before the site was read is what is answered now that it was."""
    is_as_told = told.state == state_of(first, ())
    return is_as_told and told.stamp == stamp_of(first, settings, os.environ, address)


async def _hear(builder: Builder, reader: asyncio.StreamReader) -> None:
    """Do what the worker tells, until it ends."""
    while (message := await receive(reader)) is not None:
        if isinstance(message, Ask):
            builder.answer(message)
        elif isinstance(message, Forgot):
            builder.forgot(message)
    # Nobody is left to end a builder that cannot end itself.
    asyncio.get_running_loop().call_later(LAST, os._exit, 1)


async def _keep(builder: Builder, cache: Path | None, end: Callable[[], None]) -> None:
    """Keep what was read and told for the next start: when nothing has moved for a while, and at the end."""
    kept: Reading | None = None

    def keep() -> None:
        nonlocal kept
        library = builder.snapshot.library
        if cache is None or library.reading is None or library.reading is kept:
            return
        kept = library.reading
        fault = cachefile.write(cache, library.site, kept, builder.folder)
        if fault:
            log.info("what was read cannot be kept in %s (%s); the next start reads anew", cache, fault)
        gc.collect()  # templates refer to themselves, and to posts that hold the file before this one open
        give_back()

    try:
        while True:
            await asyncio.sleep(KEEP_AFTER)
            await aside(keep)
    finally:
        keep()
        end()


@contextlib.asynccontextmanager
async def _running(endless: Awaitable[None]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(endless)
    try:
        yield
    finally:
        while not task.done():  # a wait that ends at this very moment swallows it
            task.cancel()
            await asyncio.wait([task], timeout=1)
