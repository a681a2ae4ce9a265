"""What of a feed or an export may become a post, and what to tell of the rest."""

from __future__ import annotations

from collections.abc import Sequence

from pprnet_feeds.content.model import Site
from pprnet_feeds.content.problems import Problem, quoted
from pprnet_feeds.publishing.importing.blocks import Block
from pprnet_feeds.publishing.importing.readings import Found


def other_view(identity: str, file: str, site: Site) -> Problem | None:
    """Why a feed of this site cannot be read back: it shows the posts in part, or shows something else."""
    if not identity.startswith(f"tag:{site.tag_root}/feed/"):
        return None
    view = identity.rpartition("/")[2]
    if view == "feed" and "/issues/feed" not in identity and "/corrections/feed" not in identity:
        return None
    what = "this feed of the site does not hold its posts as they are"
    return Problem(file, 0, 0, what, "Take the one with the full text: feed.atom, feed.json or feed.rss.")


def withdrawn(identity: str, file: str, line: int) -> Problem:
    """What to tell of a post that a feed only says is gone."""
    what = f"a post was withdrawn, and its text is not in the feed: {quoted(identity)}"
    return Problem(file, line, 0, what, "If its file is lost, write one with `status: withdrawn`.")


def unusable(found: Found, file: str) -> Problem | None:
    """Why something cannot become a post: a part is missing that no post can be without."""
    missing = {"title": found.title, "date": found.date, "text": found.body.strip()}
    absent = [name for name, value in missing.items() if not value]
    if not absent:
        return None
    name = f" {quoted(found.title)}" if found.title else ""
    what = f"the post{name} has no {' and no '.join(absent)} that can be read"
    return Problem(file, found.line, 0, what, "Write it by hand, or add what is missing to the file.")


def not_public(found: Found, file: str, state: str) -> Problem:
    """What to report of a post that becomes a draft, since not everybody can read it where it comes from."""
    what = f"the post {quoted(found.title)} becomes a draft: it is not public there, but {state}"
    return Problem(file, found.line, 0, what, "Take `draft: true` away once everybody may read it.")


def says_more(summary: str, blocks: Sequence[Block]) -> bool:
    """Whether a summary says something else than how the text begins, which is the default."""
    text = " ".join(" ".join(block.text for block in blocks).split())
    return bool(summary) and summary.rstrip(" .…[]") not in text
