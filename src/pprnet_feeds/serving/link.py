"""A worker's line to its builder: the process is started, asked, heard, and replaced when it dies.

Readers must not notice any of that. What a worker holds it goes on serving;
who asks for something else while there is no builder waits for the next one.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import subprocess
from collections.abc import Callable, Mapping

from pprnet_feeds.serving.child import Child, start
from pprnet_feeds.serving.disk import HELD
from pprnet_feeds.serving.messages import Ask, Better, News, Refused, Told, receive, send

log = logging.getLogger("pprnet_feeds")

# For how many seconds an ask waits for its answer: a site of 100,000 posts is read in less.
PATIENCE = 30.0
# How long to wait before a builder is started again: nothing the first time, then longer. In seconds.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
# How many builders may be killed one after the other before the first has told anything.
FIRST = 3
# For how many seconds a builder may go on after its worker has ended.
GRACE = 6.0

Heard = News | Better | Refused


class NoAnswerError(Exception):
    """The builder could not be asked, or did not answer in time."""


class Link:
    """The line to a builder. *hear* takes what it tells unasked, in order.

    *child* is a builder that was started already; else one is started.
    """

    def __init__(
        self, environ: Mapping[str, str], hear: Callable[[Heard], None], child: Child | None = None
    ) -> None:
        self._environ = dict(environ)
        self._hear = hear
        self._numbers = itertools.count()
        self._asks: dict[int, tuple[Ask, asyncio.Future[Told]]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._heard = asyncio.Event()
        self._refuses = False
        self._running: asyncio.Task[None] | None = None
        self._ours, self._process = child or start(self._environ)

    async def open(self) -> None:
        """Wait until the first builder has read the site, and what it tells of it was heard."""
        self._running = asyncio.create_task(self._run())
        await self._heard.wait()

    async def ask(self, path: str, query: bytes = b"") -> Told:
        """The builder's answer. Raises NoAnswerError when there is none in time, or none to be expected."""
        if self._refuses:
            raise NoAnswerError(path)
        ask = Ask(next(self._numbers), path, query)
        future: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self._asks[ask.number] = ask, future
        self.send(ask)
        try:
            return await asyncio.wait_for(future, PATIENCE)
        except TimeoutError:
            raise NoAnswerError(path) from None
        finally:
            del self._asks[ask.number]

    @property
    def is_open(self) -> bool:
        """Whether there is a builder to tell."""
        return self._writer is not None

    def send(self, message: object) -> None:
        """Tell the builder something; lost while there is none."""
        if self._writer is not None:
            send(self._writer, message)

    async def close(self) -> None:
        """End the builder: it sees the line closed, and finishes what it is doing."""
        if self._running is not None:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running
        if self._writer is not None:
            self._writer.close()
        self._ours.close()
        try:
            await asyncio.to_thread(self._process.wait, GRACE)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the builder at once, if it has not ended."""
        self._process.kill()
        self._process.wait()

    async def _run(self) -> None:
        pause = 0.0
        for number in itertools.count(1):
            reader, self._writer = await asyncio.open_connection(sock=self._ours)
            for ask, _ in self._asks.values():
                self.send(ask)
            if await self._listen(reader):
                pause = 0.0
            self._writer.close()
            self._writer = None
            status = await asyncio.to_thread(self._process.wait)
            # One that ended by itself has a reason, and the next would fare no better.
            if not self._heard.is_set() and (status >= 0 or number == FIRST):
                self._hear(Refused((f"the process that draws has ended ({_ended(status)})",)))
                self._heard.set()
                return
            log.warning("the process that draws has ended (%s); another is started", _ended(status))
            pause = await self._start_again(pause)

    async def _start_again(self, pause: float) -> float:
        """Start the next builder after a *pause*, however often that must be tried; the pause after it."""
        while True:
            await asyncio.sleep(pause)
            pause = min(max(SHORTEST_PAUSE, 2 * pause), LONGEST_PAUSE)
            try:
                self._ours, self._process = start(self._environ)
                return pause
            except OSError as fault:  # no file descriptor, process or memory is left at this moment
                log.warning("the process that draws cannot be started (%s); it is tried again", fault)

    async def _listen(self, reader: asyncio.StreamReader) -> bool:
        """Hear the builder out; whether it came to serve anything."""
        served = False
        while (message := await receive(reader)) is not None:
            if isinstance(message, Told):
                _, future = self._asks.get(message.number, (None, None))
                if future is not None and not future.done():
                    future.set_result(message)
                continue
            self._refuses = isinstance(message, Refused)
            if isinstance(message, News):
                served = True
                self._environ[HELD] = "1" if message.state.posts else ""
            self._hear(message)
            self._heard.set()
        return served


def _ended(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"status {status}"
