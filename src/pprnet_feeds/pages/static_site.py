"""What only a static copy has: the pages of its host's errors, and the names of the files that hosts read."""

from pprnet_feeds.pages.pages import Pages, render_error

# Rules for hosts, and the folder of what is not for readers.
HEADERS, REDIRECTS, PRIVATE = "_headers", "_redirects", ".pprnet-feeds"
# What a host shows where there is nothing, at a withdrawn post, and where the subscribe form leads.
MISSING, WITHDRAWN, SUBSCRIBE = "404.html", "410.html", "subscribe.html"
# First parts of paths that no post may have had as its address.
RESERVED = frozenset({"index.html", HEADERS, REDIRECTS, PRIVATE, MISSING, WITHDRAWN, SUBSCRIBE})

_NO_COMBINATIONS = (
    "Feeds that combine topics are not offered here. Every topic and every type of research has its own."
)


def static_pages(pages: Pages) -> dict[str, bytes]:
    """The pages by the name of their file."""
    base = pages.site.base_url
    ways = {"All topics": "/topics/", "Types of research": "/research/", "All feeds (OPML)": "/feeds.opml"}
    near = [(title, base + path) for title, path in ways.items()]
    return {
        MISSING: render_error(404, "There is nothing at this address.", pages),
        WITHDRAWN: render_error(410, "This post was withdrawn.", pages),
        SUBSCRIBE: render_error(501, _NO_COMBINATIONS, pages, near),
    }
