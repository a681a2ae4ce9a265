"""HTTP/1.1 on the wire: what uvicorn's protocol refuses, refused in our words.

The parser knows the methods of the standards and turns any other word away as
a broken request, before the application sees it. A method we do not know is
answered as any method we do not allow (RFC 9110 §15.5.6), so that a stranger
learns what is.
"""

from __future__ import annotations

import sys

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

ALLOW = "GET, HEAD, OPTIONS"
_NOT_ALLOWED = b"Only GET and HEAD are understood here.\n"


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol, with an answer to methods nobody has heard of."""

    def send_400_response(self, msg: str) -> None:
        """Answer a request that the parser refused, and close."""
        if not isinstance(sys.exception(), httptools.HttpParserInvalidMethodError):
            super().send_400_response(msg)
            return
        fields = (
            "HTTP/1.1 405 Method Not Allowed",
            f"allow: {ALLOW}",
            "content-type: text/plain; charset=utf-8",
            f"content-length: {len(_NOT_ALLOWED)}",
            "cache-control: no-store",
            "access-control-allow-origin: *",
            "connection: close",
        )
        self.transport.write("\r\n".join(fields).encode() + b"\r\n\r\n" + _NOT_ALLOWED)
        self.transport.close()
