"""What every short answer that is no document says: of itself, and of what is understood here."""

from __future__ import annotations

ALLOW = "GET, HEAD, OPTIONS"
ERROR = {
    "cache-control": "no-store",
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "ETag, Last-Modified, Link",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
