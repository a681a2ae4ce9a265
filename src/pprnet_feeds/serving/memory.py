"""Memory that is free is given back to the system.

What a large site leaves behind when its texts are let go of lies between what
stays. The C library keeps it for later, and a machine with many services on it
would not see that it is free. Where that library cannot be asked, nothing is done.
"""

from __future__ import annotations

import contextlib
import ctypes

_MMAP_THRESHOLD, _ARENA_MAX = -3, -8  # mallopt(3)
# What is larger, a whole document, is given back as soon as nobody has it. In bytes.
_LARGE = 262_144


def in_one_place() -> None:
    """Let all threads take memory from one place: what a thread has for itself is never given back.

    Large things have places of their own, and leave no holes. For a process in
    which one thread at a time does the work.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(None)
        library.mallopt(_ARENA_MAX, 1)
        library.mallopt(_MMAP_THRESHOLD, _LARGE)


def give_back() -> None:
    """Let the C library give back whole pages that nobody uses (malloc_trim(3), of glibc)."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
