"""The lists of topics and research types in ``feeds/``.

Every slug here is an address that people subscribe to, so no two terms may
answer to one name, neither today's nor a former one.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from pprnet_feeds.content import fields, files, frontmatter, terms
from pprnet_feeds.content.fields import Faults
from pprnet_feeds.content.model import Term
from pprnet_feeds.content.problems import Problem, quoted
from pprnet_feeds.content.yamlvalues import Mapping, Sequence, Value

_KEYS = {name: name for name in ("slug", "label", "description", "former")}
_LABEL_LENGTH = 200


def read_feeds_file(folder: Path, name: str, problems: list[Problem], *, required: bool) -> Value | None:
    """The value of one YAML file; its problems are added to *problems*."""
    path = folder / name
    if not required and not path.is_symlink() and not path.exists():
        return None
    text = files.read_text(path, name)
    if isinstance(text, Problem):
        problems.append(text)
        return None
    value, told = frontmatter.read_yaml(text, name)
    problems += told
    if value is None and required and not told:
        problems.append(Problem(name, 0, 0, "the file is empty", "Take it from the project's history."))
    return value


def read_terms(folder: Path, name: str, problems: list[Problem], *, required: bool) -> tuple[Term, ...]:
    """The terms of one file that have a slug and a label, in its order."""
    value = read_feeds_file(folder, name, problems, required=required)
    if value is None:
        return ()
    faults = Faults(name)
    found: list[Term] = []
    if isinstance(value, Sequence):
        owners: dict[str, str] = {}
        for item in value.items:
            term = _term(item, faults)
            if term and _is_alone(term, item, owners, faults):
                found.append(term)
    else:
        faults.add(
            value, "this is not a list", "Begin each entry with `- slug: …` and put `label: …` below it."
        )
    if required and not found and not faults.found:
        faults.add(value, "the list is empty", "Begin each entry with `- slug: …` and put `label: …` in it.")
    problems += faults.found
    return tuple(found)


def _term(item: Value, faults: Faults) -> Term | None:
    if not isinstance(item, Mapping):
        faults.add(
            item,
            "an entry without `slug` and `label`",
            "Write `- slug: alliance` and below it `label: Alliance`.",
        )
        return None
    given = fields.known(item, _KEYS, faults)
    for key in ("slug", "label"):
        if not given.get(key):
            faults.add(item, f"an entry has no `{key}`", f"Add it: `{key}: …`.")
    term = Term(
        slug=fields.one(given, "slug", faults, fields.slug) or "",
        label=fields.one(given, "label", faults, partial(fields.text, most=_LABEL_LENGTH)) or "",
        description=fields.one(given, "description", faults, fields.text) or "",
        former=fields.one(given, "former", faults, partial(fields.each, read=fields.slug)) or (),
    )
    # A fault in the rest is told; posts can still be read against the term.
    return term if term.slug and term.label else None


def _is_alone(term: Term, at: Value, owners: dict[str, str], faults: Faults) -> bool:
    """Whether no other term answers to one of this term's names."""
    names = dict.fromkeys(terms.normal(name) for name in (term.slug, term.label, *term.former))
    for name in names:
        if name in owners:
            what = f"{quoted(term.slug)} and {quoted(owners[name])} are both called {quoted(name)}"
            faults.add(at, what, "Give one of them another slug, label or former slug.")
            return False
    owners.update(dict.fromkeys(names, term.slug))
    return True
