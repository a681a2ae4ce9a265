"""When each document was last changed.

`Last-Modified` cannot be the newest date among the posts: a typo mended, a post
taken out or moved to another topic changes the bytes without a new date, and
readers that send only If-Modified-Since would never hear of it. So the moment a
change is first seen counts, as soon as one is.

Kept in memory, for as long as the process runs.
"""

from __future__ import annotations

from datetime import datetime, timedelta


class Changes:
    """The last change of each document, by its address."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, datetime]] = {}

    def last_modified(self, path: str, digest: str, updated: datetime, now: datetime) -> datetime:
        """Tell when the document at *path* was last changed, and remember it.

        *digest* stands for its bytes, *updated* is the newest change its posts
        tell of. The answer rises by at least a second whenever the digest
        changes, and stays while it does not.
        """
        known, moment = self._seen.get(path, ("", updated))
        if known and known != digest:
            moment = max(now.replace(microsecond=0), moment + timedelta(seconds=1))
        self._seen[path] = (digest, moment)
        return moment
