"""One document ready to be sent: its codings, its entity tags, its messages.

A feed is polled a thousand times for each time it changes, so everything that
depends on the document alone is made once, and a request only chooses between
answers that lie ready. Each coding is made when somebody first asks for it,
and then kept.

The messages are shared by all requests and must never be changed; uvicorn
copies the headers before it adds its own `date`. Nothing here may raise,
whatever a stranger puts into a header.
"""

from __future__ import annotations

import copy
import gzip
from base64 import urlsafe_b64encode
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, NamedTuple

import brotli  # type: ignore[import-untyped]  # it ships no types

from pprnet_feeds.serving.semantics import (
    ANY,
    IDENTITY,
    choose_coding,
    http_date,
    matches,
    not_modified_since,
)

Message = dict[str, Any]
Answer = tuple[Message, Message]
Pair = tuple[bytes, bytes]

# A reader waits while its document is compressed for the first time: 5 takes half the time of gzip and
# is smaller; 11 would save another seventh of the bytes and take fifty times as long.
BROTLI_QUALITY = 5
GZIP_LEVEL = 9

# A longer value of a field that we look at is not looked at.
LONGEST_VALUE = 8192
# How many values of Accept-Encoding are remembered, and up to which length: at most 64 kB in all.
CHOICES = 512
LONGEST_CHOICE = 128

EMPTY_BODY: Message = {"type": "http.response.body", "body": b""}

_ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda body: brotli.compress(body, mode=brotli.MODE_TEXT, quality=BROTLI_QUALITY),
    "gzip": lambda body: gzip.compress(body, GZIP_LEVEL, mtime=0),
}
CODINGS = tuple(_ENCODERS)
_TAG_SUFFIX = {IDENTITY: "", "br": "-br", "gzip": "-gz"}
_CONSULTED = frozenset({b"accept-encoding", b"if-none-match", b"if-modified-since", b"sec-fetch-dest"})
_EVERYBODY: tuple[Pair, ...] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"ETag, Last-Modified, Link"),
)
_AS_XML: Pair = (b"content-type", b"application/xml; charset=utf-8")

_choices: dict[bytes | None, str] = {}


class _Coded(NamedTuple):
    """The ready answers in one coding."""

    ok: Answer
    ok_as_xml: Answer
    not_modified: Answer


class _Content:
    """The bytes of a document in each coding, shared by all representations of it.

    Attributes:
        tags: coding -> its strong entity tag. They come from the document's own
            bytes, so that they are known before anything is compressed and are
            the same on every replica.
    """

    def __init__(self, body: bytes) -> None:
        digest = urlsafe_b64encode(blake2b(body, digest_size=16).digest()).decode().rstrip("=")
        self.tags = {coding: f'"{digest}{suffix}"' for coding, suffix in _TAG_SUFFIX.items()}
        self._messages: dict[str, Message | None] = {IDENTITY: _body_message(body)}
        self.body = body

    def message(self, coding: str) -> Message | None:
        """The message that sends the document in *coding*; None when that makes it no smaller."""
        if coding not in self._messages:
            coded = _ENCODERS[coding](self.body)
            self._messages[coding] = _body_message(coded) if len(coded) < len(self.body) else None
        return self._messages[coding]


class Representation:
    """One document and all the answers it can be asked for.

    *media_type* is the whole value of Content-Type. *links* is the value of
    Link, empty for none. With *plain_xml* a browser that opens the document
    gets the same bytes as ``application/xml``, which it shows instead of
    downloading them. *extra* headers go with the document, not with a 304.
    """

    def __init__(
        self,
        body: bytes,
        *,
        media_type: str,
        last_modified: datetime,
        cache_control: str,
        links: str = "",
        plain_xml: bool = False,
        extra: Collection[Pair] = (),
    ) -> None:
        self.links = links
        self._content = _Content(body)
        self._last_modified = last_modified.astimezone(UTC)
        self._date = http_date(last_modified).encode()
        self._type: Pair = (b"content-type", media_type.encode())
        self._type_as_xml = _AS_XML if plain_xml else self._type
        vary = b"Accept-Encoding, Sec-Fetch-Dest" if plain_xml else b"Accept-Encoding"
        self._always = ((b"cache-control", cache_control.encode()), (b"vary", vary), *_EVERYBODY)
        self._with_content = (
            (b"last-modified", self._date),
            (b"x-content-type-options", b"nosniff"),
            *extra,
        )
        self._prepare()

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes, all codings made."""
        return 2 * len(self._content.body) + 4096

    def sibling(self, links: str) -> Representation:
        """The same document with another Link field: what is compressed for one is there for both."""
        made = copy.copy(self)
        made.links = links
        made._prepare()
        return made

    def answer(self, headers: Collection[Pair]) -> Answer:
        """Choose the two ASGI messages that answer a GET with these *headers* (names in lower case).

        The answer to HEAD is the first one, and ``EMPTY_BODY``. Neither may be changed.
        """
        fields = dict(headers)
        if len(fields) != len(headers):
            fields = _joined(headers)
        held = fields.get(b"if-none-match")
        if held is not None:
            # If-Modified-Since does not count beside it, whatever it says (RFC 9110 §13.1.3).
            ready = self._not_modified.get(held)
            if ready is not None:
                return ready
            tag = self._match(held)
            if tag is not None and tag != ANY:
                return self._not_modified[tag.encode()]
            not_modified = tag is not None
        else:
            since = fields.get(b"if-modified-since")
            not_modified = since is not None and (since == self._date or self._is_since(since))
        accept = fields.get(b"accept-encoding")
        coding = _choices.get(accept) or _choose(accept)
        coded = self._coded.get(coding) or self._make(coding)
        if not_modified:
            return coded.not_modified
        if fields.get(b"sec-fetch-dest") == b"document":
            return coded.ok_as_xml
        return coded.ok

    def _prepare(self) -> None:
        """Make what depends on the Link field; a 304 needs no coding to be made."""
        link = ((b"link", self.links.encode()),) if self.links else ()
        self._repeated = (*self._always, *link)
        self._coded: dict[str, _Coded] = {}
        self._not_modified: dict[bytes, Answer] = {}
        for tag in self._content.tags.values():
            # §15.4.5: what a cache needs to renew its copy; Last-Modified adds nothing to an entity tag.
            ready = (_start(304, (b"etag", tag.encode()), *self._repeated), EMPTY_BODY)
            self._not_modified[tag.encode()] = self._not_modified[f"W/{tag}".encode()] = ready

    def _make(self, coding: str) -> _Coded:
        message = self._content.message(coding)
        if message is None:
            # What Brotli does not make smaller, gzip with its longer frame does not either.
            made = self._coded.get(IDENTITY) or self._make(IDENTITY)
        else:
            tag = self._content.tags[coding].encode()
            rest: tuple[Pair, ...] = (
                (b"content-length", b"%d" % len(message["body"])),
                (b"etag", tag),
                *self._repeated,
                *self._with_content,
            )
            if coding != IDENTITY:
                rest = ((b"content-encoding", coding.encode()), *rest)
            made = _Coded(
                (_start(200, self._type, *rest), message),
                (_start(200, self._type_as_xml, *rest), message),
                self._not_modified[tag],
            )
        self._coded[coding] = made
        return made

    def _match(self, held: bytes) -> str | None:
        if len(held) > LONGEST_VALUE:
            return None
        return matches(held.decode("latin-1"), self._content.tags.values())

    def _is_since(self, since: bytes) -> bool:
        return len(since) <= LONGEST_VALUE and not_modified_since(
            since.decode("latin-1"), self._last_modified
        )


def _choose(accept: bytes | None) -> str:
    """Choose a coding, and remember the choice: readers send a handful of different values."""
    readable = accept is not None and len(accept) <= LONGEST_VALUE
    coding = choose_coding(accept.decode("latin-1") if accept and readable else None, CODINGS)
    if accept is None or len(accept) <= LONGEST_CHOICE:
        if len(_choices) >= CHOICES:
            _choices.clear()
        _choices[accept] = coding
    return coding


def _joined(headers: Collection[Pair]) -> dict[bytes, bytes]:
    """The fields we look at; the lines of one that is repeated are one list (RFC 9110 §5.3)."""
    lines: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        if name in _CONSULTED:
            lines.setdefault(name, []).append(value)
    return {name: b", ".join(values) for name, values in lines.items()}


def _start(status: int, *headers: Pair) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers}


def _body_message(body: bytes) -> Message:
    return {"type": "http.response.body", "body": body}
