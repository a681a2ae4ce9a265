"""XML of others, looked through before a library reads it, so that none works on it for too long."""

from __future__ import annotations

from xml.parsers import expat

_DEPTH = 200


class UnreadableError(Exception):
    """Why a document is not read: what is wrong, what to do, and the line."""


class XmlCheck:
    """Goes through a document once.

    Entities are how ten lines become ten gigabytes, so a document type that declares some is refused.

    Raises:
        UnreadableError: it declares entities, or is too deep.
        ExpatError: it is not well-formed.
    """

    def __init__(self, data: bytes, mend: str) -> None:
        self.open: list[str] = []  # the names of elements, in small letters
        self._mend = mend
        self.parser = expat.ParserCreate(None, "}")
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = lambda _: self.open.pop()
        self.parser.CharacterDataHandler = self.text
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.Parse(data, True)

    def start(self, name: str, _: dict[str, str]) -> None:
        """An element begins; its name follows its namespace."""
        self.open.append(name.rpartition("}")[2].lower())
        if len(self.open) > _DEPTH:
            self.refuse("elements are nested too deep")

    def text(self, data: str) -> None:
        """Some of the text of the element that is open."""

    def _doctype(self, name: str, system: str | None, public: str | None, declares: bool) -> None:
        if declares:
            self.refuse("it has a document type (<!DOCTYPE>), which is refused")

    def refuse(self, what: str) -> None:
        """Read no further."""
        raise UnreadableError(what, self._mend, self.parser.CurrentLineNumber)
