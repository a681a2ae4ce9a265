"""The first moment of a builder process: where nothing has moved, what was answered last is told at once.

Only then is all loaded that reads and draws, and the site read. It is a process
of its own from here on; `building` is its life.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys

from pprnet_feeds.serving import logs, standing
from pprnet_feeds.serving.clock import utc_now
from pprnet_feeds.serving.messages import News, send
from pprnet_feeds.serving.statefile import answers_path
from pprnet_feeds.settings import Settings
from pprnet_feeds.state.database import state_address


def main() -> None:
    """Build for the worker at the other end of standard input, until that closes."""
    # Whoever stops the service stops the worker, and the builder ends after it: it is never asked alone.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    logs.configure(sys.stderr)
    asyncio.run(_begin(socket.socket(fileno=os.dup(sys.stdin.fileno()))))


async def _begin(line: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=line)
    with contextlib.closing(writer):
        settings = Settings.from_environ(os.environ)
        # A preview shows what is not published: it must not be remembered as a change.
        address = "" if settings.drafts else state_address(settings.folder, os.environ)
        path = answers_path(settings.folder, os.environ) if address else None
        told = standing.load(path, settings, os.environ, address, utc_now()) if path else None
        if told is not None:
            send(writer, News(told.state, told.answers))
            writer.transport.set_write_buffer_limits(0)  # all of it, before this process is busy
            await writer.drain()
            writer.transport.set_write_buffer_limits()
            told = told.without_bodies()

        from pprnet_feeds.serving.building import build_for

        await build_for(reader, writer, settings, address, told)


if __name__ == "__main__":
    main()
