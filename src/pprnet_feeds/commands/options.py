"""What several commands share: options, the site's settings, the state, and how they stop with a message."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from zoneinfo import ZoneInfo

import click

from pprnet_feeds.content import dates
from pprnet_feeds.content.model import Site, Term
from pprnet_feeds.content.problems import Form, Problem, quoted, report
from pprnet_feeds.content.site import read_site
from pprnet_feeds.content.terms import did_you_mean, named
from pprnet_feeds.state.database import Database, state_address

T = TypeVar("T")
_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
_SITE = "The folder with posts/ and feeds/. The current folder when not given."
site = click.option("--site", "folder", type=_FOLDER, default=".", help=_SITE)
_TOPIC = "A topic; give it once for each."
topics = click.option("--topic", "topics", multiple=True, metavar="NAME", help=_TOPIC)


def form(*forms: str, help: str) -> Callable[[Any], Any]:
    """The option for the form of what is printed."""
    return click.option("--format", "form", type=click.Choice(forms), default="text", help=help)


def now() -> datetime:
    """The time, in UTC and whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def month_of(date: str, zone: ZoneInfo) -> str:
    """The month of what was typed for ``--date``, or the present one when that is empty."""
    try:
        return dates.month_of(dates.parse_moment(date, zone) if date else now(), zone)
    except ValueError as reason:
        raise click.UsageError(f"--date is {reason}: {quoted(date)}. {dates.FORMS}") from None


def chosen(
    names: Iterable[str], terms: tuple[Term, ...], option: str = "--topic", file: str = "feeds/topics.yaml"
) -> list[str]:
    """The slugs of the named terms, each once, in the order of *file*; stops at a name of none."""
    found = {name: named(name, terms) for name in names}
    for name, term in found.items():
        if term is None:
            near = did_you_mean(name, terms) or f"Take one of those in {file}."
            raise click.UsageError(f"{option}: nothing is called {quoted(name)}. {near}")
    return [term.slug for term in terms if term in found.values()]


def settings_of(folder: Path, consequence: str) -> Site:
    """What ``feeds/`` of the site in *folder* says; stops with all its problems when there are any."""
    found, problems = read_site(folder, os.environ)
    if found is None or problems:
        fail(problems, consequence)
    return found


def database(folder: Path, missing: str) -> Database:
    """The state of the site in *folder*; without a place for it, stop with the sentence *missing*."""
    address = state_address(folder.resolve(), os.environ)
    if not address:
        raise click.UsageError(f"{missing} Set PPRNET_STATE to a file.")
    return database_at(address)


def database_at(address: str) -> Database:
    """The state at *address*; stops when no state can be stored there."""
    try:
        return Database(address)
    except ValueError as error:
        raise click.UsageError(f"PPRNET_STATE: {error}") from error


@contextlib.contextmanager
def writing(place: Path | str, consequence: str) -> Iterator[None]:
    """Stop with a plain message when the disk does not take what is written to *place*."""
    try:
        yield
    except OSError as error:
        what = f"{place} cannot be written: {error.strerror or error}. {consequence}"
        raise click.ClickException(what) from None


@contextlib.contextmanager
def extra(name: str) -> Iterator[None]:
    """Stop with a line that says how to install the optional libraries *name* when one of them is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        library = str(error.name).partition(".")[0]
        what = f"{library} is not installed. Install it: pip install 'pprnet-feeds[{name}]'"
        raise click.ClickException(what) from None


def watched(items: Sequence[T], label: str, least: int = 1) -> Iterator[T]:
    """The *items* one after another, with a bar on a terminal from *least* of them on."""
    hidden = len(items) < least or not sys.stderr.isatty()
    with click.progressbar(items, label=label, file=sys.stderr, hidden=hidden) as bar:
        yield from bar


def placed(problems: list[Problem], folder: Path, form: Form) -> list[Problem]:
    """*problems* of the site in *folder*; in annotations their paths begin at the current folder."""
    below = os.path.relpath(folder)
    if form != "github" or below.startswith(".."):
        return problems
    return [replace(p, file=Path(below, p.file).as_posix()) if "/" in p.file else p for p in problems]


def fail(
    problems: Sequence[Problem], consequence: str, form: Form = "text", listed: Sequence[str] = ()
) -> NoReturn:
    """Report all *problems*, what else is *listed*, and what they mean for readers, and stop with 1."""
    click.echo(report(problems, form, consequence, listed), nl=False)
    raise SystemExit(1)
