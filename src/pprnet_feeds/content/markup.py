"""A post's Markdown made into HTML that may stand in any reader, and read back.

Feeds are shown inside other people's programs and pages. Whatever a body
holds, what leaves here has nothing active in it, only absolute addresses and
ids that no other post has, and is clean for XML 1.0. CommonMark with
footnotes and tables is drawn by comrak, made safe by nh3.

Never takes long: a body that asks for far more markup than it has words is
shown as it was typed. The only module that knows comrak and nh3.
"""

from __future__ import annotations

import html as entities
import re
import threading
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

import comrak
import nh3

from pprnet_feeds.content import active, characters, tags

# Bounds on what one body may ask for: cells of tables (comrak fills up short rows without a limit
# of its own, which turns 10 kB into 20 MB) and tags and entities for the sanitiser to read.
_CELLS = 50_000
_MARKS = 60_000

_EXTENSIONS = comrak.ExtensionOptions()
_EXTENSIONS.footnotes = True
_EXTENSIONS.table = True
_EXTENSIONS.strikethrough = True
_PARSING = comrak.ParseOptions()
_PLAIN = comrak.RenderOptions()
_PLAIN.unsafe_ = True
_PLACED = comrak.RenderOptions()
_PLACED.unsafe_ = True
_PLACED.sourcepos = True

# All that CommonMark takes for HTML (§4.6, §6.6) begins like this, and no autolink does.
_RAW_TAG = re.compile(r"<(?:[/!?]|[A-Za-z][A-Za-z0-9-]*(?:[\s/>]|\Z))")
# A list is two elements deep; the others, such as a link in a cell of a table, are few.
_NESTING = ("<blockquote", "<ul", "<ul", "<ol", "<ol", "<em", "<strong")
_OTHERS = 10
_DOUBTFUL = re.compile(r'(?:href|src)="(?!https?://(?:[\w-]{1,63}\.)*[\w-]{1,63}(?::\d{1,4})?[/?#"]|#)')
_LEADING = re.compile(r"\[|(?:href|src)\s*=\s*[\"']?(?!https?://|mailto:|#fn)", re.IGNORECASE)
# A mark without its footnote, and a link or picture whose address has a blank in it or is not given.
_UNDEFINED = re.compile(
    r"\[\^[^\]\s]+\]|!\[[^\[\]]*\]\([^()\n]*\)|\[[^\[\]]+\](?:\([^()\n]*[/.]\w[^()\n]*\)|\[[^\[\]0-9][^\[\]]*\])"
)
_PARAGRAPH = re.compile(r"\n[ \t]*\n")

_FOOTNOTES = re.compile(r'<section class="footnotes">.*?</section>', re.DOTALL)
_FOOTNOTE = re.compile(r'<li data-sourcepos="([0-9]{1,9}):[^"]*" id="fn-([^"]*)">')
_FOOTNOTE_MARK = re.compile(r'<sup class="footnote-ref">.*?</sup>', re.DOTALL)
# What the sanitiser leaves of a picture whose address it refused: its words are kept. Within values
# it escapes < and >.
_NO_PICTURE = re.compile(r'<img(?![^<>]* src=")(?:[^<>]* alt="([^"<>]*)")?[^<>]*>')
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)[^<>]*>")
# The levels of headings; a paragraph that is one counts as the second.
_LEVELS = {"p": 2} | {f"h{level}": level for level in range(1, 7)}
_LONGEST_HEADING = 1_000
_NOT_RUNNING = frozenset("h1 h2 h3 h4 h5 h6 ul ol dl table figure pre summary".split())
# A heading in bold, and a picture with its caption.
_NOT_A_PARAGRAPH = re.compile(
    r"<p>\s*<(strong|b)>(?:(?!</?\1>|[.!]</).){1,200}</\1>\s*:?\s*</p>"
    r"|<p>\s*<img[^<>]*>\s*<(em|i)>(?:(?!</?\2>).){1,500}</\2>\s*</p>",
    re.DOTALL,
)
_UNENDED = re.compile(r"(?<![.!?…:;,–—-])(?<![.!?…:;][\"'”’»)\]])\n")
_BLANK = re.compile(r"[ \t\n\f\r]+")
_SPACES = re.compile(r" {2,}")
_BREAKS = re.compile(r" *\n[ \n]*")


def render(source: str, *, base: str, prefix: str) -> str:
    """The HTML of a body.

    *base* is the permalink, with a slash at its end: relative addresses are
    resolved against it (RFC 3986 §5). *prefix* comes before each id and each
    fragment that leads to one.
    """
    html = _drawn(source, _PLAIN)
    if html is None:
        return characters.clean(f"<pre>{entities.escape(source, quote=False)}</pre>")[0]
    if _may_be_deep(html) or _RAW_TAG.search(source):
        html = tags.tame(html)
    _place.base, _place.prefix = base, prefix
    safe = _CLEANER.clean(html)
    return characters.clean(_NO_PICTURE.sub(lambda tag: tag[1] or "", safe))[0]


def active_content(source: str) -> list[tuple[int, str]]:
    """What `render` takes out of a body: the line, counted from 1, and what it was.

    Such as ``(3, "a <script> element")``, ``(4, "an onclick attribute")`` or
    ``(7, "a javascript: link")``, in the order of the lines.
    """
    html = _drawn(source, _PLAIN)
    if html is None:
        return [(1, "far more markup than a post needs")]
    if not (_RAW_TAG.search(source) or _DOUBTFUL.search(html)):
        return []
    return active.find(comrak.render_markdown(source, _EXTENSIONS, _PARSING, _PLACED), source)


def addresses(source: str, host: str) -> Iterator[tuple[int, str, str]]:
    """Where a body leads, if it may be to *host*: the line, from 1, `a` or `img`, the address as typed.

    With `text` comes what was meant as a link or a footnote's mark, and is shown to readers as typed.
    """
    html = _drawn(source, _PLACED) or ""
    may_lead = _LEADING.search(html) or host.lower() in html.lower()
    code = 0
    for line, token in active.placed(html, source) if may_lead else ():
        if token.name in ("code", "pre"):
            code += 1 if token.kind == "start" else -1
        elif token.kind == "text" and not code:
            text = html[token.start : token.end]
            for found in _UNDEFINED.finditer(text):
                if re.search(rf"(?<!\\){re.escape(entities.unescape(found[0]))}", source):
                    yield line + text.count("\n", 0, found.start()), "text", found[0]
        elif token.kind == "start" and token.name in ("a", "img"):
            for name, value, _ in token.attributes:
                if name in ("href", "src") and not value.startswith("#fn"):  # footnotes lead to each other
                    yield line, token.name, active.bare(entities.unescape(value))


def repeated_footnotes(source: str) -> list[tuple[int, str]]:
    """Every footnote whose name an earlier one has: its line, counted from 1, and the name."""
    html = _drawn(source, _PLACED) if source.count("[^") > 1 else None
    notes = sorted((int(line), name) for line, name in _FOOTNOTE.findall(html or ""))
    first: dict[str, int] = {}
    return [
        (line, unquote(entities.unescape(name)))
        for place, (line, name) in enumerate(notes)
        if first.setdefault(name.casefold(), place) != place
    ]


def _drawn(source: str, options: comrak.RenderOptions) -> str | None:
    """Unsafe HTML, or None when there is more markup than anybody writes."""
    if "|" in source and _cells(source) > _CELLS:
        return None
    html = comrak.render_markdown(source, _EXTENSIONS, _PARSING, options)
    return None if html.count("<") + html.count("&") > _MARKS else html


def _may_be_deep(html: str) -> bool:
    """Whether HTML from Markdown alone may be deeper than it may: only these elements nest."""
    return sum(map(html.count, _NESTING)) > tags.DEPTH - _OTHERS


def _cells(source: str) -> int:
    """No fewer table cells than there are: a table ends at an empty line."""
    paragraphs = (text.split("\n") for text in _PARAGRAPH.split(source) if "|" in text)
    return sum(len(lines) * max(line.count("|") for line in lines) for lines in paragraphs)


class _Place(threading.local):
    """Where the body that a thread cleans will stand."""

    base = prefix = ""


_place = _Place()


def _placed(_tag: str, name: str, value: str) -> str | None:
    """The value of an attribute at the place; None leaves the attribute out."""
    if name == "id":
        return _place.prefix + value.removeprefix(_place.prefix)
    if name not in ("href", "src"):
        return value
    if (address := active.bare(value)).startswith("#"):
        fragment = address[1:]
        return f"{_place.base}#{_place.prefix + fragment.removeprefix(_place.prefix) if fragment else ''}"
    return active.absolute(address, _place.base)


# One for all bodies: making it takes longer than cleaning.
_CLEANER = nh3.Cleaner(
    tags=set(tags.ELEMENTS),
    attributes={name: set(names) for name, names in tags.ATTRIBUTES.items()},
    attribute_filter=_placed,
    tag_attribute_values={name: {"class": {value}} for name, value in tags.CLASSES.items()},
    url_schemes=set(active.SCHEMES),
    link_rel=None,
)


def plain_text(html: str) -> str:
    """The words of rendered HTML, an empty line between paragraphs, without footnotes."""
    html = _FOOTNOTE_MARK.sub("", _FOOTNOTES.sub("", html))
    text = _SPACES.sub(" ", entities.unescape(_TAG.sub(_gap, _BLANK.sub(" ", html))))
    return _BREAKS.sub(lambda breaks: "\n\n" if breaks[0].count("\n") > 1 else "\n", text).strip()


def _gap(tag: re.Match[str]) -> str:
    match tag[2]:
        case "br" | "tr" | "li":
            return "\n"
        case "td" | "th":
            return " "
        case name:
            return "\n\n" if name in tags.BLOCK else ""


def running_text(html: str) -> str:
    """The paragraphs of a rendered post, one a line.

    Without headings, lists, tables, captions, code and the list of references.
    A paragraph in bold that is no sentence is a heading too. A paragraph
    without an end gets a full stop where another follows.
    """
    start, _, end = section(html, "references")
    html = _NOT_A_PARAGRAPH.sub("\n", html[:start] + html[end:])
    taken, skipping, last = [], 0, 0
    for tag in _TAG.finditer(html):
        if tag[2] in _NOT_RUNNING:
            taken += [] if skipping else [html[last : tag.start()]]
            skipping += -1 if tag[1] else 1
            last = tag.end()
    text = plain_text("<hr>".join([*taken, html[last:]]))
    return joined(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def joined(paragraphs: Iterable[str]) -> str:
    """Paragraphs of plain text, one a line, each with an end where another follows."""
    return _UNENDED.sub(".\n", "\n".join(filter(None, paragraphs)))


def sections(html: str) -> tuple[str, str]:
    """The account of a rendered post, with the footnotes, and the implications for practice or nothing."""
    start, inner, end = section(html, "practice implications")
    return html[:start] + html[end:], html[inner:end].strip()


def section(html: str, title: str) -> tuple[int, int, int]:
    """Where the heading of a section of a rendered post begins, where its text begins, and where it ends.

    All three are the end of *html* when there is no such section with a text.
    *title*, in lower case, stands in a heading of any level or in a paragraph
    of its own, with or without a colon, and in no other element. The section
    reaches to the next heading that is as high, to the footnotes, or to the
    end; under a paragraph, to the next heading of level 1 or 2.
    """
    depth = start = level = heading = inner = 0
    for tag in _TAG.finditer(html) if title.rpartition(" ")[2] in html.lower() else ():
        name = tag[2]
        if tag[1]:
            depth -= 1
            if depth == 0 and not inner and name in _LEVELS and _says(html[start : tag.start()], title):
                heading, inner, level = start, tag.end(), _LEVELS[name]
            continue
        if depth == 0:
            start = tag.start()
            higher = name != "p" and _LEVELS.get(name, level + 1) <= level
            if inner and (higher or _FOOTNOTES.match(html, start)):
                if html[inner:start].strip():
                    return heading, inner, start
                inner = 0
        depth += name not in tags.VOID
    return (heading, inner, len(html)) if inner and html[inner:].strip() else (len(html),) * 3


def _says(html: str, title: str) -> bool:
    short = len(html) < _LONGEST_HEADING
    return short and " ".join(plain_text(html).split()).casefold().rstrip(" :") == title
