"""``pprnet-feeds schema``: what an editor may type, as JSON Schema (2020-12) for text and form editors."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

import click

from pprnet_feeds.commands import options
from pprnet_feeds.content import keys
from pprnet_feeds.content.model import NOTICES, Status, normal
from pprnet_feeds.content.post import TYPES
from pprnet_feeds.content.slugs import SLUG

Schema = dict[str, Any]
_NAMED = {"status": get_args(Status), "type of work": TYPES, "kind of notice": NOTICES}
_WEB = "[Hh][Tt][Tt][Pp][Ss]?://"
_MONTH = "(?!.{5}(02-3|(0[469]|11)-31))(19|2[01])[0-9]{2}-(0[1-9]|1[0-2])"
_DAY = "-(0[1-9]|[12][0-9]|3[01])"
_TIME = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-6][0-9]([.][0-9]+)?([Zz]|[+-][0-9]{2}:[0-5][0-9])"
# What a value looks like, by the kind of its key; of the other kinds it is any text.
_TEXT: Schema = {"type": ["string", "number", "boolean"]}
_FLAG = "|".join("".join(f"[{a.upper()}{a}]" for a in word) for word in "true yes on false no off".split())
_KINDS: dict[str, Schema] = {
    "title": {**_TEXT, "minLength": 1, "maxLength": 300},
    "flag": {"type": ["boolean", "string"], "pattern": f"^({_FLAG})$"},
    "pixels": {"type": ["integer", "string"], "minimum": 1, "maximum": 20_000, "pattern": "^[0-9]+$"},
    "entries": {"type": ["integer", "string"], "minimum": 1, "maximum": 1_000, "pattern": "^[0-9]+$"},
    "seconds": {"type": ["integer", "string"], "minimum": 0, "maximum": 31_536_000, "pattern": "^[0-9]+$"},
    "year": {"type": ["integer", "string"], "minimum": 1000, "maximum": 2999, "pattern": "^[12][0-9]{3}$"},
    "pmid": {"type": ["integer", "string"], "minimum": 0, "pattern": "[0-9]{1,8}$"},
    "slug": {"type": ["integer", "string"], "minimum": 0, "pattern": f"^{SLUG.pattern}$", "maxLength": 100},
    "permalink": {"type": ["integer", "string"], "minimum": 0, "pattern": "^[^ ]*[a-z0-9]/?$"},
    "moment": {"type": "string", "pattern": f"^{_MONTH}({_DAY}([Tt ]{_TIME})?)?$"},
    "day": {"type": "string", "pattern": f"^{_MONTH}({_DAY})?$"},
    "language": {"type": ["string", "boolean"], "pattern": "^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$"},
    "base url": {"type": "string", "pattern": f"^{_WEB}[^ ?#]+$"},
    "colour": {"type": "string", "pattern": "^#[0-9A-Fa-f]{6}$"},
    "unsubscribe": {"type": "string", "pattern": f"^({_WEB}[^ ]+|mailto:[^@ ]+@[^@ ]+)$"},
    "address": {"type": "string", "pattern": f"^{_WEB}[^ ]+$"},
    "picture": {"type": "string", "pattern": f"^(/|{_WEB})[^ ]+$"},
    "alias": {"type": "string", "pattern": "^/[^ ]*$"},
    "email": {"type": "string", "pattern": "^[^@ ]+@[^@ ]+$"},
    "orcid": {"type": "string", "pattern": "([0-9]{4}-){3}[0-9]{3}[0-9Xx]$"},
    "doi": {"type": "string", "pattern": "10[.][0-9]{4,9}(/|%2[Ff])"},
}


@click.command()
@options.site
@click.argument("what", type=click.Choice(("post", "site", "topics")))
def schema(folder: Path, what: str) -> None:
    """Print the JSON Schema of a post's front matter, of feeds/site.yaml or of feeds/topics.yaml.

    The schema of a post lists the topics and research types of this site. That of topics also fits
    feeds/research.yaml. `check` finds more than a schema can.

    \b
    Example:
        pprnet-feeds schema post > post.schema.json
    """
    defs: Schema = {}
    for kind, table in keys.PARTS.items():  # its first key may be typed alone
        defs[kind] = {"anyOf": [_value(next(iter(table.values()))), _object(table)]}
    defs |= {kind: _names(names) for kind, names in _NAMED.items()}
    found = {"type": "array", "minItems": 1, "items": _object(keys.TERM)}
    if what == "post":
        site = options.settings_of(folder, "No schema was written.")
        for kind, terms in (("topics", site.topics), ("research types", site.research)):
            defs[kind] = _names(name for term in terms for name in (term.slug, term.label, *term.former))
    if what != "topics":
        found = _object(keys.POST if what == "post" else keys.SITE)
    named = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": what}
    click.echo(json.dumps({**named, **found, "$defs": defs}, ensure_ascii=False, indent=2))


def _object(table: keys.Table) -> Schema:
    """The schema of a mapping with the keys of *table*, by any of their words."""
    properties: Schema = {}
    for word, key in table.items():
        about = f"{key.about[0].upper()}{key.about[1:]}. "
        about += "Required." if key.default == keys.REQUIRED else f"When left out: {key.default}."
        about = about if word == key.name else f"The same as `{key.name}`."
        properties[word] = {"description": about, **_value(key)}
    required = {key.name: key.also.split() for key in table.values() if key.default == keys.REQUIRED}
    found = {"type": "object", "properties": properties, "additionalProperties": False}
    found["required"] = [name for name, others in required.items() if not others]
    if several := [[name, *others] for name, others in required.items() if others]:
        found["allOf"] = [{"anyOf": [{"required": [word]} for word in words]} for words in several]
    return found


def _value(key: keys.Key) -> Schema:
    """The schema of what is typed for a *key*; nothing is as good as no key, unless it is required."""
    nothing = {"type": "null"}
    if key.kind == "group":
        value = _object(keys.GROUPS[key.name])
    elif key.kind in (*keys.PARTS, *_NAMED, "topics", "research types"):
        value = {"$ref": f"#/$defs/{key.kind}".replace(" ", "%20")}
    else:
        value = _KINDS.get(key.kind, _TEXT)
    if key.many or key.kind in ("topics", "research types"):
        least = int(key.default == keys.REQUIRED)
        items = {"type": "array", "items": {"anyOf": [value, nothing]}, "minItems": least, "maxItems": 100}
        value = {"anyOf": [items, value]}
    return value if key.default == keys.REQUIRED else {"anyOf": [value, nothing]}


def _names(names: Iterable[str]) -> Schema:
    """One of *names*, which a program can offer; they may be typed in any case."""
    offered = list(dict.fromkeys(names))
    patterns = (re.sub("[a-z]", lambda a: f"[{a[0]}{a[0].upper()}]", normal(name)) for name in offered)
    pattern = "|".join(dict.fromkeys(each.replace(" ", r"[\W_]+") for each in patterns))
    return {"anyOf": [{"enum": offered}, {"type": "string", "pattern": rf"^[\W_]*({pattern})[\W_]*$"}]}
