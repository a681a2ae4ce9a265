"""Pages for people: where to subscribe, what is filed where, each post, and frames for other sites.

Every page is drawn from the same library as the feeds, so that a feed never
links to something that is not there. Templates escape whatever they are given;
only the rendered body of a post, which the sanitiser has cleaned, is marked safe.

A page is a function of its address: nothing is drawn for a single visitor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from pprnet_feeds.content import markup
from pprnet_feeds.content.model import Post
from pprnet_feeds.pages import embedding, lists, metadata, places, sitemap, subscribing
from pprnet_feeds.pages.page import JSON, TEXT, XML, Page, policy, security
from pprnet_feeds.pages.sitemap import ROBOTS, SITEMAP, draw_robots
from pprnet_feeds.syndication import entries
from pprnet_feeds.syndication.addresses import Plan
from pprnet_feeds.syndication.catalogue import Catalogue
from pprnet_feeds.syndication.channel import FORMATS, Channel
from pprnet_feeds.syndication.citations import reference_html
from pprnet_feeds.syndication.opml import Listing
from pprnet_feeds.syndication.selection import (
    EVERYTHING,
    MOST_TOPICS,
    Refusal,
    Selection,
    month_name,
    selections,
)

_HEADINGS = {"/topics/": "Topics", "/research/": "Types of research", "/issues/": "Issues"}
_ARCHIVE = "/archive/"
_FOOTNOTES = '<section class="footnotes">'

templates = Environment(
    loader=PackageLoader("pprnet_feeds.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
# What every template may use.
templates.globals |= {
    "formats": FORMATS,
    "month": month_name,
    "frame": embedding.frame,
    "reader_links": subscribing.reader_links,
    "readers": subscribing.READERS,
    "view_names": subscribing.VIEWS,
    "format_names": subscribing.FORMATS,
    "most_topics": MOST_TOPICS,
}


class Pages:
    """The pages of one library."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.site = catalogue.site
        self.posts = catalogue.library.posts
        self._post = {f"/posts/{post.slug}/": post for post in self.posts}

    @cached_property
    def _issues(self) -> Channel:
        return self.catalogue.channel(Plan("issues", EVERYTHING, "feed", "atom"))

    @cached_property
    def _listings(self) -> list[Listing]:
        return [self.catalogue.listing(selection) for selection in selections(self.site)]

    def paths(self) -> Iterator[str]:
        """Every address of a page, of a frame, and of what search engines ask for."""
        yield from (path for path, _ in self._indexed)
        yield from (f"/{selection.path}embed" for selection in selections(self.site))
        yield from dict.fromkeys((SITEMAP, *sitemap.parts(self._indexed)))
        yield ROBOTS

    @cached_property
    def _indexed(self) -> sitemap.Places:
        return sitemap.indexed(self.catalogue, (*_HEADINGS, _ARCHIVE))

    def spelling(self, path: str) -> str:
        """How the address of a page is written in full and in order; as it is when it is none."""
        place = places.read(path, self.catalogue)
        return place.spelling if place else path

    def page(self, path: str) -> Page | None:
        """Draw the page at *path*; None when there is none."""
        if path.startswith("/sitemap"):
            drawn = sitemap.draw_sitemap(path, self._indexed, self.site.base_url)
            return Page(drawn, media_type=XML) if drawn else None
        if path == ROBOTS:
            return Page(draw_robots(self.site.base_url), media_type=TEXT)
        if path in _HEADINGS:
            return self._terms(path)
        if path == _ARCHIVE:
            return self._fill("archive.html", path, posts=lists.listed(self.posts, self.site))
        if path in self._post:
            return self._of_post(path, self._post[path])
        place = places.read(path, self.catalogue)
        if place is None or place.spelling != path:
            return None
        posts = self.catalogue.posts(place.selection)
        if place.embed:
            return self._embed(place, posts)
        if place.year:
            return self._of_year(place, posts)
        return self._of_selection(path, place.selection, posts)

    def too_many(self, slugs: Sequence[str]) -> Page:
        """The page for somebody who chose more topics than one feed combines."""
        listings = [self.catalogue.listing(Selection(topics=(slug,))) for slug in slugs]
        return self._fill("too-many.html", "/", listings=listings, opml=subscribing.opml(slugs, self.site))

    def oembed(self, path: str, size: tuple[int, int]) -> Page | Refusal:
        """The oEmbed answer for the post or selection at *path*, in a *size* of pixels."""
        for candidate in (path, f"{path}/"):
            post = self._post.get(candidate)
            if post:
                entry = entries.post_entries(post, "summary", self.site)[0]
                card = self._fill("card.html", candidate, entry=entry, post=post).body.decode().strip()
                answer = embedding.post_answer(post, entry, card, self.site, size)
                return Page(answer, media_type=JSON)
            place = places.read(candidate, self.catalogue)
            if place and not place.selection.issue:
                answer = embedding.selection_answer(place.selection, self.site, size)
                return Page(answer, place.selection, JSON)
        return Refusal("There is no post, topic or type of research of ours at this `url`.")

    def _terms(self, path: str) -> Page:
        members = [item for item in self._listings if item.selection.path.startswith(path.strip("/"))]
        own = None
        if path == "/issues/":
            members = [self.catalogue.listing(Selection(issue=month)) for month in self.catalogue.months]
            own = self._issues
        return self._fill("terms.html", path, own=own, listings=members, heading=_HEADINGS[path])

    def _of_post(self, path: str, post: Post) -> Page:
        entry = entries.post_entries(post, "feed", self.site)[0]
        text, figure = entries.rendered(post, self.site)
        account, practice = markup.sections(text)
        # Footnotes stand under all that has marks for them.
        end = account.rfind(_FOOTNOTES) if practice else -1
        account, footnotes = (account, "") if end < 0 else (account[:end], account[end:])
        return self._fill(
            "post.html",
            path,
            own=self._listings[0].channels["feed"],
            post=post,
            entry=entry,
            figure=figure,
            account=account,
            practice=practice,
            footnotes=footnotes,
            references=[(cite, reference_html(cite)) for cite in entry.cites],
            structured=metadata.structured(entry, self.site),
            highwire=metadata.highwire(entry, self.site),
            oembed=embedding.endpoint(path, self.site),
            description=entry.summary,
        )

    def _of_selection(self, path: str, selection: Selection, posts: Sequence[Post]) -> Page:
        listing = self.catalogue.listing(selection)
        home = path == "/"
        own = self._issues if selection.issue else listing.channels["feed"]  # a month has no feed of its own
        values: dict[str, Any] = {"description": listing.channels["feed"].subtitle}
        if home:
            values |= {"listings": self._listings, "newest": [*lists.newest_issues(self.catalogue)]}
        if not selection.issue:
            values |= {
                "opml": subscribing.opml(selection.topics, self.site),
                "embed": embedding.embed_address(selection, self.site),
                "oembed": embedding.endpoint(path, self.site),
            }
        return self._fill(
            "subscribe.html" if home else "selection.html",
            path,
            selection,
            policy(script=True, connect=home, form=home),
            own=own,
            listing=listing,
            posts=lists.listed(posts, self.site),
            **values,
        )

    def _of_year(self, place: places.Place, posts: Sequence[Post]) -> Page | None:
        if place.year not in lists.years(posts):
            return None
        of_year = [post for post in posts if post.issue[:4] == place.year]
        # A month has no shorter list.
        months = lists.months(of_year) if not place.selection.issue else ()
        return self._fill(
            "year.html",
            place.spelling,
            place.selection,
            posts=of_year[: lists.LISTED_OF_YEAR] if months else of_year,
            total=len(of_year),
            months=months,
            year=place.year,
            listing=self.catalogue.listing(place.selection),
        )

    def _embed(self, place: places.Place, posts: Sequence[Post]) -> Page:
        lines = [lists.Line(post, lists.summary(post, self.site)) for post in posts[: embedding.POSTS]]
        return self._fill(
            "embed.html",
            place.spelling,
            place.selection,
            policy(frames=True),
            canonical=f"/{place.selection.path}",
            lines=lines,
            title=place.selection.title(self.site),
            home=place.selection.path,
        )

    def _fill(
        self,
        template: str,
        path: str,
        selection: Selection = EVERYTHING,
        allowed: str = "",
        own: Channel | None = None,
        canonical: str = "",
        **values: Any,
    ) -> Page:
        # A page announces its own feed and no other: readers subscribe to whatever they find.
        body = templates.get_template(template).render(
            site=self.site,
            path=path,
            # Below the host that the page was asked of, so that a preview stays on its own host.
            root=urlsplit(self.site.base_url).path,
            own=own,
            **values,
        )
        return Page(
            body.encode(),
            selection,
            canonical=self.site.base_url + (canonical or path),
            headers=security(allowed or policy()),
        )
