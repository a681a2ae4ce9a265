"""One page as it is sent, and what a browser is told that it may do with it.

The content security policy is the second wall: should hostile text ever get
through the escaping, nothing of it runs, loads, is sent or is framed. Each page
is allowed what it uses and no more (CSP 3).
"""

from __future__ import annotations

from dataclasses import dataclass

from pprnet_feeds.syndication.selection import EVERYTHING, Selection

HTML, JSON = "text/html; charset=utf-8", "application/json; charset=utf-8"
XML, TEXT = "application/xml; charset=utf-8", "text/plain; charset=utf-8"


def policy(*, script: bool = False, connect: bool = False, form: bool = False, frames: bool = False) -> str:
    """The value of Content-Security-Policy.

    Every page may load our style sheet and the pictures of posts. *script*
    allows our one script, *connect* lets it ask for our feeds, *form* allows a
    form that leads to us, and *frames* lets any site show the page in a frame.
    """
    allowed = ["default-src 'none'", "style-src 'self'", "img-src https: http:"]
    allowed += ["script-src 'self'"] * script + ["connect-src 'self'"] * connect
    allowed += ["form-action 'self'" if form else "form-action 'none'", "base-uri 'none'"]
    return "; ".join([*allowed, "frame-ancestors *" if frames else "frame-ancestors 'none'"])


STRICT = (("content-security-policy", policy()),)


@dataclass(frozen=True, slots=True)
class Page:
    """One page or file, drawn.

    Attributes:
        selection: whose changes are the page's changes.
        media_type: the whole value of Content-Type.
        canonical: the absolute address for the Link field; empty for none.
        headers: further fields, names in lower case.
    """

    body: bytes
    selection: Selection = EVERYTHING
    media_type: str = HTML
    canonical: str = ""
    headers: tuple[tuple[str, str], ...] = STRICT


def security(content_policy: str) -> tuple[tuple[str, str], ...]:
    """The fields of a page besides those of every answer."""
    return (
        ("content-security-policy", content_policy),
        # The topic somebody reads about is nobody else's business.
        ("referrer-policy", "strict-origin-when-cross-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=()"),
    )
