"""The sound little site on which the targets stand; made once, and never changed by a target."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from pprnet_feeds.content.ledger import Ledger
from pprnet_feeds.content.library import Library, read_library
from pprnet_feeds.content.model import Site
from pprnet_feeds.content.site import read_site
from pprnet_feeds.pages.pages import Pages
from pprnet_feeds.serving.encoding import Content
from pprnet_feeds.serving.response import Response
from pprnet_feeds.syndication.catalogue import Catalogue

SMALL = Path(__file__).parents[1] / "sites" / "small"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@contextmanager
def folder_with(*copied: str) -> Iterator[Path]:
    """A folder for one try, with these files of the site in ``feeds/``."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        (folder / "feeds").mkdir()
        (folder / "posts").mkdir()
        for each in copied:
            shutil.copy(SMALL / "feeds" / each, folder / "feeds" / each)
        yield folder


@cache
def small_site() -> Site:
    found, problems = read_site(SMALL, {})
    assert found is not None, problems
    return found


@cache
def small_library() -> Library:
    return read_library(SMALL, small_site(), NOW, ledger=Ledger())


@cache
def small_catalogue() -> Catalogue:
    return Catalogue(small_library())


@cache
def small_pages() -> Pages:
    return Pages(small_catalogue())


@cache
def small_representation() -> Response:
    return Response(
        Content(b"A document of some length. " * 50),
        media_type="text/plain",
        last_modified=datetime(2025, 5, 5, 5, 5, 5, tzinfo=UTC),
        cache_control="public, max-age=900",
        links='<https://small.example.org/feed.atom>; rel="self"',
        plain_xml=True,
    )
