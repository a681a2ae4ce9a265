"""Finds the files of a site and reads them, with a limit on their size.

Only regular files are opened: a pipe waits for ever, a device never ends, a link may leave the site.
"""

import os
import re
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

from pprnet_feeds.content import text
from pprnet_feeds.content.problems import Problem, shown

SIZE_LIMIT = 1_048_576
# Some file systems count time in steps of two seconds.
GRAIN = 2_000_000_000
# Never follow a link, and never wait for the other end of a pipe, should the file have been replaced.
_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
_SIGNATURE = struct.Struct("<QqqQ")
# How the names of files begin that are hidden, or that editors leave behind.
PASSED_OVER = (".", "#")
_ALMOST = (".markdown", ".mdown", ".mkd", ".md.txt")
_LEFT_OVER = re.compile(r"~\$.*|.*(?:~|\.(?:sw[a-p]|tmp|bak|orig|part))|4913|Thumbs\.db|desktop\.ini", re.I)
# How the files of word processors begin, which somebody may save under the name of a post.
_DOCUMENTS = {
    b"PK\x03\x04": "a document of Word or of another word processor",
    b"\xd0\xcf\x11\xe0": "a document of an old Word (.doc)",
    b"{\\rtf": "a document of a word processor (.rtf)",
    b"%PDF-": "a PDF",
}
# What else people put beside posts, by the end of its name, and what can be done about it.
_RENAME = "Rename it so that it ends in .md, with front matter at its top, or move it out of posts/."
_IMPORT = "Make a post of it: pprnet-feeds import FILE; then move it out of posts/."
_COPY = "Copy its text into a post, which `pprnet-feeds new` begins, or move it out of posts/."
_UPLOAD = "Put it on a web server and write its whole address, https://…, into the post."
_KINDS = (
    (".qmd .rmd .mdx .rst .adoc .org .txt", "a text of another program", _RENAME),
    (".docx", "a document of a word processor", _IMPORT),
    (".doc .odt .rtf .pages .pdf", "a document of a word processor", _COPY),
    (".html .htm .xhtml .xml .json .ipynb", "a web page or the file of a program", _COPY),
    (".png .jpg .jpeg .gif .svg .webp .avif .heic .tif .tiff", "a picture", _UPLOAD),
)
_OTHER = ("another kind of file, or a link", "Move it out of posts/.")
# A file as a directory entry, which remembers its status, with its name; or why it cannot be read.
Found = tuple[os.DirEntry[str], str] | Problem


def name_of(path: str) -> str:
    """A path for people, also when its bytes are no text."""
    return shown(os.fsencode(path).decode("utf-8", "backslashreplace")).replace(os.sep, "/")


def read_text(path: Path, name: str, limit: int = SIZE_LIMIT) -> str | Problem:
    """The text of a file, called *name*, with line feeds, or why it cannot be read; *limit* is in bytes."""
    found = read_bytes(os.fspath(path), name, limit)
    return found if isinstance(found, Problem) else text_of(found[0], name)


def read_bytes(path: str, name: str, limit: int = SIZE_LIMIT) -> tuple[bytes, os.stat_result] | Problem:
    """All bytes of a file that did not change meanwhile, with its status, or why it cannot be read."""
    try:
        if fault := _unfit(os.lstat(path), name, limit):
            return fault
        descriptor = os.open(path, _FLAGS)
        try:
            before = os.fstat(descriptor)
            if fault := _unfit(before, name, limit):
                return fault
            # One byte more than there should be, to notice a file that grows.
            data = os.read(descriptor, before.st_size + 1)
            while len(data) < before.st_size and (more := os.read(descriptor, before.st_size - len(data))):
                data += more
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        mend = "Put it back, or take it from the project's history."
        return Problem(name, 0, 0, "the file is missing", mend)
    except OSError as error:
        what = f"the file cannot be opened: {error.strerror or 'no reason was given'}"
        return Problem(name, 0, 0, what, "Let this program read it, for example with chmod 644.")
    if len(data) == before.st_size and signature(before) == signature(after):
        return data, before
    mend = "Save it once more; it is read again then."
    return Problem(name, 0, 0, "the file was changed while it was read", mend)


def text_of(data: bytes, name: str) -> str | Problem:
    """The text of a file's bytes, with line feeds, or why they are none."""
    for start, kind in _DOCUMENTS.items():
        if data.startswith(start):
            mend = (
                "Save it in that program as a .docx file, outside posts/, and type: "
                "pprnet-feeds import FILE.docx; then take this file away."
            )
            return Problem(name, 0, 0, f"this is {kind}, whatever its name says", mend)
    try:
        return text.decode(data)
    except ValueError as reason:
        mend = "Save it as UTF-8; most editors ask for the encoding under Save As."
        return Problem(name, 0, 0, f"the file is not UTF-8 text: {reason}", mend)


def signature(status: os.stat_result) -> bytes:
    """Size, times and inode: they change when a file is written, but not within one step of the clock."""
    return _SIGNATURE.pack(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def signature_of(entry: os.DirEntry[str]) -> bytes:
    """The signature of a file; empty when it is there no more."""
    try:
        return signature(entry.stat(follow_symlinks=False))
    except OSError:
        return b""


def feeds_signatures(folder: Path) -> dict[str, bytes]:
    """The signature of each file of ``feeds/``, by its name."""
    try:
        with os.scandir(folder / "feeds") as entries:
            return {
                f"feeds/{entry.name}": signature_of(entry)
                for entry in entries
                if not entry.name.startswith(PASSED_OVER) and not entry.is_dir()
            }
    except OSError:
        return {}


def written(signature: bytes) -> float:
    """When a file of this *signature* was last written, as Unix time; 0 for an empty one."""
    return _SIGNATURE.unpack(signature)[1] / 1e9 if signature else 0.0


def _unfit(status: os.stat_result, name: str, limit: int) -> Problem | None:
    if stat.S_ISLNK(status.st_mode):
        return Problem(name, 0, 0, "a symbolic link is not followed", "Put the file itself here.")
    if not stat.S_ISREG(status.st_mode):
        return Problem(name, 0, 0, "this is not a regular file", "Take it out of this folder.")
    if status.st_size <= limit:
        return None
    mend = "Put pictures and data elsewhere, and link to them."
    return Problem(name, 0, 0, f"the file is larger than {limit / (1 << 20):g} MB", mend)


def entries(site: Path, *, report_others: bool = False) -> Iterator[Found]:
    """Every post file below ``posts/`` with its name, or why it is none; in no particular order.

    Hidden files and left-overs are ignored. With *report_others* every file that is no post is a warning.
    """
    folders = [os.fspath(site / "posts")]
    while folders:
        folder = folders.pop()
        name = name_of(os.path.relpath(folder, site))
        try:
            with os.scandir(folder) as listed:
                found = list(listed)
        except (FileNotFoundError, NotADirectoryError):
            mend = "Create it, and put one .md file a post in it."
            yield Problem(name, 0, 0, "the folder of posts is missing", mend)
            continue
        except OSError as error:
            what = f"the folder cannot be read: {error.strerror or 'no reason was given'}"
            yield Problem(name, 0, 0, what, "Let this program read it, for example with chmod 755.")
            continue
        for entry in found:
            own = entry.name
            if own.startswith(PASSED_OVER):
                continue
            if own.endswith(".md") and shown(own) == own:
                yield entry, f"{name}/{own}"
            elif not own.endswith(".md") and entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif fault := _misnamed(own, f"{name}/{name_of(own)}", report_others):
                yield fault


def _misnamed(own: str, whole: str, report_others: bool) -> Problem | None:
    """Why a file that was surely meant as a post is not read; with *report_others* why any file is not."""
    if own.endswith(".md"):
        mend = "Rename it with small letters, digits and hyphens, such as 2026-03-burnout.md."
        return Problem(whole, 0, 0, "the file's name holds characters that cannot be shown", mend)
    if own.lower().endswith((".md", *_ALMOST)):
        what = "the file's name does not end in .md, so it is no post"
        return Problem(whole, 0, 0, what, "Rename it so that it ends in .md.", warning=True)
    if report_others and not _LEFT_OVER.fullmatch(own):
        fits = ((kind, mend) for ends, kind, mend in _KINDS if own.lower().endswith(tuple(ends.split())))
        kind, mend = next(fits, _OTHER)
        what = f"this is {kind}: only .md files are posts"
        return Problem(whole, 0, 0, what, mend.replace("FILE", whole), warning=True)
    return None
