"""The builder as a child process: how it is started.

It takes longest to be ready, so it is started before the worker loads what it
needs itself: nothing that takes long to load may come in here.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Mapping

# Our end of the line, and the process that has the other as its standard input.
Child = tuple[socket.socket, subprocess.Popen[bytes]]


def start(environ: Mapping[str, str]) -> Child:
    """Start a builder with the variables of *environ*. Raises OSError when nothing more can be started."""
    ours, its = socket.socketpair()
    with its, contextlib.ExitStack() as failing:
        failing.callback(ours.close)
        # A group of its own: an interrupt typed at a terminal is the worker's to see, and the builder ends
        # when the line does. But the same session: Linux shares a core between sessions first, and what
        # stands back in another (nice) would stand back behind nobody here (sched(7), autogroup).
        process = subprocess.Popen(
            [sys.executable, "-m", "pprnet_feeds.serving.beginning"],
            stdin=its.fileno(),
            env=dict(environ),
            process_group=0,
        )
        failing.pop_all()
    return ours, process
