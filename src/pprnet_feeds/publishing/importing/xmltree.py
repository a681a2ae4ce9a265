"""XML that strangers wrote, as a tree in which every element knows its line.

A document type declaration is how entities come into XML, and entities are
how ten lines become ten gigabytes, so it is refused; no feed needs one.
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree.ElementTree import Element, TreeBuilder, tostring
from xml.parsers import expat

_DEPTH = 200


@dataclass(frozen=True, slots=True)
class Tree:
    """A document.

    Attributes:
        lines: where each element begins, from 1.
    """

    root: Element
    lines: dict[Element, int]


def parse(text: str) -> Tree:
    """Parse a document.

    Raises:
        ValueError: it is not well-formed, has a document type, or is too deep;
            its arguments are what is wrong, and the line.
    """
    builder = TreeBuilder()
    lines: dict[Element, int] = {}
    parser = expat.ParserCreate("utf-8", "}")
    parser.buffer_text = True
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEPTH:
            raise ValueError("elements stand too deep in each other", parser.CurrentLineNumber)
        named = {_name(key): value for key, value in attributes.items()}
        lines[builder.start(_name(name), named)] = parser.CurrentLineNumber

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_name(name))

    def doctype(*_: object) -> None:
        raise ValueError("it has a document type (<!DOCTYPE>), which is refused", parser.CurrentLineNumber)

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(text.encode("utf-8", "surrogatepass"), True)
    except expat.ExpatError as error:
        raise ValueError(
            f"it is not well-formed XML: {expat.ErrorString(error.code)}", error.lineno
        ) from None
    return Tree(builder.close(), lines)


def inner(element: Element) -> str:
    """What stands in an element as HTML, without namespaces."""
    html = tostring(_bare(element), encoding="unicode", method="html")
    return html[html.index(">") + 1 : html.rindex("<")] if "</" in html else ""


def _bare(element: Element) -> Element:
    copy = Element(element.tag.rpartition("}")[2], dict(element.attrib))
    copy.text, copy.tail = element.text, element.tail
    copy.extend([_bare(child) for child in element])
    return copy


def _name(name: str) -> str:
    """A name as ElementTree writes it. A site's move to https may have rewritten its namespaces, too."""
    return "{" + name.replace("https://", "http://", 1) if "}" in name else name
