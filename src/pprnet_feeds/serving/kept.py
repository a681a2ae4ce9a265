"""Answers that are worth keeping for a while, in a bounded amount of memory.

Readers may combine topics in more ways than anybody could prepare, and a
stranger may ask for all of them. The answers asked for last are kept, up to a
number of bytes; the listed feeds, which everybody polls, never stand here.
"""

from __future__ import annotations

from collections import OrderedDict

from pprnet_feeds.serving.representation import Representation

BYTES = 32 * 1024 * 1024


class Kept:
    """The answers used last, by address; the one unused for longest goes first."""

    def __init__(self, most: int = BYTES) -> None:
        self._most = most
        self._held = 0
        self._answers: OrderedDict[str, Representation] = OrderedDict()

    def get(self, address: str) -> Representation | None:
        """The answer at *address*, if it is still here."""
        answer = self._answers.get(address)
        if answer is not None:
            self._answers.move_to_end(address)
        return answer

    def put(self, address: str, answer: Representation) -> list[str]:
        """Keep an answer, and let go of as many as must make room for it: their addresses."""
        self.drop(address)
        self._answers[address] = answer
        self._held += _size(answer)
        gone: list[str] = []
        while self._held > self._most and len(self._answers) > 1:
            oldest, was = self._answers.popitem(last=False)
            self._held -= _size(was)
            gone.append(oldest)
        return gone

    def drop(self, address: str) -> None:
        """Let go of the answer at *address*, if there is one."""
        was = self._answers.pop(address, None)
        if was is not None:
            self._held -= _size(was)

    def clear(self) -> None:
        """Let go of everything."""
        self._answers.clear()
        self._held = 0


def _size(answer: Representation) -> int:
    """About how many bytes of memory it takes, all codings made."""
    return 2 * answer.length + 8192
