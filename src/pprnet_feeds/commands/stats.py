"""``pprnet-feeds stats``: subscribers by feed and reader, from what readers report."""

import json
import shutil
import sys
from pathlib import Path

import click

from pprnet_feeds.commands import options
from pprnet_feeds.content.problems import shown
from pprnet_feeds.stats.report import RECENT, Report, number, report, size

NOTE = "A lower bound: many readers report nothing, and whoever follows two feeds counts twice."


@click.command()
@options.site
@options.form("text", "json", help="A table, or JSON for programs.")
def stats(folder: Path, form: str) -> None:
    """Print how many subscribers each feed has, by reader, from what readers report.

    A running service stores the figures in $PPRNET_STATE. They are only read here.

    \b
    Examples:
        pprnet-feeds stats
        pprnet-feeds stats --site /srv/blog --format json
    """
    site = options.settings_of(folder, "No figures were read.")
    database = options.database(folder, "There is no place to store figures.")
    now = options.now()
    found = report(database, site, now)
    if found is None and (database.file is None or database.file.exists()):
        raise click.ClickException(f"The figures in {database.place} cannot be read.")
    found = found or Report(now.date())
    if form == "json":
        click.echo(json.dumps(_data(found), ensure_ascii=False, indent=2))
    elif not found.months:
        click.echo("There are no figures yet. They begin within minutes of the first feed reader that asks.")
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        click.echo("\n".join(_lines(found, width)))


def _data(found: Report) -> dict[str, object]:
    """The figures for programs; numbers are numbers, and the newest."""
    recent, feeds = found.recent, []
    for feed in found.feeds:
        path = None if feed.path is None else f"/{feed.path}"
        numbers = {"subscribers": feed.subscribers, "readers": feed.readers}
        feeds.append({"feed": feed.name, "path": path, **numbers})
    polls = {"requests": recent.requests, "unchanged": recent.unchanged, "bytes": recent.bytes}
    return {
        "day": str(found.today) if found.months else None,
        "subscribers": found.total.subscribers,
        "feeds": feeds,
        "polls": {"days": RECENT, **polls} if found.months else None,
        "former": [
            {"address": one.address, "is": one.why, "requests": one.requests, "newest": one.newest}
            for one in found.former
        ],
    }


def _lines(found: Report, width: int | None) -> list[str]:
    """The figures for people; the readers that do not fit *width* are shown together."""
    recent, readers = found.recent, list(found.total.readers)
    tables = (_table(found, readers[:count]) for count in range(len(readers), -1, -1))
    table = next((rows for rows in tables if width is None or len(rows[0]) <= width), _table(found, []))
    share = "" if recent.share is None else f", of which {recent.share}% cost nothing (304)"
    lines = [f"Subscriptions that feed readers report, {found.today} (UTC)", ""]
    lines += [*(table if found.feeds else ["None so far."]), "", NOTE, ""]
    lines += [f"Polls in {RECENT} days: {number(recent.requests)}{share}; {size(recent.bytes)} sent"]
    if found.former:
        lines += ["", f"Former and guessed addresses still in use, polls in {RECENT} days:"]
        rows = [[shown(one.address), one.why, number(one.requests)] for one in found.former]
        lines += [f"  {line}" for line in _columns(rows)]
    return lines


def _table(found: Report, readers: list[str]) -> list[str]:
    """A row for each feed, and a column for each of *readers* and one for the others."""
    others = ["others"] * (len(readers) < len(found.total.readers))
    rows = [["", "all", *map(shown, readers), *others]]
    for feed in (*found.feeds, found.total):
        numbers = [feed.readers.get(reader, 0) for reader in readers]
        rest = [feed.subscribers - sum(numbers)] * len(others)
        cells = (number(one) if one else "–" for one in (feed.subscribers, *numbers, *rest))
        rows.append([shown(feed.name), *cells])
    return _columns(rows)


def _columns(rows: list[list[str]]) -> list[str]:
    """The rows as lines of one length: words to the left, numbers to the right."""
    first, *others = (max(map(len, column)) for column in zip(*rows, strict=True))
    return [
        name.ljust(first) + "".join(f"  {cell:>{wide}}" for cell, wide in zip(cells, others, strict=True))
        for name, *cells in rows
    ]
