"""Pages of a site with many posts: none grows heavy, and none leaves a post out of reach."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from many import make_site
from pprnet_feeds.content.library import Library, read_library
from pprnet_feeds.content.site import read_site
from pprnet_feeds.pages.pages import Pages
from pprnet_feeds.syndication.catalogue import Catalogue

MOMENT = datetime(2021, 3, 1, 12, tzinfo=UTC)


@cache
def library(posts: int) -> Library:
    """A library whose *posts* are all of March 2021 but one, which is of April."""
    with TemporaryDirectory() as folder:
        site, _ = read_site(make_site(Path(folder) / "site", 1), {})
        assert site is not None
        (post,) = read_library(Path(folder) / "site", site, datetime(2030, 1, 1, tzinfo=UTC)).posts
    march = {"published": MOMENT, "updated": MOMENT, "issue": "2021-03"}
    names = [f"post-{number:05}" for number in range(posts)]
    of_march = [replace(post, id=name, slug=name, title=name, **march) for name in names[1:]]
    april = datetime(2021, 4, 1, 12, tzinfo=UTC)
    last = replace(of_march[0], id=names[0], slug=names[0], published=april, updated=april, issue="2021-04")
    return Library(site, (last, *of_march), (), (), None)


def test_the_page_of_a_heavy_year_lists_the_newest_and_names_its_months():
    page = Pages(Catalogue(library(600))).page("/archive/2021/").body
    assert page is not None
    text = page.decode()
    assert "600 posts" in text
    assert len(re.findall(r'href="/posts/', text)) == 250
    assert re.findall(r'<li><a href="/issues/(.*?)/">', text) == ["2021-04", "2021-03"]
    assert len(page) < 100_000


def test_every_post_of_a_heavy_month_is_on_the_page_of_its_year():
    page = Pages(Catalogue(library(600))).page("/issues/2021-03/archive/2021/").body
    assert page is not None
    assert len(re.findall(rb'href="/posts/', page)) == 599


def test_a_sitemap_has_each_page_and_its_newest_change():
    body = Pages(Catalogue(library(2))).page("/sitemap.xml").body
    assert body.startswith(
        b"<?xml version='1.0' encoding='utf-8'?>\n"
        b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        b"  <url>\n    <loc>https://many.example.org/</loc>\n"
        b"    <lastmod>2021-04-01T12:00:00Z</lastmod>\n  </url>\n"
    )
    assert body.endswith(b"</urlset>\n")


def test_footnotes_stand_under_the_practice_implications():
    post = replace(
        library(600).posts[0], body="A[^1].\n\n## Practice Implications\n\nB[^2].\n\n[^1]: One\n[^2]: Two\n"
    )
    page = Pages(Catalogue(replace(library(600), posts=(post,)))).page(f"/posts/{post.slug}/").body
    assert page is not None
    assert page.index(b'<section class="practice"') < page.index(b'<section class="footnotes">')
    assert page.count(b'<section class="footnotes">') == 1
