"""The first request of the main feed after an edit, beside plain feedgen with the entries of our JSON feed.

./run bench draw              writes the section "Rendering" of RESULTS.md
"""

import json
import subprocess
import sys
import tempfile
import time
from itertools import combinations
from pathlib import Path
from statistics import median

import results
from client import Client, first_answer
from edit import FEED, edit

from processes import service
from sites import TOPICS, make_site, posts

# Any of two, and any of three topics: combinations that nobody has asked for.
COMBINED = [f"/topics/{a},{b}/feed.atom" for a, b in combinations([slug for slug, _ in TOPICS], 2)]


def feedgen(file: str) -> None:
    """Render a JSON Feed as Atom with feedgen alone, and print the seconds it took."""
    from feedgen.feed import FeedGenerator

    data = json.loads(Path(file).read_text())
    begun = time.perf_counter()
    feed = FeedGenerator()
    feed.id(data["_feed"]["id"])
    feed.title(data["title"])
    feed.updated(data["_feed"]["updated"])
    feed.link(href=data["feed_url"], rel="self")
    for item in data["items"]:
        entry = feed.add_entry(order="append")
        entry.id(item["id"])
        entry.title(item["title"])
        entry.updated(item["date_modified"])
        entry.published(item["date_published"])
        entry.link(href=item["url"])
        entry.author(name=item["authors"][0]["name"])
        entry.summary(item["summary"])
        entry.content(item["content_html"], type="html")
        for tag in item["tags"]:
            entry.category(term=tag)
    feed.atom_str()
    print(time.perf_counter() - begun)


def plain(body: bytes, folder: Path) -> float:
    """Seconds that plain feedgen takes for the entries of a JSON Feed."""
    file = folder / "feed.json"
    file.write_bytes(body)
    done = subprocess.run([sys.executable, __file__, str(file)], check=True, stdout=subprocess.PIPE)
    return float(done.stdout)


def asked(client: Client, path: str) -> float:
    """Seconds until the response is read."""
    begun = time.perf_counter()
    assert client.get(path).status == 200, path
    return time.perf_counter() - begun


def main() -> None:
    if len(sys.argv) == 2 and sys.argv[1].endswith(".json"):
        feedgen(sys.argv[1])
        return
    options = results.arguments(rounds=5)
    rows, figures = list[list[str]](), dict[str, float]()
    for size in (350,) if options.quick else (350, 10_000):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            site = make_site(folder / "site", size)
            *_, newest = posts(size)
            main_feed, combined, theirs = list[float](), list[float](), list[float]()
            with service(site) as tree, Client(tree.port) as client:
                first_answer(tree.port, FEED)
                for turn in range(options.rounds):
                    edit(client, site, newest, f"Edit number {turn}")
                    tree.settle()
                    # The edit was seen in Atom; RSS of the same feed is still to be rendered.
                    main_feed.append(asked(client, "/feed.rss"))
                    theirs.append(plain(client.get("/feed.json").body, folder))
                    combined.append(asked(client, COMBINED[7 * turn]))
        times = [[1000 * value for value in column] for column in (main_feed, theirs, combined)]
        rows.append([f"{size:,}", *(results.spread(column, "{:.0f}") for column in times)])
        if size == 10_000:
            figures["draw.first"] = median(main_feed) / median(theirs)
    heads = "posts | main feed, first request after an edit | plain feedgen | a combination, first request"
    text = "Milliseconds, medians, in brackets the least and the greatest; connections are open.\n\n"
    text += results.table(heads, rows)
    results.write(options, "Rendering", text, figures)


if __name__ == "__main__":
    main()
