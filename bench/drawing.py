"""One way of drawing a site's documents, in a process of its own, by its CPU time.

    python bench/drawing.py WAY SITE [FILE]       prints what it took as JSON

Started by draw.py and first.py, so that nothing that one way has made is there for another.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from pprnet_feeds.content.library import Library, read_library
from pprnet_feeds.content.model import Post
from pprnet_feeds.content.site import read_site
from pprnet_feeds.syndication import entries, xmlfeed
from pprnet_feeds.syndication.addresses import Address, Plan
from pprnet_feeds.syndication.catalogue import Catalogue
from pprnet_feeds.syndication.channel import Entry, rfc3339
from pprnet_feeds.syndication.contents import Contents, Month
from sites import TOPICS

NOW = datetime(2026, 11, 1, tzinfo=UTC)
# Of so many documents one is drawn by plain feedgen, where drawing all would take minutes.
SAMPLE = {350: 1, 10_000: 40}
SOME = [
    f"/{folder}feed.{form}"
    for folder in ("", *(f"topics/{slug}/" for slug, _ in TOPICS))
    for form in ("atom", "rss")
]
ALSO = [path.replace(".atom", ".json") for path in SOME if path.endswith(".atom")]


class Plain:
    """feedgen without anything of ours around it but the entries, each made once."""

    def __init__(self, library: Library) -> None:
        self.catalogue = Catalogue(library)
        self.contents = Contents(library)
        self.site = library.site
        self._made: dict[Any, tuple[Entry, ...]] = {}

    def draw(self, path: str) -> bytes:
        """Draw a document in one piece."""
        plan = plan_of(self.catalogue, path)
        made = [entry for item in self.contents.shown(plan) for entry in self.made(item, plan)]
        source = None
        if plan.selection.combines:
            source = self.contents.channel(Plan("posts", type(plan.selection)(), "feed", "atom"))
        return xmlfeed.draw_whole(
            self.contents.channel(plan), cast(xmlfeed.XmlFormat, plan.form), made, source
        )

    def made(self, item: Any, plan: Plan) -> tuple[Entry, ...]:
        """The entries of an item, made once."""
        key = (plan.series, plan.view, item.id)
        if key not in self._made:
            if isinstance(item, Month):
                self._made[key] = (entries.month_entry(item.id, item.posts, self.site),)
            elif plan.series == "corrections":
                self._made[key] = (entries.correction_entry(item, self.site),)
            else:
                self._made[key] = entries.post_entries(item, plan.view, self.site)
        return self._made[key]


def plan_of(catalogue: Catalogue, path: str) -> Plan:
    address = catalogue.read(path)
    assert isinstance(address, Address), path
    assert address.plan is not None
    return address.plan


def ours(library: Library, paths: Iterable[str] | None = None) -> tuple[Catalogue, float, int, int]:
    """Draw documents with a new catalogue: seconds, documents and bytes."""
    begun = time.process_time()
    catalogue = Catalogue(library)
    count = size = 0
    for path in catalogue.paths() if paths is None else paths:
        document = catalogue.document(path)
        assert document is not None, path
        count, size = count + 1, size + len(document.body)
    return catalogue, time.process_time() - begun, count, size


def xml_paths(library: Library) -> list[str]:
    return [path for path in Catalogue(library).paths() if path.endswith((".atom", ".rss"))]


def every(library: Library) -> dict[str, float]:
    """All documents in XML, by our own way."""
    _, spent, count, size = ours(library, xml_paths(library))
    return {"seconds": spent, "documents": count, "bytes": size}


def plain(library: Library) -> dict[str, float]:
    """The same by plain feedgen; where only some are drawn, the whole is told by its bytes."""
    step = SAMPLE.get(len(library.posts), 1)
    drawer, chosen = Plain(library), xml_paths(library)[::step]
    begun = time.process_time()
    kinds = {(plan.series, plan.view): plan for plan in (plan_of(drawer.catalogue, path) for path in chosen)}
    for (series, _), plan in kinds.items():
        for item in library.posts if series == "posts" else drawer.contents.shown(plan):
            drawer.made(item, plan)
    making = time.process_time() - begun
    spent, size = 0.0, 0
    for place, path in enumerate(chosen):
        begun = time.process_time()
        body = drawer.draw(path)
        spent, size = spent + time.process_time() - begun, size + len(body)
        if place % 10 == 0:
            document = drawer.catalogue.document(path)
            assert document is not None
            assert document.body == body, f"{path} is drawn differently"
    return {"seconds": spent, "making": making, "documents": len(chosen), "bytes": size}


def redraw(library: Library) -> dict[str, float]:
    """Everything in every format; then what one edit of the newest post touches, listed feeds only."""
    before, full, count, size = ours(library)
    edited = replace(library.posts[0], title="An edited title", body=library.posts[0].body + "\nMended.\n")
    after = replace(library, posts=(edited, *library.posts[1:]))
    touched = [path for path in before.paths() if "/archive/" not in path and _holds(before, path, edited)]
    for path in touched:  # the archives, drawn after them, may have pushed them out
        before.document(path)
    begun = time.process_time()
    catalogue = Catalogue(after, before)
    for path in touched:
        assert catalogue.document(path) is not None
    spent = time.process_time() - begun
    return {"full": full, "documents": count, "bytes": size, "seconds": spent, "touched": len(touched)}


def _holds(catalogue: Catalogue, path: str, post: Post) -> bool:
    address = catalogue.read(path)
    if isinstance(address, Address) and address.plan and address.plan.series == "posts":
        return address.selection.holds(post)
    return path.startswith((f"/posts/{post.slug}.", "/issues/"))


def memory(library: Library) -> dict[str, float]:
    """Main and topic feeds in XML, drawn from posts that are in memory."""
    _, spent, count, size = ours(library, SOME)
    return {"seconds": spent, "documents": count, "bytes": size}


def memory_plain(library: Library) -> dict[str, float]:
    """The same by plain feedgen."""
    drawer = Plain(library)
    begun = time.process_time()
    size = sum(len(drawer.draw(path)) for path in SOME)
    return {"seconds": time.process_time() - begun, "documents": len(SOME), "bytes": size}


def dump(library: Library, file: str) -> dict[str, float]:
    """The same documents as data, for whoever cannot read posts: their entries, ready made."""
    drawer = Plain(library)
    held: dict[str, dict[str, Any]] = {}
    feeds = []
    for path in SOME:
        plan = plan_of(drawer.catalogue, path)
        made = [entry for item in drawer.contents.shown(plan) for entry in drawer.made(item, plan)]
        for entry in made:
            held[entry.id] = {
                "id": entry.id,
                "url": entry.url,
                "title": entry.title,
                "published": rfc3339(entry.published),
                "updated": rfc3339(entry.updated),
                "author": entry.authors[0].name,
                "categories": [category.label for category in entry.categories],
                "summary": entry.summary,
                "html": entry.html,
            }
        channel = drawer.contents.channel(plan)
        head = {
            "title": channel.title,
            "link": channel.home_page,
            "description": channel.subtitle,
            "feed_url": path,
        }
        feeds.append([plan.form, head, [entry.id for entry in made]])
    Path(file).write_text(json.dumps([held, feeds]))
    return {}


def combination(library: Library, path: str) -> dict[str, float]:
    """A document that was never asked for, by plain feedgen."""
    drawer = Plain(library)
    begun, wall = time.process_time(), time.perf_counter()
    size = len(drawer.draw(path))
    return {"seconds": time.process_time() - begun, "wall": time.perf_counter() - wall, "bytes": size}


def files(library: Library) -> dict[str, float]:
    """Main and topic feeds in three formats, and the main feed's archives: what Hugo is asked for, too."""
    archives = [
        path for path in Catalogue(library).paths() if path.startswith("/archive/") and "/feed." in path
    ]
    _, spent, count, size = ours(library, [*SOME, *ALSO, *archives])
    return {"seconds": spent, "documents": count, "bytes": size}


WAYS = {
    each.__name__: each for each in (every, plain, redraw, memory, memory_plain, dump, combination, files)
}


def main() -> None:
    way, folder, *rest = sys.argv[1:]
    site, _ = read_site(Path(folder), {}, "https://feeds.example.org")
    assert site is not None
    print(json.dumps(WAYS[way](read_library(Path(folder), site, NOW), *rest)))


if __name__ == "__main__":
    main()
