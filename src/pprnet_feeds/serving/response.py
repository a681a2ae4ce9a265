"""One document ready to be sent: its codings, its entity tags, its prepared messages.

A feed is polled a thousand times for each time it changes. So everything that depends on the
document alone is prepared once, a 304 included, and a request only chooses. Each coding is made
when it is first asked for.

Prepared messages are shared by all requests and must never be changed. Nothing here raises,
whatever a client puts into a header field.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pprnet_feeds.serving import encoding
from pprnet_feeds.serving.conditional import ANY, IDENTITY, http_date, matches, not_modified_since
from pprnet_feeds.serving.encoding import LONGEST_VALUE, Content

Pair = tuple[bytes, bytes]
Message = dict[str, Any]
Clock = Callable[[], datetime]

ALLOW = "GET, HEAD, OPTIONS"
# The fields of every short response that is no document.
ERROR = {
    "cache-control": "no-store",
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "ETag, Last-Modified, Link",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}

_STATUS = {200: b"HTTP/1.1 200 OK\r\n", 304: b"HTTP/1.1 304 Not Modified\r\n"}
_CONSULTED = frozenset({b"accept-encoding", b"if-none-match", b"if-modified-since", b"sec-fetch-dest"})
_EVERYBODY: tuple[Pair, ...] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"ETag, Last-Modified, Link"),
)
_AS_XML: Pair = (b"content-type", b"application/xml; charset=utf-8")
# Marks the entity tags of the variant for browsers: the same bytes under another type (RFC 9110 §8.8.1).
_BROWSER_TAG = "-x"


class Sent(NamedTuple):
    """What was sent, for whoever counts responses: status, content coding, and bytes of content."""

    status: int
    coding: str = ""
    size: int = 0


class Prepared(NamedTuple):
    """One prepared response, as ASGI messages and as it goes over the wire (RFC 9112 §2.1).

    Attributes:
        line: the status line.
        fields: the field lines and the empty line after them. Fields that depend on the moment or
            the connection go before them.
    """

    sent: Sent
    start: Message
    body: Message
    line: bytes
    fields: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """A short response that no cache stores, with header fields of its own."""

    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Response:
    """One document and all the responses it can be asked for.

    *media_type* is the whole value of Content-Type. *links* is the value of Link, empty for none.
    With *plain_xml* a browser that opens the document gets the same bytes as ``application/xml``,
    which it shows instead of downloading them. *extra* fields go with the document, not with a 304.
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
        self.last_modified = last_modified.astimezone(UTC)
        self._content = Content(body)
        self._date = self.date(last_modified)
        self._types: list[Pair] = [(b"content-type", media_type.encode())] + [_AS_XML] * plain_xml
        vary = b"Accept-Encoding, Sec-Fetch-Dest" if plain_xml else b"Accept-Encoding"
        self._always = ((b"cache-control", cache_control.encode()), (b"vary", vary), *_EVERYBODY)
        self._with_content = (
            (b"last-modified", self._date),
            (b"x-content-type-options", b"nosniff"),
            *extra,
        )
        self._prepare()

    @staticmethod
    def date(timestamp: datetime) -> bytes:
        """A timestamp as the value of a header field."""
        return http_date(timestamp).encode()

    @property
    def tag(self) -> str:
        """The entity tag of the document itself, in no coding."""
        return self._content.etags()[IDENTITY]

    @property
    def body(self) -> bytes:
        """The document itself, in no coding."""
        return self._content.body

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        return self._content.size + 8192

    def headers(self, *, browser: bool = False) -> list[Pair]:
        """The header fields of the whole document in no coding; those that a *browser* gets."""
        fields: list[Pair] = self._make(browser and len(self._types) > 1, IDENTITY)[0].start["headers"]
        return fields

    def sibling(self, links: str) -> Response:
        """The same document with another Link field; both share what is compressed."""
        made = copy.copy(self)
        made.links = links
        made._prepare()
        return made

    def reuse(self, former: Response) -> None:
        """Take the codings of a *former* response over, if its document has the same bytes."""
        if former._content.tag == self._content.tag:
            self._content = former._content

    def prepare(self, headers: Collection[Pair], clock: Clock) -> Prepared:
        """Choose the response to a GET with these *headers*, and compress the document if need be."""
        chosen = self.choose(headers, clock)
        while chosen is None:
            self._content.coded(encoding.coding_for(_joined(headers).get(b"accept-encoding")))
            chosen = self.choose(headers, clock)
        return chosen

    def choose(
        self, headers: Collection[Pair], clock: Clock, fields: Mapping[bytes, bytes] | None = None
    ) -> Prepared | None:
        """What `prepare` returns; None while the document is not compressed in the coding that is asked for.

        Names of *headers* are in lower case; *fields* are the same as a mapping, if there is one.
        """
        if fields is None:
            fields = dict(headers)
        if len(fields) != len(headers):
            fields = _joined(headers)
        browser = fields.get(b"sec-fetch-dest") == b"document" and len(self._types) > 1
        not_modified = False
        if_none_match = fields.get(b"if-none-match")
        if if_none_match is not None:
            # If-Modified-Since does not count beside it, whatever it says (RFC 9110 §13.1.3).
            prepared = self._not_modified[browser].get(if_none_match)
            if prepared is not None:
                return prepared
            tag = self._match(if_none_match, browser)
            if tag is not None and tag != ANY:
                return self._not_modified[browser][tag.encode()]
            not_modified = tag is not None
        elif (since := fields.get(b"if-modified-since")) is not None:
            not_modified = since == self._date or self._is_since(since, clock)
        accept = fields.get(b"accept-encoding")
        coding = encoding.choices.get(accept) or encoding.coding_for(accept)
        made = self._made[browser].get(coding)
        if made is None:
            if not self._content.is_made(coding):
                return None
            made = self._make(browser, coding)
        return made[not_modified]

    def _prepare(self) -> None:
        """Prepare what depends on the Link field; a 304 needs no coding to be made."""
        link = ((b"link", self.links.encode()),) if self.links else ()
        self._repeated = (*self._always, *link)
        self._made: list[dict[str, tuple[Prepared, Prepared]]] = [{} for _ in self._types]
        self._not_modified: list[dict[bytes, Prepared]] = []
        for variant in ("", _BROWSER_TAG)[: len(self._types)]:
            by_tag: dict[bytes, Prepared] = {}
            for tag in self._content.etags(variant).values():
                # §15.4.5: what a cache needs to renew its copy; Last-Modified adds nothing to an entity tag.
                prepared = _prepared(Sent(304), b"", (b"etag", tag.encode()), *self._repeated)
                by_tag[tag.encode()] = by_tag[f"W/{tag}".encode()] = prepared
            self._not_modified.append(by_tag)

    def _make(self, browser: bool, coding: str) -> tuple[Prepared, Prepared]:
        """The 200 and the 304 in one coding; in no coding where that is no larger."""
        body = self._content.coded(coding)
        if body is None:
            made = self._make(browser, IDENTITY)
        else:
            tag = self._content.etags(_BROWSER_TAG if browser else "")[coding].encode()
            coded = ((b"content-encoding", coding.encode()),) if coding != IDENTITY else ()
            length = (b"content-length", b"%d" % len(body))
            sent = Sent(200, "" if coding == IDENTITY else coding, len(body))
            fields = (self._types[browser], *coded, length, (b"etag", tag), *self._repeated)
            made = _prepared(sent, body, *fields, *self._with_content), self._not_modified[browser][tag]
        self._made[browser][coding] = made
        return made

    def _match(self, if_none_match: bytes, browser: bool) -> str | None:
        if len(if_none_match) > LONGEST_VALUE:
            return None
        tags = self._content.etags(_BROWSER_TAG if browser else "").values()
        return matches(if_none_match.decode("latin-1"), tags)

    def _is_since(self, since: bytes, clock: Clock) -> bool:
        return len(since) <= LONGEST_VALUE and not_modified_since(
            since.decode("latin-1"), self.last_modified, clock()
        )


def body_message(body: bytes) -> Message:
    """The ASGI message that sends *body*."""
    return {"type": "http.response.body", "body": body}


def _joined(headers: Collection[Pair]) -> dict[bytes, bytes]:
    """The fields we look at; the lines of one that is repeated are one list (RFC 9110 §5.3)."""
    lines: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        if name in _CONSULTED:
            lines.setdefault(name, []).append(value)
    return {name: b", ".join(values) for name, values in lines.items()}


def _prepared(sent: Sent, body: bytes, *headers: Pair) -> Prepared:
    start = {"type": "http.response.start", "status": sent.status, "headers": list(headers)}
    fields = b"".join(b"%b: %b\r\n" % header for header in headers) + b"\r\n"
    return Prepared(sent, start, body_message(body), _STATUS[sent.status], fields)
