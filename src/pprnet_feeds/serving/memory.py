"""Memory that is free is given back to the system.

What a large site leaves behind when its texts are let go of lies between what
stays. The C library keeps it for later, and a machine with many services on it
would not see that it is free. Where that library cannot be asked, nothing is done.
"""

from __future__ import annotations

import contextlib
import ctypes

_ARENA_MAX = -8  # mallopt(3)


def in_one_place() -> None:
    """Let all threads take memory from one place: what a thread has for itself is never given back.

    For a process in which one thread at a time does the work.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)


def give_back() -> None:
    """Let the C library give back whole pages that nobody uses (malloc_trim(3), of glibc)."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
