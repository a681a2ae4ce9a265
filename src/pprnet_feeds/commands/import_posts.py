"""``pprnet-feeds import``: what was published elsewhere, as post files."""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import click

from pprnet_feeds.commands import options
from pprnet_feeds.content import dates
from pprnet_feeds.content.files import name_of
from pprnet_feeds.content.model import Site
from pprnet_feeds.content.problems import Problem, quoted, report, some
from pprnet_feeds.content.terms import did_you_mean, named

with options.extra("import"):
    from pprnet_feeds.importing import detect, sentences, write
    from pprnet_feeds.importing.source_post import Source

_BAR_FROM = 20


@click.command("import")
@click.argument("sources", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--date", help="The month (2026-03), day or moment of a Word file. This month when not given.")
@click.option("--topic", "topics", multiple=True, metavar="NAME", help="A topic; give it once for each.")
@click.option("--draft", is_flag=True, help="Write drafts, which are in no feed.")
@options.site
def import_posts(
    sources: tuple[Path, ...], date: str | None, topics: tuple[str, ...], draft: bool, folder: Path
) -> None:
    """Make post files of a Word file, a saved page, a feed or an export.

    PATH is a Word document (.docx), a blog page saved as text or HTML, an RSS,
    Atom or JSON feed, or a WordPress export. Never overwrites a file; a second
    run changes nothing. What cannot be placed is reported. Exits with 1 when a
    PATH could not be read.

    \b
    Examples:
        pprnet-feeds import letter.docx --date 2026-03 --topic alliance
        pprnet-feeds import wordpress.xml --site /srv/blog
    """
    site = options.settings_of(folder, "Nothing was written.")
    date = date.strip() if date is not None else ""
    try:
        at = dates.parse_moment(date, site.time_zone) if date else options.now()
    except ValueError as reason:
        raise click.UsageError(f"--date is {reason}: {quoted(date)}. {dates.FORMS}") from None
    for topic in topics:
        if named(topic, site.topics) is None:
            near = did_you_mean(topic, site.topics) or "Take one of those in feeds/topics.yaml."
            raise click.UsageError(f"--topic: nothing is called {quoted(topic)}. {near}")
    with options.writing(folder, "Nothing was written."):
        write.remove_leftovers(folder)
    posts = write.PostFolder(folder, site)
    outcomes = []
    for path in sources:
        name = name_of(str(path))
        source = detect.read_source(path, name, site, date, dates.month_of(at, site.time_zone))
        found = (replace(post, labels=(*topics, *post.labels)) for post in source.posts)
        if draft:
            found = (replace(post, restricted="a draft") for post in found)
        outcomes.append(_import(replace(source, posts=tuple(found)), name, folder, site, posts))
    if not all(outcomes):
        raise SystemExit(1)


def _import(source: Source, name: str, folder: Path, site: Site, posts: write.PostFolder) -> bool:
    """Write the posts of one file and report on it; whether anything could be read."""
    if not (source.kind and source.posts):
        reasons = source.problems or (Problem(name, 0, 0, "it holds no post", "Give a file that does."),)
        click.echo(report(reasons, "text", "Nothing was written."), nl=False)
        return False
    posts.begin_source()
    hidden = len(source.posts) < _BAR_FROM or not sys.stderr.isatty()
    with options.writing(folder, "What was written stays; import again to finish."):
        with click.progressbar(source.posts, label="Writing", file=sys.stderr, hidden=hidden) as bar:
            outcomes = [posts.add_post(post) for post in bar]
        sentence = sentences.enter_sentence(source, folder, name)
    imported = [each for each in outcomes if not isinstance(each, Problem)]
    unwritten = [replace(each, file=name) for each in (*outcomes, sentence) if isinstance(each, Problem)]
    problems = [*source.problems, *sentences.compare_lists(source, site, name)]
    problems += [*_unknown_labels(source, site, name), *unwritten]
    said = sentence if isinstance(sentence, str) else ""
    _report(f"{name}: {source.kind}", imported, said, sorted(problems))
    return True


def _unknown_labels(source: Source, site: Site, name: str) -> list[Problem]:
    """The labels of posts that are no topic here, each once."""
    lines: defaultdict[str, list[int]] = defaultdict(list)
    for post in source.posts:
        for label in write.terms_of(post.labels, site)[2]:
            lines[label].append(post.line)
    problems = []
    for label, places in lines.items():
        what = f"no topic or research type is called '{label}' ({some(len(places), 'post')})"
        mend = "Add it to feeds/topics.yaml before you import, or name a topic in the posts themselves."
        mend = f"{did_you_mean(label, site.topics)} {mend}".strip()
        problems.append(Problem(name, places[0], 0, what, mend))
    return problems


def _report(title: str, imported: list[write.ImportedPost], sentence: str, problems: list[Problem]) -> None:
    words = {"written": "written", "other": "already there, with another text: left as it is"}
    files = [f"{each.file}: {words[each.what]}" for each in imported if each.what in words]
    click.echo("\n".join(filter(None, [title, *files, sentence])))
    written = sum(each.what == "written" for each in imported)
    summary = f"{written} written, {len(imported) - written} already there."
    click.echo(f"\n{report(problems, 'text', summary)}", nl=False)
    if not all(each.has_topic for each in imported):
        click.echo("Now run `check`: it names each post that still needs a topic.")
