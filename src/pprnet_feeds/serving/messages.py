"""What a worker and its builder tell each other, and how it crosses the socket between them.

A worker answers requests and draws nothing; its builder draws and answers
nobody else. They are one program in two processes, started by the same command
on the same machine, so values travel pickled. Nothing that a stranger sent is
ever read that way: a request crosses as text and bytes within an `Ask`.

The order of the messages is their meaning: what is told before a `News` is of
the state before, and what comes after is of the new one.
"""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pprnet_feeds.content.model import Cache
from pprnet_feeds.serving.representation import Representation

# The addresses whose answer depends on the query.
OPML, OEMBED, SUBSCRIBE = "/feeds.opml", "/oembed", "/subscribe"
ASKED = (OPML, OEMBED, SUBSCRIBE)

_LENGTH = 8


@dataclass(frozen=True, slots=True)
class Reply:
    """A short answer that no cache keeps, with the header fields of its own."""

    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alias:
    """The document of another address, with a Link field of its own."""

    path: str
    links: str


@dataclass(frozen=True, slots=True)
class Ask:
    """The worker asks for an address that it does not hold; *query* is empty where it changes nothing."""

    number: int
    path: str
    query: bytes


@dataclass(frozen=True, slots=True)
class Told:
    """The answer to the ask of that *number*.

    Attributes:
        listed: whether everybody may be polling the address, so that it is kept for good.
    """

    number: int
    reply: Representation | Alias | Reply
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Forgot:
    """The worker has let go of answers; the builder need not keep them current."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class State:
    """What is served from now on, in figures.

    Attributes:
        problems: of posts that are left out or stay as they were, in words for the operator.
        faults: why the site cannot be read, so that what was read last stays.
        next_release: when a scheduled post enters.
    """

    posts: int
    unrecorded: int
    problems: tuple[str, ...]
    faults: tuple[str, ...]
    next_release: datetime | None
    cache: Cache

    @property
    def shorten_from(self) -> datetime | None:
        """From this moment on a cache that keeps an answer for its usual time would outlive the release."""
        kept = timedelta(seconds=self.cache.max_age + self.cache.stale_while_revalidate)
        return self.next_release and self.next_release - kept


@dataclass(frozen=True, slots=True)
class News:
    """The builder tells of a change.

    Attributes:
        replaced: address -> the answer that stands there now.
        forgotten: the addresses whose answers no longer hold and were not drawn anew; None for all others.
    """

    state: State
    replaced: Mapping[str, Representation]
    forgotten: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Better:
    """A document that was compressed with more care; *tag* tells which document."""

    path: str
    tag: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """The site cannot be served at all; each problem in words for the operator."""

    problems: tuple[str, ...]


def send(writer: asyncio.StreamWriter, message: object) -> None:
    """Send one message."""
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    writer.writelines([len(body).to_bytes(_LENGTH, "big"), body])


async def receive(reader: asyncio.StreamReader) -> Any:
    """The next message; None when the other side has ended."""
    try:
        length = int.from_bytes(await reader.readexactly(_LENGTH), "big")
        return pickle.loads(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
