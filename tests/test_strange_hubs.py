"""Hubs that send anything at all: each ping has one outcome and one line, and other hubs are pinged."""

from __future__ import annotations

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


def pinged(site: Path, bad: hubs.Hub, good: hubs.Hub) -> tuple[str, str]:
    """What `ping` prints after a change, and what it says of faults."""
    environ = {"PPRNET_HUBS": f"{bad.url},{good.url}", "PPRNET_STATE": str(site / "state.sqlite3")}
    invoke("ping", "--site", str(site), **environ)
    write_post(site, 5)
    done = invoke("ping", "--site", str(site), **environ)
    return done.stdout, done.stderr


@pytest.mark.parametrize("where", STRANGE, ids=lambda where: where[:30])
def test_ping_says_in_one_line_why_a_strange_redirect_was_not_followed_and_goes_on(site, where):
    with hubs.running() as bad, hubs.running() as good:
        bad.behaviour = where
        printed, fault = pinged(site, bad, good)
        assert fault == ""
        assert printed.count(f"Could not tell {bad.url} of ") == 1
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
