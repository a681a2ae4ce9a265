"""Links and pictures below our own address that lead nowhere.

The service knows every address that it answers, so it is asked. Readers would
meet a dead link for years; an editor can mend it before anybody sees it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from pprnet_feeds.content import body_checks, files, markdown
from pprnet_feeds.content.model import Post
from pprnet_feeds.content.problems import Problem, nearest, quoted
from pprnet_feeds.content.terms import suggest
from pprnet_feeds.content.text import doi_in
from pprnet_feeds.pages.embedding import path_of
from pprnet_feeds.serving.response import Reply
from pprnet_feeds.serving.snapshot import QUERIED, Snapshot

_OPERATION = ("/healthz", "/readyz", "/metrics", "/stats")
_HOST = re.compile(
    r"(?:www\.[^/]+|[\w.-]+\.(?:com|org|net|edu|gov|info|io|ca|uk|us|eu|de|fr))(?:[/?#:].*)?", re.I
)
_FILE = re.compile(r"\.(?!(?:md|html?|atom|rss|json|bib|ris)$)[a-z0-9]{2,5}$", re.I)
_UPLOAD = "Only posts are served: put the file on a web server and write its whole address, https://…."


class DeadLinks:
    """The warnings of all posts of a snapshot, drafts included, as they are *now*."""

    def __init__(self, snapshot: Snapshot, folder: Path, now: datetime) -> None:
        self.snapshot, self.folder, self.now = snapshot, folder, now
        self.site, self.posts = snapshot.site, snapshot.library.posts
        read = snapshot.library.reading.by_file if snapshot.library.reading else {}
        faulty = [f"/posts/{PurePosixPath(name).stem}/" for name, each in read.items() if each.post is None]
        self._status = dict.fromkeys((*snapshot.paths(), *_OPERATION, *QUERIED, *faulty), 200)
        paths = ((path, post) for post in self.posts for path in (f"/posts/{post.slug}", *post.aliases))
        self._near: dict[str, str] = {}
        self._at = {path.rstrip("/"): post for path, post in paths}

    def warnings(self) -> Iterator[Problem]:
        """One for each address that leads nowhere, with its line."""
        for post in self.posts:
            front = [("a", url) for url in (*(w.url for w in post.cites), *(p.url for p in post.authors))]
            front += [("img", post.image.url)] if post.image else []
            places = [(self._line(post, url), kind, url) for kind, url in front if path_of(url, self.site)]
            body = body_checks.addresses(post.body, urlsplit(self.site.base_url).netloc)
            places += [(post.body_line + line - 1, kind, url) for line, kind, url in body]
            for line, kind, typed in places:
                if found := self._fault(post, kind, typed):
                    yield Problem(post.file, line, 0, *found, warning=True)

    def _fault(self, post: Post, kind: str, typed: str) -> tuple[str, str] | None:
        """What is wrong with one address in a post, and how to mend it."""
        if kind == "text" and typed.startswith("[^"):
            return f"the mark {quoted(typed)} has no footnote", f"Add a line below that begins with {typed}:."
        if kind == "text":
            mend = "Write the whole address between the round brackets, with %20 for each blank."
            return f"this is no link, and readers see it as typed: {quoted(typed)}", mend
        if not typed:
            return "a link or picture has no address", "Write its address between the round brackets."
        own = f"{self.site.base_url}/posts/{post.slug}/"
        try:
            address, fragment = urldefrag(urljoin(own, typed))
        except ValueError:  # no address at all, which is taken out
            return None
        path = path_of(address, self.site)
        if path is None:
            return None
        status = self._answered(path)
        if address == own and fragment:
            ids = re.findall(r' id="([^"]+)"', markdown.render(post.body, base=own, prefix=""))
            if unquote(fragment) in (*ids, "top"):
                return None
            mend = "Take the link out, or link to a heading of this post."
            mend = f"Did you mean #{near}?" if (near := nearest(fragment, ids)) else mend
            return f"{quoted(typed)} leads to nothing in this post", mend
        if status < 400:
            target = self._at.get(path.partition(".")[0].rstrip("/"))
            if target is None or _opens(target) <= max(_opens(post), self.now):
                return None
            when = "is a draft" if target.draft else f"readers see from {target.published:%Y-%m-%d %H:%M} UTC"
            return f"{quoted(typed)} leads to {target.file}, which {when}", "Publish that post first."
        if status == 410:
            return f"{quoted(typed)} leads to a post that was withdrawn", "Take the link out."
        what = f"the {'picture' if kind == 'img' else 'link'} {quoted(typed)} leads nowhere"
        if meant := self._meant(typed, path, kind):
            return what, f"Did you mean {meant}?"
        is_file = kind == "img" or _FILE.search(path)
        return what, _UPLOAD if is_file else "Take it out, or write an address that is there."

    def _answered(self, path: str) -> int:
        """The status of what the service answers at *path*."""
        if path not in self._status:
            found = self.snapshot.respond(path)
            self._status[path] = found.status if isinstance(found, Reply) else 200
        return self._status[path]

    def _meant(self, typed: str, path: str, kind: str) -> str:
        """The address that somebody may have meant; empty when none is near."""
        if typed.startswith("10.") and (doi := doi_in(typed)):
            return f"https://doi.org/{doi}"
        if _HOST.fullmatch(typed):
            return f"https://{typed}"
        if "@" in typed and ":" not in typed:
            return f"mailto:{typed}"
        if kind == "img" or _FILE.search(path):
            return ""
        below, (folder, _, rest) = urlsplit(self.site.base_url).path, path[1:].partition("/")
        slug, _, rest = rest.partition("/")
        terms = {"topics": self.site.topics, "research": self.site.research}.get(folder, ())
        if found := suggest(slug, terms) if slug else []:
            return f"{below}/{folder}/{found[0].slug}/{rest}"
        last = PurePosixPath(path.lower().removesuffix(".md")).name
        if last not in self._near:  # to compare with many names takes long
            self._near[last] = nearest(last, self._names) if not terms else ""
        return below + self._names[self._near[last]] if self._near[last] else ""

    @cached_property
    def _names(self) -> dict[str, str]:
        """Permalinks by what people take for the name of a post, and the pages with lists."""
        lists = {name: f"/{name}/" for name in ("topics", "research", "issues", "archive")}
        for post in self.posts:
            for name in (re.sub(r"^\d{4}-\d\d-", "", post.slug), PurePosixPath(post.file).stem, post.slug):
                lists[name] = f"/posts/{post.slug}/"
        return lists

    def _line(self, post: Post, text: str) -> int:
        """The line on which *text* is typed first; 0 when it is written in another way."""
        whole = files.read_text(self.folder / post.file, post.file)
        lines = whole.split("\n") if isinstance(whole, str) else ()
        return next((number for number, line in enumerate(lines, 1) if text in line), 0)


def _opens(post: Post) -> datetime:
    """From when on readers see a post."""
    return datetime.max.replace(tzinfo=UTC) if post.draft else post.published
