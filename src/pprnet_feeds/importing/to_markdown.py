"""HTML and plain text as Markdown that means the same.

Editors go on with the result, so it is as clean as typed text: no tags where Markdown has a sign, and a
backslash only where a reader would otherwise see something else. Each block is rendered again and compared
with its source. Where no Markdown means the same, the block stays as HTML.

A line above a text is a reference only when it can be read as one; anything else belongs to the text.
The only module that knows markdownify; `normalise`, too, knows beautifulsoup4.
"""

from __future__ import annotations

import html as entities
import re
from collections.abc import Iterable, Sequence
from typing import Any

from bs4 import BeautifulSoup
from markdownify import MarkdownConverter

from pprnet_feeds.content import markdown
from pprnet_feeds.content.model import Citation
from pprnet_feeds.importing.html import BLOCK, VOID, Block, HtmlToken, tokens
from pprnet_feeds.syndication.references import certain_authors, parse_reference

_DEPTH = 100
_TAGS = 10_000
_ITEMS = 2_000  # markdownify looks from each item of a list back to the first

_SIGN = re.compile(
    r"[\\`*\[]|_(?![A-Za-z0-9])|(?<![A-Za-z0-9])_|<(?=[A-Za-z/!?])|&(?=#?[A-Za-z0-9]+;)|~(?=.*~)|(?<=~)~"
)
# What begins a block at the beginning of a line (CommonMark §4, §5).
_OPENING = re.compile(r"(?:#{1,6}(?=\s|$)|[-+](?=\s|$)|>|=+\s*$|-{2,}\s*$|~{3})")
_NUMBER = re.compile(r"([0-9]{1,9})(?=[.)](?:\s|$))")
_BLANK = re.compile(r"[ \t\n\f\r]+")
_NO_ADDRESS = re.compile(r"[\s()<>]")
_ATTRIBUTE = re.compile(r"([a-z-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE)
_MARK = re.compile(r"\[\^[A-Za-z0-9-]+\]")
# Elements that end where the next one begins, so many of them are not deep.
_EMPTY_LINES = re.compile(r"\n\s*\n")
_PRE = re.compile(r"<pre\b.*?</pre>", re.DOTALL)
_ENDED_BY_NEXT = VOID | frozenset("dd dt li option p td th tr".split())

# How words look within an element, under one name for what looks the same.
_LOOKS = {
    **{name: name for name in "em strong code u ins mark sub sup q ul ol li dt dd td blockquote".split()},
    **{f"h{level}": f"h{level}" for level in range(1, 7)},
    **{"i": "em", "b": "strong", "del": "del", "s": "del", "strike": "del", "th": "td", "pre": "code"},
    **dict.fromkeys(("kbd", "samp", "tt"), "code"),
}
_SKIPPED = "skipped"
_ITEMS_OF = {"li": ("ul", "ol"), "dt": ("dl",), "dd": ("dl",), "td": ("table",), "th": ("table",)}


def escape(text: str, *, begins: bool = True) -> str:
    """One line of plain text as Markdown that shows exactly that text.

    *begins* says whether it may be at the beginning of a line.
    """
    text = _SIGN.sub(r"\\\g<0>", _BLANK.sub(" ", text).strip(" "))
    if begins and _OPENING.match(text):
        return "\\" + text
    return _NUMBER.sub(r"\1\\", text, count=1) if begins and _NUMBER.match(text) else text


def to_markdown(blocks: Sequence[str]) -> str:
    """The HTML of blocks as Markdown, without anything active in it.

    All at once, and where that does not show the same, one after another.
    """
    if len(blocks) != 1:
        pieces = list(tokens("\n".join(map(_as_block, blocks))))
        whole = None if is_excessive(pieces) else _converted(pieces, whole=True)
        each = (to_markdown([block]) for block in blocks)
        return "\n\n".join(filter(None, each)) if whole is None else whole
    pieces = list(tokens(blocks[0]))
    if is_excessive(pieces):
        words = markdown.plain_text("".join(piece.html for piece in pieces))
        return "\n\n".join(filter(None, map(escape, words.splitlines())))
    return _converted(pieces) or ""


def _converted(pieces: Sequence[HtmlToken], *, whole: bool = False) -> str | None:
    """HTML as Markdown; where no Markdown shows the same, None for a *whole* text, and else HTML."""
    soup = BeautifulSoup(f"<div>{''.join(piece.html for piece in pieces)}</div>", "lxml")
    if soup.div is None:
        return ""
    notes = [
        note.extract()
        for section in soup.find_all("section", class_="footnotes")
        for note in section.extract().find_all("li")
    ]
    try:
        text = _CONVERTER.convert_soup(soup)
        text = "\n".join(line if line.strip() else "" for line in text.strip().split("\n"))
    except (ValueError, RecursionError):  # such as a list that begins at number ²
        text = ""
    clean = "" if whole else _cleaned(soup.div)
    if _looks(tokens(_rendered(text))) != _looks(pieces if whole else tokens(clean)):
        if whole:
            return None
        # Within HTML no mark of a footnote is read.
        text = text if "[^" in text else _as_block(clean)
    return "\n\n".join(filter(None, [text, *map(_footnote, notes)]))


def _as_block(html: str) -> str:
    name = html[1:].partition(">")[0].partition(" ")[0].lower()
    return html if html.startswith("<") and name in markdown.BLOCK else f"<p>{html}</p>"


def is_excessive(pieces: Sequence[HtmlToken]) -> bool:
    """Whether a text has more markup, or deeper, than can be read in time, so that only its words stay."""
    depth = deepest = items = 0
    for piece in pieces:
        if piece.name and piece.name not in _ENDED_BY_NEXT:
            depth += -1 if piece.is_end else 1
            deepest = max(deepest, depth)
        items += piece.name == "li"
    return deepest > _DEPTH or len(pieces) > 2 * _TAGS or items > 2 * _ITEMS


def _attributes(tag: str) -> dict[str, str]:
    found = ((each[1].lower(), each[2] or each[3] or each[4] or "") for each in _ATTRIBUTE.finditer(tag))
    return {name: entities.unescape(value) for name, value in found}


def _rendered(text: str) -> str:
    """Markdown as HTML, with its marks of footnotes, whose notes are elsewhere."""
    notes = "".join(f"\n\n{mark}: ." for mark in dict.fromkeys(_MARK.findall(text)))
    return markdown.to_html(text + notes) or ""


def _looks(pieces: Iterable[HtmlToken]) -> list[tuple[tuple[str, ...], str]]:
    """What a reader sees of HTML: its words and pictures in order, and how they look.

    The same for the same look: white space at the edges of elements and empty elements are not seen.
    """
    runs: list[tuple[tuple[str, ...], list[str]]] = []
    opened: list[tuple[str, str]] = []  # elements, and how they look
    gap = waiting = ""  # what shows only together with the next word
    in_notes = False

    def show(words: str) -> None:
        nonlocal gap, waiting
        look = tuple(sorted({look for _, look in opened if look}))
        gap = gap if runs else ""
        if not runs or runs[-1][0] != look:
            runs.append((look, []))
        runs[-1][1].extend((waiting or gap, words))
        gap = waiting = ""

    for piece in pieces:
        name = piece.name
        in_notes = in_notes or (name == "section" and "footnotes" in piece.html)
        if in_notes:
            continue
        if not name:
            if any(look == _SKIPPED for _, look in opened):
                continue
            text = entities.unescape(piece.html)
            if any(each == "pre" for each, _ in opened):
                text = text.replace("\n", "\0")
            for place, line in enumerate(text.split("\0")):
                waiting += "\n" if place and runs and "code" in runs[-1][0] else ""
                words = " ".join(filter(None, _BLANK.split(line)))
                gap = " " if gap or _BLANK.match(line) else ""
                if words:
                    show(words)
                    gap = " " if line[-1:] in " \t\n\f\r" else ""
            continue
        if name in _ITEMS_OF and not piece.is_end:
            for place in range(len(opened) - 1, -1, -1):
                if opened[place][0] in _ITEMS_OF[name]:
                    break
                if opened[place][0] in _ITEMS_OF:
                    del opened[place:]
        if name in markdown.BLOCK:
            waiting, gap = waiting.replace("\n", ""), " "
        if piece.is_end:
            waiting = "" if name in _ITEMS_OF else waiting
            place = max((at for at, each in enumerate(opened) if each[0] == name), default=len(opened))
            del opened[place:]
        elif name == "br":
            waiting += "\n"
        elif name == "hr":
            show("---")
        elif name == "img":
            given = _attributes(piece.html)
            if address := safe_address(given.get("src")):
                show(f"![{' '.join(given.get('alt', '').split())}]({address})")
        elif name not in VOID:
            given = _attributes(piece.html) if name in ("a", "abbr", "sup") else {}
            look = safe_address(given.get("href")) if name == "a" else _LOOKS.get(name, "")
            look = f"abbr {given.get('title', '')}" if name == "abbr" else look
            if given.get("class") == "footnote-ref":
                show("[^]")
                look = _SKIPPED
            opened.append((name, look))
            waiting += "\0" if name in _ITEMS_OF else ""
    return [(look, "".join(words)) for look, words in runs]


def safe_address(address: str | None) -> str:
    """An address as it may be in Markdown; empty when it leads to code."""
    address = markdown.bare(address or "")
    if address and markdown.scheme(address) not in markdown.SCHEMES | {""}:
        return ""
    return _NO_ADDRESS.sub(lambda sign: f"%{ord(sign[0]):02X}", address)


def _picture(given: dict[str, str]) -> str:
    address = safe_address(given.get("src"))
    alt = escape(given.get("alt") or "", begins=False).replace("]", "\\]")
    return f"![{alt}]({address})" if address else ""


def _cleaned(element: Any) -> str:
    """What is in an element as HTML that Markdown leaves as it is: nothing active, and no empty line."""
    for each in element.find_all(True):
        if each.name not in markdown.ELEMENTS:
            each.unwrap()
            continue
        known = markdown.ATTRIBUTES.get(each.name, set()) | {"title", "lang", "dir"}
        each.attrs = {name: value for name, value in each.attrs.items() if name in known}
        for name in ("href", "src"):
            if name in each.attrs:
                each[name] = safe_address(each[name])
    html = _PRE.sub(lambda pre: pre[0].replace("\n", "&#10;"), element.decode_contents().strip())
    return _EMPTY_LINES.sub("\n", html)


_Library: Any = MarkdownConverter  # its types leave out what is there to be overridden


class _Converter(_Library):  # type: ignore[misc]
    """Markdown with our own escapes, and with marks of footnotes."""

    _begins = True

    def convert_video(self, el: Any, text: str, parent_tags: set[str]) -> str:
        return text

    def convert_ins(self, el: Any, text: str, parent_tags: set[str]) -> str:
        """An element for which Markdown has no sign stays as it is."""
        words = text.strip() if "_noformat" not in parent_tags else ""
        return text.replace(words, f"<{el.name}>{words}</{el.name}>") if words else text

    convert_del = convert_s = convert_mark = convert_u = convert_sub = convert_ins

    def process_text(self, el: Any, parent_tags: set[str] | None = None) -> str:
        before = el.previous_sibling
        self._begins = before is None or before.name == "br" or before.name in BLOCK
        text = str(super().process_text(el, parent_tags))
        return text.lstrip(" ") if before is not None and before.name == "br" else text

    def escape(self, text: str, parent_tags: set[str]) -> str:
        if not text.strip():
            return text
        before, after = text[: -len(text.lstrip())], text[len(text.rstrip()) :]
        escaped = escape(text.strip(), begins=self._begins)
        if "td" in parent_tags or "th" in parent_tags:
            escaped = escaped.replace("|", "\\|")
        if "a" in parent_tags:
            escaped = escaped.replace("]", "\\]")
        return f"{before}{escaped}{after}"

    def convert_a(self, el: Any, text: str, parent_tags: set[str]) -> str:
        if "footnote-backref" in (el.get("class") or ()):
            return ""
        el["href"] = safe_address(el.get("href"))
        return str(super().convert_a(el, text, parent_tags))

    def convert_img(self, el: Any, text: str, parent_tags: set[str]) -> str:
        return _picture(el.attrs)

    def convert_sup(self, el: Any, text: str, parent_tags: set[str]) -> str:
        if "footnote-ref" in (el.get("class") or ()) and el.a is not None:
            return f"[^{_note_name(el.a.get('href'))}]"
        return str(self.convert_ins(el, text, parent_tags))


# With no width, line ends within a paragraph become spaces, and nothing is cut.
_CONVERTER = _Converter(heading_style="atx", bullets="-", wrap=True, wrap_width=None)


def _note_name(place: str | None) -> str:
    """The name of a footnote in the address or id of its place."""
    return re.sub(r"[^A-Za-z0-9-]", "", (place or "").rpartition("-fn-")[2]) or "1"


def _footnote(note: Any) -> str:
    for link in note.find_all("a", class_="footnote-backref"):
        link.decompose()
    text = to_markdown([note.decode_contents()]).replace("\n", "\n    ").replace("\n    \n", "\n\n")
    return f"[^{_note_name(note.get('id'))}]: {text}"


_PRACTICE = "<h2>Practice Implications</h2>"
_LONGEST_REFERENCE = 1_000
_LONGEST_HTML = 2_000_000


def is_reference(block: Block) -> bool:
    """Whether a block is a printed reference: authors, a year in brackets, a work."""
    fits = len(block.text) <= _LONGEST_REFERENCE and "\n" not in block.text and not block.level
    return fits and certain_authors(block.text) != ()


def is_practice(block: Block) -> bool:
    """Whether a block is the heading of the practice implications."""
    words = block.text[:40].casefold().rstrip(" :").split()
    return len(block.text) < 40 and words == ["practice", "implications"]


def compose(blocks: Sequence[Block], shown: Sequence[str] = ()) -> tuple[tuple[Citation, ...], str]:
    """The references above a text, and the text as Markdown without them.

    *shown* are references that are known already and are above the text only
    because a feed shows them there: they are taken away and not read.
    """
    known = tuple(letters for text in shown if (letters := _letters(text)))
    cites: list[Citation] = []
    rest = list(blocks)
    while rest and ((is_known := _letters(rest[0].text).startswith(known)) or is_reference(rest[0])):
        block = rest.pop(0)
        cites += [] if is_known else [parse_reference(" ".join(block.text.split()))]
    if sum(len(block.html) for block in rest) > _LONGEST_HTML:  # the post will be refused for its length
        text = "\n\n".join(escape(each.text) for each in rest)
    else:
        text = to_markdown(
            [_PRACTICE if is_practice(each) and each.level != 2 else each.source for each in rest]
        )
    return tuple(cites), f"{text}\n" if text else ""


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))
