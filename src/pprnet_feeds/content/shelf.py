"""The long parts of posts, left in the file in which they are kept for the next start.

Most of what is known of a post is its text, and hardly any text is asked for
twice: feeds show the newest, and what was drawn of these is kept. So once all is
written down a post lets go of its text, and reads it again when it is asked.

It is what was read last, and not what the post's file holds by now: that may be
faulty, or half an edit. The file here is nobody's but ours, stays open, and may
be replaced meanwhile. Should it be damaged all the same, the post's own file is
read, if it still says the same.
"""

from __future__ import annotations

import os
import weakref
import zlib
from collections.abc import Callable
from pathlib import Path

from pprnet_feeds.content import files
from pprnet_feeds.content.digests import appearance
from pprnet_feeds.content.model import Post, Site
from pprnet_feeds.content.posts import read_post
from pprnet_feeds.content.problems import Problem


class Shelf:
    """An open file with whole posts in it.

    *descriptor* is closed with the shelf, *decode* makes a post of what `place`
    stands for, and *folder* is that of the *site* whose posts they are.
    """

    def __init__(self, descriptor: int, decode: Callable[[bytes], Post], folder: Path, site: Site) -> None:
        self._descriptor = descriptor
        self._decode = decode
        self._folder = folder
        self._site = site
        self._last: tuple[int, Post] | None = None  # texts are asked for part by part
        weakref.finalize(self, os.close, descriptor)

    @staticmethod
    def place(offset: int, data: bytes) -> int:
        """What stands for *data* at an *offset*, in one number: there is one for each post."""
        return (offset << 64) | (len(data) << 32) | zlib.adler32(data)

    def raw(self, place: int) -> bytes:
        """What stands at a place. Raises OSError when it is not what was written there."""
        length = place >> 32 & 0xFFFFFFFF
        data = os.pread(self._descriptor, length, place >> 64)
        if len(data) != length or zlib.adler32(data) != place & 0xFFFFFFFF:
            raise OSError("what was kept of a post is damaged")
        return data

    def whole(self, post: Post, place: int) -> Post:
        """The post with its long parts. Raises OSError when nobody has them any more."""
        last = self._last
        if last is None or last[0] != place:
            try:
                last = place, self._decode(self.raw(place))
            except (OSError, ValueError):
                last = place, self._again(post)
            self._last = last
        return last[1]

    def _again(self, post: Post) -> Post:
        text = files.read_text(self._folder / post.file, post.file)
        found = None if isinstance(text, Problem) else read_post(text, post.file, self._site)[0]
        if found is None or appearance(found) != getattr(post, "digest", ""):
            raise OSError(f"the text of {post.file} is lost until it is read again")
        return found
