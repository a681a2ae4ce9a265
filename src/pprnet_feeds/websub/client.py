"""Sends pings to hubs, and reports what became of them.

A hub is somebody else's machine: it may fail, stall, redirect for ever or send an answer without an end.
Whatever it sends ends in one `PingOutcome`. Few pings are sent at once, and no body is read.
"""

import asyncio
import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

import httpx2

from pprnet_feeds import __version__
from pprnet_feeds.content.problems import shown
from pprnet_feeds.serving.conditional import parse_http_date
from pprnet_feeds.state.database import UnavailableError
from pprnet_feeds.websub.queue import LONGEST_DELAY, Ping, PingOutcome, Queue

# Seconds for one ping, with all its redirects; and for those on their way when the service stops.
TIMEOUT, GRACE = 10.0, 3.0
AT_ONCE, MOST_REDIRECTS = 4, 3
# What is shown of an error, whose text may hold what the hub sent.
_LONGEST_REASON = 200

# A ping, its outcome, and whether it will be tried again.
Result = tuple[Ping, PingOutcome, bool]


async def send_due(
    queue: Queue, hubs: Sequence[str], clock: Callable[[], datetime], stopping: threading.Event | None = None
) -> list[Result]:
    """Send the pings to *hubs* that are due now, each once, and return their outcomes.

    *clock* returns the time in UTC. Once *stopping* is set no more are begun. Raises UnavailableError
    where the state cannot be used.
    """
    due, answering, stopping = clock(), list(hubs), stopping or threading.Event()
    results: list[Result] = []

    async def send_one_after_the_other(client: httpx2.AsyncClient) -> None:
        while not stopping.is_set():
            ping = await asyncio.to_thread(queue.claim, tuple(answering), due, clock())
            if ping is None:
                return
            outcome = await send(client, ping, clock())
            if outcome.kind == "silent" and ping.hub in answering:
                answering.remove(ping.hub)  # until the next round
            results.append((ping, outcome, await _settle(queue, ping, outcome, clock)))

    headers = {"User-Agent": f"pprnet-feeds/{__version__}"}
    async with httpx2.AsyncClient(timeout=TIMEOUT, headers=headers) as client:
        senders = [asyncio.create_task(send_one_after_the_other(client)) for _ in range(AT_ONCE)]
        while (await asyncio.wait(senders, timeout=0.2))[1]:
            if stopping.is_set():
                await asyncio.wait(senders, timeout=GRACE)
                for sender in senders:
                    sender.cancel()
    for fault in (sender.exception() for sender in senders if not sender.cancelled()):
        if fault is not None:
            raise fault
    return results


async def send(client: httpx2.AsyncClient, ping: Ping, now: datetime) -> PingOutcome:
    """Send one ping and return its outcome, whatever the hub does.

    One feed a request: hubs that take several differ in how, and all take one (PubSubHubbub 0.4 §7).
    """
    hub = ping.hub
    try:
        async with asyncio.timeout(TIMEOUT):
            for _ in range(MOST_REDIRECTS + 1):
                form = {"hub.mode": "publish", "hub.url": ping.feed}
                async with client.stream("POST", hub, data=form) as response:
                    location = response.headers.get("location")
                    # 301 and 302 as well: browsers turn them into a GET, which is no ping.
                    if location is None or response.status_code not in (301, 302, 307, 308):
                        return outcome_of(response.status_code, response.headers.get("retry-after", ""), now)
                    hub = str(response.url.join(location))
        return PingOutcome("failed", f"more than {MOST_REDIRECTS} redirects")
    except TimeoutError:
        return PingOutcome("silent", "no answer in time")
    except Exception as error:  # no list of what an address or an answer may raise is complete
        while isinstance(error, ExceptionGroup):  # it says only that there is another
            error = error.exceptions[0]
        reason = " ".join(shown(str(error)).split()) or type(error).__name__
        return PingOutcome("silent", reason[:_LONGEST_REASON])


def outcome_of(status: int, retry_after: str, now: datetime) -> PingOutcome:
    """What a hub's answer means (RFC 9110 §15); *retry_after* is the field's value, or empty."""
    if 200 <= status < 300 or status == 303:  # 303: it was accepted, and there is a page about it
        return PingOutcome("accepted")
    reason = f"HTTP {status}"
    if 400 <= status < 500 and status not in (408, 429):
        return PingOutcome("refused", reason)
    pause = _seconds(retry_after, now) if status in (429, 503) else 0
    return PingOutcome("silent" if pause or status == 429 else "failed", reason, pause)


def report(results: Sequence[Result]) -> list[tuple[int, str]]:
    """One line for each hub and kind of outcome, with its level (as in logging)."""
    groups: dict[tuple[int, str, str], list[tuple[str, str]]] = defaultdict(list)
    for ping, outcome, again in results:
        if outcome.kind == "accepted":
            kind = logging.INFO, f"notified {ping.hub} of", ""
        elif outcome.kind == "refused":
            kind = logging.ERROR, f"refused by {ping.hub}:", "; it is not asked again"
        elif again:
            kind = logging.WARNING, f"could not notify {ping.hub} of", "; it is tried again"
        else:
            kind = logging.ERROR, f"could not notify {ping.hub} of", "; it was tried for days and is given up"
        groups[kind].append((ping.feed, outcome.reason))
    lines = []
    for (level, before, after), pings in sorted(groups.items()):
        feed, reason = min(pings)
        more = f" and {len(pings) - 1} more" if len(pings) > 1 else ""
        lines.append((level, f"{before} {feed}{more}{f' ({reason})' if reason else ''}{after}"))
    return lines


async def _settle(queue: Queue, ping: Ping, outcome: PingOutcome, clock: Callable[[], datetime]) -> bool:
    """Record an outcome; a state that cannot be written to just now gets a second chance."""
    for pause in (0.2, 1.0, 2.0):
        with suppress(UnavailableError):
            return await asyncio.to_thread(queue.settle, ping, outcome, clock())
        await asyncio.sleep(pause)
    return await asyncio.to_thread(queue.settle, ping, outcome, clock())


def _seconds(retry_after: str, now: datetime) -> int:
    """The field Retry-After in seconds, at most the longest delay; 0 when it says nothing (§10.2.3)."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), LONGEST_DELAY)
    until = parse_http_date(text)
    return max(0, min(int((until - now).total_seconds()), LONGEST_DELAY)) if until else 0
