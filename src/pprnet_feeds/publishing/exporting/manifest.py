"""What the last build put where, so that the next one touches nothing else.

Only what stands in here is ever replaced or removed, and what has not changed
is neither written nor uploaded again. A name is entered before its file is
written, so that a build that was killed is finished by the next.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

# Where it is kept, below the folder or the prefix; with it lies whatever else is not for readers.
FOLDER = ".pprnet-feeds"
FILE = f"{FOLDER}/manifest.json"
# A name's compressed siblings, and itself.
ENDINGS = {"": "", ".br": "br", ".gz": "gzip"}

_VERSION = 1


class RefusedError(Exception):
    """The place cannot be built into; the words are for the operator.

    Attributes:
        mend: what to do about it.
    """

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what)
        self.mend = mend


@dataclass(frozen=True, slots=True)
class Kept:
    """What was put at one name.

    Attributes:
        digest: stands for the document and its header fields; empty for a name that was only going to be.
        stamps: ending -> how the destination knows this very file again.
    """

    digest: str = ""
    stamps: Mapping[str, str] = field(default_factory=dict)

    def stands(self, name: str, held: Mapping[str, str]) -> bool:
        """Tell whether all that was put there is still there; *held* are the stamps of all that is there."""
        return "" in self.stamps and all(held.get(name + end) == it for end, it in self.stamps.items())


def read(text: str) -> dict[str, Kept]:
    """Read what `write` wrote; ValueError when it is something else."""
    try:
        told = json.loads(text)
        if told["version"] != _VERSION:
            raise ValueError("it was written by another version")
        return {name: Kept(str(kept[0]), dict(kept[1])) for name, kept in told["files"].items()}
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError("it is not what build wrote") from error


def write(files: Mapping[str, Kept]) -> str:
    """The manifest as text: sorted, a name a line."""
    told = ((name, [it.digest, it.stamps]) for name, it in sorted(files.items()))
    lines = (f"{json.dumps(name)}: {json.dumps(kept)}" for name, kept in told)
    return f'{{"version": {_VERSION}, "files": {{\n' + ",\n".join(lines) + "\n}}\n"


def owned(names: Collection[str]) -> set[str]:
    """Every name that *names* and their siblings may go by."""
    return {name + ending for name in names for ending in ENDINGS}
