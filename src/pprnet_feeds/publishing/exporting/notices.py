"""The few pages that only a copy in files needs: where there is nothing, and what files cannot do."""

from __future__ import annotations

from html import escape
from urllib.parse import urlsplit

from pprnet_feeds.content.model import Site

# A host is told of the first two; the third stands where the form on the subscribe page leads.
MISSING, WITHDRAWN, SUBSCRIBE = "404.html", "410.html", "subscribe"


def notices(site: Site) -> dict[str, bytes]:
    """The pages by their name."""
    root = urlsplit(site.base_url).path
    home = f'<p><a href="{escape(root)}/">Subscribe, or look around</a></p>'
    choose = (
        "<p>Feeds that combine topics are not offered here. Every topic and every type of research "
        f'has a feed of its own: <a href="{escape(root)}/topics/">choose a topic</a>, '
        f'<a href="{escape(root)}/research/">choose a type of research</a>, or take '
        f'<a href="{escape(root)}/feeds.opml">all of them as OPML</a>.</p>'
    )
    return {
        MISSING: _page("Nothing here", f"<p>There is nothing at this address.</p>\n{home}", site, root),
        WITHDRAWN: _page("Withdrawn", f"<p>This post was withdrawn.</p>\n{home}", site, root),
        SUBSCRIBE: _page("Choose a feed", choose, site, root),
    }


def _page(title: str, body: str, site: Site, root: str) -> bytes:
    return (
        f'<!doctype html>\n<html lang="{escape(site.language)}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="robots" content="noindex">\n<title>{title} – {escape(site.title)}</title>\n'
        f'<link rel="stylesheet" href="{escape(root)}/site.css">\n</head>\n<body>\n<main>\n'
        f"<h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    ).encode()
