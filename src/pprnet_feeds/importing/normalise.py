"""HTML as other programs write it, in the form that `to_markdown` knows.

Pictures that only scripts show, players and frames, and footnotes, which each program marks in its own way.
"""

import re
from collections import Counter, defaultdict
from typing import Any
from urllib.parse import unquote, urljoin

from pprnet_feeds.importing.html import elements

# What a post cannot hold; a link takes the place of a frame or player.
_PLAYERS = {"iframe": "frames", "video": "videos", "audio": "sounds", "embed": "objects", "object": "objects"}
_REMOVED = {"form": "forms", "svg": "drawings", "canvas": "drawings", "math": "formulas"}
_REMOVED |= {"script": "scripts", "button": "buttons"}
_SOURCES = "src data-src data-lazy-src data-original data-orig-file data srcset data-srcset href".split()
_PLACEHOLDER = re.compile(r"data:|\S*(?:blank|placeholder|spacer|loading|transparent|1x1)\S*$", re.IGNORECASE)
_FRAMED = re.compile(r"https?://(?:www\.)?youtube(?:-nocookie)?\.com/embed/([\w-]+)\S*")
_OUR_NOTE = re.compile("-fn-([A-Za-z0-9-]+)$")
_NOTES = ["li", "p", "dd", "div", "aside"]
_LONGEST_NOTE, _LONGEST_MARK = 5_000, 10
_EMPTY_NOTES = frozenset({"", "footnotes", "notes", "endnotes"})


def normalise(soup: Any, base: str = "") -> Counter[str]:
    """Give a tree its pictures, players and footnotes as `to_markdown` knows them.

    *base* is where its addresses are seen from. Returns each kind of what was lost, and how often.
    """
    losses: Counter[str] = Counter()
    for noscript in elements(soup, "noscript"):
        before = noscript.find_previous_sibling()
        if noscript.img and before is not None and before.name == "img":  # it is for browsers with scripts
            before.decompose()
        if noscript.img:
            noscript.unwrap()
    for part in elements(soup, "nav", "footer"):  # of a page they are passed over, but not of a post
        part.name = "div"
    for picture in elements(soup, "img"):
        around = picture.find_parent("picture")
        picture["src"] = _source(base, picture, *(elements(around, "source") if around else ()))
    for embed in elements(soup, "embed"):  # lxml takes all that is below it for a part of it
        embed.insert_after(*list(embed.contents))
    for found in elements(soup, *_PLAYERS, *_REMOVED):
        if found.decomposed or found.find_parent("body") is None:  # it was in another that is gone
            continue
        address = _source(base, found, *elements(found, "source", "embed", "iframe", "a"))
        if found.name in _PLAYERS and address:
            losses[f"{_PLAYERS[found.name]} became links"] += 1
            found.replace_with(_link(soup, address, found.get("title") or _PLAYERS[found.name][:-1].title()))
        else:
            losses[f"{(_PLAYERS | _REMOVED)[found.name]} were left out"] += 1
            found.decompose()
    page = base.partition("#")[0]
    for link in [each for each in elements(soup, "a") if each.get("href")]:
        address = resolved(base, link["href"].strip())
        link["href"] = address.removeprefix(page) if address.startswith(f"{page}#") else address
    if _links_within(soup):
        _move_footnotes(soup)
    for link in _links_within(soup):
        losses["links within the post became words"] += bool(link.get_text().strip())
        del link["href"]
    return losses


def resolved(base: str, address: str) -> str:
    """An address seen from *base*; as it is where one of them is none."""
    try:
        return urljoin(base, address)
    except ValueError:
        return address


def _links_within(soup: Any) -> list[Any]:
    return [each for each in elements(soup, "a") if each.get("href", "").startswith("#")]


def _source(base: str, *elements: Any) -> str:
    """The address of a picture or player, also where it is meant for a script."""
    given = (each[key].strip() for key in _SOURCES for each in elements if each.get(key))
    found = (each.partition(" ")[0].rstrip(",") for each in given)
    address = next((each for each in found if not _PLACEHOLDER.match(each)), "")
    return resolved(base, address) if address else ""


def _link(soup: Any, address: str, words: str) -> Any:
    address = f"https:{address}" if address[:2] == "//" else address
    address = _FRAMED.sub(r"https://www.youtube.com/watch?v=\1", address)
    link, paragraph = soup.new_tag("a", href=address), soup.new_tag("p")
    link.string = f"{words}: {address.partition('//')[2].partition('/')[0] or address}"
    paragraph.append(link)
    return paragraph


def _move_footnotes(soup: Any) -> None:
    """Write footnotes as rendered Markdown has them: marks in the text, and their list at the end.

    Programs agree on one thing only: the mark leads to the note below, and the note back to the mark.
    """
    everything = elements(soup)
    places = {name: each for each in everything for name in (each.get("name"), each.get("id")) if name}
    order = {id(each): place for place, each in enumerate(everything)}
    following: dict[int, Any] = {}  # the first link after each element
    link = None
    for each in reversed(everything):
        following[id(each)] = link
        link = each if each.name == "a" and "href" in each.attrs else link
    targets = [(link, places.get(unquote(link["href"][1:]))) for link in _links_within(soup)]
    links = [(link, target) for link, target in targets if target is not None]
    notes = {id(a): to if to.name in _NOTES else to.find_parent(_NOTES) for a, to in links}
    returns: defaultdict[int, list[Any]] = defaultdict(list)  # links, by the notes from which they lead back
    for link, target in links:
        # Its target is the mark itself, or right before or around it.
        is_before = target.name in ("a", "sup", "span") and not target.get("href")
        note = notes.get(id(following[id(target)] if is_before else target))
        if note is not None and any(each is note for each in link.parents):
            returns[id(note)].append(link)
    found: dict[int, tuple[Any, list[Any]]] = {}  # notes, each with its marks
    for link, _ in links:
        note = notes[id(link)]
        if id(note) not in returns or order[id(link)] > order[id(note)]:
            continue
        if id(note) not in found and len(note.get_text()) > _LONGEST_NOTE:
            del returns[id(note)]
        else:
            found.setdefault(id(note), (note, []))[1].append(link)
    ours = (_OUR_NOTE.search(marks[0]["href"]) for _, marks in found.values())
    names = [each[1] if each else "" for each in ours]
    if len({*names} - {""}) < len(names):
        names = [str(number) for number in range(1, len(names) + 1)]
    section, holders = soup.new_tag("section", attrs={"class": "footnotes"}), []
    for name, (note, marks) in zip(names, found.values(), strict=True):
        for link in returns[id(note)]:
            around = link.parent
            link.extract()
            if around.name == "sup" and not around.get_text(strip=True):
                around.extract()
        for link in marks:
            mark = soup.new_tag("sup", attrs={"class": "footnote-ref"})
            mark.string = name
            is_alone = link.parent.name == "sup" and len(elements(link.parent, "a")) == 1
            replaced = link.parent if is_alone else link
            replaced.insert_after(mark)
            if len(replaced.get_text(strip=True)) <= _LONGEST_MARK:
                replaced.extract()
            if mark.parent.name == "sup":  # of several marks
                mark.parent.unwrap()
        holders.append(note.parent)
        item = soup.new_tag("div", id=name)
        item.append(note.extract())
        if note.name != "p":
            note.unwrap()
        section.append(item)
    for holder in holders:
        while holder and holder.name != "body" and holder.get_text(strip=True).casefold() in _EMPTY_NOTES:
            rule = holder.find_previous_sibling()
            if rule is not None and rule.name == "hr":
                rule.decompose()
            empty, holder = holder, holder.parent
            empty.decompose()
    if found:
        soup.body.append(section)
