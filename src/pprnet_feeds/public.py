"""The public interface: a site's feeds inside another Python program."""

import asyncio
import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from pprnet_feeds.content.problems import Problem, in_words
from pprnet_feeds.content.site import read_site
from pprnet_feeds.publishing.check import NO_BASE_URL, check_site
from pprnet_feeds.serving.app import Application
from pprnet_feeds.serving.reload import utc_now
from pprnet_feeds.serving.snapshot import Failure, Snapshot, build
from pprnet_feeds.settings import Settings
from pprnet_feeds.state.database import state_address
from pprnet_feeds.state.last_modified import TimestampStore

log = logging.getLogger("pprnet_feeds")

_Running = tuple[Application, asyncio.Event, asyncio.Task[None]]


class SiteError(ValueError):
    """The folder is no site, or its settings are faulty. The text is for the editor.

    Attributes:
        problems: every fault, with its place and its fix.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(in_words(problems))
        self.problems = list(problems)


class Feeds:
    """The site in *folder*: the folder with ``posts/`` and ``feeds/``.

    *base_url* is where readers reach the feeds, with the path at which they are mounted. It is used
    where ``feeds/site.yaml`` names none. Variables ``PPRNET_…`` are not read. Raises `SiteError`.

    >>> from pprnet_feeds import Feeds
    >>> feeds = Feeds("blog", base_url="https://example.org/feeds")
    >>> feeds.problems()
    []
    >>> feeds.render("/feed.atom")[:5]
    b'<?xml'
    """

    def __init__(self, folder: str | os.PathLike[str], *, base_url: str = "") -> None:
        self._settings = Settings(Path(folder).absolute())
        self._environ: dict[str, str] = {}
        self._store = TimestampStore()  # kept, so that a site that did not change is not built again
        self._snapshot: Snapshot | None = None
        site, problems = read_site(self._settings.folder, {})
        if site and not site.base_url:
            # As a variable it is checked like one of the file.
            self._environ["PPRNET_BASE_URL"] = base_url
            site, found = read_site(self._settings.folder, self._environ)
            mend = 'Write it like base_url="https://example.org/feeds".'
            problems = [each if each.line else replace(each, file="Feeds", mend=mend) for each in found]
        if site is None or problems:
            raise SiteError(problems)
        if not site.base_url:
            mend = "Set it in feeds/site.yaml, or give it to Feeds: where readers will reach the feeds."
            raise SiteError([replace(NO_BASE_URL, mend=mend)])
        self._path = urlsplit(site.base_url).path

    def problems(self) -> list[Problem]:
        """Every problem and warning in posts and feeds, in the order of the files."""
        return check_site(self._settings.folder, self._environ, utc_now())[0]

    def render(self, path: str) -> bytes:
        """The document or page at *path*, such as ``/topics/depression/feed.rss``, as it is now.

        The files are read again when they changed. Raises `SiteError`, and KeyError where nothing is.
        """
        built = build(self._settings, self._environ, utc_now(), self._store, self._snapshot)
        if isinstance(built, Failure):
            raise SiteError(built.problems)
        self._snapshot = built
        found = built.find(path)
        if found is None:
            raise KeyError(path)
        return found.content.body

    def app(self) -> ASGIApp:
        """The service as an ASGI 3.0 application, to be mounted in another one.

        It reads the site at the first request and follows its files until the event loop ends. It
        needs no lifespan. Limits on requests, `Date` and a server's log are the host's.
        """
        return _MountedApp(self._settings, self._environ, self._path)


async def _run(inner: Application, started: asyncio.Event) -> None:
    """Read the site, then keep what is served current until the loop ends."""
    try:
        for fault in await inner.reloader.start():
            log.error("the feeds cannot be served yet: %s: %s", fault.place, fault.what)
    finally:
        started.set()
    await inner.reloader.keep_current()


class _MountedApp:
    """Starts at the first request, and answers below whatever path the host mounts it at."""

    def __init__(self, settings: Settings, environ: dict[str, str], path: str) -> None:
        self._settings, self._environ, self._path = settings, environ, path
        self._running: dict[asyncio.AbstractEventLoop, _Running] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":  # ASGI: an exception says that it is not supported
            raise NotImplementedError("the feeds start at their first request")
        loop = asyncio.get_running_loop()
        if loop not in self._running:  # a test client makes a loop for each request
            store = TimestampStore(state_address(self._settings.folder, os.environ | {"PPRNET_STATE": ""}))
            inner, started = Application(self._settings, store=store, environ=self._environ), asyncio.Event()
            for ended in [each for each in list(self._running) if each.is_closed()]:
                self._running.pop(ended, None)  # in place: another thread may add its own loop meanwhile
            self._running[loop] = inner, started, loop.create_task(_run(inner, started))
        inner, started, _ = self._running[loop]
        await started.wait()
        raw = self._below(scope).encode("latin-1")
        await inner({**scope, "root_path": "", "raw_path": raw}, receive, send)

    def _below(self, scope: Scope) -> str:
        """The path of the request below the one at which we are mounted, with its escapes."""
        path = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1")
        root = quote(scope.get("root_path", ""))
        # A host may know of a path that its proxy takes away (`app_root_path` is Starlette's).
        for prefix in (root, root.removeprefix(quote(scope.get("app_root_path", ""))), self._path):
            if prefix and f"{path}/".startswith(f"{prefix.rstrip('/')}/"):
                return path.removeprefix(prefix.rstrip("/")) or "/"
        return path
