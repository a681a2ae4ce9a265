"""``pprnet-feeds build``: the same bytes as files, for any static host."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click

from pprnet_feeds.commands import options
from pprnet_feeds.content.problems import Problem, blocking
from pprnet_feeds.exporting.build import Exported, export
from pprnet_feeds.exporting.places import Bucket, Folder, RefusedError
from pprnet_feeds.publishing.checking import read_checked
from pprnet_feeds.serving.snapshot import Snapshot
from pprnet_feeds.serving.snapshot import build as build_snapshot
from pprnet_feeds.settings import Settings
from pprnet_feeds.state.last_modified import TimestampStore
from pprnet_feeds.syndication.channel import rfc3339

CONSEQUENCE = "Nothing was built."
UNFINISHED = "What was written stays; build again to finish."


@click.command()
@click.argument("place", metavar="DIR")
@options.site
def build(place: str, folder: Path) -> None:
    """Write what `serve` answers as files into DIR, or upload it to s3://BUCKET/PREFIX.

    Adds compressed forms of each file, and rules for nginx and for hosts that
    read _headers and _redirects. Files that did not change are left alone. Old
    ones are removed last, and a build that was stopped is finished by the next.
    Object storage needs the extra `s3`, and AWS_ENDPOINT_URL, AWS_REGION,
    AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Needs a base_url.

    \b
    Examples:
        pprnet-feeds build public
        pprnet-feeds build s3://my-bucket --site /srv/blog
    """
    scheme, mark, _ = place.partition("://")
    if mark and scheme != "s3":
        raise click.UsageError(f"'{place}' is no folder, and s3:// is the only storage that is known")
    snapshot = _read_snapshot(folder)
    try:
        with options.extra("s3"), options.writing(place, UNFINISHED), _Progress() as progress:
            where = Bucket(place, os.environ) if mark else Folder(Path(place), folder)
            exported = export(snapshot, where, progress.begin)
    except RefusedError as error:
        raise click.ClickException(f"{place}: {error}. {error.fix}") from None
    click.echo(_in_words(place, exported, snapshot.next_release), nl=False)


def _read_snapshot(folder: Path) -> Snapshot:
    """The site in *folder*; stops with all its problems, drafts' included, when it has any."""
    now = options.now()
    library, problems = read_checked(folder, os.environ, now)
    if library and not library.site.base_url:
        fix = "Set it in feeds/site.yaml, or PPRNET_BASE_URL: where readers will reach the feeds."
        problems.append(Problem("feeds/site.yaml", 0, 0, "no base_url is set", fix))
    if blocking(problems):
        options.fail(sorted(problem for problem in problems if not problem.warning), CONSEQUENCE)
    built = build_snapshot(Settings(folder), os.environ, now, TimestampStore())
    if not isinstance(built, Snapshot):
        options.fail(built.problems, CONSEQUENCE)
    return built


class _Progress:
    """A bar on a terminal, and nothing in a pipe."""

    def __init__(self) -> None:
        self._bar: click._termui_impl.ProgressBar[int] | None = None

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.render_finish()

    def begin(self, steps: int) -> Callable[[], None]:
        """Show a bar of that many *steps*, if anybody is there to see it."""
        if not sys.stderr.isatty():
            return lambda: None
        bar = self._bar = click.progressbar(length=steps, label="Building", file=sys.stderr)
        return lambda: bar.update(1)


def _in_words(place: str, exported: Exported, next_release: datetime | None) -> str:
    lines = [
        f"{place}: {exported.paths} addresses in {exported.written + exported.unchanged} files: "
        f"{exported.written} written, {exported.removed} removed, {exported.unchanged} as they were."
    ]
    if exported.exceeds_cloudflare:
        lines.append(
            "Cloudflare Pages reads fewer rules than _headers and _redirects hold; other hosts read all."
        )
    if next_release:
        lines.append(f"A scheduled post comes out at {rfc3339(next_release)}: build again then.")
    lines.append("Files cannot answer combinations of topics, /oembed and /feeds.opml?topic=…; `serve` does.")
    return "".join(f"{line}\n" for line in lines)
