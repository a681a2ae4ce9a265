"""One try of a target, and where the bytes for it come from.

What was found once, and what reached code that nothing else had reached, stands
in `cases/`, a folder a target. New bytes are made of those: cut, joined, and
mixed with a few of chance.
"""

from __future__ import annotations

import time
from pathlib import Path

from hypothesis import strategies as st

from fuzz.targets import TARGETS

CASES = Path(__file__).parent / "cases"
# Seconds of CPU that any input may take, and bytes of one: more makes it slow and finds nothing more.
LONGEST, LARGEST = 1.0, 8192


def cases(name: str) -> list[Path]:
    """The files that are kept for a target, in the order of their names."""
    return sorted((CASES / name).iterdir())


def take(name: str, data: bytes, longest: float = LONGEST) -> None:
    """Give the bytes to a target; AssertionError also when it took too long."""
    since = time.process_time()
    TARGETS[name](data)
    took = time.process_time() - since
    if took > longest:  # what other tests left to collect may fall into one try, and not into two
        since = time.process_time()
        TARGETS[name](data)
        took = min(took, time.process_time() - since)
    assert took <= longest, f"{took:.1f} s of CPU time"


def mutated(name: str) -> st.SearchStrategy[bytes]:
    """Bytes like those that are kept for a target, and unlike them."""
    kept = [path.read_bytes()[:LARGEST] for path in cases(name)]

    @st.composite
    def changed(draw: st.DrawFn) -> bytes:
        data = draw(st.sampled_from(kept))
        for _ in range(draw(st.integers(1, 6))):
            start, end = sorted(draw(st.tuples(*[st.integers(0, len(data))] * 2)))
            other = draw(st.sampled_from(kept))
            left, right = sorted(draw(st.tuples(*[st.integers(0, len(other))] * 2)))
            new = draw(st.one_of(st.just(other[left:right]), st.binary(max_size=8)))
            data = data[:start] + new + data[draw(st.sampled_from([start, end])) :]
        return data[:LARGEST]

    return changed()
