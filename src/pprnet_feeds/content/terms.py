"""Topics and research types: the files that list them, and finding one by any of its names.

A label, a slug and a slug of years ago, in any case, name one term; posts hold its present slug. People
subscribe to its address, so no two terms share a name, neither a present nor a former one.
"""

import difflib
import os
import re
from collections.abc import Mapping as Index
from collections.abc import Sequence as Many
from functools import partial
from pathlib import Path
from typing import TypeVar

from pprnet_feeds.content import fields, files
from pprnet_feeds.content.fields import Faults, Wrong
from pprnet_feeds.content.keys import TERM
from pprnet_feeds.content.model import Term, by_name, normal
from pprnet_feeds.content.problems import Problem, quoted
from pprnet_feeds.content.yaml import Mapping, Sequence, Value, read_yaml

T = TypeVar("T", bound=Value)
_KINDS = fields.KINDS | {"label": partial(fields.text, most=200)}
# Terms, their places by all names, what one is called, and the file of all.
Choices = tuple[tuple[Term, ...], Index[str, int], str, str]
# Shorter words, such as CBT, are looked for as they are; these say nothing.
_SHORT = 3
_EMPTY = frozenset("a an and as at by for in of on or s the to with".split())
_MOST = 5
_LONGEST = 300


def read_feeds_file(
    folder: Path, faults: Faults, kind: type[T], wrong: Wrong, required: bool = False
) -> T | None:
    """The value of one YAML file, or None; a value of another *kind* is *wrong*."""
    path = folder / faults.file
    if not required and not os.path.lexists(path):
        return None
    text = files.read_text(path, faults.file)
    value, found = (None, [text]) if isinstance(text, Problem) else read_yaml(text, faults.file)
    faults.found += found
    if value is None and required and not found:
        faults.add(None, "the file is empty", "Take it from the project's history.")
    if value is None or isinstance(value, kind):
        return value
    faults.add(value, *wrong)
    return None


def read_terms(folder: Path, name: str, problems: list[Problem], required: bool = False) -> tuple[Term, ...]:
    """The terms of one file that have a slug and a label, in its order."""
    wrong = Wrong("this is not a list", "Begin each entry with `- slug: …` and put `label: …` below it.")
    faults, before = Faults(name, problems), len(problems)
    items = read_feeds_file(folder, faults, Sequence, wrong, required)
    terms: list[Term] = []
    owners: dict[str, str] = {}
    for item in items.items if items else ():
        if not (term := _term(item, faults)):
            continue
        names = _names(term)
        if both := [each for each in names if each in owners]:
            what = f"{quoted(term.slug)} and {quoted(owners[both[0]])} are both called {quoted(both[0])}"
            faults.add(item, what, "Give one of them another slug, label or former slug.")
        else:
            owners.update(dict.fromkeys(names, term.slug))
            terms.append(term)
    if required and not terms and len(problems) == before:
        faults.add(items, "the list is empty", "Begin each entry with `- slug: …` and put `label: …` in it.")
    return tuple(terms)


def _term(item: Value, faults: Faults) -> Term | None:
    if not isinstance(item, Mapping):
        mend = "Write `- slug: alliance` and below it `label: Alliance`."
        faults.add(item, "an entry without `slug` and `label`", mend)
        return None
    given = fields.known(item, TERM, faults)
    for key in ("slug", "label"):
        if key not in given:
            faults.add(item, f"an entry has no `{key}`", f"Add it: `{key}: …`.")
    values = fields.read_all(given, TERM, faults, _KINDS)
    # With a fault in the rest, posts can still be read against the term.
    found = {key: value for key, value in values.items() if value}
    return Term(**found) if {"slug", "label"} <= found.keys() else None


def choose(value: Value, name: str, faults: Faults, among: Choices) -> tuple[str, ...] | None:
    """The slugs of the terms that were typed, each once, in their order; None when one is unknown."""
    terms, places, noun, file = among

    def place(item: Value, name: str, faults: Faults) -> int | None:
        typed = fields.scalar(item, name, faults)
        found = None if typed is None else places.get(normal(typed))
        if found is None and typed is not None:
            faults.add(item, f"no {noun} is called {quoted(typed)}", _mend(typed, terms, noun, file))
        return found

    chosen = fields.each(value, name, faults, place)
    return None if chosen is None else tuple(terms[number].slug for number in sorted(set(chosen)))


def named(typed: str, terms: tuple[Term, ...]) -> Term | None:
    """The term of which *typed* is a label, a slug or a former slug, in any case."""
    place = by_name(terms).get(normal(typed))
    return None if place is None else terms[place]


def search(typed: str, terms: Many[Term]) -> list[Term]:
    """The terms with a name in which every word of *typed* begins a word."""
    parts = normal(typed[:_LONGEST]).split()
    if not parts:
        return []
    return [t for t in terms if any(all(f" {part}" in f" {name}" for part in parts) for name in _names(t))]


def suggest(typed: str, terms: Many[Term]) -> list[Term]:
    """The terms that somebody may have meant by *typed*; the likeliest first, five at most.

    Those that `search` finds, else those with a similar word in their names, else in their descriptions.
    """
    if found := search(typed, terms):
        return found[:_MOST]
    words = [word for word in dict.fromkeys(normal(typed[:_LONGEST]).split()) if word not in _EMPTY]
    scores = [0.0] * len(terms)
    for word in words:
        likeness = [_likeness(word, term) for term in terms]
        having = sum(map(bool, likeness))  # a word of many names says little
        scores = [score + like / (having or 1) for score, like in zip(scores, likeness, strict=True)]
    best = [terms[place] for place in sorted(range(len(terms)), key=lambda n: -scores[n]) if scores[place]]
    long = [word for word in words if len(word) > _SHORT]
    described = [t for t in terms if any(f" {word}" in f" {normal(t.description)}" for word in long)]
    return (best or described)[:_MOST]


def did_you_mean(typed: str, terms: Many[Term]) -> str:
    """A question that names what may have been meant by *typed*; empty when nothing is near."""
    names = [f"'{term.label}' ({term.slug})" for term in suggest(typed, terms)[:3]]
    return f"Did you mean {' or '.join(filter(None, (', '.join(names[:-1]), names[-1])))}?" if names else ""


def _names(term: Term) -> list[str]:
    return [normal(name) for name in (term.slug, term.label, *term.former)]


def _likeness(word: str, term: Term) -> float:
    """How much a word is like one of a term's names: 1 when a name has it, and less than 0.75 is nothing."""
    others = {other for name in _names(term) for other in name.split()}
    if len(word) <= _SHORT or word in others:
        return float(word in others)
    if any(word in name.replace(" ", "") for name in _names(term)):  # `dropout` in Drop-Out
        return 0.95
    alike = (difflib.SequenceMatcher(None, word, other).ratio() for other in others if len(other) > _SHORT)
    likeness = max(alike, default=0.0)
    return likeness if likeness >= 0.75 else 0.0


def _mend(typed: str, terms: tuple[Term, ...], noun: str, file: str) -> str:
    if not terms:
        return f"There is no {noun} yet: add it to {file}."
    parts = [part for part in re.split(r"[,;|]", typed) if part.strip()]
    meant = [named(part, terms) or next(iter(suggest(part, terms)), None) for part in parts]
    if len(parts) > 1 and all(meant):
        return f"Write a list: [{', '.join(dict.fromkeys(term.slug for term in meant if term))}]."
    return did_you_mean(typed, terms) or f"Take one of those in {file}, or add it there."
