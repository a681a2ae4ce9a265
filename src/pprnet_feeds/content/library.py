"""All valid posts of a site, and the problems between two posts.

Drafts and scheduled posts are in no list, count or date here, so no feed can show them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain, groupby
from operator import attrgetter
from pathlib import Path

from pprnet_feeds.content.dates import month_of
from pprnet_feeds.content.ledger import Ledger, is_recorded, withdrawn_post
from pprnet_feeds.content.model import Post, Site, appearance
from pprnet_feeds.content.problems import Problem, quoted
from pprnet_feeds.content.reader import Look, Reading, read_files


@dataclass(frozen=True, slots=True)
class Library:
    """A site as it is at one time.

    Attributes:
        posts: those that readers may see, the newest first: by year, then `published`, then id.
        withdrawn: those that were withdrawn, in the same order.
        next_release: when any of this changes next by itself.
        remains: the ids of withdrawn posts whose files are gone.
        digests: the digest of each post's appearance, by id.
        recorded: the ids of the public posts whose records in the *ledger* are up to date.
        unrecorded: how many public posts are not among these.
        waiting: what readers do not see yet, by file: drafts, scheduled posts, changes of the future.
        hidden: in a preview, until when readers do not see a post, by id; None for a draft of no later date.
        reading: what was read of each file, for the next library.
    """

    site: Site
    posts: tuple[Post, ...]
    withdrawn: tuple[Post, ...]
    problems: tuple[Problem, ...]
    next_release: datetime | None
    unrecorded: int = 0
    remains: frozenset[str] = frozenset()
    digests: Mapping[str, str] = field(default_factory=dict)
    recorded: frozenset[str] = frozenset()
    hidden: Mapping[str, datetime | None] = field(default_factory=dict)
    waiting: tuple[Post, ...] = field(default=(), compare=False, repr=False)
    ledger: Ledger = field(default_factory=Ledger, compare=False, repr=False)
    reading: Reading = field(default_factory=Reading, compare=False, repr=False)


def read_library(
    folder: Path,
    site: Site,
    now: datetime,
    *,
    drafts: bool = False,
    bodies: bool = False,
    ledger: Ledger | None = None,
    before: Library | None = None,
    look: Look | None = None,
) -> Library:
    """Read every post below *folder*, as it is at *now*; what the *ledger* says of it wins.

    *drafts* lets drafts and posts of the future in, for a preview. *bodies* checks every text as well.
    Posts of the library *before* stay the same objects when they did not change, and stay as they were
    when their files are faulty, or not at rest in this *look*. Without any change the result is *before*.
    """
    ledger = ledger or Ledger()
    last = before.reading if before else Reading()
    reading = read_files(folder, site, now, last, bodies=bodies, look=look)
    is_due = before and before.next_release and before.next_release <= now
    if before and reading is last and (site, ledger) == (before.site, before.ledger) and not is_due:
        return before
    return _assemble(reading, site, now, ledger, before, drafts=drafts)


def public(library: Library, now: datetime) -> Library:
    """What readers may see at *now* of a library that was read with its drafts."""
    return _assemble(library.reading, library.site, now, library.ledger, None, drafts=False)


def _assemble(
    reading: Reading, site: Site, now: datetime, ledger: Ledger, before: Library | None, *, drafts: bool
) -> Library:
    """The library that the files make at *now*."""
    site, changes = (site, []) if drafts else _announced(site, now)
    read = reading.by_file.values()
    known = ledger.identified([each.post for each in read if each.post], site.time_zone, now)
    single, doubles = _without_doubles(known, now, ledger.shown(now))
    coming = [post for post in single if post.updated > now and not post.draft]  # never before `published`
    changes += [change for post in coming for change in (post.published, post.updated) if change > now]
    public = single if drafts else [_at(post, now, ledger) for post in single if _is_public(post, now)]
    public.sort(key=attrgetter("id"))
    public.sort(key=attrgetter("year", "published"), reverse=True)
    gone = [record for record in ledger.gone(known) if record.status == "withdrawn"]
    remains = [withdrawn_post(record, site.time_zone) for record in gone]
    withdrawn = [post for post in public if post.status == "withdrawn"]
    of_files = chain.from_iterable(each.problems for each in read if each.problems)
    digests, recorded = _digested([*public, *remains], ledger, before)
    return Library(
        site=site,
        posts=tuple([post for post in public if post.status != "withdrawn"] if withdrawn else public),
        withdrawn=(*withdrawn, *remains),
        problems=tuple(sorted([*reading.problems, *of_files, *doubles])),
        next_release=min(changes, default=None),
        unrecorded=sum(post.id not in recorded for post in public),
        remains=frozenset(post.id for post in remains),
        digests=digests,
        recorded=recorded,
        hidden={p.id: p.published if p.published > now else None for p in public if not _is_public(p, now)},
        waiting=tuple(sorted((p for p in single if p.draft or p.updated > now), key=attrgetter("file"))),
        ledger=ledger,
        reading=reading,
    )


def _digested(
    posts: Iterable[Post], ledger: Ledger, before: Library | None
) -> tuple[Mapping[str, str], frozenset[str]]:
    """The digests of *posts*, and the ids of those that the ledger records as they are.

    Both are expensive, and are reused for what is unchanged since *before*.
    """
    known = {post.id: post for post in (*before.posts, *before.withdrawn)} if before else {}
    digests: dict[str, str] = {}
    recorded: set[str] = set()
    for post in posts:
        was = known.get(post.id)
        is_same = was is post or was == post
        digests[post.id] = before.digests[post.id] if before and is_same else appearance(post)
        same_record = before is not None and is_same and ledger is before.ledger
        if post.id in before.recorded if before and same_record else is_recorded(post, ledger):
            recorded.add(post.id)
    return digests, frozenset(recorded)


def _announced(site: Site, now: datetime) -> tuple[Site, list[datetime]]:
    """The site without the sentences of months that have not begun, and when those will begin."""
    zone = site.time_zone
    present = month_of(now, zone)
    begun = {month: sentence for month, sentence in site.issues.items() if month <= present}
    coming = [datetime(int(m[:4]), int(m[5:]), 1, tzinfo=zone) for m in site.issues.keys() - begun.keys()]
    return (replace(site, issues=begun) if coming else site), [begin.astimezone(UTC) for begin in coming]


def _is_public(post: Post, now: datetime) -> bool:
    return not post.draft and post.published <= now


def _at(post: Post, now: datetime, ledger: Ledger) -> Post:
    """The post as readers may see it: a change of the future has not happened yet."""
    if post.updated <= now:
        return post
    record = ledger.records.get(post.id)
    return post.but(updated=record.updated if record and record.updated <= now else post.published)


def _without_doubles(posts: list[Post], now: datetime, ledger: Ledger) -> tuple[list[Post], list[Problem]]:
    """Posts of which no two share an id, a slug or a former path.

    The one in the ledger stays, else the older: readers have it. What is not public replaces nothing.
    """
    names = [{*_names(post), *map(_claim, post.aliases)} for post in posts]
    if len(set().union(*names)) == sum(map(len, names)):
        return posts, []

    def precedence(post: Post) -> tuple[bool, bool, datetime, str]:
        record = ledger.records.get(post.id)
        is_known = record is not None and record.path == post.file
        return not is_known, not _is_public(post, now), post.published, post.file

    single: list[Post] = []
    taken: dict[tuple[str, str], Post] = {}
    problems: list[Problem] = []
    # Names before former paths: a new alias must not take the address of another post.
    for _, equals in groupby(sorted(posts, key=precedence), key=lambda post: precedence(post)[:2]):
        alone = [post for post in equals if _is_alone(post, taken, problems)]
        single += [_with_own_aliases(post, taken, problems) for post in alone]
    return single, problems


def _is_alone(post: Post, taken: dict[tuple[str, str], Post], problems: list[Problem]) -> bool:
    """Whether no other has the id and slug of this post, which are taken from now on."""
    claims = _names(post)
    clashes = [(*claim, taken[claim].file) for claim in claims if claim in taken]
    for name, value, other in clashes:
        what = f"the `{name}` {quoted(value)} is taken by {other}"
        mend = f"Change it here; until then this post is left out, and {other} stays."
        problems.append(Problem(post.file, 0, 0, what, mend))
    if not clashes:
        taken.update(dict.fromkeys(claims, post))
    return not clashes


def _with_own_aliases(post: Post, taken: dict[tuple[str, str], Post], problems: list[Problem]) -> Post:
    """The post without the former paths that belong to another: readers lose an old link, not the post."""
    owners = {alias: taken.setdefault(_claim(alias), post) for alias in post.aliases}
    for alias, owner in owners.items():
        if owner is not post:
            what = f"the path {quoted(alias)} in `aliases` is taken by {owner.file}"
            mend = f"Take it away here; until then it leads to {owner.file}."
            problems.append(Problem(post.file, 0, 0, what, mend, warning=True))
    return post.but(aliases=tuple(alias for alias, owner in owners.items() if owner is post))


def _names(post: Post) -> tuple[tuple[str, str], ...]:
    return ("id", post.id), ("slug", post.slug)


def _claim(alias: str) -> tuple[str, str]:
    """What an alias claims: a permalink of ours, or a path of its own."""
    path = alias.rstrip("/")
    folder, _, last = path.rpartition("/")
    return ("slug", last) if folder == "/posts" else ("alias", path)
