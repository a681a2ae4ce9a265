"""What a worker holds takes little memory, and answers as before."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime

import brotli

from pprnet_feeds.serving.codings import LARGEST_BEST
from pprnet_feeds.serving.holding import HEAVY, Holding
from pprnet_feeds.serving.messages import Better
from pprnet_feeds.serving.representation import Representation

ENTRY = b"<entry>how much psychotherapy is necessary?</entry>"
PLAIN, BR = [(b"accept-encoding", b"identity")], [(b"accept-encoding", b"br")]


def document(length: int) -> Representation:
    body = (ENTRY * (length // len(ENTRY) + 1))[:length]
    return Representation(
        body, media_type="text/plain", last_modified=datetime(2021, 12, 6, tzinfo=UTC), cache_control=""
    )


async def lightened(holding: Holding) -> None:
    """Let what is held be made light a few times."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(holding.lighten(0.01), 0.5)


def test_what_is_heavy_is_held_in_its_smallest_coding_only():
    holding = Holding()
    held = {
        "small": document(HEAVY),  # not worth it
        "heavy": document(HEAVY + 1),
        "uncoded": document(HEAVY + 2),  # the builder is still compressing it with care
        "largest": document(LARGEST_BEST + 1),  # the builder never will
    }
    bodies = {name: made.answer(PLAIN).body["body"] for name, made in held.items()}
    holding.table = {name.encode(): made for name, made in held.items()}
    better = brotli.compress(bodies["heavy"], quality=11)
    holding.hear(Better("heavy", held["heavy"].tag, better))
    asyncio.run(lightened(holding))
    assert {name for name, made in held.items() if made.ready(PLAIN) is None} == {"heavy", "largest"}
    assert held["heavy"].ready(BR).body["body"] == better
    assert {name: made.answer(PLAIN).body["body"] for name, made in held.items()} == bodies
    assert all(made.ready(PLAIN) for made in held.values())  # made again, it stays until the next time


def test_answers_are_the_same_while_what_is_held_is_made_light():
    holding = Holding()
    made = document(LARGEST_BEST + 1)
    holding.table = {b"made": made}
    expected = {coding: made.answer(fields) for coding, fields in (("br", BR), ("", PLAIN))}

    async def ask(coding: str, fields: list[tuple[bytes, bytes]]) -> None:
        while True:
            answer = await asyncio.to_thread(made.answer, fields)
            assert answer == expected[coding]

    async def all_at_once() -> None:
        tasks = [holding.lighten(0.001), *(ask(*each) for each in [("br", BR), ("", PLAIN)] * 2)]
        done, left = await asyncio.wait(map(asyncio.ensure_future, tasks), timeout=1)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        assert done == set()

    asyncio.run(all_at_once())
