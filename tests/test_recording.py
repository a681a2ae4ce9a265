"""The counted requests become numbers and rows, and nobody waits for that."""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pprnet_feeds.serving.recording import Recording
from pprnet_feeds.serving.tally import Key, Kind

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
BATCH = {Key(b"/feed.atom", Kind(304), b"Newsboat/2.36", "192.0.2.7"): 3}


def recording(state: Path | str = "") -> Recording:
    return Recording(str(state), lambda: NOW, {"worker": os.getppid()})


def rows(state: Path) -> list[tuple[object, ...]]:
    with sqlite3.connect(state) as connection:
        found = connection.execute("SELECT address, kind, requests FROM polls").fetchall()
    connection.close()
    return found


def numbers(text: str) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines if float(value)}


def test_what_was_counted_is_kept_and_told(tmp_path):
    async def run() -> tuple[str, str]:
        where = recording(tmp_path / "state")
        async with where:
            where.counted(BATCH)
            where.counted(BATCH)
        return await where.text()

    text, media_type = asyncio.run(run())
    assert media_type == "text/plain; version=0.0.4; charset=utf-8"
    assert numbers(text)['pprnet_requests_total{answer="304"}'] == 6
    assert rows(tmp_path / "state") == [("/feed.atom", "unchanged", 6)]


def test_builds_problems_and_processes_are_among_the_numbers():
    async def run() -> str:
        where = recording()
        where.built(1.5, 6)
        where.built(0.5, 7)
        where.found(2)
        text, _ = await where.text()
        return text

    told = numbers(asyncio.run(run()))
    assert told["pprnet_builds_total"] == 2
    assert told["pprnet_build_seconds_total"] == 2
    assert told["pprnet_snapshot_timestamp_seconds"] == NOW.timestamp()
    assert told["pprnet_posts"] == 7
    assert told["pprnet_problems"] == 2
    assert told['pprnet_processes{process="builder"}'] == told['pprnet_processes{process="worker"}'] == 1


def test_without_a_state_there_are_numbers_all_the_same(caplog):
    async def run() -> str:
        where = recording()
        async with where:
            where.counted(BATCH)
        text, _ = await where.text()
        return text

    assert numbers(asyncio.run(run()))['pprnet_requests_total{answer="304"}'] == 3
    assert caplog.records == []


def test_a_fault_of_ours_is_told_and_the_next_batch_is_recorded(tmp_path, caplog):
    async def run() -> None:
        where = recording(tmp_path / "state")
        async with where:
            where.counted({("no", "key"): 1})  # type: ignore[dict-item]
            where.counted(BATCH)

    asyncio.run(run())
    assert [record.getMessage() for record in caplog.records] == ["what was asked for could not be recorded"]
    assert rows(tmp_path / "state") == [("/feed.atom", "unchanged", 3)]


@pytest.mark.slow
def test_while_the_state_is_locked_everything_else_goes_on(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    holder = sqlite3.connect(tmp_path / "state", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")

    async def run() -> float:
        where = recording(tmp_path / "state")
        async with where:
            where.counted(BATCH)
            await asyncio.sleep(0.2)
            began = time.monotonic()
            text, _ = await where.text()
            assert numbers(text)['pprnet_requests_total{answer="304"}'] == 3
            return time.monotonic() - began

    assert asyncio.run(run()) < 1
    holder.close()
    assert len(caplog.records) == 1
