"""What a page must be, whatever is on it: judged by a parser that forgives nothing, and by our own rules.

html5lib reports every parse error of the HTML standard. The rules add what a
parser does not see and a person notices: a heading left out, a label that
names nothing, a script that the policy would stop.

Judges return what they found, as sentences; an empty list is a good page.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any
from xml.etree.ElementTree import Element

import html5lib

LARGEST_PAGE = 50_000
_VOID_OF_MEANING = set("acronym applet big center dir font frame frameset marquee strike tt u b i".split())
_CONTROLS = {"a", "button", "input", "select", "textarea", "label", "summary"}
_CHILDREN = {  # the only elements that may stand directly in these
    "ul": {"li"},
    "ol": {"li"},
    "dl": {"dt", "dd", "div"},
    "table": {"caption", "colgroup", "thead", "tbody", "tfoot"},
    "thead": {"tr"},
    "tbody": {"tr"},
    "tr": {"th", "td"},
    "select": {"option", "optgroup"},
}


def judge_page(body: bytes) -> list[str]:
    """Everything that is wrong with one page for people."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    page: Element = parser.parse(body, transport_encoding="utf-8")
    found = [f"line {line}: {code} {data}" for (line, _), code, data in parser.errors]
    found += [f"{len(body)} bytes"] if len(body) > LARGEST_PAGE else []
    for rule in (_head, _headings, _names, _labels, _nesting, _inactive, _absolute, _data):
        found += rule(page)
    return found


def links(body: bytes) -> list[str]:
    """Every address that a page leads to or loads, in order, but for pictures: those are the editors'."""
    elements = [element for element in _parse(body).iter() if element.tag != "img"]
    names = ("href", "src", "action")
    return [element.attrib[name] for element in elements for name in names if name in element.attrib]


def texts(body: bytes) -> str:
    """All that a page says, in its text and in the attributes that are read out."""
    page = _parse(body)
    said = ("alt", "title", "aria-label", "value", "content")
    attributes = [element.attrib[name] for element in page.iter() for name in said if name in element.attrib]
    return " ".join(["".join(page.itertext()), *attributes])


def ids(body: bytes) -> set[str]:
    """The names that a link can point to within a page."""
    return {element.attrib["id"] for element in _parse(body).iter() if "id" in element.attrib}


@cache
def _parse(body: bytes) -> Element:
    parsed: Element = html5lib.parse(body, namespaceHTMLElements=False, transport_encoding="utf-8")
    return parsed


def _head(page: Element) -> Iterator[str]:
    if not page.get("lang"):
        yield "the page does not say its language"
    for path in ("head/title", "head/meta[@charset]", "head/meta[@name='viewport']", ".//main", ".//h1"):
        count = len(page.findall(path))
        if count != 1:
            yield f"{count} times {path}"
    if not "".join(title.text or "" for title in page.iter("title")).strip():
        yield "no title"


def _headings(page: Element) -> Iterator[str]:
    before = 0
    for element in page.iter():
        if element.tag in {"h1", "h2", "h3", "h4", "h5", "h6"}:
            level = int(str(element.tag)[1])
            if level > before + 1:
                yield f"h{level} follows h{before}: {''.join(element.itertext())}"
            if not "".join(element.itertext()).strip():
                yield f"an empty h{level}"
            before = level


def _names(page: Element) -> Iterator[str]:
    ids = Counter(element.attrib["id"] for element in page.iter() if "id" in element.attrib)
    yield from (f"{count} elements have the id {id!r}" for id, count in ids.items() if count > 1)
    for element in page.iter():
        wanted = [element.attrib[name] for name in ("for", "list") if name in element.attrib]
        for name in ("aria-labelledby", "aria-describedby", "aria-controls", "headers"):
            wanted += element.get(name, "").split()
        if element.get("href", "").startswith("#"):
            wanted.append(element.attrib["href"][1:])
        yield from (
            f"<{element.tag}> refers to {name!r}, which is not there" for name in wanted if name not in ids
        )


def _labels(page: Element) -> Iterator[str]:
    labelled = {label.get("for") for label in page.iter("label")}
    labelled_by_nesting = {control for label in page.iter("label") for control in label.iter()}
    for element in page.iter():
        named = {"aria-label", "aria-labelledby", "title"} & set(element.attrib)
        if element.tag in {"input", "select", "textarea", "output"} and element.get("type") not in {
            "hidden",
            "submit",
        }:
            if not named and element.get("id") not in labelled and element not in labelled_by_nesting:
                yield f"a control without a label: {element.attrib}"
        elif element.tag in {"a", "button", "iframe"} and not named and not _said(element):
            yield f"<{element.tag}> says nothing: {element.attrib}"
        elif element.tag == "img" and not {"alt", "src"} <= set(element.attrib):
            yield f"a picture without words or address: {element.attrib}"


def _said(element: Element) -> bool:
    return bool("".join(element.itertext()).strip() or any(img.get("alt") for img in element.iter("img")))


def _nesting(page: Element) -> Iterator[str]:
    for element in page.iter():
        tag = str(element.tag)
        if tag in _VOID_OF_MEANING:
            yield f"<{tag}> means nothing"
        for child in element:
            if tag in _CHILDREN and child.tag not in _CHILDREN[tag]:
                yield f"<{child.tag}> stands in <{tag}>"
        if tag in _CONTROLS - {"label", "summary"}:
            inner = {str(one.tag) for one in element.iter() if one is not element} & _CONTROLS
            yield from (f"<{one}> stands in <{tag}>" for one in sorted(inner))


def _inactive(page: Element) -> Iterator[str]:
    for element in page.iter():
        for name, value in element.attrib.items():
            if name.startswith("on") or name == "style":
                yield f"<{element.tag}> has the attribute {name}"
            if value.strip().lower().startswith(("javascript:", "vbscript:", "data:")):
                yield f"<{element.tag} {name}> is active: {value[:40]}"
        if element.tag == "style":
            yield "a style sheet within the page, which the policy stops"
        if element.tag == "script" and "src" not in element.attrib and "json" not in element.get("type", ""):
            yield "a script within the page, which the policy stops"
        if element.tag == "a" and element.get("target") and "noopener" not in element.get("rel", ""):
            yield "a link to a new window without noopener"


def _absolute(page: Element) -> Iterator[str]:
    """A page may be kept by a cache under another name: nothing in it depends on where it is."""
    for element in page.iter():
        for name in ("href", "src", "action", "content"):
            value = element.get(name, "")
            told = element.tag == "meta" or element.get("rel") == "canonical"  # to programs elsewhere
            if element.tag == "meta" and element.get("property") not in {"og:url", "og:image"}:
                continue
            good = ("http://", "https://") if told else ("http://", "https://", "/", "#", "mailto:", "feed:")
            if value and not value.startswith(good):
                yield f"<{element.tag} {name}> is not absolute: {value}"


def _data(page: Element) -> Iterator[str]:
    """Structured data must be JSON that a program can read."""
    for script in page.iter("script"):
        if "json" in script.get("type", ""):
            try:
                data: Any = json.loads(script.text or "")
            except ValueError as error:
                yield f"structured data: {error}"
                continue
            if not isinstance(data, dict) or data.get("@context") != "https://schema.org":
                yield "structured data without its context"
