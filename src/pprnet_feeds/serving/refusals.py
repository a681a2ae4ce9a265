"""What every short answer that is no document says: of itself, and of what is understood here."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

ALLOW = "GET, HEAD, OPTIONS"
ERROR = {
    "cache-control": "no-store",
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "ETag, Last-Modified, Link",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}

_WORDS = {
    400: "This is no request that can be understood.",
    405: "Only GET and HEAD are understood here.",
    408: "The request was not finished in time.",
    431: "The head of this request is too large.",
}


def refusal(status: int, defaults: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The whole answer to a request that is refused; *defaults* are fields of every answer."""
    body = f"{_WORDS[status]}\n".encode()
    fields = {
        **({"allow": ALLOW} if status == 405 else {}),
        "content-type": "text/plain; charset=utf-8",
        "content-length": str(len(body)),
        **ERROR,
        "connection": "close",
    }
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode()]
    lines += [name + b": " + value for name, value in defaults]
    lines += [f"{name}: {value}".encode() for name, value in fields.items()]
    return b"\r\n".join([*lines, b"", body])
