"""The extension that counts, as the service calls it: it waits for nothing, and nothing waits for it."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from many import make_site
from pprnet_feeds.serving.response import Sent
from pprnet_feeds.stats.extension import Statistics
from service import serving

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
SNAPSHOT = SimpleNamespace(seconds=1.5, library=SimpleNamespace(posts=range(6)), problems=("one", "two"))
FEEDLY = {b"user-agent": b"Feedly/1.0 (12 subscribers)"}


def run(statistics: Statistics, requests: Callable[[], None]) -> None:
    """Let *statistics* live as in the service, whose event loop cancels all tasks at its end."""

    async def serve() -> None:
        statistics.swapped(SNAPSHOT)  # type: ignore[arg-type]
        requests()

    asyncio.run(serve())


def numbers(statistics: Statistics) -> dict[str, float]:
    with TestClient(Starlette(routes=statistics.routes)) as client:
        response = client.get("/metrics")
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    lines = [line.rpartition(" ") for line in response.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines if float(value)}


def rows(state: Path) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(state)
    found = connection.execute("SELECT address, kind, requests FROM polls").fetchall()
    connection.close()
    return found


def test_the_last_requests_before_the_end_are_stored_and_shown(tmp_path):
    statistics = Statistics(str(tmp_path / "state"), lambda: NOW, page=False)

    def requests() -> None:
        for _ in range(3):
            statistics.answered(b"/feed.atom", {b"host": b"x", **FEEDLY}, Sent(304))
        statistics.answered(b"/feed.atom", FEEDLY, Sent(200, "br", 400))

    run(statistics, requests)
    assert sorted(rows(tmp_path / "state")) == [("/feed.atom", "full", 1), ("/feed.atom", "unchanged", 3)]
    shown = numbers(statistics)
    assert shown['pprnet_requests_total{answer="304"}'] == 3
    assert shown['pprnet_response_bytes_total{answer="br"}'] == 400
    assert (shown["pprnet_posts"], shown["pprnet_problems"]) == (6, 2)
    assert (shown["pprnet_builds_total"], shown["pprnet_build_seconds_total"]) == (1, 1.5)
    assert shown["pprnet_snapshot_timestamp_seconds"] == NOW.timestamp()


def test_those_who_watch_are_not_counted(tmp_path):
    statistics = Statistics("", lambda: NOW, page=False)

    def requests() -> None:
        for target in (b"/healthz", b"/readyz", b"/metrics", b"/stats"):
            statistics.answered(target, {}, Sent(200))

    run(statistics, requests)
    assert not [name for name in numbers(statistics) if name.startswith("pprnet_requests")]


def test_without_a_state_there_are_numbers_all_the_same(caplog):
    statistics = Statistics("", lambda: NOW, page=True)
    run(statistics, lambda: statistics.answered(b"/feed.atom", {}, Sent(304)))
    assert numbers(statistics)['pprnet_requests_total{answer="304"}'] == 1
    assert [route.path for route in statistics.routes] == ["/metrics"]
    assert caplog.records == []


def test_the_page_is_there_only_when_it_is_wanted(tmp_path):
    state = str(tmp_path / "state")
    assert [route.path for route in Statistics(state, lambda: NOW, page=False).routes] == ["/metrics"]
    assert [route.path for route in Statistics(state, lambda: NOW, page=True).routes] == [
        "/metrics",
        "/stats",
    ]


def test_two_services_in_one_process_count_apart():
    one, other = Statistics("", lambda: NOW, page=False), Statistics("", lambda: NOW, page=False)
    run(one, lambda: one.answered(b"/feed.atom", {}, Sent(304)))
    run(other, lambda: None)
    assert 'pprnet_requests_total{answer="304"}' not in numbers(other)


@pytest.mark.slow
def test_while_the_state_is_locked_everything_else_goes_on(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    holder = sqlite3.connect(tmp_path / "state", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    statistics = Statistics(str(tmp_path / "state"), lambda: NOW, page=False)

    async def serve() -> float:
        statistics.swapped(SNAPSHOT)  # type: ignore[arg-type]
        statistics.answered(b"/feed.atom", {}, Sent(304))
        await asyncio.sleep(1.3)
        began = time.monotonic()
        await statistics.routes[0].endpoint(None)
        return time.monotonic() - began

    assert asyncio.run(serve()) < 0.8
    holder.close()
    assert len(caplog.records) == 1


@pytest.mark.slow
def test_what_is_asked_for_just_before_the_service_is_stopped_is_stored(tmp_path):
    state = tmp_path / "state.sqlite3"
    with serving(make_site(tmp_path / "site", 4), PPRNET_STATE=str(state)) as service:
        time.sleep(2)
        before = sum(row[2] for row in rows(state))
        for _ in range(7):
            service.ask("/feed.atom", User_Agent=FEEDLY[b"user-agent"].decode())
        assert service.stop() == 0
        assert sum(row[2] for row in rows(state)) == before + 7
        assert service.process.stderr is not None
        assert "Traceback" not in service.process.stderr.read()


def test_before_anything_could_be_read_the_page_asks_for_patience(tmp_path):
    statistics = Statistics(str(tmp_path / "state"), lambda: NOW, page=True)
    with TestClient(Starlette(routes=statistics.routes)) as client:
        response = client.get("/stats")
        assert (response.status_code, response.headers["retry-after"]) == (503, "60")
        assert client.get("/metrics").status_code == 200
