"""Warnings about the text of a post: markup that is removed, footnotes named twice, lost headings.

Only `check` and imports ask for them: finding the lines takes as long as rendering the text again.
"""

import html as entities
import re
from collections.abc import Iterator
from difflib import get_close_matches
from html.parser import HTMLParser
from urllib.parse import unquote

from pprnet_feeds.content import markdown, pasted
from pprnet_feeds.content.problems import Problem, quoted, some

_UNSAFE = "Take it out; say it in words, or with Markdown's own links and images."
_UPLOAD = "Put the picture on a web server and write its whole address, https://…."
_REPEATED = "Give it a name of its own; a mark can lead to one footnote only."
_LOST = (
    "Write `## Practice Implications` on a line of its own, with an empty line above and below; "
    "without it the post is not in the feeds of practice implications."
)
_TWICE = "Keep one, above the whole text of that section."
_UNWRITTEN = "`draft: true` keeps a post back until it is written."
_UNSAFE_ATTRIBUTES = frozenset({"style", "srcdoc", "formaction"})
_ADDRESSES = {"href": "link", "src": "image"} | dict.fromkeys(
    "action background cite data formaction longdesc ping poster xlink:href".split(), "address"
)
_DOUBTFUL = re.compile(r'(?:href|src)="(?!https?://(?:[\w-]{1,63}\.)*[\w-]{1,63}(?::\d{1,4})?[/?#"]|#)')
_LEADING = re.compile(r"\[|(?:href|src)\s*=\s*[\"']?(?!https?://|mailto:|#fn)", re.IGNORECASE)
# A mark without its footnote, a link or picture whose address holds a space or is not given, a bare link.
_SHOWN = re.compile(
    r"\[\^[^\]\s]+\]|!\[[^\[\]]*\]\([^()\n]*\)|\[[^\[\]]+\](?:\([^()\n]*[/.]\w[^()\n]*\)|\[[^\[\]0-9][^\[\]]*\])"
    r"|(?:!?\[(?![0-9])[^\[\]]+\] ?\(|\([^()\n]+\)\[)(?=https?://)|https?://[^\s<>\"]*[\w/]"
)
_FOOTNOTE = re.compile(r'<li data-sourcepos="([0-9]{1,9}):[^"]*" id="fn-([^"]*)">')
# Code and comments, which hold no markup.
_NO_MARKUP = re.compile(r"<!--.*?(?:-->|\Z)|(?<!`)(`+)(?!`)[^\n]{1,500}?(?<!`)\1(?!`)", re.DOTALL)
_POSITION = re.compile(r"(\d{1,9}):\d+-(\d{1,9}):")
_REACH = 1_000  # lines
_LONGEST_HEADING = 6  # words
# What Word writes into the HTML that it copies.
_OF_WORD = re.compile(r"a style attribute|an? <\w+:\S* element")
_CODE = re.compile(r"^ {0,3}(```|~~~).*?(?:^ {0,3}\1|\Z)|^(?: {4}|\t)[^\n]*", re.MULTILINE | re.DOTALL)
_LIKE_PRACTICE = re.compile(r"(?!.*\|)(?=.*\b(?:practi[cs]|clinic|therap))(?=.*\bimplication)", re.IGNORECASE)
_PRACTICE = re.compile(r"[#*_\s]*practice\s+implications[*_:#\s]*", re.IGNORECASE)
# Two words that may be these, misspelt.
_MISSPELT = re.compile(r"[#*_\s]*(\w{7,10}\s?\w{10,14})[*_:#\s]*")
# Without the space it is no heading.
_UNSPACED = re.compile(r"#+[^#\s]")
# A heading on the line of the text that it should be above.
_RUN_IN = re.compile(r"[^\w|]*practi[cs]es? +implications? *(?:[:*_]|</)", re.IGNORECASE)


def body_problems(body: str, body_line: int, file: str, is_finished: bool = False) -> list[Problem]:
    """All warnings about *body*, which begins on line *body_line* of *file*; a finished one has a text."""
    body = pasted.repaired(body)
    found, of_word = [], []
    for line, what in unsafe_html(body):
        if _OF_WORD.fullmatch(what):
            of_word.append((line, what))
        else:
            mend = _UPLOAD if what.endswith((" c: image", " file: image")) else _UNSAFE
            found.append((line, f"the text holds {what}, which is removed", mend))
    found += _pasted(body, body_line - 1, of_word)
    for line, name in repeated_footnotes(body):
        found.append((line, f"the footnote {quoted(f'[^{name}]')} is here a second time", _REPEATED))
    text = _CODE.sub(lambda code: "\n" * code[0].count("\n"), body)
    found += _headings(text, body)
    at = text.rfind("<!--")
    if at >= 0 and "-->" not in text[at:] and text[at - 1] != "`":
        what = "a comment is never closed, so readers see it"
        found.append((text.count("\n", 0, at) + 1, what, "Write --> at its end."))
    written = body.rstrip()
    last = written.rpartition("\n")[2]
    if is_finished and (not last or _PRACTICE.fullmatch(last)):
        mend = f"Write it{', or take the heading out' if last else ''}; {_UNWRITTEN}"
        found.append((written.count("\n") + 1, f"no text is below {quoted(last or '---')}", mend))
    return [Problem(file, body_line + line - 1, 0, what, mend, True) for line, what, mend in sorted(found)]


def _pasted(body: str, above: int, markup: list[tuple[int, str]]) -> list[tuple[int, str, str]]:
    """One warning for what a word processor left in a text *above* lines down: *markup* and lost forms."""
    parts, fix = [], "You can ignore this; text that is pasted without its format has none of it."
    if markup:
        line, what = markup[0]
        others = f" and {some(len(markup) - 1, 'thing')} like it" if len(markup) > 1 else ""
        parts = [(line, f"the text holds {what}{others}, which {'are' if others else 'is'} removed")]
    lost = pasted.unrepaired(body)
    for what in dict.fromkeys(what for _, what, _ in lost):
        lines = [line for line, each, _ in lost if each == what]
        more = f", and {len(lines) - 1} more" if len(lines) > 1 else ""
        parts.append((lines[0], f"{what} (line {lines[0] + above}{more})"))
    if lost:
        fix = f"Write line {lost[0][0] + above} like this: {lost[0][2]}"
    return [(min(parts)[0], "; ".join(what for _, what in parts), fix)] if parts else []


def unsafe_html(source: str) -> list[tuple[int, str]]:
    """What `markdown.render` removes from a body: the line, from 1, and such as ``a <script> element``."""
    html = markdown.to_html(source, positions=True)
    if html is None:
        return [(1, "far more markup than a post needs")]
    if not (markdown.RAW_TAG.search(source) or _DOUBTFUL.search(html)):
        return []
    found = sorted(_BodyParser(html, source).unsafe, key=lambda each: each[0])
    return [(line, f"{'an' if what.lstrip('<')[0] in 'aeiou' else 'a'} {what}") for line, what in found]


def addresses(source: str, host: str) -> list[tuple[int, str, str]]:
    """Where a body leads, if it may be to *host*: the line, from 1, `a` or `img`, the address as typed.

    With `text` comes what was meant as a link or a footnote's mark, and is shown to readers as typed.
    """
    html = markdown.to_html(source, positions=True) or ""
    if not (_LEADING.search(html) or host.lower() in html.lower()):
        return []
    return _BodyParser(html, source).addresses


def repeated_footnotes(source: str) -> list[tuple[int, str]]:
    """Every footnote whose name an earlier one has: its line, counted from 1, and the name."""
    html = markdown.to_html(source, positions=True) if source.count("[^") > 1 else None
    notes = sorted((int(line), name) for line, name in _FOOTNOTE.findall(html or ""))
    first: dict[str, int] = {}
    return [
        (line, unquote(entities.unescape(name)))
        for place, (line, name) in enumerate(notes)
        if first.setdefault(name.casefold(), place) != place
    ]


class _BodyParser(HTMLParser):
    """Collects unsafe markup and addresses with their lines, from HTML with the positions of Markdown.

    A tag that was typed as HTML has no position: it is looked for in the source, from the last known line.
    """

    def __init__(self, html: str, source: str) -> None:
        super().__init__()
        self.unsafe: list[tuple[int, str]] = []
        self.addresses: list[tuple[int, str, str]] = []
        self._source = source
        self._lines = _NO_MARKUP.sub(lambda found: "\n" * found[0].count("\n"), source).split("\n")
        self._line = 1
        self._offset = 0  # from a line of the HTML to that of the source
        self._verbatim = 0
        self._found_at = 0  # most are found in their order
        self.feed(markdown.whole_tags(html))
        self.close()

    def set_cdata_mode(self, elem: str, *, escapable: bool = False) -> None:
        """Read on after a script, whose text was removed."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what is unsafe in a tag, and where it leads."""
        typed = self.get_starttag_text() or ""
        line = self._line_of(tag, typed, attrs)
        self._verbatim += tag in ("a", "code", "pre")
        if tag not in markdown.ELEMENTS:
            # Report every element that is not allowed; no list of bad ones is complete.
            self.unsafe.append((line, f"<{tag[:40]}> element"))
        for name, value in attrs:
            at = min(line + typed[: typed.lower().find(name)].count("\n"), len(self._lines))
            self.unsafe += [(at, what) for what in _unsafe_in(name, value or "")]
            if tag in ("a", "img") and name in ("href", "src") and not (value or "").startswith("#fn"):
                self.addresses.append((line, tag, markdown.bare(value or "")))

    def handle_endtag(self, tag: str) -> None:
        self._verbatim -= tag in ("a", "code", "pre")

    def handle_data(self, data: str) -> None:
        """Note bare links, and what was meant as a link or a footnote's mark."""
        line, at = self.getpos()[0] + self._offset, 0
        for found in () if self._verbatim else _SHOWN.finditer(data):
            line, at = line + data.count("\n", at, found.start()), found.start()
            typed = re.compile(rf"(?<!\\){re.escape(found[0])}")
            if place := typed.search(self._source, self._found_at) or typed.search(self._source):
                self._found_at = place.start()
                self.addresses.append((line, "a" if found[0].startswith("http") else "text", found[0]))

    def _line_of(self, tag: str, typed: str, attrs: list[tuple[str, str | None]]) -> int:
        if attrs[:1] and attrs[0][0] == "data-sourcepos" and (position := _POSITION.match(attrs[0][1] or "")):
            line = int(position[1])
            self._line = int(position[2]) if tag in ("code", "pre", "img") else line
        else:
            # Later lines may have lost the mark of a quotation or the indent of a list.
            first = re.compile(rf"(?<!\\){re.escape(typed.split(chr(10))[0])}")
            numbers = range(self._line, min(self._line + _REACH, len(self._lines) + 1))
            self._line = line = next((n for n in numbers if first.search(self._lines[n - 1])), self._line)
        self._offset = line - self.getpos()[0]
        return line


def _unsafe_in(name: str, value: str) -> Iterator[str]:
    """What of an attribute is removed."""
    if name.startswith("on") or name in _UNSAFE_ATTRIBUTES:
        yield f"{name[:40]} attribute"
    if name in _ADDRESSES:
        of = markdown.scheme(value)
        if of and of not in markdown.SCHEMES:
            yield f"{of[:40]}: {_ADDRESSES[name]}"
        elif name in ("href", "src") and markdown.absolute(value, "https://example.org/") is None:
            yield f"{_ADDRESSES[name]} with an impossible host or port"


def _headings(text: str, body: str) -> Iterator[tuple[int, str, str]]:
    """The second heading of the practice section, or what only looks like one in a post that has none.

    *text* is the *body* without code; lines are counted from 1.
    """
    lines = ["", *text.split("\n"), ""]
    words = {n: found[1].lower() for n, line in enumerate(lines) if (found := _MISSPELT.fullmatch(line))}
    few = sorted(set(words.values()))[:_REACH]  # each takes long
    near = get_close_matches("practice implications", few, cutoff=0.91)
    alike = [n for n, line in enumerate(lines) if _LIKE_PRACTICE.match(line) or words.get(n) in near]
    has_one = alike and markdown.sections(markdown.render(body, base="https://x.invalid/", prefix=""))[1]
    seen = False
    for number in alike:
        above, typed, below = (line.strip() for line in lines[number - 1 : number + 2])
        right = _PRACTICE.fullmatch(typed)
        if right and not _UNSPACED.match(typed) and (typed.startswith("#") or not (above or below)):
            if seen:
                yield number, f"a second heading of the practice implications: {quoted(typed)}", _TWICE
            seen = True
            continue
        short = len(typed.split()) <= _LONGEST_HEADING
        if not has_one and (right or _RUN_IN.match(typed) or (short and (not above or typed[0] in "#*_<>-"))):
            what = f"this only looks like the heading of the practice implications: {quoted(typed)}"
            yield number, what, _LOST
