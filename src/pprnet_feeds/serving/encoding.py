"""A document's bytes in each content coding, and which coding a request gets (RFC 9110 §8.4, §12.5.3).

Compressing is the most expensive step of a response, so each coding is made once, when a request
first asks for it, and shared by all responses with the same document.
"""

import gzip
from base64 import urlsafe_b64encode
from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b

import brotli  # type: ignore[import-untyped]  # it ships no types

from pprnet_feeds.serving.conditional import IDENTITY, choose_coding

# A longer value of a field is ignored.
LONGEST_VALUE = 8192

# Brotli 9 is a little smaller than 5 and takes twice its time; 11 takes fifty times as long.
_ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda body: brotli.compress(body, mode=brotli.MODE_TEXT, quality=9),
    "gzip": lambda body: gzip.compress(body, 9, mtime=0),
}
# What the entity tag of a document in each coding ends with.
TAG_SUFFIXES = {IDENTITY: "", "br": "-br", "gzip": "-gz"}


class Content:
    """The bytes of a document in each coding.

    Attributes:
        tag: identifies the document's own bytes, the same on every replica.
        coded: the document in each coding that was made so far; None where it would be no smaller.
    """

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.tag = urlsafe_b64encode(blake2b(body, digest_size=16).digest()).decode().rstrip("=")
        self.coded: dict[str, bytes | None] = {IDENTITY: body}

    def compress(self, coding: str) -> None:
        """Make the document in a coding."""
        coded = _ENCODERS[coding](self.body)
        self.coded[coding] = coded if len(coded) < len(self.body) else None


@lru_cache(128)
def coding_for(accept: bytes) -> str:
    """The coding for a value of Accept-Encoding that is no longer than `LONGEST_VALUE`.

    Readers send a handful of different values; the cache saves some microseconds of each request.
    """
    return choose_coding(accept.decode("latin-1"), tuple(_ENCODERS))
