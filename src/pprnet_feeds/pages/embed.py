"""How other sites show us: frames, and the answers of oEmbed 1.0 that lead to them.

For a selection that is a frame of its embed page; for a post a card, plain HTML that looks like the page
around it. Only our own addresses are answered: others could put their text under our name.
"""

import html
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from pprnet_feeds.content.model import Site
from pprnet_feeds.syndication.channel import Entry, without_empty

# The default size of a frame, in pixels.
WIDTH, HEIGHT = 600, 480
# How many posts a frame shows.
POSTS = 10

Size = tuple[int, int]


def path_of(address: str, site: Site) -> str | None:
    """The path below our base that an absolute *address* names; None when it is not ours."""
    # A `+` that was not encoded arrives as a space, and no path of ours has one.
    plain = address.strip().replace(" ", "+").partition("#")[0].partition("?")[0]
    # http and https are the same site to the person who pasted the address.
    ours, (scheme, _, rest) = urlsplit(site.base_url), plain.partition("://")
    host, slash, below = rest.partition("/")
    path = slash + below
    is_ours = scheme.lower() in ("http", "https") and host.lower() == ours.netloc.lower()
    if not is_ours or not f"{path}/".startswith(f"{ours.path}/"):
        return None
    return unquote(path.removeprefix(ours.path)) or "/"


def sizes(query: Mapping[str, str]) -> Size:
    """Width and height in pixels that the asking site allows; what is no number is ignored."""
    asked = (query.get(name, "") for name in ("maxwidth", "maxheight"))
    width, height = (int(text) if re.fullmatch("[0-9]{1,5}", text) else 0 for text in asked)
    return min(WIDTH, width or WIDTH), min(HEIGHT, height or HEIGHT)


def frame(address: str, title: str, width: int | str = "100%", height: int = HEIGHT) -> str:
    """The snippet that shows the page at *address* in a frame."""
    return (
        f'<iframe src="{html.escape(address)}" title="{html.escape(title)}" '
        f'width="{width}" height="{height}" loading="lazy" style="border:0;max-width:100%"></iframe>'
    )


def post_answer(entry: Entry, card: str, site: Site, size: Size) -> bytes:
    """The oEmbed answer for a post: its *card*, with the picture as a thumbnail where its size is known."""
    image, (author, *others) = entry.image, entry.authors
    more: dict[str, Any] = {
        "author_name": ", ".join(author.name for author in entry.authors),
        "author_url": "" if others else author.url or author.link,
    }
    if image and 0 < image.width <= size[0] and 0 < image.height <= size[1]:
        more |= {f"thumbnail_{name}": getattr(image, name) for name in ("url", "width", "height")}
    return answer(site, size, entry.title, card, more | {"url": entry.url})


def answer(site: Site, size: Size, title: str, shown: str, more: dict[str, Any]) -> bytes:
    """The oEmbed answer with the HTML that is *shown*, and *more* fields where they have a value."""
    fields = {
        "version": "1.0",
        "type": "rich",
        "title": title,
        "provider_name": site.title,
        "provider_url": f"{site.base_url}/",
        "cache_age": site.cache.max_age,
        "width": size[0],
        "height": size[1],
        "html": shown,
        **without_empty(more | {"license_url": site.licence}),
    }
    return json.dumps(fields, ensure_ascii=False, indent=1).encode() + b"\n"
