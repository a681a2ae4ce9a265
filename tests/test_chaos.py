"""Two hundred readers while everything happens at once: whatever they are told was true at some moment.

What may be told is worked out beside the service: each step of the editor is
first done in a copy of the site, drawn there in this process, and only then
done in the folder that is served. Meanwhile workers are killed and
the proxy is restarted, at times that have nothing to do with the steps.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import brotli
import pytest

from many import make_site, name_of, write_post
from pprnet_feeds.serving.response import Reply
from pprnet_feeds.serving.snapshot import Snapshot, build
from pprnet_feeds.settings import Settings
from pprnet_feeds.state.last_modified import TimestampStore
from processes import workers
from proxies import nginx
from service import Answer, Service, serving

pytestmark = [pytest.mark.slow, pytest.mark.alone]

READERS, POSTS, YEAR = 200, 60, 2025
# Seconds between two polls of a reader, between two steps of the editor, and between two faults.
POLL, STEP, FAULT = (0.5, 2.0), 3.0, 2.3
# For how many seconds after a step its forerunner may still be told: a new process must read the site
# first, and a proxy keeps what it has for two seconds.
LAG = 10.0
# After how many seconds a reader whose connection died tries again; that must not fail.
AGAIN = 0.5
# For how many seconds after a fault connections may die of it.
DYING = 2.0
# The faults of which connections may die, without the proxy and through it.
KILLS = {"workers": ("worker", "workers"), "proxy": ("proxy", "reload")}
CODINGS = ("", "gzip", "br")

VIEWS, FORMS = ("feed", "summary", "practice", "citations"), ("atom", "rss", "json")
PATHS = [
    *(f"/{view}.{form}" for view in VIEWS for form in FORMS),
    *(f"/topics/{topic}/feed.{form}" for topic in ("alpha", "beta", "gamma") for form in ("atom", "json")),
    *("/topics/alpha,beta/feed.atom", "/topics/alpha+beta/feed.rss"),
    *("/topics/beta/research/trials/summary.json", "/research/reviews/feed.atom"),
    *("/issues/2025-01/feed.atom", "/issues/feed.rss", "/corrections/feed.atom"),
    *("/archive/2025/feed.atom", "/archive/2025/summary.rss", "/topics/alpha/archive/2025/feed.json"),
    *("/citations.bib", "/citations.csl.json", "/atom.xml", "/rss"),
    *("/", "/topics/alpha/", "/feeds.opml", "/feeds.json"),
    *(f"/posts/{name_of(number, YEAR)}/" for number in (3, 10, 20, 30)),
    *("/posts/another-name/", f"/posts/{name_of(20, YEAR)}.json", f"/posts/{name_of(POSTS, YEAR)}/"),
]

Told = tuple[int, bytes]  # status, and the body or the address it moved to


def replace(path: Path, text: str) -> None:
    """Write a file as careful editors do."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text)
    beside.rename(path)


def broken(folder: Path, number: int) -> None:
    """Write a post with an open bracket in its front matter.

    A new one: the last good version of an old one is lost with the process that has read it.
    """
    path = folder / "posts" / f"2025-12-faulty-{number}.md"
    path.write_text("---\ntitle: Faulty\ndate: 2025-12\ntopics: [[nowhere, alpha]\n---\nText.\n")


def renamed(folder: Path, number: int) -> None:
    """Give a post another permalink; the former one stays an alias."""
    name = name_of(number, YEAR)
    write_post(folder, number, YEAR, slug="another-name", aliases=f"[/posts/{name}/]")


# Every step changes one file, so that whenever the folder is read, it stands as after one of them.
STEPS: list[Callable[[Path], object]] = [
    lambda folder: write_post(folder, POSTS, YEAR),
    lambda folder: write_post(folder, 3, YEAR, "Edited once.\n"),
    lambda folder: broken(folder, 10),
    lambda folder: renamed(folder, 20),
    lambda folder: write_post(folder, 10, YEAR, "Repaired.\n"),
    lambda folder: write_post(folder, 30, YEAR, status="withdrawn", note="Wrong.", updated="2026-11-01"),
    lambda folder: replace(folder / "feeds/issues.yaml", "2025-01: I begin anew\n"),
    lambda folder: broken(folder, 41),
    lambda folder: write_post(folder, 5, YEAR, status="corrected", note="A figure.", updated="2026-11-02"),
    lambda folder: write_post(folder, POSTS + 1, YEAR, topics="[alpha, beta]"),
    lambda folder: write_post(folder, 41, YEAR, "Repaired, too.\n"),
    lambda folder: write_post(folder, 3, YEAR, "Edited twice.\n", topics="[delta]"),
    lambda folder: write_post(folder, 3, YEAR, "Edited once.\n"),
    lambda folder: write_post(folder, POSTS + 2, YEAR, title="The last"),
]


class Truth:
    """What is true at each address after each step, drawn from a copy of the site.

    Attributes:
        since: when each state came about, on the clock of `time.monotonic`.
        states: what stood at each address then.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.since: list[float] = []
        self.states: list[dict[str, Told]] = []
        self._store = TimestampStore("")
        self._snapshot: Snapshot | None = None

    def draw(self) -> dict[str, Told]:
        """Read the copy, and draw every address anew."""
        moment = datetime(2026, 11, 15, tzinfo=UTC)
        snapshot = build(Settings(self.folder), {}, moment, self._store, self._snapshot)
        assert isinstance(snapshot, Snapshot), snapshot
        self._snapshot = snapshot
        return {path: self._told(path) for path in PATHS}

    def add(self, state: dict[str, Told]) -> None:
        """Let a state be true from now on."""
        self.since.append(time.monotonic())
        self.states.append(state)

    def lag(self, path: str, told: Told, asked: float) -> float | None:
        """For how many seconds *told* had not been true when it was asked for; None if it never was."""
        for number in reversed(range(len(self.states))):
            if self.states[number][path] == told:
                newest = number == len(self.states) - 1
                return 0.0 if newest else max(0.0, asked - self.since[number + 1])
        return None

    def _told(self, path: str) -> Told:
        assert self._snapshot is not None
        found = self._snapshot.respond(path)
        if isinstance(found, Reply):
            return found.status, found.headers.get("location", f"{found.text}\n").encode()
        if path.endswith((".json", ".csl.json")):
            json.loads(found.content.body)
        elif path.endswith((".atom", ".rss", ".opml", ".xml")):
            ElementTree.fromstring(found.content.body)
        return 200, found.content.body


@dataclass
class Seen:
    """What all readers were told, and what must not have been.

    Attributes:
        wrong: every answer that was never right, in words.
        died: when connections died, and whether they led through the proxy.
        lags: for how long what was told had not been true any more.
        between: when Last-Modified went back for a reader whose polls two workers answered in turn.
        bodies: entity tag -> the bytes it stood for.
        dates: address and Last-Modified -> the document it stood for.
    """

    wrong: list[str] = field(default_factory=list)
    died: list[tuple[float, bool]] = field(default_factory=list)
    lags: list[float] = field(default_factory=lambda: [0.0])
    statuses: dict[int, int] = field(default_factory=dict)
    between: list[float] = field(default_factory=list)
    bodies: dict[str, bytes] = field(default_factory=dict)
    dates: dict[tuple[str, str], bytes] = field(default_factory=dict)


@dataclass
class Poller:
    """One reader of one address, with its habits.

    Attributes:
        validators: which of ``etag`` and ``date`` it sends.
        held: the document of the last 200, with its validators.
    """

    path: str
    port: int
    proxied: bool
    validators: tuple[str, ...]
    coding: str
    keeps: bool
    truth: Truth
    seen: Seen
    etag: str = ""
    date: str = ""
    held: bytes | None = None
    _line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    _same: bool = False

    def __str__(self) -> str:
        kept = "kept open" if self.keeps else "closed"
        way = "through nginx" if self.proxied else "directly"
        return f"{self.path} {way}, {kept}, sends {self.validators}, takes {self.coding or 'identity'}"

    async def poll(self) -> None:
        """Ask once, and once more when the connection died."""
        for attempt in (1, 2):
            asked = time.monotonic()
            try:
                status, headers, body = await asyncio.wait_for(self._exchange(), 20)
            except (OSError, EOFError, asyncio.IncompleteReadError) as error:
                self.hang_up()
                if attempt == 2:
                    self.seen.wrong.append(f"{self}: no connection, twice: {error!r}")
                    return
                self.seen.died.append((time.monotonic(), self.proxied))
                await asyncio.sleep(AGAIN)
            except TimeoutError:
                self.hang_up()
                self.seen.wrong.append(f"{self}: no answer in 20 s")
                return
            else:
                self._judge(asked, status, headers, body)
                return

    def hang_up(self) -> None:
        """Close the connection."""
        if self._line is not None:
            self._line[1].close()
        self._line = None

    async def _exchange(self) -> tuple[int, dict[str, str], bytes]:
        self._same = self._line is not None
        if self._line is None or self._line[0].at_eof():  # idle for long: closed by the service, as it may
            self.hang_up()
            self._same = False
            self._line = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 22)
        reader, writer = self._line
        fields = [f"GET {self.path} HTTP/1.1", "Host: feeds.example.org"]
        fields += ["Connection: close"] if not self.keeps else []
        fields += [f"Accept-Encoding: {self.coding}"] if self.coding else []
        fields += [f"If-None-Match: {self.etag}"] if self.etag and "etag" in self.validators else []
        fields += [f"If-Modified-Since: {self.date}"] if self.date and "date" in self.validators else []
        writer.write("\r\n".join([*fields, "", ""]).encode())
        start, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        status = int(start.split(" ")[1])
        body = b"" if status == 304 else await reader.readexactly(int(headers["content-length"]))
        if not self.keeps:
            body += await reader.read()
            self.hang_up()
        elif headers.get("connection") == "close":
            self.hang_up()
        return status, headers, body

    def _judge(self, asked: float, status: int, headers: dict[str, str], sent: bytes) -> None:
        seen = self.seen
        seen.statuses[status] = seen.statuses.get(status, 0) + 1
        told: Told = status, headers.get("location", "").encode() or sent
        if status == 304:
            if self.held is None or not (self.validators and (self.etag or self.date)):
                seen.wrong.append(f"{self}: 304 without having asked")
                return
            told = 200, self.held
        elif status == 200:
            if int(headers["content-length"]) != len(sent):
                seen.wrong.append(f"{self}: torn: {headers['content-length']} is not {len(sent)}")
            told = 200, decoded(headers.get("content-encoding", ""), sent)
            if headers.get("content-encoding", "") not in ("", self.coding):
                seen.wrong.append(f"{self}: {headers['content-encoding']} was not asked for")
            if seen.bodies.setdefault(headers["etag"], sent) != sent:
                seen.wrong.append(f"{self}: {headers['etag']} stands for two things")
            date = headers["last-modified"]
            if seen.dates.setdefault((self.path, date), told[1]) != told[1]:
                seen.wrong.append(f"{self}: {date} stands for two things")
            if self.date and parsedate_to_datetime(date) < parsedate_to_datetime(self.date):
                if self._same and not self.proxied:
                    seen.wrong.append(f"{self}: Last-Modified goes back from {self.date} to {date}")
                seen.between.append(asked)
            self.etag, self.date, self.held = headers["etag"], date, told[1]
        lag = self.truth.lag(self.path, told, asked)
        if lag is None:
            seen.wrong.append(f"{self}: {status} was never true: {told[1][:300]!r}")
        else:
            seen.lags.append(lag)


def decoded(coding: str, sent: bytes) -> bytes:
    """The document out of its coding."""
    return {"": bytes, "gzip": gzip.decompress, "br": brotli.decompress}[coding](sent)


async def polling(poller: Poller, chance: random.Random, ended: asyncio.Event) -> None:
    """Poll until the end."""
    await asyncio.sleep(chance.uniform(0, POLL[1]))
    while not ended.is_set():
        await poller.poll()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), chance.uniform(*POLL))
    poller.hang_up()


async def editing(truth: Truth, live: Path) -> None:
    """Do one step after the other, first in the copy."""
    for step in STEPS:
        await asyncio.sleep(STEP)
        step(truth.folder)
        state = await asyncio.to_thread(truth.draw)
        truth.add(state)
        step(live)


class Proxy:
    """nginx, and how it is started again."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def restart(self) -> None:
        """Stop it as at a restart of the machine, and start it again on the same port."""
        process = self.service.process
        process.terminate()
        process.wait()
        null = subprocess.DEVNULL
        self.service.process = subprocess.Popen(process.args, stdout=null, stderr=null, text=True)

    def stop(self) -> None:
        """End what was started last."""
        self.service.process.terminate()
        self.service.process.wait()

    def reload(self) -> None:
        """Let it read its configuration anew; no connection is to die of that."""
        self.service.process.send_signal(signal.SIGHUP)


async def breaking(
    service: Service, proxy: Proxy, faults: list[tuple[float, str]], chance: random.Random
) -> None:
    """Kill and restart one thing after the other. Runs until cancelled."""

    def one(of: Callable[[Service], list[int]]) -> None:
        found = of(service)
        if found:
            os.kill(chance.choice(found), signal.SIGKILL)

    def every(of: Callable[[Service], list[int]]) -> None:
        for number in of(service):
            os.kill(number, signal.SIGKILL)

    acts: list[tuple[str, Callable[[], object]]] = [
        ("worker", lambda: one(workers)),
        ("proxy", proxy.restart),
        ("reload", proxy.reload),
        ("workers", lambda: every(workers)),
    ]
    while True:
        for name, act in acts:
            await asyncio.sleep(FAULT * chance.uniform(0.7, 1.3))
            faults.append((time.monotonic(), name))
            await asyncio.to_thread(act)


@contextlib.asynccontextmanager
async def meanwhile(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run *work* until the block ends."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        if task.done():
            task.result()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def chaos(
    service: Service, proxy: Proxy, truth: Truth, live: Path
) -> tuple[Seen, list[tuple[float, str]]]:
    """Let it all happen; at the end wait until all is quiet, and let every reader look once more."""
    chance = random.Random(2013)
    seen, ended = Seen(), asyncio.Event()
    faults: list[tuple[float, str]] = []
    pollers = [
        Poller(
            path=PATHS[number % len(PATHS)],
            port=(proxy.service if proxied else service).port,
            proxied=proxied,
            validators=chance.choice([("etag", "date"), ("etag",), ("date",), ()]),
            coding=chance.choice(CODINGS),
            keeps=chance.random() < 0.5,
            truth=truth,
            seen=seen,
        )
        for number in range(READERS)
        for proxied in [chance.random() < 0.5]
    ]
    tasks = [
        asyncio.create_task(polling(poller, random.Random(n), ended)) for n, poller in enumerate(pollers)
    ]
    async with meanwhile(breaking(service, proxy, faults, chance)):
        await editing(truth, live)
        await asyncio.sleep(STEP)
    await asyncio.sleep(5)
    ended.set()
    await asyncio.gather(*tasks)
    for _ in range(2):  # the proxy shows its old copy to whoever comes first
        await asyncio.gather(*(poller.poll() for poller in pollers))
    for poller in pollers:
        poller.hang_up()
        final = truth.states[-1][poller.path]
        if final[0] == 200 and poller.held != final[1]:
            seen.wrong.append(f"{poller}: does not hold the last version")
    return seen, faults


def said(found: Answer) -> Told:
    """What an answer says, out of its coding."""
    body = decoded(found.headers.get("content-encoding", ""), found.body)
    return found.status, found.headers.get("location", "").encode() or body


def test_whatever_happens_readers_are_told_what_was_true(tmp_path: Path):
    live = make_site(tmp_path / "live", POSTS, YEAR)
    truth = Truth(shutil.copytree(live, tmp_path / "copy"))
    truth.add(truth.draw())
    (tmp_path / "nginx").mkdir()
    with (
        serving(live, WEB_CONCURRENCY="2") as service,
        nginx(tmp_path / "nginx", service.port) as first,
    ):
        proxy = Proxy(first)
        try:
            seen, faults = asyncio.run(chaos(service, proxy, truth, live))
            # Both workers and the proxy, in every coding: which of the workers answers is chance.
            last = {
                path: {said(place.ask(path, Accept_Encoding=coding)) for coding in CODINGS for _ in range(4)}
                for path in PATHS
                for place in (service, proxy.service)
            }
        finally:
            proxy.stop()
        status = service.stop()
        assert service.process.stderr is not None
        log = service.process.stderr.read()
    proxied = sum(1 for _, proxied in seen.died if proxied)
    told = (
        f"{seen.statuses}; {len(seen.died)} connections died, {proxied} of them through nginx; "
        f"the most that was late: {max(seen.lags):.1f} s; Last-Modified was of the other worker "
        f"{len(seen.between)} times; {faults}"
    )
    assert seen.wrong == [], f"{told}\n{log[-3000:]}"
    assert last == {path: {final} for path, final in truth.states[-1].items()}
    assert set(seen.statuses) == {200, 301, 304, 404, 410}
    assert status == 0
    assert "Traceback" not in log
    assert max(seen.lags) < LAG, told
    moments = {kind: [when for when, name in faults if name in names] for kind, names in KILLS.items()}
    for when, proxied in seen.died:
        assert any(0 <= when - moment < DYING for moment in moments["proxy" if proxied else "workers"]), told
