"""One document ready to be sent: its codings, its entity tags, its messages.

A feed is polled a thousand times for each time it changes, so everything that
depends on the document alone is made once, and a request only chooses between
answers that lie ready. Each coding is made when somebody first asks for it,
and then kept; one that was made with more care may take its place later.

The messages are shared by all requests and must never be changed; uvicorn
copies the headers before it adds its own `date`. Nothing here may raise,
whatever a stranger puts into a header.
"""

from __future__ import annotations

import copy
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pprnet_feeds.serving.codings import BEST, LONGEST_VALUE, Content, Message, body_message, coding_for
from pprnet_feeds.serving.codings import choices as _choices
from pprnet_feeds.serving.semantics import ANY, IDENTITY, http_date, matches, not_modified_since
from pprnet_feeds.serving.tally import Kind

Pair = tuple[bytes, bytes]

# What takes longer to compress than a request may hold up the others. In bytes.
LARGE = 65_536

EMPTY_BODY = body_message(b"")
_UNCHANGED = Kind(304)
_STATUS = {200: b"HTTP/1.1 200 OK\r\n", 304: b"HTTP/1.1 304 Not Modified\r\n"}

_CONSULTED = frozenset({b"accept-encoding", b"if-none-match", b"if-modified-since", b"sec-fetch-dest"})
_EVERYBODY: tuple[Pair, ...] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"ETag, Last-Modified, Link"),
)
# A type, and what it adds to entity tags: one tag stands for one type (RFC 9110 §8.8.1).
_Type = tuple[Pair, str]
_AS_XML: _Type = (b"content-type", b"application/xml; charset=utf-8"), "-x"


class Answer(NamedTuple):
    """One ready answer, as ASGI messages and as it goes over the wire (RFC 9112 §2.1).

    Attributes:
        start, body: the messages.
        kind: how it is counted.
        status: the status line.
        fields: the field lines and the empty one after them; fields that depend on the moment or the
            connection go before them.
    """

    start: Message
    body: Message
    kind: Kind
    status: bytes
    fields: bytes


class Representation:
    """One document and all the answers it can be asked for.

    *media_type* is the whole value of Content-Type. *links* is the value of
    Link, empty for none. With *plain_xml* a browser that opens the document
    gets the same bytes as ``application/xml``, which it shows instead of
    downloading them, under tags of their own. *extra* headers go with the document, not with a 304.
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
        self._content = Content(body)
        self._last_modified = last_modified.astimezone(UTC)
        self._date = http_date(last_modified).encode()
        own: _Type = (b"content-type", media_type.encode()), ""
        self._types = (own, _AS_XML) if plain_xml else (own,)
        vary = b"Accept-Encoding, Sec-Fetch-Dest" if plain_xml else b"Accept-Encoding"
        self._always = ((b"cache-control", cache_control.encode()), (b"vary", vary), *_EVERYBODY)
        self._with_content = (
            (b"last-modified", self._date),
            (b"x-content-type-options", b"nosniff"),
            *extra,
        )
        self._prepare()

    @property
    def tag(self) -> str:
        """The entity tag of the document itself, in no coding."""
        return self._content.tags[IDENTITY]

    @property
    def identity(self) -> tuple[object, ...]:
        """All that tells it from another answer at the same address."""
        return self.tag, self._types, self._repeated, self._with_content

    def parts(self) -> dict[str, Any]:
        """What it is made of besides its body, as its maker takes it."""
        kind, last, cache = self._types[0][0][1].decode(), self._last_modified, self._always[0][1].decode()
        told = {"media_type": kind, "last_modified": last, "cache_control": cache, "links": self.links}
        return told | {"plain_xml": len(self._types) > 1, "extra": self._with_content[2:]}

    @property
    def body(self) -> bytes:
        """The document itself, in no coding."""
        return self._content.body

    def improve(self, body: bytes) -> None:
        """Answer with *body*, made by `best`, from now on to those who understand it."""
        self._content.improve(body)
        self._coded.pop(BEST, None)

    def lighten(self) -> bool:
        """Hold the smallest coding only, if that is made; tell whether it is. Others are made when asked."""
        is_light = self._content.lighten()
        if is_light:
            for coding in self._coded.keys() - {BEST}:
                self._coded.pop(coding, None)
        return is_light

    @property
    def length(self) -> int:
        """How many bytes the document has."""
        return self._content.length

    def sibling(self, links: str) -> Representation:
        """The same document with another Link field: what is compressed for one is there for both."""
        made = copy.copy(self)
        made.links = links
        made._prepare()
        return made

    def answer(self, headers: Collection[Pair]) -> Answer:
        """Choose what answers a GET with these *headers* (names in lower case).

        The answer to HEAD is its first message, and ``EMPTY_BODY``. Nothing of it may be changed.
        """
        ready = self.ready(headers)
        while ready is None:
            self._make(coding_for(_joined(headers).get(b"accept-encoding")))
            ready = self.ready(headers)
        return ready

    def ready(self, headers: Collection[Pair], fields: dict[bytes, bytes] | None = None) -> Answer | None:
        """What `answer` gives, or None when it would take long: a large document is not compressed yet."""
        fields = dict(headers) if fields is None else fields
        if len(fields) != len(headers):
            fields = _joined(headers)
        number = len(self._types) - 1 if fields.get(b"sec-fetch-dest") == b"document" else 0
        held = fields.get(b"if-none-match")
        if held is not None:
            # If-Modified-Since does not count beside it, whatever it says (RFC 9110 §13.1.3).
            unchanged = self._not_modified[number]
            ready = unchanged.get(held)
            if ready is not None:
                return ready
            tag = _match(held, unchanged)
            if tag is not None and tag != ANY:
                return unchanged[tag.encode()]
            not_modified = tag is not None
        else:
            since = fields.get(b"if-modified-since")
            not_modified = since is not None and (since == self._date or self._is_since(since))
        accept = fields.get(b"accept-encoding")
        coding = _choices.get(accept) or coding_for(accept)
        coded = self._coded.get(coding)
        if coded is None:
            if self._content.length > LARGE and not self._content.is_made(coding):
                return None
            coded = self._make(coding)
        return coded[number][not_modified]

    def _prepare(self) -> None:
        """Make what depends on the Link field; a 304 needs no coding to be made."""
        link = ((b"link", self.links.encode()),) if self.links else ()
        self._repeated = (*self._always, *link)
        # By coding and type: the document, and that it is unchanged; the latter by type and tag, too.
        self._coded: dict[str, list[tuple[Answer, Answer]]] = {}
        self._not_modified: list[dict[bytes, Answer]] = [{} for _ in self._types]
        for unchanged, (_, suffix) in zip(self._not_modified, self._types, strict=True):
            for coded in (*self._content.tags.values(), self._content.best_tag):
                tag = _marked(coded, suffix)
                # §15.4.5: what a cache needs to renew its copy; Last-Modified adds nothing to an entity tag.
                ready = _answer(EMPTY_BODY, _UNCHANGED, (b"etag", tag), *self._repeated)
                unchanged[tag] = unchanged[b"W/" + tag] = ready

    def _make(self, coding: str) -> list[tuple[Answer, Answer]]:
        found = self._content.message(coding)
        if found is None:
            # What Brotli does not make smaller, gzip with its longer frame does not either.
            made = self._coded.get(IDENTITY) or self._make(IDENTITY)
        else:
            message = found[0]
            size: tuple[Pair, ...] = ((b"content-length", b"%d" % len(message["body"])),)
            if coding != IDENTITY:
                size = ((b"content-encoding", coding.encode()), *size)
            rest = *self._repeated, *self._with_content
            kind = Kind(200, "" if coding == IDENTITY else coding, len(message["body"]))
            made = []
            for unchanged, (shown_as, suffix) in zip(self._not_modified, self._types, strict=True):
                tag = _marked(found[1], suffix)
                ok = _answer(message, kind, shown_as, *size, (b"etag", tag), *rest)
                made.append((ok, unchanged[tag]))
        self._coded[coding] = made
        return made

    def _is_since(self, since: bytes) -> bool:
        return len(since) <= LONGEST_VALUE and not_modified_since(
            since.decode("latin-1"), self._last_modified
        )


def _joined(headers: Collection[Pair]) -> dict[bytes, bytes]:
    """The fields we look at; the lines of one that is repeated are one list (RFC 9110 §5.3)."""
    lines: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        if name in _CONSULTED:
            lines.setdefault(name, []).append(value)
    return {name: b", ".join(values) for name, values in lines.items()}


def _match(held: bytes, tags: Collection[bytes]) -> str | None:
    if len(held) > LONGEST_VALUE:
        return None
    return matches(held.decode("latin-1"), [tag.decode() for tag in tags if tag.startswith(b'"')])


def _marked(tag: str, suffix: str) -> bytes:
    return f'{tag[:-1]}{suffix}"'.encode()


def _answer(body: Message, kind: Kind, *headers: Pair) -> Answer:
    start = {"type": "http.response.start", "status": kind.status, "headers": headers}
    fields = b"".join(b"%b: %b\r\n" % header for header in headers) + b"\r\n"
    return Answer(start, body, kind, _STATUS[kind.status], fields)
