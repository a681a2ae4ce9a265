"""Feed readers of three kinds, and two simulated years of an editor's life.

The readers ask the real snapshots for answers, as the service would, and keep
what real readers keep: the entries they know and the validators they hold. Time
is an argument: a year passes in seconds.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from xml.etree import ElementTree

from many import TOPICS, name_of, write_post
from pprnet_feeds.serving.reload import utc_now
from pprnet_feeds.serving.response import Response
from pprnet_feeds.serving.snapshot import Snapshot, build
from pprnet_feeds.settings import Settings
from pprnet_feeds.state.last_modified import TimestampStore

ATOM = "{http://www.w3.org/2005/Atom}"
TOMBSTONE = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"
COMPLETE = "{http://purl.org/syndication/history/1.0}complete"
START = datetime(2015, 1, 1, 9, tzinfo=UTC)

ACTS = ("typo", "correct", "refile", "withdraw", "backdate")

Entry = tuple[str, str, str]  # title, updated, content


@dataclass
class Reader:
    """One subscriber of one feed.

    Attributes:
        sends: which validators it sends: any of ``etag`` and ``date``.
        coded: whether it asks for gzip.
        moved: bytes of headers and bodies it was sent.
    """

    path: str
    sends: tuple[str, ...]
    coded: bool = True
    moved: int = 0
    polls: int = 0
    entries: dict[str, Entry] = field(default_factory=dict)
    _etag: bytes = b""
    _date: bytes = b""

    def poll(self, snapshot: Snapshot) -> None:
        """Ask once, and take over what is new."""
        headers = [(b"accept-encoding", b"gzip")] if self.coded else []
        if "etag" in self.sends and self._etag:
            headers.append((b"if-none-match", self._etag))
        if "date" in self.sends and self._date:
            headers.append((b"if-modified-since", self._date))
        found = find(snapshot, self.path)
        start, body = found.prepare(dict(headers), utc_now())[1:3]
        fields = dict(start["headers"])
        self.polls += 1
        self.moved += sum(len(name) + len(value) + 4 for name, value in start["headers"]) + len(body["body"])
        if start["status"] == 304:
            return
        date = fields[b"last-modified"]
        if self.sends == ("date",) and self._date and _moment(date) <= _moment(self._date):
            return  # as libcurl does: what is not newer is thrown away
        self._etag, self._date = fields[b"etag"], date
        raw = body["body"]
        self.read(gzip.decompress(raw) if b"content-encoding" in fields else raw)

    def read(self, document: bytes) -> None:
        """Take over a document's entries and deletions; all of them when it is the whole feed."""
        root = ElementTree.fromstring(document)
        if root.find(COMPLETE) is not None:
            self.entries.clear()
        for deleted in root.iter(TOMBSTONE):
            self.entries.pop(deleted.attrib["ref"], None)
        for entry in root.iter(f"{ATOM}entry"):
            texts = (entry.findtext(f"{ATOM}{name}") or "" for name in ("id", "title", "updated", "content"))
            id, *held = texts
            self.entries[id] = (held[0], held[1], held[2])


_rendered: tuple[Snapshot | None, dict[str, Response]] = (None, {})


def find(snapshot: Snapshot, path: str) -> Response:
    """What a snapshot answers, rendered once for all readers, as the service does."""
    global _rendered
    if _rendered[0] is not snapshot:
        _rendered = (snapshot, {})
    if path not in _rendered[1]:
        found = snapshot.find(path)
        assert found is not None
        _rendered[1][path] = found
    return _rendered[1][path]


def fresh(path: str, snapshot: Snapshot) -> dict[str, Entry]:
    """What a reader sees that subscribes now and follows the archive to its end."""
    reader = Reader(path, ())
    documents = []
    while path:
        body = find(snapshot, path).content.body
        documents.append(body)
        links = ElementTree.fromstring(body).findall(f"{ATOM}link[@rel='prev-archive']")
        path = links[0].attrib["href"].removeprefix(snapshot.site.base_url) if links else ""
    for document in reversed(documents):
        reader.read(document)
    return reader.entries


def years_of_edits(
    folder: Path, store: TimestampStore, refiled: set[str], days: int = 730
) -> Iterator[Snapshot]:
    """The site day by day while its editor works on it: gains, back-dates, corrects, re-files, withdraws.

    The ids of re-filed posts are added to *refiled*.
    """
    chance = random.Random(2013)
    settings = Settings(folder)
    keys: list[dict[str, str]] = [{"text": ""} for _ in (folder / "posts").glob("*.md")]
    snapshot: Snapshot | None = None
    for day in range(days):
        now = START + timedelta(days=day)
        today = now.strftime("%Y-%m-%dT08:00:00Z")
        act = "new" if day % 10 == 0 else chance.choice(ACTS) if day % 7 == 3 else ""
        number = chance.choice([one for one, post in enumerate(keys) if post.get("status") != "withdrawn"])
        if act in ("new", "backdate"):
            number = len(keys)
            late = timedelta(days=chance.randrange(25) if act == "backdate" else 0)
            keys.append({"text": f"News {number}.\n", "date": (now - late).strftime("%Y-%m-%dT08:00:00Z")})
        elif act == "typo":
            keys[number]["text"] = f"Mended on day {day}.\n"
        elif act == "correct":
            keys[number] |= {"updated": today, "status": "corrected", "note": f"Day {day}."}
        elif act == "refile":
            keys[number]["topics"] = f"[{chance.choice(TOPICS)}]"
            refiled.add(f"tag:many.example.org,2013:blog/post/{name_of(number, 2014)}")
        elif act == "withdraw":
            keys[number] |= {"updated": today, "status": "withdrawn", "note": "Wrong."}
        if act or snapshot is None:
            write_post(folder, number, 2014, **keys[number])
            built = build(settings, {}, now, store)
            assert isinstance(built, Snapshot), built
            assert built.problems == ()
            snapshot = built
        yield snapshot


def _moment(value: bytes) -> datetime:
    return parsedate_to_datetime(value.decode())
