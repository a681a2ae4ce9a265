"""Topics and research types by any of their names.

Editors write a topic by its label, its slug, or a slug it had years ago, in
any case. All of these name one term; the posts hold only its slug. Where
somebody typed another word, everybody who asks gets the same suggestions.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from pprnet_feeds.content import fields
from pprnet_feeds.content.fields import Faults
from pprnet_feeds.content.model import Term
from pprnet_feeds.content.problems import quoted
from pprnet_feeds.content.yamlvalues import Value

# By identity, with what has it: to compare the terms would take longer than to read a post.
_INDEXES: dict[int, tuple[tuple[Term, ...], Mapping[str, int], Mapping[str, int]]] = {}
_MOST_INDEXES = 8


_SIGNS = re.compile(r"[\W_]+")
# Shorter words, such as CBT, are looked for as they are; these say nothing.
_SHORT = 3
_EMPTY = frozenset("a an and as at by for in of on or s the to with".split())
_MOST = 5
_LONGEST = 300


def normal(name: str) -> str:
    """A label or slug without case and signs, so that both are alike."""
    return _SIGNS.sub(" ", name.casefold()).strip()


def by_name(terms: tuple[Term, ...]) -> Mapping[str, int]:
    """Where in *terms* each normal name leads; slugs before labels before former slugs."""
    return _indexes(terms)[1]


def _indexes(terms: tuple[Term, ...]) -> tuple[tuple[Term, ...], Mapping[str, int], Mapping[str, int]]:
    """With the terms, their index by normal names and that by names as most people type them."""
    held = _INDEXES.get(id(terms))
    if held is None:
        while len(_INDEXES) >= _MOST_INDEXES:
            del _INDEXES[next(iter(_INDEXES))]
        index = _index(terms)
        typed = {name: index[normal(name)] for term in terms for name in (term.slug, term.label)}
        held = _INDEXES[id(terms)] = terms, index, typed
    return held


def _index(terms: tuple[Term, ...]) -> Mapping[str, int]:
    index: dict[str, int] = {}
    for names in (
        [(term.slug, place) for place, term in enumerate(terms)],
        [(term.label, place) for place, term in enumerate(terms)],
        [(former, place) for place, term in enumerate(terms) for former in term.former],
    ):
        for name, place in names:
            index.setdefault(normal(name), place)
    return index


def choose(
    value: Value, name: str, faults: Faults, terms: tuple[Term, ...], noun: str, file: str
) -> tuple[str, ...] | None:
    """The slugs of the named terms, each once, in the order of *terms*.

    *noun* is what a term is called and *file* where they stand, for whoever
    mistyped one. None when any name is unknown.
    """
    items = fields.values(value, name, faults)
    if items is None:
        return None
    _, index, as_typed = _indexes(terms)
    places: set[int] = set()
    sound = True
    for item in items:
        typed = fields.scalar(item, name, faults)
        place = as_typed.get(typed or "")
        if place is None and typed is not None:
            place = index.get(normal(typed))
        if place is not None:
            places.add(place)
            continue
        sound = False
        if typed is not None:
            faults.add(item, f"no {noun} is called {quoted(typed)}", _mend(typed, terms, noun, file))
    return _one(tuple([terms[place].slug for place in sorted(places)])) if sound else None


@lru_cache(maxsize=5_000)
def _one(slugs: tuple[str, ...]) -> tuple[str, ...]:
    """The same object for all posts on the same topics."""
    return slugs


def named(typed: str, terms: tuple[Term, ...]) -> Term | None:
    """The term of which *typed* is a label, a slug or a former slug, in any case."""
    place = by_name(terms).get(normal(typed))
    return None if place is None else terms[place]


def search(typed: str, terms: Sequence[Term]) -> list[Term]:
    """The terms with a name in which every word of *typed* begins a word."""
    parts = normal(typed[:_LONGEST]).split()
    return [
        term
        for term in terms
        if parts and any(all(_begins(part, name.split()) for part in parts) for name in _names(term))
    ]


def suggest(typed: str, terms: Sequence[Term]) -> list[Term]:
    """The terms that somebody may have meant by *typed*; the likeliest first, five at most.

    Those that `search` finds, or else those that share words with it, or nearly, in
    their names; or else in their descriptions.
    """
    if found := search(typed, terms):
        return found[:_MOST]
    words = [word for word in dict.fromkeys(normal(typed[:_LONGEST]).split()) if word not in _EMPTY]
    scores = [0.0] * len(terms)
    for word in words:
        likeness = [_likeness(word, term) for term in terms]
        having = sum(map(bool, likeness))  # a word of many names says little
        scores = [score + like / (having or 1) for score, like in zip(scores, likeness, strict=True)]
    best = [
        terms[place]
        for score, place in sorted((-score, place) for place, score in enumerate(scores))
        if score
    ]
    long = [word for word in words if len(word) > _SHORT]
    described = (t for t in terms if any(_begins(word, normal(t.description).split()) for word in long))
    return (best or list(described))[:_MOST]


def did_you_mean(typed: str, terms: Sequence[Term]) -> str:
    """A question that names what may have been meant by *typed*; empty when nothing is near."""
    names = [f"'{term.label}' ({term.slug})" for term in suggest(typed, terms)[:3]]
    return f"Did you mean {' or '.join(filter(None, (', '.join(names[:-1]), names[-1])))}?" if names else ""


def _names(term: Term) -> list[str]:
    return [normal(name) for name in (term.label, term.slug, *term.former)]


def _begins(part: str, words: Sequence[str]) -> bool:
    return any(word.startswith(part) for word in words)


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
