"""Something found elsewhere becomes a post file that `check` takes.

What nobody could know is left open in words: a post without a topic says so in
its front matter, and `check` keeps it out until somebody has named one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace

from pprnet_feeds.content import body_checks, files, terms
from pprnet_feeds.content.model import Citation, Person, Site, Term, by_name, normal
from pprnet_feeds.content.post import read_post
from pprnet_feeds.publishing.importing.readings import Found
from pprnet_feeds.publishing.postfile import quote

_NO_TOPIC = (
    "# To do: name a topic of feeds/topics.yaml here, like [{example}]. Until then the post is kept out."
)
_NO_STUDY = "# The source shows no reference above the text. If the post is about a study, add it as `cites`."


def text_of(found: Found, stem: str, site: Site) -> str:
    """The text of the file *stem*.md."""
    topics, research, _ = filed(found.labels, site)
    lines = [f"title: {quote(found.title)}", f"date: {found.date}"]
    lines += [f"updated: {found.updated}"] if found.updated else []
    if found.id and (found.id, found.slug or found.id) != (stem, stem):
        lines += [f"id: {found.id}", f"slug: {found.slug or found.id}"]
    if topics:
        lines += _list("topics", topics)
    else:
        lines += [_NO_TOPIC.format(example=_example(found, site)), "topics: []"]
    lines += _list("research", research) if research else []
    if found.cites:
        lines += ["cites:", *(line for cite in found.cites for line in _work(cite))]
    elif not found.id:
        lines.append(_NO_STUDY)
    lines += [f"summary: {quote(found.summary)}"] if found.summary else []
    if found.authors:
        lines += ["authors:", *(f"  - {_person(person)}" for person in found.authors)]
    if found.image:
        image = found.image
        sizes = f", width: {image.width}, height: {image.height}" if image.width and image.height else ""
        alt = f", alt: {quote(image.alt)}" if image.alt else ""
        lines.append(f"image: {{url: {quote(image.url)}{alt}{sizes}}}")
    lines += _list("aliases", tuple(map(quote, found.aliases))) if found.aliases else []
    lines += ["draft: true"] if found.draft else []
    lines += [f"status: {found.status}"] if found.status != "published" else []
    lines += [f"note: {quote(found.note)}"] if found.note else []
    return "\n".join(["---", *lines, "---", "", found.body])


def filed(labels: tuple[str, ...], site: Site) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The topics and research types among *labels*, and the names that are neither."""
    topics, research = _places(labels, site.topics), _places(labels, site.research)
    strange = tuple(
        name for name in dict.fromkeys(labels) if name and not ({name} & (topics.keys() | research.keys()))
    )
    return _slugs(topics, site.topics), _slugs(research, site.research), strange


def fault(found: Found, stem: str, site: Site) -> tuple[str, str] | None:
    """What `check` would find in the file beside a missing topic, and how to mend it."""
    with_topic = replace(found, labels=(*found.labels, site.topics[0].slug))
    text = text_of(with_topic, stem, site)
    if len(text.encode()) > files.SIZE_LIMIT:
        return "it is longer than the 1 MB that a post may have", "Divide it, and write the parts by hand."
    _, problems = read_post(text, f"posts/{stem}.md", site)
    if problems:
        return problems[0].what, problems[0].mend
    active = body_checks.unsafe_html(found.body)
    return (
        (f"the text holds {active[0][1]}", "Take it out of the source and import it again.")
        if active
        else None
    )


def _example(found: Found, site: Site) -> str:
    """Topics whose names are near to the title: a hint for whoever chooses."""
    near = terms.suggest(found.title, site.topics)[:2] or site.topics[:1]
    return ", ".join(term.slug for term in near)


def _places(labels: tuple[str, ...], known: tuple[Term, ...]) -> dict[str, int]:
    index = by_name(known)
    return {name: place for name in labels if (place := index.get(normal(name))) is not None}


def _slugs(places: dict[str, int], known: tuple[Term, ...]) -> tuple[str, ...]:
    return tuple(known[place].slug for place in sorted(set(places.values())))


def _list(key: str, values: tuple[str, ...]) -> list[str]:
    return [f"{key}:", *(f"  - {value}" for value in values)]


def _work(cite: Citation) -> Iterator[str]:
    """The lines of one cited work, the reference as printed first."""
    sign = "-"
    for part in fields(cite):
        value = getattr(cite, part.name)
        if value:
            many = isinstance(value, tuple)
            plain = value if part.name in ("year", "type") else ""
            yield f"  {sign} {part.name}:" if many else f"  {sign} {part.name}: {plain or quote(value)}"
            yield from (f"      - {quote(name)}" for name in (value if many else ()))
            sign = " "


def _person(person: Person) -> str:
    given = {part.name: getattr(person, part.name) for part in fields(person) if getattr(person, part.name)}
    if len(given) == 1:
        return quote(person.name)
    return "{" + ", ".join(f"{name}: {quote(value)}" for name, value in given.items()) + "}"
