"""Judges from outside: what other people's programs say of our documents.

Our own rules could share a mistake with the code they judge. These had no part
in either: feedparser, which half of the small readers are built on, and the
JSON Feed schema of the npm registry. They import only what the tests have.

A judge returns what it read, for further assertions, or fails the test.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import feedparser
import jsonschema

_SCHEMA = json.loads(
    (Path(__file__).parent / "schemas/jsonfeed/schema-v1.1.json").read_text(encoding="utf-8")
)


def judge_feedparser(body: bytes) -> Any:
    """Read an Atom or RSS document as feedparser does: well-formed at once, and without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parsed = feedparser.parse(body)
    assert not parsed.bozo, parsed.get("bozo_exception")
    assert parsed.version in {"atom10", "rss20"}, f"read as {parsed.version!r}"
    return parsed


def judge_json_schema(body: bytes) -> Any:
    """Hold a JSON document against the schema of JSON Feed 1.1."""
    document = json.loads(body)
    jsonschema.Draft7Validator.check_schema(_SCHEMA)
    found = sorted(error.message for error in jsonschema.Draft7Validator(_SCHEMA).iter_errors(document))
    assert not found, found
    return document
