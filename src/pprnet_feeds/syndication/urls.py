"""The grammar of our URLs: what a path asks for, and its canonical spelling.

    /{selection}{view}.{format}    /{selection}archive/{year}/{view}.{format}    feeds
    /issues/feed.{format}    /corrections/feed.{format}    and their archives
    /search/{words}/{view}.{format}    and its archives
    /archive/feed.{format}    every post
    /{selection}    /{selection}archive/{year}/    /{selection}embed    pages

Whether there is anything at the address is for the catalogue to say.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from pprnet_feeds.content.model import Site
from pprnet_feeds.syndication.selection import EVERYTHING, Refusal, Selection, parse_selection

Series = Literal["posts", "issues", "corrections", "archive"]
View = Literal["feed", "summary", "practice", "citations"]

# What follows the title of a feed in each view.
VIEWS: Mapping[View, str] = {
    "feed": "",
    "summary": " (summaries)",
    "practice": " (practice implications)",
    "citations": " (citations)",
}
FORMATS: Mapping[str, str] = {
    "atom": "application/atom+xml",
    "rss": "application/rss+xml",
    "json": "application/feed+json",
}
# The formats of reference managers.
REFERENCE_FORMATS: Mapping[str, str] = {
    "bib": "application/x-bibtex",
    "ris": "application/x-research-info-systems",
    "csl.json": "application/vnd.citationstyles.csl+json",
}
# The formats of the files beside a post's page: the post, how to cite it, and the studies it is about.
POST_FORMATS = ("json", *REFERENCE_FORMATS, *(f"studies.{form}" for form in REFERENCE_FORMATS))
# Pictures of the site.
FAVICON, ICON, ICON_SVG, LOGO = "/favicon.ico", "/apple-touch-icon.png", "/icon.svg", "/logo.png"

# What feed readers and people try below a site or a folder. Programs that probe
# do not follow redirects, so these are answered with the document itself.
_ATOM = ("feed", "feed/", "feed.xml", "atom", "atom.xml", "index.atom")
_RSS = ("rss", "rss/", "rss.xml", "index.xml", "index.rss", "rss/feed.xml")
GUESSED: Mapping[str, str] = dict.fromkeys(_ATOM, "atom") | dict.fromkeys(_RSS, "rss")

_REST = re.compile(r"(?:archive/([1-9][0-9]{3})/)?(?:([a-z]+)\.([a-z.]+))?")


@dataclass(frozen=True, slots=True)
class FeedRequest:
    """One document: which posts, how much of them, in which format, of which year.

    Attributes:
        series: whether its entries are posts, months, posts that were corrected, or all posts at once.
        year: the year of an archive document; 0 for the subscription document.
    """

    series: Series = "posts"
    selection: Selection = EVERYTHING
    view: View = "feed"
    form: str = "atom"
    year: int = 0

    @property
    def folder(self) -> str:
        """The address up to the view: empty, or ending with a slash."""
        return f"{self.series}/" if self.series != "posts" else self.selection.path

    @property
    def path(self) -> str:
        """The canonical address of the document."""
        archive = f"archive/{self.year}/" if self.year else ""
        return f"/{self.folder}{archive}{self.view}.{self.form}"


@dataclass(frozen=True, slots=True)
class Url:
    """What a path asks for.

    Attributes:
        spelling: how the path is written in full and in order; another spelling is redirected.
        request: the document; None when it is a page for people.
        year: the one year that the document or page shows; 0 for none.
        embed: whether it is a page for frames.
    """

    spelling: str
    selection: Selection
    request: FeedRequest | None
    year: int = 0
    embed: bool = False


def parse_url(path: str, site: Site) -> Url | Refusal | None:
    """Read a path, which begins with a slash; None when it is of no form we know."""
    series: Series
    for series in ("issues", "corrections", "archive"):
        rest = path.removeprefix(f"/{series}/")
        if rest != path and (request := _parse_request(series, EVERYTHING, rest)):
            is_one = request.view == "feed" and (series != "archive" or request.path == path)
            return Url(path, EVERYTHING, request, request.year) if is_one else None
    found = parse_selection(path[1:], site)
    if isinstance(found, Refusal):
        return found
    selection, rest = found
    request, page = _parse_request("posts", selection, rest), _REST.fullmatch(rest)
    embed = rest == "embed"
    if not (request or embed or (page and not page[2])) or (selection.words and not request):
        return None
    return Url(f"/{selection.path}{rest}", selection, request, int(page[1] or 0) if page else 0, embed)


def _parse_request(series: Series, selection: Selection, rest: str) -> FeedRequest | None:
    """The document at the *rest* of an address, after its selection or series."""
    if rest in GUESSED:
        return FeedRequest(series, selection, "feed", GUESSED[rest])
    match = _REST.fullmatch(rest)
    if not match or match[2] not in VIEWS:
        return None
    view, form = cast(View, match[2]), match[3]
    year = int(match[1] or 0)
    is_file = form in REFERENCE_FORMATS and view == "citations" and not year and not selection.combines
    return FeedRequest(series, selection, view, form, year) if form in FORMATS or is_file else None
