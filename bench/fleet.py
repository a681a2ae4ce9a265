"""What a day of polling moves, and whether memory grows over a million requests and a thousand reloads.

./run bench fleet             writes two sections of RESULTS.md; takes about an hour
"""

import random
import sys
import tempfile
from pathlib import Path

import results
from client import Client, first_answer
from draw import COMBINED
from edit import FEED, edit
from start import PATHS

from processes import service
from sites import make_site, posts

POLLS, CHANGES = 48, 4  # a day
_BOTH = ("If-None-Match", "If-Modified-Since")
# Name, share of the fleet (an assumption), coding, validators that are sent.
HABITS = (
    ("both validators, br or gzip", 0.62, "gzip, deflate, br", _BOTH),
    ("ETag only, gzip", 0.12, "gzip", _BOTH[:1]),
    ("If-Modified-Since only, gzip", 0.08, "gzip", _BOTH[1:]),
    ("both validators, no coding", 0.05, "", _BOTH),
    ("no validators, gzip", 0.08, "gzip", ()),
    ("no validators, no coding", 0.05, "", ()),
)


def day() -> str:
    """Live a day of every habit; gives its table."""
    stored: dict[str, dict[str, str]] = {name: {} for name, *_ in HABITS}
    moved = dict.fromkeys(stored, 0)
    with tempfile.TemporaryDirectory() as folder:
        site = make_site(Path(folder) / "site", 350)
        *_, newest = posts(350)
        with service(site) as tree, Client(tree.port) as client:
            first_answer(tree.port, FEED)
            for turn in range(-1, POLLS):  # the first poll is that of the day before
                if turn % (POLLS // CHANGES) == 3:
                    edit(client, site, newest, f"Edit {turn}")
                for name, _, coding, sends in HABITS:
                    headers = {header: stored[name][header] for header in sends if turn >= 0}
                    answer = client.get(FEED, headers | ({"Accept-Encoding": coding} if coding else {}))
                    moved[name] += answer.wire if turn >= 0 else 0
                    if answer.status == 200:
                        validators = answer.headers["etag"], answer.headers["last-modified"]
                        stored[name] = dict(zip(_BOTH, validators, strict=True))
    naive = moved[HABITS[-1][0]]
    rows = [(name, share, moved[name]) for name, share, *_ in HABITS]
    rows.append(("all together", 1.0, round(sum(share * size for _, share, size in rows))))
    cells = [[name, f"{share:.0%}", f"{size:,}", f"{naive / size:.1f}"] for name, share, size in rows]
    return results.table("habit | share | bytes a day | times fewer", cells)


def growth(reloads: int) -> tuple[float, float]:
    """Megabytes (PSS) after the first thousand requests and at the end."""
    chance = random.Random(1)
    codings: tuple[dict[str, str], ...] = ({}, {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "br"})
    early = late = 0.0
    with tempfile.TemporaryDirectory() as folder:
        site = make_site(Path(folder) / "site", 350)
        every = list(posts(350))
        with service(site) as tree, Client(tree.port) as client:
            first_answer(tree.port, FEED)
            for turn in range(reloads):
                edit(client, site, every[-1 - turn % 20], f"Edit {turn}")
                for _ in range(1000):
                    path = chance.choice(COMBINED if chance.random() < 0.05 else PATHS)
                    client.get(path, chance.choice(codings))
                late = tree.memory()
                early = early or late
                if turn % 50 == 0:
                    print(f"bench: {turn + 1} reloads, {late:.0f} MB", file=sys.stderr)
    return early, late


def main() -> None:
    options = results.arguments(rounds=1)
    reloads = 5 if options.quick else 1000
    text = f"The main feed of 350 posts, {POLLS} polls and {CHANGES} changes a day, bytes with headers.\n\n{day()}"
    results.write(options, "A fleet of readers", text, {})
    early, late = growth(reloads)
    text = (
        f"{reloads:,} edits of one of 350 posts, each followed by 1,000 requests in every format and coding, one in twenty "
        f"for a combination. Memory of the service (PSS) after the first thousand requests {early:.0f} MB, at the end {late:.0f} MB."
    )
    results.write(options, "Memory over time", text, {"memory.growth": late / early})


if __name__ == "__main__":
    main()
