"""``pprnet-feeds new``: a draft to begin a post with."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from pprnet_feeds.commands import options
from pprnet_feeds.content import dates
from pprnet_feeds.content.fields import is_address
from pprnet_feeds.content.ledger import read_ledger
from pprnet_feeds.content.model import Citation, Site, Term
from pprnet_feeds.content.post import read_post
from pprnet_feeds.content.problems import quoted
from pprnet_feeds.content.site import read_site
from pprnet_feeds.content.terms import named, search, suggest
from pprnet_feeds.content.text import clean, doi_in, first_forbidden, one_line
from pprnet_feeds.publishing import doi, newpost, postfile

REGISTRY_VARIABLE = "PPRNET_DOI_REGISTRY"


@click.command()
@click.argument("title")
@options.site
@click.option("--date", help="A month (2026-03), a day or a moment. This month when not given.")
@click.option("--topic", "topics", multiple=True, metavar="NAME", help="A topic; give it once for each.")
@click.option("--research", multiple=True, metavar="NAME", help="A type of research; once for each.")
@click.option("--doi", "work", metavar="DOI", help="Cite the study with this DOI, as its registry tells it.")
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
    site, problems = read_site(folder, os.environ)
    if site is None or problems:
        options.fail(problems, "Nothing was written.")
    ledger = read_ledger(folder)
    if isinstance(ledger, list):
        options.fail(ledger, "Nothing was written.")
    title = _plain(title, "TITLE")
    if not title:
        raise click.UsageError('TITLE is empty. Write it between quotation marks: new "What Burnout Costs".')
    summary = _plain(summary, "--summary")
    date = date.strip() if date is not None else dates.month_of(now, site.time_zone)
    month = _month(date, site)
    types = _chosen(research, site.research, "--research", "feeds/research.yaml")
    subjects = _chosen(topics, site.topics, "--topic", "feeds/topics.yaml")
    cites = (_ask_registry(work),) if work is not None else ()
    if not subjects:
        subjects = _topics(title, site.topics)
    taken = newpost.taken(folder, site, ledger, now)

    def text_of(stem: str) -> str:
        return newpost.draft(
            title=title, date=date, topics=subjects, stem=stem, research=types, cites=cites, summary=summary
        )

    free = (stem for stem in newpost.stems(month, title) if stem not in taken)
    path = _write(folder, site, free, text_of)
    check = "pprnet-feeds check" + (
        f" --site {shlex.quote(click.format_filename(folder))}" if str(folder) != "." else ""
    )
    click.echo(click.format_filename(path))
    click.echo(
        "    Write the text, above and below Practice Implications; take `draft: true` away at the end."
    )
    click.echo(f"    Then type: {check}")


def _write(folder: Path, site: Site, stems: Iterator[str], text_of: Callable[[str], str]) -> Path:
    """Write the draft under the first of *stems* that is still free."""
    posts = folder / "posts"
    with options.writing(posts, "Nothing was written."):
        posts.mkdir(exist_ok=True)
    while True:
        stem = next(stems)
        path = posts / f"{stem}.md"
        text = text_of(stem)
        _, problems = read_post(text, f"posts/{path.name}", site)
        if problems:
            options.fail(problems, "Nothing was written.")
        with options.writing(path, "Nothing was written."):
            try:
                postfile.write_new(path, text)
            except FileExistsError:
                continue  # it came in between
        return path


def _plain(typed: str, name: str) -> str:
    """What was typed, on one line; what no file can hold is refused and not dropped."""
    text, lost = clean(typed)
    if lost:
        which, _ = first_forbidden(typed)
        raise click.UsageError(f"{name} holds a character that no feed may hold: {which}. Type it again.")
    return one_line(text)


def _month(date: str, site: Site) -> str:
    try:
        return dates.month_of(dates.parse_moment(date, site.time_zone), site.time_zone)
    except ValueError as reason:
        raise click.UsageError(f"--date is {reason}: {quoted(date)}. {dates.FORMS}") from None


def _chosen(names: tuple[str, ...], terms: tuple[Term, ...], option: str, file: str) -> list[str]:
    """The slugs of the named terms, each once, in the order in which they stand in *file*."""
    slugs = set()
    for name in names:
        term = named(name, terms)
        if term is None:
            near = _offer(suggest(name, terms), file)
            raise click.UsageError(f"{option}: nothing is called {quoted(name)}. {near}")
        slugs.add(term.slug)
    return [term.slug for term in terms if term.slug in slugs]


def _offer(terms: list[Term], file: str) -> str:
    if not terms:
        return f"All names are in {file}."
    return "The nearest are " + ", ".join(term.slug for term in terms) + f"; all are in {file}."


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
        return doi.ask(bare, registry)
    except doi.NoAnswerError as reason:
        raise click.ClickException(
            f"{reason}.\nNothing was written. Leave out --doi to begin without it, and write the "
            "reference under `cites` yourself."
        ) from None


def _topics(title: str, terms: tuple[Term, ...]) -> list[str]:
    """Topics for a post that was given none: asked for where somebody can answer."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        near = _offer(suggest(title, terms), "feeds/topics.yaml")
        raise click.UsageError(f"a post needs a topic: add --topic NAME. {near}")
    number = {term.slug: place for place, term in enumerate(terms, 1)}
    _say("What is it about?", list(terms), number)
    chosen: dict[str, None] = {}
    while True:
        hint = "a number, or a word to search" + (", or Enter when done" if chosen else "")
        typed = str(click.prompt(f"Topic ({hint})", default="", show_default=False, err=True)).strip()
        found = _found(typed, terms)
        if len(found) == 1:
            chosen[found[0].slug] = None
            click.echo(f"  + {found[0].label}", err=True)
        elif typed:
            offered = found or suggest(typed, terms)
            line = "Which of these?" if offered else "No topic is called that. Try another word."
            _say(line, offered, number)
        elif chosen:
            return [term.slug for term in terms if term.slug in chosen]
        else:
            _say("At least one is needed. These there are:", list(terms), number)


def _found(typed: str, terms: tuple[Term, ...]) -> list[Term]:
    if typed.isascii() and typed.isdigit() and len(typed) < 5:
        return [terms[int(typed) - 1]] if 0 < int(typed) <= len(terms) else []
    exact = named(typed, terms)
    return [exact] if exact else search(typed, terms)


def _say(line: str, terms: list[Term], number: dict[str, int]) -> None:
    click.echo("\n".join([line, *(f"  {number[term.slug]:2}  {term.label}" for term in terms)]), err=True)
