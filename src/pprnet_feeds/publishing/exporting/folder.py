"""A folder as the place of a copy: each file is written aside and then takes its name.

Whoever reads meanwhile gets the old file or the new one, whole. A file that is
written gets a later second than the one before, since servers make their
validators of it. One build at a time: a lock that goes with its process.

Never follows a symbolic link below the folder, and never touches a name that
is not asked for.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import threading
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from pprnet_feeds.publishing.exporting.manifest import FILE, FOLDER, RefusedError

_LOCK = f"{FOLDER}/lock"


class Folder:
    """A folder that is built into.

    Raises `RefusedError` when it is none, when it holds the posts or anything else that no build made,
    or when another build is at it.
    """

    workers = os.cpu_count() or 1

    def __init__(self, path: Path, site: Path) -> None:
        self.root = path.resolve()
        for kept in (site.resolve(), *((site / name).resolve() for name in ("posts", "feeds"))):
            if self.root == kept or (kept != site.resolve() and kept in self.root.parents):
                mend = "Give the copy a folder of its own: build public"
                raise RefusedError("the posts of the site live there", mend)
        self._aside = self.root / FOLDER
        try:
            there = self.root.iterdir() if self.root.exists() else iter(())
            if not self.load() and any(one != self._aside for one in there):
                mend = "Give an empty folder, or empty this one yourself: nothing in it is overwritten."
                raise RefusedError("it holds files that no build made", mend)
            self._aside.mkdir(parents=True, exist_ok=True)
            self._real_folder(self._aside)
            self._lock = os.open(self.root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise RefusedError("another build is at work there", "Wait until it is done.") from None
        except (FileExistsError, NotADirectoryError) as error:
            what = f"{error.filename} is no folder"
            raise RefusedError(what, "Give a folder, or a name that is free.") from None
        self._folders = {self.root}
        for left in self._aside.glob("new-*"):  # of a build that was killed
            left.unlink()

    def close(self) -> None:
        """Let others build there."""
        os.close(self._lock)

    def held(self) -> dict[str, str]:
        """Name -> stamp of every file that is there, but not of the manifest."""
        return dict(self._files(self.root, ""))

    def load(self) -> str:
        """The manifest; empty when there is none."""
        try:
            return (self.root / FILE).read_text("utf-8")
        except FileNotFoundError:
            return ""

    def save(self, text: str) -> None:
        """Keep the manifest."""
        self._put(self.root / FILE, text.encode(), 0)

    def keep(self, name: str, bodies: Mapping[str, bytes], headers: Mapping[str, str]) -> dict[str, str]:
        """Write a file and its siblings, given by the ending of their names; their stamps in return."""
        target = self.root.joinpath(*name.split("/"))
        self._make_folder(target.parent)
        before = [_seconds(self._beside(target, ending)) for ending in bodies]
        stamps = {}
        moment = 0
        for ending, body in bodies.items():
            made = self._put(self._beside(target, ending), body, moment or max(before) + 1)
            moment = int(made.st_mtime)
            stamps[ending] = _stamp(made)
        return stamps

    def delete(self, names: Collection[str]) -> None:
        """Remove files, and the folders that are empty then."""
        for name in names:
            target = self.root.joinpath(*name.split("/"))
            target.unlink(missing_ok=True)
            for folder in target.parents:
                if folder == self.root:
                    break
                try:
                    folder.rmdir()
                except OSError:
                    break

    def _files(self, folder: Path, prefix: str) -> Iterator[tuple[str, str]]:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = prefix + entry.name
                if entry.is_dir(follow_symlinks=False):
                    yield from self._files(Path(entry), f"{name}/")
                elif name not in (FILE, _LOCK):
                    yield name, _stamp(entry.stat(follow_symlinks=False))

    def _put(self, target: Path, body: bytes, earliest: int) -> os.stat_result:
        """Write one file, dated *earliest* or later; whoever looks sees the old one or this one."""
        aside = self._aside / f"new-{os.getpid()}-{threading.get_ident()}"
        try:
            with aside.open("xb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
                made = os.fstat(file.fileno())
                moment = max(int(made.st_mtime), earliest)
                os.utime(file.fileno(), (moment, moment))
                made = os.fstat(file.fileno())
            aside.replace(target)
        finally:
            with contextlib.suppress(FileNotFoundError):
                aside.unlink()
        return made

    def _beside(self, target: Path, ending: str) -> Path:
        return target.with_name(target.name + ending)

    def _make_folder(self, folder: Path) -> None:
        if folder not in self._folders:
            self._make_folder(folder.parent)
            folder.mkdir(exist_ok=True)
            self._real_folder(folder)
            self._folders.add(folder)

    def _real_folder(self, folder: Path) -> None:
        if not stat.S_ISDIR(folder.lstat().st_mode):
            raise RefusedError(f"{folder} is a symbolic link", "Remove it: it may lead anywhere.")


def _stamp(made: os.stat_result) -> str:
    return f"{made.st_size}-{made.st_mtime_ns}"


def _seconds(path: Path) -> int:
    try:
        return int(path.lstat().st_mtime)
    except FileNotFoundError:
        return 0
