"""What stands at an address, or the short answer that says why nothing does.

The long way of a request, taken once for an address and then kept by the
worker: documents and pages, former and odd addresses, withdrawn posts, and the
404 that names what is nearest.
"""

from __future__ import annotations

from pprnet_feeds.serving.messages import ASKED, Alias, Reply
from pprnet_feeds.serving.queries import asked
from pprnet_feeds.serving.representation import Representation
from pprnet_feeds.serving.snapshot import Snapshot
from pprnet_feeds.syndication.selection import Refusal


def answer(snapshot: Snapshot, path: str, query: bytes) -> Representation | Alias | Reply:
    """The answer to a GET of *path*; *query* is looked at where an address knows one."""
    found = asked(path, query, snapshot) if path in ASKED else snapshot.answer(path)
    if isinstance(found, Representation | Alias | Reply):
        return found
    return _missing(snapshot, path, found)


def _missing(snapshot: Snapshot, path: str, refusal: Refusal | None) -> Reply:
    """The answer where there is no document: the way to it if there is one."""
    base = snapshot.site.base_url
    now = None if refusal else snapshot.moved(path)
    if now is not None:
        return Reply(
            301, "This address has moved.", {"location": base + now, "cache-control": "max-age=86400"}
        )
    if snapshot.gone(path):
        return Reply(410, "This post was withdrawn.")
    refusal = refusal or snapshot.refusal(path)
    near = [f"  {title}: {address}" for title, address in snapshot.near(refusal)]
    hint = ["", "The nearest we have:", *near] if near else []
    return Reply(404, "\n".join([refusal.what, *hint, "", f"All feeds: {base}/"]))
