"""Telling an editor which active content is taken out of a post, and where.

A body may hold no script, style sheet, form, frame, event handler or link to
code. They are never served; this is how the editor learns of it. What is told
comes from the same tokens and the same list of elements as what is removed,
so that nothing goes in silence and an example in a code block is no fault.
"""

from __future__ import annotations

import html as entities
import re
from bisect import bisect_right
from collections.abc import Iterator
from urllib.parse import urljoin

from pprnet_feeds.content import fields, tags

SCHEMES = frozenset({"http", "https", "mailto", "tel"})

_CODE = frozenset({"style", "srcdoc", "formaction"})
_ADDRESSES = {
    "href": "link",
    "src": "image",
    **dict.fromkeys(
        ["action", "background", "cite", "data", "formaction", "longdesc", "ping", "poster", "xlink:href"],
        "address",
    ),
}

# URL standard §4.4: blanks around an address and tabs and line ends inside of it do not count.
_AROUND = "".join(map(chr, range(0x21)))
_INSIDE = re.compile(r"[\t\n\r]")
_NO_HOST = re.compile(r"(?i:(https?):(?!//)/*)")
_SLASHES = re.compile(r"\A(https?://)/+", re.IGNORECASE)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")

_POSITION = re.compile(r'<\w+ data-sourcepos="(\d{1,9}):(\d{1,9})-(\d{1,9}):(\d{1,9})"')

# How far behind the last known place a tag is looked for, in bytes.
_REACH = 20_000


def bare(address: str) -> str:
    """An address without the white space that a browser would not read."""
    return _INSIDE.sub("", address.strip(_AROUND))


def scheme(address: str) -> str:
    """The scheme of an address in lower case, empty for a relative one."""
    found = _SCHEME.match(bare(address))
    return found[1].lower() if found else ""


def absolute(address: str, base: str) -> str | None:
    """The web *address* of a body seen from *base* (RFC 3986 §5); None where it names no host that can be."""
    try:
        found = _NO_HOST.sub(r"\1://", urljoin(base, _SLASHES.sub(r"\1", bare(address))), count=1)
    except ValueError:
        return None
    return found if fields.has_host(found) or scheme(found) not in ("http", "https") else None


def find(html: str, source: str) -> list[tuple[int, str]]:
    """What is active in *html*, by the line of *source* (from 1) on which it was typed.

    *html* is what *source* gives, not yet sanitised, with ``data-sourcepos``
    as the first attribute of each element that came from Markdown. A tag that
    was typed has none: it is looked for behind the last place known.
    """
    last = source.count("\n") + 1  # a tag of many lines may end where the source has ended
    found = []
    for line, token in placed(html, source):
        if token.kind == "start":
            for at, what in _active(token):
                found.append((min(line + html.count("\n", token.start, at), last), what))
    return sorted(found, key=lambda pair: pair[0])


def placed(html: str, source: str) -> Iterator[tuple[int, tags.Token]]:
    """Each token of such *html* with the line of *source* on which it begins."""
    place = _Place(source)
    for token in tags.tokens(html):
        yield place.line(html, token), token


def _active(token: tags.Token) -> Iterator[tuple[int, str]]:
    """What of a start tag is removed, and where in the HTML it stands."""
    if token.name not in tags.ELEMENTS:
        # Told of every element that is not let through, not of a list of bad ones that is never whole.
        yield token.start, _a(f"<{token.name[:40]}> element")
    for name, value, at in token.attributes:
        if name.startswith("on") or name in _CODE:
            yield at, _a(f"{name[:40]} attribute")
        if name in _ADDRESSES:
            of = scheme(entities.unescape(value))
            if of and of not in SCHEMES:
                yield at, _a(f"{of[:40]}: {_ADDRESSES[name]}")
            elif (
                name in ("href", "src") and absolute(entities.unescape(value), "https://example.org/") is None
            ):
                yield at, _a(f"{_ADDRESSES[name]} with an impossible host or port")


def _a(words: str) -> str:
    return f"{'an' if words.lstrip('<')[:1] in 'aeiou' else 'a'} {words}"


class _Place:
    """Where in the source the HTML read so far has come from, in bytes, as comrak counts columns."""

    def __init__(self, source: str) -> None:
        self.source = source.encode()
        self.lines = [0, *(found.end() for found in re.finditer(b"\n", self.source))]
        self.cursor = 0
        self.open: list[tuple[str, int]] = []

    def line(self, html: str, token: tags.Token) -> int:
        """The line of the source on which *token*, the next one, begins."""
        return bisect_right(self.lines, self._start(html, token))

    def _start(self, html: str, token: tags.Token) -> int:
        if token.kind == "start" and (position := _POSITION.match(html, token.start)):
            line, column, last_line, last_column = map(int, position.groups())
            start, end = self._offset(line, column - 1), self._offset(last_line, last_column)
            if token.name in {"code", "img"}:  # nothing in there is markup
                self.cursor = end
            else:
                self.cursor = start
                self.open.append((token.name, end))
            return start
        if token.kind == "end" and self.open and self.open[-1][0] == token.name:
            self.cursor = self.open.pop()[1]
            return self.cursor
        return self._search(html, token)

    def _offset(self, line: int, column: int) -> int:
        return min(self.lines[min(max(line, 1), len(self.lines)) - 1] + max(column, 0), len(self.source))

    def _search(self, html: str, token: tags.Token) -> int:
        # Lines after the first may have lost the mark of a quote or the indent of a list.
        text = html[token.start : min(token.end, token.start + _REACH)].partition("\n")[0].encode()
        at = self.source.find(text, self.cursor, self.cursor + _REACH)
        while at > 0 and self.source[at - 1 : at] == b"\\":
            at = self.source.find(text, at + 1, self.cursor + _REACH)
        if at < 0:
            return self.cursor
        self.cursor = at + len(text)
        return at
