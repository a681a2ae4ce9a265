"""A document's bytes in each content coding, and which coding a request gets (RFC 9110 §8.4, §12.5.3).

Compressing is the most expensive step of a response, so each coding is made once, when a request
first asks for it, and shared by all responses with the same document.
"""

from __future__ import annotations

import gzip
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import blake2b

import brotli  # type: ignore[import-untyped]  # it ships no types

from pprnet_feeds.serving.conditional import IDENTITY, choose_coding

# Brotli 9 is a little smaller than 5 and takes twice its time; 11 takes fifty times as long.
BROTLI_QUALITY = 9
GZIP_LEVEL = 9

# A longer value of a field is ignored.
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

# The coding for each value of Accept-Encoding: readers send a handful of different values.
choices: dict[bytes | None, str] = {}


class Content:
    """The bytes of a document in each coding.

    Attributes:
        body: the document itself.
        tag: stands for the document's own bytes, the same on every replica.
    """

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.tag = urlsafe_b64encode(blake2b(body, digest_size=16).digest()).decode().rstrip("=")
        self._coded: dict[str, bytes | None] = {IDENTITY: body}

    def etags(self, variant: str = "") -> dict[str, str]:
        """The strong entity tag in each coding; known before anything is compressed."""
        return {coding: f'"{self.tag}{variant}{suffix}"' for coding, suffix in _TAG_SUFFIX.items()}

    def is_made(self, coding: str) -> bool:
        """Whether the document was compressed in this coding already."""
        return coding in self._coded

    def coded(self, coding: str) -> bytes | None:
        """The document in a coding; None when it would be no smaller."""
        if coding not in self._coded:
            coded = _ENCODERS[coding](self.body)
            self._coded[coding] = coded if len(coded) < len(self.body) else None
        return self._coded[coding]

    @property
    def size(self) -> int:
        """How many bytes all codings take that are made."""
        return sum(len(coded) for coded in self._coded.values() if coded)


def brotli_of(body: bytes) -> bytes | None:
    """The document compressed with Brotli; None when it would be no smaller."""
    coded = _ENCODERS["br"](body)
    return coded if len(coded) < len(body) else None


def coding_for(accept: bytes | None) -> str:
    """Choose a coding by Accept-Encoding, and remember the choice."""
    readable = accept is not None and len(accept) <= LONGEST_VALUE
    coding = choose_coding(accept.decode("latin-1") if accept and readable else None, CODINGS)
    if accept is None or len(accept) <= LONGEST_CHOICE:
        if len(choices) >= CHOICES:
            choices.clear()
        choices[accept] = coding
    return coding
