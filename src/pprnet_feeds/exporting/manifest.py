"""The manifest: what the last build wrote, so that the next one touches nothing else.

Only files named here are ever replaced or removed, and an unchanged file is not written again. A name is
entered before its file is written, so the next build can finish one that was killed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from pprnet_feeds.pages.static_site import PRIVATE

FILE = f"{PRIVATE}/manifest.json"
# The end of a file's name -> its content coding: the file itself, and its compressed siblings.
CODINGS = {"": "", ".br": "br", ".gz": "gzip"}

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Written:
    """What a build wrote at one name.

    Attributes:
        digest: of the document and its header fields; empty while nothing is written yet.
        stamps: end of the name -> the stamp by which the place recognises that very file.
    """

    digest: str = ""
    stamps: Mapping[str, str] = field(default_factory=dict)

    def is_intact(self, name: str, listed: Mapping[str, str]) -> bool:
        """Whether every file that was written is still there; *listed* has all stamps at the place."""
        return "" in self.stamps and all(listed.get(name + end) == it for end, it in self.stamps.items())


def parse(text: str) -> dict[str, Written]:
    """Read what `serialize` wrote; ValueError when it is something else."""
    try:
        found = json.loads(text)
        if found["version"] != _VERSION:
            raise ValueError("it was written by another version")
        return {name: Written(str(entry[0]), dict(entry[1])) for name, entry in found["files"].items()}
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError("it is not what build wrote") from error


def serialize(files: Mapping[str, Written]) -> str:
    """The manifest as text: sorted, one name a line."""
    lines = (
        f"{json.dumps(name)}: {json.dumps([it.digest, it.stamps])}" for name, it in sorted(files.items())
    )
    return f'{{"version": {_VERSION}, "files": {{\n' + ",\n".join(lines) + "\n}}\n"


def with_siblings(names: Collection[str]) -> set[str]:
    """The *names*, and those of their compressed siblings."""
    return {name + end for name in names for end in CODINGS}
