"""The last moment of a builder process: what is answered by then is written down for the next start.

Only what was seen to be the answer for the files as they are: they are looked
at before the site is read once more, and after. It takes a moment, since
nearly all is taken over, and readers are not waiting any more.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from pprnet_feeds.content.problems import Problem
from pprnet_feeds.serving import standing
from pprnet_feeds.serving.builder import state_of
from pprnet_feeds.serving.clock import utc_now
from pprnet_feeds.serving.representation import Representation
from pprnet_feeds.serving.snapshot import Snapshot
from pprnet_feeds.settings import Settings

log = logging.getLogger("pprnet_feeds")

# How long drawing what is kept may take, in seconds.
LONGEST = 2.0


def keep_answers(
    path: Path,
    settings: Settings,
    environ: Mapping[str, str],
    address: str,
    rebuild: Callable[[], Snapshot | list[Problem]],
    listed: Collection[str],
) -> None:
    """Write the answers at the *listed* addresses into *path*, if the site stands still."""
    now = utc_now()
    stamp = standing.stamp(settings, environ, address, standing.signed(settings.folder, now))
    built = rebuild() if stamp and listed else []
    if not isinstance(built, Snapshot) or stamp != standing.stamp_of(built, settings, environ, address):
        return
    latest, size = time.monotonic() + LONGEST, 0
    answers: dict[str, Representation] = {}
    for name in sorted(listed):
        made = built.answer(name)
        if isinstance(made, Representation) and size + len(made.body) <= standing.LARGEST:
            answers[name] = made
            size += len(made.body)
        if time.monotonic() > latest:
            break
    fault = standing.write(path, standing.Standing(stamp, now, state_of(built, ()), answers))
    if fault:
        log.info("what was answered cannot be kept in %s (%s); the next start draws anew", path, fault)
