"""A document's bytes in each content coding, and which coding a request gets (RFC 9110 §8.4, §12.5.3).

Compressing is the dearest thing that is done for an answer, so each coding is
made once and kept, quickly at first; one that was made with more care may take
its place later, under an entity tag of its own.
"""

from __future__ import annotations

import gzip
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import brotli  # type: ignore[import-untyped]  # it ships no types

from pprnet_feeds.serving.semantics import IDENTITY, choose_coding

Message = dict[str, Any]

# A reader waits while its document is compressed for the first time: 5 takes half the time of gzip and
# is smaller; 11 saves another seventh of the bytes and takes fifty times as long: for who has the time.
BROTLI_QUALITY, BROTLI_BEST = 5, 11
# What has more bytes is never compressed with care: that takes two seconds a megabyte.
LARGEST_BEST = 2_000_000
GZIP_LEVEL = 9

# A longer value of a field that we look at is not looked at.
LONGEST_VALUE = 8192
# How many values of Accept-Encoding are remembered, and up to which length: at most 64 kB in all.
CHOICES = 512
LONGEST_CHOICE = 128

_ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda body: brotli.compress(body, mode=brotli.MODE_TEXT, quality=BROTLI_QUALITY),
    "gzip": lambda body: gzip.compress(body, GZIP_LEVEL, mtime=0),
}
CODINGS = tuple(_ENCODERS)
_TAG_SUFFIX = {IDENTITY: "", "br": "-br", "gzip": "-gz"}
# A strong tag stands for the very bytes of its coding (RFC 9110 §8.8.1): better ones have another.
BEST = "br"
_BEST_SUFFIX = "-bb"

choices: dict[bytes | None, str] = {}


class Content:
    """The bytes of a document in each coding, shared by all representations of it.

    Attributes:
        tags: coding -> its strong entity tag. They come from the document's own
            bytes, so that they are known before anything is compressed and are
            the same on every replica.
    """

    def __init__(self, body: bytes) -> None:
        digest = urlsafe_b64encode(blake2b(body, digest_size=16).digest()).decode().rstrip("=")
        self.tags = {coding: f'"{digest}{suffix}"' for coding, suffix in _TAG_SUFFIX.items()}
        self.best_tag = f'"{digest}{_BEST_SUFFIX}"'
        self._messages: dict[str, tuple[Message, str] | None] = {
            IDENTITY: (body_message(body), self.tags[IDENTITY])
        }
        self.length = len(body)

    @property
    def body(self) -> bytes:
        """The document itself."""
        messages = self._messages
        held, coded = messages.get(IDENTITY), messages.get(BEST)
        if held is None and coded is not None:
            plain: bytes = brotli.decompress(coded[0]["body"])
        else:
            assert held is not None
            plain = held[0]["body"]
        return plain

    def is_made(self, coding: str) -> bool:
        """Whether the document lies ready in *coding*."""
        return coding in self._messages

    def improve(self, body: bytes) -> None:
        """Take over a better compressed document."""
        self._messages[BEST] = body_message(body), self.best_tag

    def message(self, coding: str) -> tuple[Message, str] | None:
        """The message that sends the document in *coding*, and its tag; None when it is no smaller."""
        messages = self._messages  # in a thread: others may stand there in a moment
        if coding in messages:
            return messages[coding]
        coded = self.body if coding == IDENTITY else _ENCODERS[coding](self.body)
        is_worth = coding == IDENTITY or len(coded) < self.length
        made = (body_message(coded), self.tags[coding]) if is_worth else None
        return messages.setdefault(coding, made)  # a better one may have come meanwhile

    def lighten(self) -> bool:
        """Keep only the smallest coding, of which the others can be made again; whether it is made."""
        smallest = self._messages.get(BEST)
        if smallest is not None:
            self._messages = {BEST: smallest}
        return smallest is not None


def best(body: bytes) -> bytes | None:
    """The document as small as Brotli can make it, in seconds a megabyte; None when that is no smaller."""
    coded: bytes = brotli.compress(body, mode=brotli.MODE_TEXT, quality=BROTLI_BEST)
    return coded if len(coded) < len(body) else None


def coding_for(accept: bytes | None) -> str:
    """Choose a coding, and remember the choice: readers send a handful of different values."""
    readable = accept is not None and len(accept) <= LONGEST_VALUE
    coding = choose_coding(accept.decode("latin-1") if accept and readable else None, CODINGS)
    if accept is None or len(accept) <= LONGEST_CHOICE:
        if len(choices) >= CHOICES:
            choices.clear()
        choices[accept] = coding
    return coding


def body_message(body: bytes) -> Message:
    """The ASGI message that sends *body*."""
    return {"type": "http.response.body", "body": body}
