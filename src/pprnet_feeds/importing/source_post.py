"""The import model: the posts that a source holds, and how what others write becomes such a post."""

import contextlib
import html as entities
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pprnet_feeds.content import dates, fields, slugs
from pprnet_feeds.content import text as texts
from pprnet_feeds.content.model import Citation, Image, Person, Site, Status
from pprnet_feeds.content.post import parse_alias
from pprnet_feeds.content.problems import Problem, quoted
from pprnet_feeds.importing.html import Block, blocks_of_tree, elements, parse
from pprnet_feeds.importing.normalise import normalise, resolved
from pprnet_feeds.importing.to_markdown import compose, safe_address
from pprnet_feeds.syndication.references import parse_reference

# Goes through items, and may show how far it is.
Watch = Callable[[Sequence[Any]], Iterable[Any]]
VIDEO_HOSTS = {"youtube": "https://www.youtube.com/watch?v=", "vimeo": "https://vimeo.com/"}
# What marks of drafts and words for a status say of a post that everybody may read.
PUBLIC = frozenset(" 0 no off false null none live publish published public corrected retracted".split(" "))
_ORCID = "https://orcid.org/"
_OFFSET = re.compile(r"(?<=:[0-9]{2}) +(?=[+-][0-9]{2}:?[0-9]{2}$)")
# The end of an excerpt of WordPress.
_CUT_OFF = re.compile(r"\[(?:…|\.\.\.)\]\s*(?:The post .{1,300} first (?:appeared )?on .{1,300})?\Z")
_STATUSES: dict[str, Status] = {"Corrected": "corrected", "Retracted": "retracted"}
_NO_TOPIC = frozenset({"uncategorized", "uncategorised"})


@dataclass(frozen=True, slots=True)
class SourcePost:
    """One post, as the source has it.

    Attributes:
        file, line: where it begins in the source, from 1.
        date: in one of the forms that front matter takes.
        body: CommonMark.
        id: the last part of the permanent id, when it was one of ours.
        name: the last part of its address in the source.
        restricted: why it is not public in the source; it becomes a draft.
        labels: its categories and tags: topics, research types and others.
        losses: what of it became something else or was left out, and how often.
    """

    file: str
    line: int
    title: str
    date: str
    body: str = ""
    cites: tuple[Citation, ...] = ()
    id: str = ""
    slug: str = ""
    name: str = ""
    updated: str = ""
    labels: tuple[str, ...] = ()
    summary: str = ""
    authors: tuple[Person, ...] = ()
    image: Image | None = None
    aliases: tuple[str, ...] = ()
    restricted: str = ""
    status: Status = "published"
    note: str = ""
    losses: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """All that was read from one file or folder.

    Attributes:
        kind: what the file is, such as ``a blog page``; empty when it is not known.
        problems: what could not be read.
        refused: how many posts it holds that could not be read.
        sentence: the sentence that introduces a month.
    """

    kind: str
    posts: tuple[SourcePost, ...] = ()
    problems: tuple[Problem, ...] = ()
    refused: int = 0
    sentence: str = ""
    sentence_line: int = 0


def unread(file: str, what: str, mend: str, line: int = 0) -> Source:
    """A source that could not be read, and why."""
    return Source("", problems=(Problem(file, line, 0, what, mend),))


def source_of(
    kind: str, found: Iterable[SourcePost], problems: Iterable[Problem], refused: int = 0
) -> Source:
    """A source with those of *found* that can become posts, and a problem for each of the others."""
    posts, left = [], list(problems)
    for post in found:
        name = f" {quoted(post.title)}" if post.title else ""
        parts = {"title": post.title, "date": post.date, "text": post.body.strip()}
        missing = [part for part, value in parts.items() if not value]
        refused += bool(missing)
        posts += [] if missing else [post]
        what = mend = ""
        if missing:
            what = f"the post{name} has no {' and no '.join(missing)} that can be read"
            mend = "Write it by hand, or add what is missing to the file."
        elif post.restricted:
            what = f"the post{name} becomes a draft: it is not public there, but {post.restricted}"
            mend = "Take `draft: true` away once everybody may read it."
        left += [Problem(post.file, post.line, 0, what, mend)] if what else []
    return Source(kind, tuple(posts), tuple(sorted(left)), refused)


def post_of_entry(
    post: SourcePost, html: str, site: Site, link: str = "", base: str = "", enclosures: Iterable[str] = ()
) -> SourcePost:
    """A post with the text *html*, whose values are as an entry of a feed has them.

    An entry of our own keeps its id and slug, so that readers are not shown it twice, and loses what our
    feeds add to a text. Any other has the path of its *link* as an alias. *base* is where relative addresses
    are seen from.
    """
    tree = parse(html)
    losses = normalise(tree, base)
    losses.update(post.losses)
    blocks = blocks_of_tree(tree)
    # The last part of an id that this site gave.
    id = post.id.removeprefix(f"tag:{site.tag_root}/post/")
    id = id if id != post.id and slugs.is_slug(id) else ""
    if id:
        post, blocks = _restored(post, blocks)
    above, body = compose(blocks, losses)
    text = " ".join(block.text for block in blocks)
    title = post.title or (texts.first_sentences(text, 80) if body else "")
    if title and not post.title:
        losses["titles were made of the first words"] += 1
    losses["texts that the feed cuts off"] += bool(_CUT_OFF.search(text[-1_000:]))
    shown = body + (safe_address(post.image.url) if post.image else "")
    for address in dict.fromkeys(safe_address(resolved(base, each)) for each in enclosures):
        if address and address not in shown:
            name = re.sub(r"[^A-Za-z0-9._-]", "", address.partition("?")[0].rpartition("/")[2]) or "file"
            body += f"\n[{name}]({address})\n"
            losses["enclosures became links"] += 1
    date = front_matter_date(post.date or post.updated, site.time_zone)
    updated = change_after(date, front_matter_date(post.updated, site.time_zone), site, losses)
    status = post.status if post.note else ""
    before, _, slug = link.rstrip("/").rpartition("/")
    return replace(
        post,
        title=title,
        date=date,
        body=body,
        cites=(*post.cites, *above),
        id=id,
        slug=slug if id and before.endswith("/posts") and slugs.is_slug(slug) else "",
        updated=updated,
        labels=tuple(each for each in post.labels if each.lower() not in _NO_TOPIC | {status}),
        # The default of a summary is the beginning of the text.
        summary="" if post.summary.rstrip(" .…[]") in " ".join(text.split()) else post.summary,
        authors=named_authors(post.authors, site),
        aliases=() if id else former_path(link),
        losses=losses,
    )


def change_after(date: str, updated: str, site: Site, losses: Counter[str]) -> str:
    """The date of a change when it is after that of the publication; an earlier one is counted as lost."""
    if not (date and updated):
        return ""
    first, last = (dates.parse_moment(each, site.time_zone) for each in (date, updated))
    losses["dates of a change before the publication were left out"] += last < first
    return updated if last > first else ""


def _restored(post: SourcePost, blocks: list[Block]) -> tuple[SourcePost, list[Block]]:
    """An entry of our own feed: what the feed adds to its text becomes the values that it was made of."""
    word, _, note = blocks[0].text.partition(".") if blocks else ("", "", "")
    if word in _STATUSES and _STATUSES[word] in map(str.lower, post.labels):
        post = replace(post, status=_STATUSES[word], note=" ".join(note.split()))
        blocks = blocks[1:]
    figure = blocks[0].element.find("img") if blocks and blocks[0].element.name == "figure" else None
    if post.image and figure is not None and figure["src"] == post.image.url:
        post = replace(post, image=Image(post.image.url, figure.get("alt", ""), *sizes(figure)))
        blocks = blocks[1:]
    text = [each for each in blocks if each.element.name != "section"]  # footnotes are below
    if [(each.level, each.text) for each in text[-2:-1]] == [(2, "References")]:
        works = (one_line(each.get_text()) for each in elements(text[-1].element, "cite"))
        post = replace(post, cites=tuple(map(parse_reference, works)))
        blocks = [*text[:-2], *blocks[len(text) :]]
    return post, blocks


def front_matter_date(text: str, zone: ZoneInfo) -> str:
    """A date of RFC 3339 or RFC 822, or nearly one, as front matter takes it in the shortest form.

    Without a zone it is in *zone*. Noon there is what a day means, and on the 1st what a month means.
    """
    text = _OFFSET.sub("", text.strip()[:100])
    for read in (str, datetime.fromisoformat, parsedate_to_datetime):
        with contextlib.suppress(ValueError, TypeError, OverflowError, IndexError):
            found: Any = read(text)
            if isinstance(found, datetime):
                found = found.replace(tzinfo=found.tzinfo or (UTC if text.endswith("-0000") else zone))
                found = found.isoformat(timespec="seconds")
            local = dates.parse_moment(found, zone).astimezone(zone)
            break
    else:
        return ""
    if (local.hour, local.minute, local.second) != (12, 0, 0):
        return str(found.replace(" ", "T").replace("+00:00", "Z"))
    return f"{local:%Y-%m}" if local.day == 1 else f"{local:%Y-%m-%d}"


def cleaned(value: Any) -> str:
    """A text without characters that no feed may hold; empty for what is no text."""
    return texts.clean(value)[0] if isinstance(value, str) else ""


def one_line(value: Any) -> str:
    """Such a text on one line."""
    return texts.one_line(cleaned(value))


def sizes(picture: Any) -> Iterator[int]:
    """The width and height of a picture in pixels; 0 when it is not known."""
    for name in ("width", "height"):
        yield int(re.sub(r"[^0-9]", "", str(picture.get(name) or ""))[:5] or 0)


def person(name: str, address: str = "", email: str = "") -> Person:
    """Somebody, whose address may be that of an ORCID record or of a mailbox."""
    if address.lower().startswith("mailto:"):
        address, email = "", email or address[7:].partition("?")[0]
    email = email if fields.EMAIL.fullmatch(email) else ""
    orcid = address.removeprefix(_ORCID).strip("/") if address.startswith(_ORCID) else ""
    url = address if not orcid and fields.is_address(address) else ""
    return Person(name or email.partition("@")[0], url, email, orcid)


def named_authors(people: Iterable[Person], site: Site) -> tuple[Person, ...]:
    """The authors of a post; none when it is the site's own, who need not be named."""
    named = tuple(dict.fromkeys(each for each in people if each.name))
    return () if [each.name for each in named] == [site.author.name] else named


def former_path(address: str) -> tuple[str, ...]:
    """The path at which a post was before, when it can lead to the post here."""
    try:
        path = urlsplit(entities.unescape(address.strip())).path
    except ValueError:
        return ()
    return () if isinstance(parse_alias(path, "aliases"), fields.Wrong) else (path,)
