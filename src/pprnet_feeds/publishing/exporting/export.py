"""The whole site as files: the bytes that `serve` answers, each at its name.

Every document is drawn by the snapshot that the service answers from, so that
there is one place that knows what is at an address. What a host must be told
besides (types, header fields, redirects) is drawn from the same answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from pprnet_feeds.publishing.exporting import addresses
from pprnet_feeds.publishing.exporting.bucket import Bucket
from pprnet_feeds.publishing.exporting.filling import Item, Outcome, fill
from pprnet_feeds.publishing.exporting.folder import Folder
from pprnet_feeds.publishing.exporting.hosts import (
    HEADERS,
    REDIRECTS,
    draw_headers,
    draw_redirects,
    over_the_limits,
)
from pprnet_feeds.publishing.exporting.kinds import KINDS, Fields, Kind, fields_of, headers_of, kind_of
from pprnet_feeds.publishing.exporting.manifest import FOLDER
from pprnet_feeds.publishing.exporting.nginx import FILE as NGINX
from pprnet_feeds.publishing.exporting.nginx import draw_nginx
from pprnet_feeds.publishing.exporting.notices import notices
from pprnet_feeds.serving.snapshot import Snapshot

HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Exported:
    """What a build did.

    Attributes:
        paths: how many addresses it holds.
        over_the_limits: whether Cloudflare would pass over some of the rules.
        next_release: when the next scheduled post comes out; None for never.
    """

    outcome: Outcome
    paths: int
    over_the_limits: bool
    next_release: datetime | None


def export(
    snapshot: Snapshot, place: Folder | Bucket, begin: Callable[[int], Callable[[], None]]
) -> Exported:
    """Bring *place* up to date with *snapshot*.

    *begin* is told the number of steps and gives what is called after each.
    Raises `RefusedError`.
    """
    paths = list(snapshot.paths())
    with closing(place):
        writing = _Writing(snapshot, place)
        named = [name for path in paths for name in writing.names(path)]
        names = list(dict.fromkeys([*named, *writing.further()]))
        outcome = fill(place, names, writing.items(paths), begin(len(paths)))
    return Exported(outcome, len(paths), writing.over_the_limits, snapshot.next_release)


class _Writing:
    """One snapshot on its way to one place."""

    def __init__(self, snapshot: Snapshot, place: Folder | Bucket) -> None:
        self.snapshot = snapshot
        self.to_folder = isinstance(place, Folder)
        self.moves = addresses.moved(snapshot)
        self.notices = notices(snapshot.site)
        self.over_the_limits = False
        self._kinds: dict[Kind, Fields] = {}

    def names(self, path: str) -> tuple[str, ...]:
        """The names of the document at *path*: its own, and those it is guessed at or was known by."""
        if self.to_folder:
            return tuple(map(addresses.file_name, (path, *addresses.guessed_files(path))))
        every = (path, *addresses.guessed(path))
        former = [old for one in every for old in addresses.copies(one, self.moves)]
        return tuple(dict.fromkeys(map(addresses.key, (*every, *former))))

    def further(self) -> list[str]:
        """The names that are no address of ours."""
        rules = [HEADERS, REDIRECTS] if self.to_folder else []
        return [*map(self._notice, self.notices), *rules, *([NGINX_FILE] if self.to_folder else [])]

    def items(self, paths: list[str]) -> Iterator[Item]:
        """Draw the documents, and last what hosts are told of them."""
        for path in paths:
            answer = self.snapshot.find(path)
            if answer is None:
                raise AssertionError(f"nothing stands at {path}")
            headers, shown_as = headers_of(answer)
            kind = kind_of(path)
            if kind not in self._kinds:
                base_url = self.snapshot.site.base_url
                self._kinds[kind] = fields_of(path, kind, headers, shown_as, base_url)
            kept = {"Content-Type": headers["content-type"], "Cache-Control": headers["cache-control"]}
            yield Item(self.names(path), answer.body, {} if self.to_folder else kept)
        for name, body in self.notices.items():
            kept = {"Content-Type": HTML, "Cache-Control": "no-store"}
            yield Item((self._notice(name),), body, {} if self.to_folder else kept)
        if self.to_folder:
            yield from self._rules()

    def _notice(self, name: str) -> str:
        return f"{name}.html" if self.to_folder and "." not in name else name

    def _rules(self) -> Iterator[Item]:
        base_url = self.snapshot.site.base_url
        known = [kind for kind in KINDS if kind in self._kinds]
        ordered = known + [kind for kind in self._kinds if kind not in KINDS]
        kinds = {kind: self._kinds[kind] for kind in ordered}
        headers, redirects = draw_headers(kinds, base_url), draw_redirects(self.moves, base_url)
        self.over_the_limits = over_the_limits(headers, redirects)
        yield Item((HEADERS,), headers, {}, coded=False)
        yield Item((REDIRECTS,), redirects, {}, coded=False)
        gone = addresses.gone(self.snapshot)
        yield Item((NGINX_FILE,), draw_nginx(kinds, self.moves, gone, base_url), {}, coded=False)


NGINX_FILE = f"{FOLDER}/{NGINX}"
