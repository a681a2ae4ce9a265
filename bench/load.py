"""Load by wrk from a core of its own, and what it cost the servers that stood it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from processes import CLIENTS, Tree

_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


@dataclass(frozen=True)
class Load:
    """What one server did while it was loaded.

    Attributes:
        cpu: µs of CPU a request.
        rate: requests a second.
        middle, worst: the latency that half, and that 99 % of the requests kept below, in ms.
    """

    cpu: float
    rate: float
    middle: float
    worst: float


def together(
    targets: Sequence[tuple[Tree, int, str]],
    headers: dict[str, str],
    seconds: int,
    *,
    clients: int = 16,
    core: str = CLIENTS,
) -> list[Load]:
    """Load all targets at once: tree, port and path of each.

    Raises RuntimeError when a server refused, which a 304 is not.
    """
    fields = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    pinned = ["taskset", "-c", core] if core else []
    before = [tree.cpu() for tree, _, _ in targets]
    runs = [
        subprocess.Popen(
            [
                *pinned,
                "wrk",
                "--latency",
                "-t1",
                f"-c{clients}",
                f"-d{seconds}s",
                *fields,
                f"http://127.0.0.1:{port}{path}",
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _, port, path in targets
    ]
    outputs = [run.communicate()[0] for run in runs]
    spent = [tree.cpu() - was for (tree, _, _), was in zip(targets, before, strict=True)]
    found = []
    for output, cpu in zip(outputs, spent, strict=True):
        if "Non-2xx" in output and "If-None-Match" not in headers:
            raise RuntimeError(output)
        count, elapsed = re.search(r"(\d+) requests in ([\d.]+)s", output).groups()  # type: ignore[union-attr]
        half, most = (_milliseconds(output, share) for share in ("50%", "99%"))
        found.append(Load(cpu * 1e6 / int(count), int(count) / float(elapsed), half, most))
    return found


def _milliseconds(output: str, share: str) -> float:
    match = re.search(rf"^ +{share} +([\d.]+)(us|ms|s|m)$", output, re.MULTILINE)
    return float(match[1]) * _UNITS[match[2]] if match else 0.0
