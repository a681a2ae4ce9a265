"""``pprnet-feeds new``: a draft to begin a post with."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from pprnet_feeds.commands import options
from pprnet_feeds.content import dates
from pprnet_feeds.content.fields import is_address
from pprnet_feeds.content.ledger import read_ledger
from pprnet_feeds.content.model import Citation, Term
from pprnet_feeds.content.post import read_post
from pprnet_feeds.content.problems import quoted
from pprnet_feeds.content.terms import named, search, suggest
from pprnet_feeds.content.text import clean, doi_in, one_line
from pprnet_feeds.publishing import doi, postfile
from pprnet_feeds.publishing.new import draft_text, taken_names

CONSEQUENCE = "Nothing was written."
REGISTRY_VARIABLE = "PPRNET_DOI_REGISTRY"
_TOPICS = "feeds/topics.yaml"


@click.command()
@click.argument("title")
@options.site
@click.option("--date", help="A month (2026-03), a day or a moment. This month when not given.")
@click.option("--topic", "topics", multiple=True, metavar="NAME", help="A topic; give it once for each.")
@click.option("--research", multiple=True, metavar="NAME", help="A type of research; once for each.")
@click.option(
    "--doi", "work", metavar="DOI", help="Cite the study with this DOI, as its registry describes it."
)
@click.option("--summary", default="", help="One or two plain sentences.")
def new(
    title: str,
    folder: Path,
    date: str | None,
    topics: tuple[str, ...],
    research: tuple[str, ...],
    work: str | None,
    summary: str,
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
    date = date.strip() if date is not None else dates.month_of(now, site.time_zone)
    try:
        month = dates.month_of(dates.parse_moment(date, site.time_zone), site.time_zone)
    except ValueError as reason:
        raise click.UsageError(f"--date is {reason}: {quoted(date)}. {dates.FORMS}") from None
    summary = _plain(summary, "--summary")
    types = _chosen(research, site.research, "--research", "feeds/research.yaml")
    subjects = _chosen(topics, site.topics, "--topic", _TOPICS)
    cites = [_ask_registry(work)] if work is not None else []
    subjects = subjects or _ask_topics(title, site.topics)
    posts = folder / "posts"
    with options.writing(posts, CONSEQUENCE):
        posts.mkdir(exist_ok=True)
    taken = taken_names(folder, site, ledger, now)
    for stem in (stem for stem in postfile.stems(month, title) if stem not in taken):
        path = posts / f"{stem}.md"
        text = draft_text(
            title=title, date=date, topics=subjects, stem=stem, research=types, cites=cites, summary=summary
        )
        _, problems = read_post(text, f"posts/{path.name}", site)
        if problems:
            options.fail(problems, CONSEQUENCE)
        with options.writing(path, CONSEQUENCE), contextlib.suppress(FileExistsError):
            postfile.write_new(path, text)
            break
    at = "" if str(folder) == "." else f" --site {shlex.quote(click.format_filename(folder))}"
    click.echo(
        f"{click.format_filename(path)}\n"
        "    Write the text, above and below Practice Implications; take `draft: true` away at the end.\n"
        f"    Then type: pprnet-feeds check{at}"
    )


def _plain(typed: str, name: str) -> str:
    """What was typed, on one line; stops at a character that no file can hold."""
    text, lost = clean(typed)
    if lost:
        raise click.UsageError(f"{name} holds a character that no feed may hold: {lost[0]}. Type it again.")
    return one_line(text)


def _chosen(names: Sequence[str], terms: Sequence[Term], option: str, file: str) -> list[str]:
    """The slugs of the named terms, each once, in the order of *file*."""
    chosen = {name: named(name, tuple(terms)) for name in names}
    for name, term in chosen.items():
        if term is None:
            raise click.UsageError(f"{option}: nothing is called {quoted(name)}. {_offer(name, terms, file)}")
    return [term.slug for term in terms if term in chosen.values()]


def _offer(typed: str, terms: Sequence[Term], file: str) -> str:
    near = ", ".join(term.slug for term in suggest(typed, terms))
    return f"The nearest are {near}; all are in {file}." if near else f"All names are in {file}."


def _ask_registry(typed: str) -> Citation:
    bare = doi_in(typed)
    if not bare:
        raise click.UsageError(f"--doi is not a DOI: {quoted(typed)}. Write it like 10.1002/cpp.2521.")
    registry = os.environ.get(REGISTRY_VARIABLE, "").strip() or doi.REGISTRY
    if not is_address(registry):
        raise click.UsageError(
            f"{REGISTRY_VARIABLE} is not a web address: {quoted(registry)}. Write it like {doi.REGISTRY}."
        )
    if sys.stderr.isatty():
        click.echo(f"Asking {registry} for {bare} …", err=True)
    try:
        return doi.fetch_citation(bare, registry)
    except doi.NoAnswerError as reason:
        raise click.ClickException(
            f"{reason}.\n{CONSEQUENCE} Leave out --doi to begin without it, and write the reference under "
            "`cites` yourself."
        ) from None


def _ask_topics(title: str, terms: tuple[Term, ...]) -> list[str]:
    """Ask on a terminal for the topics of a post; stops where there is none."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError(f"a post needs a topic: add --topic NAME. {_offer(title, terms, _TOPICS)}")
    chosen: list[Term] = []
    line, offered = "What is it about?", list(terms)
    while True:
        listed = (f"  {terms.index(term) + 1:2}  {term.label}" for term in offered)
        click.echo("\n".join([line, *listed]), err=True)
        hint = "a number, or a word to search" + (", or Enter when done" if chosen else "")
        typed = str(click.prompt(f"Topic ({hint})", default="", show_default=False, err=True)).strip()
        found = _found(typed, terms)
        if not typed and chosen:
            return [term.slug for term in terms if term in chosen]
        if not typed:
            line, offered = "At least one is needed. These there are:", list(terms)
        elif len(found) == 1:
            chosen += found
            line, offered = f"  + {found[0].label}", []
        else:
            offered = found or suggest(typed, terms)
            line = "Which of these?" if offered else "No topic is called that. Try another word."


def _found(typed: str, terms: tuple[Term, ...]) -> list[Term]:
    if typed.isascii() and typed.isdigit() and len(typed) < 5:
        return [terms[int(typed) - 1]] if 0 < int(typed) <= len(terms) else []
    exact = named(typed, terms)
    return [exact] if exact else search(typed, terms)
