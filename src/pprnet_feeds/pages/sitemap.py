"""What search engines ask for first: which pages there are, and that they may read them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from xml.etree import ElementTree

from pprnet_feeds.syndication.channel import rfc3339

SITEMAP = "/sitemap.xml"
ROBOTS = "/robots.txt"


def draw_sitemap(pages: Iterable[tuple[str, datetime]]) -> bytes:
    """Draw the list of pages, each with its absolute address and its newest change (sitemaps.org 0.9)."""
    root = ElementTree.Element("urlset", xmlns="http://www.sitemaps.org/schemas/sitemap/0.9")
    for address, updated in pages:
        url = ElementTree.SubElement(root, "url")
        ElementTree.SubElement(url, "loc").text = address
        ElementTree.SubElement(url, "lastmod").text = rfc3339(updated)
    ElementTree.indent(root)
    drawn: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return drawn + b"\n"


def draw_robots(base_url: str) -> bytes:
    """Draw the word to robots (RFC 9309): all is for everybody."""
    return f"User-agent: *\nDisallow:\n\nSitemap: {base_url}{SITEMAP}\n".encode()
