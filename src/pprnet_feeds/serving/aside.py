"""Long work beside short: a thread that stands back when what it does takes long.

An edit is done in a moment and should be live at once, however busy the
machine is. Reading ten thousand posts anew, or compressing with care, takes
seconds: that must not take them from the requests that are answered meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")

# How far long work stands back (nice(2)), and after how many seconds work is long.
NICENESS = 12
LONG = 0.2


async def aside(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call *function* in a thread of its own, which stands back once it has taken long."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.done():  # nobody waits any more
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(cast(T, result))

    def run() -> None:
        result, error = None, None
        try:
            result = function(*args, **kwargs)
        except BaseException as raised:
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, result, error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    finished, _ = await asyncio.wait([done], timeout=LONG)
    if not finished and thread.native_id is not None:
        # On Linux a thread has a priority of its own; elsewhere nothing, or the process, stands back.
        with contextlib.suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, thread.native_id, NICENESS)
    return await done
