"""HTML by others as a tree, and a tree or plain text as one block after another.

A block is a line of plain text; or of HTML a heading, a paragraph, or a list, table or quotation as a whole.
Any text can be read, in bounded time. Only this module knows beautifulsoup4; others change its trees.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any

from bs4 import BeautifulSoup
from bs4.element import PreformattedString

from pprnet_feeds.content import markdown
from pprnet_feeds.content.text import clean, one_line

_BLOCK = markdown.BLOCK | frozenset("body fieldset form html label legend optgroup option select".split())
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_WHOLE = frozenset({"ul", "ol", "dl", "table", "blockquote", "pre", "figure", "hr", *_HEADINGS})
# Neither these elements nor what they hold is part of a text.
_LEFT_OUT = frozenset("head title nav footer noscript template svg math iframe object button".split())
_LEFT_OUT |= {"textarea", "script", "style"}
_EMPTY_LINE = re.compile(r"\n[ \t\r]*\n")
_PLAIN = re.compile(r"[\w ,.:;()-]{1,40}", re.ASCII)
# More or deeper markup cannot be read in time: only its words stay.
_TAGS = 150_000
_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Block:
    """One part of a page."""

    line: int  # where it begins, from 1
    text: str  # plain; one line, except in lists and tables; empty for pictures and footnotes
    element: Any = None  # the HTML; None for plain text

    @property
    def level(self) -> int:
        """Of a heading, 1 to 6; 0 for anything else."""
        return _HEADINGS.get(self.element.name, 0) if self.element is not None else 0


def parse(html: str) -> Any:
    """The tree of a page or a part of one; only paragraphs that lost all but their words have a class."""
    is_large = html.count("<") > _TAGS
    soup = BeautifulSoup(f"<body>{'' if is_large else html}", "lxml")
    level: list[Any] = [soup]
    for _ in range(_DEPTH):
        level = [child for each in level for child in each.contents if child.name]
    if level or is_large:
        lines = escape(_words(html)).split("\n")
        return BeautifulSoup("".join(f'<p class="words">{line}</p>' for line in lines), "lxml")
    for each in elements(soup):
        each.attrs.pop("class", None)
    return soup


def elements(tree: Any, *names: str) -> list[Any]:
    """The elements of a tree, or those with one of *names*; ten times as fast as find_all."""
    return [each for each in tree.descendants if each.name and (not names or each.name in names)]


def _words(html: str) -> str:
    return markdown.plain_text(markdown.whole_tags(html))


def text_of_html(text: str | None) -> str:
    """A title or summary that may be HTML, as plain text of one line."""
    return " ".join(_words(clean(text or "")[0]).split())


def blocks_of_text(text: str) -> list[Block]:
    """One block for each line of plain text that is not blank."""
    lines = ((number, one_line(line)) for number, line in enumerate(text.split("\n"), 1))
    return [Block(number, line) for number, line in lines if line]


def blocks_of_tree(soup: Any, source: str = "") -> list[Block]:
    """The blocks of a tree, with their lines in the *source* that it was made of.

    An empty line within loose text ends a paragraph, as in WordPress.
    """
    for each in [*soup.descendants]:
        if each.name in _LEFT_OUT or isinstance(each, PreformattedString):
            each.extract()
    ends = [match.start() for match in re.finditer("\n", source)]
    at, reach = max(source.lower().find("<body"), 0), len(source)
    found = []
    for part in _parts(soup.body):
        element = part
        if isinstance(part, list):
            if all(isinstance(node, str) and not node.strip() for node in part):
                continue
            element = soup.new_tag("p")
            element.extend(part)
        text = markdown.plain_text(str(element))
        if text or element.name in ("hr", "section") or elements(element, "img", "hr"):
            # The parser gives no places; words do, as long as they are found in the order of the blocks.
            if source and (words := _PLAIN.match(next(element.stripped_strings, ""))):
                # Words that are not there must not be looked for in all of a long source each time.
                place = source.find(words[0], at, at + reach)
                at, reach = (place, reach) if place >= 0 else (at, max(reach // 2, 100_000))
            found.append(Block(bisect_right(ends, at) + 1, text, element))
    return found


def _parts(parent: Any) -> Iterator[Any]:
    """The elements that stay whole, and the lists of nodes between them, which are paragraphs."""
    run: list[Any] = []
    for node in [*parent.contents]:
        node.extract()
        if node.name is None:
            first, *others = _EMPTY_LINE.split(node)
            run.append(first)
            for part in others:
                yield run
                run = [part]
        elif node.name == "br" and run and getattr(run[-1], "name", "") == "br":
            yield run
            run = []
        elif not _BLOCK.isdisjoint(each.name for each in [node, *node.descendants]):
            yield run
            run = []
            is_paragraph = node.name == "p" and not (node.br or _EMPTY_LINE.search(node.get_text()))
            is_whole = is_paragraph or node.name in _WHOLE or "class" in node.attrs
            yield from [node] if is_whole else _parts(node)
        else:
            run.append(node)
    yield run
