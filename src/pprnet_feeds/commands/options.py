"""What several commands share: the option that names the site, and how problems are told."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import click

from pprnet_feeds.content.problems import Form, Problem, report
from pprnet_feeds.state.database import Database, state_address

site = click.option(
    "--site",
    "folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=".",
    help="The folder with posts/ and feeds/. The current folder when not given.",
)


def now() -> datetime:
    """The time, in UTC and whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def database(folder: Path, missing: str) -> Database:
    """The state of the site in *folder*; without a place for it, stop with the sentence *missing*."""
    address = state_address(folder.resolve(), os.environ)
    if not address:
        raise click.UsageError(f"{missing} Set PPRNET_STATE to a file.")
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


def fail(problems: Sequence[Problem], consequence: str, form: Form = "text") -> NoReturn:
    """Tell all *problems* and what they mean for readers, and stop with 1."""
    click.echo(report(problems, form, consequence), nl=False)
    raise SystemExit(1)
