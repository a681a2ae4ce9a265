"""The grammar of the addresses of pages: a selection's page, a year of it, and its frame.

/{selection}
/{selection}archive/{year}/
/{selection}embed
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pprnet_feeds.syndication.addresses import Address
from pprnet_feeds.syndication.catalogue import Catalogue
from pprnet_feeds.syndication.selection import Selection

_YEAR = re.compile(r"(/(?:.*/)?)archive/([0-9]{4})/")


@dataclass(frozen=True, slots=True)
class Place:
    """What the address of a page asks for.

    Attributes:
        spelling: how the address is written in full and in order.
        year: the one year that the page lists; empty for the page of the selection.
        embed: whether it is the page for frames.
    """

    spelling: str
    selection: Selection
    year: str = ""
    embed: bool = False


def read(path: str, catalogue: Catalogue) -> Place | None:
    """Read the address of a page; None when it is none, or names something unknown."""
    year = _YEAR.fullmatch(path)
    embed = path.endswith("/embed")
    head = year[1] if year else path.removesuffix("embed") if embed else path
    address = catalogue.read(head)
    if not isinstance(address, Address) or address.plan or (embed and address.selection.issue):
        return None
    return Place(address.spelling + path[len(head) :], address.selection, year[2] if year else "", embed)
