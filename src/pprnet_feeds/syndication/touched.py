"""Which addresses an edit may have changed, and which it cannot have.

After an edit only what it touches is drawn again. A feed says what its
selection holds, so a post touches the selections that hold it or held it, in
every view, format and year, and nothing else; settings touch everything.

Errs on the side of touching: what is said here to be untouched has the same
bytes, and the same moment of change, as if it were drawn anew.
"""

from __future__ import annotations

import re

from pprnet_feeds.syndication.addresses import Address
from pprnet_feeds.syndication.catalogue import Catalogue
from pprnet_feeds.syndication.differences import difference
from pprnet_feeds.syndication.selection import EVERYTHING, Selection

# What follows a selection in the address of a page.
_PAGE = re.compile(r"(?:archive/[1-9][0-9]{3}/|embed)\Z")
_BESIDE = re.compile(r"/posts/([a-z0-9-]+)(?:/|\..*)?")


class Touched:
    """The addresses whose documents, files and pages may differ between two catalogues.

    Attributes:
        everything: whether the site itself differs, so that nothing stays.
        posts: the posts that differ, as they were and as they are.
    """

    def __init__(self, before: Catalogue, after: Catalogue) -> None:
        self.everything = before.site != after.site
        living = difference(before.library.posts, after.library.posts)
        dead = difference(before.library.withdrawn, after.library.withdrawn)
        self.posts = (*living.posts, *dead.posts)
        self._catalogues = (after, before)
        self._selections: dict[Selection, bool] = {}

    def holds(self, path: str) -> bool:
        """Tell whether what is at *path* may differ; *path* begins with a slash and has no query."""
        if self.everything or not self.posts:
            return self.everything
        selection = self._selection(path)
        known = self._selections.get(selection)
        if known is None:
            known = self._selections[selection] = any(selection.holds(post) for post in self.posts)
        return known

    def _selection(self, path: str) -> Selection:
        """Whose changes are the changes of what is at *path*; of every post, where nothing is known."""
        if beside := _BESIDE.fullmatch(path):
            # A post's files and page change, as far as their validators tell, with its month.
            for catalogue in self._catalogues:
                if post := catalogue.post(beside[1]):
                    return Selection(issue=post.issue)
        for catalogue in self._catalogues:
            address = catalogue.read(_PAGE.sub("", path))
            if isinstance(address, Address):
                return address.selection
        return EVERYTHING
