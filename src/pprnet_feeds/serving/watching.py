"""What moved on the disk below a site: its names, as far as the system tells them.

Whoever reads the site anew looks only at what moved. That is safe as long as
nothing is left out, so whatever is unclear counts as if everything had moved:
the first moments of watching, folders that are replaced, very many changes at
once, files that are asked because the system tells nothing. And some time after
a look at some of the files only, everything is due: a system may forget to tell.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from pprnet_feeds.content.problems import shown
from pprnet_feeds.serving.disk import identity

log = logging.getLogger("pprnet_feeds")

# After how many seconds folders that begin to be watched are surely watched.
ONCE_MORE = 0.1
# What has moved was still for so many seconds before it is told.
STEP = 0.02
# More names than these were told by a burst in which the system may have lost some.
_MOST = 500


class Moves:
    """What moved since it was last taken.

    Attributes:
        told: set when something has moved; whoever waits for stillness clears it.
        due: the moment, in the loop's time, at which everything is to be looked at; None for never.
    """

    def __init__(self) -> None:
        self.told = asyncio.Event()
        self.due: float | None = None
        self._names: set[str] = set()
        self._is_clear = True

    def tell(self, names: Iterable[str]) -> None:
        """Take note of the *names* of what moved, relative to the site."""
        self._names.update(names)
        self.told.set()

    def tell_all(self) -> None:
        """Take note that anything may have moved."""
        self.doubt()
        self.told.set()

    def doubt(self) -> None:
        """Let everything be looked at, whenever that is next."""
        self._is_clear = False

    def take(self, now: float, later: float) -> frozenset[str] | None:
        """What is to be looked at, and everything within *later* seconds after *now*; None for everything."""
        is_clear = self._is_clear and len(self._names) <= _MOST and (self.due is None or now < self.due)
        names = frozenset(self._names)
        self._names.clear()
        self._is_clear = True
        self.due = (self.due or now + later) if is_clear else None
        return names if is_clear else None


async def watch(folder: Path, moves: Moves) -> None:
    """Tell *moves* whenever a file of the site was written, made or removed. Runs until cancelled.

    What can be watched are the folders of a moment, not their names. When a name
    begins to mean another folder, by a move, a mount or a link, that one is
    watched instead. Where watching does not work, the files are asked.
    """
    import watchfiles  # when the first answers are out

    names = (folder / "posts", folder / "feeds")
    loop = asyncio.get_running_loop()
    polling = failing = False
    while True:
        try:
            # What changed between the last look and the first watch is told by nobody: look once more.
            loop.call_later(ONCE_MORE, moves.tell_all)
            watched = [identity(name) for name in names]
            there = {str(name.resolve()): name.name for name in names if name.is_dir()}
            changes = watchfiles.awatch(
                *there,
                debounce=100,
                step=int(STEP * 1000),  # it is looked each so many milliseconds, which costs a little
                rust_timeout=1000,
                yield_on_timeout=True,
                force_polling=polling or None,
                ignore_permission_denied=True,
            )
            async with contextlib.aclosing(changes):
                async for found in changes:
                    failing = failing and polling
                    touched = {path for _, path in found}
                    moved = named(touched, there)
                    if found and moved is not None and not polling:
                        moves.tell(moved)
                    elif found:
                        moves.tell_all()
                    if not touched.isdisjoint(there) or [identity(name) for name in names] != watched:
                        break
            polling = False
        except Exception as error:
            if not failing:
                log.warning("changes are not told by the system (%s): looking for them", shown(str(error)))
            failing = polling = True
            await asyncio.sleep(1)


def named(paths: Collection[str], folders: Mapping[str, str]) -> set[str] | None:
    """What *paths* are called in the site, whose *folders* have these names; None when that is unclear."""
    names = set()
    for path in paths:
        found = {
            f"{name}/{path[len(folder) + 1 :].replace(os.sep, '/')}"
            for folder, name in folders.items()
            if path.startswith(folder + os.sep)
        }
        if len(found) != 1:
            return None
        names |= found
    return names
