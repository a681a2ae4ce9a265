"""What search engines ask for first: which pages there are, and that they may read them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from xml.sax.saxutils import escape

from pprnet_feeds.content.model import Post
from pprnet_feeds.pages.lists import years
from pprnet_feeds.syndication.catalogue import Catalogue
from pprnet_feeds.syndication.channel import beginning, rfc3339

SITEMAP = "/sitemap.xml"
ROBOTS = "/robots.txt"
# How many addresses one list may hold.
MOST = 50_000

Places = Sequence[tuple[str, datetime]]


def indexed(catalogue: Catalogue, others: Iterable[str]) -> Places:
    """The pages that search engines are told of, each with its newest change; *others* change with any."""
    posts, start = catalogue.library.posts, beginning(catalogue.site)

    def newest(some: Iterable[Post]) -> datetime:
        return max((post.updated for post in some), default=start)

    found: list[tuple[str, datetime]] = []
    for selection in catalogue.pages():
        held = catalogue.posts(selection)
        found.append((f"/{selection.path}", newest(held)))
        for year in years(held):
            of_year = (post for post in held if post.issue[:4] == year)
            found.append((f"/{selection.path}archive/{year}/", newest(of_year)))
    found += [(path, newest(posts)) for path in others]
    return [*found, *((f"/posts/{post.slug}/", post.updated) for post in posts)]


def parts(pages: Places) -> dict[str, Places]:
    """The lists of *pages* by their addresses: one, or several where one may not hold them all."""
    if len(pages) <= MOST:
        return {SITEMAP: pages}
    starts = enumerate(range(0, len(pages), MOST), 1)
    return {f"/sitemap-{number}.xml": pages[start : start + MOST] for number, start in starts}


def draw_sitemap(path: str, pages: Places, base_url: str) -> bytes | None:
    """Draw the list at *path*: of pages or, where they are too many for one, of lists (sitemaps.org 0.9)."""
    lists = parts(pages)
    if path in lists:
        return _draw("urlset", "url", lists[path], base_url)
    if path == SITEMAP:
        newest = [(one, max(updated for _, updated in part)) for one, part in lists.items()]
        return _draw("sitemapindex", "sitemap", newest, base_url)
    return None


def _draw(root: str, element: str, places: Places, base_url: str) -> bytes:
    # Thousands of lines of the same two facts: a tree of them would take ten times as long.
    base = escape(base_url)
    lines = [
        f"  <{element}>\n    <loc>{base}{escape(path)}</loc>\n"
        f"    <lastmod>{rfc3339(updated)}</lastmod>\n  </{element}>\n"
        for path, updated in places
    ]
    opening = f'<{root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    return f"<?xml version='1.0' encoding='utf-8'?>\n{opening}\n{''.join(lines)}</{root}>\n".encode()


def draw_robots(base_url: str) -> bytes:
    """Draw the word to robots (RFC 9309): all is for everybody."""
    return f"User-agent: *\nDisallow:\n\nSitemap: {base_url}{SITEMAP}\n".encode()
