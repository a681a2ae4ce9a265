"""What a worker holds: the answers that lie ready, and how one that is missing is come by.

The listed feeds, which everybody polls, stand in a table for good; all other
answers are kept for a while, in a bounded amount of memory. The builder's news
replace what changed in one step, so that nobody sees half of a change.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from pprnet_feeds.serving.codings import LARGEST_BEST
from pprnet_feeds.serving.kept import Kept
from pprnet_feeds.serving.link import Heard, Link
from pprnet_feeds.serving.memory import give_back
from pprnet_feeds.serving.messages import Alias, Better, Forgot, News, Reply, State
from pprnet_feeds.serving.representation import Representation

log = logging.getLogger("pprnet_feeds")

# How often, in seconds, heavy documents that readers have asked for in every coding are made light again.
LIGHTEN = 60.0
# What takes more memory than it would take time to make it again. In bytes.
HEAVY = 262_144
_BROTLI = ((b"accept-encoding", b"br"),)


class Holding:
    """The answers of one worker.

    Attributes:
        table: raw path -> the prepared answer, for the listed feeds asked for so far.
        state: what is served; None until a builder has told.
        refused: why the site cannot be served, as the last builder told.
    """

    def __init__(self) -> None:
        self.table: dict[bytes, Representation] = {}
        self.state: State | None = None
        self.refused: tuple[str, ...] = ()
        self._kept = Kept()
        self._asked: dict[tuple[str, bytes], asyncio.Task[Representation | Reply]] = {}
        self._news = 0

    async def find(self, path: str, query: bytes, link: Link) -> Representation | Reply:
        """The answer at an address; asked for only once however many wait for it."""
        held = None if query else self.table.get(path.encode("latin-1")) or self._kept.get(path)
        if held is not None:
            return held
        key = path, query
        task = self._asked.get(key)
        if task is None:
            task = self._asked[key] = asyncio.create_task(self._ask(path, query, link))
            task.add_done_callback(lambda done: self._asked.pop(key) and done.exception())
        return await asyncio.shield(task)  # whoever hangs up leaves the others waiting

    async def lighten(self, every: float = LIGHTEN) -> None:
        """Hold what is heavy in as little memory as can be, again after *every* so many seconds.

        Runs until cancelled.
        """
        while True:
            await asyncio.sleep(every)
            heavy = [held for held in self.table.values() if held.length > HEAVY]
            for held in heavy:
                if not held.lighten() and held.length > LARGEST_BEST:
                    await asyncio.to_thread(held.answer, _BROTLI)
                    held.lighten()
            if heavy:
                await asyncio.to_thread(give_back)

    def hear(self, heard: Heard) -> None:
        """Take over what the builder tells."""
        if isinstance(heard, News):
            self._renew(heard)
        elif isinstance(heard, Better):
            held = self.table.get(heard.path.encode("latin-1"))
            if held is not None and held.tag == heard.tag:
                held.improve(heard.body)
        else:
            self._refuse(heard.problems)

    def _refuse(self, problems: tuple[str, ...]) -> None:
        """Take note that a builder could not read the site; what is held stays, and it is told why."""
        if self.state is not None and problems != self.refused:
            self.state = replace(self.state, faults=problems)
            for problem in problems:
                log.error("what was read last stays: %s", problem)
        self.refused = problems

    def _renew(self, news: News) -> None:
        self.state, self.refused = news.state, ()
        self._news += 1
        if news.forgotten is None:
            self.table.clear()
            self._kept.clear()
        else:
            for path in news.forgotten:
                self.table.pop(path.encode("latin-1"), None)
                self._kept.drop(path)
        for path, answer in news.replaced.items():
            self.table[path.encode("latin-1")] = answer

    async def _ask(self, path: str, query: bytes, link: Link) -> Representation | Reply:
        news = self._news
        told = await link.ask(path, query)
        reply = told.reply
        if isinstance(reply, Alias):
            canonical = await self.find(reply.path, b"", link)
            if isinstance(canonical, Reply):
                return canonical
            reply = canonical.sibling(f"{canonical.links}, {reply.links}")
        if isinstance(reply, Representation) and not query:
            if news == self._news:
                self._keep(path, reply, told.listed, link)
            elif path.encode("latin-1") not in self.table:
                link.send(Forgot((path,)))  # true when it was told, but the news came before we could look
        return reply

    def _keep(self, path: str, answer: Representation, listed: bool, link: Link) -> None:
        if listed:
            self.table[path.encode("latin-1")] = answer
            return
        gone = self._kept.put(path, answer)
        if gone:
            link.send(Forgot(tuple(gone)))
