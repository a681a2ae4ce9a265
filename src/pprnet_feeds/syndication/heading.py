"""What a document says of itself: its id, its title, and the links to the documents around it.

Made of the plan of its address and the site alone, besides what its entries
decide: so two documents of one feed cannot disagree on a name, and no address
is put together anywhere else.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pprnet_feeds.content.model import Post, Site
from pprnet_feeds.syndication.addresses import Plan
from pprnet_feeds.syndication.channel import VIEWS, Channel, beginning
from pprnet_feeds.syndication.entries import deletions

SERIES = {
    "issues": ("{title}, month by month", "Each month's posts together, as one entry."),
    "corrections": ("{title}: corrections", "Posts that were corrected, retracted or withdrawn."),
}


def heading(
    plan: Plan,
    site: Site,
    *,
    updated: datetime | None,
    gone: Iterable[Post],
    complete: bool,
    around: tuple[int, int],
) -> Channel:
    """The channel of the one document of *plan*.

    *updated* is the newest change it tells of, *gone* the withdrawn posts among
    these; *complete* says that it holds all that its feed has. *around* are the years of
    the archive documents before and after it; 0 for none.
    """
    base, home = site.base_url, f"{site.base_url}/{plan.folder}"
    before, after = around
    title, subtitle = plan.selection.title(site) + VIEWS[plan.view], plan.selection.subtitle(site)
    if plan.series in SERIES:
        title, subtitle = (text.format(title=site.short_title) for text in SERIES[plan.series])
    return Channel(
        id=f"tag:{site.tag_root}/feed/{plan.folder}{plan.view}",
        url=f"{base}{plan.path.removesuffix(f'.{plan.form}')}",
        home_page=home if plan.series != "corrections" else f"{base}/",
        subscribe_page=f"{base}/",
        title=f"{title}, {plan.year}" if plan.year else title,
        subtitle=subtitle,
        updated=updated or beginning(site),
        author=site.author,
        language=site.language,
        rights=site.rights,
        licence=site.licence,
        hubs=() if plan.year or plan.selection.combines else site.hubs,
        ttl=max(1, site.cache.max_age // 60),
        complete=complete,
        current=f"{home}{plan.view}" if plan.year else "",
        previous=f"{home}archive/{before}/{plan.view}" if before else "",
        next=f"{home}archive/{after}/{plan.view}" if after else "",
        deletions=tuple(told for post in gone for told in deletions(post, plan.view, site)),
    )
