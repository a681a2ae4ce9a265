"""What the log looks like: for a person at a terminal, and for a program anywhere else."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from datetime import datetime
from pathlib import Path

SRC = Path(__file__).parent.parent / "src"

BEGIN = """
import logging, sys, warnings
from pprnet_feeds.serving.logs import configure
configure(sys.stderr)
"""
SAY = """
log = logging.getLogger("pprnet_feeds")
log.debug("not of interest")
log.info("serving %d posts", 6)
log.warning("left out: \\u00e9t\\u00e9\\nERROR: forged\\x1b[31m")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("uvicorn.error").error("Exception in ASGI application\\n", exc_info=True)
logging.getLogger("uvicorn.access").info('%s - "GET /feed.atom"', "203.0.113.77")
logging.getLogger("watchfiles.main").info("3 changes detected")
"""


def in_a_pipe(code: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", BEGIN + code],
        env={"PYTHONPATH": str(SRC)},
        stderr=subprocess.PIPE,
        text=True,
        check=True,
        timeout=30,
    )
    return ran.stderr


def on_a_terminal(code: str) -> str:
    ours, terminal = pty.openpty()
    subprocess.run(
        [sys.executable, "-c", BEGIN + code],
        env={"PYTHONPATH": str(SRC)},
        stderr=terminal,
        check=True,
        timeout=30,
    )
    os.close(terminal)
    with os.fdopen(ours, "rb") as reading:
        return reading.read1(100_000).decode().replace("\r\n", "\n")


def test_a_terminal_gets_lines_for_a_person():
    head, traceback, *_ = on_a_terminal(SAY).partition("Traceback")
    assert head == (
        "INFO: serving 6 posts\n"
        "WARNING: left out: été\\x0aERROR: forged\\x1b[31m\n"
        "ERROR: Exception in ASGI application\\x0a\n"
    )
    assert traceback


def test_anything_else_gets_an_object_a_line():
    lines = [json.loads(line) for line in in_a_pipe(SAY).splitlines()]
    moments = [datetime.fromisoformat(line.pop("time")) for line in lines]
    assert moments == sorted(moments)
    error = lines[-1].pop("error")
    assert error.startswith("Traceback (most recent call last):\n")
    assert error.endswith("\nZeroDivisionError: division by zero")
    assert lines == [
        {"level": "info", "logger": "pprnet_feeds", "message": "serving 6 posts"},
        {"level": "warning", "logger": "pprnet_feeds", "message": "left out: été\nERROR: forged\x1b[31m"},
        {"level": "error", "logger": "uvicorn.error", "message": "Exception in ASGI application\n"},
    ]


def test_a_time_is_utc_in_milliseconds():
    (line,) = map(json.loads, in_a_pipe("logging.getLogger('x').info('y')").splitlines())
    assert len(line["time"]) == len("2026-03-09T14:30:00.123Z")
    assert line["time"].endswith("Z")


def test_a_warning_of_python_is_a_line_like_any_other():
    (line,) = map(json.loads, in_a_pipe("warnings.warn('old')").splitlines())
    assert (line["level"], line["logger"]) == ("warning", "py.warnings")
    assert "UserWarning: old" in line["message"]
