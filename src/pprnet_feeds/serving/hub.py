"""Tell the hubs: the pings on their way, and what is said of them to the operator.

The hub is a stranger's machine: it may fail, stall, redirect for ever or answer
without an end. No ping takes longer than `TIMEOUT`, few are sent at once, no
body is read, and a hub that does not answer is left alone until the next round.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

import httpx2

from pprnet_feeds import __version__
from pprnet_feeds.serving.database import UnavailableError
from pprnet_feeds.serving.pingqueue import Queue
from pprnet_feeds.serving.pings import Outcome, Ping, judge

# Seconds for one ping, with all its redirects.
TIMEOUT = 10.0
AT_ONCE = 4
MOST_REDIRECTS = 3

# It would write a line for every request.
logging.getLogger("httpx2").setLevel(logging.WARNING)

# A ping, how it was taken, and whether it will be tried again.
Result = tuple[Ping, Outcome, bool]


async def tell(
    queue: Queue,
    hubs: Sequence[str],
    clock: Callable[[], datetime],
    stopping: Callable[[], bool] = lambda: False,
) -> list[Result]:
    """Send the pings to *hubs* that are due now, each once, and give how they were taken.

    *clock* gives the time in UTC; once *stopping* tells so, no more are begun.
    Raises UnavailableError where the state cannot be used.
    """
    due = clock()
    answering = list(hubs)
    results: list[Result] = []

    async def send_one_after_the_other(client: httpx2.AsyncClient) -> None:
        while not stopping():
            ping = await asyncio.to_thread(queue.claim, tuple(answering), due, clock())
            if ping is None:
                return
            outcome = await send(client, ping, clock())
            if outcome.kind == "silent":
                with suppress(ValueError):
                    answering.remove(ping.hub)
            results.append((ping, outcome, await _settle(queue, ping, outcome, clock)))

    headers = {"User-Agent": f"pprnet-feeds/{__version__}"}
    async with httpx2.AsyncClient(timeout=TIMEOUT, headers=headers) as client:
        senders = [send_one_after_the_other(client) for _ in range(AT_ONCE)]
        ended = await asyncio.gather(*senders, return_exceptions=True)
    for fault in ended:
        if isinstance(fault, BaseException):
            raise fault
    return results


async def send(client: httpx2.AsyncClient, ping: Ping, now: datetime) -> Outcome:
    """Send one ping and say how it was taken.

    One feed a request: hubs that take several differ in how (`hub.url` again,
    `hub.url[]`, commas), and all take one (PubSubHubbub 0.4 §7).
    """
    hub = ping.hub
    try:
        async with asyncio.timeout(TIMEOUT):
            for _ in range(MOST_REDIRECTS + 1):
                form = {"hub.mode": "publish", "hub.url": ping.address}
                async with client.stream("POST", hub, data=form) as response:
                    location = response.headers.get("location")
                    # 301 and 302 as well: browsers turn them into a GET, which tells a hub nothing.
                    if location is None or response.status_code not in (301, 302, 307, 308):
                        return judge(response.status_code, response.headers.get("retry-after", ""), now)
                    hub = str(response.url.join(location))
        return Outcome("failed", f"more than {MOST_REDIRECTS} redirects")
    except TimeoutError:
        return Outcome("silent", "no answer in time")
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        words = " ".join(str(error).split()) or type(error).__name__
        return Outcome("silent", words)


def told(results: Sequence[Result]) -> list[tuple[int, str]]:
    """What there is to say of *results*: the level of each line (as in logging) and the line."""
    groups: dict[tuple[int, str, str], list[str]] = {}
    for ping, outcome, again in results:
        if outcome.kind == "told":
            key = (logging.INFO, f"told {ping.hub} of ", "")
        elif outcome.kind == "refused":
            key = (logging.ERROR, f"refused by {ping.hub}: ", f" ({outcome.words}); it is not asked again")
        elif again:
            key = (
                logging.WARNING,
                f"could not tell {ping.hub} of ",
                f" ({outcome.words}); it is tried again",
            )
        else:
            rest = f" ({outcome.words}); it was tried for days and is given up"
            key = (logging.ERROR, f"could not tell {ping.hub} of ", rest)
        groups.setdefault(key, []).append(ping.address)
    lines = []
    for (level, before, after), feeds in sorted(groups.items()):
        more = f" and {len(feeds) - 1} more" if len(feeds) > 1 else ""
        lines.append((level, f"{before}{min(feeds)}{more}{after}"))
    return lines


async def _settle(queue: Queue, ping: Ping, outcome: Outcome, clock: Callable[[], datetime]) -> bool:
    """Record how a ping was taken; a state that cannot be written to just now gets a second chance."""
    for pause in (0.2, 1.0, 2.0):
        with suppress(UnavailableError):
            return await asyncio.to_thread(queue.settle, ping, outcome, clock())
        await asyncio.sleep(pause)
    return await asyncio.to_thread(queue.settle, ping, outcome, clock())
