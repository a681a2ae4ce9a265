"""What is wrong with a drawn document, held against its specification.

Subscribers' programs are strict where we cannot see it: one stray character,
and a reader shows nothing for months. So `check` and the tests hold every
document against the rules of its format before anybody subscribes to it.

Reads with the standard library's parsers, which had no part in drawing the
document. Judges only: it never mends a document, and never raises, whatever
bytes it is given.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any, Literal
from xml.etree import ElementTree

from pprnet_feeds.syndication import atom_rules, json_rules, opml_rules, rss_rules
from pprnet_feeds.syndication.rules import Fault, inspect_document

Format = Literal["atom", "rss", "json", "opml"]

_ENCODING = re.compile(rb"<\?xml[^>]*\bencoding\s*=\s*[\"']([^\"']*)")
_XML = "A document is well-formed XML in UTF-8, without a DOCTYPE (XML 1.0 §2.1, §4.3.3; RFC 4287 §2)."
_JSON = "A document is one JSON object in UTF-8, without a byte order mark (RFC 8259 §8.1)."


def faults(body: bytes, form: Format) -> list[Fault]:
    """Tell everything that is wrong with the document *body*, in the order of the rules.

    One that cannot be read has a single fault, at its line and column, counted
    from 1. Nothing is raised.
    """
    document = _read_json(body) if form == "json" else _read_xml(body)
    if isinstance(document, Fault):
        return [document]
    if isinstance(document, dict):
        return inspect_document(document, json_rules.RULES)
    rules = {"atom": atom_rules.RULES, "rss": rss_rules.RULES, "opml": opml_rules.RULES}
    return inspect_document(document, rules[form])


class _Tree(ElementTree.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """Refuse a document that declares a type, before its entities are read."""
        raise ValueError("a DOCTYPE")


def _read_xml(body: bytes) -> ElementTree.Element | Fault:
    mend = "Draw it with an XML library and send its bytes as they are."
    try:
        body.decode()
        declared = _ENCODING.match(body)
        if declared and declared[1].lower() != b"utf-8":
            return Fault("line 1, column 1", f"the encoding is {declared[1].decode()!r}", _XML, mend)
        parser = ElementTree.XMLParser(target=_Tree())
        parser.feed(body)
        root: ElementTree.Element = parser.close()
    except ElementTree.ParseError as error:
        line, column = error.position
        what = str(error).rpartition(": line ")[0]
        return Fault(f"line {line}, column {column + 1}", what, _XML, mend)
    except UnicodeDecodeError as error:
        return Fault(_position(body, error.start), "not UTF-8", _XML, mend)
    except ValueError as error:
        return Fault(_position(body, max(body.find(b"<!DOCTYPE"), 0)), str(error), _XML, mend)
    return root


def _read_json(body: bytes) -> dict[str, Any] | Fault:
    mend = "Draw it with a JSON library and send its bytes as they are."
    try:
        document = json.loads(body.decode(), object_pairs_hook=_object, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        return Fault(where, error.msg[:1].lower() + error.msg[1:], _JSON, mend)
    except UnicodeDecodeError as error:
        return Fault(_position(body, error.start), "not UTF-8", _JSON, mend)
    except ValueError as error:  # a key twice, NaN, or a number of thousands of digits
        return Fault("document", str(error), _JSON, mend)
    except RecursionError:
        return Fault("document", "nested too deep to be read", _JSON, mend)
    if not isinstance(document, dict):
        return Fault("document", "not an object", _JSON, mend)
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise ValueError(f"the key {counts.most_common(1)[0][0]!r} twice in an object")
    return made


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no value of JSON")


def _position(body: bytes, offset: int) -> str:
    before, end = body[:offset], b"\n"
    return f"line {before.count(end) + 1}, column {offset - before.rfind(end)}"
