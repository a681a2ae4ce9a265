"""Authors and pictures in front matter: a name or an address, or their parts."""

from __future__ import annotations

import re
from functools import partial

from pprnet_feeds.content import fields, slugs
from pprnet_feeds.content.fields import Faults
from pprnet_feeds.content.model import Image, Person
from pprnet_feeds.content.problems import quoted
from pprnet_feeds.content.yamlvalues import Mapping, Value

_PERSON = {"name": "name", "url": "url", "email": "email", "orcid": "orcid", "uri": "url", "ORCID": "orcid"}
_IMAGE = {"url": "url", "alt": "alt", "width": "width", "height": "height", "src": "url"}
_ORCID = re.compile(r"(?:https?://orcid\.org/)?((?:[0-9]{4}-){3}[0-9]{3}[0-9X])", re.IGNORECASE)
_PIXELS = 20_000


def read_person(value: Value, name: str, faults: Faults) -> Person | None:
    """Somebody: a name, or `name` with any of `url`, `email`, `orcid`."""
    before = len(faults.found)
    if not isinstance(value, Mapping):
        typed = fields.scalar(value, name, faults)
        return Person(typed) if typed else None
    found = fields.known(value, _PERSON, faults)
    person = Person(
        name=fields.one(found, "name", faults, fields.scalar) or "",
        url=fields.one(found, "url", faults, fields.address) or "",
        email=fields.one(found, "email", faults, fields.email) or "",
        orcid=fields.one(found, "orcid", faults, read_orcid) or "",
    )
    if not person.name:
        faults.add(value, f"somebody in `{name}` has no `name`", "Add it, such as `name: Giorgio A. Tasca`.")
    return person if len(faults.found) == before else None


def read_image(value: Value, name: str, faults: Faults) -> Image | None:
    """A picture: its address, or `url` with any of `alt`, `width`, `height`."""
    before = len(faults.found)
    if not isinstance(value, Mapping):
        url = _picture(value, name, faults)
        return Image(url) if url else None
    found = fields.known(value, _IMAGE, faults)
    size = partial(fields.number, least=1, most=_PIXELS)
    image = Image(
        url=fields.one(found, "url", faults, _picture) or "",
        alt=fields.one(found, "alt", faults, fields.text) or "",
        width=fields.one(found, "width", faults, size) or 0,
        height=fields.one(found, "height", faults, size) or 0,
    )
    if not found.get("url"):
        faults.add(value, f"`{name}` has no `url`", "Add the address of the picture: `url: /images/….jpg`.")
    return image if len(faults.found) == before else None


def _picture(value: Value, name: str, faults: Faults) -> str | None:
    typed = fields.scalar(value, name, faults)
    if typed is None or fields.is_address(typed) or slugs.is_path(typed):
        return typed
    what = f"`{name}` is not the address of a picture: {quoted(typed)}"
    faults.add(value, what, "Write it like https://example.org/picture.jpg or /images/picture.jpg.")
    return None


def read_orcid(value: Value, name: str, faults: Faults) -> str | None:
    """An ORCID, or its address, as 0000-0002-1825-0097."""
    typed = fields.scalar(value, name, faults)
    if typed is None:
        return None
    match = _ORCID.fullmatch(typed)
    if match and _check_digit(match[1].replace("-", "")[:-1]) == match[1][-1].upper():
        return match[1].upper()
    faults.add(value, f"`{name}` is not an ORCID: {quoted(typed)}", "Write it like 0000-0002-1825-0097.")
    return None


def _check_digit(digits: str) -> str:
    """ISO 7064, mod 11-2."""
    total = 0
    for digit in digits:
        total = (total + int(digit)) * 2
    rest = (12 - total % 11) % 11
    return "X" if rest == 10 else str(rest)
