"""The grammar of addresses: what a path asks for, and how it should have been written.

    /{selection}{view}.{format}
    /{selection}archive/{year}/{view}.{format}
    /issues/feed.{format}   /corrections/feed.{format}   and their archives

Pure: a path and a site's names in, a plan out. Whether there is anything at the
address is for the catalogue to say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from pprnet_feeds.content.model import Site
from pprnet_feeds.syndication.bibliography import MEDIA_TYPES
from pprnet_feeds.syndication.channel import FORMATS, VIEWS, Format, View
from pprnet_feeds.syndication.selection import EVERYTHING, Refusal, Selection, parse

Series = Literal["posts", "issues", "corrections"]

# What feed readers and people try below a site or a folder. Programs that probe
# do not follow redirects, so these are answered with the document itself.
GUESSED: dict[str, Format] = {
    "feed": "atom",
    "feed/": "atom",
    "feed.xml": "atom",
    "atom": "atom",
    "atom.xml": "atom",
    "index.atom": "atom",
    "rss": "rss",
    "rss/": "rss",
    "rss.xml": "rss",
    "index.xml": "rss",
    "index.rss": "rss",
    "rss/feed.xml": "rss",
}

_DOCUMENT = re.compile(r"(?:archive/([1-9][0-9]{3})/)?([a-z]+)\.([a-z.]+)")


@dataclass(frozen=True, slots=True)
class Plan:
    """One document: which posts, how much of them, in which format, of which year.

    Attributes:
        series: whether its entries are posts, months, or posts that were corrected.
        year: the year of an archive document; 0 for the subscription document.
    """

    series: Series
    selection: Selection
    view: View
    form: str
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
class Address:
    """What a path asks for.

    Attributes:
        spelling: how the path is written in full and in order; another spelling is redirected.
        plan: the document asked for; None when it is a page for people.
    """

    spelling: str
    selection: Selection
    plan: Plan | None


def read(path: str, site: Site) -> Address | Refusal | None:
    """Read an address; None when it is of no form we know.

    *path* begins with a slash. A page is any selection that ends with its slash.
    """
    for series in get_args(Series)[1:]:
        rest = path.removeprefix(f"/{series}/")
        if rest != path and (plan := _plan(series, EVERYTHING, rest)):
            return Address(path, EVERYTHING, plan) if plan.view == "feed" and plan.form in FORMATS else None
    found = parse(path[1:], site)
    if isinstance(found, Refusal):
        return found
    selection, rest = found
    plan = _plan("posts", selection, rest)
    if plan is None and rest:
        return None
    return Address(f"/{selection.path}{rest}", selection, plan)


def _plan(series: Series, selection: Selection, rest: str) -> Plan | None:
    if rest in GUESSED:
        return Plan(series, selection, "feed", GUESSED[rest])
    match = _DOCUMENT.fullmatch(rest)
    if match is None:
        return None
    year, view, form = match.groups()
    is_file = form in MEDIA_TYPES and view == "citations" and not year and not selection.combines
    known = form in FORMATS or is_file
    if not known or view not in VIEWS:
        return None
    return Plan(series, selection, view, form, int(year or 0))
