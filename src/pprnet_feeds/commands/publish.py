"""``pprnet-feeds publish``: write down what subscribers are told from now on."""

from __future__ import annotations

from pathlib import Path

import click

from pprnet_feeds.commands import options
from pprnet_feeds.commands.plan import in_words, planned, refused
from pprnet_feeds.content import ledger as ledgers
from pprnet_feeds.publishing.plan import published
from pprnet_feeds.publishing.postfile import write_over

# Of more files than these only the folder is named.
MOST_NAMED = 20


@click.command()
@options.site
@click.option(
    "--forget",
    "forgotten",
    multiple=True,
    metavar="ID",
    help="Let go of a post whose file is gone; can be repeated.",
)
def publish(folder: Path, forgotten: tuple[str, ...]) -> None:
    """Check everything, then write feeds/ledger.json.

    The ledger keeps the id, the address and the first date of every post, so
    that a renamed or edited file is never shown to subscribers as new. Commit
    it with the posts. Needs a base_url. Exits with 1, like `plan`, when an id
    changed or a file vanished.

    \b
    Examples:
        pprnet-feeds publish
        pprnet-feeds publish --site /srv/blog --forget 2021-12-a-post
    """
    library, ledger, found = planned(folder, needs_base_url=True)
    unknown = [id for id in forgotten if id not in ledger.records]
    if unknown:
        raise click.UsageError(f"the ledger knows no post '{unknown[0]}'")
    left = [change for change in refused(found) if change.kind != "vanished" or change.id not in forgotten]
    click.echo(in_words(found), nl=False)
    if left:
        click.echo("\nNothing was published.")
        raise SystemExit(1)
    text = ledgers.write(published(library, ledger, options.now(), frozenset(forgotten)))
    path = folder / ledgers.FILE
    if path.exists() and path.read_text("utf-8") == text:
        click.echo("\nNothing to publish: the ledger says all of this already.")
        return
    write_over(path, text)
    files = sorted({change.file for change in found if (folder / change.file).exists()})
    named = files if len(files) <= MOST_NAMED else ["posts"]
    click.echo(f"\nPublished. Commit these:\n    git add {' '.join([ledgers.FILE, *named])}")
