"""Where a build goes: a folder, or a bucket of object storage with the API of S3.

Both list, write and remove files by name, and a file appears whole or not at all. A *stamp* shows
whether a file is the one that was written: it changes when somebody replaces the file.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pprnet_feeds.pages.static_site import PRIVATE

if TYPE_CHECKING:
    from obstore import PutMode

MANIFEST, _LOCK = f"{PRIVATE}/manifest.json", f"{PRIVATE}/lock"
_EMPTY_IT = "or empty this one yourself: nothing in it is overwritten."

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_ANSWER = re.compile(r"<Code>([^<]*)</Code>\s*<Message>([^<]*)</Message>")
# Where the library asks for credentials when the environment has none.
_NO_CREDENTIALS = "//169.254."


class RefusedError(Exception):
    """The place cannot be built into; *fix* says what to do about it. Both are words for the operator."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.fix = fix


class Folder:
    """A folder. One build at a time: a lock that ends with its process.

    A symbolic link below the folder is never followed. Raises `RefusedError` when the folder holds the posts
    or files that no build wrote, or when another build is running.
    """

    has_rules = True  # servers of files read the rules in `hosts`
    workers = os.cpu_count() or 1

    def __init__(self, path: Path, site: Path) -> None:
        self.root = path.resolve()
        sources = {(site / name).resolve() for name in ("posts", "feeds")}
        if self.root == site.resolve() or sources & {self.root, *self.root.parents}:
            fix = "Give the copy a folder of its own: build public"
            raise RefusedError("the posts of the site are there", fix)
        if self.root.exists() and not self.root.is_dir():
            raise RefusedError(f"{self.root} is no folder", "Give a folder, or a name that is free.")
        present = self.root.iterdir() if self.root.exists() else ()
        if not self.read_manifest() and any(one.name != PRIVATE for one in present):
            raise RefusedError("it holds files that no build made", f"Give an empty folder, {_EMPTY_IT}")
        lock = self._path(_LOCK)
        lock.parent.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(lock, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
        try:
            with contextlib.suppress(ImportError):  # there is none on Windows
                import fcntl

                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise RefusedError("another build is at work there", "Wait until it is done.") from None
        for left in lock.parent.glob("new-*"):  # by a build that was killed
            left.unlink()

    def close(self) -> None:
        """Let others build there."""
        os.close(self._lock)

    def list(self) -> dict[str, str]:
        """Name -> stamp of every file."""
        files = (path for path in self.root.rglob("*") if path.is_symlink() or not path.is_dir())
        return {path.relative_to(self.root).as_posix(): _stamp(path.lstat()) for path in files}

    def read_manifest(self) -> str:
        """The text of the manifest; empty when there is none."""
        try:
            return self._path(MANIFEST).read_text("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def write(self, name: str, body: bytes, headers: Mapping[str, str]) -> str:
        """Write a file and return its stamp. Servers of files have rules for its *headers*."""
        target = self._path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.root / PRIVATE / f"new-{os.getpid()}-{threading.get_ident()}"
        try:
            with temporary.open("xb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
                # Servers make validators of whole seconds: a new file in the second of the old one is missed.
                replaced = int(target.lstat().st_mtime) if os.path.lexists(target) else 0
                second = max(int(os.fstat(file.fileno()).st_mtime), replaced + 1)
                os.utime(file.fileno(), (second, second))
                stamp = _stamp(os.fstat(file.fileno()))
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        return stamp

    def remove(self, names: Collection[str]) -> None:
        """Remove files, and the folders that are empty then."""
        for path in map(self._path, names):
            path.unlink(missing_ok=True)
            for folder in path.relative_to(self.root).parents[:-1]:
                with contextlib.suppress(OSError):
                    (self.root / folder).rmdir()

    def _path(self, name: str) -> Path:
        path = self.root.joinpath(*name.split("/"))
        for folder in path.relative_to(self.root).parents[:-1]:
            if (self.root / folder).is_symlink():
                raise RefusedError(f"{folder} is a symbolic link", "Remove it: it may lead anywhere.")
        return path


class Bucket:
    """A bucket or a prefix in one: ``s3://bucket/prefix``. The AWS variables say where and as whom.

    There is no lock. The manifest is replaced only as it was read, so the later of two builds goes on
    and the other one stops. Every method raises `RefusedError` for what the storage refuses.
    """

    has_rules = False
    workers = 8  # an upload waits for the network

    def __init__(self, address: str, environ: Mapping[str, str]) -> None:
        from obstore.store import S3Store  # the extra `s3`

        parts = urlsplit(address)
        if not _BUCKET.fullmatch(parts.netloc) or parts.query or parts.fragment:
            fix = "Write it like s3://my-bucket or s3://my-bucket/feeds."
            raise RefusedError("it is not the address of a bucket", fix)
        endpoint = next((environ[name] for name in _ENDPOINTS if environ.get(name)), "")
        with _refusals():
            self._store = S3Store(
                parts.netloc,
                prefix=parts.path.strip("/") or None,
                client_options={"allow_http": endpoint.startswith("http://")},
                retry_config={"max_retries": 4},  # a few seconds in all
            )
        self._manifest: PutMode = "create"
        if not self.read_manifest() and self.list():
            raise RefusedError("it holds objects that no build made", f"Give another prefix, {_EMPTY_IT}")

    def close(self) -> None:
        """Do nothing: no lock is taken."""

    def list(self) -> dict[str, str]:
        """Key -> entity tag of every object."""
        with _refusals():
            found = [one for part in self._store.list(chunk_size=1000) for one in part]
        return {one["path"]: one["e_tag"] or "" for one in found}

    def read_manifest(self) -> str:
        """The text of the manifest; empty when there is none."""
        with _refusals():
            try:
                found = self._store.get(MANIFEST)
            except FileNotFoundError as error:
                if "NoSuchBucket" in str(error):
                    raise
                return ""
            self._manifest = {"e_tag": found.meta["e_tag"]}
            return bytes(found.bytes()).decode("utf-8", "replace")

    def write(self, name: str, body: bytes, headers: Mapping[str, str]) -> str:
        """Upload an object with its *headers* and return its entity tag."""
        mode = self._manifest if name == MANIFEST else "overwrite"
        with _refusals():
            made = self._store.put(name, body, attributes=dict(headers), mode=mode)
        if name == MANIFEST:
            self._manifest = {"e_tag": made["e_tag"]}
        return made["e_tag"] or ""

    def remove(self, names: Collection[str]) -> None:
        """Remove objects, a thousand a request."""
        with _refusals():
            self._store.delete([*names])


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """Raise what the storage answers as a `RefusedError` of one line."""
    from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

    try:
        yield
    except (AlreadyExistsError, PreconditionError) as error:
        fix = "Wait until it is done, then build again."
        raise RefusedError("another build is at work there", fix) from error
    except (BaseError, OSError, ValueError) as error:
        if _NO_CREDENTIALS in str(error):
            fix = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
            raise RefusedError("no credentials are set", fix) from error
        answer = _ANSWER.search(str(error))
        what = f"{answer[1]}: {answer[2]}" if answer else str(error).partition("\n")[0].strip()
        fix = "Look at AWS_ENDPOINT_URL, AWS_REGION, the credentials and the name of the bucket."
        raise RefusedError(what, fix) from error


def _stamp(status: os.stat_result) -> str:
    return f"{status.st_size}-{status.st_mtime_ns}"
