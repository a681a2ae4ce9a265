"""``pprnet-feeds plan``: what subscribers will notice, before they do."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from pprnet_feeds.commands import options
from pprnet_feeds.content.ledger import Ledger, read_ledger
from pprnet_feeds.content.library import Library, read_library
from pprnet_feeds.content.problems import Problem, blocking, report
from pprnet_feeds.content.site import read_site
from pprnet_feeds.publishing.checking import ADDRESS, check_site
from pprnet_feeds.publishing.plan import MEANING, REFUSED, Change, changes, dated
from pprnet_feeds.publishing.waiting import waiting, waiting_lines
from pprnet_feeds.syndication.channel import rfc3339


@click.command()
@options.site
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="Words, or JSON for programs.",
)
def plan(folder: Path, form: str) -> None:
    """Tell what subscribers will notice if this is published.

    Compares the files with feeds/ledger.json, which says what subscribers have
    been told so far, and lists what they will not see yet: drafts and scheduled
    posts. Changes nothing. Exits with 1 when an id changed or a file
    vanished without `status: withdrawn`, or when `check` finds a fault.

    \b
    Examples:
        pprnet-feeds plan
        pprnet-feeds plan --site /srv/blog --format json
    """
    now = options.now()
    library, _, found, warnings = planned(folder, now)
    if form == "json":
        told = {
            "changes": [asdict(change) for change in found],
            "refused": bool(refused(found)),
            "warnings": [asdict(warning) for warning in warnings],
            "waiting": [
                {"file": file, "kind": kind, "moment": moment and rfc3339(moment)}
                for file, kind, moment in waiting(library, now)
            ],
        }
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        click.echo(in_words(found, waiting_lines(library, now), warnings), nl=False)
    if refused(found):
        raise SystemExit(1)


def planned(
    folder: Path, now: datetime, *, needs_base_url: bool = False
) -> tuple[Library, Ledger, list[Change], list[Problem]]:
    """The site in *folder* beside its ledger, and its warnings; stops when it has problems.

    New posts have the moments of publication that are recorded for them at *now*.
    """
    problems, _ = check_site(folder, os.environ, now)
    if blocking(problems):
        options.fail(problems, "Nothing was published.")
    found, told = read_site(folder, os.environ, "" if needs_base_url else ADDRESS)
    ledger = read_ledger(folder)
    if isinstance(ledger, list):
        options.fail(ledger, "Nothing was published.")
    if found is None or told:
        options.fail(told, "Nothing was published.")
    if not found.base_url:
        mend = "Set it in feeds/site.yaml, or PPRNET_BASE_URL: where readers will reach the feeds."
        options.fail([Problem("feeds/site.yaml", 0, 0, "no base_url is set", mend)], "Nothing was published.")
    library = dated(read_library(folder, found, now, ledger=ledger), ledger, now)
    return library, ledger, changes(library, ledger.shown(now)), problems


def refused(found: list[Change]) -> list[Change]:
    """The changes that are not published until the editor says so."""
    return [change for change in found if change.kind in REFUSED]


def in_words(found: list[Change], waiting: list[str], warnings: list[Problem]) -> str:
    """The changes as an editor reads them, the lines of what is *waiting*, and the warnings."""
    lines: list[str] = []
    kind = ""
    for change in found:
        if change.kind != kind:
            kind = change.kind
            number = sum(other.kind == kind for other in found)
            lines += [f"{number} {kind}. {MEANING[change.kind]}", ""]
        title, date, first = change.shown
        detail = f" ({change.detail})" if change.detail else ""
        lines += [f"  {change.file}{detail}", f"      {title}, {date}"]
        lines += [f"      {first}"] if first and kind in ("new", "re-notified") else []
        lines += [f"      in {len(change.feeds)} feeds: {'; '.join(change.feeds)}"]
        lines += [f"      {change.mend}"] if change.mend else []
        lines += [""]
    feeds = {title for change in found for title in change.feeds}
    closing = f"{len(feeds)} feeds change." if found else "Subscribers will notice nothing."
    text = "\n".join([*lines, closing, *([""] if waiting else []), *waiting]) + "\n"
    return text + (f"\n{report(warnings)}" if warnings else "")
