"""``pprnet-feeds plan``: what subscribers will notice, before they do."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from pprnet_feeds.commands import options
from pprnet_feeds.commands.check import checked
from pprnet_feeds.content.library import Library, public
from pprnet_feeds.content.problems import Form, Problem, report, some
from pprnet_feeds.publishing.check import waiting, waiting_lines
from pprnet_feeds.publishing.plan import MEANING, Change, changes, dated
from pprnet_feeds.syndication.channel import rfc3339


@click.command()
@options.site
@options.form("text", "json", help="Text, or JSON for programs.")
def plan(folder: Path, form: Form) -> None:
    """Report what subscribers will notice if this is published.

    Compares the files with feeds/ledger.json, which says what subscribers have
    received so far, and lists what they will not see yet: drafts and scheduled
    posts. Changes nothing. Exits with 1 when an id changed or a file
    vanished without `status: withdrawn`, or when `check` finds a fault.

    \b
    Examples:
        pprnet-feeds plan
        pprnet-feeds plan --site /srv/blog --format json
    """
    now = options.now()
    library, found, warnings = planned(folder, now, form)
    is_refused = any(change.mend for change in found)
    if form == "json":
        data = {
            "changes": [asdict(change) for change in found],
            "refused": is_refused,
            "warnings": [asdict(warning) for warning in warnings],
            "waiting": [
                {"file": file, "kind": kind, "moment": time and rfc3339(time)}
                for file, kind, time in waiting(library, now)
            ],
        }
        click.echo(json.dumps(data, ensure_ascii=False, indent=2))
    else:
        click.echo(in_words(found, waiting_lines(library, now), warnings), nl=False)
    if is_refused:
        raise SystemExit(1)


def planned(folder: Path, now: datetime, form: Form = "text") -> tuple[Library, list[Change], list[Problem]]:
    """What readers may see of the site in *folder*, the changes and the warnings; stops at problems.

    New posts have the times of publication that are recorded for them at *now*.
    """
    problems, library = checked(folder, now, form)
    library = dated(public(library, now), now)
    return library, changes(library, library.ledger.shown(now)), problems


def in_words(found: list[Change], waiting: list[str], warnings: list[Problem]) -> str:
    """The changes as an editor reads them, the lines of what is *waiting*, and the warnings."""
    lines: list[str] = []
    for kind, meaning in MEANING.items():
        same = [change for change in found if change.kind == kind]
        each = meaning if len(same) == 1 else f"Each of them: {meaning[0].lower()}{meaning[1:]}"
        lines += [f"{len(same)} {kind}. {each}", ""] if same else []
        for change in same:
            title, date, first = change.shown
            detail = f" ({change.detail})" if change.detail else ""
            lines += [f"  {change.file}{detail}", f"      {title}, {date}"]
            lines += [f"      {first}"] if first and kind in ("new", "re-notified") else []
            lines += [f"      in {some(len(change.feeds), 'feed')}: {'; '.join(change.feeds)}"]
            lines += [f"      {change.mend}"] if change.mend else []
            lines += [""]
    feeds = {title for change in found for title in change.feeds}
    verb = "changes" if len(feeds) == 1 else "change"
    closing = f"{some(len(feeds), 'feed')} {verb}." if found else "Subscribers will notice nothing."
    text = "\n".join([*lines, closing, *([""] if waiting else []), *waiting]) + "\n"
    return text + (f"\n{report(warnings)}" if warnings else "")
