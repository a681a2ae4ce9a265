"""The rules for hosts that read ``_headers`` and ``_redirects``: Netlify, Cloudflare and others.

Both read a line the same way, with two differences that matter. Cloudflare
joins the values of a field that two rules give, so no address may match two
rules that name one field; and it takes a limited number of rules. Netlify lets
a file win over a rule, so no file may stand where a redirect begins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from pprnet_feeds.publishing.exporting.addresses import Moved, guessed, guessed_files
from pprnet_feeds.publishing.exporting.kinds import GUESSED_RULES, Fields, Kind
from pprnet_feeds.syndication.urls import GUESSED

HEADERS, REDIRECTS = "_headers", "_redirects"
# What Cloudflare Pages reads of each file: rules with header fields, plain redirects, those with a pattern.
MOST_HEADERS, MOST_PLAIN, MOST_PATTERNS = 100, 2000, 100

_GUESSABLE = ("/", "/issues/", "/corrections/", "/topics/:a/", "/research/:a/", "/issues/:a/")


def draw_headers(kinds: Mapping[Kind, Fields], base_url: str) -> bytes:
    """Draw ``_headers``: what all answers have in common, and then what each kind has of its own."""
    prefix = urlsplit(base_url).path
    # What a host decides by itself.
    own = [[field for field in fields.always if field[0] != "vary"] for fields in kinds.values()]
    shared = [field for field in own[0] if all(field in others for others in own)]
    blocks = [_block(f"{prefix}/*", shared)]
    for (kind, fields), its in zip(kinds.items(), own, strict=True):
        page = fields.media_type.startswith("text/html")
        said = [] if page else [("content-type", fields.media_type)]
        said += [field for field in its if field not in shared] if page else []
        blocks += [_block(prefix + rule, said) for rule in kind.rules]
        if kind.rules in (("/*.atom",), ("/*.rss",)):
            blocks += [_block(prefix + rule, said) for rule in GUESSED_RULES[f"feed.{kind.rules[0][3:]}"]]
    return "".join(blocks).encode()


def draw_redirects(moves: Sequence[Moved], base_url: str) -> bytes:
    """Draw ``_redirects``: former addresses, and guessed ones where no file stands. Plain ones come first."""
    prefix = urlsplit(base_url).path
    lines = []
    for move in moves:
        bare = move.former.rstrip("/")
        lines.append(f"{prefix}{bare} {prefix}{move.now} 301")
        if move.now.endswith("/") and not move.whole:
            lines.append(f"{prefix}{bare}/ {prefix}{move.now} 301")
        if move.whole:
            lines.append(f"{prefix}{bare}/* {prefix}{move.now}:splat 301")
    for folder in _GUESSABLE:
        for name in dict.fromkeys(f"feed.{form}" for form in GUESSED.values()):
            feed = f"{folder.replace(':a', 'a')}{name}"
            for guess in set(guessed(feed)) - set(guessed_files(feed)):
                end = guess.removeprefix(folder.replace(":a", "a"))
                lines.append(f"{prefix}{folder}{end} {prefix}{folder}{name} 200")
    # A former topic is no topic: what is below it has moved, before anything there is guessed.
    lines.sort(key=lambda line: (_is_pattern(line), line.endswith(" 200"), line))
    return "".join(f"{line}\n" for line in lines).encode()


def over_the_limits(headers: bytes, redirects: bytes) -> bool:
    """Whether Cloudflare would pass over some of the rules."""
    lines = redirects.decode().splitlines()
    patterns = sum(map(_is_pattern, lines))
    rules = headers.decode().count("\n/") + 1
    return rules > MOST_HEADERS or patterns > MOST_PATTERNS or len(lines) - patterns > MOST_PLAIN


def _is_pattern(line: str) -> bool:
    source = line.partition(" ")[0]
    return "*" in source or ":" in source


def _block(rule: str, fields: Sequence[tuple[str, str]]) -> str:
    return f"{rule}\n" + "".join(f"  {name}: {value}\n" for name, value in fields) + "\n" if fields else ""
