"""The rules for nginx, as a file to include in a `server` block.

They answer as the service does: types, header fields, guessed and former
addresses, 404 and 410. What stands in variables is only what a pattern of ours
let through, so that nothing of a stranger's gets into a header line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from pprnet_feeds.publishing.exporting.addresses import Moved
from pprnet_feeds.publishing.exporting.kinds import Fields, Kind
from pprnet_feeds.publishing.exporting.notices import MISSING, WITHDRAWN
from pprnet_feeds.serving.response import ERROR
from pprnet_feeds.syndication.urls import GUESSED, POST_FORMATS

FILE = "nginx.conf"

_HEAD = """\
# Made by `pprnet-feeds build`; the next build replaces it. In a server block:
#
#     root ROOT;  # the folder of the build is ROOT%(prefix)s
#     include ROOT%(prefix)s/.pprnet-feeds/nginx.conf;
#     brotli_static on;  # where nginx has the module
gzip_static on;
gzip_vary off;  # Vary is among the fields below
etag on;
max_ranges 0;
"""
# The folders below which a feed is guessed.
_FOLDER = "/(?:(?:topics|research)/[a-z0-9-]+/|issues/|corrections/)?"
# What was below the page of a month: feeds, files of citations and a frame.
_OF_MONTHS = (
    "/issues/[0-9]{4}-[0-9]{2}/(?:embed|(?:archive/[0-9]{4}/)?(?:[a-z]+[.][a-z.]+|feed/?|rss/?|atom))"
)


def draw_nginx(
    kinds: Mapping[Kind, Fields], moves: Sequence[Moved], gone: Sequence[str], base_url: str
) -> bytes:
    """Draw the file; *kinds* in the order in which they count."""
    prefix = urlsplit(base_url).path
    parts = [_HEAD % {"prefix": prefix}]
    parts += [_gone(prefix, path) for path in gone]
    parts.append(_location(f"~ {_quoted(f'^{prefix}{_OF_MONTHS}$')}", ["    return 410;"]))
    parts += [_moved(prefix, base_url, move) for move in moves]
    for name, form in (("feed.atom", "atom"), ("feed.rss", "rss")):
        fields = next((it for kind, it in kinds.items() if re.fullmatch(kind.pattern, f"/{name}")), None)
        guesses = "|".join(re.escape(guess) for guess, its in GUESSED.items() if its == form)
        if fields:
            canonical = '<{}>; rel="canonical"'.format(f"{base_url}{{}}")
            guessed = Fields(fields.media_type, fields.shown_as, fields.always, f"{fields.link}, {canonical}")
            parts.append(
                _answer(f"^{re.escape(prefix)}({_FOLDER})(?:{guesses})$", f"$1{name}", guessed, prefix)
            )
    for kind, fields in kinds.items():
        parts.append(_answer(f"^{re.escape(prefix)}{kind.pattern}$", "$1", fields, prefix, _file(kind)))
    parts.append(_rest(prefix, base_url, kinds))
    return "\n".join(parts).encode()


def _file(kind: Kind) -> str:
    """The end of the file's name, after the address that the pattern's group gives."""
    if kind.pattern.endswith("embed"):
        return "embed.html"
    return "index.html" if kind.pattern.endswith("/)") else ""


def _answer(pattern: str, named: str, fields: Fields, prefix: str, file_end: str = "") -> str:
    # A hub's address may hold a dollar, which nginx would take for the name of a variable.
    link = fields.link.replace("$", "%24").replace("{}", named)
    lines = [f"    set $pprnet_file {_quoted(f'{prefix}{named}{file_end}')};"]
    lines += [f"    set $pprnet_link {_quoted(link)};"] if link else []
    shown = fields.shown_as != fields.media_type
    if shown:
        # The only way to another type for the same file: an inner place of its own.
        lines.append("    error_page 418 = @pprnet_shown;")
        lines.append('    if ($http_sec_fetch_dest = "document") { return 418; }')
        lines.append(_errors(prefix))
    return _location(f"~ {_quoted(pattern)}", [*lines, *_sent(fields.media_type, fields, bool(link))])


def _sent(media_type: str, fields: Fields, link: bool) -> list[str]:
    headers = [f"    add_header {name} {_quoted(value)};" for name, value in fields.always]
    return [
        "    types { }",
        f"    default_type {_quoted(media_type)};",
        *headers,
        *(["    add_header link $pprnet_link;"] if link else []),
        "    try_files $pprnet_file =404;",
    ]


def _moved(prefix: str, base_url: str, move: Moved) -> str:
    if move.whole:
        bare = move.former.rstrip("/")
        slash = _location(f"= {_quoted(prefix + bare)}", [_redirect(base_url + move.now)])
        rest = f"~ {_quoted(f'^{re.escape(prefix + move.former)}([a-z0-9/.-]*)$')}"
        return slash + _location(rest, [_redirect(f"{base_url}{move.now}$1")])
    former = re.escape(prefix + move.former)
    slash = "/?" if move.now.endswith("/") else ""
    return _location(f"~ {_quoted(f'^{former}{slash}$')}", [_redirect(base_url + move.now)])


def _gone(prefix: str, path: str) -> str:
    ends = "|".join(re.escape(form) for form in POST_FORMATS)
    return _location(f"~ {_quoted(f'^{re.escape(prefix + path)}(?:/|[.](?:{ends}))?$')}", ["    return 410;"])


def _redirect(address: str) -> str:
    fields = "".join(f"    add_header {name} {_quoted(value)};\n" for name, value in _MOVED.items())
    return f"{fields}    return 301 {_quoted(address)};"


def _rest(prefix: str, base_url: str, kinds: Mapping[Kind, Fields]) -> str:
    """Whatever is none of ours, pages without their slash, and what an error looks like."""
    shown = next((fields for fields in kinds.values() if fields.shown_as != fields.media_type), None)
    parts = [_errors(prefix).replace("    ", "")]
    # A folder that is there has no strange name.
    bare = [f"    if (-d $request_filename) {{ {_redirect_line(base_url, prefix)} }}", "    return 404;"]
    parts.append(_location(f"{prefix}/", bare))
    parts.append(
        _location(f"~ {_quoted(f'^{re.escape(prefix)}/subscribe$')}", _error(f"{prefix}/subscribe.html", ""))
    )
    for name in (MISSING, WITHDRAWN):
        parts.append(_location(f"= {prefix}/{name}", ["    internal;", *_error("", " always")]))
    if shown:
        # nginx has one tag for a file, whatever the type: a browser would go on with the type it saw first.
        parts.append(_location("@pprnet_shown", ["    etag off;", *_sent(shown.shown_as, shown, True)]))
    return "\n".join(parts)


def _redirect_line(base_url: str, prefix: str) -> str:
    # The pattern keeps the base's own path from being repeated.
    return f"rewrite {_quoted(f'^{re.escape(prefix)}(/.*[^/])$')} {_quoted(f'{base_url}$1/')} permanent;"


def _error(file: str, always: str) -> list[str]:
    fields = [f"    add_header {name} {_quoted(value)}{always};" for name, value in _ERROR.items()]
    found = [f"    try_files {file} =404;"] if file else []
    return ["    types { }", '    default_type "text/html; charset=utf-8";', *fields, *found]


def _errors(prefix: str) -> str:
    return f"    error_page 404 {prefix}/{MISSING};\n    error_page 410 {prefix}/{WITHDRAWN};"


_MOVED = ERROR | {"cache-control": "max-age=86400"}
# As the service says of an error, but that the page may use the style sheet.
_ERROR = ERROR | {
    "content-security-policy": "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'"
}


def _location(where: str, lines: Sequence[str]) -> str:
    return f"location {where} {{\n" + "\n".join(lines) + "\n}\n"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
