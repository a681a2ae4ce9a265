"""Keep the snapshot current: after an edit, and when a scheduled post's time has come.

The next snapshot is built in a thread and swapped in whole. While the site cannot be read, the last
good one stays and the reasons are reported. Reloading never ends: whatever goes wrong is logged and
tried again, at the next change and every minute.
"""

import asyncio
import contextlib
import gc
import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from pprnet_feeds.content import files
from pprnet_feeds.content.problems import Problem, shown, some
from pprnet_feeds.content.reader import Look
from pprnet_feeds.serving.snapshot import Failure, Snapshot, build
from pprnet_feeds.settings import Settings
from pprnet_feeds.state.last_modified import TimestampStore

log = logging.getLogger("pprnet_feeds")

# For how many seconds a file must have been unchanged; in a preview, where nobody else reads it.
AT_REST, AT_REST_IN_PREVIEW = 1.2, 0.2
# What changed within so many seconds of a removal waits as long as that: a renamed file is both.
TOGETHER = 0.5
# How long a start waits at most for files that are being written.
LONGEST_WAIT = 10.0
# How often everything is checked without a notice: for failures, and for changes that nobody reported.
RETRY = 60.0

unix_now = time.time  # what every request asks: a datetime costs ten times as much


def utc_now() -> datetime:
    """The time, in UTC and whole seconds."""
    return datetime.fromtimestamp(time.time() // 1, UTC)


class Rest:
    """Which files have been unchanged for *seconds*: one that is still being written must not be read.

    Each file waits on its own, and a removal as long.

    Attributes:
        accepted: the signature at which each file may be read.
        pending: the signature of each other file (empty for a removed one), and since when it has it.
        due: when the next of these is at rest, by the monotonic clock.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.accepted: dict[str, bytes] = {}
        self.pending: dict[str, tuple[bytes, float]] = {}
        self.due = math.inf

    def __call__(self, name: str, signature: bytes) -> bool:
        """Whether a file may be read at this *signature*; an empty one is a removed file's."""
        return self.accepted.get(name, b"") == signature

    def begin(self, found: Mapping[str, bytes]) -> bool:
        """Accept the files that are old enough by their own times, at a start; whether these are all."""
        now = time.time()
        ages = {name: now - files.written(signature) for name, signature in found.items()}
        self.accepted = {name: found[name] for name, age in ages.items() if not 0 <= age < self._seconds}
        return len(self.accepted) == len(found)

    def look(self, found: Mapping[str, bytes], now: float) -> None:
        """Accept the files that are at rest, of all that were *found* in a look begun at *now*."""
        before, self.pending, self.due = self.pending, {}, math.inf
        latest = {True: 0.0, False: 0.0}  # the time of the latest removal, and of the latest other change
        for name in found.keys() | self.accepted.keys():
            signature = found.get(name, b"")
            if not self(name, signature):
                was, since = before.get(name, (None, now))
                since = since if was == signature else now
                self.pending[name] = signature, since
                latest[not signature] = max(since, latest[not signature])
        for name, (signature, since) in list(self.pending.items()):
            other = latest[bool(signature)]
            end = (max(since, other) if abs(other - since) < TOGETHER else since) + self._seconds
            if end > now:
                self.due = min(end, self.due)
                continue
            del self.pending[name]
            self.accepted[name] = signature
            if not signature:
                del self.accepted[name]


class Reloader:
    """Builds the snapshots of a site, one after the other, and gives each to *swap*.

    Attributes:
        owns_process: whether the process is ours, so that its garbage collection can be adjusted.
        faults: why a newer snapshot could not be built.
    """

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        store: TimestampStore,
        swap: Callable[[Snapshot], Awaitable[None]],
    ) -> None:
        self._settings, self._environ, self._store, self._swap = settings, environ, store, swap
        self._rest = Rest(AT_REST_IN_PREVIEW if settings.drafts else AT_REST)
        self._built: Snapshot | None = None
        self._served: Snapshot | None = None
        self.faults: list[Problem] = []
        self.owns_process = False

    async def start(self) -> list[Problem]:
        """Build the first snapshot; the faults that keep the service from starting at all.

        A lost mount or a wrong clock may pass by itself: the service then starts without a snapshot.
        """
        latest = time.monotonic() + LONGEST_WAIT
        while True:
            look = await asyncio.to_thread(self._look)
            if self._rest.begin(look.signatures) or time.monotonic() > latest:
                break
            await asyncio.sleep(0.05)
        built = await asyncio.to_thread(self._build, look)
        if isinstance(built, Failure) and not built.temporary:
            return built.problems
        await self._take(built)
        return []

    async def keep_current(self) -> None:
        """Rebuild and swap after every change of the site, and at every release. Runs until cancelled."""
        woken = asyncio.Event()
        watcher = asyncio.create_task(watch(self._settings.folder, woken))
        try:
            while True:
                # Not `wait_for`: that of Python 3.11 may swallow the cancellation at the end.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._wait()):
                        await woken.wait()
                woken.clear()
                try:
                    await self._renew()
                except Exception as error:
                    mend = "The log has more. It is tried again within a minute and at every change."
                    what = f"the site could not be read: {shown(repr(error))}"
                    fault = Problem(".", 0, 0, what, mend)
                    if self.faults != [fault]:
                        log.exception("reading the site failed; what was read last stays")
                    self.faults = [fault]
                    await asyncio.sleep(1)
        finally:
            watcher.cancel()

    def _wait(self) -> float:
        """For how many seconds nothing is due."""
        left = min(RETRY, self._rest.due - time.monotonic())
        release = self._served and self._served.next_release
        if release and not self.faults:  # what failed at a release would fail again at once
            left = min(left, (release - utc_now()).total_seconds())
        return max(left, 0.0) + 0.01

    async def _renew(self) -> None:
        """Read what is at rest, and swap it in; nothing while a file of ``feeds/`` is being written."""
        built = await asyncio.to_thread(self._look_and_build)
        if built is None:
            return
        # Last-Modified rises by whole seconds: wait for the clock to reach it, unless it was set back.
        for _ in range(40):
            if isinstance(built, Failure) or built is self._served or built.known.newest <= utc_now():
                break
            await asyncio.sleep(0.05)
        await self._take(built)

    def _look(self) -> Look:
        """Find the post files and the files of ``feeds/``."""
        posts = list(files.entries(self._settings.folder))
        signatures = {each[1]: files.signature_of(each[0]) for each in posts if not isinstance(each, Problem)}
        signatures |= files.feeds_signatures(self._settings.folder)
        return Look(posts, signatures, self._rest)

    def _look_and_build(self) -> Snapshot | Failure | None:
        began = time.monotonic()
        look = self._look()
        self._rest.look(look.signatures, began)
        if any(name.startswith("feeds/") for name in self._rest.pending):
            return None
        return self._build(look)

    def _build(self, look: Look) -> Snapshot | Failure:
        began = time.monotonic()
        if self.owns_process:
            gc.disable()  # hardly anything that is made of the posts is ever garbage
        try:
            built = build(self._settings, self._environ, utc_now(), self._store, self._built, look)
        finally:
            if self.owns_process:
                gc.enable()
        if isinstance(built, Snapshot) and built is not self._built:
            built.seconds = time.monotonic() - began
            self._built = built
        return built

    async def _take(self, built: Snapshot | Failure) -> None:
        """Swap in what was built if it is new, and log what is served and what is not."""
        faults, self.faults = self.faults, built.problems if isinstance(built, Failure) else []
        if isinstance(built, Failure):
            state = "what was read last stays" if self._served else "nothing is served"
            for fault in built.problems if built.problems != faults else ():
                log.error("%s: %s: %s", state, fault.place, fault.what)
            return
        served = self._served
        if served and built.library == served.library and built.known is served.known:
            return
        self._served = built
        await self._swap(built)
        if self.owns_process:
            gc.freeze()  # what lives as long as the snapshot need not be searched for garbage
        if served and (built.library.posts, built.problems) == (served.library.posts, served.problems):
            return
        for problem in sorted({*built.problems}.difference(served.problems if served else ())):
            log.warning("faulty: %s: %s", problem.place, problem.what)
        log.info("serving %s", some(len(built.library.posts), "post"))
        if built.library.unrecorded:
            log.info("not recorded in feeds/ledger.json: %s", some(built.library.unrecorded, "post"))


async def watch(folder: Path, woken: asyncio.Event) -> None:
    """Set *woken* whenever a file of the site was written, made or removed. Runs until cancelled.

    The system watches folders, not their names. When a name comes to mean another folder, by a move,
    a mount or a link, that one is watched instead. Where watching does not work, the files are polled.
    """
    names = (folder / "posts", folder / "feeds")
    polling = False
    while True:
        try:
            import watchfiles  # when the first answers are out

            # A change between the last scan and the first watch is not reported: scan once more.
            asyncio.get_running_loop().call_later(0.1, woken.set)
            watched = [_identity(name) for name in names]
            there = {str(name.resolve()) for name in names if name.is_dir()}
            changes = watchfiles.watch(
                *there,
                debounce=100,
                step=20,  # reported after so many milliseconds without a further change
                rust_timeout=200,  # how soon another folder in its place, or our end, is noticed
                yield_on_timeout=True,
                force_polling=polling or None,
                ignore_permission_denied=True,
            )
            # Not `awatch`: it would sort thousands of changes in this thread, and takes 30 ms of a start.
            while (found := await asyncio.to_thread(next, changes, None)) is not None:
                if found:
                    woken.set()
                is_moved = not there.isdisjoint(path for _, path in found)
                if is_moved or [_identity(name) for name in names] != watched:
                    break
            polling = False
        except Exception as error:
            if not polling:
                log.warning("the system reports no changes (%s): the files are polled", shown(str(error)))
            polling = True
            await asyncio.sleep(1)


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file or folder the name means at present; None for nothing."""
    with contextlib.suppress(OSError):
        status = path.stat()
        return status.st_dev, status.st_ino
    return None
