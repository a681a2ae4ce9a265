"""``pprnet-feeds import``: what was published elsewhere, as post files."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

import click

from pprnet_feeds.commands import options
from pprnet_feeds.content.fields import is_address
from pprnet_feeds.content.files import name_of
from pprnet_feeds.content.problems import Form, Problem, quoted, report, some
from pprnet_feeds.content.terms import did_you_mean

with options.extra("import"):
    from pprnet_feeds.importing import detect, sentences, write
    from pprnet_feeds.importing.source_post import Source
from pprnet_feeds.publishing.postfile import remove_leftovers

_BAR_FROM = 20
_NOTHING = "Nothing was written."
_PLACES = 4


@dataclass(slots=True)
class Outcome:
    """What became of one source; *read* is false when it gave nothing though it should."""

    file: str
    kind: str
    read: bool
    posts: list[write.ImportedPost] = field(default_factory=list)
    sentence: str = ""
    problems: list[Problem] = field(default_factory=list)

    @property
    def drafts(self) -> int:
        """How many of its posts are drafts."""
        return sum(each.is_draft for each in self.posts)


@click.command("import")
@click.argument("sources", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--date", default="", help="The month (2026-03), day, or date and time of a Word file; else this month."
)
@options.topics
@click.option("--draft", is_flag=True, help="Write drafts, which are in no feed.")
@click.option("--topics", "unknown", type=click.Choice(["write"]), help="Add unknown topics to topics.yaml.")
@click.option("--pictures", metavar="BASE-URL", default="", help="Where relative pictures are on the web.")
@options.form("text", "json", help="Text, or JSON for programs.")
@options.site
def import_posts(
    sources: tuple[Path, ...],
    date: str,
    topics: tuple[str, ...],
    draft: bool,
    unknown: str | None,
    pictures: str,
    form: Form,
    folder: Path,
) -> None:
    """Make post files from a Word file, a saved page, a feed or a blog.

    PATH is a Word document (.docx), a blog page saved as text or HTML, an RSS,
    Atom or JSON feed, a WordPress export, or the folder of a blog of Jekyll,
    Hugo or Quarto. Never overwrites a file; a second run changes nothing. What
    cannot be placed is reported. Exits with 1 when a PATH could not be read, or
    gave nothing though it holds posts.

    \b
    Examples:
        pprnet-feeds import letter.docx --date 2026-03 --topic alliance
        pprnet-feeds import wordpress.xml --topics write --site /srv/blog
    """
    site = options.settings_of(folder, _NOTHING)
    date = date.strip()
    month = options.month_of(date, site.time_zone)
    options.chosen(topics, site.topics)  # stops at a name of none
    if pictures and not is_address(pictures):
        what = f"--pictures is not a web address: {quoted(pictures)}"
        raise click.UsageError(f"{what}. Write it like https://example.org/pictures.")
    with options.writing(folder, _NOTHING):
        remove_leftovers(folder)
    watch = partial(options.watched, label="Reading", least=_BAR_FROM)
    read = [
        (name, detect.read_source(path, name, site, date, month, watch))
        for path, name in ((path, name_of(str(path))) for path in sources)
    ]
    counts = sentences.unknown_topics([source for _, source in read], site)
    added = ""
    if unknown and counts:
        with options.writing(folder, _NOTHING):
            added = sentences.add_topics(counts, folder, site)
        site = options.settings_of(folder, _NOTHING)
    posts = write.PostFolder(folder, site, pictures.rstrip("/"))
    outcomes = [_import(source, name, folder, posts, topics, draft=draft) for name, source in read]
    lines = "" if added else sentences.topic_lines(counts, site)
    for label in counts if lines else ():
        if near := did_you_mean(label, site.topics):
            what = f"no topic or research type is called {quoted(label)} ({some(counts[label], 'post')})"
            mend = f"{near} Then write that into the posts, and do not add it."
            having = (any(label in post.labels for post in source.posts) for _, source in read)
            outcome = next((each for each, has in zip(outcomes, having, strict=True) if has), outcomes[0])
            outcome.problems.append(Problem(outcome.file, 0, 0, what, mend))
    (_print_json if form == "json" else _print)(outcomes, counts, added, lines)
    if not all(outcome.read for outcome in outcomes):
        raise SystemExit(1)


def _import(
    source: Source, name: str, folder: Path, posts: write.PostFolder, topics: tuple[str, ...], *, draft: bool
) -> Outcome:
    """Write the posts of one source."""
    is_read = bool(source.kind) and not source.refused
    outcome = Outcome(name, source.kind, is_read, problems=list(source.problems))
    if not source.posts:
        nothing = Problem(name, 0, 0, "it holds no post", "Give a file that does.")
        outcome.problems = outcome.problems or [nothing]
        return outcome
    posts.begin_source()
    with options.writing(folder, "What was written stays; import again to finish."):
        for post in options.watched(source.posts, "Writing", _BAR_FROM):
            restricted = post.restricted or ("a draft" if draft else "")
            labels = (*topics, *post.labels)
            written = posts.add_post(replace(post, labels=labels, restricted=restricted))
            if isinstance(written, Problem):
                outcome.problems.append(written)
                continue
            outcome.posts.append(written)
            if written.losses:
                lost = ", ".join(f"{kind} ({number})" for kind, number in written.losses.items())
                what = f"in the post {quoted(post.title)}: {lost}"
                mend = "Look whether the post says all that readers need."
                outcome.problems.append(Problem(post.file, post.line, 0, what, mend))
        sentence = sentences.enter_sentence(source, folder, name)
    outcome.read = bool(outcome.posts)
    if isinstance(sentence, Problem):
        outcome.problems.append(sentence)
    else:
        outcome.sentence = sentence
    outcome.problems.sort()
    return outcome


def _losses(outcomes: Sequence[Outcome]) -> dict[str, Counter[str]]:
    """The files with each kind of loss, and how often it is there; the kind with most files first."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for post in (post for outcome in outcomes for post in outcome.posts):
        for kind, number in post.losses.items():
            found[kind][post.file] += number
    return dict(sorted(found.items(), key=lambda each: (-len(each[1]), each[0])))


def _print(outcomes: Sequence[Outcome], counts: Counter[str], added: str, lines: str) -> None:
    words = {"written": "written", "other": "already there, with another text: left as it is"}
    for outcome in outcomes:
        if not outcome.posts:
            click.echo(report(outcome.problems, "text", _NOTHING), nl=False)
            continue
        files = [f"{each.file}: {words[each.what]}" for each in outcome.posts if each.what in words]
        click.echo("\n".join(filter(None, [f"{outcome.file}: {outcome.kind}", *files, outcome.sentence])))
        written = sum(each.what == "written" for each in outcome.posts)
        summary = f"{written} written, {len(outcome.posts) - written} already there."
        click.echo(f"\n{report(outcome.problems, 'text', summary)}", nl=False)
    if added:
        click.echo(added)
    elif lines:
        unknown = f"{some(len(counts), 'name')} of topics that are not known here"
        click.echo(f"\n{unknown}. `--topics write` adds this to feeds/topics.yaml:\n\n{lines}", nl=False)
    if any(outcome.posts for outcome in outcomes):
        click.echo("\n posts  drafts")
        for outcome in outcomes:
            click.echo(f"{len(outcome.posts):6}  {outcome.drafts:6}  {outcome.file}")
    for kind, places in _losses(outcomes).items():
        more = f" and {len(places) - _PLACES} more" if len(places) > _PLACES else ""
        click.echo(f"{kind}: {places.total()} in {', '.join([*places][:_PLACES])}{more}")
    if not all(each.has_topic for outcome in outcomes for each in outcome.posts):
        click.echo("Now run `check`: it names each post that still needs a topic.")


def _print_json(outcomes: Sequence[Outcome], counts: Counter[str], added: str, lines: str) -> None:
    losses = _losses(outcomes).items()
    everything = {
        "sources": [asdict(outcome) | {"drafts": outcome.drafts} for outcome in outcomes],
        "losses": [{"kind": kind, "number": each.total(), "files": [*each]} for kind, each in losses],
        "topics": [{"label": label, "posts": each, "added": bool(added)} for label, each in counts.items()],
    }
    click.echo(json.dumps(everything, ensure_ascii=False, indent=2))
