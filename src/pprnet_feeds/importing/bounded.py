"""Looks through XML by others before a library reads it, so that none works on it for too long."""

from collections import Counter
from xml.parsers import expat

_DEPTH = 200
# feedparser looks for an address in the text of these, in quadratic time.
_PEOPLE = frozenset({"author", "creator", "name", "managingeditor", "publisher", "webmaster"})
_LONGEST_NAME = 2_000
# What an entry says about who may read it (WordPress, RFC 5023 §13.1, Blogger).
WORDPRESS = frozenset({"post_type", "post_password"})
_STATE = WORDPRESS | {"status", "draft"}
_HOLDERS = frozenset({"item", "entry", "control"})


class UnreadableError(Exception):
    """Why a document is not read: what is wrong, what to do, and the line."""


class XmlCheck:
    """Goes through a document once, and notes what is in it.

    Entities are how ten lines become ten gigabytes, so a document type that declares some is refused.

    Attributes:
        names: of the elements, the root first, and how many have each.
        entries: of a feed, each with its line and what it says about who may read it, in any namespace.
        root_at: where the root begins, in bytes.

    Raises UnreadableError for entities, great depth or a long author, ExpatError for what is not well-formed.
    """

    def __init__(self, data: bytes, mend: str) -> None:
        self.names: Counter[str] = Counter()
        self.entries: list[tuple[int, dict[str, str]]] = []
        self.root_at = 0
        self._mend, self._length = mend, 0
        self._open: list[str] = []  # in small letters
        self._parser = expat.ParserCreate(None, "}")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = lambda _: self._open.pop()
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.Parse(data, True)

    def _start(self, name: str, _: dict[str, str]) -> None:
        local = name.rpartition("}")[2]  # its namespace comes before
        if not self._open:
            self.root_at = self._parser.CurrentByteIndex
        self.names[local] += 1
        self._length = 0
        self._open.append(local.lower())
        if len(self._open) > _DEPTH:
            self._refuse("elements are nested too deep")
        if self._open[-1] in ("item", "entry"):
            self.entries.append((self._parser.CurrentLineNumber, {}))
        elif self.entries and self._open[-1] in _STATE and self._open[-2] in _HOLDERS:
            self.entries[-1][1].setdefault(self._open[-1], "")

    def _text(self, data: str) -> None:
        self._length += len(data)
        state = self.entries[-1][1] if self.entries else {}
        if self._open[-1] in state and self._length <= _LONGEST_NAME:  # two values make an unknown one
            state[self._open[-1]] += data.strip().lower()
        if self._length > _LONGEST_NAME and self._open[-1] in _PEOPLE:
            self._refuse("the name of an author is far too long")

    def _doctype(self, name: str, system: str | None, public: str | None, declares: bool) -> None:
        if declares:
            self._refuse("it has a document type (<!DOCTYPE>), which is refused")

    def _refuse(self, what: str) -> None:
        raise UnreadableError(what, self._mend, self._parser.CurrentLineNumber)
