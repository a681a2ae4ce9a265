"""An ASGI callable that only sends what bench/serve.py recorded: (path, status, headers, body) in a file."""

import json
import os
from base64 import b64decode
from pathlib import Path
from typing import Any

_ANSWERS = {}
for path, status, headers, body in json.loads(Path(os.environ["BENCH_ANSWERS"]).read_text()):
    fields = [(name.encode(), value.encode()) for name, value in headers.items()]
    _ANSWERS[path] = (
        {"type": "http.response.start", "status": status, "headers": fields},
        {"type": "http.response.body", "body": b64decode(body)},
    )


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Send the answer recorded for the path, whatever else is asked."""
    if scope["type"] == "http":
        start, body = _ANSWERS[scope["path"]]
        await send(start)
        await send(body)
