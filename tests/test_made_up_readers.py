"""What a stranger claims to read for: bounded for each reader, so that nobody else's report is lost."""

from __future__ import annotations

import json
import random
import socket
import time
from pathlib import Path

import pytest

from service import SITES, Service, command, serving

# Of one reader's name: as many feed ids in a day; a claim beyond this is ignored; so many names in a day.
MOST_IDS, MOST_SUBSCRIBERS, MOST_READERS = 5, 100_000, 200
REQUESTS = 30_000
COUNTED = 12  # seconds until a worker has handed over what it counted


def flood(service: Service, agents: list[str]) -> None:
    """Ask once as each of these, in pipelines."""
    for start in range(0, len(agents), 500):
        asked = [
            f"GET /feed.atom HTTP/1.1\r\nHost: x\r\nUser-Agent: {agent}\r\nIf-None-Match: *\r\n"
            for agent in agents[start : start + 500]
        ]
        asked[-1] += "Connection: close\r\n"
        with socket.create_connection(("127.0.0.1", service.port), timeout=30) as peer:
            peer.sendall("".join(f"{head}\r\n" for head in asked).encode())
            while peer.recv(1_000_000):
                pass


def reported(site: Path, state: str) -> dict[str, int]:
    """The subscribers of each reader, as `stats` says."""
    done = command("stats", "--site", str(site), "--format", "json", PPRNET_STATE=state)
    assert done.returncode == 0, done.stderr
    found: dict[str, int] = {}
    for feed in json.loads(done.stdout)["feeds"]:
        for name, subscribers in feed["readers"].items():
            found[name] = found.get(name, 0) + subscribers
    return found


@pytest.mark.slow
def test_thirty_thousand_made_up_feed_ids_are_one_readers_and_push_nobody_out(tmp_path: Path):
    chance = random.Random(15)
    made_up = [
        f"Feedly/1.0 (+http://www.feedly.com/fetcher.html; {chance.randint(1, 5_000)} subscribers; "
        f"feed-id={chance.getrandbits(64):x})"
        for _ in range(REQUESTS)
    ]
    real = {
        "Feedbin": "Feedbin feed-id:1373711 - 42 subscribers",
        "NewsBlur": "NewsBlur Feed Fetcher - 17 subscribers - https://www.newsblur.com/site/1/",
    }
    state = str(tmp_path / "state.sqlite3")
    with serving(SITES / "small", PPRNET_STATE=state) as service:
        flood(service, [real["Feedbin"]])
        flood(service, made_up)
        time.sleep(COUNTED)
        flood(service, [real["NewsBlur"]])
        time.sleep(COUNTED)
        found = reported(SITES / "small", state)
    assert {name: found.get(name) for name in real} == {"Feedbin": 42, "NewsBlur": 17}
    assert found.get("Feedly", 0) <= MOST_IDS * 5_000


@pytest.mark.slow
def test_a_flood_of_any_kind_leaves_real_readers_that_ask_in_the_same_moment_their_place(tmp_path: Path):
    chance = random.Random(16)
    floods = (
        lambda: f"Feedly/1.0 ({chance.randint(1, 5_000)} subscribers; feed-id={chance.getrandbits(64):x})",
        lambda: f"{''.join(chance.choices('abcdefgh', k=12))}/1.0 ({chance.randint(1, 5_000)} subscribers)",
        lambda: f"Mozilla/5.0 (X11; {chance.getrandbits(64):x}) Firefox/{chance.randint(1, 999)}",
    )
    state = str(tmp_path / "state.sqlite3")
    with serving(SITES / "small", PPRNET_STATE=state) as service:
        flood(service, [make() for make in floods for _ in range(10_000)])
        flood(service, ["Feedbin feed-id:1373711 - 42 subscribers", "Feedly/1.0 (; 462 subscribers; )"])
        flood(service, ["NewsBlur Feed Fetcher - 16 subscribers", "NewsBlur Feed Fetcher - 17 subscribers"])
        flood(service, ["NewsBlur Feed Fetcher - 16 subscribers"])
        time.sleep(COUNTED)
        found = reported(SITES / "small", state)
    assert {name: found.get(name) for name in ("Feedbin", "NewsBlur")} == {"Feedbin": 42, "NewsBlur": 16}
    assert 462 < found["Feedly"] <= 462 + MOST_IDS * 5_000
    assert len(found) <= MOST_READERS


@pytest.mark.slow
def test_a_claim_that_nobody_can_have_is_ignored(tmp_path: Path):
    state = str(tmp_path / "state.sqlite3")
    with serving(SITES / "small", PPRNET_STATE=state) as service:
        flood(service, [f"Feedbin feed-id:1 - {MOST_SUBSCRIBERS + 1} subscribers"])
        flood(service, ["NewsBlur Feed Fetcher - 17 subscribers - https://www.newsblur.com/site/1/"])
        time.sleep(COUNTED)
        found = reported(SITES / "small", state)
    assert found == {"NewsBlur": 17}
