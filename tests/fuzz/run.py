"""Try the targets with bytes that nobody would think of: `./run fuzz [TARGET] [SECONDS]`.

Where atheris is installed it leads, because it sees which bytes reach new code;
else hypothesis mixes the cases that are kept. The first input that something is
wrong with is written to ``fuzz-found/`` and ends the run: mend the fault, and
keep the file under `tests/fuzz/cases/`.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS))

try:
    import atheris  # type: ignore[import-not-found]

    seeing = atheris.instrument_imports(include=["pprnet_feeds"])
except ImportError:
    atheris, seeing = None, contextlib.nullcontext()
with seeing:
    trial = importlib.import_module("fuzz.trial")

FOUND = Path("fuzz-found")
# What watching the code costs, at most: a try that is watched may take longer.
WATCHED = 5.0


def main(arguments: list[str]) -> int:
    """Try one target or each, for some seconds."""
    names = [name for name in arguments if not name.isdigit()] or list(trial.TARGETS)
    seconds = int(next((each for each in arguments if each.isdigit()), "60"))
    unknown = [name for name in names if name not in trial.TARGETS]
    if unknown:
        say(f"no target is called {unknown[0]}; there are {', '.join(trial.TARGETS)}")
        return 2
    FOUND.mkdir(exist_ok=True)
    try:
        return max(guided(name, seconds) if atheris else mixed(name, seconds) for name in names)
    finally:
        with contextlib.suppress(OSError):
            FOUND.rmdir()  # when nothing is in it


def mixed(name: str, seconds: int) -> int:
    """Try a target with mixed cases; hypothesis makes what it finds as small as it can."""
    tried = 0
    last = b""
    until = time.monotonic() + seconds

    @settings(
        max_examples=500, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )  # fmt: skip
    @given(trial.mutated(name))
    def attempt(data: bytes) -> None:
        nonlocal tried, last
        tried += 1
        last = data
        trial.take(name, data)

    while time.monotonic() < until:
        try:
            attempt()
        except Exception:
            (FOUND / name).write_bytes(last)
            say(f"{name}: found after {tried} inputs: {FOUND / name}")
            raise
    say(f"{name}: {tried} inputs, nothing found")
    return 0


def guided(name: str, seconds: int) -> int:
    """Try a target as atheris leads, in a process of its own, which atheris ends itself."""
    with tempfile.TemporaryDirectory() as reached:
        child = os.fork()
        if child == 0:
            bounds = [f"-max_total_time={seconds}", f"-max_len={trial.LARGEST}", "-rss_limit_mb=1000"]
            places = [f"-artifact_prefix={FOUND}/{name}-", reached, str(trial.CASES / name)]
            atheris.Setup(["fuzz", *bounds, *places], lambda data: trial.take(name, data, WATCHED))
            atheris.Fuzz()
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def say(words: str) -> None:
    """Tell whoever waits."""
    sys.stderr.write(f"{words}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
