"""``pprnet-feeds build``: the same bytes as files, for any static host."""

import os
from functools import partial
from pathlib import Path

import click

from pprnet_feeds.commands import options
from pprnet_feeds.commands.check import public_library
from pprnet_feeds.exporting.build import export
from pprnet_feeds.exporting.places import Bucket, Folder, RefusedError
from pprnet_feeds.serving.snapshot import Snapshot, snapshot_of
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
    Object storage needs the extra `s3`, AWS_REGION, AWS_ACCESS_KEY_ID and
    AWS_SECRET_ACCESS_KEY, and AWS_ENDPOINT_URL unless it is Amazon's. Needs a base_url.

    \b
    Examples:
        pprnet-feeds build public
        pprnet-feeds build s3://my-bucket --site /srv/blog
    """
    scheme, mark, _ = place.partition("://")
    if mark and scheme != "s3":
        raise click.UsageError(f"'{place}' is no folder, and s3:// is the only storage that is known")
    now = options.now()
    library = public_library(folder, now, CONSEQUENCE)
    snapshot = snapshot_of(library, now, TimestampStore(), is_static=True)
    if not isinstance(snapshot, Snapshot):
        options.fail(snapshot.problems, CONSEQUENCE)
    try:
        with options.extra("s3"), options.writing(place, UNFINISHED):
            where = Bucket(place, os.environ) if mark else Folder(Path(place), folder)
            exported = export(snapshot, where, partial(options.watched, label="Building"))
    except RefusedError as error:
        raise click.ClickException(f"{place}: {error}. {error.fix}") from None
    release = snapshot.next_release
    lines = [
        f"{place}: {exported.paths} addresses in {exported.written + exported.unchanged} files: "
        f"{exported.written} written, {exported.removed} removed, {exported.unchanged} as they were.",
        exported.exceeds_cloudflare
        and "Cloudflare Pages reads fewer rules than _headers and _redirects hold; other hosts read all.",
        release and f"A scheduled post comes out at {rfc3339(release)}: build again then.",
        "Files cannot answer combinations of topics, /oembed and /feeds.opml?topic=…; `serve` does.",
        "Files cannot be searched, so these pages have no search box; those of `serve` have one.",
    ]
    click.echo("\n".join(line for line in lines if line))
