"""A page as a program reads it: its elements and its words."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


class HtmlPage(HTMLParser):
    """The elements of a page, each a name and its attributes, and its words, in their order."""

    def __init__(self, body: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(body.decode())
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(attrs) == len(dict(attrs)), f"an attribute twice in <{tag}>"
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if "script" not in self._open:
            self.texts.append(data)

    @property
    def words(self) -> str:
        return " ".join("".join(self.texts).split())

    def all(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        """The attributes of each element of that name whose attributes are as given."""
        wanted = {name.strip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [held for name, held in self.elements if name == tag and wanted.items() <= held.items()]

    def contents(self, **attributes: str) -> list[str]:
        """What the `meta` elements say whose attributes are as given."""
        return [held["content"] for held in self.all("meta", **attributes)]
