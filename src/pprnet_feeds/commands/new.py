"""``pprnet-feeds new``: a draft to begin a post with, in which every key is explained.

A draft is valid at once, so `check` reports what an editor did and not what is still missing. Nothing in
it can be published by mistake: the examples are comments, and no text only fills a space.
"""

import contextlib
import os
import re
import shlex
import sys
from datetime import datetime
from pathlib import Path, PurePosixPath

import click

from pprnet_feeds.commands import options
from pprnet_feeds.content.fields import is_address
from pprnet_feeds.content.ledger import Ledger, read_ledger
from pprnet_feeds.content.library import read_library
from pprnet_feeds.content.model import Citation, Site, Term
from pprnet_feeds.content.post import read_post
from pprnet_feeds.content.problems import quoted
from pprnet_feeds.content.terms import did_you_mean, named, search, suggest
from pprnet_feeds.content.text import clean, doi_in, one_line
from pprnet_feeds.publishing import doi
from pprnet_feeds.publishing.postfile import citation_lines, list_lines, quote, stems, write_file

CONSEQUENCE = "Nothing was written."
REGISTRY_VARIABLE = "PPRNET_DOI_REGISTRY"
_Names = tuple[str, ...]
_EXAMPLE = '#cites: ["Lind, K. (2020). Slow trust. Annals of Samples, 4, 7-19."]'


@click.command()
@click.argument("title")
@options.site
@click.option("--date", default="", help="A month (2026-03), a day, or a date and time; else this month.")
@options.topics
@click.option("--research", multiple=True, metavar="NAME", help="A type of research; once for each.")
@click.option("--doi", "work", metavar="DOI", help="Cite the study with this DOI, as its registry has it.")
@click.option("--summary", default="", help="One or two plain sentences.")
def new(
    title: str, folder: Path, date: str, topics: _Names, research: _Names, work: str | None, summary: str
) -> None:
    """Begin a post called TITLE: a draft in posts/, with every key explained in it.

    Asks for topics on a terminal when none is given. Never overwrites a file.
    The DOI registry is https://doi.org, or what PPRNET_DOI_REGISTRY says.

    \b
    Examples:
        pprnet-feeds new "What Burnout Costs"
        pprnet-feeds new "What Burnout Costs" --topic "Therapist Factors" --doi 10.1002/cpp.2521
    """
    now = options.now()
    site = options.settings_of(folder, CONSEQUENCE)
    ledger = read_ledger(folder)
    if isinstance(ledger, list):
        options.fail(ledger, CONSEQUENCE)
    title = _plain(title, "TITLE")
    if not title:
        raise click.UsageError('TITLE is empty. Write it between quotation marks: new "What Burnout Costs".')
    date = date.strip()
    month = options.month_of(date, site.time_zone)
    summary = _plain(summary, "--summary")
    types = options.chosen(research, site.research, "--research", "feeds/research.yaml")
    subjects = options.chosen(topics, site.topics)
    cites = [_ask_registry(work)] if work is not None else []
    subjects = subjects or _ask_topics(title, site.topics)
    posts = folder / "posts"
    with options.writing(posts, CONSEQUENCE):
        posts.mkdir(exist_ok=True)
    # A line with a space after its `#` explains; one without is a key, used once the `#` is taken away.
    template = Path(doi.__file__).with_name("draft.md").read_text("utf-8")
    filled = {
        "title": quote(title),
        "date": date or month,
        "topics": "\n".join(list_lines("topics", subjects)),
        "research": "\n".join(list_lines("research", types)) or "#research: [single-studies]",
        "cites": "\n".join(citation_lines(cites)) or _EXAMPLE,
        "summary": f"summary: {quote(summary)}" if summary else '#summary: "What the study found."',
    }
    taken = _taken_names(folder, site, ledger, now)
    for stem in (stem for stem in stems(month, title) if stem not in taken):
        path = posts / f"{stem}.md"
        text = template.format(**filled, stem=stem)
        _, problems = read_post(text, f"posts/{path.name}", site)
        if problems:
            options.fail(problems, CONSEQUENCE)
        with options.writing(path, CONSEQUENCE), contextlib.suppress(FileExistsError):
            write_file(path, text)
            break
    at = "" if str(folder) == "." else f" --site {shlex.quote(click.format_filename(folder))}"
    step = "Write the text, above and below Practice Implications; take `draft: true` away at the end."
    click.echo(f"{click.format_filename(path)}\n    {step}\n    Then type: pprnet-feeds check{at}")


def _taken_names(folder: Path, site: Site, ledger: Ledger, now: datetime) -> set[str]:
    """Every name, id and slug that posts of the site have or had, be they drafts, faulty or gone."""
    library = read_library(folder, site, now, drafts=True)
    names = {PurePosixPath(name).stem for name in library.reading.by_file}
    for post in (*library.posts, *library.withdrawn):
        names |= {post.id, post.slug, *(alias.rstrip("/").rpartition("/")[2] for alias in post.aliases)}
    for record in ledger.records.values():
        names |= {record.id, record.slug, *record.former}
    return names


def _plain(typed: str, name: str) -> str:
    """What was typed, on one line; stops at a character that no file can hold."""
    text, lost = clean(typed)
    if lost:
        raise click.UsageError(f"{name} holds a character that no feed may hold: {lost[0]}. Type it again.")
    return one_line(text)


def _ask_registry(typed: str) -> Citation:
    bare = doi_in(typed)
    if not bare:
        raise click.UsageError(f"--doi is not a DOI: {quoted(typed)}. Write it like 10.1002/cpp.2521.")
    registry = os.environ.get(REGISTRY_VARIABLE, "").strip() or doi.REGISTRY
    if not is_address(registry):
        what = f"{REGISTRY_VARIABLE} is not a web address: {quoted(registry)}"
        raise click.UsageError(f"{what}. Write it like {doi.REGISTRY}.")
    if sys.stderr.isatty():
        click.echo(f"Asking {registry} for {bare} …", err=True)
    try:
        return doi.fetch_citation(bare, registry)
    except doi.NoAnswerError as reason:
        fix = "Leave out --doi to begin without it, and write the reference under `cites` yourself."
        raise click.ClickException(f"{reason}.\n{CONSEQUENCE} {fix}") from None


def _ask_topics(title: str, terms: tuple[Term, ...]) -> list[str]:
    """Ask on a terminal for the topics of a post; stops where there is none."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        near = did_you_mean(title, terms) or "All names are in feeds/topics.yaml."
        raise click.UsageError(f"a post needs a topic: add --topic NAME. {near}")
    chosen: list[Term] = []
    line, offered = "What is it about?", list(terms)
    while True:
        listed = (f"  {terms.index(term) + 1:2}  {term.label}" for term in offered)
        click.echo("\n".join([line, *listed]), err=True)
        hint = "a number, or a word to search" + (", or Enter when done" if chosen else "")
        typed = str(click.prompt(f"Topic ({hint})", default="", show_default=False, err=True)).strip()
        exact = named(typed, terms)
        found = [exact] if exact else search(typed, terms)
        if re.fullmatch("[0-9]{1,4}", typed):
            found = list(terms[int(typed) - 1 : int(typed)])
        if not typed and chosen:
            return [term.slug for term in terms if term in chosen]
        if not typed:
            line, offered = "At least one is needed. The topics are:", list(terms)
        elif len(found) == 1:
            chosen += found
            line, offered = f"  + {found[0].label}", []
        else:
            offered = found or suggest(typed, terms)
            line = "Which of these?" if offered else "No topic is called that. Try another word."
