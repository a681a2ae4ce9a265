"""The answers that stood when a service ended, for a start that finds nothing moved.

They are told again without a post being opened, if everything they came from is
as it was: the program, the settings, the state and each file of the site. One
stamp stands for all of that. It is made of what the disk tells in a moment, and
of nothing that takes long to load; whoever reads the site tells whether it held.

Nobody needs the file. Whatever is doubtful about it, or a post so young that an
edit could hide within the grain of the clock, means that the site is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import struct
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from pprnet_feeds.content import files, keptfile
from pprnet_feeds.content.model import Cache
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.serving.disk import HELD
from pprnet_feeds.serving.messages import State
from pprnet_feeds.serving.program import answering
from pprnet_feeds.serving.representation import Representation
from pprnet_feeds.serving.statefile import mark
from pprnet_feeds.settings import Settings

if TYPE_CHECKING:
    from pprnet_feeds.serving.snapshot import Snapshot

# How many bytes of documents are kept.
LARGEST = 64 << 20
_LARGEST_SETTING = 64 << 20

Signed = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Standing:
    """What was answered last.

    Attributes:
        stamp: stands for all that the answers came from.
        moment: when they were made. Before it, and from the next release on, they are not to be told.
        answers: address -> the answer, of listed feeds only.
        identities: address -> what an answer is known by, where these are all that is left of them.
    """

    stamp: str
    moment: datetime
    state: State
    answers: Mapping[str, Representation]
    identities: Mapping[str, tuple[object, ...]] = field(default_factory=dict)

    def without_bodies(self) -> Standing:
        """What is needed of them once they are told."""
        identities = {name: made.identity for name, made in self.answers.items()}
        return replace(self, answers={}, identities=identities)


def stamp(settings: Settings, environ: Mapping[str, str], address: str, posts: Iterable[Signed]) -> str:
    """Stand for all that answers come from; empty where that cannot be told.

    *address* is that of the state, and *posts* are the files of posts, each with its signature.
    """
    signed, known, feeds = sorted(posts), mark(address), _contents(settings.folder / "feeds")
    if not known or feeds is None or not all(signature for _, signature in signed):
        return ""
    ours = {name: value for name, value in environ.items() if name.startswith("PPRNET_") and name != HELD}
    ours |= settings.environ()
    if ours.get("PPRNET_BASE_URL"):  # then it does not matter where we listen
        del ours["PPRNET_ADDRESS"]
    told = [answering(), sorted(ours.items()), feeds, known]
    stands = hashlib.blake2b(json.dumps(told).encode(), digest_size=16)
    for name, signature in signed:
        stands.update(b"%s\0%s\0" % (name.encode(), signature))
    return stands.hexdigest()


def stamp_of(snapshot: Snapshot, settings: Settings, environ: Mapping[str, str], address: str) -> str:
    """The stamp of the files that a *snapshot* was made of."""
    reading = snapshot.library.reading
    if reading is None:
        return ""
    posts = [(name, read.signature) for name, read in reading.by_file.items()]
    return stamp(settings, environ, address, [*posts, *map(_of_problem, reading.problems)])


def signed(folder: Path, now: datetime) -> list[Signed]:
    """The files of posts below *folder*; without a signature what is so young that it may still change."""
    settled = int(now.timestamp()) * 1_000_000_000 - files.GRAIN
    found: list[Signed] = []
    for entry in files.entries(folder):
        if isinstance(entry, Problem):
            found.append(_of_problem(entry))
            continue
        try:
            status = entry[0].stat(follow_symlinks=False)
        except OSError:
            return [("", b"")]
        is_young = max(status.st_mtime_ns, status.st_ctime_ns) >= settled
        found.append((entry[1], b"" if is_young else files.signature(status)))
    return found


def load(
    path: Path, settings: Settings, environ: Mapping[str, str], address: str, now: datetime
) -> Standing | None:
    """What `write` has kept, if it is what would be answered *now*."""
    try:
        file = keptfile.opened(path)
        with file or contextlib.nullcontext():
            if file is None:
                return None
            head = json.loads(keptfile.block(file))
            state, moment = _state(head["state"]), datetime.fromisoformat(head["moment"])
            if not moment <= now or (state.next_release and state.next_release <= now):
                return None
            if head["stamp"] != stamp(settings, environ, address, signed(settings.folder, now)):
                return None
            answers = {name: _answer(keptfile.block(file), parts) for name, parts in head["answers"].items()}
            return Standing(head["stamp"], moment, state, answers)
    except (OSError, ValueError, TypeError, LookupError, AttributeError, struct.error):
        return None


def write(path: Path, standing: Standing) -> str:
    """Keep what is answered; the answer is why it could not be written, empty when it was."""

    def fill(file: BinaryIO) -> None:
        head = {
            "stamp": standing.stamp,
            "moment": standing.moment.isoformat(),
            "state": asdict(standing.state),
            "answers": {name: made.parts() for name, made in standing.answers.items()},
        }
        keptfile.put(file, json.dumps(head, default=_plain).encode())
        for made in standing.answers.values():
            keptfile.put(file, made.body)

    return keptfile.write(path, fill)


def _of_problem(problem: Problem) -> Signed:
    """What stands for a folder or file that is no post by its name."""
    return f"{problem.file}\0{problem.what}", b"-"


def _contents(folder: Path) -> list[tuple[str, str]] | None:
    """The settings of a site, by name; None when one of them is no file that is read."""
    found = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                continue
            read = files.read_bytes(entry.path, entry.name, _LARGEST_SETTING)
            if isinstance(read, Problem):
                return None
            found.append((entry.name, hashlib.blake2b(read[0]).hexdigest()))
        return sorted(found)
    return None


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("latin-1")
    raise TypeError(f"a {type(value).__name__} is not kept")


def _state(told: dict[str, Any]) -> State:
    release = told["next_release"]
    return State(
        int(told["posts"]),
        int(told["unrecorded"]),
        tuple(map(str, told["problems"])),
        tuple(map(str, told["faults"])),
        datetime.fromisoformat(release) if release else None,
        Cache(**told["cache"]),
    )


def _answer(body: bytes, parts: dict[str, Any]) -> Representation:
    extra = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in parts["extra"]]
    moment = datetime.fromisoformat(parts["last_modified"])
    return Representation(body, **(parts | {"extra": extra, "last_modified": moment}))
