"""The rules a JSON Feed of ours is held against (https://www.jsonfeed.org/version/1.1/).

Few readers validate JSON: most take what they find and crash or show nothing.
What the specification says "should be considered required" is required.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pprnet_feeds.syndication.html_rules import html_findings
from pprnet_feeds.syndication.rules import Finding, Rule
from pprnet_feeds.syndication.shapes import (
    is_absolute,
    is_id,
    is_language,
    is_media_type,
    is_moment,
    unclean_character,
    words,
)

Feed = Mapping[str, Any]
VERSION = "https://jsonfeed.org/version/1.1"

_FEED = words(
    "version title home_page_url feed_url description user_comment next_url icon favicon authors language"
    " expired hubs items"
)
_ITEM = words(
    "id url external_url title content_html content_text summary image banner_image date_published"
    " date_modified authors tags language attachments"
)
_AUTHOR = words("name url avatar")
_HUB = words("type url")
_ATTACHMENT = words("url mime_type title size_in_bytes duration_in_seconds")
_ADDRESSES = words("home_page_url feed_url next_url icon favicon url external_url image banner_image avatar")
_LISTS = words("items authors hubs tags attachments")
_TYPES: Mapping[str, tuple[type, str]] = {
    "expired": (bool, "true or false"),
    "size_in_bytes": (int, "an integer"),
    "duration_in_seconds": (int, "an integer"),
    **dict.fromkeys(_LISTS, (list, "a list")),
}
_EXTENSION = re.compile(r"_[A-Za-z][^.]*")


def _list(place: Feed, name: str) -> list[Any]:
    found = place.get(name)
    return found if isinstance(found, list) else []


def _text(place: Feed, name: str) -> str:
    found = place.get(name)
    return found if isinstance(found, str) else ""


def _objects(place: Feed, name: str) -> Iterator[tuple[str, Feed]]:
    """Name and give the objects in the list *name*; what is none is left to `values_have_their_types`."""
    for number, child in enumerate(_list(place, name), 1):
        if isinstance(child, dict):
            yield f"{name.removesuffix('s')} {number}", child


def _places(feed: Feed) -> Iterator[tuple[str, Feed, frozenset[str]]]:
    """Name and give every object that JSON Feed defines, with the keys it knows."""
    yield "feed", feed, _FEED
    for name, known in (("authors", _AUTHOR), ("hubs", _HUB)):
        for where, child in _objects(feed, name):
            yield f"feed {where}", child, known
    for where, item in _objects(feed, "items"):
        yield where, item, _ITEM
        for name, known in (("authors", _AUTHOR), ("attachments", _ATTACHMENT)):
            for here, child in _objects(item, name):
                yield f"{where} {here}", child, known


def version_is_exact(feed: Feed) -> Iterator[Finding]:
    """version is https://jsonfeed.org/version/1.1, letter by letter (JSON Feed 1.1, version)."""
    if feed.get("version") != VERSION:
        yield Finding("feed", "`version` is not that of JSON Feed 1.1", f'Write "{VERSION}".')


def required_keys_are_there(feed: Feed) -> Iterator[Finding]:
    """A feed has a title, its two addresses and items, an item its id (JSON Feed 1.1, Top-level, Items)."""
    for name in ("title", "home_page_url", "feed_url", "items"):
        if feed.get(name) in (None, ""):
            yield Finding("feed", f"no `{name}`", "Add it.")
    for where, item in _objects(feed, "items"):
        if not _text(item, "id"):
            yield Finding(where, "no `id`", "Add the permanent id, a string.")


def keys_are_known(feed: Feed) -> Iterator[Finding]:
    """A key is the specification's, or _, a letter and no dots (JSON Feed 1.1, Extensions)."""
    for where, place, known in _places(feed):
        for name in place:
            if name not in known and not _EXTENSION.fullmatch(name):
                yield Finding(where, f"the key {name!r} is unknown", "Correct it or make it an extension.")


def extensions_are_objects(feed: Feed) -> Iterator[Finding]:
    """An extension is an object whose keys have no dots (JSON Feed 1.1, Extensions)."""
    for where, place, _ in _places(feed):
        for name in filter(_EXTENSION.fullmatch, place):
            if not isinstance(extension := place[name], dict):
                yield Finding(where, f"`{name}` is not an object", "Put the value into one.")
            elif any("." in key for key in extension):
                yield Finding(where, f"a key of `{name}` holds a dot", "Rename the key.")


def values_have_their_types(feed: Feed) -> Iterator[Finding]:
    """Strings, lists and objects stand where readers expect them (JSON Feed 1.1, Top-level, Items)."""
    for where, place, known in _places(feed):
        for name in sorted(known & place.keys()):
            kind, called = _TYPES.get(name, (str, "a string"))
            if not isinstance(place[name], kind):
                yield Finding(where, f"`{name}` is not {called}", f"Write {called}.")
            elif name in _LISTS - {"tags"} and not all(isinstance(child, dict) for child in place[name]):
                yield Finding(where, f"`{name}` holds something else than objects", "Write objects.")


def addresses_are_absolute(feed: Feed) -> Iterator[Finding]:
    """Every address is absolute: a feed is read far from its site (JSON Feed 1.1, Top-level, Items)."""
    for where, place, known in _places(feed):
        for name in sorted(_ADDRESSES & known & place.keys()):
            if isinstance(place[name], str) and not is_absolute(place[name]):
                yield Finding(
                    where, f"`{name}` is not absolute: {place[name][:80]!r}", "Begin with https://."
                )


def next_page_is_another(feed: Feed) -> Iterator[Finding]:
    """next_url is not the feed itself, so that nobody reads in a circle (JSON Feed 1.1, next_url)."""
    if _text(feed, "next_url") and _text(feed, "next_url") == _text(feed, "feed_url"):
        yield Finding("feed", "`next_url` is `feed_url`", "Name the next older document or leave it out.")


def ids_are_ids(feed: Feed) -> Iterator[Finding]:
    """An id is an absolute address or a tag: URI (JSON Feed 1.1, id; RFC 4151 §2.1)."""
    for where, item in _objects(feed, "items"):
        if _text(item, "id") and not is_id(_text(item, "id")):
            yield Finding(where, f"`id` is not an id: {_text(item, 'id')!r}", "Write the permanent id.")


def ids_are_unique(feed: Feed) -> Iterator[Finding]:
    """No two items have one id (JSON Feed 1.1, id)."""
    first: dict[str, str] = {}
    for where, item in _objects(feed, "items"):
        name = _text(item, "id")
        if name and first.setdefault(name, where) != where:
            yield Finding(where, f"has the id of {first[name]}: {name!r}", "Give each item its own id.")


def items_have_content(feed: Feed) -> Iterator[Finding]:
    """An item has content_html, content_text or both (JSON Feed 1.1, content_html)."""
    for where, item in _objects(feed, "items"):
        if "content_html" not in item and "content_text" not in item:
            yield Finding(where, "neither `content_html` nor `content_text`", "Add one of them.")


def html_is_inert(feed: Feed) -> Iterator[Finding]:
    """content_html is complete, absolute and without scripts or styles (JSON Feed 1.1, content_html)."""
    for where, item in _objects(feed, "items"):
        yield from html_findings(f"{where} content_html", _text(item, "content_html"))


def dates_are_moments(feed: Feed) -> Iterator[Finding]:
    """Dates are RFC 3339, ours in UTC and whole seconds, in order (JSON Feed 1.1, date_published)."""
    for where, item in _objects(feed, "items"):
        published, modified = (_text(item, name) for name in ("date_published", "date_modified"))
        for name, moment in (("date_published", published), ("date_modified", modified)):
            if moment and not is_moment(moment):
                mend = "Write it in UTC, such as 2021-12-01T17:00:00Z."
                yield Finding(where, f"`{name}` is not a moment: {moment!r}", mend)
        if is_moment(published) and is_moment(modified) and modified < published:
            yield Finding(where, f"modified {modified} before published {published}", "Modify it later.")


def authors_say_something(feed: Feed) -> Iterator[Finding]:
    """An author has a name, a url or an avatar (JSON Feed 1.1, authors)."""
    for where, place, known in _places(feed):
        if known == _AUTHOR and not any(place.get(name) for name in _AUTHOR):
            yield Finding(where, "no `name`, `url` or `avatar`", "Add the name.")


def hubs_and_attachments_are_whole(feed: Feed) -> Iterator[Finding]:
    """A hub has type and url, an attachment url and mime_type (JSON Feed 1.1, hubs; attachments)."""
    for where, place, known in _places(feed):
        needed = ("type", "url") if known == _HUB else ("url", "mime_type") if known == _ATTACHMENT else ()
        yield from (Finding(where, f"no `{name}`", "Add it.") for name in needed if not _text(place, name))
        if (
            "mime_type" in needed
            and _text(place, "mime_type")
            and not is_media_type(_text(place, "mime_type"))
        ):
            yield Finding(where, f"`mime_type` is {_text(place, 'mime_type')!r}", "Write a media type.")


def tags_are_text(feed: Feed) -> Iterator[Finding]:
    """Tags are strings with something in them (JSON Feed 1.1, tags)."""
    for where, item in _objects(feed, "items"):
        if not all(isinstance(tag, str) and tag.strip() for tag in _list(item, "tags")):
            yield Finding(where, "a tag is empty or not a string", "Write the label of the topic.")


def language_is_a_tag(feed: Feed) -> Iterator[Finding]:
    """language is a language tag (JSON Feed 1.1, language; RFC 5646 §2.1)."""
    for where, place, _ in _places(feed):
        if isinstance(place.get("language"), str) and not is_language(place["language"]):
            yield Finding(where, f"`language` is no tag: {place['language']!r}", "Write one such as en-CA.")


def text_is_clean(feed: Feed) -> Iterator[Finding]:
    """Text holds no control characters, non-characters or halves of pairs (RFC 8259 §8.2, RFC 7493 §2.1)."""
    # A list of what is left and no recursion: extensions may be nested as deep as they like.
    left: list[tuple[str, Any]] = [(name, value) for name, value in feed.items() if name != "items"]
    left += [(f"item {number}", item) for number, item in enumerate(_list(feed, "items"), 1)]
    while left:
        where, value = left.pop()
        if isinstance(value, dict):
            left += [(where, child) for pair in value.items() for child in pair]
        elif isinstance(value, list):
            left += [(where, child) for child in value]
        elif isinstance(value, str) and (character := unclean_character(value)):
            yield Finding(where, f"holds {character}", "Clean the text when the post is read.")


RULES: tuple[Rule[Feed], ...] = (
    version_is_exact,
    required_keys_are_there,
    keys_are_known,
    extensions_are_objects,
    values_have_their_types,
    addresses_are_absolute,
    next_page_is_another,
    ids_are_ids,
    ids_are_unique,
    items_have_content,
    html_is_inert,
    dates_are_moments,
    authors_say_something,
    hubs_and_attachments_are_whole,
    tags_are_text,
    language_is_a_tag,
    text_is_clean,
)
