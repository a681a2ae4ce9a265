"""What a batch of requests says about the feeds: polls, subscribers, programs, pollers.

Only feeds are counted by address, and only addresses that exist for us: the
combinations that anybody can make up, and former addresses, only up to a
number, since each one is a row for years. What is one too many still counts,
under no address. A client's address goes in here as a number that means nothing
without the salt of the day, and comes out in no other form.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from hashlib import blake2b

from pprnet_feeds.serving.readers import KNOWN, read_agent
from pprnet_feeds.serving.response import Sent as Kind
from pprnet_feeds.serving.tally import Batch
from pprnet_feeds.syndication.addresses import GUESSED
from pprnet_feeds.syndication.bibliography import MEDIA_TYPES
from pprnet_feeds.syndication.channel import FORMATS, VIEWS

# Rows a day, at most: of addresses, and of those that a stranger could make up; of what readers report, and
# of what those report that we do not know; and programs that we do not know.
MOST_ADDRESSES = 10_000
MOST_LOOSE = 1_000
MOST_REPORTS = 10_000
MOST_STRANGE_REPORTS = 1_000
MOST_STRANGE_PROGRAMS = 200
# What may wait in memory for the state to come back, besides.
MOST_PROGRAMS = 1_000
MOST_POLLERS = 50_000


def _any(words: Collection[str]) -> str:
    return "(?:" + "|".join(map(re.escape, sorted(words, key=len, reverse=True))) + ")"


_FOLDER = r"/(?:issues/(?:[0-9-]+/)?|corrections/|(?:topics/[^/]+/)?(?:research/[^/]+/)?)"
_FEED = re.compile(rf"{_FOLDER}(?:archive/[0-9]+/)?{_any(VIEWS)}\.{_any({*FORMATS, *MEDIA_TYPES})}")
_GUESSED = re.compile(rf"{_FOLDER}{_any(GUESSED)}")
_COMBINES = re.compile(r"[,+]|/topics/.*/research/")
# What a former address may be made of; anything else is a spelling that somebody made up.
_PLAIN = re.compile(r"/[a-z0-9/._-]*")
_KINDS = {200: "full", 304: "unchanged", 301: "moved", 404: "missing", 410: "gone"}

Poll = tuple[str, str, str]
Report = tuple[str, str, str, str]
Program = tuple[str, str]
Poller = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Counts:
    """What there is to keep of some requests. The first part of each key is the day, the second the address.

    Attributes:
        polls: with the kind -> requests, and bytes of content.
        reports: with the reader and its own name of the feed -> the subscribers it reported last.
        programs: day and name -> requests for feeds; the name is empty where there is none.
        pollers: with the hash of the client and its program; each under no address, too.
    """

    polls: dict[Poll, tuple[int, int]] = field(default_factory=dict)
    reports: dict[Report, int] = field(default_factory=dict)
    programs: dict[Program, int] = field(default_factory=dict)
    pollers: set[Poller] = field(default_factory=set)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to keep."""
        return not self.polls


def joined(earlier: Counts, later: Counts) -> Counts:
    """Both together. There is a bound to it: what is one too many loses its address or name."""
    both = Counts(dict(earlier.polls), dict(earlier.reports), dict(earlier.programs), set(earlier.pollers))
    for poll, sums in later.polls.items():
        if poll not in both.polls and len(both.polls) >= 2 * MOST_ADDRESSES:
            poll = (poll[0], "", poll[2])
        both.polls[poll] = _sum(both.polls.get(poll, (0, 0)), sums)
    for report, subscribers in later.reports.items():
        if report in both.reports or len(both.reports) < MOST_REPORTS:
            both.reports[report] = subscribers
    for program, requests in later.programs.items():
        if program not in both.programs and len(both.programs) >= MOST_PROGRAMS:
            program = (program[0], "")
        both.programs[program] = both.programs.get(program, 0) + requests
    if len(both.pollers) < MOST_POLLERS:
        both.pollers.update(later.pollers)
    return both


def admitted(
    counts: Counts, polls: Collection[Poll], reports: Collection[Report], programs: Collection[Program]
) -> Counts:
    """The same counts, within the rows that a day may have; those it has by now are given."""
    here = {(day, address) for day, address, _ in polls}
    kept = Counts()
    loose = {(day, address) for day, address, kind in polls if is_loose(address, kind)}
    for (day, address, kind), sums in counts.polls.items():
        place = (day, address)
        if address and place not in here:
            if is_loose(address, kind) and len(loose) < MOST_LOOSE:
                loose.add(place)
                here.add(place)
            elif not is_loose(address, kind) and len(here) < MOST_ADDRESSES:
                here.add(place)
            else:
                place = (day, "")
        poll = (*place, kind)
        kept.polls[poll] = _sum(kept.polls.get(poll, (0, 0)), sums)
    kept.pollers.update(poller for poller in counts.pollers if poller[:2] in here or not poller[1])
    told = set(reports)
    strange = sum(reader not in KNOWN for _, _, reader, _ in told)
    for report, subscribers in counts.reports.items():
        is_strange = report[2] not in KNOWN
        has_room = len(told) < MOST_REPORTS and not (is_strange and strange >= MOST_STRANGE_REPORTS)
        if report in told or (has_room and report[:2] in here):
            strange += is_strange and report not in told
            told.add(report)
            kept.reports[report] = subscribers
    names = {program for program in programs if program[1] not in KNOWN}
    for program, requests in counts.programs.items():
        if program[1] not in KNOWN and program not in names:
            if len(names) < MOST_STRANGE_PROGRAMS:
                names.add(program)
            else:
                program = (program[0], "")
        kept.programs[program] = kept.programs.get(program, 0) + requests
    return kept


def count(batch: Batch, day: str, salt: bytes) -> Counts:
    """What there is to keep of *batch*, under one *day* (YYYY-MM-DD, UTC); *salt* is the day's own."""
    counts = Counts()
    for (raw, kind, agent, client), requests in batch.items():
        poll = _poll(raw, kind)
        if poll is None:
            continue
        place = (day, poll[0])
        sums = (requests, requests * kind.size)
        counts.polls[*place, poll[1]] = _sum(counts.polls.get((*place, poll[1]), (0, 0)), sums)
        if not poll[0]:
            continue
        reader = read_agent(agent or b"")
        program = (day, reader.program)
        counts.programs[program] = counts.programs.get(program, 0) + requests
        if reader.subscribers is not None and reader.program:
            counts.reports[*place, reader.program, reader.feed] = reader.subscribers
        if client is not None:
            number = poller(salt, client, agent or b"")
            counts.pollers.update([(*place, number), (day, "", number)])
    return counts


def poller(salt: bytes, client: str, agent: bytes) -> int:
    """The number of a client's program for a day: 63 bits that lead nowhere without the *salt* (16 bytes)."""
    digest = blake2b(f"{client}\n".encode("utf-8", "replace") + agent, key=salt, digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def is_loose(address: str, kind: str) -> bool:
    """Tell whether somebody could make up any number of such addresses."""
    return kind in ("moved", "gone") or _COMBINES.search(address) is not None


def _poll(raw: bytes, kind: Kind) -> tuple[str, str] | None:
    """Address and kind that a request counts for; None when it is no poll of a feed."""
    name = _KINDS.get(kind.status)
    if name is None:
        return None
    address = raw.decode("latin-1")
    if name in ("moved", "gone"):
        return (address if _PLAIN.fullmatch(address) else ""), name
    if not address or name == "missing":
        return "", name
    if _GUESSED.fullmatch(address):
        return address, "guessed"
    return (address, name) if _FEED.fullmatch(address) else None


def _sum(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] + other[0], one[1] + other[1]
