"""``pprnet-feeds studies``: what became of the studies that posts are about."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from pprnet_feeds.commands import options
from pprnet_feeds.content.fields import is_address
from pprnet_feeds.content.library import read_library
from pprnet_feeds.content.problems import Form, Problem, blocking, in_words, report, some
from pprnet_feeds.publishing.postfile import cited_value, with_citation, write_over
from pprnet_feeds.publishing.studies import CROSSREF, UNPAYWALL, Registries, examined


@click.command()
@options.site
@click.option("--write", is_flag=True, help="Write what was found into the posts.")
@options.form(*("text", "github", "json"), help="Text, annotations for a pull request, or JSON.")
def studies(folder: Path, form: Form, *, write: bool) -> None:
    """Ask the registries whether a cited study was retracted or corrected.

    Crossref reports retractions, corrections and expressions of concern, and finds missing DOIs; Unpaywall
    finds free copies. Both require an e-mail address: `contact` in feeds/site.yaml or PPRNET_CONTACT.
    Answers are stored for a day. Exits with 1 when something is new, with --write when something was
    written, and with 2 when a registry could not be asked.

    \b
    Examples:
        pprnet-feeds studies
        pprnet-feeds studies --write --format github
    """
    now = options.now()
    try:
        site = options.settings_of(folder, "Nothing was asked.")
    except SystemExit:  # its code would say that something is new
        raise SystemExit(2) from None
    if not site.contact:
        _stop("The registries want an e-mail address: set `contact` in feeds/site.yaml, or PPRNET_CONTACT.")
    names = ("PPRNET_CROSSREF_URL", "PPRNET_UNPAYWALL_URL")
    roots = [os.environ.get(name, "").strip().rstrip("/") for name in names]
    for root in filter(None, roots):
        if not is_address(root):
            _stop(f"The address of a registry is not a web address: {root!r}. Write it like {CROSSREF}.")
    caches = Path(os.environ.get("XDG_CACHE_HOME", ""))
    caches = caches if caches.is_absolute() else Path.home() / ".cache"
    crossref, unpaywall = roots[0] or CROSSREF, roots[1].removesuffix("/v2") or UNPAYWALL
    registries = Registries(crossref, unpaywall, site.contact, caches / "pprnet-feeds", now)
    library = read_library(folder, site, now, drafts=True)
    posts = sorted(library.posts, key=lambda post: post.file)
    works = [(post.file, place, cite) for post in posts for place, cite in enumerate(post.cites)]
    found: list[Problem] = []
    is_new = False
    hidden = not sys.stderr.isatty()
    with click.progressbar(works, label="Asking about studies", file=sys.stderr, hidden=hidden) as bar:
        for file, place, before in bar:
            cite, said = examined(before, registries)
            if not said:
                continue
            text, mend = (folder / file).read_bytes().decode("utf-8-sig"), "Source: {}."
            if cite != before:
                after = with_citation(text, file, site, before, cite) if write else None
                if after:
                    with options.writing(folder / file, "The file is as it was."):
                        write_over(folder / file, after)
                mend += " Written." if after else " Write it yourself." if write else " `--write` writes it."
                is_new = is_new or bool(after) or not write
            value = cited_value(text, file, place)
            line = value.line if value else 0
            found += [Problem(file, line, 0, what, mend.format(by), form != "text") for what, by in said]
    if blocking(library.problems):
        click.echo("Posts with problems were left out: pprnet-feeds check names them.", err=True)
    found = options.placed(found, folder, form)
    closing = f"{some(len(works), 'cited work')}, {some(len(found), 'finding')}."
    click.echo(f"{in_words(found)}{closing}\n" if form == "text" else report(found, form, closing), nl=False)
    failed = [faults for faults in registries.faults.values() if faults]
    for faults in failed:
        click.echo(f"{faults[0]}: {some(len(faults), 'question')} without an answer.", err=True)
    raise SystemExit(2 if failed else int(is_new))


def _stop(line: str) -> None:
    click.echo(line, err=True)
    raise SystemExit(2)
