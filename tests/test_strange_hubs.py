"""Hubs that send anything at all: each ping has one outcome and one line, and other hubs are pinged."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

import hubs
from many import make_site, write_post
from service import invoke, serving

STRANGE = [
    *("http://127.0.0.1:99999/", "http://127.0.0.1:-1/", "http://a..b/", f"http://{'a' * 5_000}/"),
    *("http://[::1/", "file:///etc/passwd"),
]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return make_site(tmp_path / "site", 4)


def test_ping_says_in_one_line_why_a_strange_redirect_was_not_followed_and_goes_on(site):
    with contextlib.ExitStack() as stack:
        bad = [stack.enter_context(hubs.running()) for _ in STRANGE]
        good = stack.enter_context(hubs.running())
        for hub, where in zip(bad, STRANGE, strict=True):
            hub.behaviour = where
        environ = {
            "PPRNET_HUBS": ",".join(hub.url for hub in (*bad, good)),
            "PPRNET_STATE": str(site / "state.sqlite3"),
        }
        invoke("ping", "--site", str(site), **environ)
        write_post(site, 5)
        done = invoke("ping", "--site", str(site), **environ)
        assert done.stderr == ""
        assert [done.stdout.count(f"Could not notify {hub.url} of ") for hub in bad] == [1] * len(bad)
        assert "TaskGroup" not in done.stdout
        assert len(good.told) > 10


@pytest.mark.slow
@pytest.mark.parametrize("where", STRANGE[::2][:2])
def test_a_running_service_logs_no_traceback_of_a_strange_redirect_and_pings_the_others(site, where):
    with hubs.running() as bad, hubs.running() as good:
        bad.behaviour = where
        state = str(site / "state.sqlite3")
        hooks = f"{bad.url},{good.url}"
        with serving(site, PPRNET_HUBS=hooks, PPRNET_STATE=state) as service:
            write_post(site, 5)
            good.wait(10)
            time.sleep(1)
            service.stop()
            assert service.process.stderr is not None
            assert "Traceback" not in service.process.stderr.read()
