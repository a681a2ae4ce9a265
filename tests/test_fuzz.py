"""Every input that was found or kept by fuzzing, tried again: no crash, no hang, no heap without a bottom."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz.targets import TARGETS
from fuzz.trial import CASES, cases, mutated, take

ROOT = Path(__file__).parents[1]
# Bytes of address space that all cases of all targets may take beyond what the program itself does.
MOST = 256 * 1024 * 1024

ALL = [pytest.param(name, path, id=f"{name}/{path.name}") for name in TARGETS for path in cases(name)]


def test_every_target_has_cases_and_every_case_a_target():
    assert sorted(path.name for path in CASES.iterdir()) == sorted(TARGETS)
    assert all(cases(name) for name in TARGETS)


@pytest.mark.parametrize(("name", "path"), ALL)
def test_a_case_that_is_kept_breaks_nothing_within_a_second(name: str, path: Path):
    take(name, path.read_bytes())


ALL_IN_BOUNDS = f"""
import resource, sys
sys.path[:0] = ["src", "tests"]
from fuzz.targets import TARGETS
from fuzz.trial import cases
def take(name, path):
    try:
        TARGETS[name](path.read_bytes())
    except MemoryError:
        raise
    except Exception:
        pass  # told by the test of this case
for name in TARGETS:  # what is loaded and kept once
    take(name, cases(name)[0])
held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (held + {MOST}, held + {MOST}))
for name in TARGETS:
    for path in cases(name):
        take(name, path)
"""


@pytest.mark.slow
def test_all_cases_together_stay_within_a_bound_of_memory():
    done = subprocess.run(
        [sys.executable, "-c", ALL_IN_BOUNDS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY  # the bound was the child's


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_mixed_from_the_cases_breaks_nothing(name: str, data: st.DataObject):
    take(name, data.draw(mutated(name)))
