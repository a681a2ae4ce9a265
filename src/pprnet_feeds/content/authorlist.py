"""The list of names before the year of a printed reference.

A list is read whole or not at all. Leaving somebody out is worse than leaving
all of them in the text, so one word that is not understood makes the list
unreadable, and a list that is cut ("et al.", "….") is no list of the authors.
Whoever must name somebody all the same asks for the names that are certain.

Only initials are taken for given names: of "Lind, Karin, Berg, Ole" nobody can
say for certain where one name ends.
"""

from __future__ import annotations

import re

_LETTER = r"[^\W\d_]"
_WORD = rf"{_LETTER}(?:{_LETTER}|[\u0300-\u036f'’\u02bc\u2010\u2011-])*"
_FAMILY = rf"{_WORD}(?: {_WORD}){{0,4}}"
_INITIAL = rf"{_LETTER}{{1,2}}(?:[\u2010\u2011-]{_LETTER}{{1,2}})?\."
_INITIALS = rf"{_INITIAL}(?: ?[\u2010\u2011-]? ?{_INITIAL}){{0,5}}"
_SUFFIX = r"(?:, (?:Jr|Sr)\.|, (?:II|III|IV)(?![^\W_]))?"
_FAMILY_FIRST = re.compile(rf"(?P<family>{_FAMILY}), ?(?P<given>{_INITIALS}){_SUFFIX}")
_INITIALS_FIRST = re.compile(rf"(?P<given>{_INITIALS}) ?(?P<family>{_FAMILY})")
_BETWEEN = re.compile(r" ?[,;]? ?(?:& ?|and )|[,;] ?")
_UNSPACED = re.compile(r"^([^,]*),(?! )")
_INITIAL_LIKE = re.compile(rf"{_LETTER}+\.?")
_CUT = re.compile(r"\bet al\b|…|\.\.\.|\. \. \.")
_EDITORS = re.compile(r" ?\((?:Eds?|Hrsg)\.?\)[.,]?$")

# Words that stand in no family name: two names, or none, were taken for one.
_NO_NAME = frozenset("and et al with the of for in on by und eds ed".split())
_NO_INITIALS = frozenset({"Jr.", "Sr.", "Ed.", "Dr.", "Co."})

# What an institution is called by its head word, before the first "of", "for", "on" or "in".
_SMALL = frozenset("of for on in and the de des du et y für und zu".split())
_HEADS = frozenset(
    "Academy Agency Association Board Bureau Center Centre Collaboration College Commission Committee "
    "Consortium Council Department Federation Force Foundation Group Institute Institutes Ministry Network "
    "Office Organisation Organization Service Society University".split()
)


def read_authors(text: str) -> tuple[str, ...] | None:
    """The names of a list such as ``Lind, K., & de Jong, B.-A.``, each as ``Family, Given``.

    An institution stands as it is printed. Empty when the list is cut or names
    editors; None when *text* is not certainly a list of authors.
    """
    names = certain_names(text)
    if not names:
        return None
    return () if _CUT.search(text) or _EDITORS.search(text.strip()) else names


def certain_names(text: str) -> tuple[str, ...]:
    """The names that are certain, also of a list that is cut or names editors; empty for no such list.

    What comes before the cut must be names. What follows it ("….Ott, P.") ends the list if it is a name.
    """
    text = text.strip()
    cut = _CUT.search(text)
    if not cut:
        names = _names(_EDITORS.sub("", text).rstrip(" ,"), _FAMILY_FIRST)
        return names or _institution(text) or ()
    first = _names(text[: cut.start()].rstrip(" ,;&"), _FAMILY_FIRST) or ()
    last = _names(text[cut.end() :].lstrip(" ,;&.…").rstrip(" ,"), _FAMILY_FIRST) or ()
    return first and first + last


def are_editors(text: str) -> bool:
    """Whether *text* is a list of names and nothing else, such as ``M. Lind and B.-A. de Jong``."""
    return _names(text.rstrip(" ,"), _INITIALS_FIRST) is not None


def _names(text: str, form: re.Pattern[str]) -> tuple[str, ...] | None:
    names = []
    place = 0
    while True:
        name = form.match(text, place)
        if not name or not _sound(name["family"], name["given"]):
            return None
        names.append(_UNSPACED.sub(r"\1, ", name[0]))
        if name.end() == len(text):
            return tuple(names)
        between = _BETWEEN.match(text, name.end())
        if not between:
            return None
        place = between.end()


def _sound(family: str, given: str) -> bool:
    """A family name has a capital and no words of a sentence; initials are capitals."""
    if not any(letter.isupper() for letter in family) or not _NO_NAME.isdisjoint(family.lower().split()):
        return False
    initials = _INITIAL_LIKE.findall(given)
    return not any(initial in _NO_INITIALS or initial[0].islower() for initial in initials)


def _institution(text: str) -> tuple[str, ...] | None:
    name = text.removesuffix(".")
    words = name.removeprefix("The ").split()
    if not 2 <= len(words) <= 12 or not re.fullmatch(rf"{_WORD}(?: (?:{_WORD}|&))+", name):
        return None
    if not all(word in _SMALL or word == "&" or word[0].isupper() for word in words):
        return None
    first_small = next((place for place, word in enumerate(words) if word in _SMALL - {"and"}), len(words))
    return (name,) if first_small and words[first_small - 1] in _HEADS else None
