"""Write a post file: values as YAML, names as slugs, and never over another file."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import chain, count
from pathlib import Path

from pprnet_feeds.content import fields
from pprnet_feeds.content.fields import Faults
from pprnet_feeds.content.keys import POST
from pprnet_feeds.content.model import Citation, Site
from pprnet_feeds.content.post import read_post
from pprnet_feeds.content.slugs import RESERVED, SLUG_LENGTH, slug_like
from pprnet_feeds.content.yaml import Mapping, Scalar, Value, read_front_matter

# The braces that open and close; those in quotation marks do not count.
_FLOW = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\']|\'\')*\'|[{}]')

_LEFTOVER = re.compile(r"\..+\.(?:md|yaml)\.([0-9]{1,10})")


def quote(text: str) -> str:
    """*text*, clean and of one line, as a YAML value that reads as exactly the same.

    A JSON string is a double-quoted YAML scalar (YAML 1.2 §1.3), except for a byte order mark.
    """
    return json.dumps(text, ensure_ascii=False).replace("\ufeff", "\\ufeff")


def list_lines(key: str, items: Iterable[str]) -> list[str]:
    """The lines of a key with a list of YAML values; none without *items*."""
    lines = [f"  - {item}" for item in items]
    return [f"{key}:", *lines] if lines else []


def citation_lines(cites: Iterable[Citation]) -> list[str]:
    """The lines of the key ``cites``, each work with its reference as printed first."""
    return list_lines("cites", map(_citation, cites))


def with_citation(text: str, file: str, site: Site, old: Citation, new: Citation) -> str | None:
    """The *text* of a post file with the cited work *new* instead of *old*; None where that takes an editor.

    Comments and the order of keys stay, as far as the works are not in one pair of brackets.
    """
    if "\r" in text:
        done = with_citation(text.replace("\r\n", "\n").replace("\r", "\n"), file, site, old, new)
        return done and done.replace("\n", re.findall("\r\n|\r|\n", text)[0])
    before, _ = read_post(text, file, site)
    place = before.cites.index(old) if before and old in before.cites else -1
    item = cited_value(text, file, place)
    if before is None or item is None or place < 0:  # somebody edited it meanwhile
        return None
    was = asdict(old)
    keys = {key: _line(key, part) if part else "" for key, part in asdict(new).items() if part != was[key]}
    cites = tuple(new if number == place else cite for number, cite in enumerate(before.cites))
    for attempt in (_in_block(text, item, keys), _in_braces(text, item, keys), _rewritten(text, cites)):
        after, _ = read_post(attempt, file, site)
        if after and after.but(body_line=before.body_line) == before.but(cites=cites):
            return attempt
    return None


def cited_value(text: str, file: str, place: int) -> Value | None:
    """The work at *place* in the front matter of a post file, with its position."""
    header, faults = read_front_matter(text, file).header, Faults(file)
    found = fields.known(header, POST, faults).get("cites") if header else None
    items = fields.values(found[0][1]) if found else ()
    return items[place] if place < len(items) else None


def _in_block(text: str, item: Value, keys: dict[str, str]) -> str:
    """The text with lines for *keys* in a mapping without brackets; a reference alone becomes one."""
    lines, start, column = text.split("\n"), item.line - 1, item.column - 1
    if isinstance(item, Scalar):
        lines[start] = f"{lines[start][:column]}text: {lines[start][column:]}"
    there = item.entries if isinstance(item, Mapping) else {}
    end = _end(lines, start, column)
    lines[end:end] = [" " * column + line for key, line in keys.items() if line and key not in there]
    for key, (name, _) in reversed(there.items()):
        if key in keys:
            at = name.line - 1
            new = [lines[at][:column] + keys[key]] if keys[key] else []
            lines[at : _end(lines, at, column + 1)] = new
    return "\n".join(lines)


def _end(lines: Sequence[str], start: int, column: int) -> int:
    """The place after the last line, from *start* on, that is indented to *column*; comments may follow."""
    end = place = start + 1
    while place < len(lines) and (not lines[place][:column].strip() or lines[place].lstrip()[:1] == "#"):
        place += 1
        end = place if lines[place - 1].strip() and lines[place - 1].lstrip()[0] != "#" else end
    return end


def _in_braces(text: str, item: Value, keys: dict[str, str]) -> str:
    """The text with new *keys* in a mapping within braces."""
    start = sum(len(line) + 1 for line in text.split("\n")[: item.line - 1]) + item.column - 1
    depth = 0
    for token in _FLOW.finditer(text, start):
        depth += {"{": 1, "}": -1}.get(token[0], 0)
        if depth == 0:
            added = "".join(f", {line}" for line in keys.values())
            return text[: token.start()].rstrip(" ,") + added + text[token.start() :]
    return text


def _rewritten(text: str, cites: Iterable[Citation]) -> str:
    """The text with all works written again."""
    lines = text.split("\n")
    names = tuple(f"{name}:" for name, key in POST.items() if key.name == "cites")
    start = next((place for place, line in enumerate(lines) if line.startswith(names)), 0)
    lines[start : _end(lines, start, 1)] = citation_lines(cites)
    return "\n".join(lines)


def _citation(cite: Citation) -> str:
    lines = []
    for key, value in asdict(cite).items():
        if isinstance(value, tuple):
            lines += list_lines(key, map(quote, value))
        elif value:
            lines.append(_line(key, value))
    return "\n    ".join(lines)


def _line(key: str, value: str | dict[str, str]) -> str:
    if isinstance(value, str):
        return f"{key}: {value if key in ('year', 'type', 'kind', 'date') else quote(value)}"
    return f"{key}: {{{', '.join(_line(name, part) for name, part in value.items() if part)}}}"


def slug_of(title: str, most: int = SLUG_LENGTH) -> str:
    """A slug cut at a word, never an address of ours; ``post`` when ASCII can write nothing of *title*."""
    # A dash or slash divides words; an apostrophe does not.
    slug = slug_like(re.sub(r"[^\w'’]", " ", title))
    if len(slug) > most:
        slug = slug[: most + 1].rpartition("-")[0] or slug[:most]
    return f"about-{slug}" if slug in RESERVED else slug or "post"


def stems(month: str, title: str) -> Iterator[str]:
    """Names for the file of a post, the best first: ``2022-01-burnout``, then with ``-2``, ``-3``, …"""
    for number in count(1):
        ending = f"-{number}" if number > 1 else ""
        yield f"{month}-{slug_of(title, SLUG_LENGTH - len(month) - 1 - len(ending))}{ending}"


def write_file(path: Path, text: str, *, over: bool = False) -> None:
    """Write a file, *over* one that is there or not; other programs see all of it or what was there before.

    Raises FileExistsError when something has that name, and OSError when it cannot be written.
    """
    # Hidden, so that it is no post; a program that is killed here may leave it behind.
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if not over:
            try:
                os.link(temporary, path)  # unlike a renaming, it never replaces a file
                return
            except (FileExistsError, FileNotFoundError):
                raise
            except OSError:
                # Some file systems have no links: there an empty file takes the name first.
                os.close(os.open(path, os.O_CREAT | os.O_EXCL))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what a run that was killed had begun to write, unless the process of that number still runs."""
    if os.name != "posix":  # there, os.kill would end the process
        return
    for path in chain(folder.glob("posts/.*"), folder.glob("feeds/.*")):
        found = _LEFTOVER.fullmatch(path.name)
        if found and path.is_file() and not path.is_symlink():
            try:
                os.kill(int(found[1]), 0)
            except (ProcessLookupError, OverflowError):
                path.unlink(missing_ok=True)
            except PermissionError:
                pass  # it runs, and is somebody else's
