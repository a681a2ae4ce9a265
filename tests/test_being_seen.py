"""What an operator is shown by the service: numbers for a monitor, figures of readers, no addresses."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from many import make_site
from service import Service, command, serving

FEEDLY = "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 462 subscribers; )"


def number(service: Service, name: str) -> float:
    text = service.ask("/metrics").body.decode()
    return sum(float(value) for value in re.findall(rf"^{name} ([0-9.e+]+)$", text, re.MULTILINE))


def soon_counted(service: Service, name: str, wanted: float) -> None:
    """Wait until the workers have handed over what they counted."""
    since = time.monotonic()
    while number(service, name) != wanted:
        assert time.monotonic() - since < 25, number(service, name)
        time.sleep(0.3)


def test_the_figures_of_readers_are_an_ordinary_404_unless_they_are_switched_on(tmp_path: Path):
    with serving(make_site(tmp_path / "site", 3)) as service:
        answer = service.ask("/stats")
        assert (answer.status, answer.headers["content-type"]) == (404, "text/plain; charset=utf-8")


@pytest.mark.slow
def test_polls_of_all_workers_are_counted_shown_and_kept_over_a_restart(tmp_path: Path):
    site, state = make_site(tmp_path / "site", 3), str(tmp_path / "state.sqlite3")
    with serving(site, PPRNET_STATS="on", PPRNET_STATE=state, WEB_CONCURRENCY="2") as service:
        for _ in range(8):
            tag = service.ask("/feed.atom", user_agent=FEEDLY).headers["etag"]
            assert service.ask("/feed.atom", user_agent=FEEDLY, if_none_match=tag).status == 304
        soon_counted(service, 'pprnet_requests_total{answer="304"}', 8)
        assert number(service, 'pprnet_requests_total{answer="full"}') == 8
        page = service.ask("/stats")
        assert page.status == 200
        assert (page.headers["cache-control"], page.headers["x-robots-tag"]) == ("no-store", "noindex")
        assert "Feedly" in page.body.decode()
        assert service.stop() == 0
    told = json.loads(command("stats", "--format", "json", cwd=site, PPRNET_STATE=state).stdout)
    assert "462" in json.dumps(told)
    assert "127.0.0.1" not in json.dumps(told)
    places = [path for start in tmp_path.glob("state.sqlite3*") for path in (start, *start.rglob("*"))]
    assert b"127.0.0.1" not in b"".join(path.read_bytes() for path in places if path.is_file())
