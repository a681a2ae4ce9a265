"""``pprnet-feeds publish``: check everything, then write feeds/ledger.json."""

import shlex
from pathlib import Path

import click

from pprnet_feeds.commands import options
from pprnet_feeds.commands.check import CONSEQUENCE
from pprnet_feeds.commands.plan import in_words, planned
from pprnet_feeds.content import ledger as ledgers
from pprnet_feeds.publishing.check import ADDRESS, NO_BASE_URL, UNRECORDED, waiting_lines
from pprnet_feeds.publishing.plan import published
from pprnet_feeds.publishing.postfile import write_file

_FORGET = "Forget a post whose file is gone. Repeat it for several posts."
_MOST_NAMED = 20  # of more files only the folder is named


@click.command()
@options.site
@click.option("--forget", "forgotten", multiple=True, metavar="ID", help=_FORGET)
def publish(folder: Path, forgotten: tuple[str, ...]) -> None:
    """Check everything, then write feeds/ledger.json.

    The ledger keeps the id, the address and the first date of every post, so
    that a renamed or edited file is never shown to subscribers as new. Scheduled
    posts are recorded beforehand. Commit the ledger with the posts. Needs a
    base_url. Exits with 1, like `plan`, when an id changed or a file vanished.

    \b
    Examples:
        pprnet-feeds publish
        pprnet-feeds publish --site /srv/blog --forget 2021-12-a-post
    """
    now = options.now()
    library, found, warnings = planned(folder, now)
    ledger = library.ledger
    if library.site.base_url == ADDRESS:
        options.fail([NO_BASE_URL], CONSEQUENCE)
    warnings = [warning for warning in warnings if warning.what != UNRECORDED]  # this command records them
    unknown = [id for id in forgotten if id not in ledger.records]
    if unknown:
        raise click.UsageError(f"the ledger knows no post '{unknown[0]}'")
    click.echo(in_words(found, waiting_lines(library, now), warnings), nl=False)
    if any(change.mend and (change.kind != "vanished" or change.id not in forgotten) for change in found):
        click.echo(f"\n{CONSEQUENCE}")
        raise SystemExit(1)
    after = published(library, ledger, now, frozenset(forgotten))
    text = ledgers.write(after)
    path = folder / ledgers.FILE
    if path.exists() and path.read_text("utf-8") == text:
        click.echo("\nNothing to publish: feeds/ledger.json is up to date.")
        return
    if ledgers.read_ledger(folder, ledger) != ledger:
        raise click.ClickException(f"{path} was changed while this ran. {CONSEQUENCE} Publish again.")
    with options.writing(path, CONSEQUENCE):
        write_file(path, text, over=True)
    files = {change.file for change in found}
    files |= {ledger.records[change.id].path for change in found if change.id in ledger.records}
    files |= {each.path for each in after.records.values() if ledger.records.get(each.id) != each}
    # `git add` fails for a removed file that git does not know: then the folder is named instead.
    are_there = all((folder / file).exists() for file in files)
    named = sorted(files) if are_there and len(files) <= _MOST_NAMED else ["posts"]
    place = [] if folder == Path() else ["-C", str(folder)]
    click.echo(f"\nPublished. Commit these:\n    {shlex.join(['git', *place, 'add', ledgers.FILE, *named])}")
