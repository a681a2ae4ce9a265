"""The processes of a running service: which there are, and whether they are gone."""

from __future__ import annotations

import contextlib
from pathlib import Path

from service import Service


def workers(service: Service) -> list[int]:
    """The numbers of the processes that answer; of the single one with one worker.

    None while several workers are gone and none is back: their supervisor is no worker.
    """
    living = _living(service)
    return [number for number in living if "spawn_main" in words(number)] if living[1:] else living


def words(number: int) -> str:
    """The command of a process; empty when it has ended, also while nobody has taken note."""
    try:
        return Path(f"/proc/{number}/cmdline").read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _living(service: Service) -> list[int]:
    found = [service.process.pid]
    for number in found:  # grows as it is read
        for task in Path("/proc").glob(f"{number}/task/*"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ended while we looked
                found += map(int, (task / "children").read_text().split())
    return found
