"""What must be true of anything that leaves here, whatever came in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any

import html5lib

from htmljudge import _inactive
from judges import judge_document
from pprnet_feeds.content import markdown
from pprnet_feeds.content.problems import Problem
from pprnet_feeds.syndication.catalogue import Catalogue

# XML 1.0 §2.2, and what HTML text may not hold: never in anything that leaves here.
FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def sound(catalogue: Catalogue, paths: list[str]) -> None:
    """Each document parses, is conformant and holds no forbidden character."""
    for path in paths:
        document = catalogue.document(path)
        if document is None:
            continue
        assert not FORBIDDEN.search(document.body.decode())
        found = judge_document(document.body, path)
        assert not found, (path, found)


def tellable(problems: Iterable[Problem], last: int = 10**9) -> None:
    """Problems can be shown to a person: one line each, without what would spoil a terminal."""
    for problem in problems:
        assert problem.what
        assert not FORBIDDEN.search(problem.what), problem
        assert "\n" not in problem.what, problem
        assert len(problem.what) < 1_000, problem
        assert 0 <= problem.line <= last, problem


def clean(value: Any) -> None:
    """No text in it, however deep, holds what no document may hold."""
    if isinstance(value, str):
        assert not FORBIDDEN.search(value), value[:200]
    elif is_dataclass(value):
        for part in fields(value):
            clean(getattr(value, part.name))
    elif isinstance(value, tuple):
        for part in value:
            clean(part)


def harmless(html: str) -> None:
    """Nothing of it acts in a browser, and every address is absolute."""
    assert not FORBIDDEN.search(html)
    # Where it may come to stand: in a page, and in the table or list of somebody's reader.
    for around in ("div", "td", "li"):
        tree = html5lib.parseFragment(html, container=around, namespaceHTMLElements=False)
        found = list(_inactive(tree))
        assert not found, found
        for element in tree.iter():
            assert str(element.tag) in markdown.ELEMENTS or element is tree, element.tag
            for name in ("href", "src"):
                value = element.get(name, "https:")
                assert value.startswith(("https:", "http:", "mailto:", "tel:")), value
