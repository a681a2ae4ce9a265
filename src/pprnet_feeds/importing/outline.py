"""The outline of an XML file: what it is, where its entries begin, and what feedparser does not give of them.

It also makes sure that the file can be given to feedparser. A document type
declaration is how entities come into XML, and entities are how ten lines become
ten gigabytes, so it is refused; no feed needs one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.parsers import expat

_DEPTH = 200
_ENTRY_NAMESPACES = {"http://www.w3.org/2005/Atom", "http://purl.org/rss/1.0/"}
_TOMBSTONE = "http://purl.org/atompub/tombstones/1.0"
_APP = "http://www.w3.org/2007/app"
# WordPress's own elements, of any version of the format, and of exports whose addresses were rewritten.
_WORDPRESS = re.compile(r".*/export/[^/]*/?(?:excerpt/)?")


@dataclass(slots=True)
class OutlinedEntry:
    """An entry or item: its line, and the texts of WordPress's elements in it, and of ``app:draft``."""

    line: int
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Outline:
    """A document.

    Attributes:
        root: the name of its root, without a namespace.
        start: where the root begins, in bytes.
        deleted: the id and line of each tombstone (RFC 6721).
        authors: those that WordPress lists, each with its fields.
    """

    root: str = ""
    start: int = 0
    entries: list[OutlinedEntry] = field(default_factory=list)
    deleted: list[tuple[str, int]] = field(default_factory=list)
    authors: list[dict[str, str]] = field(default_factory=list)
    is_wordpress: bool = False


def read_outline(data: bytes) -> Outline:
    """The outline of a document in UTF-8.

    Raises:
        ValueError: it is not well-formed, has a document type, or is too deep;
            its arguments are what is wrong, and the line.
    """
    outline = Outline()
    parser = expat.ParserCreate("utf-8", "}")
    parser.namespace_prefixes = True
    parser.buffer_text = True
    open_: list[dict[str, str] | None] = []  # of each open element, where the fields in it go
    pieces: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        namespace, local, prefix = _split(name)
        if not open_:
            outline.root, outline.start = local, parser.CurrentByteIndex
        if len(open_) >= _DEPTH:
            raise ValueError("elements stand too deep in each other", parser.CurrentLineNumber)
        is_wordpress = _WORDPRESS.fullmatch(namespace) is not None
        outline.is_wordpress = outline.is_wordpress or is_wordpress
        fields = None
        if local.lower() in ("item", "entry") and (not prefix or namespace in _ENTRY_NAMESPACES):
            outline.entries.append(OutlinedEntry(parser.CurrentLineNumber))
            fields = outline.entries[-1].fields
        elif is_wordpress and local == "author":
            outline.authors.append(fields := {})
        elif namespace == _APP:
            fields = open_[-1] if open_ else None
        elif namespace == _TOMBSTONE and local == "deleted-entry":
            outline.deleted.append((attributes.get("ref", ""), parser.CurrentLineNumber))
        open_.append(fields)
        pieces.clear()

    def end(name: str) -> None:
        open_.pop()
        namespace, local, _ = _split(name)
        fields = open_[-1] if open_ else None
        if fields is not None and (namespace == _APP or _WORDPRESS.fullmatch(namespace)):
            key = f"app:{local}" if namespace == _APP else local
            fields[key] = "".join(pieces).strip() or fields.get(key, "")
        pieces.clear()

    def doctype(*_: object) -> None:
        raise ValueError("it has a document type (<!DOCTYPE>), which is refused", parser.CurrentLineNumber)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = pieces.append
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        what = f"it is not well-formed XML: {expat.ErrorString(error.code)}"
        raise ValueError(what, error.lineno) from None
    return outline


def _split(name: str) -> tuple[str, str, str]:
    """Namespace, local name and prefix of a name as expat gives it."""
    parts = name.split("}")
    return ("", name, "") if len(parts) == 1 else (parts[0], parts[1], parts[2] if len(parts) > 2 else "")
