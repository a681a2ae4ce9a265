"""Judges of our documents: grammars and rules of our own, and a program of somebody else.

The grammars in `grammars/` are written by us from the specifications; `rules`
holds what a grammar cannot express. Only the tests use them: an editor cannot
act on a fault in what our code made. feedparser, which half of the small
readers are built on, had no part in either.
"""

from __future__ import annotations

import json
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import feedparser
import jsonschema
from lxml import etree

from rules import RULES, SPACES, Document

GRAMMARS = Path(__file__).parent / "grammars"
JSON_FORMS = {"json": "feed.json", "item": "feed.json#/$defs/item", "csl.json": "csl.json"}
# What a file of ours is, by the end of its name.
FORMS = ("atom", "rss", "opml", "csl.json", "json")


def judge_document(body: bytes, path: str, base: str = "") -> list[tuple[str, str]]:
    """Everything that is wrong with our document at *path* below *base*, if there is a grammar for it."""
    form = next((form for form in FORMS if path.endswith(f".{form}")), "")
    if not form or path == "/feeds.json":
        return []
    form = "item" if form == "json" and path.startswith("/posts/") else form
    return faults(body, form, base and base + path)


def judge_feedparser(body: bytes) -> Any:
    """Read an Atom or RSS document as feedparser does: well-formed at once, and without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parsed = feedparser.parse(body)
    assert not parsed.bozo, parsed.get("bozo_exception")
    assert parsed.version in {"atom10", "rss20"}, f"read as {parsed.version!r}"
    return parsed


def faults(body: bytes, form: str, address: str = "") -> list[tuple[str, str]]:
    """Everything that is wrong with a document, each as the name of the rule and what was found.

    *form* is atom, rss, json, opml, item (a post as JSON) or csl.json; *address*
    is where the document was found, if that matters. The rules look only at
    what the grammar accepts.
    """
    try:
        text = body.decode()
        root = _parse_json(text) if form in JSON_FORMS else _parse_xml(body)
    except (ValueError, SyntaxError, RecursionError) as error:
        return [("well_formed", str(error))]
    found = [("grammar", message) for message in _against_grammar(root, form)]
    document = Document(form, root, address)
    if not found and form == "json":
        _read_json(document)
    elif not found and form in ("atom", "rss"):
        _read_xml(document)
    return found or [(rule.__name__, str(what)) for rule in RULES for what in rule(document)]


def _parse_xml(body: bytes) -> Any:
    root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    if root.getroottree().docinfo.doctype or root.getroottree().docinfo.encoding.lower() != "utf-8":
        raise ValueError("a DOCTYPE, or an encoding that is not UTF-8")
    return root


def _parse_json(text: str) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError(f"a key twice: {[name for name, _ in pairs]}")
        return dict(pairs)

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no value of JSON")

    return json.loads(text, object_pairs_hook=once, parse_constant=refuse)


@cache
def _grammar(form: str) -> Any:
    if form not in JSON_FORMS:
        return etree.RelaxNG(etree.parse(GRAMMARS / f"{form}.rng"))
    schemas = {name: json.loads((GRAMMARS / name).read_text("utf-8")) for name in ("feed.json", "csl.json")}
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    # One schema that holds both, each under its `$id`, so that one can refer to the other.
    whole = {"$defs": schemas, "$ref": f"https://grammars.invalid/{JSON_FORMS[form]}"}
    return jsonschema.Draft202012Validator(whole)


def _against_grammar(root: Any, form: str) -> list[str]:
    grammar = _grammar(form)
    if form in JSON_FORMS:
        return [f"{error.json_path}: {error.message[:300]}" for error in grammar.iter_errors(root)]
    grammar.validate(root)
    return [f"line {error.line}: {error.message}" for error in grammar.error_log]


def _read_json(document: Document) -> None:
    feed = document.root
    document.updated, document.itself = feed["_feed"]["updated"], [feed["feed_url"]]
    document.gone = [(item["id"], item["when"]) for item in feed.get("_deleted", {"items": ()})["items"]]
    document.entries = [
        (item["id"], [item["date_published"], item["date_modified"]], [item.get("content_html", "")])
        for item in feed["items"]
    ]


def _read_xml(document: Document) -> None:
    document.updated = document.find("atom:updated | channel/lastBuildDate")[0].text
    document.itself = document.find("(. | channel)/atom:link[@rel='self'][@type]/@href")
    document.gone = [(gone.get("ref"), gone.get("when")) for gone in document.find("//at:deleted-entry")]
    for entry in document.find("atom:entry | channel/item"):
        paths = (
            "atom:id | guid",
            "atom:published | pubDate",
            "atom:updated",
            "atom:content | content:encoded",
        )
        ids, published, updated, html = (
            [found.text for found in entry.xpath(path, namespaces=SPACES)] for path in paths
        )
        document.entries.append((ids[0], published + updated, html))
