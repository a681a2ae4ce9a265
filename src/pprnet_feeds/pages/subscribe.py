"""What a person chooses on the subscribe page, and the ways to subscribe to it.

The form works without a script: what it sends leads to the page of the selection, which shows the
address ready to be copied. The script does the same in the browser.
"""

from collections.abc import Iterable

from pprnet_feeds.content.model import Site
from pprnet_feeds.syndication.selection import MOST_TOPICS, Refusal, Selection, chosen_slugs
from pprnet_feeds.syndication.urls import View

# The views and formats that people choose between; the others are for programs.
VIEW_NAMES: dict[View, str] = {
    "feed": "Full text",
    "summary": "Summaries",
    "practice": "Practice implications only",
}
FORMAT_NAMES = {"atom": "Atom", "rss": "RSS"}


def read_choice(query: Iterable[tuple[str, str]], site: Site) -> tuple[Selection, str] | Refusal | list[str]:
    """Read what the form sent: the selection and the part of its page that shows the address.

    More topics than one feed combines are returned as a list of slugs, sorted.
    For a view or format that we do not have, the first one is taken.
    """
    asked = list(query)
    fields = dict(asked)
    topics = chosen_slugs((value for name, value in asked if name == "topic"), "topics", site)
    if isinstance(topics, Refusal):
        return topics
    types = chosen_slugs([fields.get("research", "")], "research", site)
    if isinstance(types, Refusal):
        return types
    if len(topics) > MOST_TOPICS:
        return sorted(topics)
    every = fields.get("match") == "all" and len(topics) > 1
    view = fields["view"] if fields.get("view") in VIEW_NAMES else "feed"
    form = fields["format"] if fields.get("format") in FORMAT_NAMES else "atom"
    return Selection(tuple(sorted(topics)), every, "".join(types)), f"{view}-{form}"
