"""Keep the snapshot current: after an edit, and when a scheduled post's time has come.

The next snapshot is built in a thread and swapped in whole. While the site cannot be read, the last
good one stays and the reasons are reported. Reloading never ends: whatever goes wrong is logged and
tried again, at the next change and every minute.

A file that is still being written is not read: each must have been unchanged for a while, each on its
own. A removal waits as long, so that a renamed file is never missing.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from pprnet_feeds.content import files
from pprnet_feeds.content.problems import Problem, shown
from pprnet_feeds.content.reader import AtRest
from pprnet_feeds.serving.snapshot import Failure, Snapshot, build
from pprnet_feeds.settings import Settings
from pprnet_feeds.state.last_modified import TimestampStore

log = logging.getLogger("pprnet_feeds")

# For how many seconds a file must have been unchanged; in a preview, where nobody else reads it.
AT_REST, AT_REST_IN_PREVIEW = 1.2, 0.2
# What changed within so many seconds of a removal waits as long as that: a renamed file is a removal and
# a new file, and is never missing or there twice.
TOGETHER = 0.5
# How long a start waits at most for files that are being written.
LONGEST_WAIT = 10.0
# How often everything is checked without a notice: what failed is tried again, other processes may have
# recorded a change, and a system may forget to report one.
RETRY = 60.0
# The watcher reports after so many seconds without a further change.
STEP = 0.02


class Service(Protocol):
    """What is kept current."""

    faults: list[Problem]
    clock: Callable[[], datetime]

    @property
    def snapshot(self) -> Snapshot | None:
        """What is served."""

    def swap(self, snapshot: Snapshot) -> None:
        """Serve a snapshot from now on; there are no faults any more."""


def utc_now() -> datetime:
    """The time, in UTC and whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


class Rest:
    """Which files have been unchanged for *seconds*, by the signatures seen so far.

    Attributes:
        due: in how many seconds the next file may be at rest; None when none is awaited.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[str, tuple[bytes, float]] = {}
        self._asked: set[str] = set()
        self._settings: dict[str, bytes] = {}
        self._latest = {True: 0.0, False: 0.0}  # when the latest change and the latest removal were seen
        self.due: float | None = None

    def begin(self) -> None:
        """Begin to look at all files."""
        self._asked, self.due = set(), None

    def end(self) -> None:
        """End a look at all files; those that nobody asked for are as they were read."""
        self._since = {name: self._since[name] for name in self._asked}

    def __call__(self, name: str, signature: bytes) -> bool:
        """Whether a file has had this *signature* for long enough; an empty one is a removed file's."""
        self._asked.add(name)
        now = time.monotonic()
        seen, since = self._since.get(name, (None, now))
        if seen != signature:
            since = now
        self._since[name] = signature, since
        is_there = bool(signature)
        self._latest[is_there] = max(since, self._latest[is_there])
        other = self._latest[not is_there]
        left = (max(since, other) if abs(other - since) < TOGETHER else since) + self._seconds - now
        if left > 0:
            self.due = min(left, self.due or left)
        return left <= 0

    def are_settings(self, folder: Path) -> bool:
        """Whether all files of ``feeds/`` are at rest."""
        found = _settings(folder)
        names = found.keys() | self._settings.keys()
        changed = {name for name in names if found.get(name) != self._settings.get(name)}
        at_rest = [self(name, found.get(name, b"")) for name in sorted(changed)]
        if all(at_rest):
            self._settings = found
        return all(at_rest)

    def accept_settings(self, folder: Path) -> None:
        """Take the files of ``feeds/`` as they are for unchanged."""
        self._settings = _settings(folder)

    def is_old(self, name: str, signature: bytes, now: float | None = None) -> bool:
        """Whether a file was written long enough ago, by its own times: for a start."""
        age = (time.time() if now is None else now) - files.written(signature)
        return not 0 <= age < self._seconds


class Reloader:
    """Builds the snapshots of a site, one after the other."""

    def __init__(self, settings: Settings, environ: Mapping[str, str], store: TimestampStore) -> None:
        self._settings, self._environ, self._store = settings, environ, store
        self._rest = Rest(AT_REST_IN_PREVIEW if settings.drafts else AT_REST)
        self._latest: Snapshot | None = None

    async def start(self, service: Service) -> list[Problem]:
        """Build the first snapshot; the faults that keep the service from starting at all.

        What may pass by itself, a lost mount or a wrong clock, is none of these: the service then
        starts without a snapshot.
        """
        folder, rest = self._settings.folder, self._rest
        latest = time.monotonic() + LONGEST_WAIT
        while time.monotonic() < latest and await asyncio.to_thread(_any_young, folder, rest):
            await asyncio.sleep(0.05)
        rest.accept_settings(folder)
        gc.disable()  # hardly anything that is made of the posts is ever garbage
        try:
            built = await asyncio.to_thread(self._build, utc_now(), rest.is_old)
        finally:
            gc.enable()
        if isinstance(built, Failure):
            if not built.temporary:
                return built.problems
            _report_faults(service, built.problems)
            return []
        self._swap(service, built)
        _report(built)
        return []

    async def keep_current(self, service: Service) -> None:
        """Rebuild and swap after every change of the site, and at every release. Runs until cancelled."""
        woken = asyncio.Event()
        watcher = asyncio.create_task(watch(self._settings.folder, woken))
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(woken.wait(), self._wait(service))
                woken.clear()
                try:
                    await self._renew(service)
                except Exception as error:
                    mend = "The log has more. It is tried again within a minute and at every change."
                    what = f"the site could not be read: {shown(repr(error))}"
                    fault = Problem(".", 0, 0, what, mend)
                    if service.faults != [fault]:
                        log.exception("reading the site failed; what was read last stays")
                    service.faults = [fault]
                    await asyncio.sleep(1)
        finally:
            watcher.cancel()

    def _wait(self, service: Service) -> float:
        """For how many seconds nothing is due."""
        release = service.snapshot.next_release if service.snapshot else None
        left = RETRY if self._rest.due is None else self._rest.due
        if release and not service.faults:  # what failed at a release would fail again at once
            left = min(left, max((release - service.clock()).total_seconds(), 0.0))
        return left + 0.01

    async def _renew(self, service: Service) -> None:
        """Read what changed, and swap it in; while the site is faulty, keep what is served."""
        rest, folder = self._rest, self._settings.folder
        rest.begin()
        if not await asyncio.to_thread(rest.are_settings, folder):
            await asyncio.to_thread(self._see_posts)
            return
        built = await asyncio.to_thread(self._build, utc_now(), rest)
        rest.end()
        if isinstance(built, Failure):
            _report_faults(service, built.problems)
            return
        served = service.snapshot
        if served is not None and built.library == served.library and built.known is served.known:
            service.faults = []
            return
        # Last-Modified counts whole seconds and rises at every change: wait until the clock has reached
        # it. Nobody waits long for a clock that was set back.
        for _ in range(40):
            if built.known.newest <= service.clock():
                break
            await asyncio.sleep(0.05)
        self._swap(service, built)
        before = served and (served.library.posts, served.problems)
        if (built.library.posts, built.problems) != before:
            _report(built)

    def _build(self, now: datetime, at_rest: AtRest) -> Snapshot | Failure:
        began = time.monotonic()
        built = build(self._settings, self._environ, now, self._store, self._latest, at_rest)
        if isinstance(built, Snapshot) and built is not self._latest:
            built.seconds = time.monotonic() - began
            self._latest = built
        return built

    def _see_posts(self) -> None:
        """Note which post files changed, without reading them."""
        reading = self._latest.library.reading if self._latest else None
        known = reading.by_file if reading else {}
        found: dict[str, bytes] = {}
        for each in files.entries(self._settings.folder):
            if not isinstance(each, Problem):
                with contextlib.suppress(OSError):
                    found[each[1]] = files.signature(each[0].stat(follow_symlinks=False))
        for name in found.keys() | known.keys():
            signature = found.get(name, b"")
            if name not in known or known[name].signature != signature:
                self._rest(name, signature)

    def _swap(self, service: Service, built: Snapshot) -> None:
        service.swap(built)
        # What lives as long as the snapshot need not be looked through for garbage.
        gc.collect()
        gc.freeze()


async def watch(folder: Path, woken: asyncio.Event) -> None:
    """Set *woken* whenever a file of the site was written, made or removed. Runs until cancelled.

    What can be watched are the folders of a moment, not their names. When a name comes to mean
    another folder, by a move, a mount or a link, that one is watched instead. Where watching does
    not work, the files are polled.
    """
    import watchfiles  # when the first answers are out

    names = (folder / "posts", folder / "feeds")
    loop = asyncio.get_running_loop()
    polling = failing = False
    while True:
        try:
            # What changed between the last look and the first watch is reported by nobody: look once more.
            loop.call_later(0.1, woken.set)
            watched = [_identity(name) for name in names]
            there = {str(name.resolve()) for name in names if name.is_dir()}
            changes = watchfiles.awatch(
                *there,
                debounce=100,
                step=int(STEP * 1000),
                rust_timeout=200,  # how soon a folder in another's place is noticed
                yield_on_timeout=True,
                force_polling=polling or None,
                ignore_permission_denied=True,
            )
            async with contextlib.aclosing(changes):
                async for found in changes:
                    failing = failing and polling
                    if found:
                        woken.set()
                    touched = {path for _, path in found}
                    if not touched.isdisjoint(there) or [_identity(name) for name in names] != watched:
                        break
            polling = False
        except Exception as error:
            if not failing:
                log.warning("changes are not told by the system (%s): looking for them", shown(str(error)))
            failing = polling = True
            await asyncio.sleep(1)


def _settings(folder: Path) -> dict[str, bytes]:
    """The signatures of the files of ``feeds/``, by name."""
    found: dict[str, bytes] = {}
    with contextlib.suppress(OSError), os.scandir(folder / "feeds") as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if not entry.name.startswith(files.PASSED_OVER) and not entry.is_dir():
                    status = entry.stat(follow_symlinks=False)
                    found[f"feeds/{entry.name}"] = files.signature(status)
    return found


def _any_young(folder: Path, rest: Rest) -> bool:
    """Whether any file of the site may still be being written."""
    now = time.time()
    for found in files.entries(folder):
        with contextlib.suppress(OSError):
            if not isinstance(found, Problem):
                signature = files.signature(found[0].stat(follow_symlinks=False))
                if not rest.is_old(found[1], signature, now):
                    return True
    return any(not rest.is_old(name, signature, now) for name, signature in _settings(folder).items())


def _identity(path: Path) -> tuple[int, int] | None:
    """What the name of a file or folder means at this moment; None for nothing."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _report_faults(service: Service, faults: list[Problem]) -> None:
    if faults != service.faults:
        for fault in faults:
            log.error("what was read last stays: %s: %s", fault.place, fault.what)
    service.faults = faults


def _report(snapshot: Snapshot) -> None:
    """Log what is served from now on, and each post that is not."""
    for problem in snapshot.problems:
        log.warning("left out or mended: %s: %s", problem.place, problem.what)
    log.info("serving %d posts", len(snapshot.library.posts))
    if snapshot.library.unrecorded:
        log.info("not in feeds/ledger.json as they stand: %d posts", snapshot.library.unrecorded)
