"""What is wrong with the HTML inside a feed, whichever format carries it.

Readers show this HTML far from our site: what is relative points nowhere, what
is active is an attack or is thrown away, and what is left open swallows the
rest of the reader's page. Read with the standard library's parser, which is
not the one that made it.

Never repairs anything, and never raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from html.parser import HTMLParser

from pprnet_feeds.syndication.rules import Finding
from pprnet_feeds.syndication.shapes import SEEN, is_absolute, words

_ADDRESSES = words("action background cite data formaction href longdesc poster src")
_ACTIVE = words(
    "applet base embed form frame frameset iframe link math meta object script style svg template"
)
_VOID = words("area base br col embed hr img input link meta param source track wbr")
_MARKED_SECTION = ("a marked section in the HTML", "Take out what begins with `<![`.")
_DANGEROUS = re.compile(r"(?:javascript|vbscript|data):", re.I)

OPEN_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, str]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _ACTIVE:
            self.found.append((f"`<{tag}>` in the HTML", "Take it out: readers refuse it."))
        for name, value in attrs:
            self._attribute(tag, name, value or "")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        elif tag not in _VOID:
            self.found.append((f"`</{tag}>` closes nothing in the HTML", "Nest the elements properly."))

    def handle_decl(self, decl: str) -> None:
        self.found.append(("a declaration in the HTML", "Send a fragment, not a document."))

    def unknown_decl(self, data: str) -> None:
        self.found.append(_MARKED_SECTION)

    def handle_comment(self, data: str) -> None:
        if data.startswith("["):  # how later versions of the parser tell of a marked section
            self.found.append(_MARKED_SECTION)

    def _attribute(self, tag: str, name: str, value: str) -> None:
        here = f"`{name}` of `<{tag}>` in the HTML"
        if name.startswith("on") or name in {"style", "srcdoc"}:
            self.found.append((here, "Take the attribute out: readers refuse it."))
        elif name in _ADDRESSES and _DANGEROUS.match(value.strip()):
            self.found.append((f"{here} is active: {value[:60]!r}", "Link to an address of the web."))
        elif name in _ADDRESSES and not is_absolute(value):
            self.found.append(
                (f"{here} is relative: {value[:60]!r}", "Join it with the permalink: readers know no base.")
            )
        elif name == "srcset":
            relative = [part.split()[0] for part in value.split(",") if part.split()]
            self.found.extend(
                (f"{here} is relative: {address[:60]!r}", "Join it with the permalink: readers know no base.")
                for address in relative
                if not is_absolute(address)
            )


def html_findings(where: str, html: str) -> Iterator[Finding]:
    """Tell what is relative, active or badly nested in *html*, a fragment that stands at *where*."""
    for what, mend in _found(html):
        yield Finding(where, what, mend)


@lru_cache(SEEN)
def _found(html: str) -> tuple[tuple[str, str], ...]:
    reader = _Reader()
    try:
        reader.feed(html)
        reader.close()
    except AssertionError:  # how the standard library says `<![` leads nowhere
        reader.found.append(_MARKED_SECTION)
    else:
        reader.found.extend(
            (f"`<{tag}>` is never closed in the HTML", f"Close it with `</{tag}>`.") for tag in reader.open
        )
    return tuple(reader.found)
