"""A post's Markdown as HTML that is safe in any reader, and the parts of such HTML.

comrak renders CommonMark, and nh3 removes everything that could act in a browser. A body that asks for
far more markup than a post needs is shown as it was typed, so no body takes long.
"""

import html as entities
import re
import threading
from collections.abc import Iterable
from itertools import accumulate
from urllib.parse import urljoin

import comrak
import nh3

from pprnet_feeds.content import fields
from pprnet_feeds.content.pasted import repaired
from pprnet_feeds.content.text import clean

# comrak fills up short rows of a table without a limit of its own: 10 kB become 20 MB. nh3 takes quadratic
# time over nested elements and attributes, and repeats an inline element without an end in each block.
DEPTH = 100
_CELLS = 50_000
_MARKS = 20_000
_HTML_MARKS = 1_000_000  # the `<` that were typed, times all marks

VOID = frozenset("br col hr img wbr".split())
BLOCK = frozenset(
    "address article aside blockquote caption center col colgroup dd details div dl dt figcaption figure"
    " footer h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section summary table tbody td tfoot th"
    " thead tr ul".split()
)
ELEMENTS = BLOCK | frozenset(
    "a abbr b bdi bdo big br cite code data del dfn em i img ins kbd mark q rp rt ruby s samp small span"
    " strike strong sub sup time tt u var wbr".split()
)
ATTRIBUTES = {
    "*": {"dir", "id", "lang", "title"},
    "a": {"aria-label", "href"},
    "col": {"span"},
    "colgroup": {"span"},
    "data": {"value"},
    "img": {"alt", "height", "src", "width"},
    "li": {"value"},
    "ol": {"reversed", "start", "type"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan", "scope"},
    "time": {"datetime"},
}
# The classes of footnotes, by which they are found in rendered HTML.
CLASSES = {"a": "footnote-backref", "section": "footnotes", "sup": "footnote-ref"}
SCHEMES = {"http", "https", "mailto", "tel"}

_EXTENSIONS, _WITH_LINKS = comrak.ExtensionOptions(), comrak.ExtensionOptions()
for _each in (_EXTENSIONS, _WITH_LINKS):
    _each.footnotes = _each.table = _each.strikethrough = True
_WITH_LINKS.autolink = True
_ANCHOR = re.compile(r"<a\s", re.IGNORECASE)
_LONGEST_ADDRESS = 2_000
_PARSING = comrak.ParseOptions()
_RENDERING, _WITH_POSITIONS = comrak.RenderOptions(), comrak.RenderOptions()
_RENDERING.unsafe_ = _WITH_POSITIONS.unsafe_ = _WITH_POSITIONS.sourcepos = True

# All that CommonMark takes for HTML (§4.6, §6.6) begins like this, and no autolink does.
RAW_TAG = re.compile(r"<(?:[/!?]|[A-Za-z][A-Za-z0-9-]*(?:[\s/>]|\Z))")
# What is removed with its content, by its end. Each is looked for only before the last such end.
_REMOVED = {
    "-->": re.compile(r"()<!--(?:-?>|.*?-->)", re.DOTALL),
    "</script": re.compile(r"(<script(?=[\s/>])[^<>]*>).*?(?=</script)", re.DOTALL | re.IGNORECASE),
    "</style": re.compile(r"(<style(?=[\s/>])[^<>]*>).*?(?=</style)", re.DOTALL | re.IGNORECASE),
}
# A tag of more than 5,000 characters, not counting values in quotes, is text.
_TAG_OR_SIGN = re.compile(r"<(?:/?([A-Za-z][^\s/>]{0,200}+)(?:[^>\"']|\"[^\"]*\"|'[^']*'){0,5000}+>)?")

# Blanks around an address and tabs and line ends inside of it do not count (URL standard §4.4).
_AROUND = "".join(map(chr, range(0x21)))
_INSIDE = re.compile(r"[\t\n\r]")
_NO_HOST = re.compile(r"(?i:(https?):(?!//)/*)")
_SLASHES = re.compile(r"\A(https?://)/+", re.IGNORECASE)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")

_FOOTNOTES = re.compile(r'<section class="footnotes">.*?</section>', re.DOTALL)
_FOOTNOTE_MARK = re.compile(r'<sup class="footnote-ref">.*?</sup>', re.DOTALL)
# A picture whose address nh3 refused: its words stay. nh3 escapes < and > within values.
_NO_PICTURE = re.compile(r'<img(?![^<>]* src=")(?:[^<>]* alt="([^"<>]*)")?[^<>]*>')
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)[^<>]*>")
# The levels of headings; a paragraph that is one counts as the second.
_LEVELS = {"p": 2} | {f"h{level}": level for level in range(1, 7)}
_LONGEST_HEADING = 1_000
# What plain text has in the place of a tag.
_GAPS = dict.fromkeys(BLOCK, "\n\n") | dict.fromkeys(("br", "tr", "li"), "\n") | {"td": " ", "th": " "}
# Elements that are removed, whose words would run together.
_GAPS |= dict.fromkeys("button fieldset form hgroup label legend option output select".split(), " ")
_NOT_RUNNING = frozenset("h1 h2 h3 h4 h5 h6 ul ol dl table figure pre summary".split())
# A heading in bold, a picture with its caption, and a caption by its number.
_NOT_A_PARAGRAPH = re.compile(
    r"<p>\s*<(strong|b)>(?:(?!</?\1>|[.!]</).){1,200}</\1>\s*:?\s*</p>"
    r"|<p>\s*<img[^<>]*>(?:\s*</p>\s*<p>)?\s*<(em|i)>(?:(?!</?\2>).){1,500}</\2>\s*</p>"
    r"|<p>\s*(?:<[a-z]+>){0,2}(?:Figure|Table) [0-9]{1,3}(?:</[a-z]+>){0,2}(?:[.:](?:(?!</p>).){0,500})?</p>",
    re.DOTALL,
)
_UNENDED = re.compile(r"(?<![.!?…:;,–—\u3002\uff01\uff1f\u061f-])(?<![.!?…:;][\"'”’»)\]])\n")
_BLANK = re.compile(r"[ \t\n\f\r]+")
_SPACES = re.compile(r" {2,}")
_BREAKS = re.compile(r" *\n[ \n]*")


def render(source: str, *, base: str, prefix: str) -> str:
    """The safe HTML of a body.

    Relative addresses are resolved against *base*, the permalink with a slash at its end (RFC 3986 §5).
    *prefix* comes before each id and each fragment that leads to one.
    """
    html = to_html(source, bare_links=True)
    if html is not None and RAW_TAG.search(source):
        html = whole_tags(html, known_only=True)
    _place.base, _place.prefix = base, prefix
    safe = None if html is None else _CLEANER.clean(html)
    if safe is None or _is_too_deep(safe):
        return clean(f"<pre>{entities.escape(source, quote=False)}</pre>")[0]
    return clean(_NO_PICTURE.sub(lambda tag: tag[1] or "", safe))[0]


def to_html(source: str, *, positions: bool = False, bare_links: bool = False) -> str | None:
    """Unsafe HTML, or None when there is more markup than a post needs.

    With *positions* each element that came from Markdown begins with ``data-sourcepos``. With *bare_links*
    addresses in the text become links.
    """
    source = repaired(source)
    if "|" in source and _cells(source) > _CELLS:
        return None
    extensions = _WITH_LINKS if bare_links and _has_bare_links(source) else _EXTENSIONS
    html = comrak.render_markdown(source, extensions, _PARSING, _WITH_POSITIONS if positions else _RENDERING)
    marks = html.count("<") + html.count("&")
    return None if marks > _MARKS or source.count("<") * marks > _HTML_MARKS else html


def _has_bare_links(source: str) -> bool:
    """Whether addresses in the text become links: not within one typed as HTML, nor in quadratic time."""
    if not any(sign in source for sign in ("://", "www.", "@")) or _ANCHOR.search(source):
        return False
    return max(map(len, source.split())) <= _LONGEST_ADDRESS


def _cells(source: str) -> int:
    """No fewer table cells than there are: a table ends at an empty line."""
    paragraphs = (text.split("\n") for text in re.split(r"\n[ \t]*\n", source))
    return sum(len(lines) * max(line.count("|") for line in lines) for lines in paragraphs)


def _is_too_deep(html: str) -> bool:
    if html.count("<") <= DEPTH:
        return False
    steps = (0 if tag[2] in VOID else -1 if tag[1] else 1 for tag in _TAG.finditer(html))
    return max(accumulate(steps), default=0) > DEPTH


def whole_tags(html: str, *, known_only: bool = False) -> str:
    """HTML without comments and scripts, in which each other ``<`` begins a whole tag, or is text."""
    for end, stretch in _REMOVED.items():
        last = html.lower().rfind(end) + len(end)
        html = stretch.sub(r"\1", html[:last]) + html[last:]

    def tag_or_text(found: re.Match[str]) -> str:
        is_shown = found[1] and (not known_only or found[1].lower() in ELEMENTS)
        return found[0] if is_shown else _GAPS.get(found[1].lower(), "") if found[1] else "&lt;"

    return _TAG_OR_SIGN.sub(tag_or_text, html)


def bare(address: str) -> str:
    """An address without the white space that a browser would not read."""
    return _INSIDE.sub("", address.strip(_AROUND))


def scheme(address: str) -> str:
    """The scheme of an address in lower case, empty for a relative one."""
    found = _SCHEME.match(bare(address))
    return found[1].lower() if found else ""


def absolute(address: str, base: str) -> str | None:
    """The web *address* of a body seen from *base* (RFC 3986 §5); None where it names no possible host."""
    try:
        found = _NO_HOST.sub(r"\1://", urljoin(base, _SLASHES.sub(r"\1", bare(address))), count=1)
    except ValueError:
        return None
    return found if fields.has_host(found) or scheme(found) not in ("http", "https") else None


# The base and prefix of the body that a thread cleans.
_place = threading.local()


def _placed(_tag: str, name: str, value: str) -> str | None:
    """The value of an attribute under the prefix and base; None leaves the attribute out."""
    if name == "id":
        return str(_place.prefix + value.removeprefix(_place.prefix))
    if name not in ("href", "src"):
        return value
    if (address := bare(value)).startswith("#"):
        fragment = address[1:]
        return f"{_place.base}#{_place.prefix + fragment.removeprefix(_place.prefix) if fragment else ''}"
    return absolute(address, _place.base)


# One for all bodies: making it takes as long as cleaning.
_CLEANER = nh3.Cleaner(
    tags=set(ELEMENTS),
    attributes=ATTRIBUTES,
    attribute_filter=_placed,
    tag_attribute_values={name: {"class": {value}} for name, value in CLASSES.items()},
    url_schemes=SCHEMES,
    link_rel=None,
)


def plain_text(html: str) -> str:
    """The words of rendered HTML, an empty line between paragraphs, without footnotes."""
    html = _FOOTNOTE_MARK.sub("", _FOOTNOTES.sub("", html))
    gaps = _TAG.sub(lambda tag: _GAPS.get(tag[2], ""), _BLANK.sub(" ", html))
    text = _SPACES.sub(" ", entities.unescape(gaps))
    return _BREAKS.sub(lambda breaks: "\n\n" if breaks[0].count("\n") > 1 else "\n", text).strip()


def running_text(html: str) -> str:
    """The paragraphs of a rendered post, one a line, each with an end where another follows.

    Without headings, lists, tables, captions, code and the list of references.
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
    return joined_paragraphs(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def joined_paragraphs(paragraphs: Iterable[str]) -> str:
    """Paragraphs of plain text, one a line, each with an end where another follows."""
    return _UNENDED.sub(".\n", "\n".join(filter(None, paragraphs)))


def sections(html: str) -> tuple[str, str]:
    """The account of a rendered post, with the footnotes, and the implications for practice or nothing."""
    start, inner, end = section(html, "practice implications")
    return html[:start] + html[end:], html[inner:end].strip()


def section(html: str, title: str) -> tuple[int, int, int]:
    """Where the heading of a section of a rendered post begins, where its text begins, and where it ends.

    All three are the end of *html* when there is no such section with a text. *title*, in lower case, is a
    heading or a paragraph, with or without a colon. The section reaches to the next heading that is as
    high (a paragraph counts as level 2), to the footnotes, or to the end.
    """
    depth = start = level = heading = inner = 0
    word = title.rpartition(" ")[2]
    for tag in _TAG.finditer(html) if word in html.lower() else ():
        name = tag[2]
        if tag[1]:
            depth -= 1
            is_one = depth == 0 and not inner and name in _LEVELS and tag.start() - start < _LONGEST_HEADING
            text = html[start : tag.start()] if is_one else ""
            if word in text.lower() and " ".join(plain_text(text).split()).casefold().rstrip(" :") == title:
                heading, inner, level = start, tag.end(), _LEVELS[name]
            continue
        if depth == 0:
            start = tag.start()
            higher = name != "p" and _LEVELS.get(name, level + 1) <= level
            if inner and (higher or _FOOTNOTES.match(html, start)):
                if html[inner:start].strip():
                    return heading, inner, start
                inner = 0
        depth += name not in VOID
    return (heading, inner, len(html)) if inner and html[inner:].strip() else (len(html),) * 3
