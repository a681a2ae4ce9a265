"""Raw HTML taken apart into tags, and put in order before it is sanitised.

A post may hold HTML of its own. The tokens are those of the HTML standard
(§13.2.5), so that what a browser takes for a tag is a tag here. The sanitiser
has the last word on what is safe; `tame` goes before it because its parser
takes quadratic time over deep, crossed and overloaded tags, and because of
each thing that is dropped here somebody can say on which line it was.

Never decides by guessing what an author meant: a tag that has no end is text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Literal, NamedTuple

# How deep elements may stand in each other. Tags further in are dropped, what they hold stays.
DEPTH = 100

# After so many constructs without an end the rest of a body is text; each costs a look to the end.
_UNFINISHED = 5

VOID = frozenset("br col hr img wbr".split())
BLOCK = frozenset(
    "address article aside blockquote caption center col colgroup dd details div dl dt figcaption figure"
    " footer h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section summary table tbody td tfoot th"
    " thead tr ul".split()
)
_INLINE = frozenset(
    "a abbr b bdi bdo big br cite code data del dfn em i img ins kbd mark q rp rt ruby s samp small span"
    " strike strong sub sup time tt u var wbr".split()
)

ELEMENTS = BLOCK | _INLINE

ATTRIBUTES: dict[str, frozenset[str]] = {
    "*": frozenset({"dir", "id", "lang", "title"}),
    "a": frozenset({"aria-label", "href"}),
    "col": frozenset({"span"}),
    "colgroup": frozenset({"span"}),
    "data": frozenset({"value"}),
    "img": frozenset({"alt", "height", "src", "width"}),
    "li": frozenset({"value"}),
    "ol": frozenset({"reversed", "start", "type"}),
    "td": frozenset({"align", "colspan", "rowspan"}),
    "th": frozenset({"align", "colspan", "rowspan", "scope"}),
    "time": frozenset({"datetime"}),
}

# The marks by which footnotes are known again.
CLASSES: dict[str, str] = {"a": "footnote-backref", "section": "footnotes", "sup": "footnote-ref"}

_KEPT = {name: ATTRIBUTES["*"] | ATTRIBUTES.get(name, frozenset()) for name in ELEMENTS}
_KEPT |= {name: _KEPT[name] | {"class"} for name in CLASSES}

# Elements whose end tag may be left out, and what closes them (HTML §13.1.2.4).
_CELL = frozenset({"td", "th"})
_ROWS = _CELL | {"tr", "thead", "tbody", "tfoot", "caption", "colgroup"}
_ENDED_BY: dict[str, frozenset[str]] = {
    "li": frozenset({"li"}),
    "dt": frozenset({"dt", "dd"}),
    "dd": frozenset({"dt", "dd"}),
    "td": _CELL,
    "th": _CELL,
    "tr": _CELL | {"tr", "caption", "colgroup"},
    "thead": _ROWS,
    "tbody": _ROWS,
    "tfoot": _ROWS,
}

# What a table holds itself. Anything else in it a parser would move before the table, slowly.
_TABLE = frozenset({"table", "colgroup", "thead", "tbody", "tfoot", "tr"})
_TABLE_PARTS = _ROWS | {"col"}

_NAME = re.compile(r"</?([A-Za-z][^\t\n\f\r />]*)")
_ATTRIBUTE = re.compile(
    r"[\t\n\f\r /]*(?:(>)|([^\t\n\f\r />][^\t\n\f\r />=]*)"
    r"(?:[\t\n\f\r ]*=[\t\n\f\r ]*(?:\"([^\"]*)(\"?)|'([^']*)('?)|([^\t\n\f\r >]*)))?)"
)
_COMMENT = re.compile(r"<!--(?:-?>|.*?--!?>)", re.DOTALL)
_CODE_END = {name: re.compile(rf"</{name}(?=[\t\n\f\r />])", re.IGNORECASE) for name in ("script", "style")}


class Token(NamedTuple):
    """A stretch of HTML.

    Attributes:
        kind: a *comment* is also what stands inside of a script or a style sheet.
        start: where it begins.
        end: where it ends, exclusive.
        name: of a tag, in lower case.
        attributes: name in lower case, value as typed, where it begins.
    """

    kind: Literal["text", "comment", "start", "end"]
    start: int
    end: int
    name: str = ""
    attributes: tuple[tuple[str, str, int], ...] = ()


def tokens(html: str) -> Iterator[Token]:
    """All of *html* in its order.

    A declaration, a processing instruction and a CDATA section are text, as
    is everything that has no end.
    """
    position = unfinished = 0
    while unfinished < _UNFINISHED:
        at = html.find("<", position)
        if at < 0:
            break
        if at > position:
            yield Token("text", position, at)
        token = _token(html, at)
        if token is None:
            unfinished += 1
            token = Token("text", at, at + 1)
        yield token
        position = token.end
        if token.kind == "start" and token.name in _CODE_END:
            end = _CODE_END[token.name].search(html, position)
            if end is None:
                unfinished += 1
            elif end.start() > position:
                yield Token("comment", position, end.start())
                position = end.start()
    if position < len(html):
        yield Token("text", position, len(html))


def _token(html: str, at: int) -> Token | None:
    """The token that the ``<`` at *at* begins, None when it does not end."""
    if name := _NAME.match(html, at):
        return _tag(html, at, name)
    if html.startswith("<!--", at):
        comment = _COMMENT.match(html, at)
        return Token("comment", at, comment.end()) if comment else None
    if html.startswith(("<!", "<?"), at):
        end = html.find(">", at)
        return Token("text", at, end + 1) if end > 0 else None
    return Token("text", at, at + 1)


def _tag(html: str, at: int, name: re.Match[str]) -> Token | None:
    attributes: dict[str, tuple[str, int]] = {}
    position = name.end()
    while found := _ATTRIBUTE.match(html, position):
        position = found.end()
        if found[1]:
            pairs = tuple((key, *value) for key, value in attributes.items())
            return Token("end" if html[at + 1] == "/" else "start", at, position, name[1].lower(), pairs)
        if found[4] == "" or found[6] == "":
            return None
        # Of two attributes with one name the first counts.
        value = found[3] or found[5] or found[7] or ""
        attributes.setdefault(found[2].lower(), (value, found.start(2)))
    return None


def tame(html: str) -> str:
    """The same text with nothing but known, well nested tags and known attributes.

    Elements stand at most `DEPTH` deep, and no block stands in an inline
    element: a parser would open the inline elements anew in every block.
    A table ends before what may not stand in it.
    """
    out: list[str] = []
    open_: list[str] = []
    too_deep: Counter[str] = Counter()

    def close(names: frozenset[str]) -> None:
        while open_ and open_[-1] in names:
            out.append(f"</{open_.pop()}>")

    for kind, start, end, name, attributes in tokens(html):
        if kind == "text":
            text = html[start:end]
            if text.strip():
                close(_TABLE)
            out.append(text.replace("<", "&lt;"))
        elif kind == "comment" or name not in ELEMENTS:
            continue
        elif kind == "start":
            if name not in _TABLE_PARTS:
                close(_TABLE)
            if name in BLOCK:
                close(_INLINE | {"p"} | _ENDED_BY.get(name, frozenset()))
            elif name == "a" and "a" in open_:
                _close_through("a", open_, out)
            if name not in VOID:
                if len(open_) >= DEPTH:
                    too_deep[name] += 1
                    continue
                open_.append(name)
            out.append(_written(name, attributes))
        elif too_deep[name]:
            too_deep[name] -= 1
        elif name in open_:
            _close_through(name, open_, out)
    out.extend(f"</{name}>" for name in reversed(open_))
    return "".join(out)


def _close_through(name: str, open_: list[str], out: list[str]) -> None:
    last = ""
    while last != name:
        last = open_.pop()
        out.append(f"</{last}>")


def _written(name: str, attributes: tuple[tuple[str, str, int], ...]) -> str:
    kept = _KEPT[name]
    # A value stays as it was typed, entities and all; only the quotes around it may be others.
    pairs = [
        ' {}="{}"'.format(key, value.replace('"', "&quot;")) for key, value, _ in attributes if key in kept
    ]
    return f"<{name}{''.join(pairs)}>"
