"""HTML as other programs write it, in the form that `to_markdown` knows.

Pictures that only scripts show, players and frames, and footnotes, which each program marks in its own way.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any
from urllib.parse import unquote

from bs4 import BeautifulSoup

from pprnet_feeds.importing.html import tokens
from pprnet_feeds.importing.to_markdown import is_excessive

# What a post cannot hold; a link takes the place of a frame or player.
_PLAYERS = {"iframe": "frames", "video": "videos", "audio": "sounds", "embed": "objects", "object": "objects"}
_REMOVED = {
    **{"form": "forms", "svg": "drawings", "canvas": "drawings"},
    **{"math": "formulas", "script": "scripts", "button": "buttons"},
}
_UNUSUAL = re.compile(
    rf"<(?:{'|'.join([*_PLAYERS, *_REMOVED])}|noscript|source|nav|footer)\b"
    r"|\shref=[\"']?#|<img[^<>]*\s(?:data-|srcset)",
    re.IGNORECASE,
)
_SOURCES = "src data-src data-lazy-src data-original data-orig-file data srcset data-srcset href".split()
_PLACEHOLDER = re.compile(r"data:|\S*(?:blank|placeholder|spacer|loading|transparent|1x1)\S*$", re.IGNORECASE)
_FRAMED = re.compile(r"https?://(?:www\.)?youtube(?:-nocookie)?\.com/embed/([\w-]+)\S*")
_FRAGMENT = re.compile("^#.")
_NOTES = ["li", "p", "dd", "div", "aside"]
_LONGEST_NOTE = 5_000
_EMPTY_NOTES = frozenset({"", "footnotes", "notes", "endnotes"})


def normalised(html: str) -> tuple[str, Counter[str]]:
    """HTML of other programs with its pictures, players and footnotes as `to_markdown` knows them.

    Also what was lost by that: each kind, and how often.
    """
    if not _UNUSUAL.search(html) or is_excessive(list(tokens(html))):
        return html, Counter()
    soup: Any = BeautifulSoup(html, "lxml")
    losses: Counter[str] = Counter()
    for noscript in soup.find_all("noscript"):
        if noscript.img is None:
            noscript.decompose()
            continue
        before = noscript.find_previous_sibling()
        if before is not None and before.name == "img":  # it is for browsers with scripts
            before.decompose()
        noscript.unwrap()
    for part in soup.find_all(["nav", "footer"]):  # of a page they are passed over, but not of a post
        part.name = "div"
    for picture in soup.find_all("img"):
        around = picture.parent if picture.parent.name == "picture" else None
        picture["src"] = _source(picture, *(around.find_all("source") if around else ()))
    for embed in soup.find_all("embed"):  # lxml takes all that is below it for a part of it
        embed.insert_after(*list(embed.contents))
    for found in soup.find_all([*_PLAYERS, *_REMOVED]):
        if found.decomposed or found.find_parent("body") is None:  # it was in another that is gone
            continue
        address = _source(found, *found.find_all(["source", "embed", "iframe", "a"]))
        if found.name in _PLAYERS and address:
            losses[f"{_PLAYERS[found.name]} became links"] += 1
            found.replace_with(_link(soup, address, found.get("title") or _PLAYERS[found.name][:-1].title()))
        else:
            losses[f"{(_PLAYERS | _REMOVED)[found.name]} were left out"] += 1
            found.decompose()
    _move_footnotes(soup)
    for link in soup.find_all("a", href=re.compile("^#")):
        if "footnote" not in " ".join([*link.parent.get("class", ()), *link.get("class", ())]):
            losses["links within the post became words"] += bool(link.get_text().strip())
            link.unwrap()
    return (soup.body.decode_contents() if soup.body is not None else ""), losses


def _source(*elements: Any) -> str:
    """The address of a picture or player, also where it is meant for a script."""
    given = (each[key].strip() for key in _SOURCES for each in elements if each.get(key))
    found = (each.partition(" ")[0].rstrip(",") for each in given)
    return next((each for each in found if not _PLACEHOLDER.match(each)), "")


def _link(soup: Any, address: str, words: str) -> Any:
    address = f"https:{address}" if address[:2] == "//" else address
    address = _FRAMED.sub(r"https://www.youtube.com/watch?v=\1", address)
    link, paragraph = soup.new_tag("a", href=address), soup.new_tag("p")
    link.string = f"{words}: {address.partition('//')[2].partition('/')[0] or address}"
    paragraph.append(link)
    return paragraph


def _move_footnotes(soup: Any) -> None:
    """Write footnotes as our own feeds do: marks in the text, and their list at the end.

    Programs agree on one thing only: the mark leads to the note, and the note back to the mark.
    """
    elements = soup.find_all(True)
    places = {name: each for each in elements for name in (each.get("name"), each.get("id")) if name}
    order = {id(each): place for place, each in enumerate(elements)}
    sizes: dict[int, int] = {}
    found: dict[int, tuple[Any, list[Any]]] = {}  # notes, each with its marks
    returns: dict[int, Any] = {}
    for link in soup.find_all("a", href=_FRAGMENT):
        target = places.get(unquote(link["href"][1:]))
        note = target if target is None or target.name in _NOTES else target.find_parent(_NOTES)
        # A note is below its mark; around it is no note.
        if note is None or order[id(note)] < order[id(link)] or id(link) in returns:
            continue
        size = sizes[id(note)] = sizes.get(id(note)) or len(note.get_text())
        if size > _LONGEST_NOTE or link.find_parent("sup", class_="footnote-ref"):
            continue
        links = note.find_all("a", href=_FRAGMENT)
        back = {id(each): each for each in links if _is_at(places.get(unquote(each["href"][1:])), link)}
        if back or id(note) in found:
            returns |= back
            found.setdefault(id(note), (note, []))[1].append(link)
    for each in returns.values():
        around = each.parent
        each.decompose()
        if around.name == "sup" and not around.get_text(strip=True):
            around.decompose()
    section = soup.new_tag("section", attrs={"class": "footnotes"})
    for number, (note, marks) in enumerate(found.values(), 1):
        for link in marks:
            sup = soup.new_tag("sup", attrs={"class": "footnote-ref"})
            sup.append(soup.new_tag("a", href=f"#-fn-{number}"))
            (link.parent if link.parent.name == "sup" else link).replace_with(sup)
        holder = note.parent
        item = soup.new_tag("li", id=f"-fn-{number}")
        item.append(note.extract())
        if note.name != "p":
            note.unwrap()
        section.append(item)
        while holder.name != "body" and holder.get_text(strip=True).casefold() in _EMPTY_NOTES:
            rule = holder.find_previous_sibling()
            if rule is not None and rule.name == "hr":
                rule.decompose()
            empty, holder = holder, holder.parent
            empty.decompose()
    if found:
        soup.body.append(section)


def _is_at(place: Any, link: Any) -> bool:
    """Whether a place in a text is that of a link: the link itself, or right before or within it."""
    if place is None or place is link or any(each is link for each in place.parents):
        return place is not None
    return place.name in ("a", "sup", "span") and place.find_next("a", href=True) is link
