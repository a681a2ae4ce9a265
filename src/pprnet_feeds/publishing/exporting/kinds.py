"""The kinds of answers, for hosts that are told by rules and not address by address.

Each address of a kind is answered with the same header fields, but for what
the address itself puts into them. The fields are taken from the answers of the
service and are written down nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pprnet_feeds.serving.response import Response

_FOLDER = "/(?:[a-z0-9-]+/)*"
# Below the base, by depth: the site's own, those of series and years, and so on down to a topic's year.
_DEPTHS = ("/", "/:a/", "/:a/:b/", "/:a/:b/:c/", "/:a/:b/:c/:d/")
_LISTED = ("/topics/:a/", "/research/:a/", "/issues/:a/")


@dataclass(frozen=True, slots=True)
class Kind:
    """Addresses that are answered alike.

    Attributes:
        pattern: a regular expression for the whole path; its group is the address that the Link field names.
        rules: the same for the hosts that read ``_headers``, of which no two match one address; none
            where such a host's own fields will do.
    """

    pattern: str
    rules: tuple[str, ...] = ()


# The first that fits counts.
KINDS = (
    Kind("(/)", ("/",)),
    Kind("(/(?:topics|research|issues|archive)/)", ("/topics/", "/research/", "/issues/", "/archive/")),
    Kind("(/posts/[a-z0-9-]+/)", ("/posts/:a/",)),
    Kind(
        f"({_FOLDER}archive/[0-9]{{4}}/)",
        ("/archive/:a/", *(f"{folder}archive/:b/" for folder in _LISTED)),
    ),
    Kind("(/(?:topics|research|issues)/[a-z0-9-]+/)", _LISTED),
    Kind(f"({_FOLDER})embed", ("/embed", *(f"{folder}embed" for folder in _LISTED[:2]))),
    Kind(f"({_FOLDER}archive/[0-9]{{4}}/[a-z]+\\.atom)"),
    Kind(f"({_FOLDER}archive/[0-9]{{4}}/[a-z]+\\.rss)"),
    Kind(f"({_FOLDER}archive/[0-9]{{4}}/[a-z]+\\.json)"),
    Kind(f"({_FOLDER}[a-z]+\\.atom)", ("/*.atom",)),
    Kind(f"({_FOLDER}[a-z]+\\.rss)", ("/*.rss",)),
    Kind("(/feeds\\.json)"),
    Kind(
        f"({_FOLDER}(?:feed|summary|practice|citations)\\.json)",
        tuple(f"{at}{view}.json" for view in ("feed", "summary", "practice", "citations") for at in _DEPTHS),
    ),
    Kind(f"({_FOLDER}[a-z0-9-]+\\.csl\\.json)", ("/*.csl.json",)),
    Kind("(/posts/[a-z0-9-]+\\.json)"),
    Kind(f"({_FOLDER}[a-z0-9-]+\\.bib)", ("/*.bib",)),
    Kind(f"({_FOLDER}[a-z0-9-]+\\.ris)", ("/*.ris",)),
    Kind("(/feeds\\.opml)", ("/feeds.opml",)),
)

# Names that a feed goes by where it is guessed, and that do not tell its type.
GUESSED_RULES = {
    "feed.atom": ("/feed.xml", "/:a/:b/feed.xml", "/atom.xml", "/:a/:b/atom.xml"),
    "feed.rss": (
        *("/rss.xml", "/:a/:b/rss.xml", "/index.xml", "/:a/:b/index.xml"),
        *("/rss/feed.xml", "/:a/:b/rss/feed.xml"),
    ),
}


@dataclass(frozen=True, slots=True)
class Fields:
    """The header fields of a kind of answers.

    Attributes:
        always: names, in lower case, and values; without the type, and without what follows from the bytes.
        shown_as: the type for a browser that opens the document.
        link: the value of Link, with ``{}`` where the named address stands below the base; empty for none.
    """

    media_type: str
    shown_as: str
    always: tuple[tuple[str, str], ...]
    link: str = ""


def headers_of(answer: Response) -> tuple[dict[str, str], str]:
    """The header fields of the whole document in no coding, and its type for a browser that opens it."""
    plain, shown = (
        {name.decode(): value.decode() for name, value in answer.headers(browser=browser)}
        for browser in (False, True)
    )
    return plain, shown["content-type"]


def kind_of(path: str) -> Kind:
    """The kind of the address; one of its own for one that is like no other."""
    found = (kind for kind in KINDS if re.fullmatch(kind.pattern, path))
    return next(found, Kind(f"({re.escape(path)})"))


def fields_of(path: str, kind: Kind, headers: Mapping[str, str], shown_as: str, base_url: str) -> Fields:
    """What the answer at *path* tells of all answers of its *kind*."""
    match = re.fullmatch(kind.pattern, path)
    named = match[1] if match else path
    link = headers.get("link", "").replace(f"<{base_url}{named}>", f"<{base_url}{{}}>")
    return Fields(headers["content-type"], shown_as, tuple(_kept(headers)), link)


def _kept(headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    of_the_bytes = ("content-type", "content-length", "content-encoding", "etag", "last-modified", "link")
    yield from sorted((name, value) for name, value in headers.items() if name not in of_the_bytes)
