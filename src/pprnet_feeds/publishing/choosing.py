"""Finding the topic somebody means: by a word of its name, or by what is nearest."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from pprnet_feeds.content.model import Term
from pprnet_feeds.content.terms import by_name, normal

_SHORT = 3
_MOST = 5


def named(typed: str, terms: tuple[Term, ...]) -> Term | None:
    """The term of which *typed* is a label, a slug or a former slug, in any case."""
    place = by_name(terms).get(normal(typed))
    return None if place is None else terms[place]


def search(typed: str, terms: Sequence[Term]) -> list[Term]:
    """The terms with a name in which every word of *typed* begins a word."""
    parts = normal(typed).split()
    return [
        term
        for term in terms
        if parts and any(all(_begins(part, name) for part in parts) for name in _names(term))
    ]


def nearest(typed: str, terms: Sequence[Term]) -> list[Term]:
    """The terms that share words with *typed*, or nearly; the likeliest first, five at most."""
    words = [word for word in normal(typed[:300]).split() if len(word) > _SHORT]
    scored = [(sum(_likeness(word, term) for word in words), place) for place, term in enumerate(terms)]
    best = sorted((-score, place) for score, place in scored if score)
    return [terms[place] for _, place in best[:_MOST]]


def _names(term: Term) -> list[list[str]]:
    return [normal(name).split() for name in (term.label, term.slug, *term.former)]


def _begins(part: str, name: list[str]) -> bool:
    return any(word.startswith(part) for word in name)


def _likeness(word: str, term: Term) -> float:
    others = {other for name in _names(term) for other in name if len(other) > _SHORT}
    likeness = max((difflib.SequenceMatcher(None, word, other).ratio() for other in others), default=0.0)
    return likeness if likeness >= 0.75 else 0.0
