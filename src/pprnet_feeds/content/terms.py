"""Topics and research types by any of their names.

Editors write a topic by its label, its slug, or a slug it had years ago, in
any case. All of these name one term; the posts hold only its slug.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from pprnet_feeds.content import fields
from pprnet_feeds.content.fields import Faults
from pprnet_feeds.content.model import Term
from pprnet_feeds.content.problems import nearest, quoted
from pprnet_feeds.content.yamlvalues import Value

# By identity, with what has it: to compare the terms would take longer than to read a post.
_INDEXES: dict[int, tuple[tuple[Term, ...], Mapping[str, int], Mapping[str, int]]] = {}
_MOST_INDEXES = 8


_SIGNS = re.compile(r"[\W_]+")


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
            faults.add(item, f"no {noun} is called {quoted(typed)}", _mend(typed, terms, index, noun, file))
    return _one(tuple([terms[place].slug for place in sorted(places)])) if sound else None


@lru_cache(maxsize=5_000)
def _one(slugs: tuple[str, ...]) -> tuple[str, ...]:
    """The same object for all posts on the same topics."""
    return slugs


def _mend(typed: str, terms: tuple[Term, ...], index: Mapping[str, int], noun: str, file: str) -> str:
    if not terms:
        return f"There is no {noun} yet: add it to {file}."
    meant = nearest(normal(typed), index) if len(typed) <= 80 else ""
    if meant:
        term = terms[index[meant]]
        return f"Did you mean '{term.label}' ({term.slug})?"
    return f"Take one of {file}, such as '{terms[0].label}' ({terms[0].slug})."
