"""The log on standard error: lines for a person at a terminal, JSON for anything else.

Requests are not logged, so the log never shows who reads these feeds.
"""

import json
import logging
from datetime import UTC, datetime
from typing import TextIO

# These would log every request, every changed file and every ping.
_QUIET = {"uvicorn.access": logging.CRITICAL, "watchfiles": logging.WARNING, "httpx2": logging.WARNING}
# Characters that would move a terminal's cursor or forge a line.
_CONTROLS = {number: f"\\x{number:02x}" for number in (*range(32), *range(127, 160))}


def configure(stream: TextIO) -> None:
    """Make this process and its libraries log to *stream*, and nowhere else."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Readable() if stream.isatty() else _Json())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.captureWarnings(True)
    for name, level in _QUIET.items():
        logging.getLogger(name).setLevel(level)


class _Readable(logging.Formatter):
    """A line for a person: `WARNING: what happened`, and below it the traceback of an error of ours."""

    def format(self, record: logging.LogRecord) -> str:
        line = f"{record.levelname}: {record.getMessage().translate(_CONTROLS)}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class _Json(logging.Formatter):
    """A JSON object (RFC 8259) a line: `time`, `level`, `logger`, `message`, and `error` with a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        created = datetime.fromtimestamp(record.created, UTC)
        line = {
            "time": created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line)
