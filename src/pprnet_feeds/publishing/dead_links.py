"""Find links and pictures below our own address that lead nowhere, and what they may have meant.

The snapshot knows every address that the service answers, so it is asked.
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
from pprnet_feeds.pages.embed import path_of
from pprnet_feeds.serving.response import Reply
from pprnet_feeds.serving.snapshot import QUERIED, Snapshot

_OPERATION = ("/healthz", "/readyz", "/metrics", "/stats")
_HOST = re.compile(
    r"(?:www\.[^/]+|[\w.-]+\.(?:com|org|net|edu|gov|info|io|ca|uk|us|eu|de|fr))(?:[/?#:].*)?", re.I
)
_FILE = re.compile(r"\.(?!(?:md|html?|atom|rss|json|bib|ris)$)[a-z0-9]{2,5}$", re.I)
_UPLOAD = "Only posts are served: put the file on a web server and write its whole address, https://…."


def dead_links(snapshot: Snapshot, folder: Path, now: datetime) -> Iterator[Problem]:
    """A warning for each address in a post, drafts included, that leads nowhere at *now*."""
    links = _Links(snapshot, now)
    host = urlsplit(snapshot.site.base_url).netloc
    for post in links.posts:
        front = [("a", url) for url in (*(w.url for w in post.cites), *(p.url for p in post.authors))]
        front += [("img", post.image.url)] if post.image else []
        front = [(kind, url) for kind, url in front if path_of(url, snapshot.site)]
        whole = files.read_text(folder / post.file, post.file) if front else ""
        lines = whole.split("\n") if isinstance(whole, str) else []
        places = [
            (next((number for number, line in enumerate(lines, 1) if url in line), 0), kind, url)
            for kind, url in front
        ]
        body = body_checks.addresses(post.body, host)
        places += [(post.body_line + line - 1, kind, url) for line, kind, url in body]
        for line, kind, typed in places:
            if found := links.fault(post, kind, typed):
                yield Problem(post.file, line, 0, *found, warning=True)


class _Links:
    """What the addresses of a snapshot lead to at *now*."""

    def __init__(self, snapshot: Snapshot, now: datetime) -> None:
        self.snapshot, self.now = snapshot, now
        self.site, self.posts = snapshot.site, snapshot.library.posts
        read = snapshot.library.reading.by_file if snapshot.library.reading else {}
        faulty = [f"/posts/{PurePosixPath(name).stem}/" for name, each in read.items() if each.post is None]
        self._status = dict.fromkeys((*snapshot.paths(), *_OPERATION, *QUERIED, *faulty), 200)
        paths = ((path, post) for post in self.posts for path in (f"/posts/{post.slug}", *post.aliases))
        self._post_at = {path.rstrip("/"): post for path, post in paths}
        self._nearest: dict[str, str] = {}

    def fault(self, post: Post, kind: str, typed: str) -> tuple[str, str] | None:
        """What is wrong with one address in a post, and how to fix it."""
        if kind == "text" and typed.startswith("[^"):
            return f"the mark {quoted(typed)} has no footnote", f"Add a line below that begins with {typed}:."
        if kind == "text":
            fix = "Write the whole address between the round brackets, with %20 for each blank."
            return f"this is no link, and readers see it as typed: {quoted(typed)}", fix
        if not typed:
            return "a link or picture has no address", "Write its address between the round brackets."
        own = f"{self.site.base_url}/posts/{post.slug}/"
        try:
            address, fragment = urldefrag(urljoin(own, typed))
        except ValueError:  # rendering removes it
            return None
        path = path_of(address, self.site)
        if path is None:
            return None
        if address == own and fragment:
            ids = re.findall(r' id="([^"]+)"', markdown.render(post.body, base=own, prefix=""))
            if unquote(fragment) in (*ids, "top"):
                return None
            near = nearest(fragment, ids)
            fix = (
                f"Did you mean #{near}?" if near else "Take the link out, or link to a heading of this post."
            )
            return f"{quoted(typed)} leads to nothing in this post", fix
        status = self._status_of(path)
        if status < 400:
            target = self._post_at.get(path.partition(".")[0].rstrip("/"))
            if target is None or _opens(target) <= max(_opens(post), self.now):
                return None
            when = "is a draft" if target.draft else f"readers see from {target.published:%Y-%m-%d %H:%M} UTC"
            return f"{quoted(typed)} leads to {target.file}, which {when}", "Publish that post first."
        if status == 410 and not path.startswith("/issues/"):
            return f"{quoted(typed)} leads to a post that was withdrawn", "Take the link out."
        what = f"the {'picture' if kind == 'img' else 'link'} {quoted(typed)} leads nowhere"
        is_file = kind == "img" or bool(_FILE.search(path))
        if meant := self._meant(typed, path, is_file=is_file):
            return what, f"Did you mean {meant}?"
        return what, _UPLOAD if is_file else "Take it out, or write an address that is there."

    def _status_of(self, path: str) -> int:
        """The status of the service's response at *path*."""
        if path not in self._status:
            found = self.snapshot.respond(path)
            self._status[path] = found.status if isinstance(found, Reply) else 200
        return self._status[path]

    def _meant(self, typed: str, path: str, *, is_file: bool) -> str:
        """The address that an editor may have meant; empty when none is near."""
        if typed.startswith("10.") and (doi := doi_in(typed)):
            return f"https://doi.org/{doi}"
        if _HOST.fullmatch(typed):
            return f"https://{typed}"
        if "@" in typed and ":" not in typed:
            return f"mailto:{typed}"
        if is_file:
            return ""
        base = urlsplit(self.site.base_url).path
        folder, slug, rest = [*path[1:].split("/", 2), "", ""][:3]
        if folder == "issues" and self._status_of(f"/issues/{slug}/") == 200:
            return f"{base}/issues/{slug}/"
        terms = {"topics": self.site.topics, "research": self.site.research}.get(folder, ())
        if slug and (found := suggest(slug, terms)):
            return f"{base}/{folder}/{found[0].slug}/{rest}"
        last = PurePosixPath(path.lower().removesuffix(".md")).name
        if last not in self._nearest:  # comparing with many names takes long
            self._nearest[last] = nearest(last, self._names) if not terms else ""
        return base + self._names[self._nearest[last]] if self._nearest[last] else ""

    @cached_property
    def _names(self) -> dict[str, str]:
        """Permalinks by what people take for the name of a post, and the pages with lists."""
        names = {name: f"/{name}/" for name in ("topics", "research", "issues", "archive")}
        for post in self.posts:
            for name in (re.sub(r"^\d{4}-\d\d-", "", post.slug), PurePosixPath(post.file).stem, post.slug):
                names[name] = f"/posts/{post.slug}/"
        return names


def _opens(post: Post) -> datetime:
    """When readers first see a post."""
    return datetime.max.replace(tzinfo=UTC) if post.draft else post.published
