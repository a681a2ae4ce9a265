"""A file in which something is kept for the next start, and which nobody needs.

Whatever is wrong with it, it is as if there were none, and what cannot be
written is written another time. Only what this user wrote is believed, nothing
is reached through a link, and it stands there whole or not at all. It is made
of blocks, each with its check, so that damage is seen and much is not held twice.
"""

from __future__ import annotations

import contextlib
import os
import stat
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

_BLOCK = struct.Struct("<QI")  # its length, and its check

# In seconds.
_ABANDONED = 3600

_FLAGS = 0
for _flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
    _FLAGS |= getattr(os, _flag, 0)


def opened(path: Path) -> BinaryIO | None:
    """The file for reading, if it is ours. Raises OSError where there is none."""
    file = os.fdopen(os.open(path, os.O_RDONLY | _FLAGS), "rb")
    if _is_ours(os.fstat(file.fileno())):
        return file
    file.close()
    return None


def write(path: Path, fill: Callable[[BinaryIO], None]) -> str:
    """Let *fill* write a file that only this user may read, whole or not at all.

    The answer is why it could not be written; empty when it was. A folder that
    is not there is made.
    """
    new = path.with_name(f"{path.name}.{os.getpid()}")  # each worker's builder writes its own
    try:
        path.parent.mkdir(0o700, parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600), "wb") as file:
            _clear(path, os.fstat(file.fileno()).st_mtime)
            fill(file)
        new.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink()
        return error.strerror or "no reason was given"
    return ""


def put(file: BinaryIO, data: bytes) -> None:
    """Write one block."""
    file.write(_BLOCK.pack(len(data), zlib.adler32(data)))
    file.write(data)


def block(file: BinaryIO) -> bytes:
    """Read one block. Raises ValueError when it is not whole."""
    head = file.read(_BLOCK.size)
    length, check = _BLOCK.unpack(head) if len(head) == _BLOCK.size else (0, 0)
    # A length that is no length must not be asked of the memory.
    data = file.read(min(length, os.fstat(file.fileno()).st_size))
    if len(data) != length or zlib.adler32(data) != check or not length:
        raise ValueError("the block is not whole")
    return data


def _clear(path: Path, now: float) -> None:
    """Take away what processes that were killed have left of *path*; nobody writes for so long."""
    for left in path.parent.glob(f"{path.name}.*"):
        with contextlib.suppress(OSError):  # another process clears, too
            if left.suffix[1:].isdigit() and now - left.lstat().st_mtime > _ABANDONED:
                left.unlink()


def _is_ours(status: os.stat_result) -> bool:
    """Whether nobody else can have written the file."""
    mine = status.st_uid == getattr(os, "geteuid", lambda: status.st_uid)()
    return mine and stat.S_ISREG(status.st_mode) and not status.st_mode & 0o022
