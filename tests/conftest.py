"""What several tests share: golden documents, and the switch that accepts a change in them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

GOLDEN = Path(__file__).parent / "golden"

# `./run fuzz` tries more.
settings.register_profile("tests", max_examples=20, deadline=None)
settings.load_profile("tests")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite-golden", action="store_true", help="write golden documents as they are drawn now"
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, bytes], None]:
    """Compare a drawn document with the file of that name in ``tests/golden``, byte for byte."""

    def compare(name: str, drawn: bytes) -> None:
        kept = GOLDEN / name
        if request.config.getoption("--rewrite-golden"):
            GOLDEN.mkdir(exist_ok=True)
            kept.write_bytes(drawn)
        assert drawn.decode() == kept.read_bytes().decode(), f"{name}: ./run golden accepts the change"

    return compare
