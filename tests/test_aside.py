"""Work aside: its result, its error, and an end that does not wait for it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time

import pytest

from pprnet_feeds.serving.aside import LONG, NICENESS, aside
from service import ROOT


def test_what_is_done_aside_is_given_back():
    assert asyncio.run(aside(divmod, 7, 2)) == (3, 1)


def test_an_error_aside_is_raised_where_it_is_waited_for():
    with pytest.raises(ZeroDivisionError):
        asyncio.run(aside(divmod, 7, 0))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere threads have no priority of their own")
def test_only_what_takes_long_stands_back():
    def niceness(seconds: float) -> int:
        time.sleep(seconds)
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert asyncio.run(aside(niceness, 0)) == own
    assert asyncio.run(aside(niceness, LONG + 0.3)) == max(own, NICENESS)


def test_a_loop_that_ends_meanwhile_leaves_no_complaint():
    code = (
        "import asyncio, time\n"
        "from pprnet_feeds.serving.aside import aside\n"
        "async def main():\n"
        "    asyncio.ensure_future(aside(time.sleep, 0.3))\n"
        "    await asyncio.sleep(0.1)\n"
        "asyncio.run(main()); time.sleep(0.5)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
