"""One document ready to be sent, in every form in which a request may ask for it.

A feed is polled a thousand times for each time it changes. So whatever depends on the document alone is
prepared once, a 304 included, and a request only chooses. Each coding is made when it is first asked for.
Prepared messages are shared by all requests and must never be changed. Nothing here raises, whatever a
client puts into a header field.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pprnet_feeds.serving.conditional import ANY, IDENTITY, http_date, matches, not_modified_since
from pprnet_feeds.serving.encoding import LONGEST_VALUE, TAG_SUFFIXES, Content, coding_for

Pair = tuple[bytes, bytes]
Message = dict[str, Any]

ALLOW = "GET, HEAD, OPTIONS"
_CORS = {"access-control-allow-origin": "*", "access-control-expose-headers": "ETag, Last-Modified, Link"}
# The fields of every short response that is no document.
ERROR = {
    "cache-control": "no-store",
    **_CORS,
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}

_STATUS = {200: b"HTTP/1.1 200 OK\r\n%b", 304: b"HTTP/1.1 304 Not Modified\r\n%b"}
# The type for browsers, and the mark of its entity tags: the same bytes under another type (§8.8.1).
_XML, _XML_TAG = "application/xml; charset=utf-8", "-x"


class Sent(NamedTuple):
    """What was sent, for statistics: status, content coding, and bytes of content."""

    status: int
    coding: str = ""
    size: int = 0


class Prepared(NamedTuple):
    """One prepared response, as ASGI messages and as it goes over the wire (RFC 9112 §2.1).

    Attributes:
        head: status line and field lines; those that depend on the time or the connection follow.
    """

    sent: Sent
    start: Message
    body: Message
    head: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """A short response that no cache stores, with header fields of its own.

    Attributes:
        near: title and address of what may have been meant.
    """

    status: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)
    near: Sequence[tuple[str, str]] = ()


class _Variant(NamedTuple):
    """The prepared responses with one media type."""

    content_type: Pair
    tags: Mapping[str, str]  # by coding
    not_modified: dict[bytes, Prepared]  # by each plain form of If-None-Match
    made: dict[str, tuple[Prepared, Prepared]]  # the 200 and the 304 in each coding that was asked for


@dataclass(eq=False)
class Response:
    """One document and all the responses it can be asked for.

    Attributes:
        media_type: the whole value of Content-Type.
        links: the value of Link, empty for none.
        plain_xml: whether a browser that opens the document gets the same bytes as
            ``application/xml``, which it shows instead of downloading them.
        extra: fields that go with the document, not with a 304.
        since: *last_modified* as Unix time.
        used: when the cache answered with it last, as Unix time.
        size: about how many bytes of memory it takes, with what will be compressed of it.
    """

    content: Content
    media_type: str
    last_modified: datetime
    cache_control: str
    links: str = ""
    plain_xml: bool = False
    extra: Collection[Pair] = ()

    def __post_init__(self) -> None:
        """Prepare what depends on the document alone, but its codings."""
        self._date = http_date(self.last_modified).encode()
        self.since, self.used = self.last_modified.timestamp(), 0.0
        self.size = 2 * len(self.content.body) + 16_384
        fields = {
            "cache-control": self.cache_control,
            "vary": "Accept-Encoding, Sec-Fetch-Dest" if self.plain_xml else "Accept-Encoding",
            **_CORS,
            **({"link": self.links} if self.links else {}),
        }
        self._repeated = [(name.encode(), value.encode()) for name, value in fields.items()]
        variants = [(self.media_type, ""), (_XML, _XML_TAG)]
        self._variants = [self._variant(*each) for each in variants[: 1 + self.plain_xml]]

    def _variant(self, media_type: str, mark: str) -> _Variant:
        tags = {coding: f'"{self.content.tag}{mark}{suffix}"' for coding, suffix in TAG_SUFFIXES.items()}
        not_modified: dict[bytes, Prepared] = {}
        for tag in (tag.encode() for tag in tags.values()):
            # §15.4.5: what a cache needs to renew its copy; Last-Modified adds nothing to an entity tag.
            prepared = _prepared(Sent(304), b"", [(b"etag", tag), *self._repeated])
            not_modified[tag] = not_modified[b"W/" + tag] = prepared
        return _Variant((b"content-type", media_type.encode()), tags, not_modified, {})

    def reuse(self, former: Response) -> None:
        """Take over the codings of a *former* response if its document has the same bytes."""
        if former.content.tag == self.content.tag:
            self.content = former.content

    def prepare(self, fields: Mapping[bytes, bytes], now: datetime) -> Prepared:
        """Choose the response to a GET with these header *fields*; compress the document if need be."""
        while (chosen := self.choose(fields, now.timestamp())) is None:
            self.content.compress(_coding(fields))
        return chosen

    def choose(self, fields: Mapping[bytes, bytes], now: float) -> Prepared | None:
        """What `prepare` returns at that Unix time; None while the wanted coding is not made."""
        variant = self._variants[self.plain_xml and fields.get(b"sec-fetch-dest") == b"document"]
        not_modified = False
        if_none_match = fields.get(b"if-none-match")
        if if_none_match is not None:
            # If-Modified-Since does not count beside it, whatever it says (RFC 9110 §13.1.3).
            if prepared := variant.not_modified.get(if_none_match):
                return prepared
            if len(if_none_match) <= LONGEST_VALUE:
                tag = matches(if_none_match.decode("latin-1"), variant.tags.values())
                if tag is not None and tag != ANY:
                    return variant.not_modified[tag.encode()]
                not_modified = tag is not None
        elif (since := fields.get(b"if-modified-since")) is not None:
            asked = since.decode("latin-1") if len(since) <= LONGEST_VALUE else ""
            at = datetime.fromtimestamp(now, UTC)
            not_modified = since == self._date or not_modified_since(asked, self.last_modified, at)
        coding = _coding(fields)
        made = variant.made.get(coding)
        if made is None:
            if coding not in self.content.coded:
                return None
            made = variant.made[coding] = self._make(variant, coding)
        return made[not_modified]

    def _make(self, variant: _Variant, coding: str) -> tuple[Prepared, Prepared]:
        """The 200 and the 304 in one coding; in no coding where that is no larger."""
        body = self.content.coded[coding]
        if body is None:
            return self._make(variant, IDENTITY)
        tag = variant.tags[coding].encode()
        fields = [
            variant.content_type,
            *([(b"content-encoding", coding.encode())] if coding != IDENTITY else []),
            (b"content-length", b"%d" % len(body)),
            (b"etag", tag),
            *self._repeated,
            (b"last-modified", self._date),
            (b"x-content-type-options", b"nosniff"),
            *self.extra,
        ]
        sent = Sent(200, "" if coding == IDENTITY else coding, len(body))
        return _prepared(sent, body, fields), variant.not_modified[tag]


def _coding(fields: Mapping[bytes, bytes]) -> str:
    accept = fields.get(b"accept-encoding")
    return coding_for(accept) if accept and len(accept) <= LONGEST_VALUE else IDENTITY


def joined_fields(headers: Collection[Pair]) -> dict[bytes, bytes]:
    """The fields of a request; the lines of a repeated one are one list (RFC 9110 §5.3)."""
    lines: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        lines.setdefault(name, []).append(value)
    return {name: b", ".join(values) for name, values in lines.items()}


def _prepared(sent: Sent, body: bytes, headers: list[Pair]) -> Prepared:
    start = {"type": "http.response.start", "status": sent.status, "headers": headers}
    head = _STATUS[sent.status] % b"".join(b"%b: %b\r\n" % header for header in headers)
    return Prepared(sent, start, {"type": "http.response.body", "body": body}, head)
