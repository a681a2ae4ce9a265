"""What only a static copy has: the pages of its host's errors, and the names of the files that hosts read."""

from __future__ import annotations

from urllib.parse import urlsplit

from pprnet_feeds.content.model import Site
from pprnet_feeds.pages.pages import render_template

# Rules for hosts, and the folder of what is not for readers.
HEADERS, REDIRECTS, PRIVATE = "_headers", "_redirects", ".pprnet-feeds"
# What a host shows where there is nothing, at a withdrawn post, and where the subscribe form leads.
MISSING, WITHDRAWN, SUBSCRIBE = "404.html", "410.html", "subscribe.html"
# First parts of paths that no post may have had as its address.
RESERVED = frozenset({"index.html", HEADERS, REDIRECTS, PRIVATE, MISSING, WITHDRAWN, SUBSCRIBE})

_PAGES = {
    MISSING: ("Nothing here", "There is nothing at this address."),
    WITHDRAWN: ("Withdrawn", "This post was withdrawn."),
    SUBSCRIBE: ("Choose a feed", ""),
}


def static_pages(site: Site) -> dict[str, bytes]:
    """The pages by the name of their file."""
    values = {"site": site, "root": urlsplit(site.base_url).path}
    return {
        name: render_template(
            "static-error.html", title=title, text=text, is_form=name == SUBSCRIBE, **values
        )
        for name, (title, text) in _PAGES.items()
    }
