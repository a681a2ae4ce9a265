"""Which kind of file a source is, and what it holds: its first characters decide, not its name."""

import re
from dataclasses import replace
from pathlib import Path

from pprnet_feeds.content.model import Site
from pprnet_feeds.content.text import clean_with_problems, decode
from pprnet_feeds.importing.blogpage import read_page
from pprnet_feeds.importing.feeds import read_feed, read_json_feed
from pprnet_feeds.importing.folders import read_blog_folder
from pprnet_feeds.importing.html import blocks_of_text, blocks_of_tree, parse
from pprnet_feeds.importing.source_post import Source, Watch, unread
from pprnet_feeds.importing.word import DAMAGED, PROTECTED, SAVE, read_word_file

SIZE_LIMIT = 50_000_000

_HTML = re.compile(r"<!doctype html|<html[\s>]|<(?:body|div|p|h[1-6]|main|article)(?:\s[^<>]*)?>", re.I)
# The first element below comments and declarations.
_ROOT = re.compile(r"(?=<)(?><!--.*?(?:-->|\Z)|<[?!]|[^<]+)*+<([a-z][\w.:-]*)", re.IGNORECASE | re.DOTALL)
_HEAD = 100_000
_ENCODING = re.compile(
    rb"<(?:\?xml\s[^<>]{0,100}?encoding|meta\s[^<>]{0,100}?charset)\s*=\s*[\"']?([\w-]{1,20})", re.IGNORECASE
)
# As browsers read them (WHATWG Encoding Standard §4.2).
_MEANT = {"iso-8859-1": "cp1252", "us-ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030"}
# What a file is that is no text, by how it begins, and what to do with it.
_COMPRESSED = ("a compressed file", "Unpack it, and import what is in it.")
_PICTURE = ("a picture", "Put it on the web, and write ![what it shows](its address) into a post.")
_KINDS = {
    b"{\\rtf": ("a file in Rich Text Format (.rtf)", SAVE),
    b"%PDF": ("a PDF file", "Import the Word file or the page that it was made of."),
    b"\x89PNG": _PICTURE,
    b"\xff\xd8\xff": _PICTURE,
    b"GIF8": _PICTURE,
    b"RIFF": _PICTURE,
    b"\x1f\x8b": _COMPRESSED,
    b"Rar!": _COMPRESSED,
    b"7z\xbc\xaf": _COMPRESSED,
    b"SQLite format 3": ("a database", "Export the posts from the program that it is of."),
}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # older Office files, and newer ones with a password


def read_source(path: Path, name: str, site: Site, date: str, this_month: str, watch: Watch = iter) -> Source:
    """What the file holds, which is called *name* in problems; without posts a problem says why.

    A Word file has no date: its post has *date* or, when that is empty, *this_month*.
    """
    try:
        if path.is_dir():
            return read_blog_folder(path, name, site, watch)
        if path.exists() and not path.is_file():
            return unread(name, "this is not a regular file", "Give the file itself.")
        with path.open("rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        what = f"the file cannot be opened: {error.strerror or 'no reason was given'}"
        return unread(name, what, "Look whether it is there and may be read.")
    if len(data) > SIZE_LIMIT:
        return unread(name, "the file is larger than 50 MB", "Export a part of it at a time.")
    if data.startswith(b"PK\x03\x04"):
        return read_word_file(data, name, date, this_month)
    if data.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in data:
            return unread(name, *PROTECTED)
        return unread(name, "this is an Office file of the old kind, such as .doc", SAVE)
    for beginning, (kind, mend) in _KINDS.items():
        if data.startswith(beginning):
            return unread(name, f"this is {kind}, which cannot be imported", mend)
    if data and path.suffix.lower() == ".docx":
        return unread(name, *DAMAGED)
    try:
        text = decode(data)
    except ValueError as reason:
        found = _ENCODING.search(data[:2_000])
        declared = found[1].decode().lower() if found else "utf-8"
        try:
            text = data.decode(_MEANT.get(declared, declared))
        except (LookupError, ValueError):
            what = f"the file is not UTF-8 text: {reason}"
            if found and declared != "utf-8":
                what = f"the file says that it is text in {declared}, and it is not"
            return unread(name, what, "Save it as UTF-8; most programs ask for the encoding under Save As.")
    text, dropped = clean_with_problems(text, name)
    source = read_text(text, name, site, watch)
    return replace(source, problems=tuple(sorted([*dropped, *source.problems])))


def read_text(text: str, name: str, site: Site, watch: Watch = iter) -> Source:
    """What a text holds, of whichever kind it is."""
    start = text.lstrip()[:_HEAD]
    if not start:
        return unread(name, "the file is empty", "Save it again.")
    if start[0] in "{[":
        return read_json_feed(text, name, site, watch)
    if re.match(r"(?:---|\+\+\+)[ \t]*\n", start):
        mend = "Import the folder of its blog; or, if it is written for here, move it to posts/."
        return unread(name, "this is a single post in Markdown", mend)
    root = found[1].lower() if (found := _ROOT.match(start)) else ""
    is_feed = root in ("rss", "feed", "rdf:rdf") or root.endswith(":feed")
    if is_feed or (start.startswith("<?xml") and root != "html"):
        return read_feed(text, name, site, watch)
    return read_page(blocks_of_tree(parse(text), text) if _HTML.search(start) else blocks_of_text(text), name)
