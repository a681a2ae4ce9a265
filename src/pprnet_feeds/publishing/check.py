"""Find every fault before a reader does, drafts and scheduled posts included.

First all faults of the files, in one run. Then each post is rendered once for each view: an exception
there is a bug of ours, and better met here than by readers. A forgotten `draft: true` or a wrong year is
no fault, so posts that readers do not see yet are listed, and what is probably a slip is a warning.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from itertools import product
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from pprnet_feeds.content import body_checks, files, markdown
from pprnet_feeds.content.dates import month_of
from pprnet_feeds.content.ledger import Ledger, date_of, read_ledger, too_early
from pprnet_feeds.content.library import Library, read_library
from pprnet_feeds.content.model import Post
from pprnet_feeds.content.problems import Problem, blocking, nearest, quoted
from pprnet_feeds.content.site import read_site
from pprnet_feeds.content.terms import suggest
from pprnet_feeds.content.text import doi_in
from pprnet_feeds.pages.embed import path_of
from pprnet_feeds.pages.pages import Pages
from pprnet_feeds.pages.static_site import RESERVED
from pprnet_feeds.serving.response import Reply
from pprnet_feeds.serving.snapshot import QUERIED, Snapshot
from pprnet_feeds.state.last_modified import Timestamps
from pprnet_feeds.syndication.catalogue import Catalogue
from pprnet_feeds.syndication.entries import post_entries
from pprnet_feeds.syndication.urls import GUESSED, POST_FORMATS, VIEWS

Environ = Mapping[str, str]
# What `check` renders with when the site has no address of its own yet.
ADDRESS = "https://check.invalid"
UNRECORDED = "the ledger does not know this post, and readers can see it"
_SET_IT = "Set it in feeds/site.yaml, or PPRNET_BASE_URL: where readers will reach the feeds."
NO_BASE_URL = Problem("feeds/site.yaml", 0, 0, "no base_url is set", _SET_IT)
# What Windows, macOS and browsers add to the name of a copy.
_COPIED = re.compile(r"(/)copy of |(?:(?: -)? copy(?: ?\(?\d+\)?)?| ?\(\d+\))(?=\.md$)", re.I)
_NOTE = 200  # characters
_SKEW = timedelta(days=1)  # between the clocks of two machines, which may keep another zone's time
_OPERATION = ("/healthz", "/readyz", "/metrics", "/stats")
_DOMAINS = "com|org|net|edu|gov|info|io|ca|uk|us|eu|de|fr"
_HOST = re.compile(rf"(?:www\.[^/]+|[\w.-]+\.(?:{_DOMAINS}))(?:[/?#:].*)?", re.I)
_FILE = re.compile(r"\.(?!(?:md|html?|atom|rss|json|bib|ris)$)[a-z0-9]{2,5}$", re.I)
_UPLOAD = "Only posts are served: put the file on a web server and write its whole address, https://…."


def check_site(folder: Path, environ: Environ, now: datetime) -> tuple[list[Problem], Library | None]:
    """All problems and warnings of the site in *folder*, in order, and its posts; None without a site."""
    problems, library = read_checked(folder, environ, now)
    if library is not None:
        problems += _Links(Snapshot(library, Timestamps()), now).problems(folder)
        for post, view in product(() if blocking(problems) else library.posts, VIEWS):
            post_entries(post, view, library.site)
    return sorted(problems), library


def read_checked(folder: Path, environ: Environ, now: datetime) -> tuple[list[Problem], Library | None]:
    """All problems of the files, and the site in *folder* with its drafts; None for faulty settings."""
    site, problems = read_site(folder, environ, ADDRESS)
    if site is None:
        return problems, None
    stored = read_ledger(folder)
    # Posts can be read without a ledger, and all faults are reported in one run.
    ledger = stored if isinstance(stored, Ledger) else Ledger()
    faults = stored if isinstance(stored, list) else too_early(stored, now, _SKEW)
    library = read_library(folder, site, now, drafts=True, bodies=True, ledger=ledger)
    copies = _copies(library)
    fix = "Take it out of posts/; or make another post of it, with a name, a title and a text of its own."
    problems += [Problem(file, 0, 0, f"this is a copy of {first}", fix) for file, first in copies.items()]
    problems += [problem for problem in library.problems if problem.file not in copies]
    problems += [*faults, *_own_addresses_as_aliases(library)]
    return problems + [each for each in warnings(library, now) if each.file not in copies], library


def _copies(library: Library) -> dict[str, str]:
    """The files that are copies of others by their text or by their names, each with that other.

    Renaming a copy, as the faults of its name or `id` ask, would show its post to everybody twice.
    """
    read = library.reading.by_file
    faulty = {problem.file for problem in library.problems if not problem.warning}
    original = {name: _COPIED.sub(r"\1", name) for name in read}
    alike: dict[Any, list[str]] = {}
    for name, each in read.items():
        post, keys = each.post, {name, original[name], each.digest}
        # Two short notes may say the same, and two drafts hold nothing yet.
        if post and len(post.body) > _NOTE:
            keys.add((post.title, post.date, post.body))
        for key in keys - {b""} if not (post and post.draft) else ():  # b"": it was not read
            alike.setdefault(key, []).append(name)
    found: dict[str, str] = {}
    for key, names in alike.items():
        rank = {n: (n not in library.ledger.by_path, n in faulty, n != original[n], n) for n in names}
        first = min(names, key=rank.__getitem__)
        found |= {n: first for n in names if n != first and (isinstance(key, tuple) or n in faulty)}
    return found


def _own_addresses_as_aliases(library: Library) -> list[Problem]:
    """The former paths of posts that are addresses of ours: no static copy could hold both."""
    former = [(post, alias) for post in (*library.posts, *library.withdrawn) for alias in post.aliases]
    if not former:
        return []
    catalogue = Catalogue(library)
    documents = set(catalogue.paths())
    own = (*documents, *Pages(catalogue).paths(), *QUERIED, *(f"/{name}" for name in GUESSED))
    tops = {path.split("/")[1].lower() for path in own} - {"", "posts"}
    tops |= RESERVED | {f"{top}.html" for top in tops if "." not in top}

    def is_own(alias: str) -> bool:
        forms = [alias.rstrip("/") + end for end in ("", *(f".{form}" for form in POST_FORMATS))]
        return any(form in documents or form.split("/")[1].lower() in tops for form in forms)

    what = "the path {} in `aliases` is one of our own addresses"
    fix = "Take it away: readers get what we have there already."
    return [Problem(post.file, 0, 0, what.format(quoted(path)), fix) for post, path in former if is_own(path)]


def warnings(library: Library, now: datetime) -> list[Problem]:
    """Where the site has a ledger, the live posts that it does not know, or has in another month."""
    found, zone = [], library.site.time_zone
    for post in (*library.posts, *library.withdrawn):
        typed = month_of(date_of(post, zone), zone)
        if post.date and typed != post.issue:  # what is left of a deleted file has none
            what = f"`date` names {typed}, and the post was published in {post.issue}, where it stays"
            fix = f"Write `date: {post.issue}` again; another post needs a file of its own."
            found.append(Problem(post.file, 0, 0, what, fix, warning=True))
        is_live = not post.draft and post.published <= now
        if is_live and library.ledger.records and post.id not in library.ledger.records:
            fix = "Run `publish` before it goes live, or its date changes under readers."
            found.append(Problem(post.file, 0, 0, UNRECORDED, fix, warning=True))
    return found


def waiting(library: Library, now: datetime) -> Iterator[tuple[str, str, datetime | None]]:
    """The file of each post that waits, `draft`, `scheduled` or `update`, and until when; by file."""
    for post in library.waiting:
        kind = "draft" if post.draft else "scheduled" if post.published > now else "update"
        yield post.file, kind, {"draft": None, "scheduled": post.published, "update": post.updated}[kind]


def waiting_lines(library: Library, now: datetime) -> list[str]:
    """The posts that wait, as lines for an editor below a heading; none when nothing waits."""
    words = {"draft": "a draft", "scheduled": "appears on {}", "update": "its `updated` counts from {}"}
    zone = library.site.time_zone
    found = [
        f"  {file}: " + words[kind].format(f"{time.astimezone(zone):%Y-%m-%d at %H:%M}" if time else "")
        for file, kind, time in waiting(library, now)
    ]
    return [f"Readers do not see these yet (times of {zone.key}):", *found] if found else []


class _Links:
    """What the addresses of a snapshot lead to at *now*."""

    def __init__(self, snapshot: Snapshot, now: datetime) -> None:
        self.snapshot, self.now = snapshot, now
        self.site, self.posts = snapshot.site, snapshot.library.posts
        read = snapshot.library.reading.by_file.items()
        faulty = [f"/posts/{PurePosixPath(name).stem}/" for name, each in read if each.post is None]
        self._status = dict.fromkeys((*snapshot.paths(), *_OPERATION, *QUERIED, *faulty), 200)
        paths = ((path, post) for post in self.posts for path in (f"/posts/{post.slug}", *post.aliases))
        self._post_at = {path.rstrip("/"): post for path, post in paths}
        self._nearest = cache(lambda name: nearest(name, self._names))  # many names take long to compare

    def problems(self, folder: Path) -> Iterator[Problem]:
        """A warning for each address in a post of the site in *folder* that leads nowhere."""
        host = urlsplit(self.site.base_url).netloc
        for post in self.posts:
            for line, kind, typed in body_checks.addresses(post.body, host):
                if found := self._fault(post, kind, typed):
                    yield Problem(post.file, post.body_line + line - 1, 0, *found, warning=True)
            urls = [cite.url for cite in post.cites] + [author.url for author in post.authors]
            front = [("a", url) for url in urls]
            front += [("img", post.image.url)] if post.image else []
            for kind, typed in front:
                if typed and (found := self._fault(post, kind, typed)):
                    whole = files.read_text(folder / post.file, post.file)
                    above, is_there, _ = (whole if isinstance(whole, str) else "").partition(typed)
                    line = above.count("\n") + 1 if is_there else 0
                    yield Problem(post.file, line, 0, *found, warning=True)

    def _fault(self, post: Post, kind: str, typed: str) -> tuple[str, str] | None:
        """What is wrong with one address in a post, and how to fix it."""
        if kind == "text" and typed.startswith("[^"):
            return f"the mark {quoted(typed)} has no footnote", f"Add a line below that begins with {typed}:."
        if kind == "text":
            fix = "Write [words](https://example.org/page), and %20 for each space in the address."
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
            fix = "Take the link out, or link to a heading of this post."
            return f"{quoted(typed)} leads to nothing in this post", f"Did you mean #{near}?" if near else fix
        status = self._status_of(path)
        if status < 400:
            target = self._post_at.get(path.partition(".")[0].rstrip("/"))
            if target is None or _opens(target) <= max(_opens(post), self.now):
                return None
            when = "is a draft" if target.draft else f"readers see from {target.published:%Y-%m-%d %H:%M} UTC"
            return f"{quoted(typed)} leads to {target.file}, which {when}", "Publish that post first."
        if status == 410 and not path.startswith("/issues/"):
            return f"{quoted(typed)} leads to a post that was withdrawn", "Take the link out."
        is_file = kind == "img" or bool(_FILE.search(path))
        fix = _UPLOAD if is_file else "Take it out, or write an address that is there."
        if meant := self._meant(typed, path, is_file=is_file):
            fix = f"Did you mean {meant}?"
        return f"the {'picture' if kind == 'img' else 'link'} {quoted(typed)} leads nowhere", fix

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
        if _HOST.fullmatch(rest := re.sub("^https?(?!://)[:/]+", "", typed)):
            return f"https://{rest}"
        if "@" in typed and ":" not in typed:
            return f"mailto:{typed}"
        if is_file:
            return ""
        base = urlsplit(self.site.base_url).path
        folder, slug, rest = [*path[1:].split("/", 2), "", ""][:3]
        if folder == "issues":
            return f"{base}/issues/{slug}/" if self._status_of(f"/issues/{slug}/") == 200 else ""
        terms = {"topics": self.site.topics, "research": self.site.research}.get(folder, ())
        if slug and (found := suggest(slug, terms)):
            near = f"/{folder}/{found[0].slug}/"
            return f"{base}{near}{rest if self._status_of(near + rest) < 400 else ''}"
        last = PurePosixPath(path.lower().removesuffix(".md")).name
        name = "" if terms else self._nearest(last)
        return base + self._names[name] if name else ""

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
