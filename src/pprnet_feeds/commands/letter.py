"""``pprnet-feeds letter``: a month as a letter, to send by mail."""

from __future__ import annotations

from pathlib import Path

import click

from pprnet_feeds.commands import options
from pprnet_feeds.commands.check import public_library
from pprnet_feeds.content.dates import is_month
from pprnet_feeds.content.problems import quoted
from pprnet_feeds.content.terms import named, suggest
from pprnet_feeds.publishing.letter import letter_eml, letter_html, letter_text
from pprnet_feeds.syndication.catalogue import Catalogue
from pprnet_feeds.syndication.month import month_entry
from pprnet_feeds.syndication.selection import Selection

CONSEQUENCE = "Nothing was written."


@click.command()
@click.argument("month", metavar="YYYY-MM")
@options.site
@click.option("--html", "form", flag_value="html", help="Only the HTML, for a newsletter service.")
@click.option("--text", "form", flag_value="text", help="Only the plain text.")
@click.option("--topic", metavar="NAME", help="Only the posts on one topic.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="The file to write.")
def letter(month: str, folder: Path, form: str | None, topic: str | None, output: Path | None) -> None:
    """Write the posts of a month as a letter.

    A draft of a mail (.eml) that Outlook and Thunderbird open, to standard output or a file. It is the same
    at each run, and the same as the entry of the month in /issues/feed.rss. Needs a base_url.

    \b
    Examples:
        pprnet-feeds letter 2026-03 --output march.eml
        pprnet-feeds letter 2026-03 --html --topic alliance
    """
    if not is_month(month):
        raise click.UsageError(f"this is not a month: {quoted(month)}. Write it like 2026-03.")
    library, selection = public_library(folder, options.now(), CONSEQUENCE), Selection()
    site = library.site
    if topic is not None:
        term = named(topic, site.topics)
        if term is None:
            near = ", ".join(term.slug for term in suggest(topic, site.topics)) or "all in feeds/topics.yaml"
            raise click.UsageError(f"--topic: nothing is called {quoted(topic)}. The nearest are {near}.")
        selection = Selection(topics=(term.slug,))
    catalogue = Catalogue(library)
    posts = [post for post in catalogue.months.get(month, ()) if selection.holds(post)]
    if not posts:
        raise click.ClickException(f"{month} has no posts{' on this topic' if topic else ''}. {CONSEQUENCE}")
    corrections = [post for post in catalogue.corrections(month) if selection.holds(post)]
    entry, title = month_entry(month, posts, site, corrections), selection.title(site)
    html, text = letter_html(entry, title, site), letter_text(entry, title, site)
    whole = {"html": html.encode(), "text": text.encode()}
    content = whole[form] if form else letter_eml(html, text, f"{title}, {entry.title}", site)
    if output is None:
        click.echo(content, nl=False)
        return
    with options.writing(output, CONSEQUENCE):
        output.write_bytes(content)
