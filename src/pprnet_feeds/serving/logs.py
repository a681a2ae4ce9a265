"""What the service says of itself: a line a happening, on standard error.

A terminal gets lines for a person; anything else gets JSON, an object a line,
for whatever collects the logs of a host. Requests are not logged: they are
counted, and whoever reads these feeds must not be found here.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TextIO

# What these would tell of every request, every file looked at and every hub asked.
_QUIET = {"uvicorn.access": logging.CRITICAL, "watchfiles": logging.WARNING, "httpx2": logging.WARNING}
# Characters that would move a terminal's cursor, or begin a line that nobody wrote.
_CONTROLS = {number: f"\\x{number:02x}" for number in (*range(32), *range(127, 160))}


def configure(stream: TextIO) -> None:
    """Let this process and its libraries log to *stream*, and in no other way."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Readable() if stream.isatty() else Json())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.captureWarnings(True)
    for name, level in _QUIET.items():
        logging.getLogger(name).setLevel(level)


class Readable(logging.Formatter):
    """A line for a person: `WARNING: what happened`, and the traceback of an error of ours below it."""

    def format(self, record: logging.LogRecord) -> str:
        """Write *record* out."""
        line = f"{record.levelname}: {record.getMessage().translate(_CONTROLS)}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class Json(logging.Formatter):
    """A JSON object (RFC 8259) a line: `time`, `level`, `logger`, `message`, and `error` with a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Write *record* out."""
        moment = datetime.fromtimestamp(record.created, UTC)
        line = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line)
