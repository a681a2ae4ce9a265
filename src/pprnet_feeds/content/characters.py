"""Which characters may pass from a file into a document.

XML 1.0 forbids most control characters even when they are escaped, and one
of them makes a whole feed unreadable. They come by copy and paste, out of
PDF files above all, so they are dropped where text enters and never later.

Nothing that a reader can see is ever dropped: emoji, joiners, right-to-left
marks and unusual spaces stay as they were typed.
"""

from __future__ import annotations

import codecs
import re

from pprnet_feeds.content.problems import Problem

# XML 1.0 §2.2 `Char`, less DEL and C1 (discouraged there, forbidden in HTML text).
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SURROGATE_PAIR = re.compile(r"[\ud800-\udbff][\udc00-\udfff]")
# Tools that write JSON escape an emoji as two surrogates.
_ESCAPED_PAIR = re.compile(
    r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
)
_ESCAPED_LONE = re.compile(r"(?<!\\)((?:\\\\)*)\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_BREAK = re.compile(r"[\t\n\r\u2028\u2029]")


def clean(text: str) -> tuple[str, bool]:
    """Drop the characters that no document may hold.

    Surrogate pairs are joined, lone surrogates dropped, and line ends become
    line feeds. The second value tells whether anything was dropped.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    # Nothing forbidden is printable; most texts are settled by this quicker question.
    if text.replace("\n", "").isprintable() or not _FORBIDDEN.search(text):
        return text, False
    joined = _SURROGATE_PAIR.sub(_join, text)
    cleaned = _FORBIDDEN.sub("", joined)
    return cleaned, cleaned != joined


def _join(pair: re.Match[str]) -> str:
    return pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def join_escapes(source: str) -> tuple[str, int]:
    """Put the character for every escaped surrogate pair in YAML or JSON; a lone half is dropped.

    The number tells how many halves were dropped.
    """
    joined = _ESCAPED_PAIR.sub(lambda pair: pair[1] + _join_hex(pair[2] + pair[3]), source)
    return _ESCAPED_LONE.subn(r"\1", joined)


def _join_hex(digits: str) -> str:
    return bytes.fromhex(digits).decode("utf-16-be")


def first_forbidden(text: str) -> tuple[str, int]:
    """The first character that `clean` would drop, as ``U+0000``, and its line.

    Lines count from 1. Without such a character the answer is ``("", 0)``.
    """
    text = _SURROGATE_PAIR.sub(_join, text.replace("\r\n", "\n").replace("\r", "\n"))
    found = _FORBIDDEN.search(text)
    if found is None:
        return "", 0
    return f"U+{ord(found[0]):04X}", text.count("\n", 0, found.start()) + 1


def one_line(text: str) -> str:
    """Text on one line: a line break or tab, with the space around it, is one space. Blank text is none."""
    if text.isprintable():  # the quicker question: no break is printable, and no space but one
        return text.strip(" ")
    if text.isspace():
        return ""
    if not _BREAK.search(text):
        return text.strip(" ")
    return " ".join(filter(None, (part.strip(" ") for part in _BREAK.split(text))))


def decode(data: bytes) -> str:
    """The text of a UTF-8 file, with line feeds at its line ends.

    A byte order mark is passed over.

    Raises:
        ValueError: the bytes are not UTF-8; its text says what they are.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ValueError("UTF-16")
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ValueError(f"byte {error.object[error.start]:02X} on line {line}") from None
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def dropped(which: str, file: str, line: int) -> Problem:
    """What to tell of characters that `clean` dropped."""
    what = f"a character that no feed may hold was left out: {which}"
    mend = "Type the words around it again; such characters come by copying from a PDF."
    return Problem(file, line, 0, what, mend)


def clean_or_tell(text: str, file: str) -> tuple[str, tuple[Problem, ...]]:
    """What `clean` gives, and a problem when something was dropped."""
    cleaned, lost = clean(text)
    if not lost:
        return cleaned, ()
    which, line = first_forbidden(text)
    return cleaned, (dropped(which, file, line),)
