"""Plain text: the characters that documents may hold, whole sentences, and the DOI in a reference.

XML 1.0 forbids most control characters, which come from text copied out of PDF files: one makes a whole
feed unreadable, so they are dropped where text enters. Nothing that a reader can see is dropped.
"""

import codecs
import re
from collections.abc import Iterator
from urllib.parse import unquote

from pprnet_feeds.content.problems import Problem

# XML 1.0 §2.2 `Char`, less DEL and C1 (discouraged there, forbidden in HTML text), and less what is no
# character in any plane (RFC 7493 §2.1).
_FORBIDDEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    + "]"
)
_SURROGATE_PAIR = re.compile(r"[\ud800-\udbff][\udc00-\udfff]")
# Tools that write JSON escape an emoji as two surrogates.
_ESCAPES = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_ESCAPED_HALF = re.compile(r"(?<!\\)((?:\\\\)*)\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_BREAK = re.compile(r"[\t\n\r\u2028\u2029]")

_END = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’)\]]*+(?= (\S))")
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘]*$")
_ABBREVIATION = re.compile(
    r"(?:al|approx|ca|cf|dr|e\.?g|i\.?e|incl|mr|mrs|ms|mx|prof|rev|st|viz|vs|[a-z](?:\.[a-z])*|ph\.d)\.",
    re.IGNORECASE,
)
_BEFORE_A_NUMBER = re.compile(r"(?:ch|chs|ed|eds|eq|fig|figs|no|nos|p|pp|sec|vol|vols)\.", re.IGNORECASE)

# A DOI ends before a space, a quotation mark or the end of an autolink, and nowhere else. After a full stop
# and a space a number may be more of it.
_DOI = re.compile(
    r"(?P<address>://[^\s\"<>]{0,200}?)?(?<![0-9.])(?P<doi>10\.[0-9]{4,9}/[^\s\"<>“”\u2019]{1,200})"
    r"(?=[\s\">“”\u2019]|$)(?!(?<=\.)\s+[0-9])"
)
_DOI_ADDRESS = re.compile(r"https?://(?:dx\.|www\.)?doi\.org/([^\s?#]{1,300})\S{0,300}", re.IGNORECASE)
# What publishers write after a DOI in the address of a page.
_PAGE = re.compile(
    r"(?:(?:/(?:full|full-?text|e?pdf|pdfdirect|abstract|html|meta)|(?<=[0-9])v[0-9](?:\.full)?|\.pdf)+|(?=[?#&]))"
    r"(?:[?#].*|&\w+=.*|[.,;)\]]*)$"
)
# What is pasted to the end of a DOI, and where another work begins, such as a notice.
_OTHERS = re.compile(
    r"[.;]?PMC?ID:|Get rights and content|"
    r"\b(?:Retraction|Erratum|Correction|Corrigendum|Comment|Reprinted) (?:in|from|published)\b(?s:.*)"
)


def clean(text: str) -> tuple[str, tuple[str, int] | None]:
    """Drop the characters that no document may hold; the first is given as ``U+0000``, with its line from 1.

    Surrogate pairs are joined, lone surrogates dropped, and line ends become line feeds.
    """
    text = _line_feeds(text)
    # Nothing forbidden is printable: a quick answer for most texts.
    if text.replace("\n", "").isprintable() or not _FORBIDDEN.search(text):
        return text, None
    text = _SURROGATE_PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)
    if not (first := _FORBIDDEN.search(text)):
        return text, None
    line = text.count("\n", 0, first.start()) + 1
    return _FORBIDDEN.sub("", text), (f"U+{ord(first[0]):04X}", line)


def clean_with_problems(text: str, file: str, line: int = -1) -> tuple[str, tuple[Problem, ...]]:
    """What `clean` gives, and a problem when something was dropped; *line* is known beforehand or found."""
    cleaned, first = clean(text)
    if first is None:
        return cleaned, ()
    return cleaned, (dropped(first[0], file, first[1] if line < 0 else line),)


def dropped(which: str, file: str, line: int) -> Problem:
    """The problem of characters that `clean` dropped."""
    what = f"a character that no feed may hold was left out: {which}"
    mend = "Type the words around it again; such characters come with text copied from a PDF."
    return Problem(file, line, 0, what, mend)


def join_escapes(source: str) -> tuple[str, int]:
    """YAML or JSON with its escaped surrogate pairs joined; and how many lone halves were dropped."""
    joined = _ESCAPES.sub(lambda pair: pair[1] + bytes.fromhex(pair[2] + pair[3]).decode("utf-16-be"), source)
    return _ESCAPED_HALF.subn(r"\1", joined)


def one_line(text: str) -> str:
    """Text on one line: a line break or tab, with the space around it, is one space. Blank text is none."""
    if text.isprintable():  # no break is printable, and no space but one
        return text.strip(" ")
    return "" if text.isspace() else " ".join(filter(None, (part.strip(" ") for part in _BREAK.split(text))))


def decode(data: bytes) -> str:
    """The text of UTF-8 without its byte order mark, with line feeds. A ValueError says what else it is."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ValueError("UTF-16")
    try:
        return _line_feeds(data.removeprefix(codecs.BOM_UTF8).decode())
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ValueError(f"byte {error.object[error.start]:02X} on line {line}") from None


def _line_feeds(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def sentences(text: str) -> Iterator[str]:
    """The sentences of plain text, white space collapsed. A line ends a sentence too."""
    for line in (" ".join(line.split()) for line in text.splitlines()):
        start = 0
        for end in _END.finditer(line):
            last = _LAST_WORD.findall(line[max(end.start() - 20, start) : end.start() + 1])[0]
            is_number = end[1].isdigit() and _BEFORE_A_NUMBER.fullmatch(last)
            if not (end[1].islower() or _ABBREVIATION.fullmatch(last) or is_number):
                yield line[start : end.end()]
                start = end.end() + 1
        if line[start:]:
            yield line[start:]


def first_sentences(text: str, limit: int = 300) -> str:
    """As many whole sentences from the beginning as fit into *limit* characters, else words and "…"."""
    taken = ""
    for sentence in sentences(text):
        longer = f"{taken} {sentence}".strip()
        if len(longer) > limit:
            head = sentence[:limit]  # one more than fits beside the ellipsis: a word may end right there
            cut = head[: head.rfind(" ")] if " " in head else head[: limit - 1]
            return taken or cut.rstrip(" ,;:–—-(") + "…"
        taken = longer
    return taken


def doi_in(reference: str) -> str:
    """The DOI in *reference*, bare and in lower case, however it was written.

    Empty when there are none or several, or when its end is not certain, such as at the end of a line.
    """
    plain = _DOI_ADDRESS.sub(lambda address: " " + unquote(address[1]), _OTHERS.sub(" ; ", reference))
    pairs = ((match["address"], match["doi"].lower()) for match in _DOI.finditer(plain))
    found = {without_punctuation(_PAGE.sub("", doi) if address else doi) for address, doi in pairs}
    doi = found.pop() if len(found) == 1 else ""
    return "" if doi.endswith(("-", "/", "_")) or not doi.isprintable() else doi


def without_punctuation(doi: str) -> str:
    """A DOI without the punctuation of the sentence around it."""
    while (end := doi[-1:]) and (
        end in ".,;:'" or (end in ")]" and doi.count(end) > doi.count("(" if end == ")" else "["))
    ):
        doi = doi[:-1]
    return doi
