"""Opening files that strangers may have put there.

The folder of posts is written by people, editors' programs and whoever
unpacks an archive in it. Only regular files of a bounded size are opened:
a named pipe would wait for ever, a device never ends, and a link may lead to
what is nobody's business.
"""

from __future__ import annotations

import os
import re
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

from pprnet_feeds.content import characters
from pprnet_feeds.content.problems import Problem, shown

SIZE_LIMIT = 1_048_576
# Some file systems count time in steps of two seconds.
GRAIN = 2_000_000_000
# Never through a link, and never waiting for the other end of a pipe that came in between.
_FLAGS = os.O_RDONLY
for _flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):
    _FLAGS |= getattr(os, _flag, 0)
_SIGNATURE = struct.Struct("<QqqQ")
# How the names of files begin that are hidden, or that editors leave behind.
PASSED_OVER = (".", "#")
_ALMOST = (".markdown", ".mdown", ".mkd", ".md.txt")
_LEFT_OVER = re.compile(
    r"~\$.*|.*(?:~|\.(?:sw[a-p]|tmp|bak|orig|part))|4913|Thumbs\.db|desktop\.ini", re.IGNORECASE
)
# What else people put beside posts, by the end of its name, and what can be done about it.
_RENAME = "Rename it so that it ends in .md, with front matter at its top, or move it out of posts/."
_COPY = "Copy its text into a post, which `pprnet-feeds new` begins, or move it out of posts/."
_UPLOAD = "Put it on a web server and write its whole address, https://…, into the post."
_KINDS = (
    ((".qmd", ".rmd", ".mdx", ".rst", ".adoc", ".org", ".txt"), "a text of another program", _RENAME),
    ((".docx", ".doc", ".odt", ".rtf", ".pages", ".pdf"), "a document of a word processor", _COPY),
    ((".html", ".htm", ".xhtml", ".xml", ".json", ".ipynb"), "a web page or the file of a program", _COPY),
    (
        (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".avif", ".heic", ".tif", ".tiff"),
        "a picture",
        _UPLOAD,
    ),
    (("",), "another kind of file, or a link", "Move it out of posts/."),
)


Entry = os.DirEntry[str]


def name_of(path: str) -> str:
    """A path for people, also when its bytes are no text."""
    return shown(os.fsencode(path).decode("utf-8", "backslashreplace")).replace(os.sep, "/")


def read_text(path: Path, name: str, limit: int = SIZE_LIMIT) -> str | Problem:
    """The text of a file, with line feeds, or why it cannot be read.

    *name* is what the file is called in a problem; *limit* is in bytes.
    """
    found = read_bytes(os.fspath(path), name, limit)
    return found if isinstance(found, Problem) else decode(found[0], name)


def read_bytes(path: str, name: str, limit: int = SIZE_LIMIT) -> tuple[bytes, os.stat_result] | Problem:
    """All bytes of a file that nobody wrote to meanwhile, with its status, or why it cannot be read."""
    try:
        if fault := _unfit(os.lstat(path), name, limit):
            return fault
        descriptor = os.open(path, _FLAGS)
        try:
            before = os.fstat(descriptor)
            if fault := _unfit(before, name, limit):
                return fault
            data = _all_of(descriptor, before.st_size, limit)
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        return Problem(
            name, 0, 0, "the file is missing", "Put it back, or take it from the project's history."
        )
    except OSError as error:
        what = f"the file cannot be opened: {error.strerror or 'no reason was given'}"
        return Problem(name, 0, 0, what, "Let this program read it, for example with chmod 644.")
    if len(data) > limit:
        return _too_large(name, limit)
    if len(data) != before.st_size or signature(before) != signature(after):
        mend = "Save it once more; it is read again then."
        return Problem(name, 0, 0, "the file was changed while it was read", mend)
    return data, before


def decode(data: bytes, name: str) -> str | Problem:
    """The text of a file's bytes, with line feeds, or why they are none."""
    try:
        return characters.decode(data)
    except ValueError as reason:
        mend = "Save it as UTF-8; most editors ask for the encoding under Save As."
        return Problem(name, 0, 0, f"the file is not UTF-8 text: {reason}", mend)


def signature(status: os.stat_result) -> bytes:
    """What moves when a file is written or another takes its place, but for the grain of the clock."""
    return _SIGNATURE.pack(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def written(signature: bytes) -> float:
    """When a file of this *signature* was last written, as Unix time; 0 for an empty one."""
    return _SIGNATURE.unpack(signature)[1] / 1e9 if signature else 0.0


def _all_of(descriptor: int, size: int, limit: int) -> bytes:
    """What can be read, to the end of the file or somewhat beyond the limit."""
    data = os.read(descriptor, size + 1)
    if len(data) == size:
        return data
    parts = [data]
    while parts[-1] and sum(map(len, parts)) <= limit:
        parts.append(os.read(descriptor, SIZE_LIMIT))
    return b"".join(parts)


def _unfit(status: os.stat_result, name: str, limit: int) -> Problem | None:
    if stat.S_ISLNK(status.st_mode):
        return Problem(name, 0, 0, "a symbolic link is not followed", "Put the file itself here.")
    if not stat.S_ISREG(status.st_mode):
        return Problem(name, 0, 0, "this is not a regular file", "Take it out of this folder.")
    return _too_large(name, limit) if status.st_size > limit else None


def _too_large(name: str, limit: int) -> Problem:
    mend = "Put pictures and data elsewhere, and link to them."
    return Problem(name, 0, 0, f"the file is larger than {limit >> 20} MB", mend)


def post_files(site: Path) -> Iterator[tuple[Path, str] | Problem]:
    """Every post file below ``posts/`` with its name, or why it is none; in no particular order.

    Hidden files and what editors leave behind are passed over in silence.
    """
    for found in entries(site):
        yield found if isinstance(found, Problem) else (Path(found[0].path), found[1])


def entries(site: Path, *, strangers: bool = False) -> Iterator[tuple[Entry, str] | Problem]:
    """The same as entries of their folders, which are cheap to ask for their status.

    With *strangers* there is a warning of every file that is no post.
    """
    folders = [os.fspath(site / "posts")]
    while folders:
        folder = folders.pop()
        name = name_of(os.path.relpath(folder, site))
        try:
            with os.scandir(folder) as listed:
                found = list(listed)
        except (FileNotFoundError, NotADirectoryError):
            yield Problem(
                name, 0, 0, "the folder of posts is missing", "Create it, and put one .md file a post in it."
            )
            continue
        except OSError as error:
            what = f"the folder cannot be read: {error.strerror or 'no reason was given'}"
            yield Problem(name, 0, 0, what, "Let this program read it, for example with chmod 755.")
            continue
        for entry in found:
            own = entry.name
            if own.startswith(PASSED_OVER):
                continue
            is_post = own.endswith(".md")
            if is_post and own.isascii() and own.isprintable():
                yield entry, f"{name}/{own}"
            elif not is_post and entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif fault := misnamed(own, f"{name}/{name_of(own)}", strangers=strangers):
                yield fault
            elif is_post:
                yield entry, f"{name}/{own}"


def misnamed(name: str, whole: str, *, strangers: bool = False) -> Problem | None:
    """Why a file that was surely meant as a post is not read; with *strangers* why any file is not."""
    if name.lower().endswith((".md", *_ALMOST)) and not name.endswith(".md"):
        what, mend = "the file's name does not end in .md", "Rename it so that it ends in .md."
        return Problem(whole, 0, 0, f"{what}, so it is no post", mend, warning=True)
    if strangers and not name.endswith(".md") and not _LEFT_OVER.fullmatch(name):
        kind, mend = next((kind, mend) for ends, kind, mend in _KINDS if name.lower().endswith(ends))
        return Problem(whole, 0, 0, f"this is {kind}: only .md files are posts", mend, warning=True)
    if name.endswith(".md") and shown(name) != name:
        mend = "Rename it with small letters, digits and hyphens, such as 2026-03-burnout.md."
        return Problem(whole, 0, 0, "the file's name holds characters that cannot be shown", mend)
    return None
